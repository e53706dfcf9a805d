/** What the documents leave open, or settle in two ways, and the stand-in therefore lets a test choose. */
export interface FunctionGraphBehaviour {
  /**
   * An asynchronous event that meets no free instance: the page on concurrency says it is discarded, the page on
   * asynchronous invocation says it waits. What is finished works with the worse of the two.
   */
  excessAsyncEvents: 'queued' | 'discarded';
  /** The wait before an asynchronous event is tried again; undocumented. */
  asyncRetryDelayMs: number;
  /** Retries of a function that has no asynchronous configuration; documented as 0, 1 and 3 in different places. */
  defaultAsyncRetryAttempts: number;
  /** The event of a direct OBS trigger: the older S3 shape or the newer OBS message 3.0. */
  obsTriggerShape: 's3' | 'obs';
  /** Whether a direct OBS trigger form-encodes object keys (`/` as `%2F`, space as `+`). */
  obsTriggerEncodesKeys: boolean;
  /** Whether plain user data also appears in `process.env`; documented for HTTP functions only. */
  userDataInEnvironment: boolean;
  /** How long an instance without work is kept; the FAQ says about one minute. */
  idleReclaimMs: number;
  /** Requests that run at the same time in the whole account; 100 unless raised by a ticket. */
  accountConcurrency: number;
  /** The time zone of cron expressions without CRON_TZ: the region's own. */
  timeZone: string;
}

export const DEFAULT_BEHAVIOUR: FunctionGraphBehaviour = {
  excessAsyncEvents: 'discarded',
  asyncRetryDelayMs: 1000,
  defaultAsyncRetryAttempts: 1,
  obsTriggerShape: 's3',
  obsTriggerEncodesKeys: true,
  userDataInEnvironment: false,
  idleReclaimMs: 60_000,
  accountConcurrency: 100,
  timeZone: 'Asia/Shanghai',
};
