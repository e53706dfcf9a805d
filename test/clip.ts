import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, rename } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { childProgram } from '../local/child-program';

/** What a test clip is like; everything but its length may be left out. */
export interface ClipOptions {
  seconds: number;
  /** Default 25. */
  frameRate?: number;
  /** As displayed, in stored (not squared) pixels; default 640 x 360. */
  width?: number;
  height?: number;
  /** Default h264. */
  codec?: 'h264' | 'hevc' | 'vp9' | 'av1' | 'vp8' | 'mpeg4' | 'mpeg1' | 'mpeg2' | 'mjpeg';
  /** Default webm for vp8 and vp9, else mp4 (with the index at the end of the file). */
  container?:
    | 'mp4'
    | 'mov'
    | 'mkv'
    | 'webm'
    | 'mpegts'
    | 'avi'
    | 'flv'
    | 'vob'
    | 'h264'
    | 'mpeg1video'
    | 'asf'
    | 'mxf';
  /** Frames from one key frame to the next; default 50. */
  gopFrames?: number;
  /** Default 2 (H.264 and HEVC). */
  bFrames?: number;
  openGop?: boolean;
  /** Further options of FFmpeg's encoder. */
  encoderOptions?: Record<string, string>;
  /** Further options of FFmpeg's muxer, for example `{ movflags: 'faststart' }`. */
  muxerOptions?: Record<string, string>;
  /** Clockwise turn that a player has to make; the displayed picture is upright. */
  rotationDegrees?: 0 | 90 | 180 | 270;
  /** Width to height of one stored pixel, for example [64, 45]. */
  pixelAspect?: [number, number];
  /** Default yuv420p. */
  pixelFormat?:
    | 'yuv420p'
    | 'yuv420p10le'
    | 'yuv420p12le'
    | 'yuv422p'
    | 'yuv422p10le'
    | 'yuv444p'
    | 'yuv444p10le'
    | 'yuva420p'
    | 'gray'
    | 'gbrp';
  /** When the first frame is displayed; default 0. */
  startTimeSeconds?: number;
  /** Frames last 1, 2, 5, 1 and 25 times the usual, in turn. */
  variableFrameRate?: boolean;
  /** Adds a silent AAC track of this length. */
  audioSeconds?: number;
  /** No video at all; with `coverArt` a still picture in its place. */
  audioOnly?: boolean;
  coverArt?: boolean;
  /** One colour all over (red, green, blue 0 … 255) in place of the changing background, stored and tagged as BT.709. */
  background?: [number, number, number];
  /** Tags of ITU-T H.273 in place of those of `background`; without them such a video is BT.709. */
  tags?: { primaries: number; transfer: number; matrix: number; range: number };
  /** One value all over for luma and both chroma planes, of 8 bits, in place of the changing background. */
  samples?: [number, number, number];
  /** How opaque all is, 0 … 255; of VP8 and VP9. */
  alpha?: number;
  /** Tells the encoder that the pictures consist of two fields, which are both painted with the same picture. */
  interlaced?: boolean;
  /** The second field of each such picture shows what is half a frame later, as a camera takes it. */
  movingFields?: boolean;
  /** The first field has the lower line of each two, as in DV and on NTSC's DVDs. */
  bottomFieldFirst?: boolean;
  /**
   * Each field is a picture of its own (PAFF), 16 × 32, all of one brightness: `fieldLuma` of its number. Of all other
   * options, only `seconds` and `container` count.
   */
  fieldCoded?: boolean;
  /** Greys by a palette, stored as they are, in AVI. */
  palette?: boolean;
  /** Much moving detail, as in real footage, for measurements. */
  detailed?: boolean;
}

const run = promisify(execFile);
const FOLDER = path.join(tmpdir(), 'mpc-snapshots-clips');

/**
 * Makes a video clip whose frames each show their time, for people as digits and for
 * machines as blocks (`readFrameTimeMs`). Made in a child process, as node-av cannot
 * run inside jest, and kept: the same options give the same file.
 *
 * @returns path of the file; not to be changed by a test
 */
export async function makeClip(options: ClipOptions): Promise<string> {
  const program = childProgram('../test/clip-writer.ts');
  const container = options.container ?? (/^vp/.test(options.codec ?? '') ? 'webm' : 'mp4');
  const text = JSON.stringify({ ...options, container });
  const digest = createHash('sha256').update(path.basename(program)).update(text).digest('hex').slice(0, 16);
  const extension = container === 'mpegts' ? 'ts' : container;
  const file = path.join(FOLDER, `${digest}.${extension}`);
  if (existsSync(file)) return file;
  await mkdir(FOLDER, { recursive: true });
  const partial = `${file}.${process.pid}.${Math.random().toString(36).slice(2)}`;
  await run(process.execPath, [program, partial, text]);
  await rename(partial, file);
  return file;
}
