import * as z from 'zod';

/** What the documents leave open, or settle in two ways, and the local cloud therefore lets a test choose. */
export const functionGraphBehaviour = z.object({
  /**
   * An asynchronous event that meets no free instance: the page on concurrency says it is discarded, the page on
   * asynchronous invocation says it waits. What is finished works with the worse of the two.
   */
  excessAsyncEvents: z.enum(['queued', 'discarded']).default('discarded'),
  /** The wait before an asynchronous event is tried again; undocumented. */
  asyncRetryDelayMs: z.int().min(0).default(1000),
  /** Retries of a function that has no asynchronous configuration; documented as 0, 1 and 3 in different places. */
  defaultAsyncRetryAttempts: z.int().min(0).max(3).default(1),
  /** The event of a direct OBS trigger: the older S3 shape or the newer OBS message 3.0. */
  obsTriggerShape: z.enum(['s3', 'obs']).default('s3'),
  /** Whether a direct OBS trigger form-encodes object keys (`/` as `%2F`, space as `+`). */
  obsTriggerEncodesKeys: z.boolean().default(true),
  /** Whether plain user data also appears in `process.env`; documented for HTTP functions only. */
  userDataInEnvironment: z.boolean().default(false),
  /** How long an instance without work is kept; the FAQ says about one minute. */
  idleReclaimMs: z.int().min(0).default(60_000),
  /** Requests that run at the same time in the whole account; 100 unless raised by a ticket. */
  accountConcurrency: z.int().min(0).default(100),
  /** The time zone of cron expressions without CRON_TZ: the region's own. */
  timeZone: z
    .string()
    .refine(isTimeZone, { error: 'must be a time zone such as Europe/Berlin' })
    .default('Asia/Shanghai'),
});

export type FunctionGraphBehaviour = z.infer<typeof functionGraphBehaviour>;

export const DEFAULT_BEHAVIOUR: Readonly<FunctionGraphBehaviour> = functionGraphBehaviour.parse({});

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}
