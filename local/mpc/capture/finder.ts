import type { Frame } from 'node-av/lib';

/** A decoded frame. The picture belongs to the finder and is valid until its next call. */
export interface FoundFrame {
  picture: Frame;
  /** Presentation time in ticks of the stream's clock. */
  pts: number;
  /** The decoder says that a part of the picture is missing or guessed, from wherever it starts. */
  isDamaged: boolean;
}

/** Finds frames of a video by the moment at which they are on display. */
export interface Finder {
  /**
   * @param ticks moment on the stream's clock; Infinity for the last frame; before the first frame counts as the first
   * @param nextTicks the moment that will be asked for after this one, if any: what comes true of it makes both faster
   * Throws CaptureError: `past_the_end`, or `unreadable` when nothing there can be decoded.
   */
  frameAt(ticks: number, nextTicks?: number): FoundFrame;
  /** True when what is in the decoder leads to the next moment. */
  readonly isMidGroup: boolean;
  /** Gives memory back, as far as that costs next to nothing later. */
  rest(): void;
  close(): void;
}
