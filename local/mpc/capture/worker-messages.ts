import type { CaptureFailure } from './capture-error';
import type { PictureSize } from './picture-size';

/** What is known about a video without decoding it. */
export interface VideoInfo {
  /** As the container states it; undefined when it does not, as in live recordings. */
  durationMs: number | undefined;
  /** As displayed: after rotation and with square pixels. */
  width: number;
  height: number;
  /** FFmpeg's name of the codec, for example `h264`. */
  codec: string;
  /** Average frames per second; undefined when the container does not tell. */
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
  /** When the captured frame appears, in milliseconds on a player's clock; later than the point for the first frame only. */
  presentationMs: number;
  width: number;
  height: number;
  jpeg: Buffer;
  /** What is not as the file says it is, or as it should be, in plain words; absent when all is. */
  notes?: string[];
}

/** What a worker is asked to do; it does one request at a time and ends each with `done` or `failed`. */
export type WorkerRequest =
  | { type: 'warmUp' }
  | { type: 'open'; video: VideoReference }
  | { type: 'capture'; video: VideoReference; turn: CaptureTurn }
  /** Not answered. */
  | { type: 'close'; videoId: number };

/** A video that a worker has open, or opens when it has not. */
export interface VideoReference {
  id: number;
  filePath: string;
}

/** A picture to take. */
export interface CaptureTurn {
  size: PictureSize;
  point: IndexedPoint;
  /** The point that will most likely be asked for after this one. */
  nextPoint?: CapturePoint | undefined;
}

/** What a worker says about the request that it is busy with. */
export type WorkerAnswer =
  | { type: 'info'; info: VideoInfo }
  | { type: 'frame'; frame: Frame }
  /** `isMidGroup` when what the decoder holds leads to the next point. */
  | { type: 'done'; isMidGroup: boolean }
  | { type: 'failed'; reason: CaptureFailure; message: string };
