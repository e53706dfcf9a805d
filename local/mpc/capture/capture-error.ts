/** Why no picture could be taken. */
export type CaptureFailure =
  | 'no_video_stream'
  | 'unreadable'
  | 'past_the_end'
  | 'crashed'
  | 'timed_out'
  | 'too_large';

/** A video, or a moment in it, without a picture. The message gives the reason in plain words. */
export class CaptureError extends Error {
  override readonly name = 'CaptureError';

  constructor(
    readonly reason: CaptureFailure,
    message: string,
  ) {
    super(message);
  }
}
