import type { CreatedTask } from '../cloud/mpc';
import { findObject } from '../cloud/obs';
import { describeFailure, ServiceRefused } from '../core/errors';
import { type Capture, capturesFor } from '../installation/captures';
import type { Invocation } from '../installation/invocation';
import type { ClaimRecord } from '../tasks/claim-record';
import { ClaimDamaged, ClaimInFlight, createClaimedTask, findClaim, uploadClaim } from '../tasks/claims';
import { haveEnded, othersBegun, wasReplacedSince } from '../tasks/versions';
import { acquirePermit, pause } from './rate-limit';
import { isRoomAtMpc } from './unfinished';
import { reasonToSkip, type SkipReason, type Upload } from './upload-event';

/** The outcome of one capture of an upload, or of an upload without a capture. */
export type Outcome = { capture?: string | undefined } & (
  | { started: string }
  | { skipped: SkipReason | 'already_started' | 'gone'; task_id?: string | undefined }
  /** Others come first: the sweep starts it later. */
  | { deferred: string }
  /** `again_at_ms`: set when MPC refuses it for good; the next try is not before this time (ms since the epoch). */
  | { failed: string; again_at_ms?: number }
);

/**
 * - `dry run`: starts nothing, and reports `started: "dry run"`
 * - `at once`: starts if a permit is free now
 * - `in turn`: waits for a permit
 * - `behind others`: waits for a permit, and leaves a part of the pace to new uploads
 */
export type How = 'dry run' | 'at once' | 'in turn' | 'behind others';

/** Time for all steps: read the claim, reserve a permit, write the claim, create the task, complete the claim. */
export const MIN_TIME_FOR_A_CAPTURE_MS = 3_000;
/** MPC counts its quota per minute, but a pause must fit into an invocation, or every event that waits would fail. */
const QUOTA_PAUSE_SECONDS = 20;

/** The uploads that an event's key may stand for, as it may or may not be encoded. Only uploads that would be captured. */
function readings(upload: Upload, { settings }: Invocation): [Upload, ...Upload[]] {
  const { otherKey, ...first } = upload;
  if (otherKey === undefined) return [first];
  const other = { ...first, key: otherKey };
  if (reasonToSkip(other, settings)) return [first];
  return reasonToSkip(first, settings) ? [other] : [first, other];
}

/**
 * The uploads that an event's key may stand for: those that exist, and of several the ones with the event's ETag.
 * @throws what OBS throws
 */
export async function uploadsMeant(upload: Upload, invocation: Invocation): Promise<Upload[]> {
  const [first, ...others] = readings(upload, invocation);
  // A key with one meaning is looked up when it is captured.
  if (others.length === 0 && upload.key === first.key) return [first];
  const found = (
    await Promise.all([first, ...others].map(({ bucket, key }) => findObject(bucket, key, invocation)))
  ).filter((object) => object !== undefined);
  if (found.length === 0) return [first];
  const same = found.filter(({ etag }) => etag === upload.etag);
  return (same.length > 0 ? same : found).map((object) => ({ bucket: upload.bucket, ...object }));
}

/** The same without a call to OBS: an upload that may be either of two objects keeps both keys. */
export function uploadsMeantLater(upload: Upload, invocation: Invocation): Upload[] {
  const possible = readings(upload, invocation);
  return possible.length > 1 ? [upload] : possible;
}

/** True for a capture that waits for others: no failure. */
export function isWithoutTurn(outcome: Outcome): outcome is Extract<Outcome, { failed: string }> {
  return 'failed' in outcome && (outcome.failed === 'no_turn' || outcome.failed === 'mpc_is_full');
}

/** True for a capture that was started; in a dry run, for one that would be. */
export function isStarted(outcome: Outcome): boolean {
  return 'started' in outcome;
}

/** Adds the outcomes of an upload's captures to counts. */
export function tally(
  outcomes: readonly Outcome[],
  counts: { started: number; already_started: number; failed: number },
): void {
  for (const outcome of outcomes) {
    if ('started' in outcome) counts.started++;
    else if ('failed' in outcome) counts.failed++;
    else if ('skipped' in outcome && outcome.skipped === 'already_started') counts.already_started++;
  }
}

/** Logs what was started without an event of its own. */
export function logStarted(
  { bucket, key }: Pick<Upload, 'bucket' | 'key'>,
  outcomes: readonly Outcome[],
  { log }: Invocation,
): void {
  for (const outcome of outcomes) {
    if (!('started' in outcome)) continue;
    log.info('sweep.started', { bucket, key, capture: outcome.capture, task_id: outcome.started });
  }
}

/**
 * Starts the captures that an upload still lacks, one task for each. Every failure becomes an outcome, so that
 * one bad upload or capture does not stop the others.
 * @param only the capture of this name; all when left out
 * @returns an outcome for each capture of the upload, or one that says why it has none
 */
export async function captureUpload(
  upload: Upload,
  invocation: Invocation,
  how: How = 'at once',
  only?: string,
): Promise<Outcome[]> {
  const reason = reasonToSkip(upload, invocation.settings);
  if (reason) return [{ skipped: reason }];
  try {
    // An event may be late or have no ETag: what counts is the object that exists now.
    const isListed = upload.lastModifiedMs !== undefined;
    const object = isListed ? upload : await findObject(upload.bucket, upload.key, invocation);
    if (!object) return [{ skipped: 'gone' }];
    return await captureVersion({ ...upload, ...object }, invocation, how, only);
  } catch (error) {
    return [outcomeOf(error, upload, invocation)];
  }
}

async function captureVersion(
  upload: Upload,
  invocation: Invocation,
  how: How,
  only: string | undefined,
): Promise<Outcome[]> {
  const captures = capturesFor(upload.key, invocation.settings.captures).filter(
    ({ name }) => only === undefined || name === only,
  );
  const one = async (capture: Capture): Promise<Outcome> => {
    const { name } = capture;
    const outcome = await captureOne(upload, capture, invocation, how).catch((error: unknown) =>
      outcomeOf(error, { ...upload, capture: name }, invocation),
    );
    return { capture: name, ...outcome };
  };
  if (how === 'dry run') return Promise.all(captures.map(one));
  const outcomes: Outcome[] = [];
  for (const capture of captures) outcomes.push(await one(capture));
  return outcomes;
}

/**
 * A version that was written again may have been replaced by another one for a while, and its task may have captured that one.
 * After this time a new `LastModified` only means changed metadata: the sweep would have found another version.
 */
const UNSEEN_FOR_MS = 3_600_000;

function wasRewrittenSince(record: ClaimRecord, { lastModifiedMs = 0 }: Upload): boolean {
  const laterMs = lastModifiedMs - (record.last_modified_ms ?? lastModifiedMs);
  return laterMs > 0 && laterMs < UNSEEN_FOR_MS;
}

/** The outcome of a failure. */
export function outcomeOf(
  error: unknown,
  { bucket, key, capture }: Pick<Upload, 'bucket' | 'key'> & { capture?: string | undefined },
  invocation: Invocation,
): Outcome {
  if (error instanceof ClaimInFlight) return { failed: 'claim_not_settled' };
  if (error instanceof ClaimDamaged) return { failed: 'claim_damaged' };
  const failure = describeFailure(error);
  invocation.log.error('upload.failed', { bucket, key, capture, ...failure });
  return { failed: [failure.failure, failure.service_error_code].filter(Boolean).join(' ') };
}

async function captureOne(
  upload: Upload,
  capture: Capture,
  invocation: Invocation,
  how: How,
): Promise<Outcome> {
  const isDryRun = how === 'dry run';
  const first = uploadClaim(upload, capture, invocation.settings);
  // The sweep looks at every video: one that has its task must cost a single read.
  const [state, begun] = await Promise.all([
    findClaim(first, invocation),
    isDryRun ? undefined : othersBegun(first, invocation),
  ]);
  const isRewritten = state.task && wasRewrittenSince(state.record, upload);
  const others = begun ?? (isRewritten ? await othersBegun(first, invocation) : []);
  let claim = first;
  let standing = state;
  for (let round = 1; standing.task; round++) {
    const { task, record } = standing;
    const { claimed_at_ms } = record;
    const mayShowAnother =
      wasReplacedSince(claimed_at_ms, upload.etag, others) || wasRewrittenSince(record, upload);
    if (!mayShowAnother) return alreadyStarted(task);
    // The older task may still run.
    const { id, etag } = claim;
    const { task_id } = task;
    others.push({ state: 'accepted', claimed_at_ms, task_id, claim: id, etag, isUpload: true });
    claim = uploadClaim(upload, capture, invocation.settings, round);
    standing = await findClaim(claim, invocation);
  }
  const { free } = standing;
  if (free.notBeforeMs > Date.now()) return { failed: 'refused_before', again_at_ms: free.notBeforeMs };
  if (isDryRun) return { started: 'dry run' };
  const body = requestFor(claim, capture, invocation);
  const isBehind = how === 'behind others';
  if (!(await isRoomAtMpc(invocation, isBehind))) return { failed: 'mpc_is_full' };
  if (!(await haveEnded(others, body.output, claim, invocation))) return { failed: 'older_task_at_work' };
  const release = await acquirePermit(MIN_TIME_FOR_A_CAPTURE_MS, how !== 'at once', invocation, isBehind);
  try {
    if (release) {
      const { task, isNew } = await createClaimedTask(claim, body, free, invocation, release);
      return isNew ? { started: task.task_id ?? '' } : alreadyStarted(task);
    }
  } catch (error) {
    if (!(error instanceof ServiceRefused && error.status === 429)) throw error;
    // The quota is used up, by others too: the upload keeps its place in line.
    pause(error.retryAfterSeconds ?? QUOTA_PAUSE_SECONDS);
  }
  return { failed: 'no_turn' };
}

function alreadyStarted({ task_id }: CreatedTask): Outcome {
  return { skipped: 'already_started', task_id };
}

function requestFor(
  { bucket, key, output }: ReturnType<typeof uploadClaim>,
  { thumbnailPara }: Capture,
  { settings: { region: location } }: Invocation,
) {
  return {
    input: { bucket, location, object: key },
    output: { location, ...output },
    thumbnail_para: thumbnailPara,
    original_dir: 1 as const,
  };
}
