import * as z from 'zod';
import { RUNTIMES, TRIGGER_TYPES } from './region';

/** What the documents leave open, or state in two ways. Tests can choose. */
export const functionGraphBehaviour = z.object({
  /**
   * An asynchronous event that finds no free instance: the page on concurrency says it is discarded, the page on
   * asynchronous invocation says it waits. A finished client works with the worse of the two.
   */
  excessAsyncEvents: z.enum(['queued', 'discarded']).default('discarded'),
  /** The wait before the retry of an asynchronous event; undocumented. */
  asyncRetryDelayMs: z.int().min(0).default(1000),
  /** Retries of a function without an asynchronous configuration; the documents say 0, 1 and 3 in different places. */
  defaultAsyncRetryAttempts: z.int().min(0).max(3).default(1),
  /** The event of a direct OBS trigger: the older S3 shape or the newer OBS message 3.0. */
  obsTriggerShape: z.enum(['s3', 'obs']).default('s3'),
  /** Whether a direct OBS trigger form-encodes object keys (`/` as `%2F`, space as `+`). */
  obsTriggerEncodesKeys: z.boolean().default(true),
  /** Whether plain user data also appears in `process.env`; documented for HTTP functions only. */
  userDataInEnvironment: z.boolean().default(false),
  /** How long an idle instance is kept; the FAQ says about one minute. */
  idleReclaimMs: z.int().min(0).default(60_000),
  /**
   * Whether `strategy_config` must contain `concurrent_num`. The SDK and Open Telekom Cloud's reference call both of
   * its fields mandatory. The Terraform provider sends `concurrent_num` alone, so `concurrency` may always be absent.
   */
  needsConcurrentNum: z.boolean().default(true),
  /**
   * Whether the path of a trigger may contain `{name}`: a trigger cannot declare the request parameters that API
   * Gateway demands for it.
   */
  apiPathParameters: z.enum(['refused', 'taken']).default('refused'),
  /**
   * Whether one path and method of a group may have two APIs, one for the whole path and one for its beginning;
   * undocumented.
   */
  apiMatchModes: z.enum(['one', 'both']).default('one'),
  /**
   * Where the name of an OBS trigger, which is its id, must be unique: in the project or in its function; undocumented.
   */
  obsTriggerNames: z.enum(['project', 'function']).default('project'),
  /**
   * The answers to calls about triggers of a deleted function: 500 and 401, as the Terraform provider saw them, or 404
   * as documented.
   */
  goneFunction: z.enum(['observed', 'documented']).default('observed'),
  /**
   * Whether answers show the bucket of an EventGrid trigger. They lack a part of its `event_data`; which part is
   * unknown.
   */
  eventGridShowsBucket: z.boolean().default(false),
  /**
   * How long a deleted trigger is still listed and keeps its place. The Terraform provider waits for up to 3 minutes.
   */
  triggerDeletionMs: z.int().min(0).max(600_000).default(0),
  /** The shortest allowed age of an asynchronous event: 60 s in the SDK, 1 s in Open Telekom Cloud's reference. */
  shortestEventAgeSeconds: z.int().min(1).max(60).default(60),
  /** The newest runtime of the region. User documents end at 20.15, the enumerations of SDK and reference at 18.15. */
  newestRuntime: z.enum(RUNTIMES).default('Node.js20.15'),
  /** A type of trigger that the region lacks: the regions of the Chinese mainland lack OBS. */
  missingTriggerType: z.enum(['none', ...TRIGGER_TYPES]).default('none'),
  /** Most requests at the same time in the whole account; 100 unless a ticket raises it. */
  accountConcurrency: z.int().min(0).default(100),
  /** The time zone of cron expressions without CRON_TZ: that of the region. */
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
