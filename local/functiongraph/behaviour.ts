import * as z from 'zod';
import { RUNTIMES, TRIGGER_TYPES } from './region';

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
  /**
   * Whether `strategy_config` must hold `concurrent_num`. The SDK and Open Telekom Cloud's reference call both of its
   * fields mandatory; the Terraform provider sends `concurrent_num` alone, so `concurrency` may be left out in either.
   */
  needsConcurrentNum: z.boolean().default(true),
  /** Whether a trigger's path may hold `{name}`: its request parameters cannot be declared, and API Gateway wants them to be. */
  apiPathParameters: z.enum(['refused', 'taken']).default('refused'),
  /** Whether one path and method of a group may have an API for the whole path beside one for its beginning; undocumented. */
  apiMatchModes: z.enum(['one', 'both']).default('one'),
  /** Where the name of an OBS trigger, which is its id, may occur once: in the project or in its function; undocumented. */
  obsTriggerNames: z.enum(['project', 'function']).default('project'),
  /**
   * What calls for the triggers of a function that is gone answer: 500 and 401, as the Terraform provider met them, or
   * 404 as documented.
   */
  goneFunction: z.enum(['observed', 'documented']).default('observed'),
  /** Whether the bucket of an EventGrid trigger is read back. Not all of its `event_data` is; which part is not known. */
  eventGridShowsBucket: z.boolean().default(false),
  /** How long a deleted trigger is still listed and holds its place. The Terraform provider waits for up to 3 minutes. */
  triggerDeletionMs: z.int().min(0).max(600_000).default(0),
  /** Shortest age of an asynchronous event that may be set: 60 s in the SDK, 1 s in Open Telekom Cloud's reference. */
  shortestEventAgeSeconds: z.int().min(1).max(60).default(60),
  /** The newest runtime of the region. User documents end at 20.15, the enumerations of SDK and reference at 18.15. */
  newestRuntime: z.enum(RUNTIMES).default('Node.js20.15'),
  /** A type of trigger that the region lacks, as those of the Chinese mainland lack OBS. */
  missingTriggerType: z.enum(['none', ...TRIGGER_TYPES]).default('none'),
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
