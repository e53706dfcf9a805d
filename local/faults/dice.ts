import { SEED_RANGE } from './parse-faults';

/**
 * Random numbers that depend only on the seed, in independent streams: numbers drawn from one stream never shift
 * another one.
 */
export class Dice {
  readonly #streams = new Map<string, () => number>();
  #seed: number;

  constructor(seed: number) {
    this.#seed = seed;
  }

  get seed(): number {
    return this.#seed;
  }

  /** Restarts all streams, with another seed or the same one. */
  reseed(seed: number): void {
    this.#seed = seed;
    this.#streams.clear();
  }

  /** The next number of a stream, from 0 to below 1. */
  roll(stream: string): number {
    let next = this.#streams.get(stream);
    if (next === undefined) {
      next = mulberry32(hash(`${this.#seed} ${stream}`));
      this.#streams.set(stream, next);
    }
    return next();
  }
}

/** Tommy Ettinger's generator: 32 bits of state, good enough to choose who is hit. */
function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / SEED_RANGE;
  };
}

/** FNV-1a with 32 bits. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (const byte of Buffer.from(text)) value = Math.imul(value ^ byte, 0x01000193);
  return value >>> 0;
}
