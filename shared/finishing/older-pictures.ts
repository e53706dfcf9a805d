import { ageOrder } from '../cloud/mpc';
import { describeFailure } from '../core/errors';
import { type Invocation, within } from '../installation/invocation';
import { deleteRecord } from '../installation/records';
import { directoryOf, isInOwnFolder } from '../tasks/ownership';
import type { TaskResult } from '../tasks/results';
import { isKeyOfUpload, resultsBeside } from '../tasks/task-index';
import { isArchive, PUBLISHED_FILES, pictureKey } from '../views/pictures';
import { hasAnother } from './belongings';

/*
 * A shorter version of a video leaves old pictures behind: MPC overwrites the pictures that the new version has, but nobody
 * deletes `95.jpg`. With ON_REMOVAL=delete the functions may delete. When the newest version is finished, they delete the
 * pictures in the kept results of older versions, and nothing else: no picture of a caller, whose task has no version, and none
 * in a directory that another video has as well.
 */

/** Files of other videos wait meanwhile. */
const MAX_READING_MS = 20_000;

/**
 * Deletes the pictures of older versions that the newest one did not overwrite. A failure is only logged: the index names the
 * right pictures in any case.
 * @param result of an ended task
 */
export async function clearOlderPictures(result: TaskResult, invocation: Invocation): Promise<void> {
  const { settings, log } = invocation;
  const { task_id, output } = result.task;
  if (settings.onRemoval !== 'delete') return;
  try {
    const keys = await olderPictures(result, within(MAX_READING_MS, invocation));
    for (const key of keys) await deleteRecord(key, invocation);
    if (keys.length > 0) {
      log.info('pictures.cleared', { task_id, directory: output?.object, objects: keys.length });
    }
  } catch (error) {
    log.warn('pictures.not_cleared', { task_id, directory: output?.object, ...describeFailure(error) });
  }
}

/** The pictures of the newest version stay, even if an older version is finished later. */
async function olderPictures({ task }: TaskResult, invocation: Invocation): Promise<string[]> {
  const { bucket, object: key } = task.input ?? {};
  if (bucket === undefined || key === undefined || !isInOwnFolder(task, invocation.settings)) return [];
  const versions: { age: string; hasPictures: boolean; etag: string }[] = [];
  for await (const { task: one, etag } of resultsBeside(task, invocation, isKeyOfUpload)) {
    const hasPictures = one.status === 'SUCCEEDED' && !isArchive(one);
    if (etag !== undefined) versions.push({ age: ageOrder(one), hasPictures, etag });
  }
  const [newest] = versions.sort((a, b) => (a.age > b.age ? -1 : 1));
  if (!newest?.hasPictures) return [];
  const isKept = (etag: string | undefined) => etag === undefined || etag === newest.etag;
  if (versions.every(({ etag }) => isKept(etag))) return [];
  // There may be more pictures than fit into memory: one result after the other is read again.
  const names = new Set<string>();
  for await (const one of resultsBeside(task, invocation, isKeyOfUpload))
    if (!isKept(one.etag) && !isArchive(one.task)) for (const name of namesOf(one)) names.add(name);
  for (const name of Object.values(PUBLISHED_FILES)) names.delete(name);
  for await (const one of resultsBeside(task, invocation))
    if (isKept(one.etag)) for (const name of namesOf(one)) names.delete(name);
  if (names.size === 0 || (await hasAnother({ bucket, key }, directoryOf(task), invocation))) return [];
  return [...names].map((name) => pictureKey(task.output, name));
}

function namesOf({ task: { thumbnail_info = [] } }: TaskResult): string[] {
  return thumbnail_info.map(({ pic_name }) => pic_name);
}
