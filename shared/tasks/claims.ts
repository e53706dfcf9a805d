import * as z from 'zod/mini';
import { connect } from '../cloud/http';
import {
  type CreatedTask,
  type CreateTaskBody,
  createTask,
  mpcTime,
  type Task,
  tasksMatching,
} from '../cloud/mpc';
import { getJson, putJson } from '../cloud/obs';
import { CallerError, describeFailure, ServiceRefused, ServiceUnavailable } from '../core/errors';
import { integer, oneOf, text } from '../core/schema';
import type { Invocation } from '../installation/invocation';
import { type ObjectVersion, RECORDS_FOLDER } from '../installation/object-keys';
import type { Settings } from '../installation/settings';
import { sha256Hex } from '../signing';
import { unwrapUserData, withNote } from './task-note';

/*
 * A claim is a small object in the snapshot bucket. It makes sure that one thing that was asked for becomes one task:
 *
 *                write, before MPC is called          MPC has answered
 *      (none) ──────────────────────────► claimed ──────────────────────► accepted
 *         ▲                                │    ▲ │                          ▲
 *         │        MPC refused: no task    │    │ └── found later, and the  ─┘
 *         └──────────── released ◄─────────┘    │     id is in MPC's list
 *                          │                    │
 *                          └────────────────────┴──── found later, and the id is not there: claimed anew,
 *                                                      once MPC can take up the first call no more
 *
 * Whatever happens between two writes, the claim found later says enough: before anything is sent again, its id is
 * looked up in MPC's list, where it stands in the task's `user_data`.
 *
 * OBS has no conditional write, so two invocations that read "none" at the same moment would both send. For uploads the
 * platform excludes that: on-upload runs in one instance, and an instance handles one event at a time. Should two
 * ever overlap, and for two API calls with one Idempotency-Key in the same moment, the consequence is a second
 * task with the same output, never a lost one; the sweep reports it.
 */

/** Who asks for a task, and under which name in the snapshot bucket that is remembered. */
export interface ClaimRequest {
  id: string;
  /** Key of the claim in the snapshot bucket. */
  objectKey: string;
  /** The video. */
  bucket: string;
  key: string;
  /** The version of the video, where it is known. */
  etag?: string;
  /** What was asked for, where one name may be used for different requests. */
  fingerprint?: string;
}

export const ClaimRecord = z.object({
  state: oneOf('claimed', 'accepted', 'released'),
  claimed_at_ms: integer(0, Number.MAX_SAFE_INTEGER),
  etag: z.optional(text),
  fingerprint: z.optional(text),
  task_id: z.optional(text),
  answer: z.optional(z.unknown()),
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

/** A create call that is not over so long after its claim is given up. */
export const CALL_WITHIN_MS = 15_000;
/**
 * So long an unfinished claim counts as being worked on: API Gateway, in front of MPC, holds a call for 60 s at most,
 * so that one which MPC has not taken up by then never will be, whatever became of the caller.
 */
export const CALL_ARRIVES_WITHIN_MS = CALL_WITHIN_MS + 60_000;
/**
 * Clocks in the cloud agree within seconds. Were they further apart than a
 * quarter of an hour, no signature would be accepted.
 */
const CLOCK_TOLERANCES_MS = [60_000, 15 * 60_000];

/**
 * The claim of one capture of one upload: the same bucket, key, ETag and capture
 * always give the same id, so that a repeated event is recognised.
 */
export function uploadClaim(upload: ObjectVersion, settings: Settings): ClaimRequest {
  const id = digest(upload.bucket, upload.key, upload.etag, JSON.stringify(settings.capture));
  return {
    id,
    objectKey: `${claimsFolder(upload.bucket, upload.key)}${id}.json`,
    bucket: upload.bucket,
    key: upload.key,
    etag: upload.etag,
  };
}

/**
 * The task of a claim that is settled, as MPC answered it or as far as MPC's list
 * still tells; undefined when nothing was begun or it was released.
 * @throws ClaimInFlight; ClaimOfAnotherRequest; what OBS and MPC throw
 */
export async function findClaimedTask(
  claim: ClaimRequest,
  invocation: Invocation,
): Promise<CreatedTask | undefined> {
  const parsed = z.safeParse(
    ClaimRecord,
    await getJson(invocation.settings.snapshotBucket, claim.objectKey, invocation),
  );
  if (!parsed.success) return undefined;
  const record = parsed.data;
  if (record.state === 'released') return undefined;
  if (claim.fingerprint !== undefined && record.fingerprint !== claim.fingerprint) {
    throw new ClaimOfAnotherRequest();
  }
  if (record.state === 'accepted') return { ...(record.answer as CreatedTask), task_id: record.task_id };
  return reconcileClaim(claim, record, invocation);
}

/**
 * Creates the task of a claim for which `findClaimedTask` found none.
 * @param release of the permit, for calls that need one; such a call is not sent again after a refusal. It is called once
 * MPC has answered or the call provably never left; otherwise the call may still arrive
 * @throws what createTask throws; the claim is released when MPC provably made no task
 */
export async function createClaimedTask(
  claim: ClaimRequest,
  body: CreateTaskBody,
  invocation: Invocation,
  release?: () => void,
): Promise<CreatedTask> {
  const claimedAtMs = Date.now();
  // The call itself must not leave before the claim is written; the connection may.
  connect(invocation.settings.mpcEndpoint);
  await write(claim, { state: 'claimed', claimed_at_ms: claimedAtMs }, invocation);
  logStep('claim.claimed', claim, invocation);
  const deadlineMs = Math.min(invocation.deadlineMs, claimedAtMs + CALL_WITHIN_MS);
  const repeat = release ? 'unsent' : 'refused';
  try {
    const call = createTask(withNote(body, claim.id), { ...invocation, deadlineMs }, repeat);
    const created = await call;
    release?.();
    // Whether the answer to a synchronous request names the task is not documented.
    if (!created.task_id && body.sync !== 1)
      throw new ServiceUnavailable('MPC', 'its answer names no task', true);
    await completeClaim(claim, created, claimedAtMs, invocation);
    return created;
  } catch (error) {
    if (error instanceof ServiceRefused || isProvablyNoTask(error)) release?.();
    if (isProvablyNoTask(error)) {
      await attempt(
        () => write(claim, { state: 'released', claimed_at_ms: claimedAtMs }, invocation),
        claim,
        invocation,
      );
    }
    throw error;
  }
}

function isProvablyNoTask(error: unknown): boolean {
  if (error instanceof ServiceUnavailable) return !error.mayHaveArrived;
  return error instanceof ServiceRefused && error.status < 500 && error.status !== 408;
}

/** A claim found half-written: the list of MPC knows whether its task was accepted. */
async function reconcileClaim(
  claim: ClaimRequest,
  record: ClaimRecord,
  invocation: Invocation,
): Promise<CreatedTask | undefined> {
  const { claimed_at_ms } = record;
  for (const toleranceMs of CLOCK_TOLERANCES_MS) {
    const { tasks, asOfMs } = await tasksAround(claimed_at_ms, toleranceMs, invocation);
    const [first, ...others] = tasks
      .filter(({ user_data }) => unwrapUserData(user_data).note.claim === claim.id)
      .sort((a, b) => a.task_id.length - b.task_id.length || (a.task_id < b.task_id ? -1 : 1));
    if (first !== undefined) {
      if (others.length > 0) {
        const task_ids = [first, ...others].map(({ task_id }) => task_id);
        invocation.log.error('claim.doubled', { claim: claim.id, task_ids });
      }
      const { task_id, status, create_time, output, output_file_name } = first;
      const created = { task_id, status, create_time, output, output_file_name };
      await completeClaim(claim, created, claimed_at_ms, invocation);
      return created;
    }
    const leftMs = claimed_at_ms + CALL_ARRIVES_WITHIN_MS - asOfMs;
    if (leftMs > 0) throw new ClaimInFlight(Math.ceil(leftMs / 1000));
  }
  logStep('claim.abandoned', claim, invocation);
  return undefined;
}

interface Listing {
  tasks: Task[];
  /** What MPC accepted later than this may be missing. */
  asOfMs: number;
}

const listings = new WeakMap<Invocation, Map<string, Promise<Listing>>>();

/**
 * The tasks that calls made under a claim of this time. List calls count against MPC's quota: claims of about the
 * same time, of which there are many after a failure of MPC, share one listing in an invocation.
 */
function tasksAround(timeMs: number, toleranceMs: number, invocation: Invocation): Promise<Listing> {
  const fromMs = (Math.floor(timeMs / toleranceMs) - 1) * toleranceMs;
  const start = mpcTime(fromMs);
  const end = mpcTime(fromMs + 3 * toleranceMs + CALL_ARRIVES_WITHIN_MS);
  const known = listings.get(invocation) ?? new Map<string, Promise<Listing>>();
  listings.set(invocation, known);
  const asOfMs = Date.now();
  const filter = [
    ['start_time', start],
    ['end_time', end],
  ] as const;
  const listing =
    known.get(start + end) ?? tasksMatching(filter, invocation).then((tasks) => ({ tasks, asOfMs }));
  known.set(start + end, listing);
  return listing;
}

/** The task exists whether or not that can be written down: a claim left half-written is settled later. */
export async function completeClaim(
  claim: ClaimRequest,
  created: CreatedTask,
  claimedAtMs: number,
  invocation: Invocation,
): Promise<void> {
  const record: ClaimRecord = {
    state: 'accepted',
    claimed_at_ms: claimedAtMs,
    task_id: created.task_id,
    answer: created,
  };
  await attempt(() => write(claim, record, invocation), claim, invocation);
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

async function attempt(
  write: () => Promise<void>,
  claim: ClaimRequest,
  invocation: Invocation,
): Promise<void> {
  try {
    await write();
  } catch (error) {
    invocation.log.warn('claim.not_written', { claim: claim.id, ...describeFailure(error) });
  }
}

function write(claim: ClaimRequest, record: ClaimRecord, invocation: Invocation): Promise<void> {
  const { id, bucket, key, etag, fingerprint } = claim;
  const value = { ...record, claim: id, bucket, key, etag, fingerprint };
  return putJson(invocation.settings.snapshotBucket, claim.objectKey, value, invocation);
}

/** One folder per video. Keys are hashed: they may be as long as OBS allows, with no room for anything beside them. */
export function claimsFolder(bucket: string, key: string): string {
  return `${RECORDS_FOLDER}claims/${digest(bucket, key)}/`;
}

/** A short name for something that is told apart by these parts. */
export function digest(...parts: string[]): string {
  return sha256Hex(JSON.stringify(parts)).slice(0, 40);
}
