import { cancelTask, mpcTime, type Task, tasksMatching } from '../cloud/mpc';
import {
  describeFailure,
  INVALID_REQUEST,
  NO_SUCH_TASK,
  OPERATION_FAILED,
  ServiceRefused,
} from '../core/errors';
import { type Invocation, remainingMs } from '../installation/invocation';
import type { Query } from '../signing';
import { cancelToStartAgain } from './claims';
import { isInOwnFolder } from './ownership';
import { isRecordedTask } from './results';
import { unwrapUserData } from './task-note';
import { inLine, remember } from './waiting';

/** The outcome of a clean-up. */
export interface CleanUpReport {
  /** Waiting tasks older than the limit. */
  seen: number;
  cancelled: number;
  /** No longer waiting when the clean-up came to them: they run or have run. */
  too_late: number;
  /** Tasks of others, which are left alone. */
  not_ours: number;
  /** The next run tries these again. */
  failed: number;
}

/** MPC's documents show more than one code for a task that has left the queue. */
const NO_LONGER_WAITING: ReadonlySet<string> = new Set([OPERATION_FAILED, NO_SUCH_TASK, INVALID_REQUEST]);
/** With less time than this no call is begun: it could be cut off halfway. */
const MIN_TIME_FOR_A_CALL_MS = 2_000;
/** About the time between runs. If the queue is too long for one run, each run begins at another page. */
const RUN_EVERY_MS = 60_000;

/**
 * Cancels the tasks that have waited in MPC's queue for longer than QUEUE_LIMIT_MINUTES. The sweep starts those of uploads
 * again. The next run does what this one cannot.
 * @param includeForeignTasks also cancels tasks between this installation's buckets that others created, into any directory
 */
export async function cleanUpQueue(
  invocation: Invocation,
  includeForeignTasks: boolean,
): Promise<CleanUpReport> {
  const tasks = await oldWaitingTasks(invocation);
  const report: CleanUpReport = { seen: tasks.length, cancelled: 0, too_late: 0, not_ours: 0, failed: 0 };
  let isQuotaLeft = true;
  for (const task of tasks) {
    if (!isQuotaLeft || remainingMs(invocation) < MIN_TIME_FOR_A_CALL_MS) {
      report.failed++;
      continue;
    }
    try {
      const mayCancel = includeForeignTasks || (await isOurs(task, invocation));
      if (mayCancel) await takeOut(task, invocation);
      report[mayCancel ? 'cancelled' : 'not_ours']++;
    } catch (error) {
      const isTooLate = error instanceof ServiceRefused && NO_LONGER_WAITING.has(error.code);
      report[isTooLate ? 'too_late' : 'failed']++;
      if (isTooLate) continue;
      // The rest of the quota belongs to uploads and callers.
      isQuotaLeft = !(error instanceof ServiceRefused && error.status === 429);
      invocation.log.warn('queue.not_cancelled', { task_id: task.task_id, ...describeFailure(error) });
    }
  }
  invocation.log.info('queue.cleaned', { ...report });
  return report;
}

/** The sweep starts tasks of uploads again. Callers must create theirs again themselves. */
function takeOut(task: Task, invocation: Invocation): Promise<void> {
  const { claim } = unwrapUserData(task.user_data).note;
  return claim === undefined
    ? cancelTask(task.task_id, invocation)
    : cancelToStartAgain(task, claim, invocation, (video) =>
        remember(inLine(video, Date.now(), invocation), invocation),
      );
}

/** A task of this installation has a claim and writes to its folder, or has a record here. */
async function isOurs(task: Task, invocation: Invocation): Promise<boolean> {
  const { claim } = unwrapUserData(task.user_data).note;
  if (claim !== undefined && isInOwnFolder(task, invocation.settings)) return true;
  return isRecordedTask(task, invocation);
}

async function oldWaitingTasks(invocation: Invocation): Promise<Task[]> {
  const { uploadBuckets, queueLimitMinutes } = invocation.settings;
  const limit = mpcTime(Date.now() - queueLimitMinutes * 60_000);
  const filter: Query = [
    ['status', 'WAITING'],
    ['end_time', limit],
  ];
  const { searches: budget } = invocation;
  const first = await tasksMatching(filter, invocation, budget);
  const tasks = new Map(first.tasks.map((task) => [task.task_id, task]));
  if (!first.isComplete && budget.calls > 0) {
    // Tasks of others stay in the queue: they must not hide ours for ever.
    const turn = Math.floor(Date.now() / RUN_EVERY_MS) * budget.calls;
    const rest = await tasksMatching(filter, invocation, budget, turn % Math.max(1, first.pages));
    for (const task of rest.tasks) tasks.set(task.task_id, task);
  }
  return [...tasks.values()].filter(
    (task) =>
      task.status === 'WAITING' &&
      // A task of unknown age is left alone.
      task.create_time !== undefined &&
      task.create_time <= limit &&
      uploadBuckets.includes(task.input?.bucket ?? ''),
  );
}
