import type { Task } from '../cloud/mpc';
import { type Places, RECORDS_FOLDER, trimSlashes } from '../installation/object-keys';

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
