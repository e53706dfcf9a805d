import { listTasks, MAX_IDS } from '../shared/cloud/mpc';
import type { FunctionContext } from '../shared/core/context';
import { describeFailure } from '../shared/core/errors';
import { groupsOf } from '../shared/core/groups';
import { withReadableStack } from '../shared/core/stack';
import { readTimerEvent } from '../shared/core/timer-event';
import { type NoticeReport, sendDueNotices } from '../shared/finishing/notices';
import { planRemoval, type RemovalPlan, type RemovalReport, removeGone } from '../shared/finishing/removal';
import { readTaskNotifications } from '../shared/finishing/task-notification';
import { type FinishReport, finishEndedTasks, finishTasks } from '../shared/finishing/unfinished-tasks';
import { type FinishInvocation, openFinishInvocation } from '../shared/installation/finish-settings';

/**
 * When a task has ended: keeps its result, writes the files beside its pictures and tells who wants to know. MPC's
 * notification starts it at once; on a timer it looks through MPC's list, so that a notification which never came is not missed.
 * On a timer it also removes what is left of videos that are gone, where ON_REMOVAL says so.
 * @throws Error for an event of another kind
 */
export const handler = async (
  event: unknown,
  context: FunctionContext,
): Promise<Finished | { removal: RemovalPlan }> => withReadableStack(handle(event, context));

type Finished = FinishReport & { notices: NoticeReport; removal?: RemovalReport };

async function handle(
  event: unknown,
  context: FunctionContext,
): Promise<Finished | { removal: RemovalPlan }> {
  const invocation = openFinishInvocation(context);
  const timer = readTimerEvent(event);
  if (timer?.dry_run === true) return { removal: await planRemoval(String(timer.from ?? ''), invocation) };
  const report = await finishWhatEnded(event, invocation);
  const notices = await sendDueNotices(invocation);
  const removal = timer && (await removeWhatIsGone(timer.whole === true, invocation));
  const done = { ...report, notices, ...(removal && { removal }) };
  invocation.log.info('finish.done', done);
  return done;
}

async function removeWhatIsGone(
  isWhole: boolean,
  invocation: FinishInvocation,
): Promise<RemovalReport | undefined> {
  if (invocation.settings.onRemoval === 'keep') return undefined;
  try {
    return await removeGone(isWhole, invocation);
  } catch (error) {
    // The next run takes it up.
    invocation.log.error('removal.failed', describeFailure(error));
    return undefined;
  }
}

async function finishWhatEnded(event: unknown, invocation: FinishInvocation): Promise<FinishReport> {
  const report: FinishReport = { looked_at: 0, finished: 0, unfinished: 0, failed: 0 };
  const ids = readTaskNotifications(event);
  if (ids === undefined && readTimerEvent(event) === undefined) {
    throw new Error('this is no event of SMN or of a timer: expected record[].smn, or trigger_type TIMER');
  }
  try {
    if (ids === undefined) return await finishEndedTasks(invocation);
    for (const group of groupsOf(ids, MAX_IDS)) {
      const query = group.map((id) => ['task_id', id] as const);
      await finishTasks((await listTasks(query, invocation, 'unrefused')).tasks, report, invocation);
    }
  } catch (error) {
    // Notices that are due must not wait for MPC; the next run takes up the rest.
    invocation.log.error('finish.failed', describeFailure(error));
  }
  return report;
}
