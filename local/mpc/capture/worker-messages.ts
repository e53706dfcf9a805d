import type { CaptureFailure } from './capture-error';
import type { PictureSize } from './picture-size';

/** What is known about a video without decoding it. */
export interface VideoInfo {
  /** As the container states it. Undefined if it does not, as in live recordings. */
  durationMs: number | undefined;
  /** As displayed: after rotation and with square pixels. */
  width: number;
  height: number;
  /** FFmpeg's name of the codec, for example `h264`. */
  codec: string;
  /** Average frames per second; undefined if the container does not say. */
  frameRate: number | undefined;
}

/** A moment to take a picture of: milliseconds on a player's clock, or its very last frame. */
export type CapturePoint = number | 'last';

/** A capture point with its place in the caller's list. */
export interface IndexedPoint {
  index: number;
  point: CapturePoint;
}

/** One picture. */
export interface Frame {
  /** Place of the point in the job's `points`. */
  index: number;
  /**
   * When the captured frame appears, in milliseconds on a player's clock. Only for the first frame this is later than
   * the point.
   */
  presentationMs: number;
  /** When its time on the screen ends, if it was captured as the last frame: the end of the pictures. */
  endMs?: number;
  width: number;
  height: number;
  jpeg: Buffer;
  /**
   * Where the picture differs from what the file says, or from what is right, in plain words. Absent if it does not.
   */
  notes?: string[];
}

/** A request to a worker. It handles one request at a time and ends each with `done` or `failed`. */
export type WorkerRequest =
  | { type: 'warmUp' }
  | { type: 'open'; video: VideoReference }
  | { type: 'capture'; video: VideoReference; turn: CaptureTurn }
  /** It gets no answer. */
  | { type: 'close'; videoId: number };

/** A video that the worker has open, or will open. */
export interface VideoReference {
  id: number;
  filePath: string;
}

/** A picture to take. */
export interface CaptureTurn {
  size: PictureSize;
  point: IndexedPoint;
  /** The point that will most likely be requested next. */
  nextPoint?: CapturePoint | undefined;
}

/** What a worker reports about its current request. */
export type WorkerAnswer =
  | { type: 'info'; info: VideoInfo }
  | { type: 'frame'; frame: Frame }
  /** `isMidGroup` is true if the decoder's contents lead to the next point. */
  | { type: 'done'; isMidGroup: boolean }
  | { type: 'failed'; reason: CaptureFailure; message: string };
