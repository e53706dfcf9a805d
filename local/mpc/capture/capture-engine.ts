import { AV_LOG_QUIET } from 'node-av/constants';
import { Log } from 'node-av/lib';
import type { Finder } from './finder';
import { FrameFinder } from './frame-finder';
import { JpegEncoder } from './jpeg-encoder';
import { CROWDED_BYTES } from './limits';
import { type Dimensions, pictureDimensions } from './picture-size';
import { SequentialFinder } from './sequential-finder';
import { VideoFile, withWords } from './video-file';
import type { CapturePoint, CaptureTurn, Frame, VideoInfo, VideoReference } from './worker-messages';

/**
 * Tasks take turns on a worker. This many videos stay open between their turns. A decoder takes 30 MB for 1080p and 110
 * MB for 4K.
 */
const MAX_OPEN_VIDEOS = 4;

interface OpenVideo {
  file: VideoFile;
  finder?: Finder;
  encoder?: JpegEncoder;
  latest?: { pts: number; jpeg: Buffer; notes?: string[] };
}

const openVideos = new Map<number, OpenVideo>();
Log.setLevel(AV_LOG_QUIET);

/** Opens a video and reads what its file says. Throws CaptureError. */
export function open(video: VideoReference): VideoInfo {
  return opened(video).file.info;
}

/**
 * Takes a picture of a video. Opens the video if it is not open, or no longer open. In order of time, almost nothing is
 * decoded twice. Throws CaptureError.
 *
 * @returns the picture, and whether the decoder's contents lead to the next point
 */
export function capture(
  reference: VideoReference,
  { size, point, nextPoint }: CaptureTurn,
): { frame: Frame; isMidGroup: boolean } {
  const video = opened(reference);
  const { file } = video;
  try {
    video.finder ??= file.isSequential ? new SequentialFinder(file) : new FrameFinder(file);
    const encoder = encoderFor(video, pictureDimensions(file.displayedSize, size));
    const { picture, pts, isDamaged, endTicks } = video.finder.frameAt(
      ticksOf(point.point, file),
      nextPoint === undefined ? undefined : ticksOf(nextPoint, file),
    );
    if (video.latest?.pts !== pts) {
      const { jpeg, notes } = encoder.encode(picture);
      if (isDamaged) notes.push('some pictures are damaged in the file');
      video.latest = { pts, jpeg, ...(notes.length > 0 ? { notes } : {}) };
    }
    const { pts: _, ...taken } = video.latest;
    const end = endTicks === undefined || !Number.isFinite(endTicks) ? {} : { endMs: file.msOf(endTicks) };
    const presentationMs = file.msOf(pts);
    const frame = { index: point.index, presentationMs, ...end, ...encoder.size, ...taken };
    return { frame, isMidGroup: video.finder.isMidGroup };
  } catch (error) {
    const failure = withWords(error, file.words);
    close(reference.id);
    throw failure;
  }
}

/** Closes a video. Does nothing if it is not open. */
export function close(videoId: number): void {
  const video = openVideos.get(videoId);
  if (video === undefined) return;
  openVideos.delete(videoId);
  video.finder?.close();
  video.encoder?.close();
  video.file.close();
}

/** The video, opened if necessary. The least recently used one makes room. */
function opened({ id, filePath }: VideoReference): OpenVideo {
  const video = openVideos.get(id) ?? { file: VideoFile.open(filePath) };
  openVideos.delete(id);
  openVideos.set(id, video);
  const isCrowded = openVideos.size > 1 && process.memoryUsage.rss() > CROWDED_BYTES;
  for (const [otherId, other] of openVideos) {
    if (openVideos.size > MAX_OPEN_VIDEOS || (isCrowded && other !== video)) close(otherId);
    else if (other !== video) other.finder?.rest();
  }
  return video;
}

function encoderFor(video: OpenVideo, size: Dimensions): JpegEncoder {
  const { encoder } = video;
  if (encoder?.size.width === size.width && encoder.size.height === size.height) return encoder;
  encoder?.close();
  delete video.latest;
  video.encoder = new JpegEncoder(size, video.file);
  return video.encoder;
}

function ticksOf(point: CapturePoint, { tickMs, originTicks }: VideoFile): number {
  // A millionth of a tick makes up for rounding, so that a frame's own time finds that frame.
  return point === 'last' ? Number.POSITIVE_INFINITY : Math.floor(point / tickMs + 1e-6 + originTicks);
}
