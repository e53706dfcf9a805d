import { randomUUID } from 'node:crypto';
import * as z from 'zod/mini';
import { connect } from '../cloud/http';
import {
  type CreatedTask,
  type CreateTaskBody,
  cancelTask,
  createTask,
  listTasks,
  type ObsLocation,
  type Task,
} from '../cloud/mpc';
import { createJson, findObject } from '../cloud/obs';
import { CallerError, describeFailure, ServiceRefused, ServiceUnavailable } from '../core/errors';
import { anything, flag, oneOf, optionalText, optionalWholeNumber, wholeNumber } from '../core/schema';
import type { Capture } from '../installation/captures';
import type { Invocation } from '../installation/invocation';
import { type ObjectVersion, outputDirectoryOf, RECORDS_FOLDER } from '../installation/object-keys';
import { getRecord, getRecordAs, putRecord } from '../installation/records';
import type { Settings } from '../installation/settings';
import { sha256Hex } from '../signing';
import { CALL_ARRIVES_WITHIN_MS, CALL_WITHIN_MS, tasksAround } from './claim-search';
import { asMpcReads, stageFolder } from './ownership';
import { unwrapUserData, withNote } from './task-note';

/*
 * A claim makes sure that one thing that was asked for becomes one task. Each attempt at it is a small object of its own in
 * the snapshot bucket, `<claim>.json`, then `<claim>.1.json` and so on, created by whoever makes the attempt:
 *
 *                  created, before MPC is called         MPC has answered
 *      (none there) ─────────────────────────► claimed ──────────────────────► accepted
 *           ▲                                    │  │ │                             ▲
 *           │             MPC refused: no task   │  │ └── found later, and the    ──┘
 *           │      released ◄────────────────────┘  │     id is in MPC's list
 *           │          │                            │
 *           └──────────┴─ of the next attempt ──────┴──── found later, and the id is not there,
 *                                                         once MPC can take up the first call no more
 *
 * Whatever happens between two writes, the claim found later says enough: before anything is sent again, its id is
 * looked up in MPC's list, where it stands in the task's `user_data`.
 *
 * Where a bucket knows `x-obs-forbid-overwrite`, only one of several invocations can create the object of an attempt; the
 * others settle with what the first one wrote. Where it does not, two invocations that read "none" at the same moment would
 * both send. For uploads the platform excludes that: on-upload runs in one instance, and an instance handles one event at a
 * time. Should two overlap all the same, and for two API calls with one Idempotency-Key in the same moment, the consequence
 * is a second task with the same output, never a lost one; the sweep reports it.
 */

/** Who asks for a task, and under which name in the snapshot bucket that is remembered. */
export interface ClaimRequest {
  id: string;
  /** Key of the claim's first attempt in the snapshot bucket. */
  objectKey: string;
  /** The video. */
  bucket: string;
  key: string;
  /** Name of what is captured of it, where it has one. */
  capture?: string | undefined;
  /** Which version of it, and since when it has been there (ms since the epoch), where that is known. */
  etag?: string | undefined;
  lastModifiedMs?: number | undefined;
  /** Where its task writes. */
  output?: Pick<ObsLocation, 'bucket' | 'object'> | undefined;
  /** What was asked for, where one name may be used for different requests. */
  fingerprint?: string | undefined;
}

export const ClaimRecord = z.object({
  state: oneOf('claimed', 'accepted', 'released'),
  /** What was written here could not be read. */
  damaged: flag,
  claimed_at_ms: wholeNumber,
  claim: optionalText,
  etag: optionalText,
  /** Where its task writes, in the snapshot bucket; not in records of older versions. */
  directory: optionalText,
  last_modified_ms: optionalWholeNumber,
  fingerprint: optionalText,
  /** By which the stage that wrote it is known: another one may share the bucket. */
  folder: optionalText,
  task_id: optionalText,
  answer: anything,
  /** Told to nobody else: whoever finds it in the record wrote the record. */
  owner: optionalText,
  /** How often MPC has refused for good, and when it may be asked again. */
  refusals: optionalWholeNumber,
  not_before_ms: optionalWholeNumber,
  /** The clean-up was about to take its task out of MPC's queue: MPC's list says whether it did. */
  giving_up: flag,
  /** Of the first attempt: one that came later, so that the ones between need not be read. */
  next: optionalWholeNumber,
  /** Up to when MPC's list was looked through for it, and what of it can be read at once (ms). */
  sought_until_ms: optionalWholeNumber,
  window_ms: optionalWholeNumber,
});

export type ClaimRecord = z.infer<typeof ClaimRecord>;

/** Somebody else may be at work on this very claim. */
export class ClaimInFlight extends CallerError {
  constructor(readonly retryAfterSeconds: number) {
    super('somebody else may be at work on this claim');
  }
}

/** The claim was made for another request. */
export class ClaimOfAnotherRequest extends CallerError {
  constructor() {
    super('the claim was made for another request');
  }
}

/** The record cannot be read, and MPC's list has no task of it: whether there was one nobody knows. */
export class ClaimDamaged extends CallerError {
  constructor() {
    super('the record of the claim cannot be read');
  }
}

/**
 * Clocks in the cloud agree within seconds. Were they further apart than a
 * quarter of an hour, no signature would be accepted.
 */
const CLOCK_TOLERANCES_MS = [60_000, 15 * 60_000];
export const COME_BACK_SECONDS = 60;
/** What MPC refuses for good is asked for again at once, then after a pause that doubles. */
const FIRST_PAUSE_MS = 5 * 60_000;
const LONGEST_PAUSE_MS = 24 * 3_600_000;

/**
 * The claim of one capture of one upload: the same bucket, key, ETag and capture always give the same id, so that a
 * repeated event is recognised. A capture is what it captures and where; its name may change.
 * @param round counts the times that this version came back after another one
 */
export function uploadClaim(
  upload: ObjectVersion & { lastModifiedMs?: number },
  { name: capture, thumbnailPara, directory }: Capture,
  settings: Settings,
  round = 0,
): ClaimRequest & { output: Pick<ObsLocation, 'bucket' | 'object'> } {
  const { bucket, key, etag, lastModifiedMs } = upload;
  const again = round === 0 ? [] : [String(round)];
  // The directory of CAPTURE stands in no id.
  const place = directory === settings.outputDirectory ? [] : [directory];
  const id = digest(bucket, key, etag, JSON.stringify(thumbnailPara), ...place, ...again);
  const output = { bucket: settings.snapshotBucket, object: outputDirectoryOf(upload, directory) };
  return { id, objectKey: claimKey({ bucket, key }, id), bucket, key, capture, etag, lastModifiedMs, output };
}

/** What became of a claim: its task, or where the next attempt at it may be made. */
export type ClaimState =
  | { task: CreatedTask; claimedAtMs: number; lastModifiedMs: number | undefined }
  | { task?: undefined; free: FreeAttempt };

export interface FreeAttempt {
  attempt: number;
  refusals: number;
  /** MPC has refused this for good: before this moment (ms since the epoch) it probably does so again. */
  notBeforeMs: number;
}

/**
 * The task of a claim that is settled, as MPC answered it or as far as MPC's list still tells; without one when nothing was
 * begun or it was released.
 * @throws ClaimInFlight; ClaimOfAnotherRequest; ClaimDamaged; what OBS and MPC throw
 */
export async function findClaim(claim: ClaimRequest, invocation: Invocation): Promise<ClaimState> {
  const free: FreeAttempt = { attempt: 0, refusals: 0, notBeforeMs: 0 };
  for (;;) {
    const record = await readAttempt(claim, free.attempt, invocation);
    if (record === undefined) return { free };
    if (record.state !== 'released') {
      const isOfAnother = claim.fingerprint !== undefined && record.fingerprint !== claim.fingerprint;
      if (isOfAnother && !record.damaged) {
        // Given up and taken over by another request, or still this one's.
        const isTakenOver = isOld(record) && (await isThere(claim, free.attempt + 1, invocation));
        if (!isTakenOver) throw new ClaimOfAnotherRequest();
      } else {
        const task = await taskOfRecord(claim, free.attempt, record, invocation);
        if (task !== undefined) {
          const { claimed_at_ms: claimedAtMs, last_modified_ms: lastModifiedMs } = record;
          return { task, claimedAtMs, lastModifiedMs };
        }
      }
    }
    free.refusals = record.refusals ?? 0;
    free.notBeforeMs = record.not_before_ms ?? 0;
    free.attempt = Math.max(free.attempt + 1, record.next ?? 0);
  }
}

async function taskOfRecord(
  claim: ClaimRequest,
  attempt: number,
  record: ClaimRecord,
  invocation: Invocation,
): Promise<CreatedTask | undefined> {
  if (record.giving_up) return reconcileGivenUp(claim, attempt, record, invocation);
  if (record.state === 'accepted') return { ...(record.answer as CreatedTask), task_id: record.task_id };
  if (isOld(record) && (await isThere(claim, attempt + 1, invocation))) return undefined;
  const task = await reconcileClaim(claim, attempt, record, invocation);
  if (task !== undefined || !record.damaged) return task;
  const { id, bucket, key } = claim;
  invocation.log.error('claim.damaged', { claim: id, bucket, key, record: attemptKey(claim, attempt) });
  throw new ClaimDamaged();
}

/** What the clean-up took out of the queue is free to be started again; what ran meanwhile has its task. */
async function reconcileGivenUp(
  claim: ClaimRequest,
  attempt: number,
  { giving_up, ...record }: ClaimRecord,
  invocation: Invocation,
): Promise<CreatedTask | undefined> {
  const { tasks } = await listTasks([['task_id', record.task_id ?? '']], invocation);
  const status = tasks[0]?.status;
  if (status === 'WAITING') throw new ClaimInFlight(COME_BACK_SECONDS);
  const ended = status === 'CANCELED' ? withoutTask(record) : record;
  await writeIfPossible(claim, attempt, ended, invocation);
  return status === 'CANCELED' ? undefined : { ...(record.answer as CreatedTask), task_id: record.task_id };
}

function withoutTask({ claimed_at_ms, last_modified_ms }: ClaimRecord): ClaimRecord {
  return { state: 'released', claimed_at_ms, last_modified_ms };
}

/**
 * Takes a task that was started for an upload out of MPC's queue, so that the upload is started again. First it is written
 * down that this begins: whatever happens then, the claim found later is settled by what MPC says of the task.
 * @param task with our note of the claim
 * @param before is carried out before the task is cancelled, when it is written down
 * @throws ClaimInFlight; what OBS and MPC throw: then the task is as it was
 */
export async function cancelToStartAgain(
  { task_id, input }: Task,
  id: string,
  invocation: Invocation,
  before: (video: Pick<ClaimRequest, 'bucket' | 'key'>) => Promise<void>,
): Promise<void> {
  const { bucket = '', object: key = '' } = input ?? {};
  const first: ClaimRequest = { id, objectKey: claimKey({ bucket, key }, id), bucket, key };
  for (let attempt = 0; ; ) {
    const record = await readAttempt(first, attempt, invocation);
    // A task of a caller, a duplicate, or one whose record was deleted.
    if (record === undefined) return cancelTask(task_id, invocation);
    const isHalfWritten = record.state === 'claimed' && !record.damaged;
    if (isHalfWritten && !isOld(record)) throw new ClaimInFlight(COME_BACK_SECONDS);
    if (record.task_id === task_id || (isHalfWritten && !(await isThere(first, attempt + 1, invocation)))) {
      if (record.state === 'released') return cancelTask(task_id, invocation);
      const { etag, fingerprint } = record;
      const claim = { ...first, etag, fingerprint };
      const kept = { answer: { task_id }, ...record, state: 'accepted', task_id } as const;
      await write(claim, attempt, { ...kept, giving_up: 1 }, invocation);
      await before(first);
      await cancelTask(task_id, invocation);
      await writeIfPossible(claim, attempt, withoutTask(record), invocation);
      return;
    }
    attempt = Math.max(attempt + 1, record.next ?? 0);
  }
}

const isOld = ({ claimed_at_ms }: ClaimRecord): boolean =>
  claimed_at_ms + CALL_ARRIVES_WITHIN_MS <= Date.now();

async function isThere(claim: ClaimRequest, attempt: number, invocation: Invocation): Promise<boolean> {
  return (await readRecord(claim, attempt, invocation)) !== undefined;
}

function readRecord(claim: ClaimRequest, attempt: number, invocation: Invocation): Promise<unknown> {
  return getRecord(attemptKey(claim, attempt), invocation);
}

function attemptKey({ objectKey }: ClaimRequest, attempt: number): string {
  return attempt === 0 ? objectKey : objectKey.replace(/\.json$/, `.${attempt}.json`);
}

/** A record that cannot be read says that there was an attempt, when it was written, and no more. */
async function readAttempt(
  claim: ClaimRequest,
  attempt: number,
  invocation: Invocation,
): Promise<ClaimRecord | undefined> {
  const stored = await readRecord(claim, attempt, invocation);
  if (stored === undefined) return undefined;
  const { data } = z.safeParse(ClaimRecord, stored);
  if (data) return data;
  const { snapshotBucket } = invocation.settings;
  const object = await findObject(snapshotBucket, attemptKey(claim, attempt), invocation);
  return object && { state: 'claimed', claimed_at_ms: object.lastModifiedMs, damaged: 1 };
}

/**
 * Creates the task of a claim for which `findClaim` found none.
 * @param release of the permit, for calls that need one; such a call is not sent again after a refusal. It is called once
 * MPC has answered or the call provably never left; otherwise the call may still arrive
 * @returns the task, and whether it is this call's own: somebody else may have been first
 * @throws what createTask throws; the claim is released when MPC provably made no task
 */
export async function createClaimedTask(
  claim: ClaimRequest,
  body: CreateTaskBody,
  { attempt, refusals }: FreeAttempt,
  invocation: Invocation,
  release?: () => void,
): Promise<{ task: CreatedTask; isNew: boolean }> {
  const claimedAtMs = Date.now();
  const owner = randomUUID();
  // The call itself must not leave before the claim is written; the connection may.
  connect(invocation.settings.mpcEndpoint);
  const claimed: ClaimRecord = { state: 'claimed', claimed_at_ms: claimedAtMs, owner };
  if (!(await createAttempt(claim, attempt, claimed, invocation))) {
    release?.();
    const { task } = await findClaim(claim, invocation);
    if (task === undefined) throw new ClaimInFlight(1);
    return { task, isNew: false };
  }
  logStep('claim.claimed', claim, invocation);
  const pointed = attempt === 0 ? undefined : pointTo(claim, attempt, claimedAtMs, invocation);
  const leaveByMs = claimedAtMs + CALL_WITHIN_MS;
  // The answer to a synchronous request may come later than a call may leave.
  const deadlineMs = Math.min(invocation.deadlineMs, body.sync === 1 ? Number.POSITIVE_INFINITY : leaveByMs);
  const repeat = release ? 'unsent' : 'refused';
  try {
    const call = createTask(
      withNote(body, claim.id, claim.capture),
      { ...invocation, deadlineMs },
      repeat,
      leaveByMs,
    );
    const created = await call;
    release?.();
    // Whether the answer to a synchronous request names the task is not documented.
    if (!created.task_id && body.sync !== 1)
      throw new ServiceUnavailable('MPC', 'its answer names no task', true);
    await completeClaim(claim, created, claimed, invocation, attempt);
    return { task: created, isNew: true };
  } catch (error) {
    if (error instanceof ServiceRefused || isProvablyNoTask(error)) release?.();
    if (isProvablyNoTask(error)) {
      const record = {
        state: 'released',
        claimed_at_ms: claimedAtMs,
        ...afterRefusal(error, refusals),
      } as const;
      await writeIfPossible(claim, attempt, record, invocation);
    }
    throw error;
  } finally {
    await pointed;
  }
}

/** @returns false when somebody else had created the object before */
async function createAttempt(
  claim: ClaimRequest,
  attempt: number,
  record: ClaimRecord,
  invocation: Invocation,
): Promise<boolean> {
  const { snapshotBucket } = invocation.settings;
  if (
    await createJson(
      snapshotBucket,
      attemptKey(claim, attempt),
      recordOf(claim, record, invocation),
      invocation,
    )
  )
    return true;
  // What stands there may be our own, written by a try whose answer was lost.
  const stored = await getRecordAs(ClaimRecord, attemptKey(claim, attempt), invocation);
  return stored !== undefined && stored.owner === record.owner;
}

/** Leaves word in the first attempt, so that whoever comes later need not read all of them. */
function pointTo(
  claim: ClaimRequest,
  attempt: number,
  claimedAtMs: number,
  invocation: Invocation,
): Promise<void> {
  const record = { state: 'released', claimed_at_ms: claimedAtMs, next: attempt } as const;
  return writeIfPossible(claim, 0, record, invocation);
}

function isProvablyNoTask(error: unknown): boolean {
  if (error instanceof ServiceUnavailable) return !error.mayHaveArrived;
  return error instanceof ServiceRefused && error.status < 500 && error.status !== 408;
}

/** What the next one must know of a refusal that was about the request itself. */
function afterRefusal(error: unknown, before: number): Pick<ClaimRecord, 'refusals' | 'not_before_ms'> {
  const isForGood = error instanceof ServiceRefused && error.status !== 429 && !error.areCredentialsRejected;
  if (!isForGood) return before === 0 ? {} : { refusals: before };
  const pauseMs = before === 0 ? 0 : Math.min(FIRST_PAUSE_MS * 2 ** before, LONGEST_PAUSE_MS);
  return { refusals: before + 1, not_before_ms: Date.now() + pauseMs };
}

/** A claim found half-written: the list of MPC knows whether its task was accepted. */
async function reconcileClaim(
  claim: ClaimRequest,
  attempt: number,
  record: ClaimRecord,
  invocation: Invocation,
): Promise<CreatedTask | undefined> {
  const { claimed_at_ms } = record;
  for (const toleranceMs of CLOCK_TOLERANCES_MS) {
    const isWide = toleranceMs === CLOCK_TOLERANCES_MS.at(-1);
    // Most are found near the time of the claim. What is too much for that look is read in steps.
    if (!isWide && record.sought_until_ms !== undefined) continue;
    const sought = isWide ? record : {};
    const look = await tasksAround(claimed_at_ms, toleranceMs, sought, invocation);
    const [first, ...others] = look.tasks
      // What an earlier attempt began was taken out of the queue so that the upload can be started again.
      .filter((task) => isTaskOf(claim, task) && (attempt === 0 || task.status !== 'CANCELED'))
      .sort((a, b) => a.task_id.length - b.task_id.length || (a.task_id < b.task_id ? -1 : 1));
    if (first !== undefined) {
      if (others.length > 0) {
        const task_ids = [first, ...others].map(({ task_id }) => task_id);
        invocation.log.error('claim.duplicates', { claim: claim.id, task_ids });
      }
      const { task_id, status, create_time, output, output_file_name } = first;
      const created = { task_id, status, create_time, output, output_file_name };
      await completeClaim(claim, created, record, invocation, attempt);
      return created;
    }
    const leftMs = claimed_at_ms + CALL_ARRIVES_WITHIN_MS - look.asOfMs;
    if (leftMs > 0) throw new ClaimInFlight(Math.ceil(leftMs / 1000));
    if (look.isComplete && !isWide) continue;
    if (look.isComplete) break;
    const { soughtUntilMs, windowMs: window_ms } = look;
    const sought_until_ms = isWide ? soughtUntilMs : 0;
    const progress = { ...record, sought_until_ms, window_ms };
    await writeIfPossible(claim, attempt, progress, invocation);
    throw new ClaimInFlight(COME_BACK_SECONDS);
  }
  logStep('claim.abandoned', claim, invocation);
  return undefined;
}

/** A note that says so is not enough: the task must capture this video, into this directory. */
function isTaskOf({ id, bucket, key, output }: ClaimRequest, task: Task): boolean {
  if (unwrapUserData(task.user_data).note.claim !== id) return false;
  const isInput = isWithin(task.input, { bucket, object: key });
  return isInput && (output === undefined || isWithin(task.output, output));
}

/** True for what MPC tells of a place that was asked for: it may add a directory of its own, and slashes at either end. */
export function isWithin(told: Task['input'], asked: Pick<ObsLocation, 'bucket' | 'object'>): boolean {
  const { bucket = asked.bucket, object = asked.object } = told ?? {};
  const place = asMpcReads(asked.object);
  return bucket === asked.bucket && `${asMpcReads(object)}/`.startsWith(place && `${place}/`);
}

/** The task exists whether or not that can be written down: a claim left half-written is settled later. */
export async function completeClaim(
  claim: ClaimRequest,
  created: CreatedTask,
  { claimed_at_ms, last_modified_ms }: Pick<ClaimRecord, 'claimed_at_ms' | 'last_modified_ms'>,
  invocation: Invocation,
  attempt = 0,
): Promise<void> {
  const record: ClaimRecord = {
    state: 'accepted',
    claimed_at_ms,
    last_modified_ms,
    task_id: created.task_id,
    answer: created,
  };
  await writeIfPossible(claim, attempt, record, invocation);
  logStep('claim.accepted', claim, invocation, { task_id: created.task_id });
}

/** Each step can be followed by claim, object and task. */
function logStep(
  step: 'claim.claimed' | 'claim.accepted' | 'claim.abandoned',
  claim: ClaimRequest,
  { log }: Invocation,
  more?: { task_id?: string | undefined },
): void {
  log.info(step, { claim: claim.id, bucket: claim.bucket, key: claim.key, ...more });
}

async function writeIfPossible(
  claim: ClaimRequest,
  attempt: number,
  record: ClaimRecord,
  invocation: Invocation,
): Promise<void> {
  try {
    await write(claim, attempt, record, invocation);
  } catch (error) {
    invocation.log.warn('claim.not_written', { claim: claim.id, ...describeFailure(error) });
  }
}

async function write(
  claim: ClaimRequest,
  attempt: number,
  record: ClaimRecord,
  invocation: Invocation,
): Promise<void> {
  await putRecord(attemptKey(claim, attempt), recordOf(claim, record, invocation), invocation);
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

/** Folder of the records of all videos. */
export const CLAIMS_FOLDER = `${RECORDS_FOLDER}claims/`;

/** One folder per video. Keys are hashed: they may be as long as OBS allows, with no room for anything beside them. */
export function claimsFolder(bucket: string, key: string): string {
  return `${CLAIMS_FOLDER}${digest(bucket, key)}/`;
}

/** Key of the first record of a claim, or of a task, of this name. */
export function claimKey({ bucket, key }: Pick<ClaimRequest, 'bucket' | 'key'>, id: string): string {
  return `${claimsFolder(bucket, key)}${id}.json`;
}

/** A short name for something that is told apart by these parts. */
export function digest(...parts: string[]): string {
  return sha256Hex(JSON.stringify(parts)).slice(0, 40);
}
