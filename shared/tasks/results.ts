import * as z from 'zod/mini';
import { isPending, parseTask, type Task } from '../cloud/mpc';
import { describeFailure } from '../core/errors';
import { groupsOf } from '../core/groups';
import { anything, optionalText, text } from '../core/schema';
import type { Invocation } from '../installation/invocation';
import { RECORDS_FOLDER } from '../installation/object-keys';
import { getRecordAs, putRecord } from '../installation/records';
import { ClaimRecord, claimKey, mayBeOf } from './claim-record';
import { isBetweenOwnBuckets, isInOwnFolder, isOfThisStage } from './ownership';
import { unwrapUserData } from './task-note';

/*
 * When a task has ended, its entry in MPC's list is kept beside the record of the task. A pointer leads there from its id:
 *
 *   claims/<video>/<name>.json          the claim or record that the task was created under
 *   claims/<video>/<name>.result.json   the result: the ended task from MPC's list
 *   tasks/<task id>.json                the pointer to it
 *
 * An ended task never changes: every writer writes the same, in any order. The pointer is written last, so that it never
 * leads nowhere.
 */

/** Tasks outside the stage's folder that are looked up in parallel. */
const PARALLEL_LOOKS = 16;

const RESULT_ENDING = '.result.json';

// @__PURE__: functions that only use names from here must not carry the schemas.
const Result = /* @__PURE__ */ z.object({ task: anything, etag: optionalText, folder: optionalText });
const Pointer = /* @__PURE__ */ z.object({ result: text });

/** An ended task, and the ETag of its video's version if it was recorded. */
export interface TaskResult {
  task: Task;
  etag?: string | undefined;
}

/** True for the key of a claim or record in the claims' folder, where results and marks lie too. */
export function isRecordKey(key: string): boolean {
  return key.endsWith('.json') && !isResultKey(key);
}

/** True for the key of a result. */
export function isResultKey(key: string): boolean {
  return key.endsWith(RESULT_ENDING);
}

/** Key of the result of a record. */
export function resultKeyOf(recordKey: string): string {
  return recordKey.replace(/\.json$/, RESULT_ENDING);
}

/**
 * The kept result of a task. Makes no call to MPC.
 * @returns undefined when there is none
 * @throws what OBS throws
 */
export async function keptResult(taskId: string, invocation: Invocation): Promise<TaskResult | undefined> {
  const pointer = await getRecordAs(Pointer, pointerKey(taskId), invocation);
  return pointer && readResult(pointer.result, invocation);
}

/** The result with this key; undefined when this installation has none. @throws what OBS throws */
export async function readResult(key: string, invocation: Invocation): Promise<TaskResult | undefined> {
  const result = await getRecordAs(Result, key, invocation);
  if (result === undefined) return undefined;
  const task = parseTask(result.task);
  if (task === undefined || !isOfThisStage(task, result.folder, invocation.settings)) return undefined;
  return { task, etag: result.etag };
}

/**
 * Keeps the result of a task of this installation.
 * @param task an ended task from MPC's list
 * @returns undefined when this installation has no record of the task
 * @throws what OBS throws
 */
export async function keepResult(task: Task, invocation: Invocation): Promise<TaskResult | undefined> {
  const record = await recordOf(task, invocation);
  if (record === undefined || !isOfThisStage(task, record.folder, invocation.settings)) return undefined;
  const { resultKey, etag, folder } = record;
  await putRecord(resultKey, { task, etag, folder }, invocation);
  await putRecord(pointerKey(task.task_id), { result: resultKey }, invocation);
  return { task, etag };
}

/**
 * True for a task of this installation: between its buckets, and into its folder. A task into another folder counts unless
 * another stage has recorded it; only then OBS is read. A task without a record also counts: its creation was
 * interrupted, and its caller looks for it.
 * @throws what OBS throws
 */
export async function isOwnTask(task: Task, invocation: Invocation): Promise<boolean> {
  const { settings } = invocation;
  if (!isBetweenOwnBuckets(task, settings)) return false;
  return (
    isInOwnFolder(task, settings) || isOfThisStage(task, (await recordOf(task, invocation))?.folder, settings)
  );
}

/** True for a task with a record of this installation. @throws what OBS throws */
export async function isRecordedTask(task: Task, invocation: Invocation): Promise<boolean> {
  const record = await recordOf(task, invocation);
  return record !== undefined && isOfThisStage({}, record.folder, invocation.settings);
}

/** The tasks of this installation, in the same order. @throws what OBS throws */
export async function ownTasks(tasks: readonly Task[], invocation: Invocation): Promise<Task[]> {
  const own: Task[] = [];
  for (const group of groupsOf(tasks, PARALLEL_LOOKS)) {
    const isOwn = await Promise.all(group.map((task) => isOwnTask(task, invocation)));
    own.push(...group.filter((_, index) => isOwn[index]));
  }
  return own;
}

/** Keeps the results of ended tasks. A failure is only logged: the next invocation that sees the task tries again. */
export async function keepResults(tasks: readonly Task[], invocation: Invocation): Promise<void> {
  await Promise.all(
    tasks
      .filter((task) => !isPending(task))
      .map((task) =>
        keepResult(task, invocation).catch((error: unknown) => {
          invocation.log.warn('result.not_kept', { task_id: task.task_id, ...describeFailure(error) });
        }),
      ),
  );
}

interface TaskRecord {
  resultKey: string;
  etag: string | undefined;
  folder: string | undefined;
}

/** The record of a task, and the key for its result; undefined for a task without a record. */
async function recordOf(task: Task, invocation: Invocation): Promise<TaskRecord | undefined> {
  const { uploadBuckets } = invocation.settings;
  const { bucket = '', object: key } = task.input ?? {};
  if (key === undefined || !uploadBuckets.includes(bucket)) return undefined;
  const video = { bucket, key };
  const { note } = unwrapUserData(task.user_data);
  const { claim } = note;
  const names = [claim, task.task_id]
    .filter((name) => name !== undefined)
    .filter((name) => /^\w+$/.test(name));
  for (const name of names) {
    const record = await getRecordAs(ClaimRecord, claimKey(video, name), invocation);
    if (record === undefined) continue;
    const { task_id, state, etag, next, folder } = record;
    // A later attempt has its own record. Only the first one says which: no record can lead back to itself.
    if (next !== undefined && name === claim) names.push(`${claim}.${next}`);
    // A claim whose call was never answered has no task id: the task with its note is the one.
    const isHalfWritten = task_id === undefined && state === 'claimed' && mayBeOf(record, note);
    if (task_id === task.task_id || isHalfWritten) {
      return { resultKey: claimKey(video, `${name}.result`), etag, folder };
    }
  }
  return undefined;
}

/** Key of the pointer to a task's result. */
export function pointerKey(taskId: string): string {
  return `${RECORDS_FOLDER}tasks/${taskId}.json`;
}
