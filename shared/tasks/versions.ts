import { cancelTask, isPending, listTasks, MAX_IDS, type ObsLocation, type Task } from '../cloud/mpc';
import type { ListedObject } from '../cloud/obs';
import { describeFailure } from '../core/errors';
import { groupsOf } from '../core/groups';
import type { Invocation } from '../installation/invocation';
import { getRecordAs, putRecord } from '../installation/records';
import {
  ClaimDamaged,
  ClaimInFlight,
  ClaimRecord,
  type ClaimRequest,
  COME_BACK_SECONDS,
  claimKey,
  findClaim,
  isWithin,
} from './claims';
import { isBeingRemoved } from './removals';
import { resultKeyOf } from './results';
import { listRecords } from './task-index';

/*
 * A video that is replaced keeps its place: the pictures of both versions may lie in one directory. Two rules make it end
 * with pictures of the new version only. A task for it is created when no other one writes into that directory any more:
 * what waits is cancelled, what runs is waited for, and the event comes again. And where a version comes back after another
 * one, it is captured again.
 */

/** More records than these are not read: whatever is older has ended long ago. */
const MAX_RECORDS_READ = 50;

/** What was once begun for a video: a claim of an upload, or a task that a caller of the API created. */
export interface Begun extends ClaimRecord {
  claim: string;
  /** Key of its record in the snapshot bucket; undefined where that must stay as it is. */
  objectKey?: string;
  /** False for a task of the API. */
  isUpload: boolean;
}

/**
 * What was begun for the video, the newest first: beside this claim, and tasks of this claim that were given up.
 * @throws ClaimInFlight while what is left of an older version is being removed; what OBS throws
 */
export async function othersBegun(claim: ClaimRequest, invocation: Invocation): Promise<Begun[]> {
  const records = await listRecords(claim.bucket, claim.key, invocation);
  if (isBeingRemoved(records)) throw new ClaimInFlight(COME_BACK_SECONDS);
  return begunIn(records, claim.objectKey.replace(/json$/, ''), invocation);
}

/**
 * What was begun, as these records of a video tell.
 * @param own what the names of records begin with that are left out, unless their task was given up; undefined: none is
 * @throws what OBS throws
 */
export async function begunIn(
  records: readonly ListedObject[],
  own: string | undefined,
  invocation: Invocation,
): Promise<Begun[]> {
  const listed = records.filter(({ key }) => resultKeyOf(key) !== undefined);
  const read = async ({ key: objectKey }: ListedObject): Promise<Begun[]> => {
    const record = await getRecordAs(ClaimRecord, objectKey, invocation);
    if (record?.claim === undefined) return [];
    const isGivenUp = record.state === 'released' && record.task_id !== undefined;
    if (own !== undefined && objectKey.startsWith(own) && !isGivenUp) return [];
    return [{ ...record, claim: record.claim, objectKey, isUpload: /^[0-9a-f]{40}$/.test(record.claim) }];
  };
  return (await Promise.all(listed.slice(0, MAX_RECORDS_READ).map(read))).flat();
}

/** True when another version of the video was captured later than at this moment. */
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
 * Sees to it that nothing that was begun before writes into a directory any more: tasks of uploads that wait are cancelled.
 * @returns false while one of them, or one of a caller of the API, is still at work there
 * @throws ClaimInFlight; what OBS and MPC throw
 */
export async function haveEnded(
  others: readonly Begun[],
  directory: Pick<ObsLocation, 'bucket' | 'object'>,
  claim: ClaimRequest,
  invocation: Invocation,
): Promise<boolean> {
  const ids = new Map<string, Begun>();
  for (const other of others) {
    const isElsewhere = other.directory !== undefined && !isWithin({ object: other.directory }, directory);
    if (isElsewhere) continue;
    const id = other.task_id ?? (await taskOfHalfWritten(other, claim, invocation));
    if (id !== undefined) ids.set(id, other);
  }
  const asked = [...ids.keys()];
  const tasks: Task[] = [];
  for (const group of groupsOf(asked, MAX_IDS)) {
    const query = group.map((id) => ['task_id', id] as const);
    tasks.push(...(await listTasks(query, invocation)).tasks);
  }
  const atWork = tasks.filter((task) => isPending(task) && isWithin(task.output, directory));
  const ended = await Promise.all(
    atWork.map(async ({ task_id, status }) => {
      const begun = ids.get(task_id);
      return status === 'WAITING' && begun?.isUpload === true && giveUp(begun, task_id, invocation);
    }),
  );
  return ended.every(Boolean);
}

/** Takes the task of another version out of the queue. That version is free to be captured, should it come back. */
async function giveUp(begun: Begun, task_id: string, invocation: Invocation): Promise<boolean> {
  const { objectKey, isUpload, ...record } = begun;
  try {
    const released = { ...record, state: 'released', task_id };
    if (objectKey) await putRecord(objectKey, released, invocation);
    await cancelTask(task_id, invocation);
    return true;
  } catch (error) {
    // It may run by now.
    invocation.log.warn('queue.not_cancelled', { task_id, ...describeFailure(error) });
    return false;
  }
}

/** The task of a claim that was left half-written. */
async function taskOfHalfWritten(
  other: Begun,
  { bucket, key }: ClaimRequest,
  invocation: Invocation,
): Promise<string | undefined> {
  if (other.state !== 'claimed' || !other.isUpload) return undefined;
  const { claim: id, etag } = other;
  const objectKey = claimKey({ bucket, key }, id);
  try {
    const found = await findClaim({ id, objectKey, bucket, key, etag }, invocation);
    return found.task?.task_id;
  } catch (error) {
    // What cannot be read must not keep the video from being captured for ever.
    if (error instanceof ClaimDamaged) return undefined;
    throw error;
  }
}
