import { AV_LOG_QUIET } from 'node-av/constants';
import { Log } from 'node-av/lib';
import { FrameFinder } from './frame-finder';
import { JpegEncoder } from './jpeg-encoder';
import { type PictureSize, pictureDimensions } from './picture-size';
import { VideoFile } from './video-file';
import type { Frame, IndexedPoint, VideoInfo } from './worker-messages';

/** Jobs take turns on a worker; so many videos stay open between their turns, at 50 to 200 MB each. */
const MAX_OPEN_VIDEOS = 4;

interface OpenVideo {
  file: VideoFile;
  finder: FrameFinder;
  encoder: JpegEncoder;
  latest?: { pts: number; jpeg: Buffer };
}

const openVideos = new Map<number, OpenVideo>();
Log.setLevel(AV_LOG_QUIET);

/** Reads what the file says about its video. Throws CaptureError. */
export function probe(filePath: string): VideoInfo {
  const file = VideoFile.open(filePath);
  try {
    return file.info;
  } finally {
    file.close();
  }
}

/**
 * Takes pictures, in order of time. The video stays open for further points of the same job.
 * Throws CaptureError.
 */
export function* capture(job: {
  jobId: number;
  filePath: string;
  size: PictureSize;
  points: readonly IndexedPoint[];
}): Generator<Frame> {
  const video = openVideo(job.jobId, job.filePath, job.size);
  const { tickMs, originTicks } = video.file;
  try {
    for (const { index, point } of job.points) {
      // A millionth of a tick makes up for rounding, so that a frame's own time finds that frame.
      const ticks =
        point === 'last' ? Number.POSITIVE_INFINITY : Math.floor(point / tickMs + 1e-6) + originTicks;
      const { picture, pts } = video.finder.frameAt(ticks);
      if (video.latest?.pts !== pts) video.latest = { pts, jpeg: video.encoder.encode(picture) };
      const presentationMs = Math.round((pts - originTicks) * tickMs * 1000) / 1000;
      yield { index, presentationMs, ...video.encoder.size, jpeg: video.latest.jpeg };
    }
  } catch (error) {
    forget(job.jobId);
    throw error;
  }
}

/** Closes the video of a job. */
export function forget(jobId: number): void {
  const video = openVideos.get(jobId);
  if (video === undefined) return;
  openVideos.delete(jobId);
  video.finder.close();
  video.encoder.close();
  video.file.close();
}

/** The job's video, opened when it is not; the one that was used longest ago makes room. */
function openVideo(jobId: number, filePath: string, size: PictureSize): OpenVideo {
  const known = openVideos.get(jobId);
  if (known !== undefined) {
    openVideos.delete(jobId);
    openVideos.set(jobId, known);
    return known;
  }
  const file = VideoFile.open(filePath);
  let finder: FrameFinder | undefined;
  try {
    finder = new FrameFinder(file);
    const encoder = new JpegEncoder(pictureDimensions(file.displayedSize, size), file.orientation);
    const video: OpenVideo = { file, finder, encoder };
    openVideos.set(jobId, video);
    for (const oldest of openVideos.keys()) {
      if (openVideos.size <= MAX_OPEN_VIDEOS) break;
      forget(oldest);
    }
    return video;
  } catch (error) {
    finder?.close();
    file.close();
    throw error;
  }
}
