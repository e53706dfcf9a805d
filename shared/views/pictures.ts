import type { CreatedTask, CreateTaskBody, Task } from '../cloud/mpc';
import { temporaryUrl } from '../cloud/obs';
import type { ThumbnailPara } from '../installation/capture';
import type { Invocation } from '../installation/invocation';
import { encodePath } from '../signing';
import { asMpcReads } from '../tasks/ownership';
import { unwrapUserData } from '../tasks/task-note';

/** The files beside the pictures of a task. The index is written last: who finds it finds the others. */
export const PUBLISHED_FILES = {
  vtt: 'storyboard.vtt',
  storyboard: 'storyboard.json',
  poster: 'poster.jpg',
  index: 'snapshots.json',
  sprite: 'sprite.vtt',
} as const;

/** One picture of a task: MPC's name for it, the moment it shows and where to get it. */
export interface Picture {
  pic_name: string;
  /** Seconds from the start of the video; null when neither name nor task tell. */
  time: number | null;
  /** Seconds; until here it stands for the video: the moment of the next picture. Absent where nothing tells. */
  end_time?: number;
  /** Temporary; absent where pictures are packed into an archive or lie in a bucket that is not this service's. */
  url?: string | undefined;
}

/** A task as MPC lists it, its pictures in the order of time, each with its moment and address. */
export type TaskWithPictures = Omit<Task, 'thumbnail_info' | 'user_data'> & {
  user_data?: string;
  thumbnail_info?: Picture[];
};

/** The moment in a picture's name: `12.jpg` and `photo_12.jpg` show second 12 (MPC API reference, `output_filename`). */
export function timeInNameSeconds(name: string): number | null {
  const seconds = /(?:^|_)(\d{1,10})\.jpe?g$/i.exec(name)?.[1];
  return seconds === undefined ? null : Number(seconds);
}

/**
 * Adds to each picture of a task its moment, how long it stands for the video, and a temporary URL.
 *
 * MPC's list says nothing about the length of the video. A TIME task that runs to the end has the last frame as its last
 * picture, named after the full second that it lies in: the video ends before the next one.
 * @param options.maxPictures of more pictures every second, third, … is taken
 * @param options.addressOf the address of a picture, in place of the one by which everybody can fetch it
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
    ...(userData !== undefined && { user_data: userData }),
    ...(thumbnail_info && { thumbnail_info: pictures }),
  };
}

/** True where the pictures are packed into one file and cannot be fetched one by one. */
export function isArchive(task: Pick<Task, 'output_file_name'>): boolean {
  return /\.tar$/i.test(task.output_file_name ?? '');
}

/** The picture that MPC's answer to a synchronous task names; undefined when it names none. */
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

/** The address by which everybody can fetch a picture or file of a task; undefined where it lies in no bucket of this service. */
export function pictureUrl(output: Task['output'], name: string, invocation: Invocation): string | undefined {
  const { settings } = invocation;
  const bucket = output?.bucket;
  if (bucket === undefined || ![settings.snapshotBucket, ...settings.uploadBuckets].includes(bucket))
    return undefined;
  const key = pictureKey(output, name);
  // Browsers resolve such parts, and would ask for something else.
  if (/(^|\/)\.\.?(\/|$)/.test(key)) return undefined;
  return objectUrl(bucket, key, invocation);
}

/** Where an object can be fetched: for good below PUBLIC_URL, which leads to the snapshot bucket, else for a while. */
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
 * The names that MPC will give to the pictures of a request; for TIME the first
 * two, the rest depends on the video's length.
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
