import * as z from 'zod/mini';
import { ServiceRefused, ServiceUnavailable } from '../core/errors';
import { redact } from '../core/redaction';
import { parseJson, text, textOrNumber } from '../core/schema';
import { canonicalQuery, encodePath, type Query, signRequest } from '../signing';
import type { Connection } from './connection';
import { type HttpResponse, type Repeat, send } from './http';

const ObsLocationSchema = z.object({
  bucket: z.optional(text),
  location: z.optional(text),
  object: z.optional(text),
});

const TaskSchema = z.object({
  task_id: textOrNumber,
  status: text,
  create_time: z.optional(textOrNumber),
  end_time: z.optional(textOrNumber),
  input: z.optional(ObsLocationSchema),
  output: z.optional(ObsLocationSchema),
  output_file_name: z.optional(text),
  user_data: z.optional(text),
  description: z.optional(text),
  thumbnail_info: z.optional(z.array(z.looseObject({ pic_name: text }))),
});

const TaskListSchema = z.object({
  task_array: z.optional(z.array(z.unknown())),
  is_truncated: z.optional(textOrNumber),
  total: z.optional(textOrNumber),
});

const CreatedSchema = z.object({
  task_id: z.optional(textOrNumber),
  status: z.optional(text),
  create_time: z.optional(textOrNumber),
  output: z.optional(ObsLocationSchema),
  output_file_name: z.optional(text),
  description: z.optional(text),
});

const RefusalSchema = z.object({
  error_code: z.optional(text),
  error_msg: z.optional(text),
  error: z.optional(z.object({ code: z.optional(text), message: z.optional(text) })),
});

/** `thumbnail_para` of MPC: what is captured. Times are in seconds except `dots_ms`. */
export interface ThumbnailPara {
  type?: 'TIME' | 'DOTS' | 'DOTS_MS' | undefined;
  time?: number | undefined;
  start_time?: number | undefined;
  duration?: number | undefined;
  dots?: number[] | undefined;
  dots_ms?: number[] | undefined;
  output_filename?: string | undefined;
  format?: 1 | undefined;
  width?: number | undefined;
  height?: number | undefined;
  max_length?: number | undefined;
  amount?: number | undefined;
  threshold?: number | undefined;
}

/** An object in a bucket as MPC names it; `location` is the bucket's region. */
export interface ObsLocation {
  bucket: string;
  location: string;
  object: string;
}

/** The body of MPC's CreateThumbnailsTask, complete. */
export interface CreateTaskBody {
  input: ObsLocation;
  output: ObsLocation;
  thumbnail_para: ThumbnailPara;
  user_data?: string | undefined;
  tar?: 0 | 1 | undefined;
  sync?: 0 | 1 | undefined;
  original_dir?: 0 | 1 | undefined;
}

/** A snapshot task as MPC lists it; ids and times are always strings here. */
export type Task = WithTexts<z.infer<typeof TaskSchema>>;

/** True while a task may still change. */
export function isPending({ status }: Pick<Task, 'status'>): boolean {
  return status === 'WAITING' || status === 'PROCESSING';
}

/** MPC's answer to CreateThumbnailsTask. For a synchronous task it names the picture. */
export type CreatedTask = WithTexts<z.infer<typeof CreatedSchema>>;

type Textual = 'task_id' | 'create_time' | 'end_time';
type WithTexts<T> = { [K in keyof T]: K extends Textual ? Exclude<T[K], number> : T[K] };

function withTexts<T extends Partial<Record<Textual, string | number | undefined>>>(task: T): WithTexts<T> {
  const texts = (['task_id', 'create_time', 'end_time'] as const).flatMap((name) =>
    task[name] === undefined ? [] : [[name, String(task[name])]],
  );
  return { ...task, ...Object.fromEntries(texts) };
}

export interface TaskList {
  tasks: Task[];
  isTruncated: boolean;
  total: number;
}

/**
 * MPC CreateThumbnailsTask. It is never sent twice unless it provably did not arrive: MPC knows no idempotency token.
 * @throws ServiceRefused, ServiceTimedOut, ServiceUnavailable
 */
export async function createTask(
  body: CreateTaskBody,
  connection: Connection,
  repeat: Exclude<Repeat, 'always'> = 'refused',
): Promise<CreatedTask> {
  const response = await call(connection, 'POST', [], body, repeat);
  const created = withTexts(parseAnswer(CreatedSchema, response));
  connection.log.info('mpc.task_created', {
    task_id: created.task_id,
    bucket: body.input.bucket,
    key: body.input.object,
    directory: body.output.object,
    mpc_request_id: requestIdOf(response),
  });
  return created;
}

/**
 * MPC DeleteThumbnailsTask: takes a waiting task out of the queue.
 * @throws ServiceRefused (MPC.10212 when the task is no longer waiting), ServiceTimedOut, ServiceUnavailable
 */
export async function cancelTask(taskId: string, connection: Connection): Promise<void> {
  try {
    await call(connection, 'DELETE', [['task_id', taskId]]);
  } catch (error) {
    const wasRepeated = error instanceof ServiceRefused && error.attempts > 1;
    // A first attempt whose answer was lost has done it: the second one then meets a cancelled task.
    if (!wasRepeated || (await listTasks([['task_id', taskId]], connection)).tasks[0]?.status !== 'CANCELED')
      throw error;
  }
  connection.log.info('mpc.task_cancelled', { task_id: taskId });
}

/**
 * MPC ListThumbnailsTask, one page.
 * @param query MPC's own parameters; `task_id` up to 10 times
 * @throws ServiceRefused, ServiceTimedOut, ServiceUnavailable
 */
export async function listTasks(query: Query, connection: Connection): Promise<TaskList> {
  const response = await call(connection, 'GET', query);
  const answer = parseAnswer(TaskListSchema, response);
  // An unknown id may be left out or answered with this status; both mean the same.
  const tasks = (answer.task_array ?? [])
    .map((task) => withTexts(parseAs(TaskSchema, task, response)))
    .filter((task) => task.status !== 'NO_TASK');
  return {
    tasks,
    isTruncated: String(answer.is_truncated) === '1',
    total: Number(answer.total ?? tasks.length),
  };
}

/** A task that was written down as `listTasks` returned it; undefined for anything else. */
export function parseTask(value: unknown): Task | undefined {
  const parsed = z.safeParse(TaskSchema, value);
  return parsed.success ? withTexts({ ...(value as object), ...parsed.data }) : undefined;
}

const PAGE_SIZE = 100;
const MAX_PAGES = 100;

/**
 * All tasks that a filter matches, over all pages.
 * @param enoughPages where a part will do: no more pages than these are asked for
 * @throws as listTasks; ServiceUnavailable when the list never ends
 */
export async function tasksMatching(
  filter: Query,
  connection: Connection,
  enoughPages = Number.POSITIVE_INFINITY,
): Promise<Task[]> {
  const tasks = new Map<string, Task>();
  for (let page = 0; page < MAX_PAGES; page++) {
    const before = tasks.size;
    const query: Query = [...filter, ['page', String(page)], ['size', String(PAGE_SIZE)]];
    const answer = await listTasks(query, connection);
    for (const task of answer.tasks) tasks.set(task.task_id, task);
    // Whether pages count from 0 or from 1 is not documented: 0 and 1 may be the same page.
    const isRepeated = tasks.size === before && page > 1;
    if (!answer.isTruncated || isRepeated || page + 1 >= enoughPages) return [...tasks.values()];
  }
  throw new ServiceUnavailable('MPC', 'its list does not end', false);
}

/** `yyyymmddhhmmss` in UTC, as MPC prints times. */
export function mpcTime(timeMs: number): string {
  return new Date(timeMs).toISOString().replace(/\D/g, '').slice(0, 14);
}

async function call(
  connection: Connection,
  method: 'GET' | 'POST' | 'DELETE',
  query: Query,
  body?: CreateTaskBody,
  repeat: Repeat = 'always',
): Promise<HttpResponse> {
  const { settings, credentials, projectId, deadlineMs } = connection;
  const { origin, host } = new URL(settings.mpcEndpoint);
  const path = `/v1/${projectId}/thumbnails`;
  const text = body === undefined ? undefined : JSON.stringify(body);
  const response = await send(
    () => ({
      method,
      origin,
      path: encodePath(path) + (query.length > 0 ? `?${canonicalQuery(query)}` : ''),
      headers: signRequest(
        {
          method,
          host,
          path,
          query,
          headers: { 'content-type': 'application/json', 'x-project-id': projectId },
          body: text,
        },
        credentials,
        Date.now(),
      ),
      body: text,
    }),
    { service: 'MPC', deadlineMs, repeat },
  );
  if (response.status < 200 || response.status > 299) throw refusal(response, connection);
  return response;
}

function refusal(response: HttpResponse, { credentials }: Connection): ServiceRefused {
  const parsed = z.safeParse(RefusalSchema, parseJson(response.body));
  const { error_code, error_msg, error } = parsed.success ? parsed.data : {};
  return new ServiceRefused(
    'MPC',
    response,
    error?.code ?? error_code ?? '',
    redact(error?.message ?? error_msg ?? 'no error message', credentials),
    requestIdOf(response),
  );
}

function parseAnswer<T extends z.ZodMiniType>(schema: T, response: HttpResponse): z.infer<T> {
  return parseAs(schema, parseJson(response.body), response);
}

function parseAs<T extends z.ZodMiniType>(schema: T, value: unknown, { status }: HttpResponse): z.infer<T> {
  const parsed = z.safeParse(schema, value);
  if (!parsed.success)
    throw new ServiceUnavailable('MPC', `status ${status} with an answer of unknown form`, true);
  // MPC may add fields: what is not known is handed on as it came.
  return { ...(value as object), ...(parsed.data as object) } as z.infer<T>;
}

function requestIdOf(response: HttpResponse): string {
  return String(response.headers['x-request-id'] ?? '');
}
