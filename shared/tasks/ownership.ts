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
 * have others, of another stage or of somebody else's program. Two stages that share their buckets see each other's.
 */
export function isOwnTask({ input, output }: Pick<Task, 'input' | 'output'>, places: Places): boolean {
  const { uploadBuckets, snapshotBucket } = places;
  const isAmongRecords = `${asMpcReads(output?.object ?? '')}/`.startsWith(RECORDS_FOLDER);
  return (
    uploadBuckets.includes(input?.bucket ?? '') &&
    [snapshotBucket, ...uploadBuckets].includes(output?.bucket ?? '') &&
    !(output?.bucket === snapshotBucket && isAmongRecords)
  );
}

/** In place of an ETag, with as many characters. */
const ANY_ETAG = '\0'.repeat(32);

/** The capture that a task belongs to: the one of its video in whose directory it writes. */
export function captureOf(
  { input, output }: Pick<Task, 'input' | 'output'>,
  settings: Settings,
): Capture | undefined {
  const { bucket = '', object: key = '' } = input ?? {};
  if (output?.bucket !== settings.snapshotBucket) return undefined;
  const told = `${asMpcReads(output.object ?? '')}/`;
  return capturesFor(key, settings.captures).find(({ directory }) => {
    const [start = '', ...rest] = outputDirectoryOf({ bucket, key, etag: ANY_ETAG }, directory).split(
      ANY_ETAG,
    );
    if (rest.length === 0) return told.startsWith(`${start}/`);
    const end = rest.at(-1) ?? '';
    return (
      told.startsWith(start) &&
      told
        .slice(start.length)
        .replace(/^[^/]*/, '')
        .startsWith(`${end}/`)
    );
  });
}
