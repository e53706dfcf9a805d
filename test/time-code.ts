import type { ClipOptions } from './clip';

/**
 * The row of black and white blocks by which a machine reads a frame's time: it fills
 * the lowest tenth of the picture from edge to edge: white, black, 28 bits of
 * milliseconds (most significant first), 8 bits of checksum, black, white.
 */
const TIME_BITS = 28;
const CHECKSUM_BITS = 8;

export const BLOCKS = 2 + TIME_BITS + CHECKSUM_BITS + 2;
/** Height of the row as a part of the picture's height. */
export const ROW_HEIGHT = 0.1;

/** The blocks of a time, true for white. */
export function encodeTime(timeMs: number): boolean[] {
  const bits = (value: number, count: number) =>
    Array.from({ length: count }, (_, place) => ((value >> (count - 1 - place)) & 1) === 1);
  return [true, false, ...bits(timeMs, TIME_BITS), ...bits(checksum(timeMs), CHECKSUM_BITS), false, true];
}

/** The time that a row of blocks stands for. Throws when it is none. */
export function decodeTime(blocks: readonly boolean[]): number {
  const number = (part: readonly boolean[]) => part.reduce((value, bit) => value * 2 + (bit ? 1 : 0), 0);
  const timeMs = number(blocks.slice(2, 2 + TIME_BITS));
  const expected = encodeTime(timeMs);
  if (blocks.length !== BLOCKS || expected.some((bit, place) => bit !== blocks[place])) {
    throw new Error('the picture carries no readable time: marks or checksum do not fit');
  }
  return timeMs;
}

/** Any change of up to 8 neighbouring bits changes it; 0 has one that is neither all black nor all white. */
function checksum(timeMs: number): number {
  return (((timeMs % 251) * 7 + 0x5a) ^ (timeMs >> 13)) & 0xff;
}

/** When the frames of such a clip appear, counted from the first in frame durations. */
export function frameTicks({ seconds, frameRate = 25, variableFrameRate }: ClipOptions): number[] {
  const lengths = variableFrameRate ? [1, 2, 5, 1, 25] : [1];
  const ticks: number[] = [];
  for (let tick = 0, count = 0; tick < seconds * frameRate; tick += lengths[count++ % lengths.length] ?? 1) {
    ticks.push(tick);
  }
  return ticks;
}
