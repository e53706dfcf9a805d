import * as z from 'zod';

/**
 * What MPC's documents leave open, or say in two ways. Each default is the more likely reading. A client is finished
 * only when it works under both.
 */
export const mpcBehaviour = z.object({
  /** Task ids in answers: the schema says string, the examples show numbers. */
  idsAs: z.enum(['string', 'number']).default('string'),
  /** `create_time` and `end_time`: the schema says string, the examples show numbers. */
  timesAs: z.enum(['string', 'number']).default('string'),
  /** Order of `thumbnail_info`; the list example shows 9.jpg before 5.jpg. */
  pictureOrder: z.enum(['capture', 'shuffled']).default('capture'),
  /** Whether `output.object` in answers ends with a slash. */
  outputTrailingSlash: z.boolean().default(false),
  /** Number of the first page of the list: the schema's default is 0, the examples use 1. */
  firstPage: z.literal([0, 1]).default(0),
  /** How the list answers an unknown id. */
  unknownId: z.enum(['omitted', 'NO_TASK']).default('omitted'),
  /** A time point after the end of the video fails the task, or takes the last frame. */
  dotPastEnd: z.enum(['FAILED', 'clamped']).default('FAILED'),
  /** Picture size if the request names none: the source's (newer text) or 480 px on the longer side (schema). */
  sizeWithoutRule: z.literal(['source', 480]).default('source'),
  /**
   * Smallest `width` and `height` besides 0, px. The text says a range from 96, which the vendor's sample uses; a
   * stricter reading takes only more than 96; the schema takes everything.
   */
  smallestSidePx: z.literal([97, 96, 1]).default(96),
  /** HTTP status of MPC.10211, the task does not exist: 403 in the error table, 400 in the operation's own list. */
  unknownTaskStatus: z.literal([400, 403]).default(403),
  /** Error code for cancelling a task that is no longer queued: by analogy, or as in the operation's example. */
  lateCancel: z.enum(['MPC.10212', 'MPC.10202']).default('MPC.10212'),
  /** Whether the answer to a synchronous request names the task. */
  syncTaskId: z.boolean().default(true),
  /** The answer to a failed synchronous capture: 202 with a description, or an error. */
  syncFailure: z.enum(['description', 'error']).default('description'),
  /**
   * Which tasks `ThumbnailComplete` reports. No document says whether synchronous and cancelled ones are among them.
   */
  notifiedTasks: z.enum(['queued', 'all']).default('queued'),
  /** The word for success in a notification: the guide prints SUCCEED, a captured message had SUCCEEDED. */
  notificationStatus: z.enum(['SUCCEED', 'SUCCEEDED']).default('SUCCEED'),
  /** The shortest time that an asynchronous task stays WAITING, in milliseconds. */
  queueDelayMs: z.int().min(0).default(0),
  /**
   * Most asynchronous tasks that start in a minute; 0: as many as this machine can run. MPC's speed is not documented.
   */
  tasksPerMinute: z.int().min(0).default(0),
  /** Most pictures that a task makes in a second; 0: as many as this machine can make. */
  picturesPerSecond: z.int().min(0).default(0),
});

export type MpcBehaviour = z.infer<typeof mpcBehaviour>;

export const DEFAULT_BEHAVIOUR: Readonly<MpcBehaviour> = mpcBehaviour.parse({});
