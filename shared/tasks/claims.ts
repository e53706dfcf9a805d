import { randomUUID } from 'node:crypto';
import {
  type CreatedTask,
  type CreateTaskBody,
  cancelTask,
  createTask,
  listTasks,
  type ObsLocation,
  type Task,
} from '../cloud/mpc';
import { CallerError, ServiceRefused, ServiceUnavailable } from '../core/errors';
import type { Capture } from '../installation/captures';
import type { Invocation } from '../installation/invocation';
import { type ObjectVersion, outputDirectoryOf } from '../installation/object-keys';
import { digest } from '../installation/records';
import type { Settings } from '../installation/settings';
import {
  attemptKey,
  type ClaimRecord,
  type ClaimRequest,
  claimKey,
  createAttempt,
  hasAttempt,
  mayBeOf,
  readAttempt,
  writeAttempt,
  writeAttemptIfPossible,
} from './claim-record';
import { CALL_ARRIVES_WITHIN_MS, CALL_WITHIN_MS, forgetReads, tasksOfClaim } from './claim-search';
import { noteFound } from './found-tasks';
import { isWithin } from './ownership';
import { unwrapUserData, withNote } from './task-note';

/*
 * A claim makes sure that one request becomes one task. Each attempt is a small object in the snapshot bucket,
 * `<claim>.json`, then `<claim>.1.json` and so on. The function that makes the attempt creates it:
 *
 *                  created, before MPC is called         MPC has answered
 *      (no object)  ─────────────────────────► claimed ──────────────────────► accepted
 *           ▲                                    │  │ │                             ▲
 *           │             MPC refused: no task   │  │ └── found later, and the    ──┘
 *           │      released ◄────────────────────┘  │     id is in MPC's list
 *           │          │                            │
 *           └──────────┴─ of the next attempt ──────┴──── found later, and the id is not there,
 *                                                         and the first call can no longer reach MPC
 *
 * An interruption between two writes does no harm: before a call is repeated, the claim's id is
 * looked up in MPC's list, where the task's `user_data` has it.
 *
 * If a bucket supports `x-obs-forbid-overwrite`, only one of several invocations can create the object of an attempt; the
 * others use what the first one wrote. Without it, two invocations that find no object at the same time would
 * both send. For uploads the platform prevents that: on-upload runs in one instance, and an instance handles one event at a
 * time. If two overlap nevertheless, or two API calls with one Idempotency-Key come at the same time, the result
 * is a second task with the same output, never a lost one. The sweep reports it.
 */

const COME_BACK_SECONDS = 60;

/** Another invocation may still work on this claim. */
export class ClaimInFlight extends CallerError {
  constructor(readonly retryAfterSeconds = COME_BACK_SECONDS) {
    super('the claim is in flight');
  }
}

/** The claim was made for another request. */
export class ClaimOfAnotherRequest extends CallerError {}

/** The record cannot be read, and MPC's list has no task of it: whether there was one is unknown. */
export class ClaimDamaged extends CallerError {}

/** After a refusal for good the first repetition comes at once, the next ones after pauses that double. */
const FIRST_PAUSE_MS = 5 * 60_000;
const LONGEST_PAUSE_MS = 24 * 3_600_000;

/**
 * The claim of one capture of one upload. The same bucket, key, ETag and capture always give the same id, so that a
 * repeated event is recognized. A capture is identified by its pictures and its directory; its name may change.
 * @param round how many times this version came back after another one
 */
export function uploadClaim(
  upload: ObjectVersion & { lastModifiedMs?: number },
  { name: capture, thumbnailPara, directory }: Capture,
  settings: Settings,
  round = 0,
): ClaimRequest & { output: Pick<ObsLocation, 'bucket' | 'object'> } {
  const { bucket, key, etag, lastModifiedMs } = upload;
  const again = round === 0 ? [] : [String(round)];
  // Ids of CAPTURE have no directory: records of earlier versions must keep their ids.
  const place = directory === settings.outputDirectory ? [] : [directory];
  const id = digest(bucket, key, etag, JSON.stringify(thumbnailPara), ...place, ...again);
  const output = { bucket: settings.snapshotBucket, object: outputDirectoryOf(upload, directory) };
  return { id, objectKey: claimKey({ bucket, key }, id), bucket, key, capture, etag, lastModifiedMs, output };
}

/** The state of a claim: its task, or the next attempt. */
export type ClaimState = { task: CreatedTask; record: ClaimRecord } | { task?: undefined; free: FreeAttempt };

export interface FreeAttempt {
  attempt: number;
  refusals: number;
  /** MPC has refused this for good: before this time (ms since the epoch) it would probably refuse again. */
  notBeforeMs: number;
}

/**
 * The task of a claim, from its record or from MPC's list; no task if nothing was begun or the claim was released.
 * @throws ClaimInFlight; ClaimOfAnotherRequest; ClaimDamaged; what OBS and MPC throw
 */
export async function findClaim(claim: ClaimRequest, invocation: Invocation): Promise<ClaimState> {
  const free: FreeAttempt = { attempt: 0, refusals: 0, notBeforeMs: 0 };
  for (;;) {
    const record = await readAttempt(claim, free.attempt, invocation);
    if (!record) return { free };
    if (record.state !== 'released') {
      const isOfAnother = claim.fingerprint !== undefined && record.fingerprint !== claim.fingerprint;
      if (isOfAnother && !record.damaged) {
        // An old record may have been taken over by another request.
        if (!(await isTakenOver(claim, free.attempt, record, invocation)))
          throw new ClaimOfAnotherRequest('the claim was made for another request');
      } else {
        const task = await taskOfRecord(claim, free.attempt, record, invocation);
        if (task) return { task, record };
      }
    }
    free.refusals = record.refusals ?? 0;
    free.notBeforeMs = record.not_before_ms ?? 0;
    free.attempt = Math.max(free.attempt + 1, record.next ?? 0);
  }
}

async function taskOfRecord(
  claim: ClaimRequest,
  attempt: number,
  record: ClaimRecord,
  invocation: Invocation,
): Promise<CreatedTask | undefined> {
  if (record.giving_up) return reconcileGivenUp(claim, attempt, record, invocation);
  if (record.state === 'accepted') return acceptedTask(record);
  if (await isTakenOver(claim, attempt, record, invocation)) return undefined;
  const task = await reconcileClaim(claim, attempt, record, invocation);
  if (task || !record.damaged) return task;
  const { id, bucket, key } = claim;
  invocation.log.error('claim.damaged', { claim: id, bucket, key, record: attemptKey(claim, attempt) });
  throw new ClaimDamaged('the claim cannot be read');
}

function acceptedTask({ answer, task_id }: ClaimRecord): CreatedTask {
  return { ...(answer as CreatedTask), task_id };
}

/** A task that the clean-up cancelled may be started again. One that ran meanwhile stays the claim's task. */
async function reconcileGivenUp(
  claim: ClaimRequest,
  attempt: number,
  { giving_up, ...record }: ClaimRecord,
  invocation: Invocation,
): Promise<CreatedTask | undefined> {
  const { tasks } = await listTasks([['task_id', record.task_id ?? '']], invocation);
  const status = tasks[0]?.status;
  if (status === 'WAITING') throw new ClaimInFlight();
  const isCancelled = status === 'CANCELED';
  await writeAttemptIfPossible(claim, attempt, isCancelled ? withoutTask(record) : record, invocation);
  return isCancelled ? undefined : acceptedTask(record);
}

function withoutTask({ claimed_at_ms, last_modified_ms }: ClaimRecord): ClaimRecord {
  return { state: 'released', claimed_at_ms, last_modified_ms };
}

/**
 * Cancels a waiting task of an upload so that the upload is started again. The record says so first: after an
 * interruption MPC's state of the task decides about the claim.
 * @param task with this service's note of the claim
 * @param before runs after the record is written, before the task is cancelled
 * @throws ClaimInFlight; what OBS and MPC throw, then the task is unchanged
 */
export async function cancelToStartAgain(
  task: Task,
  id: string,
  invocation: Invocation,
  before: (video: Pick<ClaimRequest, 'bucket' | 'key'>) => Promise<void>,
): Promise<void> {
  const { task_id, input } = task;
  const { bucket = '', object: key = '' } = input ?? {};
  const first: ClaimRequest = { id, objectKey: claimKey({ bucket, key }, id), bucket, key };
  for (let attempt = 0; ; ) {
    const record = await readAttempt(first, attempt, invocation);
    // A task of a caller, a duplicate, or one whose record was deleted.
    if (!record) return cancelTask(task_id, invocation);
    const isHalfWritten =
      record.state === 'claimed' && !record.damaged && mayBeOf(record, unwrapUserData(task.user_data).note);
    if (isHalfWritten && isInFlight(record)) throw new ClaimInFlight();
    if (
      record.task_id === task_id ||
      (isHalfWritten && !(await isTakenOver(first, attempt, record, invocation)))
    ) {
      if (record.state === 'released') return cancelTask(task_id, invocation);
      const { etag, fingerprint } = record;
      const claim = { ...first, etag, fingerprint };
      const kept = { answer: { task_id }, ...record, state: 'accepted', task_id } as const;
      await writeAttempt(claim, attempt, { ...kept, giving_up: 1 }, invocation);
      await before(first);
      await cancelTask(task_id, invocation);
      await writeAttemptIfPossible(claim, attempt, withoutTask(record), invocation);
      return;
    }
    attempt = Math.max(attempt + 1, record.next ?? 0);
  }
}

/** True while its call may still reach MPC. */
const isInFlight = ({ claimed_at_ms }: ClaimRecord): boolean =>
  claimed_at_ms + CALL_ARRIVES_WITHIN_MS > Date.now();

/** True when a later attempt exists and this one cannot bring a task any more. */
async function isTakenOver(
  claim: ClaimRequest,
  attempt: number,
  record: ClaimRecord,
  invocation: Invocation,
): Promise<boolean> {
  return !isInFlight(record) && hasAttempt(claim, attempt + 1, invocation);
}

/**
 * Creates the task of a claim for which `findClaim` found none.
 * @param release releases the permit, for calls that need one; such a call is not repeated after a refusal. It is called when
 * MPC has answered or the call certainly never left; otherwise the call may still arrive
 * @returns the task, and whether this call created it: another invocation may have been first
 * @throws what createTask throws; the claim is released when MPC certainly made no task
 */
export async function createClaimedTask(
  claim: ClaimRequest,
  body: CreateTaskBody,
  { attempt, refusals }: FreeAttempt,
  invocation: Invocation,
  release?: () => void,
): Promise<{ task: CreatedTask; isNew: boolean }> {
  const claimedAtMs = Date.now();
  const owner = randomUUID().slice(0, 8);
  const claimed: ClaimRecord = { state: 'claimed', claimed_at_ms: claimedAtMs, owner };
  if (!(await createAttempt(claim, attempt, claimed, invocation))) {
    release?.();
    const { task } = await findClaim(claim, invocation);
    if (!task) throw new ClaimInFlight(1);
    return { task, isNew: false };
  }
  logStep('claim.claimed', claim, invocation);
  // The first attempt leads to this one, so that later readers need not read all of them.
  const pointer = { state: 'released', claimed_at_ms: claimedAtMs, next: attempt } as const;
  const pointed = attempt === 0 ? undefined : writeAttemptIfPossible(claim, 0, pointer, invocation);
  const leaveByMs = claimedAtMs + CALL_WITHIN_MS;
  // A synchronous request may be answered later than the last moment at which a call may leave.
  const deadlineMs = body.sync === 1 ? invocation.deadlineMs : Math.min(invocation.deadlineMs, leaveByMs);
  const repeat = release ? 'unsent' : 'refused';
  try {
    const created = await createTask(
      withNote(body, { claim: claim.id, owner, capture: claim.capture }),
      { ...invocation, deadlineMs },
      repeat,
      leaveByMs,
    );
    release?.();
    // Whether the answer to a synchronous request names the task is not documented.
    if (!created.task_id && body.sync !== 1)
      throw new ServiceUnavailable('MPC', 'its answer has no task_id', true);
    await completeClaim(claim, created, claimed, invocation, attempt);
    return { task: created, isNew: true };
  } catch (error) {
    if (error instanceof ServiceRefused || isProvablyNoTask(error)) release?.();
    if (isProvablyNoTask(error)) {
      const record = {
        state: 'released',
        claimed_at_ms: claimedAtMs,
        ...afterRefusal(error, refusals),
      } as const;
      await writeAttemptIfPossible(claim, attempt, record, invocation);
    } else forgetReads();
    throw error;
  } finally {
    await pointed;
  }
}

function isProvablyNoTask(error: unknown): boolean {
  if (error instanceof ServiceUnavailable) return !error.mayHaveArrived;
  return error instanceof ServiceRefused && error.status < 500 && error.status !== 408;
}

/** The fields to store after MPC refused the request itself. */
function afterRefusal(error: unknown, before: number): Pick<ClaimRecord, 'refusals' | 'not_before_ms'> {
  const isForGood = error instanceof ServiceRefused && error.status !== 429 && !error.areCredentialsRejected;
  if (!isForGood) return before === 0 ? {} : { refusals: before };
  const pauseMs = before === 0 ? 0 : Math.min(FIRST_PAUSE_MS * 2 ** before, LONGEST_PAUSE_MS);
  return { refusals: before + 1, not_before_ms: Date.now() + pauseMs };
}

/** Reconciles a half-written claim: MPC's list says whether its task was accepted. */
async function reconcileClaim(
  claim: ClaimRequest,
  attempt: number,
  record: ClaimRecord,
  invocation: Invocation,
): Promise<CreatedTask | undefined> {
  // A cancelled task may be one of an earlier attempt, cancelled so that the upload is started again.
  const fits = (task: Task) => isTaskOf(claim, record, task) && (attempt === 0 || task.status !== 'CANCELED');
  const found = await tasksOfClaim(claim.id, record.claimed_at_ms, fits, record, invocation);
  // Ids count up.
  const tasks = found.tasks.sort((a, b) => Number(a.task_id) - Number(b.task_id));
  const [first] = tasks;
  if (first) {
    if (tasks.length > 1) {
      const task_ids = tasks.map((task) => task.task_id);
      invocation.log.error('claim.duplicates', { claim: claim.id, task_ids });
    }
    const { task_id, status, create_time, output, output_file_name } = first;
    const created = { task_id, status, create_time, output, output_file_name };
    await noteFound(task_id, invocation);
    await completeClaim(claim, created, record, invocation, attempt);
    return created;
  }
  if (found.leftMs > 0) throw new ClaimInFlight(Math.ceil(found.leftMs / 1000));
  if (found.rest) {
    await writeAttemptIfPossible(claim, attempt, { ...record, ...found.rest }, invocation);
    throw new ClaimInFlight();
  }
  logStep('claim.abandoned', claim, invocation);
  return undefined;
}

/** The note alone proves nothing: the task must also capture this video into this directory. */
function isTaskOf({ bucket, key, output }: ClaimRequest, record: ClaimRecord, task: Task): boolean {
  if (!mayBeOf(record, unwrapUserData(task.user_data).note)) return false;
  const isInput = isWithin(task.input, { bucket, object: key });
  return isInput && (output === undefined || isWithin(task.output, output));
}

/** Never fails, because the task exists already: a claim that stays half-written is reconciled later. */
export async function completeClaim(
  claim: ClaimRequest,
  created: CreatedTask,
  { claimed_at_ms, last_modified_ms }: Pick<ClaimRecord, 'claimed_at_ms' | 'last_modified_ms'>,
  invocation: Invocation,
  attempt = 0,
): Promise<void> {
  const record: ClaimRecord = {
    state: 'accepted',
    claimed_at_ms,
    last_modified_ms,
    task_id: created.task_id,
    answer: created,
  };
  await writeAttemptIfPossible(claim, attempt, record, invocation);
  logStep('claim.accepted', claim, invocation, { task_id: created.task_id });
}

/** Logs a step with claim, object and task, so that each can be followed. */
function logStep(
  step: 'claim.claimed' | 'claim.accepted' | 'claim.abandoned',
  claim: ClaimRequest,
  { log }: Invocation,
  more?: { task_id?: string | undefined },
): void {
  log.info(step, { claim: claim.id, bucket: claim.bucket, key: claim.key, ...more });
}
