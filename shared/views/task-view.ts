import { isPending, type Task, timeOfMpc } from '../cloud/mpc';
import { CallerError } from '../core/errors';
import { isoTime } from '../core/iso-time';
import type { Invocation } from '../installation/invocation';
import type { Settings } from '../installation/settings';
import type { ViewRequest } from '../tasks/list-request';
import { contactSheet } from './contact-sheet';
import { fitsIntoAnswer, type ListedPictures, withPicturesThatFit } from './fitting';
import { isArchive, type TaskWithPictures, withPictures } from './pictures';
import { choosePoster } from './poster';
import { spriteTrack } from './sprite-track';
import { storyboard, webVtt } from './storyboard';

/** More than a player or a person looks at. With long addresses an answer holds fewer. */
const MAX_PICTURES = 1000;
/** A cached answer must keep most of the lifetime of its addresses. */
const CACHED_SHARE_OF_LIFE = 0.1;
/** If addresses do not expire, an answer gets old only when the video is replaced. */
const STEADY_MAX_AGE_SECONDS = 3600;
const RETRY_AFTER_SECONDS = 3;
/** By then the timer of on-finish has finished the task, even if its notification was lost. */
const PUBLISHED_WITHIN_MS = 120_000;

/** The view of a task: an HTTP answer without the fields of API Gateway. */
export interface View {
  statusCode: number;
  headers: Record<string, string>;
  body: string;
}

/** There is no picture to show. */
export class NoPicture extends CallerError {
  constructor(
    reason: string,
    /** When to try again (s); undefined when there will never be one. */
    readonly retryAfterSeconds?: number,
  ) {
    super(reason);
  }
}

/**
 * A task in the requested format: the task itself (`json`), a track for players (`vtt`, `storyboard`, `sprite`), a page
 * (`html`) or a redirect to its cover (`poster`).
 * @param listed how many pictures the JSON lists; fewer if the answer would be too large
 * @param asOfMs time of the task's state (ms since the epoch), if MPC could not be asked; otherwise undefined
 * @throws NoPicture for a track or cover of a task without pictures to fetch; what listObjects throws
 */
export async function showTask(
  task: Task,
  format: ViewRequest['format'],
  invocation: Invocation,
  asOfMs?: number,
  listed: ListedPictures = 'all',
): Promise<View> {
  const cache = {
    'cache-control': isPending(task) ? 'no-store' : `private, max-age=${maxAgeSeconds(invocation.settings)}`,
    ...(asOfMs !== undefined && RETRY_LATER),
  };
  if (format === undefined || format === 'json')
    return jsonView({ ...withPicturesThatFit([task], listed, invocation)[0], ...asOf(asOfMs) }, cache);
  for (let maxPictures = MAX_PICTURES; ; maxPictures >>= 1) {
    const shown = withPictures(task, invocation, { maxPictures });
    const view = await viewOf(task, shown, format, cache, invocation);
    if (maxPictures === 1 || format === 'sprite' || fitsIntoAnswer(view.body)) return view;
  }
}

/** @param shown the task with the pictures that are shown of it */
async function viewOf(
  task: Task,
  shown: TaskWithPictures,
  format: Exclude<ViewRequest['format'], undefined | 'json'>,
  cache: Record<string, string>,
  invocation: Invocation,
): Promise<View> {
  if (format === 'html') {
    const { body, headers } = contactSheet(shown, task.thumbnail_info?.length ?? 0);
    return { statusCode: 200, body, headers: { ...headers, ...cache } };
  }
  refuseUnfetchable(shown);
  if (format === 'poster') {
    const poster = await choosePoster(shown, invocation);
    if (poster === undefined) throw noPicture(task);
    return { statusCode: 302, body: '', headers: { location: poster.url, ...cache } };
  }
  const headers = { 'content-type': 'text/vtt', ...cache };
  if (format === 'sprite') {
    const { track, mayCome } = isPending(task) ? { mayCome: true } : await spriteTrack(task, invocation);
    if (track === undefined) throw noSprite(task, mayCome);
    return { statusCode: 200, body: track, headers };
  }
  const images = storyboard(shown);
  if (format === 'storyboard') return jsonView(images, cache);
  return { statusCode: 200, body: webVtt(images), headers };
}

/** The headers of an answer from kept states, while MPC cannot be asked. */
export const RETRY_LATER = { 'retry-after': '10' };

/** The field with the time of such a state. */
export function asOf(timeMs: number | undefined): { as_of?: string } {
  return timeMs === undefined ? {} : { as_of: isoTime(timeMs) };
}

function maxAgeSeconds({ publicUrl, urlTtlSeconds }: Settings): number {
  return publicUrl === undefined ? Math.floor(urlTtlSeconds * CACHED_SHARE_OF_LIFE) : STEADY_MAX_AGE_SECONDS;
}

function refuseUnfetchable(task: TaskWithPictures): void {
  const { status, thumbnail_info: pictures = [] } = task;
  if (status === 'FAILED') throw failed(`The task has failed: ${task.description || 'MPC gives no reason'}`);
  if (status === 'CANCELED') throw failed('The task was cancelled');
  if (isArchive(task)) {
    const archive = task.output_file_name;
    throw failed(`The pictures are packed in ${archive}; create a task with tar 1 for separate ones`);
  }
  if (pictures.length > 0 && pictures.every(({ url }) => url === undefined))
    throw failed(`The pictures are in ${task.output?.bucket}, which is not a bucket of this service`);
}

function noPicture(task: Task): NoPicture {
  if (!isPending(task)) return failed('The task has no picture');
  return new NoPicture(`The task has no picture yet: it is ${task.status}`, RETRY_AFTER_SECONDS);
}

function noSprite(task: Task, mayCome: boolean): NoPicture {
  const endedMs = timeOfMpc(task.end_time);
  const isYoung = endedMs !== undefined && Date.now() - endedMs < PUBLISHED_WITHIN_MS;
  const maySoonCome = mayCome && (isPending(task) || isYoung);
  const reason = 'The task has no sprite: one is made when a task ends and the setting PUBLISH has sprite';
  return new NoPicture(reason, maySoonCome ? RETRY_AFTER_SECONDS : undefined);
}

function failed(reason: string): NoPicture {
  return new NoPicture(reason);
}

function jsonView(value: unknown, headers: Record<string, string> = {}): View {
  return {
    statusCode: 200,
    body: JSON.stringify(value),
    headers: { 'content-type': 'application/json', ...headers },
  };
}
