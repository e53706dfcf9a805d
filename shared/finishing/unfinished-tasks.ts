import * as z from 'zod/mini';
import { ageOrder, isPending, listTasks, mpcTime, type Task, timeOfMpc } from '../cloud/mpc';
import { describeFailure } from '../core/errors';
import { inParallel } from '../core/in-parallel';
import { optionalWholeNumber, wholeNumber } from '../core/schema';
import type { FinishInvocation } from '../installation/finish-settings';
import { remainingMs } from '../installation/invocation';
import { RECORDS_FOLDER } from '../installation/object-keys';
import { getRecordAs, putRecord } from '../installation/records';
import { asMpcReads } from '../tasks/ownership';
import { finishTask } from './finish-task';

/*
 * The timer looks through MPC's list in passes. A pass goes from the oldest task that was not finished when the last pass ended
 * to the moment when it began, a page or two in each run, and remembers the oldest task that is still not finished: the next
 * pass begins there. What is created during a pass waits for the next one.
 */

/** What a look through MPC's list found and did. */
export interface FinishReport {
  looked_at: number;
  finished: number;
  /** Still in MPC's hands, or to be tried again. */
  unfinished: number;
  failed: number;
}

const PAGE_SIZE = 100;
/** MPC allows 100 calls a minute to the whole project. */
const MAX_LIST_CALLS = 2;
const FIRST_LOOK_BACK_MS = 3_600_000;
/** A task may reach the list so late: its call was held by the gateway, clocks differ, the list lags. */
const OVERLAP_MS = 180_000;
/** A task without a record that is younger than this may be recorded yet. */
const MAY_BE_RECORDED_WITHIN_MS = 120_000;
/** What could not be finished for so long is given up, or it would keep every pass long. */
const GIVEN_UP_AFTER_MS = 86_400_000;
const MIN_TIME_FOR_A_TASK_MS = 5_000;
const PARALLEL_TASKS = 8;
const OBJECT_KEY = `${RECORDS_FOLDER}finish.json`;

const Pass = z.object({
  from_ms: wholeNumber,
  /** When the pass began; absent before its first page. */
  until_ms: optionalWholeNumber,
  page: wholeNumber,
  oldest_unfinished_ms: optionalWholeNumber,
});
type Pass = z.infer<typeof Pass>;

/** Goes on with the pass through MPC's list, and finishes what has ended. @throws what OBS and MPC throw on reading */
export async function finishEndedTasks(invocation: FinishInvocation): Promise<FinishReport> {
  const stored = await getRecordAs(Pass, OBJECT_KEY, invocation);
  const pass: Pass = stored ?? { from_ms: Date.now() - FIRST_LOOK_BACK_MS, page: 0 };
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
 * Finishes those that have ended.
 * @returns the time of the oldest task that is not finished, ms since the epoch; infinite when all are
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
      // One without a time holds no pass up: it is seen as long as it is young, and by whoever asks for it.
      oldestMs = Math.min(oldestMs, timeOfMpc(task.create_time) ?? oldestMs);
    }
  });
  return oldestMs;
}

/**
 * Tasks in groups of one directory each, the oldest first: what they write there has the same names, and at the same time the
 * files of an older version could be written last.
 */
function byDirectory(tasks: readonly Task[]): Task[][] {
  const groups = new Map<string, Task[]>();
  for (const task of [...tasks].sort((a, b) => (ageOrder(a) < ageOrder(b) ? -1 : 1))) {
    const directory = `${task.output?.bucket}/${asMpcReads(task.output?.object ?? '')}`;
    groups.set(directory, [...(groups.get(directory) ?? []), task]);
  }
  return [...groups.values()];
}

/** True when nothing is to be done for a task any more. */
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
