import type { Task } from '../cloud/mpc';
import { type Capture, capturesFor } from '../installation/captures';
import { outputDirectoryOf, type Places, RECORDS_FOLDER, trimSlashes } from '../installation/object-keys';
import type { Settings } from '../installation/settings';

/** A directory or key as MPC reads it: without slashes at either end. */
export function asMpcReads(object: string): string {
  return trimSlashes(object);
}

/**
 * True for a task from an upload bucket of this installation to one of its buckets, outside its records. The account may
 * have others, of somebody else's program, or of another stage that shares the buckets: see isOfThisStage.
 */
export function isBetweenOwnBuckets(
  { input, output }: Pick<Task, 'input' | 'output'>,
  places: Places,
): boolean {
  const { uploadBuckets, snapshotBucket } = places;
  const isAmongRecords = `${asMpcReads(output?.object ?? '')}/`.startsWith(RECORDS_FOLDER);
  return (
    uploadBuckets.includes(input?.bucket ?? '') &&
    [snapshotBucket, ...uploadBuckets].includes(output?.bucket ?? '') &&
    !(output?.bucket === snapshotBucket && isAmongRecords)
  );
}

/** By this folder, that of OUTPUT_DIRECTORY, stages that share their buckets are told apart. */
export function stageFolder({ ownFolders }: Places): string | undefined {
  return ownFolders[0];
}

/** True for a task whose pictures go below a folder of this installation. */
export function isInOwnFolder({ output }: Pick<Task, 'output'>, places: Places): boolean {
  const directory = `${asMpcReads(output?.object ?? '')}/`;
  return (
    output?.bucket === places.snapshotBucket &&
    places.ownFolders.some((folder) => directory.startsWith(folder))
  );
}

/**
 * Tells stages that share their buckets apart: by the folder that the task writes to or, where that is none of this stage,
 * by the stage that recorded the task. Records of earlier versions say none: they are everybody's.
 */
export function isOfThisStage(
  task: Pick<Task, 'output'>,
  recordedFolder: string | undefined,
  places: Places,
): boolean {
  return isInOwnFolder(task, places) || (recordedFolder ?? stageFolder(places)) === stageFolder(places);
}

/** In place of an ETag, with as many characters. */
const ANY_ETAG = /* @__PURE__ */ '\0'.repeat(32);

/**
 * The capture that a task belongs to: the one of its video in whose very directory it writes. What a caller creates without
 * `original_dir` lies in a directory of its own below, and belongs to none.
 */
export function captureOf(
  { input, output }: Pick<Task, 'input' | 'output'>,
  settings: Settings,
): Capture | undefined {
  const { bucket = '', object: key = '' } = input ?? {};
  if (output?.bucket !== settings.snapshotBucket) return undefined;
  const told = asMpcReads(output.object ?? '');
  return capturesFor(key, settings.captures).find(({ directory }) => {
    const parts = outputDirectoryOf({ bucket, key, etag: ANY_ETAG }, directory).split(ANY_ETAG);
    const literal = parts.map((part) => part.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'));
    return new RegExp(`^${literal.join('[^/]+')}$`).test(told);
  });
}
