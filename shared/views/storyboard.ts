import { isoTime } from '../core/iso-time';
import type { TaskWithPictures } from './pictures';

/**
 * One picture and the part of the video that it stands for, in the format of players (such as the thumbnails of vidstack).
 */
export interface StoryboardImage {
  url: string;
  /** Seconds. */
  startTime: number;
  /** Seconds; absent if the end of the video is unknown. */
  endTime?: number;
}

/** The pictures of a task that have a time and an address, in the order of time. Each stands until the next one. */
export function storyboard({ thumbnail_info = [] }: TaskWithPictures): StoryboardImage[] {
  const timed = thumbnail_info.flatMap(({ url, time, end_time }) =>
    url === undefined || time === null ? [] : [{ url, startTime: time, endTime: end_time }],
  );
  // Of two pictures with the same time only the second one stands for a part of the video.
  return timed.flatMap(({ endTime, ...image }, index) => {
    if (endTime !== undefined) return [{ ...image, endTime }];
    return index === timed.length - 1 ? [image] : [];
  });
}

/** Longer than any video: every cue of WebVTT needs an end, and one after the end of the video does no harm. */
const OPEN_END_SECONDS = 86_400;

/**
 * The storyboard as a WebVTT metadata track. The text of each cue is the address of a picture: percent-encoded, it has no
 * characters with a meaning in WebVTT (W3C WebVTT, section 4).
 */
export function webVtt(images: readonly StoryboardImage[]): string {
  const cues = images.map(
    ({ url, startTime, endTime = startTime + OPEN_END_SECONDS }) =>
      `\n${clock(startTime)} --> ${clock(endTime)}\n${url}\n`,
  );
  return `WEBVTT\n${cues.join('')}`;
}

/** A time in WebVTT's form, for example `00:01:05.000`. */
export function clock(seconds: number): string {
  const ms = Math.round(seconds * 1000);
  const hours = String(Math.floor(ms / 3_600_000)).padStart(2, '0');
  return `${hours}:${isoTime(ms % 3_600_000).slice(14, 23)}`;
}
