import * as z from 'zod/mini';
import { type ApiResponse, answer, noContent, taskIdIn } from '../shared/api/gateway';
import { connect } from '../shared/cloud/http';
import { cancelTask } from '../shared/cloud/mpc';
import type { FunctionContext } from '../shared/core/context';
import { withReadableStack } from '../shared/core/stack';
import { readTimerEvent } from '../shared/core/timer-event';
import { openInvocation } from '../shared/installation/invocation';
import { assertOwnTask } from '../shared/tasks/await-task';
import { type CleanUpReport, cleanUpQueue } from '../shared/tasks/queue-clean-up';
import { lastValues, parse, parseTaskId } from '../shared/validation';

/** Whoever adds `?dry_run=true` does not want the task to be cancelled. */
const Query = z.strictObject({});

/** `DELETE /snapshots/{task_id}`: takes a waiting task out of MPC's queue. On a timer: cancels tasks that wait too long. */
export const handler = async (
  event: unknown,
  context: FunctionContext,
): Promise<ApiResponse | CleanUpReport> => {
  const timer = readTimerEvent(event);
  if (timer !== undefined)
    return withReadableStack(
      cleanUpQueue(openInvocation(context), (timer.include_foreign_tasks ?? timer.everybodys) === true),
    );
  return answer(event, context, async (request, invocation) => {
    // The connection opens while the request is checked.
    connect(invocation.settings.mpcEndpoint);
    const taskId = parseTaskId(taskIdIn(request) ?? '');
    parse(Query, lastValues(request.query));
    // The API cancels only tasks of this installation.
    await assertOwnTask(taskId, invocation);
    await cancelTask(taskId, invocation);
    return noContent();
  });
};
