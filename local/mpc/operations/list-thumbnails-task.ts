import * as z from 'zod';
import { invalidParameter } from '../errors';
import { MAX_ID_LENGTH, type Operation, type Service } from '../operation';
import { parseUtc, presentId, presentTask } from '../presentation';
import type { Task } from '../task-book';

const MAX_IDS = 10;

const wholeNumber = (min: number, max: number) =>
  z.string().regex(/^\d+$/, 'must be a whole number').transform(Number).pipe(z.int().min(min).max(max));
const time = z.string().transform((digits, context) => {
  const timeMs = parseUtc(digits);
  if (timeMs === undefined) context.addIssue('must be a UTC time of the form yyyymmddhhmmss');
  return timeMs ?? Number.NaN;
});
const byId = z.object({
  task_id: z.array(z.string().min(1).max(MAX_ID_LENGTH)).max(MAX_IDS),
  status: z.enum(['WAITING', 'PROCESSING', 'SUCCEEDED', 'FAILED', 'CANCELED']).optional(),
});
const byFilter = byId.extend({
  start_time: time.optional(),
  end_time: time.optional(),
  page: wholeNumber(0, 50_000).default(0),
  size: wholeNumber(1, 100).default(10),
});

/**
 * `GET /v1/{project_id}/thumbnails`: tasks by id (up to 10, repeated `task_id`), or by status and time, page by page.
 * With `task_id`, times and pages are ignored, as documented. Our choice: newest first; times are compared with the
 * creation, both ends included.
 */
export const listThumbnailsTask: Operation = ({ query }, service) => {
  const all = { ...Object.fromEntries(query), task_id: query.getAll('task_id') };
  if (all.task_id.length > 0) {
    const { task_id, status } = parse(byId, all);
    const found = [...new Set(task_id)].flatMap((id) => presentById(id, status, service));
    return answer(found, false, found.length);
  }
  const { tasks, behaviour } = service;
  const filter = parse(byFilter, all);
  const matching = tasks
    .list()
    .filter((task) => matches(task, filter))
    .reverse();
  const first = Math.max(0, filter.page - behaviour.firstPage) * filter.size;
  const page = matching.slice(first, first + filter.size).map((task) => presentTask(task, behaviour));
  return answer(page, first + page.length < matching.length, matching.length);
};

function matches(task: Task, filter: z.infer<typeof byFilter>): boolean {
  // Times in the API are whole seconds: a task of 12:00:00.7 belongs to 12:00:00.
  const createdAtMs = Math.floor(task.createdAtMs / 1000) * 1000;
  return (
    (filter.status === undefined || task.status === filter.status) &&
    (filter.start_time === undefined || createdAtMs >= filter.start_time) &&
    (filter.end_time === undefined || createdAtMs <= filter.end_time)
  );
}

function presentById(
  id: string,
  status: string | undefined,
  { tasks, behaviour }: Service,
): Record<string, unknown>[] {
  const task = tasks.get(id);
  if (task !== undefined) {
    return status === undefined || task.status === status ? [presentTask(task, behaviour)] : [];
  }
  if (behaviour.unknownId === 'omitted' || status !== undefined) return [];
  return [{ task_id: presentId(id, behaviour), status: 'NO_TASK' }];
}

function answer(taskArray: Record<string, unknown>[], truncated: boolean, total: number) {
  return { status: 200, body: { task_array: taskArray, is_truncated: truncated ? 1 : 0, total } };
}

function parse<Schema extends z.ZodType>(schema: Schema, value: unknown): z.infer<Schema> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const details = parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
  throw invalidParameter(details.join('; '));
}
