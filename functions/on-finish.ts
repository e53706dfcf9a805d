import { listTasks, MAX_IDS } from '../shared/cloud/mpc';
import type { FunctionContext } from '../shared/core/context';
import { describeFailure } from '../shared/core/errors';
import { groupsOf } from '../shared/core/groups';
import { withReadableStack } from '../shared/core/stack';
import { readTimerEvent } from '../shared/core/timer-event';
import { type NoticeReport, sendDueNotices } from '../shared/finishing/notices';
import { planRemoval, type RemovalPlan, type RemovalReport, removeGone } from '../shared/finishing/removal';
import { readTaskNotifications } from '../shared/finishing/task-notification';
import {
  type FinishReport,
  finishEndedTasks,
  finishFoundTasks,
  finishTasks,
} from '../shared/finishing/unfinished-tasks';
import { type FinishInvocation, openFinishInvocation } from '../shared/installation/finish-settings';

/**
 * Finishes tasks that have ended: keeps the result, writes the files beside the pictures and sends the webhook. MPC's
 * notification starts it at once. On a timer it reads MPC's list, because a notification can be lost.
 * On a timer it also deletes the pictures of videos that are gone, if ON_REMOVAL is `delete`.
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
  const notices = await sendDueNotices(timer !== undefined, invocation);
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
    // The next run tries again.
    invocation.log.error('removal.failed', describeFailure(error));
    return undefined;
  }
}

async function finishWhatEnded(event: unknown, invocation: FinishInvocation): Promise<FinishReport> {
  const report: FinishReport = { looked_at: 0, finished: 0, unfinished: 0, failed: 0 };
  const ids = readTaskNotifications(event);
  if (ids === undefined && readTimerEvent(event) === undefined) {
    throw new Error('not an event of SMN or a timer: expected record[].smn, or trigger_type TIMER');
  }
  try {
    if (ids === undefined) {
      Object.assign(report, await finishEndedTasks(invocation));
      await finishFoundTasks(report, invocation);
    }
    for (const group of groupsOf(ids ?? [], MAX_IDS)) {
      const query = group.map((id) => ['task_id', id] as const);
      await finishTasks((await listTasks(query, invocation, 'unrefused')).tasks, report, invocation);
    }
  } catch (error) {
    // Notices that are due must not wait for MPC. The next run does the rest.
    invocation.log.error('finish.failed', describeFailure(error));
  }
  return report;
}
