import type { CreateTaskBody } from './create-request';
import type { Invocation } from './invocation';
import type { CreatedTask, Task } from './mpc';
import { temporaryUrl } from './obs';
import { unwrapUserData } from './user-data';
import type { ThumbnailPara } from './validation';

/** One picture of a task: MPC's name for it, the moment it shows and where to get it. */
export interface Picture {
  pic_name: string;
  /** Seconds from the start of the video; null when neither name nor task tell. */
  time: number | null;
  /** Temporary; absent where pictures are packed into an archive or lie in a bucket that is not this service's. */
  url?: string;
}

/** A task as MPC lists it, its pictures in the order of time, each with its moment and address. */
export type TaskWithPictures = Omit<Task, 'thumbnail_info' | 'user_data'> & {
  user_data?: string;
  thumbnail_info?: Picture[];
};

/** The moment in a picture's name: `12.jpg` and `photo_12.jpg` show second 12 (MPC API reference, `output_filename`). */
export function timeInNameSeconds(name: string): number | null {
  const seconds = /(?:^|_)(\d+)\.jpe?g$/i.exec(name)?.[1];
  return seconds === undefined ? null : Number(seconds);
}

/** Adds to each picture of a task its moment and a temporary URL. */
export function withPictures(task: Task, invocation: Invocation): TaskWithPictures {
  const { thumbnail_info, user_data, ...rest } = task;
  const { note, userData } = unwrapUserData(user_data);
  const isArchive = task.output_file_name?.endsWith('.tar') === true;
  const pictures = thumbnail_info?.map(({ pic_name }): Picture => {
    const time = note.time_ms === undefined ? timeInNameSeconds(pic_name) : note.time_ms / 1000;
    const url = isArchive ? undefined : pictureUrl(task.output, pic_name, invocation);
    return { pic_name, time, ...(url !== undefined && { url }) };
  });
  return {
    ...rest,
    ...(userData !== undefined && { user_data: userData }),
    ...(pictures && { thumbnail_info: pictures.sort((a, b) => (a.time ?? 0) - (b.time ?? 0)) }),
  };
}

/** The picture that MPC's answer to a synchronous task names; undefined when it names none. */
export function pictureOfSyncTask(
  created: CreatedTask,
  body: CreateTaskBody,
  invocation: Invocation,
): Picture | undefined {
  const name = created.output_file_name;
  if (!name) return undefined;
  const { dots, dots_ms } = body.thumbnail_para;
  const time = body.thumbnail_para.type === 'DOTS_MS' ? (dots_ms?.[0] ?? 0) / 1000 : (dots?.[0] ?? null);
  const url = name.endsWith('.tar')
    ? undefined
    : pictureUrl({ ...body.output, ...created.output }, name, invocation);
  return { pic_name: name, time, ...(url !== undefined && { url }) };
}

function pictureUrl(
  output: { bucket?: string | undefined; object?: string | undefined } | undefined,
  name: string,
  invocation: Invocation,
): string | undefined {
  const { settings } = invocation;
  const bucket = output?.bucket;
  if (bucket === undefined || ![settings.snapshotBucket, ...settings.uploadBuckets].includes(bucket))
    return undefined;
  // MPC may return the directory with a slash at either end.
  const directory = (output?.object ?? '').replace(/^\/+|\/+$/g, '');
  return temporaryUrl(
    bucket,
    directory === '' ? name : `${directory}/${name}`,
    settings.urlTtlSeconds,
    invocation,
  );
}

/** MPC API reference, `time`. */
const DEFAULT_INTERVAL_SECONDS = 12;

/** The names that MPC will give to the pictures of a request; for TIME the first two, the rest depends on the video's length. */
export function expectedPictures(para: ThumbnailPara): { names: string[]; rule: string } {
  const base = para.output_filename;
  const named = (point: number): string => (base === undefined ? `${point}.jpg` : `${base}_${point}.jpg`);
  if (para.type === 'DOTS' || para.type === 'DOTS_MS') {
    const points = (para.type === 'DOTS' ? para.dots : para.dots_ms) ?? [];
    const isOnlyOne = points.length === 1 && base !== undefined;
    const names = isOnlyOne
      ? [/\.jpe?g$/i.test(base) ? base : `${base}.jpg`]
      : [...new Set(points)].map(named);
    return { names, rule: 'one picture for each time in the list' };
  }
  const interval = para.time ?? DEFAULT_INTERVAL_SECONDS;
  const start = para.start_time ?? 0;
  return {
    names: [named(start), named(start + interval)],
    rule: `one picture every ${interval} s from second ${start}, and the last frame`,
  };
}
