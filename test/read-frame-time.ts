import { decode } from 'jpeg-js';
import { BLOCKS, decodeTime, ROW_HEIGHT } from './time-code';

/**
 * Reads the time in milliseconds that a frame of a clip of `makeClip` carries, from a
 * JPEG picture of it; the picture may have been scaled or stretched, down to about 5
 * pixels a block (200 wide). Throws when there is no readable time.
 */
export function readFrameTimeMs(jpeg: Uint8Array): number {
  const { width, height, data } = decode(jpeg, { useTArray: true, formatAsRGBA: true });
  const brightness = Array.from({ length: BLOCKS }, (_, block) => {
    // The middle of the block: its edges are blurred by scaling and compression.
    const left = Math.floor(((block + 0.3) / BLOCKS) * width);
    const right = Math.max(left + 1, Math.ceil(((block + 0.7) / BLOCKS) * width));
    const top = Math.floor((1 - ROW_HEIGHT * 0.7) * height);
    const bottom = Math.max(top + 1, Math.ceil((1 - ROW_HEIGHT * 0.3) * height));
    let sum = 0;
    for (let y = top; y < bottom; y++) {
      for (let x = left; x < right; x++) sum += data[(y * width + x) * 4 + 1] ?? 0;
    }
    return sum / ((right - left) * (bottom - top));
  });
  const [white = 0, black = 0] = brightness;
  if (white - black < 60) throw new Error('the picture carries no readable time: no white and black mark');
  return decodeTime(brightness.map((value) => value > (white + black) / 2));
}
