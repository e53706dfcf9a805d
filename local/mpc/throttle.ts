import type { Clock } from '../clock';

const WINDOW_MS = 60_000;

/**
 * Admits at most `limit` calls of a kind in any 60 s. Refused calls count too, as users of the gateway report, so a
 * client that keeps calling stays locked out.
 */
export class Throttle {
  readonly #latest = new Map<string, number[]>();

  constructor(
    private readonly limit: number,
    private readonly clock: Clock,
  ) {}

  /** Counts a call of this kind. @returns whether it may pass */
  admit(kind: string): boolean {
    const latest = this.#latest.get(kind) ?? [];
    this.#latest.set(kind, latest);
    const now = this.clock();
    latest.push(now);
    // The call that came `limit` calls ago decides. Older ones are not needed.
    const decisive = latest.length > this.limit ? latest.shift() : undefined;
    return decisive === undefined || now - decisive >= WINDOW_MS;
  }
}
