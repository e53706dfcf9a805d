import type { Task } from '../cloud/mpc';
import { findObject } from '../cloud/obs';
import type { FinishInvocation } from '../installation/finish-settings';
import type { Invocation } from '../installation/invocation';
import { getRecord, putRecord } from '../installation/records';
import { keepResult } from '../tasks/results';
import { publishFiles } from '../views/published-files';
import { releaseFailed } from './failed-claims';
import { markKey } from './finish-mark';
import { queueNotice } from './notices';
import { clearOlderPictures } from './older-pictures';

/** `not_ours`: this installation has no record of the task. */
export type Finish = 'finished' | 'already_finished' | 'not_ours';

/** Tasks that this instance knows to be finished. A task is seen many times, and each check would cost a read. */
const knownFinished = new Set<string>();
const MAX_KNOWN = 10_000;

/**
 * Finishes an ended task once: keeps its result, writes the files beside its pictures, queues the
 * notice. Each step writes the same when it is repeated, so a run that was interrupted is simply repeated.
 * @param task an ended task from MPC's list
 * @throws what OBS throws
 */
export async function finishTask(task: Task, invocation: FinishInvocation): Promise<Finish> {
  if (await isFinished(task.task_id, invocation)) return 'already_finished';
  const result = await keepResult(task, invocation);
  if (result === undefined) return 'not_ours';
  if (task.status === 'FAILED') await releaseIfGone(task, invocation);
  const files = await publishFiles(result, invocation);
  await clearOlderPictures(result, invocation);
  if (invocation.settings.notify !== undefined) await queueNotice(result, files, invocation);
  await putRecord(markKey(task.task_id), { status: task.status, files: files?.names ?? [] }, invocation);
  remember(task.task_id);
  invocation.log.info('task.finished', { task_id: task.task_id, status: task.status });
  return 'finished';
}

async function releaseIfGone({ input }: Task, invocation: FinishInvocation): Promise<void> {
  const { bucket = '', object: key = '' } = input ?? {};
  const isThere = (await findObject(bucket, key, invocation)) !== undefined;
  if (!isThere) await releaseFailed({ bucket, key }, invocation);
}

/** True when a task is finished. @throws what OBS throws */
export async function isFinished(taskId: string, invocation: Invocation): Promise<boolean> {
  if (knownFinished.has(taskId)) return true;
  const mark = await getRecord(markKey(taskId), invocation);
  if (mark !== undefined) remember(taskId);
  return mark !== undefined;
}

function remember(taskId: string): void {
  if (knownFinished.size >= MAX_KNOWN) knownFinished.clear();
  knownFinished.add(taskId);
}
