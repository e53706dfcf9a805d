import * as z from 'zod/mini';
import { listTasks, MAX_IDS, type Task } from '../cloud/mpc';
import { findObject, getJson, type ListedObject, listFolder, listObjects } from '../cloud/obs';
import { groupsOf } from '../core/groups';
import { text } from '../core/schema';
import type { Invocation } from '../installation/invocation';
import { outputDirectoryOf, stemOf } from '../installation/object-keys';
import { getRecord } from '../installation/records';
import { asMpcReads, isWithin } from '../tasks/ownership';
import type { Video } from '../tasks/removals';
import { pointerKey, readResult } from '../tasks/results';
import { listRecords, resultsIn } from '../tasks/task-index';
import { type Begun, begunIn } from '../tasks/versions';
import { PUBLISHED_FILES, timeInNameSeconds } from '../views/pictures';
import { filesBeside } from './finish-mark';

/*
 * A video owns its records, and in the snapshot bucket the objects that lie below its own directory *and* are named by
 * its own tasks. A directory is its own if the templates (OUTPUT_DIRECTORY, CAPTURES) give it for this video and for no other
 * existing one: `snapshots/{stem}` is the same for a.mp4 and a.mov, `snapshots/{key}` for the same key in two buckets.
 */

/** An ended task. If its result is kept, the names of its pictures are only there: there may be too many for the memory. */
export type EndedTask = Task & { resultKey?: string };

/** The tasks of a video. */
export interface VideoTasks {
  /** Records in the folder of the video's claims. */
  records: readonly ListedObject[];
  begun: readonly Begun[];
  /** Tasks that are known to have ended, with or without pictures. */
  ended: readonly EndedTask[];
  /** Ids of tasks without a kept result. */
  unknown: readonly string[];
}

/** Pictures and files of a video. */
export interface OwnObjects {
  keys: readonly string[];
  /** Directories that are left alone: another video has the same one. */
  shared: readonly string[];
}

const Index = z.object({ task_id: text });
/** The possible files of tasks without a record of their files. */
const ANY_FILE = new RegExp(`^(${Object.values(PUBLISHED_FILES).join('|')}|sprite-\\d+[.]jpg)$`);
/** If more keys begin like the video's than these pages hold, another video may be among them. */
const MAX_SIBLING_PAGES = 3;

/** The tasks of a video, from its records alone. Makes no call to MPC. @throws what OBS throws */
export async function tasksOfVideo({ bucket, key }: Video, invocation: Invocation): Promise<VideoTasks> {
  const records = await listRecords(bucket, key, invocation);
  const begun = await begunIn(records, undefined, invocation);
  const ended: EndedTask[] = [];
  for await (const { task, resultKey } of resultsIn(records, invocation)) {
    const { thumbnail_info, ...rest } = task;
    ended.push({ ...rest, resultKey });
  }
  const known = new Set(ended.map(({ task_id }) => task_id));
  const unknown = begun.flatMap(({ task_id }) =>
    task_id !== undefined && !known.has(task_id) ? [task_id] : [],
  );
  return { records, begun, ended, unknown: [...new Set(unknown)] };
}

/** Asks MPC for the tasks without a kept result. Those that MPC no longer has stay unknown. @throws what MPC throws */
export async function withTasksOfMpc(tasks: VideoTasks, invocation: Invocation): Promise<VideoTasks> {
  const listed: Task[] = [];
  for (const group of groupsOf(tasks.unknown, MAX_IDS)) {
    const query = group.map((id) => ['task_id', id] as const);
    listed.push(...(await listTasks(query, invocation)).tasks);
  }
  const ids = new Set(listed.map(({ task_id }) => task_id));
  return {
    ...tasks,
    ended: [...tasks.ended, ...listed],
    unknown: tasks.unknown.filter((id) => !ids.has(id)),
  };
}

/**
 * The pictures of a video's tasks, and the files beside them.
 * @throws what OBS throws
 */
export async function objectsOfVideo(
  video: Video,
  tasks: VideoTasks,
  invocation: Invocation,
): Promise<OwnObjects> {
  const { snapshotBucket } = invocation.settings;
  const shared = new Set<string>();
  const keys = new Set<string>();
  const seen = new Set<string>();
  const ids = new Set([...tasks.ended.map(({ task_id }) => task_id), ...tasks.unknown]);
  // Directories may nest: the inner one comes first, so that a shared one is known before the outer one is checked.
  const directories = [...ownDirectories(video, tasks, invocation)].sort((a, b) => b.length - a.length);
  for (const own of directories) {
    const names = await namesIn(own, tasks, invocation);
    if (names.size === 0) continue;
    if (await hasAnother(video, own, invocation)) {
      shared.add(own);
      continue;
    }
    for (const [directory, ofTasks] of names) {
      if (seen.has(directory) || shared.has(directory)) continue;
      seen.add(directory);
      const objects = await listFolder(snapshotBucket, `${directory}/`, invocation);
      const nameOf = (key: string) => key.slice(directory.length + 1);
      const index = objects.find(({ key }) => nameOf(key) === PUBLISHED_FILES.index);
      if (index) {
        const read = z.safeParse(Index, await getJson(snapshotBucket, index.key, invocation));
        if (!read.success || (await isOfAnother(read.data.task_id, ids, invocation))) {
          shared.add(directory);
          continue;
        }
      }
      for (const { key } of objects) if (isNamed(nameOf(key), ofTasks)) keys.add(key);
    }
  }
  return { keys: [...keys], shared: [...shared] };
}

/** True for a task of another video. Without a record its video was removed before: nobody else would delete the files. */
async function isOfAnother(
  taskId: string,
  own: ReadonlySet<string>,
  invocation: Invocation,
): Promise<boolean> {
  return !own.has(taskId) && (await getRecord(pointerKey(taskId), invocation)) !== undefined;
}

/** The templates of directories for pictures of uploads and of callers. */
function templatesIn({ settings }: Invocation): string[] {
  return [settings.outputDirectory, ...settings.captures.map(({ directory }) => directory)];
}

/**
 * The directories of the captured versions of a video, from its records and from the templates;
 * `api` stands for tasks of callers. A directory outside the folders of the templates was a caller's choice.
 */
function ownDirectories(video: Video, { begun }: VideoTasks, invocation: Invocation): Set<string> {
  const etags = new Set(['api', ...begun.flatMap(({ etag }) => etag ?? [])]);
  const written = begun.flatMap(({ isUpload, directory }) => (isUpload && directory ? [directory] : []));
  const directories = templatesIn(invocation).flatMap((template) =>
    [...etags].map((etag) => outputDirectoryOf({ ...video, etag }, template)),
  );
  return new Set(
    [...written, ...directories]
      .map(asMpcReads)
      .filter((one) => invocation.settings.ownFolders.some((folder) => one.startsWith(folder))),
  );
}

/** The names that tasks may have written into a directory. */
interface Names {
  names: Set<string>;
  /** A task with unknown pictures wrote there: every name in MPC's form counts as its picture. */
  hasUnknownPictures: boolean;
  hasUnknownFiles: boolean;
}

function isNamed(name: string, { names, hasUnknownPictures, hasUnknownFiles }: Names): boolean {
  return (
    names.has(name) ||
    (hasUnknownPictures && timeInNameSeconds(name) !== null) ||
    (hasUnknownFiles && ANY_FILE.test(name))
  );
}

/** The directories at or below this one that tasks of the video wrote into. */
async function namesIn(
  own: string,
  { ended, unknown, begun }: VideoTasks,
  invocation: Invocation,
): Promise<Map<string, Names>> {
  const { snapshotBucket: bucket } = invocation.settings;
  const directories = new Map<string, Names>();
  const namesOf = (directory: string): Names => {
    const names = directories.get(directory) ?? {
      names: new Set(),
      hasUnknownPictures: false,
      hasUnknownFiles: false,
    };
    directories.set(directory, names);
    return names;
  };
  for (const one of ended) {
    const { task_id, status, output, output_file_name, resultKey } = one;
    if (output?.bucket !== bucket || !isWithin(output, { bucket, object: own })) continue;
    const place = namesOf(asMpcReads(output.object ?? ''));
    const { names } = place;
    const { thumbnail_info } =
      resultKey === undefined ? one : ((await readResult(resultKey, invocation))?.task ?? one);
    for (const { pic_name } of thumbnail_info ?? []) names.add(pic_name);
    if (output_file_name !== undefined) names.add(output_file_name);
    if (status !== 'SUCCEEDED') continue;
    const files = await filesBeside(task_id, invocation);
    for (const name of files ?? []) names.add(name);
    place.hasUnknownFiles ||= files === undefined;
  }
  const forgotten = new Set(unknown);
  const isForgotten = begun.some(({ task_id, isUpload }) => isUpload && forgotten.has(task_id ?? ''));
  if (isForgotten) Object.assign(namesOf(own), { hasUnknownPictures: true, hasUnknownFiles: true });
  return directories;
}

/** True if another existing video has the same directory with pictures in it, or if that cannot be decided. */
export async function hasAnother(video: Video, own: string, invocation: Invocation): Promise<boolean> {
  const templates = templatesIn(invocation);
  const isOneBucket = templates.every((template) => template.includes('{bucket}'));
  for (const bucket of isOneBucket ? [video.bucket] : invocation.settings.uploadBuckets) {
    const { objects, isComplete } = await objectsLike(bucket, video.key, invocation);
    if (!isComplete) return true;
    for (const { key, etag } of objects) {
      if (bucket === video.bucket && key === video.key) continue;
      const isSame = templates.some((template) =>
        [etag, 'api'].some(
          (version) => asMpcReads(outputDirectoryOf({ bucket, key, etag: version }, template)) === own,
        ),
      );
      if (isSame && (await listRecords(bucket, key, invocation)).length > 0) return true;
    }
  }
  return false;
}

/** The objects of a bucket whose keys may give the same directory as this one. */
async function objectsLike(
  bucket: string,
  key: string,
  invocation: Invocation,
): Promise<{ objects: ListedObject[]; isComplete: boolean }> {
  if (templatesIn(invocation).every((template) => template.includes('{key}'))) {
    const object = await findObject(bucket, key, invocation);
    return { objects: object ? [object] : [], isComplete: true };
  }
  const objects: ListedObject[] = [];
  let marker: string | undefined;
  for (let pages = 0; pages < MAX_SIBLING_PAGES; pages++) {
    const from = { prefix: stemOf(key), delimiter: '/' as const, marker };
    const page = await listObjects(bucket, from, invocation);
    objects.push(...page.objects);
    marker = page.nextMarker;
    if (marker === undefined) return { objects, isComplete: true };
  }
  return { objects, isComplete: false };
}
