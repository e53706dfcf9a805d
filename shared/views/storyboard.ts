import type { TaskWithPictures } from './pictures';

/**
 * One picture and the stretch of the video that it stands for, in the words of
 * players (vidstack's thumbnails, for one).
 */
export interface StoryboardImage {
  url: string;
  /** Seconds. */
  startTime: number;
  /** Seconds; absent where nothing tells where the video ends. */
  endTime?: number;
}

/** The pictures of a task that have a moment and an address, each until the next one, in the order of time. */
export function storyboard({ thumbnail_info = [] }: TaskWithPictures): StoryboardImage[] {
  const timed = thumbnail_info.flatMap(({ url, time, end_time }) =>
    url === undefined || time === null ? [] : [{ url, startTime: time, endTime: end_time }],
  );
  // Of two pictures of the same moment only the second one stands for a stretch.
  return timed.flatMap(({ endTime, ...image }, index) => {
    if (endTime !== undefined) return [{ ...image, endTime }];
    return index === timed.length - 1 ? [image] : [];
  });
}

/** Longer than any video: WebVTT knows no cue without an end, and one past the end of the video does no harm. */
const OPEN_END_SECONDS = 86_400;

/**
 * The storyboard as a WebVTT track of metadata: the text of each cue is the address of a picture, which percent-encoding
 * keeps free of everything that WebVTT gives a meaning (W3C WebVTT, section 4).
 */
export function webVtt(images: readonly StoryboardImage[]): string {
  const cues = images.map(
    ({ url, startTime, endTime = startTime + OPEN_END_SECONDS }) =>
      `\n${clock(startTime)} --> ${clock(endTime)}\n${url}\n`,
  );
  return `WEBVTT\n${cues.join('')}`;
}

/** A moment as WebVTT writes it: `00:01:05.000`. */
export function clock(seconds: number): string {
  const ms = Math.round(seconds * 1000);
  const hours = String(Math.floor(ms / 3_600_000)).padStart(2, '0');
  return `${hours}:${new Date(ms % 3_600_000).toISOString().slice(14, 23)}`;
}
