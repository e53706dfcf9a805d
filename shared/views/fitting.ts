import type { Task } from '../cloud/mpc';
import type { Invocation } from '../installation/invocation';
import { captureOf } from '../tasks/ownership';
import { type TaskWithPictures, withPictures } from './pictures';

/** An answer of a function holds 6 MB (FunctionGraph user guide, limits); the rest is for its frame and headers. */
export const MAX_ANSWER_BYTES = 5_500_000;

/** How many pictures of each task are listed: none, the first one, or all that the answer holds. */
export type ListedPictures = 'none' | 'first' | 'all';

/** A task of whose pictures some may be left out. */
export type FittedTask = TaskWithPictures & {
  /** How many pictures there are, where not all are listed. */
  pictures_total?: number;
  /** How long `user_data` is, where it is left out. */
  user_data_characters?: number;
  /** Name of the capture that it belongs to, where that has one. */
  capture?: string | undefined;
};

const MOST: Record<ListedPictures, number> = { none: 0, first: 1, all: Number.MAX_SAFE_INTEGER };

/**
 * Tasks with as many of their pictures as one answer holds, the first of each. Addresses are temporary and carry a security
 * token of up to 3 KB, so that a single long film may have more than fit.
 */
export function withPicturesThatFit(
  tasks: readonly Task[],
  listed: ListedPictures,
  invocation: Invocation,
): FittedTask[] {
  const shown = tasks.map((task) => cut(shownOf(task, invocation), MOST[listed]));
  if (sizeInAnswerBytes(shown) <= MAX_ANSWER_BYTES) return shown;
  const shareBytes = MAX_ANSWER_BYTES / tasks.length;
  return shown.map((task) => {
    const slim = withoutLongData(task, shareBytes);
    return cut(slim, picturesWithin(slim, shareBytes));
  });
}

/** What a caller had sent with a task may be longer than its share, so that not even one picture would fit beside it. */
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

/** The platform is handed the body as a text in JSON, where each quotation mark takes two characters. */
export function sizeInAnswerBytes(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(JSON.stringify(value)));
}
