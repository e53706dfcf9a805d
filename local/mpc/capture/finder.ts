import type { Frame } from 'node-av/lib';

/** A decoded frame. The picture belongs to the finder and is valid until its next call. */
export interface FoundFrame {
  picture: Frame;
  /** Presentation time in ticks of the stream's clock. */
  pts: number;
  /** The decoder reports, wherever it starts, that a part of the picture is missing or guessed. */
  isDamaged: boolean;
  /** When the pictures of the video end, if its last frame was asked for. */
  endTicks?: number;
}

/** Finds the frame of a video that is on display at a moment. */
export interface Finder {
  /**
   * @param ticks moment on the stream's clock; Infinity for the last frame; a moment before the first frame means the
   *   first
   * @param nextTicks the moment that the caller will ask for next, if any: a right guess makes both calls faster
   * Throws CaptureError: `past_the_end`, or `unreadable` if nothing there can be decoded.
   */
  frameAt(ticks: number, nextTicks?: number): FoundFrame;
  /** True if the decoder's contents lead to the next moment. */
  readonly isMidGroup: boolean;
  /** Releases memory, as far as that costs almost nothing later. */
  rest(): void;
  close(): void;
}
