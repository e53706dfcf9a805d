/**
 * What MPC's documents leave open or say in two ways. The defaults are the more likely reading; a client is only
 * finished when it works under both.
 */
export interface MpcBehaviour {
  /** Task ids in answers: the schema says string, the examples show numbers. */
  idsAs: 'string' | 'number';
  /** `create_time` and `end_time`: the schema says string, the examples show numbers. */
  timesAs: 'string' | 'number';
  /** Order of `thumbnail_info`; the list example shows 9.jpg before 5.jpg. */
  pictureOrder: 'capture' | 'shuffled';
  /** Whether `output.object` in answers ends with a slash. */
  outputTrailingSlash: boolean;
  /** Number of the first page of the list: the schema's default is 0, the examples use 1. */
  firstPage: 0 | 1;
  /** How the list answers an id that it does not know. */
  unknownId: 'omitted' | 'NO_TASK';
  /** A time point behind the end of the video fails the task or takes the last frame. */
  dotPastEnd: 'FAILED' | 'clamped';
  /** Picture size when the request names none: the source's (newer text) or 480 px on the longer side (schema). */
  sizeWithoutRule: 'source' | 480;
  /** `width` and `height` of 1 to 96 px: outside the documented range, inside the schema's. */
  smallSides: 'refused' | 'accepted';
  /** HTTP status of MPC.10211, the task does not exist: 403 in the error table, 400 in the operation's own list. */
  unknownTaskStatus: 400 | 403;
  /** Code of a refusal to cancel a task that is no longer queued: by analogy, or as in the operation's example. */
  lateCancel: 'MPC.10212' | 'MPC.10202';
  /** Whether the answer to a synchronous request names the task. */
  syncTaskId: boolean;
  /** A synchronous capture that failed: 202 with a description, or an error answer. */
  syncFailure: 'description' | 'error';
  /** How long an asynchronous task waits at least in WAITING, in milliseconds. */
  queueDelayMs: number;
}

export const DEFAULT_BEHAVIOUR: Readonly<MpcBehaviour> = {
  idsAs: 'string',
  timesAs: 'string',
  pictureOrder: 'capture',
  outputTrailingSlash: false,
  firstPage: 0,
  unknownId: 'omitted',
  dotPastEnd: 'FAILED',
  sizeWithoutRule: 'source',
  smallSides: 'refused',
  unknownTaskStatus: 403,
  lateCancel: 'MPC.10212',
  syncTaskId: true,
  syncFailure: 'description',
  queueDelayMs: 0,
};
