import type { FunctionContext } from '../shared/context';
import { type ApiResponse, answer, noContent, taskIdIn } from '../shared/gateway';
import { openInvocation } from '../shared/invocation';
import { cancelTask } from '../shared/mpc';
import { type CleanUpReport, cleanUpQueue } from '../shared/queue';
import { ignoreCapture } from '../shared/settings';
import { readTimerEvent } from '../shared/timer';
import { parseTaskId } from '../shared/validation';

/** `DELETE /snapshots/{task_id}`: takes a waiting task out of MPC's queue. On a timer: clears the queue of old ones. */
export const handler = async (
  event: unknown,
  context: FunctionContext,
): Promise<ApiResponse | CleanUpReport> => {
  const timer = readTimerEvent(event);
  if (timer !== undefined)
    return cleanUpQueue(openInvocation(context, ignoreCapture), timer.everybodys === true);
  return answer(event, context, ignoreCapture, async (request, invocation) => {
    await cancelTask(parseTaskId(taskIdIn(request) ?? ''), invocation);
    return noContent();
  });
};
