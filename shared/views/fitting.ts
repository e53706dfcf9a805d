import type { Task } from '../cloud/mpc';
import type { Invocation } from '../installation/invocation';
import { captureOf } from '../tasks/ownership';
import { isArchive, type Picture, pictureUrl, type TaskWithPictures, withPictures } from './pictures';

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
  const bare = tasks.map((task) => cut(bareOf(task, invocation), MOST[listed]));
  const whole = allWithAddresses(bare, invocation);
  if (whole !== undefined && fitsIntoAnswer(whole)) return whole;
  const shareBytes = MAX_ANSWER_BYTES / tasks.length;
  return bare.map((task) => {
    const slim = withAddresses(withoutLongData(task, shareBytes), shareBytes, invocation);
    return cut(slim, picturesWithin(slim, shareBytes));
  });
}

/** @returns undefined if the addresses alone do not fit into an answer */
function allWithAddresses(tasks: readonly FittedTask[], invocation: Invocation): FittedTask[] | undefined {
  const addressed: FittedTask[] = [];
  let left = MAX_ANSWER_BYTES;
  for (const task of tasks) {
    const one = withAddresses(task, left, invocation);
    if (one.thumbnail_info?.length !== task.thumbnail_info?.length) return undefined;
    addressed.push(one);
    for (const { url = '' } of one.thumbnail_info ?? []) left -= url.length;
  }
  return addressed;
}

/**
 * Adds addresses to the first pictures, as long as there is room for them. A task may have tens of thousands of pictures: all
 * their addresses would exceed the memory of a function.
 */
function withAddresses(task: FittedTask, mostCharacters: number, invocation: Invocation): FittedTask {
  const { thumbnail_info, output } = task;
  if (thumbnail_info === undefined || isArchive(task)) return task;
  const addressed: Picture[] = [];
  let left = mostCharacters;
  for (const picture of thumbnail_info) {
    const url = pictureUrl(output, picture.pic_name, invocation);
    left -= url?.length ?? 0;
    if (left < 0) break;
    addressed.push({ ...picture, url });
  }
  return cut({ ...task, thumbnail_info }, addressed.length, addressed);
}

/** A caller's `user_data` may be so long that no picture would fit beside it. */
function withoutLongData({ user_data, ...task }: FittedTask, shareBytes: number): FittedTask {
  if (user_data === undefined) return task;
  if (sizeInAnswerBytes(user_data) * 2 <= shareBytes) return { user_data, ...task };
  return { ...task, user_data_characters: user_data.length };
}

/** Without addresses. */
function bareOf(task: Task, invocation: Invocation): FittedTask {
  const addressOf = () => undefined;
  return {
    ...withPictures(task, invocation, { addressOf }),
    capture: captureOf(task, invocation.settings)?.name,
  };
}

/** @param first the first pictures, if they are not those of the task */
function cut(task: FittedTask, most: number, first = task.thumbnail_info?.slice(0, most)): FittedTask {
  const { thumbnail_info: pictures } = task;
  if (pictures === undefined || first === undefined) return task;
  if (pictures.length <= most) return { ...task, thumbnail_info: first };
  const { pictures_total = pictures.length } = task;
  return { ...task, pictures_total, thumbnail_info: first };
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
