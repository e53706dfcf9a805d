import type { Task } from '../cloud/mpc';
import type { Invocation } from '../installation/invocation';
import { captureOf } from '../tasks/ownership';
import { type TaskWithPictures, withPictures } from './pictures';

/** An answer of a function holds at most 6 MB (FunctionGraph user guide, limits). The rest is for its other fields. */
const MAX_ANSWER_BYTES = 5_500_000;

/** Which pictures of each task are listed: none, the first one, or all that fit into the answer. */
export type ListedPictures = 'none' | 'first' | 'all';

/** A task without those parts that do not fit into an answer. */
export type FittedTask = TaskWithPictures & {
  /** The number of pictures, if not all are listed. */
  pictures_total?: number;
  /** The length of `user_data`, if it is left out. */
  user_data_characters?: number;
  /** Name of its capture, if that has one. */
  capture?: string | undefined;
};

const MOST: Record<ListedPictures, number> = { none: 0, first: 1, all: Number.MAX_SAFE_INTEGER };

/**
 * Tasks with as many of their first pictures as fit into one answer. Temporary addresses contain a security
 * token of up to 3 KB, so even the pictures of a single long film may not fit.
 */
export function withPicturesThatFit(
  tasks: readonly Task[],
  listed: ListedPictures,
  invocation: Invocation,
): FittedTask[] {
  const shown = tasks.map((task) => cut(shownOf(task, invocation), MOST[listed]));
  if (fitsIntoAnswer(shown)) return shown;
  const shareBytes = MAX_ANSWER_BYTES / tasks.length;
  return shown.map((task) => {
    const slim = withoutLongData(task, shareBytes);
    return cut(slim, picturesWithin(slim, shareBytes));
  });
}

/** A caller's `user_data` may be so long that no picture would fit beside it. */
function withoutLongData({ user_data, ...task }: FittedTask, shareBytes: number): FittedTask {
  if (user_data === undefined) return task;
  if (sizeInAnswerBytes(user_data) * 2 <= shareBytes) return { user_data, ...task };
  return { ...task, user_data_characters: user_data.length };
}

function shownOf(task: Task, invocation: Invocation): FittedTask {
  return { ...withPictures(task, invocation), capture: captureOf(task, invocation.settings)?.name };
}

function cut(task: FittedTask, most: number): FittedTask {
  const { thumbnail_info: pictures } = task;
  if (pictures === undefined || pictures.length <= most) return task;
  const { pictures_total = pictures.length } = task;
  return { ...task, pictures_total, thumbnail_info: pictures.slice(0, most) };
}

function picturesWithin(task: FittedTask, maxBytes: number): number {
  const { thumbnail_info: pictures = [], ...rest } = task;
  let bytes = sizeInAnswerBytes({ ...rest, pictures_total: pictures.length, thumbnail_info: [] });
  const last = pictures.findIndex((picture) => {
    bytes += sizeInAnswerBytes(picture);
    return bytes > maxBytes;
  });
  return last < 0 ? pictures.length : last;
}

/** True if an answer holds the value. */
export function fitsIntoAnswer(value: unknown): boolean {
  // In the answer no character of JSON takes more than 3 bytes: mostly there is nothing to count.
  return (
    JSON.stringify(value).length * 3 + 2 <= MAX_ANSWER_BYTES || sizeInAnswerBytes(value) <= MAX_ANSWER_BYTES
  );
}

/** The platform gets the body as a string in JSON, where each quotation mark takes two characters. */
function sizeInAnswerBytes(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(JSON.stringify(value)));
}
