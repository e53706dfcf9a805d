import * as z from 'zod/mini';
import { MAX_IDS, timeOfMpc } from '../cloud/mpc';
import { integerText, oneOf, optionalText, textLike } from '../core/schema';
import type { Settings } from '../installation/settings';
import { bucketName, InvalidRequest, lastValues, objectKey, parse, show, TASK_ID } from '../validation';

const UTC_TIME = 'must be a UTC time as yyyymmddhhmmss, such as 20201220131400';
const utcTime = z.optional(
  textLike(/^\d{14}$/, UTC_TIME).check(z.refine((time) => timeOfMpc(time) !== undefined, UTC_TIME)),
);

const TASK_IDS = 'must be task ids: 1 to 16 letters and digits';

const view = {
  format: z.optional(oneOf('json', 'vtt', 'storyboard', 'sprite', 'html', 'poster')),
  pictures: z.optional(oneOf('none', 'first', 'all')),
};

export const ViewSchema = z.object({ ...view, wait: z.optional(integerText(0, 900, 's')) });

/** How to show one task, and how long to wait for its end (s, as text). */
export type ViewRequest = z.infer<typeof ViewSchema>;

export const ListSchema = z.object({
  task_id: z.optional(z.array(textLike(TASK_ID, TASK_IDS), TASK_IDS)),
  status: z.optional(oneOf('WAITING', 'PROCESSING', 'SUCCEEDED', 'FAILED', 'CANCELED')),
  start_time: utcTime,
  end_time: utcTime,
  page: z.optional(integerText(0, 50_000)),
  size: z.optional(integerText(1, 100)),
  object: z.optional(objectKey),
  bucket: z.optional(bucketName),
  capture: optionalText,
  ...view,
});

/** The query of `GET /snapshots`. Numbers stay text, because MPC gets them as text. */
export type ListRequest = z.infer<typeof ListSchema>;

/**
 * Checks the query of `GET /snapshots`. Several ids come in repeated `task_id` parameters or separated by commas.
 * @throws InvalidRequest
 */
export function parseListRequest(
  query: Readonly<Record<string, readonly string[]>>,
  { uploadBuckets, captures }: Settings,
): ListRequest {
  const raw = lastValues(query);
  if (query.task_id) raw.task_id = query.task_id.flatMap((value) => value.split(','));
  const request = parse(ListSchema, raw);
  const count = request.task_id?.length ?? 0;
  if (count > MAX_IDS)
    throw new InvalidRequest([{ path: 'task_id', message: `must be at most ${MAX_IDS} ids, got ${count}` }]);
  if (raw.wait !== undefined) {
    const message = 'must come with the task id in the path, /snapshots/{task_id}?wait=…';
    throw new InvalidRequest([{ path: 'wait', message }]);
  }
  if (request.object === undefined && (request.format ?? 'json') !== 'json') {
    const message = 'must come with object=… or with the task id in the path, /snapshots/{task_id}?format=…';
    throw new InvalidRequest([{ path: 'format', message }]);
  }
  if (request.capture !== undefined && !captures.some(({ name }) => name === request.capture)) {
    const names = captures.flatMap(({ name }) => name ?? []).join(', ');
    const message = names === '' ? 'must be left out: CAPTURES is not set' : `must be one of ${names}`;
    throw new InvalidRequest([{ path: 'capture', message: `${message}, got ${show(request.capture)}` }]);
  }
  if (request.capture !== undefined && request.object === undefined)
    throw new InvalidRequest([{ path: 'capture', message: 'must come with object=…' }]);
  if (request.bucket !== undefined && !uploadBuckets.includes(request.bucket)) {
    const message = `must be one of the allowed buckets ${uploadBuckets.join(', ')}, got "${request.bucket}"`;
    throw new InvalidRequest([{ path: 'bucket', message }]);
  }
  return request;
}

/** Checks the query of `GET /snapshots/{task_id}`. @throws InvalidRequest */
export function parseViewRequest(query: Readonly<Record<string, readonly string[]>>): ViewRequest {
  return parse(ViewSchema, lastValues(query));
}
