import { ApiError } from '../shared/api/errors';
import { type ApiResponse, answer, jsonResponse, taskIdIn, viewResponse } from '../shared/api/gateway';
import { ageOrder, MAX_IDS, MAX_PAGE_SIZE, type Task, timeOfMpc } from '../shared/cloud/mpc';
import { connectToBucket } from '../shared/cloud/obs';
import type { FunctionContext } from '../shared/core/context';
import { AnswerTooLarge, isPassingFailure, NO_SUCH_TASK } from '../shared/core/errors';
import { groupsOf } from '../shared/core/groups';
import { capturesFor, servingCapture } from '../shared/installation/captures';
import type { Invocation } from '../shared/installation/invocation';
import type { Query } from '../shared/signing';
import { awaitTask } from '../shared/tasks/await-task';
import { type ListRequest, parseListRequest, parseViewRequest } from '../shared/tasks/list-request';
import { captureOf } from '../shared/tasks/ownership';
import { listTasksForReader } from '../shared/tasks/reading';
import { keepResults, keptResult, ownTasks } from '../shared/tasks/results';
import { recordsOfVideo } from '../shared/tasks/task-index';
import { InvalidRequest, parseTaskId } from '../shared/validation';
import { type ListedPictures, withPicturesThatFit } from '../shared/views/fitting';
import { isArchive } from '../shared/views/pictures';
import { asOf, RETRY_LATER, showTask } from '../shared/views/task-view';

/** `GET /snapshots` and `GET /snapshots/{task_id}`: the state of tasks, and where their pictures are. */
export const handler = async (event: unknown, context: FunctionContext): Promise<ApiResponse> => {
  const opened: Record<string, string> = {};
  const answered = await answer(event, context, async (request, invocation) => {
    // Players fetch tracks from pages of any origin. Without this header such a page could not read the error either.
    if (/^(vtt|storyboard|sprite)$/.test(request.query.format?.at(-1) ?? ''))
      opened['access-control-allow-origin'] = '*';
    // Results are kept there. The connection opens while the request is checked.
    connectToBucket(invocation.settings.snapshotBucket, invocation);
    const id = taskIdIn(request);
    if (id !== undefined) {
      const taskId = parseTaskId(id);
      const { format, wait, pictures } = parseViewRequest(request.query);
      const seen = await awaitTask(taskId, Number(wait ?? 0), invocation);
      return viewResponse(await showTask(seen.task, format, invocation, seen.asOfMs, pictures));
    }
    const { format, object, bucket, capture, pictures, ...list } = parseListRequest(
      request.query,
      invocation.settings,
    );
    if (object === undefined) return manyTasks(list, pictures, invocation);
    const { tasks: ofVideo, leftOut, asOfMs } = await tasksOfVideo(object, bucket, invocation);
    const all = ofVideo.filter((task) => isWanted(task, list));
    if ((format ?? 'json') === 'json') {
      const tasks = all.filter(
        (task) => capture === undefined || captureNameOf(task, invocation) === capture,
      );
      const { page, size, ...narrowing } = list;
      const isNarrowed = [capture, ...Object.values(narrowing)].some((value) => value !== undefined);
      // Of tasks that were not read only the number is known: they cannot be filtered.
      const total = tasks.length + (isNarrowed ? 0 : leftOut);
      const start = Number(page ?? 0) * Number(size ?? MAX_PAGE_SIZE);
      const onPage = tasks.slice(start, start + Number(size ?? MAX_PAGE_SIZE));
      // An empty page is the end for those who read page after page.
      const isBehindEnd = start > 0 && onPage.length === 0;
      const isTruncated = !isBehindEnd && (leftOut > 0 || start + onPage.length < tasks.length);
      return listResponse(onPage, pictures, isTruncated, total, invocation, asOfMs);
    }
    const shown =
      capture ?? servingCapture(capturesFor(object, invocation.settings.captures), format === 'poster')?.name;
    const ofCapture = all.filter((task) => captureNameOf(task, invocation) === shown);
    // Tasks without a capture's name: from callers, or from CAPTURE before CAPTURES was set. They show if nothing else does.
    const others =
      capture === undefined ? all.filter((task) => captureNameOf(task, invocation) === undefined) : [];
    const tasks = ofCapture.length > 0 ? ofCapture : others;
    const succeeded = tasks.filter((task) => task.status === 'SUCCEEDED');
    const task = succeeded.find((one) => !isArchive(one)) ?? succeeded[0] ?? tasks[0];
    if (task === undefined) {
      const what = shown === undefined ? 'task' : `task of capture ${shown}`;
      throw new ApiError(404, NO_SUCH_TASK, `The video has no ${what}: ${object}`);
    }
    const isShortened = 'pictures_total' in task;
    const whole = isShortened ? ((await keptResult(task.task_id, invocation))?.task ?? task) : task;
    return viewResponse(await showTask(whole, format, invocation, asOfMs));
  });
  return { ...answered, headers: { ...answered.headers, ...opened } };
};

async function manyTasks(
  request: Omit<ListRequest, 'object' | 'bucket' | 'capture' | 'format' | 'pictures'>,
  pictures: ListedPictures | undefined,
  invocation: Invocation,
): Promise<ApiResponse> {
  const query: Query = Object.entries(request).flatMap(([name, value]) =>
    [value].flat().map((item) => [name, String(item)] as const),
  );
  const { tasks, isTruncated, total } = await listTasksForReader(query, invocation).catch(
    (error: unknown) => {
      if (!(error instanceof AnswerTooLarge)) throw error;
      const path = request.task_id === undefined ? 'size' : 'task_id';
      const message = 'must ask for fewer tasks: with all their pictures they exceed the 6 MB of an answer';
      throw new InvalidRequest([{ path, message }]);
    },
  );
  return listResponse(await ownTasks(tasks, invocation), pictures, isTruncated, total, invocation);
}

/**
 * The tasks of a video, newest first. MPC is asked only about tasks that have not ended. If MPC cannot be reached, the last
 * state that was written down is returned.
 */
async function tasksOfVideo(
  key: string,
  bucket: string | undefined,
  invocation: Invocation,
): Promise<{ tasks: Task[]; leftOut: number; asOfMs?: number }> {
  const buckets = bucket === undefined ? invocation.settings.uploadBuckets : [bucket];
  const found = await Promise.all(buckets.map((name) => recordsOfVideo(name, key, invocation)));
  const recorded = found.flatMap((one) => one.recorded);
  const leftOut = found.reduce((sum, one) => sum + one.leftOut, 0);
  const tasks = recorded.flatMap((record) => ('result' in record ? record.result.task : []));
  const open = recorded.flatMap((record) => ('known' in record ? record : []));
  let asOfMs: number | undefined;
  try {
    for (const group of groupsOf(open, MAX_IDS)) {
      const query: Query = group.map(({ known }) => ['task_id', known.task_id]);
      const listed = await ownTasks((await listTasksForReader(query, invocation)).tasks, invocation);
      tasks.push(...listed);
      await keepResults(listed, invocation);
    }
  } catch (error) {
    if (!isPassingFailure(error)) throw error;
    const missing = open.filter(({ known }) => !tasks.some(({ task_id }) => task_id === known.task_id));
    tasks.push(...missing.map(({ known }) => known));
    asOfMs = Math.min(...missing.map((record) => record.asOfMs));
  }
  tasks.sort((a, b) => (ageOrder(a) < ageOrder(b) ? 1 : -1));
  return { tasks, leftOut, ...(asOfMs !== undefined && { asOfMs }) };
}

/** Narrows the tasks of a video as MPC narrows its list. */
function isWanted(task: Task, { status, start_time, end_time, task_id }: ListRequest): boolean {
  const createdMs = timeOfMpc(task.create_time) ?? 0;
  return (
    (status === undefined || task.status === status) &&
    (task_id === undefined || task_id.includes(task.task_id)) &&
    createdMs >= (timeOfMpc(start_time) ?? 0) &&
    createdMs <= (timeOfMpc(end_time) ?? Number.POSITIVE_INFINITY)
  );
}

function captureNameOf(task: Task, { settings }: Invocation): string | undefined {
  return captureOf(task, settings)?.name;
}

function listResponse(
  tasks: readonly Task[],
  pictures: ListedPictures | undefined,
  isTruncated: boolean,
  total: number,
  invocation: Invocation,
  asOfMs?: number,
): ApiResponse {
  const task_array = withPicturesThatFit(tasks, pictures ?? 'all', invocation);
  const body = { task_array, is_truncated: isTruncated ? 1 : 0, total, ...asOf(asOfMs) };
  return jsonResponse(200, body, asOfMs === undefined ? {} : RETRY_LATER);
}
