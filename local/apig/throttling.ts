import type { Clock } from '../clock';
import type { Throttle } from './access-book';
import type { Caller } from './authentication';
import { Refusal } from './errors';

const UNIT_MS = { SECOND: 1000, MINUTE: 60_000, HOUR: 3_600_000, DAY: 86_400_000 } as const;

/** Counts the calls of APIs that a throttling policy is bound to. */
export class Throttling {
  /** Times of the admitted calls, oldest first, by what is counted. */
  readonly #calls = new Map<string, number[]>();

  constructor(private readonly clock: Clock) {}

  /**
   * Counts a call, unless it exceeds a limit.
   * @throws Refusal 429 APIG.0308
   */
  admit(throttle: Throttle, apiId: string, caller: Caller): void {
    const { id, interval, unit, scope } = throttle;
    const place = scope === 'shared' ? id : `${id} ${apiId}`;
    const counted = [
      { what: 'api', key: place, limit: throttle.apiCalls },
      {
        what: 'user',
        key: caller.accountId && `${place} user ${caller.accountId}`,
        limit: throttle.userCalls,
      },
      { what: 'app', key: caller.appId && `${place} app ${caller.appId}`, limit: throttle.appCalls },
      { what: 'ip', key: `${place} ip ${caller.address}`, limit: throttle.ipCalls },
    ].flatMap(({ what, key, limit }) => (key && limit ? [{ what, key, limit }] : []));
    const now = this.clock();
    for (const { what, key, limit } of counted) {
      const calls = this.#calls.get(key) ?? [];
      const firstRecent = calls.findIndex((at) => now - at < interval * UNIT_MS[unit]);
      const recent = firstRecent < 0 ? [] : firstRecent === 0 ? calls : calls.slice(firstRecent);
      this.#calls.set(key, recent);
      if (recent.length < limit) continue;
      throw new Refusal(
        429,
        'APIG.0308',
        `The throttling threshold has been reached: policy ${what} over ratelimit,limit:${limit},time:${interval} ${unit.toLowerCase()}`,
      );
    }
    for (const { key } of counted) this.#calls.get(key)?.push(now);
  }
}
