import type { CreatedTask, CreateTaskBody, Task, ThumbnailPara } from '../cloud/mpc';
import { temporaryUrl } from '../cloud/obs';
import type { Invocation } from '../installation/invocation';
import { encodePath } from '../signing';
import { asMpcReads } from '../tasks/ownership';
import { unwrapUserData } from '../tasks/task-note';

/** The files beside the pictures of a task. The index is written last: if it exists, the others do. */
export const PUBLISHED_FILES = {
  vtt: 'storyboard.vtt',
  storyboard: 'storyboard.json',
  poster: 'poster.jpg',
  index: 'snapshots.json',
  sprite: 'sprite.vtt',
} as const;

/** One picture of a task: MPC's name for it, its time in the video, and its address. */
export interface Picture {
  pic_name: string;
  /** Seconds from the start of the video; null when neither its name nor the task says it. */
  time: number | null;
  /** End of the part that it stands for, in seconds: the time of the next picture. Absent when unknown. */
  end_time?: number;
  /** Its address; absent if the pictures are in an archive or in a bucket of another installation. */
  url?: string | undefined;
}

/** A task from MPC's list. Its pictures are in the order of time, each with its time and address. */
export type TaskWithPictures = Omit<Task, 'thumbnail_info' | 'user_data'> & {
  user_data?: string;
  thumbnail_info?: Picture[];
};

/** The time (s) in a picture's name: `12.jpg` and `photo_12.jpg` show second 12 (MPC API reference, `output_filename`). */
export function timeInNameSeconds(name: string): number | null {
  const seconds = /(?:^|_)(\d{1,10})\.jpe?g$/i.exec(name)?.[1];
  return seconds === undefined ? null : Number(seconds);
}

/**
 * Adds to each picture of a task its time, the end of the part that it stands for, and its address.
 *
 * MPC's list does not have the length of the video. A TIME task that runs to the end has the last frame as its last
 * picture, named after the full second of that frame: the video ends before the next second.
 * @param options.maxPictures if there are more, only every second, third, … picture is used
 * @param options.addressOf returns the address of a picture, instead of objectUrl
 */
export function withPictures(
  task: Task,
  invocation: Invocation,
  {
    maxPictures = Number.MAX_SAFE_INTEGER,
    addressOf = (name) => pictureUrl(task.output, name, invocation),
  }: { maxPictures?: number; addressOf?: (name: string) => string | undefined } = {},
): TaskWithPictures {
  const { thumbnail_info, user_data, ...rest } = task;
  const { note, userData } = unwrapUserData(user_data);
  const all = (thumbnail_info ?? [])
    .map(({ pic_name }) => ({
      pic_name,
      time: note.time_ms === undefined ? timeInNameSeconds(pic_name) : note.time_ms / 1000,
    }))
    .sort((a, b) => (a.time ?? Number.MAX_VALUE) - (b.time ?? Number.MAX_VALUE));
  const step = Math.max(1, Math.ceil(all.length / maxPictures));
  const pictures = all
    .filter((_, index) => index % step === 0)
    .map(({ pic_name, time }, index, kept): Picture => {
      const next = kept[index + 1]?.time ?? (note.to_end && time !== null ? time + 1 : null);
      const url = isArchive(task) ? undefined : addressOf(pic_name);
      return {
        pic_name,
        time,
        ...(time !== null && next !== null && next > time && { end_time: next }),
        url,
      };
    });
  return {
    ...rest,
    // Empty in tasks with an Idempotency-Key and no text of the caller.
    ...(userData && { user_data: userData }),
    ...(thumbnail_info && { thumbnail_info: pictures }),
  };
}

/** True if the pictures are packed into one file and cannot be fetched one by one. */
export function isArchive(task: Pick<Task, 'output_file_name'>): boolean {
  return /\.tar$/i.test(task.output_file_name ?? '');
}

/** The picture in MPC's answer to a synchronous task; undefined when it names none. */
export function pictureOfSyncTask(
  created: CreatedTask,
  body: CreateTaskBody,
  invocation: Invocation,
): Picture | undefined {
  const name = created.output_file_name;
  if (!name) return undefined;
  const { type, dots, dots_ms } = body.thumbnail_para;
  const time = type === 'DOTS_MS' ? (dots_ms?.[0] ?? 0) / 1000 : (dots?.[0] ?? null);
  const url = isArchive(created)
    ? undefined
    : pictureUrl({ ...body.output, ...created.output }, name, invocation);
  return { pic_name: name, time, url };
}

/** The address of a picture or file of a task; undefined if it is in a bucket of another installation. */
export function pictureUrl(output: Task['output'], name: string, invocation: Invocation): string | undefined {
  const { settings } = invocation;
  const bucket = output?.bucket;
  if (bucket === undefined || ![settings.snapshotBucket, ...settings.uploadBuckets].includes(bucket))
    return undefined;
  const key = pictureKey(output, name);
  // Browsers resolve such segments, and would request another object.
  if (/(^|\/)\.\.?(\/|$)/.test(key)) return undefined;
  return objectUrl(bucket, key, invocation);
}

/** The address of an object: a lasting one below PUBLIC_URL for the snapshot bucket, otherwise a temporary one. */
export function objectUrl(bucket: string, key: string, invocation: Invocation): string {
  const { settings } = invocation;
  if (settings.publicUrl !== undefined && bucket === settings.snapshotBucket)
    return `${settings.publicUrl}/${encodePath(key)}`;
  return temporaryUrl(bucket, key, settings.urlTtlSeconds, invocation);
}

/** The key of a picture. MPC may return the directory with a slash at either end. */
export function pictureKey(output: Task['output'], name: string): string {
  const directory = asMpcReads(output?.object ?? '');
  return directory === '' ? name : `${directory}/${name}`;
}

/** MPC API reference, `time`. */
const DEFAULT_INTERVAL_SECONDS = 12;

/**
 * The names that MPC will give to the pictures of a request. For TIME only the first two: the rest depends on the
 * video's length.
 */
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
