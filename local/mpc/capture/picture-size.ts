/** Width and height in pixels. */
export interface Dimensions {
  width: number;
  height: number;
}

/**
 * The size of pictures, in pixels of the displayed (rotated, square-pixel) picture: exactly this size, stretched if
 * necessary; or a long side of at most `maxLength` with the same aspect, never enlarged; or the size of the video.
 */
export type PictureSize = Dimensions | { maxLength: number } | 'source';

/** The size of the pictures of a video with the displayed size `source`. */
export function pictureDimensions(source: Dimensions, size: PictureSize): Dimensions {
  if (size === 'source') return source;
  if ('width' in size) return { width: size.width, height: size.height };
  const factor = Math.min(1, size.maxLength / Math.max(source.width, source.height));
  return {
    width: Math.max(1, Math.round(source.width * factor)),
    height: Math.max(1, Math.round(source.height * factor)),
  };
}
