import { AsyncLocalStorage } from 'node:async_hooks';

interface Timer {
  atMs: number;
  run: () => void;
  owner: object | undefined;
}

/** Whoever asked for a timer; its timers go with it. */
const owners = new AsyncLocalStorage<object>();

/**
 * Time that passes only when nothing else can happen. Code that is given its `Date` and timers
 * waits for a minute in no time, and in the same order every time.
 */
export class VirtualTime {
  nowMs: number;
  readonly #timers = new Map<number, Timer>();
  #lastId = 0;

  constructor(startMs: number) {
    this.nowMs = startMs;
  }

  readonly setTimeout = (run: () => void, delayMs = 0): number => this.after(delayMs, run, owners.getStore());

  readonly clearTimeout = (id: number): void => void this.#timers.delete(id);

  /** `Date` of code in this time. */
  get Date(): DateConstructor {
    const now = () => this.nowMs;
    return class extends Date {
      static override now = now;
      constructor(...parts: ConstructorParameters<DateConstructor> | []) {
        super(...((parts.length === 0 ? [now()] : parts) as ConstructorParameters<DateConstructor>));
      }
    } as DateConstructor;
  }

  after(delayMs: number, run: () => void, owner?: object): number {
    this.#lastId += 1;
    this.#timers.set(this.#lastId, { atMs: this.nowMs + Math.max(0, delayMs), run, owner });
    return this.#lastId;
  }

  /** Runs code whose timers belong to `owner`. */
  runFor<T>(owner: object, code: () => T): T {
    return owners.run(owner, code);
  }

  /** The owner is gone: none of its timers will fire. */
  forget(owner: object): void {
    for (const [id, timer] of this.#timers) if (timer.owner === owner) this.#timers.delete(id);
  }

  /** When the next timer fires; undefined when there is none. */
  get nextMs(): number | undefined {
    return this.#next()?.[1].atMs;
  }

  /** Lets the time come in which the next timer fires. */
  fireNext(): void {
    const next = this.#next();
    if (next === undefined) return;
    const [id, timer] = next;
    this.#timers.delete(id);
    this.nowMs = Math.max(this.nowMs, timer.atMs);
    timer.run();
  }

  /** Lets time pass, with all that is due in it. */
  async pass(ms: number): Promise<void> {
    const untilMs = this.nowMs + ms;
    for (let next = this.nextMs; next !== undefined && next <= untilMs; next = this.nextMs) {
      this.fireNext();
      await quiet();
    }
    this.nowMs = untilMs;
  }

  #next(): [number, Timer] | undefined {
    let first: [number, Timer] | undefined;
    for (const entry of this.#timers) if (first === undefined || entry[1].atMs < first[1].atMs) first = entry;
    return first;
  }
}

/** Resolves when everything that waits for no timer has run. */
export function quiet(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
