interface Timer {
  atMs: number;
  run: () => void;
  owner: object | undefined;
}

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

  /** @param owner whoever asks for the timer; it goes with its owner @returns its id */
  after(delayMs: number, run: () => void, owner?: object): number {
    this.#lastId += 1;
    this.#timers.set(this.#lastId, { atMs: this.nowMs + Math.max(0, delayMs), run, owner });
    return this.#lastId;
  }

  /** The timer will not fire. */
  cancel(id: number): void {
    this.#timers.delete(id);
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

/** `Date` of code that runs in another time. */
export function dateOf(nowMs: () => number): DateConstructor {
  return class extends Date {
    static override now = nowMs;
    constructor(...parts: ConstructorParameters<DateConstructor> | []) {
      super(...((parts.length === 0 ? [nowMs()] : parts) as ConstructorParameters<DateConstructor>));
    }
  } as DateConstructor;
}

/** Resolves when everything that waits for no timer has run. */
export function quiet(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
