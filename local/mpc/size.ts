import type { Dimensions, PictureSize } from './capture/picture-size';

/** `width`, `height` and `max_length` of a request in pixels. 0 means absent. */
export interface RequestedSize {
  width: number;
  height: number;
  maxLength: number;
}

/**
 * The size of the pictures (MPC API reference, CreateThumbnailsTask): width and height together take precedence; else
 * `max_length` is the longer side; else the source's size counts. The documents say both that one side without
 * `max_length` is ignored and that "the other side adapts"; here it adapts.
 *
 * @param source the video as displayed
 * @param withoutRule the size if the request names none
 */
export function pictureSize(
  { width, height, maxLength }: RequestedSize,
  source: Dimensions,
  withoutRule: 'source' | 480,
): PictureSize {
  if (width > 0 && height > 0) return { width, height };
  if (maxLength > 0) return { maxLength };
  if (width > 0) return { width, height: scaled(source.height, width / source.width) };
  if (height > 0) return { width: scaled(source.width, height / source.height), height };
  return withoutRule === 'source' ? 'source' : { maxLength: withoutRule };
}

function scaled(lengthPx: number, factor: number): number {
  return Math.max(1, Math.round(lengthPx * factor));
}
