import * as z from 'zod/mini';
import { ageOrder, isPending, listTasks, MAX_IDS, mpcTime, type Task, timeOfMpc } from '../cloud/mpc';
import { describeFailure } from '../core/errors';
import { inParallel } from '../core/in-parallel';
import { integer, optionalWholeNumber, wholeNumber } from '../core/schema';
import type { FinishInvocation } from '../installation/finish-settings';
import { remainingMs } from '../installation/invocation';
import { RECORDS_FOLDER } from '../installation/object-keys';
import { getRecordAs, putRecord } from '../installation/records';
import { forgetFound, listFound } from '../tasks/found-tasks';
import { asMpcReads } from '../tasks/ownership';
import { finishTask, isFinished } from './finish-task';

/*
 * The timer reads MPC's list in passes, a page or two in each run. A pass goes from the oldest task that the last pass left
 * unfinished to the time of its own begin. It remembers the oldest task that is still unfinished: the next pass begins
 * there. Tasks that are created during a pass wait for the next one.
 */

/** The outcome of one run. */
export interface FinishReport {
  looked_at: number;
  finished: number;
  /** Tasks that have not ended, or that the next pass tries again. */
  unfinished: number;
  failed: number;
}

const PAGE_SIZE = 100;
/** MPC refuses later pages. */
const MAX_PAGE = 50_000;
/** MPC allows 100 calls a minute for the whole project. */
const MAX_LIST_CALLS = 2;
const FIRST_LOOK_BACK_MS = 3_600_000;
/** A task may appear in the list so late: the gateway held its call, clocks differ, or the list lags. */
const OVERLAP_MS = 180_000;
/** A task without a record may still get one until it is this old. */
const MAY_BE_RECORDED_WITHIN_MS = 120_000;
/** A task that could not be finished for so long is given up, or it would make every pass long. */
const GIVEN_UP_AFTER_MS = 86_400_000;
const MIN_TIME_FOR_A_TASK_MS = 5_000;
const PARALLEL_TASKS = 8;
const OBJECT_KEY = `${RECORDS_FOLDER}finish.json`;

const Pass = z.object({
  from_ms: wholeNumber,
  /** When the pass began; absent before its first page. */
  until_ms: optionalWholeNumber,
  page: integer(0, MAX_PAGE),
  oldest_unfinished_ms: optionalWholeNumber,
});
type Pass = z.infer<typeof Pass>;

/** Goes on with the pass through MPC's list, and finishes ended tasks. @throws what OBS and MPC throw on reading */
export async function finishEndedTasks(invocation: FinishInvocation): Promise<FinishReport> {
  const stored = await getRecordAs(Pass, OBJECT_KEY, invocation);
  // A mark in the future, from a wrong clock or a damaged record, would leave every task unfinished until then.
  const isUsable =
    stored !== undefined && Math.max(stored.from_ms, stored.until_ms ?? 0) <= Date.now() + OVERLAP_MS;
  const pass: Pass = isUsable ? stored : { from_ms: Date.now() - FIRST_LOOK_BACK_MS, page: 0 };
  const report: FinishReport = { looked_at: 0, finished: 0, unfinished: 0, failed: 0 };
  pass.until_ms ??= Date.now();
  for (let calls = 0; calls < MAX_LIST_CALLS; calls++) {
    const { tasks, isTruncated } = await listTasks(
      [
        ['start_time', mpcTime(pass.from_ms)],
        ['end_time', mpcTime(pass.until_ms)],
        ['page', String(pass.page)],
        ['size', String(PAGE_SIZE)],
      ],
      invocation,
      'unrefused',
    );
    const oldestMs = await finishTasks(tasks, report, invocation);
    pass.oldest_unfinished_ms = Math.min(pass.oldest_unfinished_ms ?? oldestMs, oldestMs);
    pass.page++;
    if (isTruncated && tasks.length > 0) continue;
    pass.from_ms = Math.min(pass.oldest_unfinished_ms, pass.until_ms - OVERLAP_MS);
    pass.until_ms = undefined;
    pass.oldest_unfinished_ms = undefined;
    pass.page = 0;
    break;
  }
  await putRecord(OBJECT_KEY, pass, invocation);
  return report;
}

/**
 * Finishes tasks that were found late: the pass through MPC's list may have passed them over.
 * @throws what OBS and MPC throw on reading
 */
export async function finishFoundTasks(report: FinishReport, invocation: FinishInvocation): Promise<void> {
  const found = await listFound(invocation);
  if (found.length === 0) return;
  // Another part of them in each run: some may not end for long.
  const start = (Math.floor(Date.now() / 60_000) * MAX_IDS) % found.length;
  const some = found.slice(start, start + MAX_IDS);
  const query = some.map(({ taskId }) => ['task_id', taskId] as const);
  await finishTasks((await listTasks(query, invocation, 'unrefused')).tasks, report, invocation);
  for (const { taskId, notedMs } of some) {
    const isOver = Date.now() - notedMs > GIVEN_UP_AFTER_MS || (await isFinished(taskId, invocation));
    if (isOver) await forgetFound(taskId, invocation);
  }
}

/**
 * Finishes the tasks that have ended.
 * @returns creation time of the oldest unfinished task, ms since the epoch; infinite when there is none
 */
export async function finishTasks(
  tasks: readonly Task[],
  report: FinishReport,
  invocation: FinishInvocation,
): Promise<number> {
  let oldestMs = Number.MAX_SAFE_INTEGER;
  await inParallel(byDirectory(tasks), PARALLEL_TASKS, async (group) => {
    for (const task of group) {
      report.looked_at++;
      if (await isDone(task, report, invocation)) continue;
      report.unfinished++;
      // A task without a creation time does not hold up the pass: later passes or a caller's query still find it.
      oldestMs = Math.min(oldestMs, timeOfMpc(task.create_time) ?? oldestMs);
    }
  });
  return oldestMs;
}

/**
 * Groups of tasks with the same directory, the oldest first. Their files have the same names: if they were finished at the
 * same time, the files of an older version could be written last.
 */
function byDirectory(tasks: readonly Task[]): Task[][] {
  const groups = new Map<string, Task[]>();
  for (const task of [...tasks].sort((a, b) => (ageOrder(a) < ageOrder(b) ? -1 : 1))) {
    const directory = `${task.output?.bucket}/${asMpcReads(task.output?.object ?? '')}`;
    groups.set(directory, [...(groups.get(directory) ?? []), task]);
  }
  return [...groups.values()];
}

/** True when nothing is left to do for a task. */
async function isDone(task: Task, report: FinishReport, invocation: FinishInvocation): Promise<boolean> {
  const { uploadBuckets } = invocation.settings;
  if (!uploadBuckets.includes(task.input?.bucket ?? '')) return true;
  const ageMs = Date.now() - (timeOfMpc(task.create_time) ?? 0);
  if (isPending(task)) return false;
  if (remainingMs(invocation) < MIN_TIME_FOR_A_TASK_MS) return false;
  try {
    const finish = await finishTask(task, invocation);
    if (finish === 'finished') report.finished++;
    return finish !== 'not_ours' || ageMs > MAY_BE_RECORDED_WITHIN_MS;
  } catch (error) {
    report.failed++;
    const isGivenUp = ageMs > GIVEN_UP_AFTER_MS;
    const event = isGivenUp ? 'finish.given_up' : 'finish.failed';
    invocation.log.error(event, { task_id: task.task_id, ...describeFailure(error) });
    return isGivenUp;
  }
}
