import * as z from 'zod/mini';
import { isPending, parseTask, type Task } from '../cloud/mpc';
import { describeFailure } from '../core/errors';
import { groupsOf } from '../core/groups';
import { anything, optionalText, text } from '../core/schema';
import type { Invocation } from '../installation/invocation';
import { RECORDS_FOLDER } from '../installation/object-keys';
import { getRecordAs, putRecord } from '../installation/records';
import { ClaimRecord, claimKey } from './claims';
import { isBetweenOwnBuckets, isInOwnFolder, isOfThisStage } from './ownership';
import { unwrapUserData } from './task-note';

/*
 * When a task has ended, what MPC said of it is kept beside the record of the task, and a pointer leads there from its id:
 *
 *   claims/<video>/<name>.json          the claim or record that the task was created under
 *   claims/<video>/<name>.result.json   what MPC said when it had ended
 *   tasks/<task id>.json                where that is
 *
 * What has ended never changes, so that every writer writes the same, in any order. The pointer comes last: whoever finds it
 * finds the result.
 */

/** Tasks outside the own folder that are looked up at a time. */
const PARALLEL_LOOKS = 16;

const RESULT_ENDING = '.result.json';

// Not every function that knows the names of results reads them.
const Result = /* @__PURE__ */ z.object({ task: anything, etag: optionalText, folder: optionalText });
const Pointer = /* @__PURE__ */ z.object({ result: text });

/** A task that has ended, and of which version of the video it is, where that was written down. */
export interface TaskResult {
  task: Task;
  etag?: string | undefined;
}

/** The name of the result that belongs to a record of the claims' folder; undefined for what is no such record. */
export function resultKeyOf(recordKey: string): string | undefined {
  const isRecord = recordKey.endsWith('.json') && !recordKey.endsWith(RESULT_ENDING);
  return isRecord ? recordKey.replace(/\.json$/, RESULT_ENDING) : undefined;
}

/**
 * What MPC said of a task when it had ended. No call to MPC.
 * @returns undefined when nothing is kept of it
 * @throws what OBS throws
 */
export async function keptResult(taskId: string, invocation: Invocation): Promise<TaskResult | undefined> {
  const pointer = await getRecordAs(Pointer, pointerKey(taskId), invocation);
  return pointer && readResult(pointer.result, invocation);
}

/** The result under this key; undefined when there is none of this installation. @throws what OBS throws */
export async function readResult(key: string, invocation: Invocation): Promise<TaskResult | undefined> {
  const result = await getRecordAs(Result, key, invocation);
  const task = parseTask(result?.task);
  if (task === undefined || !isOfThisStage(task, result?.folder, invocation.settings)) return undefined;
  return { task, etag: result?.etag };
}

/**
 * Keeps what MPC says of a task that has ended, when this service has created it.
 * @param task as MPC lists it, ended
 * @returns undefined when no record of this service leads to the task
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
 * True for a task of this installation: between its buckets, and into its folder or, where it goes elsewhere, not recorded
 * by another stage. Only in the latter case OBS is read. What nobody recorded, because its creation was cut off, is shown:
 * whoever created it looks for it.
 * @throws what OBS throws
 */
export async function isOwnTask(task: Task, invocation: Invocation): Promise<boolean> {
  const { settings } = invocation;
  if (!isBetweenOwnBuckets(task, settings)) return false;
  return (
    isInOwnFolder(task, settings) || isOfThisStage(task, (await recordOf(task, invocation))?.folder, settings)
  );
}

/** True for a task that a record of this installation leads to. @throws what OBS throws */
export async function isRecordedTask(task: Task, invocation: Invocation): Promise<boolean> {
  const record = await recordOf(task, invocation);
  return record !== undefined && isOfThisStage({}, record.folder, invocation.settings);
}

/** Those of this installation, in their order. @throws what OBS throws */
export async function ownTasks(tasks: readonly Task[], invocation: Invocation): Promise<Task[]> {
  const own: Task[] = [];
  for (const group of groupsOf(tasks, PARALLEL_LOOKS)) {
    const isOwn = await Promise.all(group.map((task) => isOwnTask(task, invocation)));
    own.push(...group.filter((_, index) => isOwn[index]));
  }
  return own;
}

/** Keeps the results of those tasks that have ended. A failure is logged: whoever sees the task next keeps it. */
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

/** The record that leads to a task, and where its result belongs; undefined for a task that nobody recorded here. */
async function recordOf(task: Task, invocation: Invocation): Promise<TaskRecord | undefined> {
  const { uploadBuckets } = invocation.settings;
  const { bucket, object } = task.input ?? {};
  if (bucket === undefined || object === undefined || !uploadBuckets.includes(bucket)) return undefined;
  const { claim } = unwrapUserData(task.user_data).note;
  const names = [claim, task.task_id]
    .filter((name) => name !== undefined)
    .filter((name) => /^\w+$/.test(name));
  for (const name of names) {
    const key = claimKey({ bucket, key: object }, name);
    const record = await getRecordAs(ClaimRecord, key, invocation);
    if (record === undefined) continue;
    const { task_id, state, etag, next, folder } = record;
    // A later attempt has a record of its own.
    if (next !== undefined && name === claim) names.push(`${claim}.${next}`);
    // A claim whose call was never answered has no id yet: the task that carries it is the one.
    if (task_id === task.task_id || (task_id === undefined && state === 'claimed')) {
      return { resultKey: key.replace(/\.json$/, RESULT_ENDING), etag, folder };
    }
  }
  return undefined;
}

/** Key of the pointer to a task's result. */
export function pointerKey(taskId: string): string {
  return `${RECORDS_FOLDER}tasks/${taskId}.json`;
}
