import type { Invocation } from '../installation/invocation';
import { RECORDS_FOLDER } from '../installation/object-keys';
import { deleteRecord, listRecordPage, putRecord } from '../installation/records';

/*
 * A task whose creator got no answer has no record until its claim is reconciled. By then on-finish may have passed it over
 * as a task of somebody else. So whoever finds the task notes it here, and on-finish looks at it once more.
 */

const FOUND_FOLDER = `${RECORDS_FOLDER}found/`;

/** Notes a task that was found late. Must come before the record that leads to the task: a run may end in between. */
export function noteFound(taskId: string, invocation: Invocation): Promise<unknown> {
  return putRecord(`${FOUND_FOLDER}${taskId}.json`, {}, invocation);
}

/** At most 1,000 noted tasks, and when each was noted (ms since the epoch). @throws what OBS throws */
export async function listFound(invocation: Invocation): Promise<{ taskId: string; notedMs: number }[]> {
  const { objects } = await listRecordPage({ prefix: FOUND_FOLDER }, invocation);
  return objects.map(({ key, lastModifiedMs }) => ({
    taskId: key.slice(FOUND_FOLDER.length, -'.json'.length),
    notedMs: lastModifiedMs,
  }));
}

/** @throws what OBS throws */
export async function forgetFound(taskId: string, invocation: Invocation): Promise<void> {
  await deleteRecord(`${FOUND_FOLDER}${taskId}.json`, invocation);
}
