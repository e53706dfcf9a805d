import * as z from 'zod/mini';
import { ageOrder, type Task } from '../cloud/mpc';
import { copyObject, getBytes, getJson, type ListedObject, listFolder, putObject } from '../cloud/obs';
import { optionalText, text } from '../core/schema';
import type { FinishInvocation } from '../installation/finish-settings';
import type { Invocation } from '../installation/invocation';
import { encode, encodePath } from '../signing';
import { captureOf } from '../tasks/ownership';
import type { TaskResult } from '../tasks/results';
import { resultsBeside } from '../tasks/task-index';
import { isArchive, PUBLISHED_FILES, pictureKey, type TaskWithPictures, withPictures } from './pictures';
import { posterOf } from './poster';
import { makeSprite, SHEET_NAME } from './sprite';
import { storyboard, webVtt } from './storyboard';

/** The files that were written beside the pictures of a task. */
export interface PublishedFiles {
  index?: string | undefined;
  track?: string | undefined;
  poster?: string | undefined;
  /** The names of all files that were written, without their directory. */
  names: readonly string[];
}

/** The index of the task that wrote there last. */
const Index = z.object({ task_id: text, create_time: optionalText });

/**
 * Writes the files of PUBLISH beside the pictures of a task that succeeded. If two tasks write into one directory, the newer
 * one wins, whichever ends first.
 * @returns undefined if nothing is published: there are no separate pictures in the snapshot bucket, or a newer task has written
 * @throws what OBS throws
 */
export async function publishFiles(
  { task, etag }: TaskResult,
  invocation: FinishInvocation,
): Promise<PublishedFiles | undefined> {
  const { settings } = invocation;
  const { output, input } = task;
  const bucket = settings.snapshotBucket;
  if (settings.publish.size === 0 || output?.bucket !== bucket || !isPublishable(task)) return undefined;
  const indexKey = pictureKey(output, PUBLISHED_FILES.index);
  const known = z.safeParse(Index, await getJson(bucket, indexKey, invocation));
  if (known.success && ageOrder(known.data) > ageOrder(task)) return undefined;
  // Without an index the results say what was written there: each is kept before its files are written.
  if (!settings.publish.has('index') && (await isReplaced(task, invocation))) return undefined;

  const addressed = withPictures(task, invocation, {
    addressOf: (name) => fileAddress(output, name, invocation),
  });
  const objects = await listFolder(bucket, pictureKey(output, ''), invocation);
  const files = filesOf(addressed, objects, invocation);
  const names: string[] = [];
  const write = writerBeside(output, names, invocation);
  if (files.posterKey !== undefined) names.push(PUBLISHED_FILES.poster);
  await Promise.all([
    files.vtt !== undefined && write(PUBLISHED_FILES.vtt, files.vtt, 'text/vtt'),
    files.storyboard !== undefined && write(PUBLISHED_FILES.storyboard, files.storyboard, 'application/json'),
    files.posterKey !== undefined &&
      copyObject(
        { bucket, key: files.posterKey },
        { bucket, key: pictureKey(output, PUBLISHED_FILES.poster) },
        { contentType: 'image/jpeg', cacheControl: settings.publishCacheControl },
        invocation,
      ),
  ]);
  const hasSprite = settings.publish.has('sprite') && (await writeSprite(addressed, write, invocation));
  const published = {
    track: files.vtt && PUBLISHED_FILES.vtt,
    storyboard: files.storyboard && PUBLISHED_FILES.storyboard,
    poster: files.posterKey && PUBLISHED_FILES.poster,
    sprite: hasSprite ? PUBLISHED_FILES.sprite : undefined,
  };
  if (settings.publish.has('index')) {
    const index = {
      video: { bucket: input?.bucket, key: input?.object, etag },
      capture: captureOf(task, settings)?.name,
      task_id: task.task_id,
      create_time: task.create_time,
      end_time: task.end_time,
      pictures: picturesOf(addressed, objects),
      ...Object.fromEntries(
        Object.entries(published).map(([kind, name]) => [
          kind,
          name && fileAddress(output, name, invocation),
        ]),
      ),
    };
    await write(PUBLISHED_FILES.index, JSON.stringify(index), 'application/json');
  }
  invocation.log.info('files.published', { task_id: task.task_id, directory: output.object });
  const keyOf = (name: string | undefined) => name && pictureKey(output, name);
  return {
    index: settings.publish.has('index') ? indexKey : undefined,
    track: keyOf(published.track),
    poster: keyOf(published.poster),
    names,
  };
}

/** True if a newer task of the same video has pictures in the same directory. */
async function isReplaced(task: Task, invocation: FinishInvocation): Promise<boolean> {
  for await (const { task: one } of resultsBeside(task, invocation))
    if (isPublishable(one) && ageOrder(one) > ageOrder(task)) return true;
  return false;
}

/** True for a task that left separate pictures. */
function isPublishable(task: Task): boolean {
  return task.status === 'SUCCEEDED' && !isArchive(task) && (task.thumbnail_info ?? []).length > 0;
}

type Writer = (name: string, body: string | Uint8Array, contentType: string) => Promise<void>;

/** Writes files into the directory of a task's pictures, and keeps their names. */
function writerBeside(output: Task['output'], names: string[], invocation: FinishInvocation): Writer {
  const { snapshotBucket, publishCacheControl: cacheControl } = invocation.settings;
  return (name, body, contentType) => {
    names.push(name);
    return putObject(
      snapshotBucket,
      pictureKey(output, name),
      body,
      { contentType, cacheControl },
      invocation,
    );
  };
}

/** @returns false if there was no picture for it, or a picture has the name of a sheet */
async function writeSprite(
  task: TaskWithPictures,
  write: Writer,
  invocation: FinishInvocation,
): Promise<boolean> {
  const { output } = task;
  const { snapshotBucket: bucket, spriteWidthPx } = invocation.settings;
  // A caller chose this name for the picture itself.
  if (task.thumbnail_info?.some(({ pic_name }) => SHEET_NAME.test(pic_name))) return false;
  const pictures = (task.thumbnail_info ?? []).map(({ pic_name, ...picture }) => ({
    ...picture,
    url: pic_name,
    pic_name,
  }));
  const track = await makeSprite(
    storyboard({ ...task, thumbnail_info: pictures }),
    spriteWidthPx,
    ({ url: name }) => getBytes(bucket, pictureKey(output, name), invocation),
    (name, jpeg) => write(name, jpeg, 'image/jpeg'),
    (name) => fileAddress(output, name, invocation),
  );
  if (track !== undefined) await write(PUBLISHED_FILES.sprite, track, 'text/vtt');
  return track !== undefined;
}

/** The contents of the files; undefined for a file that is not wanted, or whose name a picture has. */
function filesOf(
  task: TaskWithPictures,
  objects: readonly ListedObject[],
  { settings: { publish } }: FinishInvocation,
): { vtt: string | undefined; storyboard: string | undefined; posterKey: string | undefined } {
  const images = storyboard(task);
  const hasPosterOfItsOwn = task.thumbnail_info?.some(({ pic_name }) => pic_name === PUBLISHED_FILES.poster);
  const poster = publish.has('poster') && !hasPosterOfItsOwn ? posterOf(task, objects) : undefined;
  return {
    vtt: publish.has('vtt') ? webVtt(images) : undefined,
    storyboard: publish.has('storyboard') ? JSON.stringify(images) : undefined,
    posterKey: poster?.key,
  };
}

function picturesOf(task: TaskWithPictures, objects: readonly ListedObject[]) {
  const bytes = new Map(objects.map(({ key, sizeBytes }) => [key, sizeBytes]));
  return (task.thumbnail_info ?? []).map(({ pic_name, time, end_time, url }) => ({
    name: pic_name,
    url,
    time,
    end_time,
    size_bytes: bytes.get(pictureKey(task.output, pic_name)),
  }));
}

/**
 * The address of a file for the files beside it. It is relative, so that the directory can be served from anywhere. With
 * PUBLIC_URL it is absolute, because some players resolve it against the page and not against the track.
 */
function fileAddress(output: Task['output'], name: string, { settings }: Invocation): string {
  return settings.publicUrl === undefined
    ? encode(name)
    : `${settings.publicUrl}/${encodePath(pictureKey(output, name))}`;
}
