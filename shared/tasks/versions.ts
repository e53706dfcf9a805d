import { cancelTask, isPending, listTasks, MAX_IDS, type ObsLocation, type Task } from '../cloud/mpc';
import type { ListedObject } from '../cloud/obs';
import { describeFailure } from '../core/errors';
import { groupsOf } from '../core/groups';
import type { Invocation } from '../installation/invocation';
import { getRecordAs, putRecord } from '../installation/records';
import { ClaimRecord, type ClaimRequest, claimKey } from './claim-record';
import { ClaimDamaged, ClaimInFlight, findClaim } from './claims';
import { isWithin } from './ownership';
import { isBeingRemoved, type Video } from './removals';
import { isRecordKey } from './results';
import { listRecords } from './task-index';

/*
 * The pictures of two versions of a video may share a directory. Two rules make sure that only pictures of the new version
 * are left. A new task is created only when no other task writes into that directory: waiting ones are cancelled, and while
 * one runs, the upload is tried again later. And a version that comes back after another one is captured again.
 */

/** The newest records are enough: older tasks ended long ago. */
const MAX_RECORDS_READ = 50;

/** A task that was begun for a video: a claim of an upload, or a task of an API caller. */
export interface Begun extends ClaimRecord {
  claim: string;
  /** Key of its record in the snapshot bucket; undefined if the record must not change. */
  objectKey?: string;
  /** False for a task of the API. */
  isUpload: boolean;
}

/**
 * Other tasks that were begun for the video, the newest first, and tasks of this claim that were given up.
 * @throws ClaimInFlight while the pictures of the video are being deleted; what OBS throws
 */
export async function othersBegun(claim: ClaimRequest, invocation: Invocation): Promise<Begun[]> {
  const records = await listRecords(claim.bucket, claim.key, invocation);
  if (isBeingRemoved(records)) throw new ClaimInFlight();
  return begunIn(records, claim.objectKey.replace(/json$/, ''), invocation);
}

/**
 * The tasks that were begun, from the records of a video.
 * @param own records whose names begin with this are left out, unless their task was given up; undefined: none is left out
 * @throws what OBS throws
 */
export async function begunIn(
  records: readonly ListedObject[],
  own: string | undefined,
  invocation: Invocation,
): Promise<Begun[]> {
  const listed = records.filter(({ key }) => isRecordKey(key));
  const read = async ({ key: objectKey }: ListedObject): Promise<Begun[]> => {
    const record = await getRecordAs(ClaimRecord, objectKey, invocation);
    if (record?.claim === undefined) return [];
    const isGivenUp = record.state === 'released' && record.task_id !== undefined;
    if (own !== undefined && objectKey.startsWith(own) && !isGivenUp) return [];
    return [{ ...record, claim: record.claim, objectKey, isUpload: /^[0-9a-f]{40}$/.test(record.claim) }];
  };
  return (await Promise.all(listed.slice(0, MAX_RECORDS_READ).map(read))).flat();
}

/** True if another version of the video was captured after this time (ms since the epoch). */
export function wasReplacedSince(claimedAtMs: number, etag: string, others: readonly Begun[]): boolean {
  return others.some(
    (other) =>
      other.isUpload &&
      other.state !== 'released' &&
      other.etag !== etag &&
      other.claimed_at_ms > claimedAtMs,
  );
}

/**
 * Makes sure that no earlier task writes into a directory: cancels waiting tasks of uploads.
 * @returns false while one of them, or a task of an API caller, still runs there
 * @throws ClaimInFlight; what OBS and MPC throw
 */
export async function haveEnded(
  others: readonly Begun[],
  directory: Pick<ObsLocation, 'bucket' | 'object'>,
  video: Video,
  invocation: Invocation,
): Promise<boolean> {
  const ids = new Map<string, Begun>();
  for (const other of others) {
    const isElsewhere = other.directory !== undefined && !isWithin({ object: other.directory }, directory);
    if (isElsewhere) continue;
    const id = other.task_id ?? (await taskOfHalfWritten(other, video, invocation));
    if (id !== undefined) ids.set(id, other);
  }
  const tasks: Task[] = [];
  for (const group of groupsOf([...ids.keys()], MAX_IDS)) {
    const query = group.map((id) => ['task_id', id] as const);
    tasks.push(...(await listTasks(query, invocation)).tasks);
  }
  const atWork = tasks.filter((task) => isPending(task) && isWithin(task.output, directory));
  const ended = await Promise.all(
    atWork.map(async ({ task_id, status }) => {
      const begun = ids.get(task_id);
      return status === 'WAITING' && begun?.isUpload && giveUp(begun, task_id, invocation);
    }),
  );
  return ended.every(Boolean);
}

/** Cancels the waiting task of another version. If that version comes back, it is captured again. */
async function giveUp(begun: Begun, task_id: string, invocation: Invocation): Promise<boolean> {
  const { objectKey, isUpload, ...record } = begun;
  try {
    const released = { ...record, state: 'released', task_id };
    if (objectKey) await putRecord(objectKey, released, invocation);
    await cancelTask(task_id, invocation);
    return true;
  } catch (error) {
    // The task may already run.
    invocation.log.warn('queue.not_cancelled', { task_id, ...describeFailure(error) });
    return false;
  }
}

/** The task of a half-written claim. */
async function taskOfHalfWritten(
  other: Begun,
  { bucket, key }: Video,
  invocation: Invocation,
): Promise<string | undefined> {
  if (other.state !== 'claimed' || !other.isUpload) return undefined;
  const { claim: id, etag } = other;
  const objectKey = claimKey({ bucket, key }, id);
  try {
    const found = await findClaim({ id, objectKey, bucket, key, etag }, invocation);
    return found.task?.task_id;
  } catch (error) {
    // An unreadable record must not block the video for ever.
    if (error instanceof ClaimDamaged) return undefined;
    throw error;
  }
}
