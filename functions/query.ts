import { ApiError } from '../shared/api/errors';
import { type ApiResponse, answer, jsonResponse, taskIdIn, viewResponse } from '../shared/api/gateway';
import { listTasks, type Task } from '../shared/cloud/mpc';
import type { FunctionContext } from '../shared/core/context';
import { NO_SUCH_TASK } from '../shared/core/errors';
import type { Invocation } from '../shared/installation/invocation';
import type { Query } from '../shared/signing';
import { awaitTask } from '../shared/tasks/await-task';
import { type ListRequest, MAX_IDS, parseListRequest, parseViewRequest } from '../shared/tasks/list-request';
import { recordedTasks } from '../shared/tasks/task-index';
import { parseTaskId } from '../shared/validation';
import { withPictures } from '../shared/views/pictures';
import { showTask } from '../shared/views/task-view';

/** `GET /snapshots` and `GET /snapshots/{task_id}`: what became of tasks, and where their pictures are. */
export const handler = async (event: unknown, context: FunctionContext): Promise<ApiResponse> => {
  const opened: Record<string, string> = {};
  const answered = await answer(event, context, async (request, invocation) => {
    // Players fetch tracks from pages of any origin; without this, such a page could not even read why there is none.
    if (/^(vtt|storyboard)$/.test(request.query.format?.at(-1) ?? ''))
      opened['access-control-allow-origin'] = '*';
    const id = taskIdIn(request);
    if (id !== undefined) {
      const taskId = parseTaskId(id);
      const { format, wait } = parseViewRequest(request.query);
      const task = await awaitTask(taskId, Number(wait ?? 0), invocation);
      return viewResponse(await showTask(task, format, invocation));
    }
    const { format, object, bucket, ...list } = parseListRequest(request.query, invocation.settings);
    if (object === undefined) return manyTasks(list, invocation);
    const tasks = await tasksOfVideo(object, bucket, invocation);
    if ((format ?? 'json') === 'json') return listResponse(tasks, false, tasks.length, invocation);
    const task = tasks.find(({ status }) => status === 'SUCCEEDED') ?? tasks[0];
    if (task === undefined) throw new ApiError(404, NO_SUCH_TASK, `The video has no task: ${object}`);
    return viewResponse(await showTask(task, format, invocation));
  });
  return { ...answered, headers: { ...answered.headers, ...opened } };
};

async function manyTasks(
  request: Omit<ListRequest, 'object' | 'bucket' | 'format'>,
  invocation: Invocation,
): Promise<ApiResponse> {
  const query: Query = Object.entries(request).flatMap(([name, value]) =>
    [value].flat().map((item) => [name, String(item)] as const),
  );
  const { tasks, isTruncated, total } = await listTasks(query, invocation);
  return listResponse(tasks, isTruncated, total, invocation);
}

/** The tasks of a video, newest first. */
async function tasksOfVideo(
  key: string,
  bucket: string | undefined,
  invocation: Invocation,
): Promise<Task[]> {
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
  return tasks.sort((a, b) => (age(a) < age(b) ? 1 : -1));
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
