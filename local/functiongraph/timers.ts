import type { Clock } from '../clock';
import type { TimerTrigger } from './triggers';

/** A clock that jumps is noticed within this time. */
const MAX_SLEEP_MS = 200;

/** Fires timer triggers when the clock reaches their times. Missed times fire once, not once each. */
export class Timers {
  readonly #due = new Map<TimerTrigger, { atMs: number; fire: () => void }>();
  readonly #clock: Clock;
  #sleep: NodeJS.Timeout | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  start(trigger: TimerTrigger, fire: () => void): void {
    this.#schedule(trigger, this.#clock(), fire);
    this.#rest();
  }

  has(trigger: TimerTrigger): boolean {
    return this.#due.has(trigger);
  }

  /** The next time, in milliseconds since 1970; undefined if there is none. */
  nextMs(trigger: TimerTrigger): number | undefined {
    return this.#due.get(trigger)?.atMs;
  }

  stop(trigger: TimerTrigger): void {
    this.#due.delete(trigger);
    this.#rest();
  }

  close(): void {
    this.#due.clear();
    clearTimeout(this.#sleep);
  }

  #schedule(trigger: TimerTrigger, afterMs: number, fire: () => void): void {
    const atMs = trigger.schedule.next(afterMs);
    if (atMs === undefined) this.#due.delete(trigger);
    else this.#due.set(trigger, { atMs, fire });
  }

  #rest(): void {
    clearTimeout(this.#sleep);
    if (this.#due.size === 0) return;
    const nextMs = Math.min(...[...this.#due.values()].map(({ atMs }) => atMs));
    const sleepMs = Math.min(Math.max(nextMs - this.#clock(), 0), MAX_SLEEP_MS);
    this.#sleep = setTimeout(() => this.#tick(), sleepMs);
    this.#sleep.unref();
  }

  #tick(): void {
    const now = this.#clock();
    for (const [trigger, { atMs, fire }] of this.#due) {
      if (atMs > now) continue;
      // Counted from the due time, so that a late wake-up does not delay all later times.
      this.#schedule(trigger, now - atMs > MAX_SLEEP_MS ? now : atMs, fire);
      fire();
    }
    this.#rest();
  }
}
