/** Width and height in pixels. */
export interface Dimensions {
  width: number;
  height: number;
}

/**
 * How large pictures are to be, in pixels of the displayed (rotated, square-pixel) picture: exactly so, stretched if
 * need be; or with a long side of at most `maxLength`, aspect kept, never enlarged; or as large as the video.
 */
export type PictureSize = Dimensions | { maxLength: number } | 'source';

/** The size of the pictures of a video that is displayed at `source`. */
export function pictureDimensions(source: Dimensions, size: PictureSize): Dimensions {
  if (size === 'source') return source;
  if ('width' in size) return { width: size.width, height: size.height };
  const factor = Math.min(1, size.maxLength / Math.max(source.width, source.height));
  return {
    width: Math.max(1, Math.round(source.width * factor)),
    height: Math.max(1, Math.round(source.height * factor)),
  };
}
