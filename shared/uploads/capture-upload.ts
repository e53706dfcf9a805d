import { findObject } from '../cloud/obs';
import { describeFailure, ServiceRefused } from '../core/errors';
import type { Invocation } from '../installation/invocation';
import { outputDirectoryOf } from '../installation/object-keys';
import { ClaimInFlight, createClaimedTask, findClaimedTask, uploadClaim } from '../tasks/claims';
import { acquirePermit, learnReservations, pause } from './rate-limit';
import { reasonToSkip, type SkipReason, type Upload } from './upload-event';

/** What became of one upload. */
export type Outcome =
  | { started: string }
  | { skipped: SkipReason | 'already_started' | 'gone'; task_id?: string | undefined }
  | { failed: string };

/** Reading the claim, reserving a turn, writing the claim, creating the task, completing the claim. */
export const MIN_TIME_FOR_A_CAPTURE_MS = 3_000;
/** MPC counts its quota by the minute, but a pause must fit into an invocation, or every event that waits would fail. */
const QUOTA_PAUSE_SECONDS = 20;

/**
 * Starts the capture of an upload unless it has one. Whatever happens becomes its outcome, so that one bad upload never
 * hides the others.
 * @param isDryRun says what would be started, as `started: "dry run"`, and starts nothing
 */
export async function captureUpload(
  upload: Upload,
  invocation: Invocation,
  isDryRun = false,
): Promise<Outcome> {
  const reason = reasonToSkip(upload, invocation.settings);
  if (reason !== undefined) return { skipped: reason };
  try {
    // What cannot be learned now is asked for again when it is needed.
    const learned = isDryRun ? undefined : learnReservations(invocation).catch(() => {});
    // The sweep sees ETags: without one, event and sweep would mean two uploads.
    const etag = upload.etag || (await findObject(upload.bucket, upload.key, invocation))?.etag;
    if (etag === undefined) return { skipped: 'gone' };
    const identified = { ...upload, etag };
    const claim = uploadClaim(identified, invocation.settings);
    const [claimed] = await Promise.all([findClaimedTask(claim, invocation), learned]);
    if (claimed !== undefined) return { skipped: 'already_started', task_id: claimed.task_id };
    if (isDryRun) return { started: 'dry run' };
    const release = await acquirePermit(MIN_TIME_FOR_A_CAPTURE_MS, invocation);
    if (release === undefined) return { failed: 'no_time_left' };
    const { task_id } = await createClaimedTask(
      claim,
      requestFor(identified, invocation),
      invocation,
      release,
    );
    return { started: task_id ?? '' };
  } catch (error) {
    if (error instanceof ClaimInFlight) return { failed: 'claim_not_settled' };
    if (error instanceof ServiceRefused && error.status === 429)
      pause(error.retryAfterSeconds ?? QUOTA_PAUSE_SECONDS);
    const failure = describeFailure(error);
    invocation.log.error('upload.failed', { bucket: upload.bucket, key: upload.key, ...failure });
    return { failed: [failure.failure, failure.service_error_code].filter(Boolean).join(' ') };
  }
}

function requestFor(upload: Upload, { settings }: Invocation) {
  return {
    input: { bucket: upload.bucket, location: settings.region, object: upload.key },
    output: {
      bucket: settings.snapshotBucket,
      location: settings.region,
      object: outputDirectoryOf(upload, settings),
    },
    thumbnail_para: settings.capture,
    original_dir: 1 as const,
  };
}
