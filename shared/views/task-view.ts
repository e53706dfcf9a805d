import { type ApiResponse, jsonResponse, response } from '../api/gateway';
import type { Task } from '../cloud/mpc';
import { ApiError, OPERATION_FAILED } from '../core/errors';
import type { Invocation } from '../installation/invocation';
import { isPending } from '../tasks/await-task';
import type { ViewRequest } from '../tasks/list-request';
import { contactSheet } from './contact-sheet';
import { isArchive, type TaskWithPictures, withPictures } from './pictures';
import { choosePoster } from './poster';
import { storyboard, webVtt } from './storyboard';

/** An answer holds 6 MB at most (FunctionGraph user guide, limits), and an address up to 3 KB with a security token. */
const MAX_PICTURES = 1000;
/** What comes out of a cache must still be good for most of its addresses' life. */
const CACHED_SHARE_OF_LIFE = 0.1;
const RETRY_AFTER_SECONDS = 3;

/**
 * One task in the form that was asked for: itself (`json`), a track for players (`vtt`,
 * `storyboard`), a page (`html`) or the way to its cover (`poster`).
 * @throws ApiError 422 MPC.10212 for a track or cover of a task that has no pictures to fetch and never will, 409
 * for the cover of one that has none yet; what listObjects throws
 */
export async function showTask(
  task: Task,
  format: ViewRequest['format'],
  invocation: Invocation,
): Promise<ApiResponse> {
  if (format === undefined || format === 'json') return jsonResponse(200, withPictures(task, invocation));
  const maxAgeSeconds = Math.floor(invocation.settings.urlTtlSeconds * CACHED_SHARE_OF_LIFE);
  const cache = { 'cache-control': isPending(task) ? 'no-store' : `private, max-age=${maxAgeSeconds}` };
  const shown = withPictures(task, invocation, MAX_PICTURES);
  if (format === 'html') {
    const { body, headers } = contactSheet(shown, task.thumbnail_info?.length ?? 0);
    return response(200, body, { ...headers, ...cache });
  }
  refuseUnfetchable(shown);
  if (format === 'poster') {
    const poster = await choosePoster(shown, invocation);
    if (poster === undefined) throw noPicture(task);
    return response(302, '', { location: poster.url, ...cache });
  }
  const images = storyboard(shown);
  if (format === 'storyboard') return jsonResponse(200, images, cache);
  return response(200, webVtt(images), { 'content-type': 'text/vtt', ...cache });
}

function refuseUnfetchable(task: TaskWithPictures): void {
  const { status, thumbnail_info: pictures = [] } = task;
  if (status === 'FAILED') throw failed(`The task has failed: ${task.description || 'MPC gives no reason'}`);
  if (status === 'CANCELED') throw failed('The task was cancelled');
  if (isArchive(task)) {
    const archive = task.output_file_name;
    throw failed(`The pictures are packed in ${archive}; create a task with tar 1 for loose ones`);
  }
  if (pictures.length > 0 && pictures.every(({ url }) => url === undefined))
    throw failed(`The pictures lie in ${task.output?.bucket}, which is not a bucket of this service`);
}

function noPicture(task: Task): ApiError {
  if (!isPending(task)) return failed('The task has no picture');
  const retryAfterSeconds = RETRY_AFTER_SECONDS;
  return new ApiError(409, OPERATION_FAILED, `The task has no picture yet: it is ${task.status}`, {
    retryAfterSeconds,
  });
}

function failed(reason: string): ApiError {
  return new ApiError(422, OPERATION_FAILED, reason);
}
