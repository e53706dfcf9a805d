import * as z from 'zod/mini';
import { AnswerTooLarge, ServiceRefused, ServiceTimedOut, ServiceUnavailable } from '../core/errors';
import { isoTime } from '../core/iso-time';
import { redact } from '../core/redaction';
import { optionalText, parseJson, text, textOrNumber } from '../core/schema';
import { canonicalQuery, encodePath, type Query, signRequest } from '../signing';
import type { Connection } from './connection';
import { type HttpResponse, type Repeat, send } from './http';

const optionalTextOrNumber = z.optional(textOrNumber);

const optionalLocation = z.optional(
  z.object({ bucket: optionalText, location: optionalText, object: optionalText }),
);

/** What the answer to a create call and a task of a list have in common. */
const taskShape = {
  create_time: optionalTextOrNumber,
  output: optionalLocation,
  output_file_name: optionalText,
  description: optionalText,
};

const TaskSchema = z.object({
  task_id: textOrNumber,
  status: text,
  ...taskShape,
  end_time: optionalTextOrNumber,
  input: optionalLocation,
  user_data: optionalText,
  thumbnail_info: z.optional(z.array(z.looseObject({ pic_name: text }))),
});

const TaskListSchema = z.object({
  task_array: z.optional(z.array(z.unknown())),
  is_truncated: optionalTextOrNumber,
  total: optionalTextOrNumber,
});

const CreatedSchema = z.object({
  task_id: optionalTextOrNumber,
  status: optionalText,
  ...taskShape,
});

const RefusalSchema = z.object({
  error_code: optionalText,
  error_msg: optionalText,
  error: z.optional(z.object({ code: optionalText, message: optionalText })),
});

/** `thumbnail_para` of MPC: what is captured. Times are in seconds, except `dots_ms`. `type` is TIME when left out. */
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

/** An object in a bucket, in MPC's form; `location` is the bucket's region. */
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

/** A snapshot task from MPC's list. Ids and times are always strings here. */
export type Task = WithTexts<z.infer<typeof TaskSchema>>;

/** True while a task may still change. */
export function isPending({ status }: Pick<Task, 'status'>): boolean {
  return status === 'WAITING' || status === 'PROCESSING';
}

/** MPC's answer to CreateThumbnailsTask. For a synchronous task it has the picture's name. */
export type CreatedTask = WithTexts<z.infer<typeof CreatedSchema>>;

type Textual = 'task_id' | 'create_time' | 'end_time';
type WithTexts<T> = { [K in keyof T]: K extends Textual ? Exclude<T[K], number> : T[K] };

function withTexts<T extends Partial<Record<Textual, string | number | undefined>>>(task: T): WithTexts<T> {
  const texts = (['task_id', 'create_time', 'end_time'] as const).flatMap((name) =>
    task[name] === undefined ? [] : [[name, String(task[name])]],
  );
  return { ...task, ...Object.fromEntries(texts) };
}

/** Greater for the newer of two tasks. Ids count up: within one second the greater id is the newer task. */
export function ageOrder({ create_time = '', task_id }: Pick<Task, 'create_time' | 'task_id'>): string {
  return create_time.padStart(14, '0') + task_id.padStart(16, '0');
}

export interface TaskList {
  tasks: Task[];
  isTruncated: boolean;
  total: number;
}

/**
 * MPC CreateThumbnailsTask. MPC has no idempotency token: the request is repeated only if it certainly did not arrive.
 * @param leaveByMs no request leaves later than this (ms since the epoch); its answer may come later
 * @throws ServiceRefused, ServiceTimedOut, ServiceUnavailable
 */
export async function createTask(
  body: CreateTaskBody,
  connection: Connection,
  repeat: 'refused' | 'unsent' = 'refused',
  leaveByMs?: number,
): Promise<CreatedTask> {
  // MPC answers a synchronous request only when the picture is there.
  const attemptTimeoutMs = body.sync === 1 ? connection.deadlineMs - Date.now() : undefined;
  const response = await call(connection, 'POST', [], { body, repeat, attemptTimeoutMs, leaveByMs });
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
    // If the first attempt cancelled the task and its answer was lost, the second one is refused.
    if (!wasRepeated || (await listTasks([['task_id', taskId]], connection)).tasks[0]?.status !== 'CANCELED')
      throw error;
  }
  connection.log.info('mpc.task_cancelled', { task_id: taskId });
}

/** Ids in one list call (API reference, "Querying snapshot tasks"). */
export const MAX_IDS = 10;

/**
 * MPC ListThumbnailsTask, one page.
 * @param query MPC's own parameters; `task_id` up to MAX_IDS times
 * @param repeat `unrefused` for callers that, after a 429, can wait for the next run or use an older answer
 * @throws ServiceRefused, ServiceTimedOut, ServiceUnavailable
 */
export async function listTasks(
  query: Query,
  connection: Connection,
  repeat: 'always' | 'unrefused' = 'always',
): Promise<TaskList> {
  const response = await call(connection, 'GET', query, { repeat });
  const answer = parseAnswer(TaskListSchema, response);
  // MPC may leave an unknown id out or list it with this status: both mean the same.
  const tasks = (answer.task_array ?? [])
    .map((task) => withTexts(parseAs(TaskSchema, task, response)))
    .filter((task) => task.status !== 'NO_TASK');
  return {
    tasks,
    isTruncated: String(answer.is_truncated) === '1',
    total: Number(answer.total ?? tasks.length),
  };
}

/** Parses a stored task of `listTasks`; undefined for anything else. */
export function parseTask(value: unknown): Task | undefined {
  const { data } = z.safeParse(TaskSchema, value);
  return data && withTexts({ ...(value as object), ...data });
}

/** How many list calls may still be made: they count against MPC's quota. */
export interface ListBudget {
  calls: number;
  /** A call was answered. */
  isUsed?: boolean;
}

/** Tasks on one page of MPC's list (API reference, "Querying snapshot tasks"). */
export const MAX_PAGE_SIZE = 100;
/** Halved when an answer is too large. The instance keeps it, because the next answer is probably as large. */
let pageSize = MAX_PAGE_SIZE;

/** Tasks that a filter matches, and whether they are complete. */
export interface PartOfList {
  tasks: Task[];
  isComplete: boolean;
  /** Pages of all matching tasks by MPC's count. */
  pages: number;
}

/**
 * The tasks that a filter matches, page by page, within the budget.
 * @param firstPage where it begins, even if the budget is too small for the rest; without it, it then ends after one page
 * @throws as listTasks, and AnswerTooLarge when a single task is too large, if nothing was read with this budget before;
 * otherwise a failure uses it up
 */
export async function tasksMatching(
  filter: Query,
  connection: Connection,
  budget: ListBudget,
  firstPage?: number,
): Promise<PartOfList> {
  const tasks = new Map<string, Task>();
  let pages = 0;
  let isComplete = false;
  for (let page = firstPage ?? 0; budget.calls > 0; ) {
    budget.calls -= 1;
    const before = tasks.size;
    const query: Query = [...filter, ['page', String(page)], ['size', String(pageSize)]];
    let answer: TaskList;
    try {
      answer = await listTasks(query, connection);
    } catch (error) {
      if (!(error instanceof AnswerTooLarge) || pageSize === 1) {
        if (!budget.isUsed) throw error;
        // What was read counts, and the next run goes on from there.
        budget.calls = 0;
        break;
      }
      const smaller = pageSize >> 1;
      // Pages may count from 0 or from 1 (not documented): starting one page early is right for both.
      page = Math.max(0, Math.floor(((page - 1) * pageSize) / smaller) + 1);
      pageSize = smaller;
      continue;
    }
    budget.isUsed = true;
    for (const task of answer.tasks) tasks.set(task.task_id, task);
    pages = Math.max(pages, Math.ceil(answer.total / pageSize));
    // Pages 0 and 1 may be the same page.
    const isRepeated = tasks.size === before && page > 1;
    isComplete = !answer.isTruncated || isRepeated;
    const isTooMuch = page === 0 && firstPage === undefined && pages - 1 > budget.calls;
    if (isComplete || isTooMuch) break;
    page += 1;
  }
  return { tasks: [...tasks.values()], isComplete, pages };
}

/** MPC's times are whole seconds: a narrower window makes no sense. */
const MIN_WINDOW_MS = 1000;

/**
 * The tasks that were created between two times (ms since the epoch). It reads windows that are narrow enough for a few
 * pages each.
 * @param windowMs of the first read
 * @param budget is never exceeded; the next run reads the rest
 * @returns the tasks, the time up to which they are complete (`fromMs`, if the budget was too small for anything), and the
 * window that is right for the next read
 * @throws as tasksMatching
 */
export async function tasksBetween(
  fromMs: number,
  untilMs: number,
  windowMs: number,
  connection: Connection,
  budget: ListBudget,
): Promise<{ tasks: Task[]; completeUntilMs: number; windowMs: number }> {
  const tasks: Task[] = [];
  let completeUntilMs = fromMs;
  let nextMs = windowMs;
  while (budget.calls > 0 && completeUntilMs < untilMs) {
    const endMs = Math.min(completeUntilMs + Math.max(MIN_WINDOW_MS, nextMs), untilMs);
    const widthMs = endMs - completeUntilMs;
    const window: Query = [
      ['start_time', mpcTime(completeUntilMs)],
      ['end_time', mpcTime(endMs)],
    ];
    const firstPage = widthMs > MIN_WINDOW_MS ? undefined : 0;
    const part = await tasksMatching(window, connection, budget, firstPage);
    tasks.push(...part.tasks);
    if (part.isComplete) {
      completeUntilMs = endMs;
      nextMs = Math.max(nextMs, 2 * widthMs);
    } else {
      // About one page of tasks, if they are spread evenly.
      nextMs = Math.floor(widthMs / Math.max(2, part.pages));
    }
  }
  return { tasks, completeUntilMs, windowMs: nextMs };
}

/** Parses a time of MPC. @returns ms since the epoch; undefined when it is not a time */
export function timeOfMpc(time = ''): number | undefined {
  if (!/^\d{14}$/.test(time)) return undefined;
  const timeMs = Date.parse(time.replace(/(....)(..)(..)(..)(..)(..)/, '$1-$2-$3T$4:$5:$6Z'));
  return Number.isNaN(timeMs) ? undefined : timeMs;
}

/** `yyyymmddhhmmss` in UTC, as MPC prints times. */
export function mpcTime(timeMs: number): string {
  return isoTime(timeMs).replace(/\D/g, '').slice(0, 14);
}

/** MPC's operations on snapshot tasks; each has a quota of its own. */
const OPERATIONS = { POST: 'create', GET: 'list', DELETE: 'cancel' } as const;

interface CallOptions {
  body?: CreateTaskBody;
  repeat?: Repeat;
  attemptTimeoutMs?: number | undefined;
  leaveByMs?: number | undefined;
}

async function call(
  connection: Connection,
  method: 'GET' | 'POST' | 'DELETE',
  query: Query,
  options: CallOptions = {},
): Promise<HttpResponse> {
  const { settings, credentials, projectId, deadlineMs } = connection;
  const { body, repeat = 'always', attemptTimeoutMs, leaveByMs = deadlineMs } = options;
  const { origin, host } = new URL(settings.mpcEndpoint);
  const path = `/v1/${projectId}/thumbnails`;
  const text = body && JSON.stringify(body);
  const operation = OPERATIONS[method];
  let attempts = 0;
  let response: HttpResponse | undefined;
  try {
    response = await send(
      () => {
        if (Date.now() > leaveByMs || Date.now() >= deadlineMs) throw new ServiceTimedOut('MPC');
        attempts += 1;
        return {
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
        };
      },
      { service: 'MPC', deadlineMs, repeat, attemptTimeoutMs },
    );
  } finally {
    if (attempts > 0) connection.log.info('mpc.called', { operation, status: response?.status, attempts });
  }
  if (response.status < 200 || response.status > 299) throw refusal(response, connection);
  return response;
}

function refusal(response: HttpResponse, { credentials }: Connection): ServiceRefused {
  const { data = {} } = z.safeParse(RefusalSchema, parseJson(response.body));
  const { error_code, error_msg, error } = data;
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
  // MPC may add fields: unknown ones are passed on unchanged.
  return { ...(value as object), ...(parsed.data as object) } as z.infer<T>;
}

function requestIdOf(response: HttpResponse): string {
  return String(response.headers['x-request-id'] ?? '');
}
