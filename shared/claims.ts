import * as z from 'zod/mini';
import type { CreateTaskBody } from './create-request';
import { describeFailure, ServiceRefused, ServiceUnavailable } from './errors';
import { connect } from './http';
import type { Invocation } from './invocation';
import { RECORDS_FOLDER } from './locations';
import { type CreatedTask, createTask, mpcTime, type Task, tasksMatching } from './mpc';
import { getJson, listObjects, putJson } from './obs';
import { anything, oneOf, text, whole } from './schema';
import type { Settings } from './settings';
import { sha256Hex } from './signing';
import type { Upload } from './uploads';
import { unwrapUserData, withNote } from './user-data';

/*
 * A claim is a small object in the snapshot bucket. It makes sure that one thing that was asked for becomes one task:
 *
 *                write, before MPC is called          MPC has answered
 *      (none) ──────────────────────────► claimed ──────────────────────► accepted
 *         ▲                                │    ▲ │                          ▲
 *         │        MPC refused: no task    │    │ └── found later, and the  ─┘
 *         └──────────── released ◄─────────┘    │     id is in MPC's list
 *                          │                    │
 *                          └────────────────────┴──── found later, and the id is not there: claimed anew
 *
 * Whatever happens between two writes, the claim found later says enough: before anything is sent again, its id is looked
 * up in MPC's list, where it stands in the task's `user_data`.
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
  /** What was asked for, where one name may be used for different requests. */
  fingerprint?: string;
  /** So long an unfinished claim counts as being worked on, ms. */
  settleAfterMs: number;
}

const ClaimRecord = z.object({
  state: oneOf('claimed', 'accepted', 'released'),
  claimed_at_ms: whole(0, Number.MAX_SAFE_INTEGER),
  fingerprint: z.optional(text),
  task_id: z.optional(text),
  answer: z.optional(anything),
});

type ClaimRecord = z.infer<typeof ClaimRecord>;

/** Somebody else may be at work on this very claim. */
export class ClaimInFlight extends Error {
  constructor(readonly retryAfterSeconds: number) {
    super('claim in flight');
  }
}

/** The claim was made for something else. */
export class ClaimMismatch extends Error {}

/** A create call is given up after 10 s. One that MPC had not taken up by then would arrive too late to be seen. */
const UPLOAD_SETTLE_AFTER_MS = 12_000;
/** Clocks of functions and MPC may differ; a create call takes no longer than a function may run. */
const LOOK_BACK_MS = 2 * 60_000;
const LOOK_AHEAD_MS = 15 * 60_000;
/** More tasks than these of one video are not looked up: the newest are the ones that matter. */
const MAX_CLAIMS_READ = 20;

/**
 * The claim of one capture of one upload: the same bucket, key, ETag and capture always give the same id, so that a repeated
 * event is recognised.
 */
export function uploadClaim(upload: Upload, settings: Settings): ClaimRequest {
  const id = digest(upload.bucket, upload.key, upload.etag, JSON.stringify(settings.capture));
  return {
    id,
    objectKey: `${claimsFolder(upload.bucket, upload.key)}${id}.json`,
    bucket: upload.bucket,
    key: upload.key,
    settleAfterMs: UPLOAD_SETTLE_AFTER_MS,
  };
}

/** The one task of a claim: MPC's answer, or as much of it as MPC's list still tells. */
export type ClaimedTask = CreatedTask & { task_id: string };

/** The task of a claim that is settled; undefined when nothing was begun or it was released. */
export async function findClaimedTask(
  claim: ClaimRequest,
  invocation: Invocation,
): Promise<ClaimedTask | undefined> {
  const parsed = z.safeParse(
    ClaimRecord,
    await getJson(invocation.settings.snapshotBucket, claim.objectKey, invocation),
  );
  if (!parsed.success) return undefined;
  const record = parsed.data;
  if (record.state === 'released') return undefined;
  if (claim.fingerprint !== undefined && record.fingerprint !== claim.fingerprint) throw new ClaimMismatch();
  if (record.state === 'accepted' && record.task_id !== undefined) {
    return { ...(record.answer as CreatedTask), task_id: record.task_id };
  }
  return settle(claim, record, invocation);
}

/**
 * Creates the task of a claim for which `findClaimedTask` found none.
 * @param leave for calls that wait their turn: told when the call leaves, which then is never sent again on the quiet
 * @throws what createTask throws; the claim is released when MPC provably made no task
 */
export async function createClaimedTask(
  claim: ClaimRequest,
  body: CreateTaskBody,
  invocation: Invocation,
  leave?: () => void,
): Promise<ClaimedTask> {
  const claimedAtMs = Date.now();
  // The call itself must not leave before the claim is written; the connection may.
  connect(invocation.settings.mpcEndpoint);
  await write(claim, { state: 'claimed', claimed_at_ms: claimedAtMs }, invocation);
  try {
    leave?.();
    const repeat = leave ? 'unsent' : 'refused';
    const answer = await createTask(withNote(body, claim.id), invocation, repeat);
    if (!answer.task_id) throw new ServiceUnavailable('MPC', 'its answer names no task', true);
    const created = { ...answer, task_id: answer.task_id };
    await complete(claim, created, claimedAtMs, invocation);
    return created;
  } catch (error) {
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
async function settle(
  claim: ClaimRequest,
  record: ClaimRecord,
  invocation: Invocation,
): Promise<ClaimedTask | undefined> {
  const tasks = await tasksOfClaim(claim.id, record.claimed_at_ms, invocation);
  const [first] = tasks;
  if (first !== undefined) {
    if (tasks.length > 1) {
      invocation.log.error('claim.doubled', {
        claim: claim.id,
        task_ids: tasks.map(({ task_id }) => task_id),
      });
    }
    const { task_id, status, create_time, output, output_file_name } = first;
    const created = { task_id, status, create_time, output, output_file_name };
    await complete(claim, created, record.claimed_at_ms, invocation);
    return created;
  }
  const ageMs = Date.now() - record.claimed_at_ms;
  if (ageMs < claim.settleAfterMs) throw new ClaimInFlight(Math.ceil((claim.settleAfterMs - ageMs) / 1000));
  invocation.log.info('claim.abandoned', { claim: claim.id, age_ms: ageMs });
  return undefined;
}

async function tasksOfClaim(id: string, claimedAtMs: number, invocation: Invocation): Promise<Task[]> {
  const tasks = await tasksMatching(
    [
      ['start_time', mpcTime(claimedAtMs - LOOK_BACK_MS)],
      ['end_time', mpcTime(claimedAtMs + LOOK_AHEAD_MS)],
    ],
    invocation,
  );
  return tasks
    .filter(({ user_data }) => unwrapUserData(user_data).note.claim === id)
    .sort((a, b) => a.task_id.length - b.task_id.length || (a.task_id < b.task_id ? -1 : 1));
}

/** The task exists whether or not that can be written down: a claim left half-written is settled later. */
async function complete(
  claim: ClaimRequest,
  created: ClaimedTask,
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
  const { id, bucket, key, fingerprint } = claim;
  const value = { ...record, claim: id, bucket, key, ...(fingerprint !== undefined && { fingerprint }) };
  return putJson(invocation.settings.snapshotBucket, claim.objectKey, value, invocation);
}

/**
 * Remembers a task that was created without a claim, so that it is found by the video's key. The task exists whether or not
 * that succeeds: a failure is logged and never makes the caller create another one.
 */
export async function recordTask(
  video: { bucket: string; key: string },
  taskId: string,
  invocation: Invocation,
): Promise<void> {
  const claim = {
    ...video,
    id: taskId,
    objectKey: `${claimsFolder(video.bucket, video.key)}${taskId}.json`,
    settleAfterMs: 0,
  };
  await complete(claim, { task_id: taskId }, Date.now(), invocation);
}

/** The ids of the tasks that capture a video, those recorded last first. */
export async function recordedTasks(bucket: string, key: string, invocation: Invocation): Promise<string[]> {
  const { snapshotBucket } = invocation.settings;
  const { objects } = await listObjects(snapshotBucket, { prefix: claimsFolder(bucket, key) }, invocation);
  const newest = objects.sort((a, b) => b.lastModifiedMs - a.lastModifiedMs).slice(0, MAX_CLAIMS_READ);
  const records = await Promise.all(newest.map((object) => getJson(snapshotBucket, object.key, invocation)));
  return records.flatMap((record) => {
    const parsed = z.safeParse(ClaimRecord, record);
    return parsed.success && parsed.data.task_id !== undefined ? [parsed.data.task_id] : [];
  });
}

/** One folder per video. Keys are hashed: they may be as long as OBS allows, with no room for anything beside them. */
function claimsFolder(bucket: string, key: string): string {
  return `${RECORDS_FOLDER}claims/${digest(bucket, key)}/`;
}

/** A short name for something that is told apart by these parts. */
export function digest(...parts: string[]): string {
  return sha256Hex(JSON.stringify(parts)).slice(0, 40);
}
