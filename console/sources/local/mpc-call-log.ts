import { LIMITS, type MpcCalls, type RequestEntry } from '../../server/console-api';
import { Recent } from '../../server/recent';

const MINUTE_MS = 60_000;
const NAMES: Readonly<Record<string, string>> = { POST: 'create', DELETE: 'cancel', GET: 'list' };

/** The calls of MPC, minute by minute. */
export class MpcCallLog {
  readonly #calls = new Recent<MpcCalls>(LIMITS.mpcCalls);

  /** Counts a call. */
  add({ method, path, caller = 'nobody known', timeMs, status }: RequestEntry): MpcCalls {
    const minuteMs = Math.floor(timeMs / MINUTE_MS) * MINUTE_MS;
    const [, resource = ''] = /^\/v1\/[^/]+\/([\w/]+)/.exec(path) ?? [];
    const operation = resource === 'thumbnails' ? (NAMES[method] ?? method) : `${method} ${resource}`.trim();
    const id = `${minuteMs} ${operation} ${caller}`;
    const { count, refused } = this.#calls.get(id) ?? { count: 0, refused: 0 };
    const calls = {
      id,
      minuteMs,
      caller,
      operation,
      count: count + 1,
      refused: refused + (status === 429 ? 1 : 0),
    };
    this.#calls.set(id, calls);
    return calls;
  }

  /** Newest first. */
  list(): MpcCalls[] {
    return this.#calls.list().sort((a, b) => b.minuteMs - a.minuteMs);
  }
}
