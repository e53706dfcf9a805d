import { LIMITS, type MpcCalls } from '../server/console-api';
import { Recent } from '../server/recent';

const MINUTE_MS = 60_000;

/** Calls of MPC at one moment: one call with all its attempts. */
export interface CountedCall extends Pick<MpcCalls, 'operation' | 'caller' | 'count' | 'refused'> {
  timeMs: number;
}

/** Counts calls of MPC for each minute, operation and caller. */
export class MpcCallCounter {
  readonly #calls = new Recent<MpcCalls>(LIMITS.mpcCalls);

  /** @returns the minute of this call, with all its calls so far */
  add({ timeMs, operation, caller, count, refused }: CountedCall): MpcCalls {
    const minuteMs = Math.floor(timeMs / MINUTE_MS) * MINUTE_MS;
    const id = `${minuteMs} ${operation} ${caller}`;
    const before = this.#calls.get(id) ?? { count: 0, refused: 0 };
    const calls = {
      id,
      minuteMs,
      caller,
      operation,
      count: before.count + count,
      refused: before.refused + refused,
    };
    this.#calls.set(id, calls);
    return calls;
  }

  /** Newest first. */
  list(): MpcCalls[] {
    return this.#calls.list().sort((a, b) => b.minuteMs - a.minuteMs);
  }
}
