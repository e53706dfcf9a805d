import { ageOrder } from '../cloud/mpc';
import { describeFailure } from '../core/errors';
import type { Invocation } from '../installation/invocation';
import { deleteRecord } from '../installation/records';
import { directoryOf, isInOwnFolder } from '../tasks/ownership';
import type { TaskResult } from '../tasks/results';
import { resultsBeside } from '../tasks/task-index';
import { isArchive, PUBLISHED_FILES, pictureKey } from '../views/pictures';
import { hasAnother } from './belongings';

/*
 * A shorter version of a video leaves old pictures behind: MPC overwrites the pictures that the new version has, but nobody
 * deletes `95.jpg`. With ON_REMOVAL=delete the functions may delete. When the newest version is finished, they delete the
 * pictures in the kept results of older versions, and nothing else: no picture of a caller, whose task has no version, and none
 * in a directory that another video has as well.
 */

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
    const keys = await olderPictures(result, invocation);
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
  const beside = await resultsBeside(task, invocation);
  const versions = beside.filter(({ etag }) => etag !== undefined);
  const newest = versions.reduce<TaskResult | undefined>(
    (best, one) => (best === undefined || ageOrder(one.task) > ageOrder(best.task) ? one : best),
    undefined,
  );
  if (newest?.task.status !== 'SUCCEEDED' || isArchive(newest.task)) return [];
  const isKept = ({ etag }: TaskResult) => etag === undefined || etag === newest.etag;
  const kept = new Set([...Object.values(PUBLISHED_FILES), ...beside.filter(isKept).flatMap(namesOf)]);
  const older = versions.filter((one) => !isKept(one) && !isArchive(one.task));
  const names = new Set(older.flatMap(namesOf).filter((name) => !kept.has(name)));
  if (names.size === 0 || (await hasAnother({ bucket, key }, directoryOf(task), invocation))) return [];
  return [...names].map((name) => pictureKey(task.output, name));
}

function namesOf({ task: { thumbnail_info = [] } }: TaskResult): string[] {
  return thumbnail_info.map(({ pic_name }) => pic_name);
}
