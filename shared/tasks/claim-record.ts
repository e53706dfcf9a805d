import * as z from 'zod/mini';
import type { ObsLocation } from '../cloud/mpc';
import { describeFailure } from '../core/errors';
import { anything, flag, oneOf, optionalText, optionalWholeNumber, wholeNumber } from '../core/schema';
import type { Invocation } from '../installation/invocation';
import { RECORDS_FOLDER } from '../installation/object-keys';
import { createRecord, digest, findRecord, getRecord, getRecordAs, putRecord } from '../installation/records';
import { stageFolder } from './ownership';
import type { TaskNote } from './task-note';

/*
 * How claims are stored. Each attempt to make a claim's task is an object of its own: `<claim>.json`, then `<claim>.1.json` and
 * so on. claims.ts says when they are written.
 */

/** A request for a task, and its claim in the snapshot bucket. */
export interface ClaimRequest {
  id: string;
  /** Key of the claim's first attempt in the snapshot bucket. */
  objectKey: string;
  /** The video. */
  bucket: string;
  key: string;
  /** Name of the capture, if it has one. */
  capture?: string | undefined;
  /** The video's version and its modification time (ms since the epoch), if known. */
  etag?: string | undefined;
  lastModifiedMs?: number | undefined;
  /** Where its task writes. */
  output?: Pick<ObsLocation, 'bucket' | 'object'> | undefined;
  /** Identifies the request, if one name may be used for different requests. */
  fingerprint?: string | undefined;
}

/** What is stored about an attempt. */
export const ClaimRecord = z.object({
  state: oneOf('claimed', 'accepted', 'released'),
  /** The record could not be read. */
  damaged: flag,
  claimed_at_ms: wholeNumber,
  claim: optionalText,
  etag: optionalText,
  /** Directory of its task in the snapshot bucket; absent in records of older versions. */
  directory: optionalText,
  last_modified_ms: optionalWholeNumber,
  fingerprint: optionalText,
  /** Identifies the stage that wrote it: several stages may share the bucket. */
  folder: optionalText,
  task_id: optionalText,
  answer: anything,
  /** A random id of the writer: only the writer finds its own id in the record. */
  owner: optionalText,
  /** How often MPC has refused for good, and when the next try is allowed. */
  refusals: optionalWholeNumber,
  not_before_ms: optionalWholeNumber,
  /** The clean-up was about to cancel the task: MPC's list says whether it did. */
  giving_up: flag,
  /** Only in the first attempt: the number of a later one, so that those between need not be read. */
  next: optionalWholeNumber,
  /** How far MPC's list was searched for it, and the window (ms) that one read can cover. */
  sought_to_ms: optionalWholeNumber,
  window_ms: optionalWholeNumber,
});

export type ClaimRecord = z.infer<typeof ClaimRecord>;

/** Folder of the records of all videos. */
export const CLAIMS_FOLDER = `${RECORDS_FOLDER}claims/`;

/** The folder of a video's records. Its name is a hash: the key itself may already have the full length that OBS allows. */
export function claimsFolder(bucket: string, key: string): string {
  return `${CLAIMS_FOLDER}${digest(bucket, key)}/`;
}

/** Key of the first record of a claim or task with this id. */
export function claimKey({ bucket, key }: Pick<ClaimRequest, 'bucket' | 'key'>, id: string): string {
  return `${claimsFolder(bucket, key)}${id}.json`;
}

/** Key of the record of an attempt. */
export function attemptKey({ objectKey }: ClaimRequest, attempt: number): string {
  return attempt === 0 ? objectKey : objectKey.replace(/\.json$/, `.${attempt}.json`);
}

/** True if this attempt was begun. @throws what OBS throws */
export async function hasAttempt(
  claim: ClaimRequest,
  attempt: number,
  invocation: Invocation,
): Promise<boolean> {
  return (await getRecord(attemptKey(claim, attempt), invocation)) !== undefined;
}

/**
 * Reads the record of an attempt. Of an unreadable record only its time is known.
 * @returns undefined for an attempt that was not begun
 * @throws what OBS throws
 */
export async function readAttempt(
  claim: ClaimRequest,
  attempt: number,
  invocation: Invocation,
): Promise<ClaimRecord | undefined> {
  const stored = await getRecord(attemptKey(claim, attempt), invocation);
  if (stored === undefined) return undefined;
  const { data } = z.safeParse(ClaimRecord, stored);
  if (data && (data.state !== 'accepted' || (data.task_id ?? data.answer))) return data;
  const object = await findRecord(attemptKey(claim, attempt), invocation);
  return object && { state: 'claimed', claimed_at_ms: object.lastModifiedMs, damaged: 1 };
}

/**
 * Writes the record of a new attempt.
 * @returns false when another invocation created the object first
 * @throws what OBS throws
 */
export async function createAttempt(
  claim: ClaimRequest,
  attempt: number,
  record: ClaimRecord,
  invocation: Invocation,
): Promise<boolean> {
  const key = attemptKey(claim, attempt);
  if (await createRecord(key, recordOf(claim, record, invocation), invocation)) return true;
  // The stored record may be our own, from an attempt whose answer was lost.
  const stored = await getRecordAs(ClaimRecord, key, invocation);
  return stored?.owner === record.owner;
}

/** Writes the record of an attempt. A failure is only logged. */
export async function writeAttemptIfPossible(
  claim: ClaimRequest,
  attempt: number,
  record: ClaimRecord,
  invocation: Invocation,
): Promise<void> {
  try {
    await writeAttempt(claim, attempt, record, invocation);
  } catch (error) {
    invocation.log.warn('claim.not_written', { claim: claim.id, ...describeFailure(error) });
  }
}

/** Writes the record of an attempt. @returns how many times it was sent @throws what OBS throws */
export function writeAttempt(
  claim: ClaimRequest,
  attempt: number,
  record: ClaimRecord,
  invocation: Invocation,
): Promise<number> {
  return putRecord(attemptKey(claim, attempt), recordOf(claim, record, invocation), invocation);
}

function recordOf(claim: ClaimRequest, record: ClaimRecord, { settings }: Invocation): unknown {
  const { id, bucket, key, etag, fingerprint, lastModifiedMs, output } = claim;
  const {
    last_modified_ms = lastModifiedMs,
    directory = output?.object,
    folder = stageFolder(settings),
  } = record;
  return { ...record, last_modified_ms, directory, claim: id, bucket, key, etag, fingerprint, folder };
}

/**
 * False for a task that an earlier record of the same claim was written for. Such a record was deleted with its video, which then
 * came back. Tasks and records of older versions name no owner.
 */
export function mayBeOf({ owner }: ClaimRecord, note: TaskNote): boolean {
  return !owner || owner === (note.owner ?? owner);
}
