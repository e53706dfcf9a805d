import type { ObsLocation, Task } from '../cloud/mpc';
import { type Capture, capturesFor } from '../installation/captures';
import {
  isInUploadArea,
  outputDirectoryOf,
  type Places,
  RECORDS_FOLDER,
  trimSlashes,
} from '../installation/object-keys';
import type { Settings } from '../installation/settings';

/** A directory or key in MPC's form: without slashes at either end. Without one it is that of the whole bucket. */
export const asMpcReads = trimSlashes;

/** The directory that a task writes into. */
export function directoryOf({ output }: Pick<Task, 'output'>): string {
  return asMpcReads(output?.object);
}

/**
 * True for a task from an upload bucket of this installation to one of its buckets, outside its records and outside the
 * place where uploads are captured: this service creates no other. The account may have tasks of other programs. Tasks of
 * another stage that shares the buckets also pass: see isOfThisStage.
 */
export function isBetweenOwnBuckets(
  { input, output }: Pick<Task, 'input' | 'output'>,
  places: Places,
): boolean {
  const { uploadBuckets, snapshotBucket } = places;
  const to = [snapshotBucket, ...uploadBuckets].find((bucket) => bucket === output?.bucket);
  const directory = `${directoryOf({ output })}/`;
  return (
    to !== undefined &&
    uploadBuckets.some((bucket) => bucket === input?.bucket) &&
    !(to === snapshotBucket && directory.startsWith(RECORDS_FOLDER)) &&
    !isInUploadArea(to, directory, places)
  );
}

/** True if a place in MPC's answer matches the requested one. MPC may add a directory below it, and slashes at either end. */
export function isWithin(actual: Task['input'], requested: Pick<ObsLocation, 'bucket' | 'object'>): boolean {
  const { bucket = requested.bucket, object = requested.object } = actual ?? {};
  const place = asMpcReads(requested.object);
  return bucket === requested.bucket && `${asMpcReads(object)}/`.startsWith(place && `${place}/`);
}

/** The folder of OUTPUT_DIRECTORY. It identifies a stage among those that share buckets. */
export function stageFolder({ ownFolders }: Places): string | undefined {
  return ownFolders[0];
}

/** True for a task that writes below a folder of this installation. */
export function isInOwnFolder({ output }: Pick<Task, 'output'>, places: Places): boolean {
  const directory = `${asMpcReads(output?.object)}/`;
  return (
    output?.bucket === places.snapshotBucket &&
    places.ownFolders.some((folder) => directory.startsWith(folder))
  );
}

/**
 * True for tasks of this stage, among stages that share buckets. The folder of the task decides. If it is not a folder of
 * this stage, the stage in the task's record decides. Records of earlier versions name no stage: they belong to every stage.
 */
export function isOfThisStage(
  task: Pick<Task, 'output'>,
  recordedFolder: string | undefined,
  places: Places,
): boolean {
  return isInOwnFolder(task, places) || (recordedFolder ?? stageFolder(places)) === stageFolder(places);
}

/** A placeholder with the length of an ETag. */
const ANY_ETAG = /* @__PURE__ */ '\0'.repeat(32);

/**
 * The capture of a task: the one that gives its video exactly this directory. A caller's task without `original_dir` writes
 * into a directory of its own below it, and belongs to no capture.
 */
export function captureOf(
  { input, output }: Pick<Task, 'input' | 'output'>,
  settings: Settings,
): Capture | undefined {
  const { bucket = '', object: key } = input ?? {};
  if (key === undefined || output?.bucket !== settings.snapshotBucket) return undefined;
  const actual = asMpcReads(output.object);
  return capturesFor(key, settings.captures).find(({ directory }) => {
    const parts = outputDirectoryOf({ bucket, key, etag: ANY_ETAG }, directory).split(ANY_ETAG);
    const literal = parts.map((part) => part.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'));
    return new RegExp(`^${literal.join('[^/]+')}$`).test(actual);
  });
}
