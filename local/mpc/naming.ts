import type { CapturePoint } from './capture/worker-messages';

/** The moments that a request selects, in the units of the API. */
export type Sampling =
  | {
      type: 'TIME';
      intervalSeconds: number;
      startSeconds: number;
      /** Length of the window; 0: to the end of the video. */
      durationSeconds: number;
    }
  | { type: 'DOTS'; seconds: readonly number[] }
  | { type: 'DOTS_MS'; milliseconds: readonly number[] };

/** A picture to be made. */
export interface PlannedPicture {
  name: string;
  point: CapturePoint;
}

/** A time point is after the end of the video. */
export class PastTheEnd extends Error {}

interface Moment {
  /** The number in the picture's name: seconds, or milliseconds for DOTS_MS. */
  label: number;
  point: CapturePoint;
}

/**
 * The pictures of a task in the order of capture, and their names.
 *
 * Documented (API reference, CreateThumbnailsTask, and the Java SDK guide): TIME takes the first frame, one per
 * interval and the last frame, named by second (20 s at 11 s: 0, 11, 20). One point with `output_filename` takes that
 * name; several take `{output_filename}_{second}.jpg`. Our own choice, because nothing is documented: without
 * `output_filename` points are named by their number; seconds are rounded down; if two pictures have the same name, the
 * first is kept; a window that ends before the video ends with a picture of its own end.
 *
 * @param durationMs length of the video
 * @param fileName `output_filename`; undefined for none
 * @throws PastTheEnd if a point is after the end and `pastEnd` is FAILED
 */
export function planPictures(
  sampling: Sampling,
  durationMs: number,
  fileName: string | undefined,
  pastEnd: 'FAILED' | 'clamped',
): PlannedPicture[] {
  const moments = distinct(
    sampling.type === 'TIME'
      ? intervalMoments(sampling, durationMs, pastEnd)
      : dotMoments(sampling, durationMs, pastEnd),
  );
  const exactName = sampling.type !== 'TIME' && moments.length === 1;
  return moments.map(({ label, point }) => ({ name: pictureName(fileName, label, exactName), point }));
}

/** The name of the archive for `tar` = 0. `{task id}.tar` without `output_filename` is our choice. */
export function tarName(fileName: string | undefined, taskId: string): string {
  if (fileName === undefined) return `${taskId}.tar`;
  return fileName.toLowerCase().endsWith('.tar') ? fileName : `${fileName}.tar`;
}

/** The directory of `output.object` as part of an object key, without a slash at either end. */
export function directoryOf(object: string): string {
  return object.replace(/^\/+|\/+$/g, '');
}

/** The key of a file in an output directory. The empty directory is the root of the bucket. */
export function keyIn(directory: string, name: string): string {
  return directory === '' ? name : `${directory}/${name}`;
}

function intervalMoments(
  { intervalSeconds, startSeconds, durationSeconds }: Extract<Sampling, { type: 'TIME' }>,
  durationMs: number,
  pastEnd: 'FAILED' | 'clamped',
): Moment[] {
  const startMs = startSeconds * 1000;
  const last: Moment = { label: wholeSeconds(durationMs), point: 'last' };
  if (startMs > durationMs) {
    if (pastEnd === 'clamped') return [last];
    throw new PastTheEnd(`start_time ${startSeconds} s is behind the end of the video (${durationMs} ms).`);
  }
  const windowEndMs = durationSeconds === 0 ? durationMs : startMs + durationSeconds * 1000;
  const endMs = Math.min(windowEndMs, durationMs);
  const moments: Moment[] = [];
  for (let timeMs = startMs; timeMs < endMs; timeMs += intervalSeconds * 1000) {
    moments.push({ label: timeMs / 1000, point: timeMs });
  }
  moments.push(endMs === durationMs ? last : { label: wholeSeconds(endMs), point: endMs });
  return moments;
}

function dotMoments(
  sampling: Extract<Sampling, { type: 'DOTS' | 'DOTS_MS' }>,
  durationMs: number,
  pastEnd: 'FAILED' | 'clamped',
): Moment[] {
  const [labels, unitMs, unit] =
    sampling.type === 'DOTS' ? [sampling.seconds, 1000, 's'] : [sampling.milliseconds, 1, 'ms'];
  return labels.map((label): Moment => {
    const timeMs = label * unitMs;
    if (timeMs > durationMs && pastEnd === 'FAILED') {
      throw new PastTheEnd(`Time point ${label} ${unit} is behind the end of the video (${durationMs} ms).`);
    }
    return { label, point: timeMs >= durationMs ? 'last' : timeMs };
  });
}

function distinct(moments: readonly Moment[]): Moment[] {
  const byLabel = new Map<number, Moment>();
  for (const moment of moments) {
    if (!byLabel.has(moment.label)) byLabel.set(moment.label, moment);
  }
  return [...byLabel.values()];
}

function pictureName(fileName: string | undefined, label: number, exactName: boolean): string {
  if (fileName === undefined) return `${label}.jpg`;
  const [, stem = '', extension = '.jpg'] = /^(.*?)(\.jpe?g)?$/is.exec(fileName) ?? [];
  return exactName ? `${stem}${extension}` : `${stem}_${label}${extension}`;
}

function wholeSeconds(timeMs: number): number {
  return Math.floor(timeMs / 1000);
}
