import { recordedTasks } from '../shared/claims';
import type { FunctionContext } from '../shared/context';
import { ApiError, NO_SUCH_TASK } from '../shared/errors';
import { type ApiResponse, answer, jsonResponse } from '../shared/gateway';
import type { Invocation } from '../shared/invocation';
import { type ListRequest, MAX_IDS, parseListRequest } from '../shared/list-request';
import { listTasks, type Task } from '../shared/mpc';
import type { Query } from '../shared/signing';
import { withPictures } from '../shared/storyboard';
import { parseTaskId } from '../shared/validation';

/** `GET /snapshots` and `GET /snapshots/{task_id}`: what became of tasks, and where their pictures are. */
export const handler = async (event: unknown, context: FunctionContext): Promise<ApiResponse> =>
  answer(event, context, async (request, invocation) => {
    if (request.taskId !== undefined) return oneTask(parseTaskId(request.taskId), invocation);
    const list = parseListRequest(request.query, invocation.settings);
    if (list.object !== undefined) return tasksOfVideo(list.object, list.bucket, invocation);
    return manyTasks(list, invocation);
  });

async function oneTask(taskId: string, invocation: Invocation): Promise<ApiResponse> {
  const [task] = (await listTasks([['task_id', taskId]], invocation)).tasks;
  if (task === undefined) throw new ApiError(404, NO_SUCH_TASK, `The task does not exist: ${taskId}`);
  return jsonResponse(200, withPictures(task, invocation));
}

async function manyTasks(request: ListRequest, invocation: Invocation): Promise<ApiResponse> {
  const query: Query = Object.entries(request).flatMap(([name, value]) =>
    [value].flat().map((item) => [name, String(item)] as const),
  );
  const { tasks, isTruncated, total } = await listTasks(query, invocation);
  return listResponse(tasks, isTruncated, total, invocation);
}

async function tasksOfVideo(
  key: string,
  bucket: string | undefined,
  invocation: Invocation,
): Promise<ApiResponse> {
  const buckets = bucket === undefined ? invocation.settings.uploadBuckets : [bucket];
  const ids = (await Promise.all(buckets.map((name) => recordedTasks(name, key, invocation)))).flat();
  const tasks: Task[] = [];
  for (let start = 0; start < ids.length; start += MAX_IDS) {
    const query: Query = ids.slice(start, start + MAX_IDS).map((id) => ['task_id', id]);
    tasks.push(...(await listTasks(query, invocation)).tasks);
  }
  // Times are yyyymmddhhmmss and ids count up: the greater, the newer.
  const age = (task: Task): string =>
    (task.create_time ?? '').padStart(14, '0') + task.task_id.padStart(16, '0');
  tasks.sort((a, b) => (age(a) < age(b) ? 1 : -1));
  return listResponse(tasks, false, tasks.length, invocation);
}

function listResponse(
  tasks: readonly Task[],
  isTruncated: boolean,
  total: number,
  invocation: Invocation,
): ApiResponse {
  const task_array = tasks.map((task) => withPictures(task, invocation));
  return jsonResponse(200, { task_array, is_truncated: isTruncated ? 1 : 0, total });
}
