import * as z from 'zod/mini';
import { nextWindowMs, tasksBetween } from '../cloud/mpc';
import { getJson, type ListedObject, listObjects, putJson } from '../cloud/obs';
import { describeFailure } from '../core/errors';
import { integer, text } from '../core/schema';
import { type Invocation, remainingMs } from '../installation/invocation';
import { RECORDS_FOLDER } from '../installation/object-keys';
import { listBudget } from '../tasks/claims';
import { unwrapUserData } from '../tasks/task-note';
import { captureUpload, MIN_TIME_FOR_A_CAPTURE_MS, type Outcome } from './capture-upload';
import { lookBeforeMany } from './unfinished';
import { reasonToSkip, type Upload } from './upload-event';

/** What a sweep found and did. */
export interface SweepReport {
  /** Uploads that were looked at: videos under the prefix, with bytes in them. */
  looked_at: number;
  already_started: number;
  started: number;
  /** Left for the next sweep. */
  failed: number;
  /** Claims for which MPC has more than one task, with the task ids. */
  duplicates: readonly { claim: string; task_ids: readonly string[] }[];
  /** The same under its old name. */
  doubled: SweepReport['duplicates'];
  /** True when the end of the last bucket was reached; otherwise the next sweep goes on where this one stopped. */
  complete: boolean;
  /** Only of a dry run: the first keys that would be started. */
  would_start?: readonly string[];
}

/** Fresh events must not be kept waiting for longer than this. */
const MAX_DURATION_MS = 55_000;
/** The event of an upload younger than this is probably on its way. */
const MIN_AGE_MS = 60_000;
/** What has a task costs one small read; so many of them at a time. */
const PARALLEL_READS = 8;
const MAX_KEYS_REPORTED = 100;
/** How far the first sweep looks for duplicates; later ones look from where the last one ended. */
const FIRST_LOOK_BACK_MS = 3_600_000;
/** A sweep is there for what has no task: looking for duplicates takes no more of its time. */
const MAX_DUPLICATES_MS = 10_000;
/**
 * What is looked at again next time: clocks may differ by a quarter of an hour, and a second task may be yet to come.
 */
const DUPLICATES_OVERLAP_MS = 17 * 60_000;
/** Of the list calls of a run; the rest is for half-written claims. */
const MAX_DUPLICATES_CALLS = 3;
/** MPC's clock may be ahead. */
const FAR_AHEAD_MS = 16 * 60_000;
/** Two tasks of one claim are created within this: what lies on both sides of a window's end must not be missed. */
const PAIR_WITHIN_MS = 2 * 60_000;
const OBJECT_KEY = `${RECORDS_FOLDER}sweep.json`;

const Progress = z.object({
  bucket: z.optional(text),
  marker: z.optional(text),
  doubles_until_ms: z.optional(integer(0, Number.MAX_SAFE_INTEGER)),
  /** As much of MPC's list as could be read at once (ms), where that is little. */
  doubles_window_ms: z.optional(integer(0, Number.MAX_SAFE_INTEGER)),
});
type Progress = z.infer<typeof Progress>;

/**
 * Looks through the upload buckets for videos without a task and starts them: lost
 * events, uploads from before the installation, half-written claims. It goes on where the
 * last sweep stopped, is safe to run twice and beside live events.
 * @param isDryRun reports what it would start and starts nothing
 */
export async function sweep(invocation: Invocation, isDryRun: boolean): Promise<SweepReport> {
  const { settings } = invocation;
  const bounded = {
    ...invocation,
    deadlineMs: Math.min(invocation.deadlineMs, Date.now() + MAX_DURATION_MS),
  };
  const stored = z.safeParse(Progress, await getJson(settings.snapshotBucket, OBJECT_KEY, bounded));
  const progress: Progress = stored.success && !isDryRun ? stored.data : {};
  const report: SweepReport & { would_start: string[] } = {
    looked_at: 0,
    already_started: 0,
    started: 0,
    failed: 0,
    duplicates: [],
    doubled: [],
    complete: false,
    would_start: [],
  };
  lookBeforeMany();
  progress.doubles_until_ms ??= Date.now() - FIRST_LOOK_BACK_MS;
  report.duplicates = await duplicateClaims(progress, bounded);
  report.doubled = report.duplicates;
  const stoppedAt = await sweepBuckets(progress, report, isDryRun, bounded);
  report.complete = stoppedAt === undefined;
  const { doubles_until_ms, doubles_window_ms } = progress;
  if (!isDryRun) await write({ ...stoppedAt, doubles_until_ms, doubles_window_ms }, invocation);
  const { would_start, ...rest } = report;
  const level = report.duplicates.length > 0 || report.failed > 0 ? 'warn' : 'info';
  invocation.log.write(level, 'sweep.done', rest);
  return isDryRun ? report : rest;
}

/** @returns where it stopped; undefined when everything was looked at */
async function sweepBuckets(
  progress: Progress,
  report: SweepReport & { would_start: string[] },
  isDryRun: boolean,
  invocation: Invocation,
): Promise<{ bucket: string; marker?: string } | undefined> {
  const { uploadBuckets, uploadPrefix } = invocation.settings;
  const first = Math.max(0, uploadBuckets.indexOf(progress.bucket ?? ''));
  let marker = uploadBuckets[first] === progress.bucket ? progress.marker : undefined;
  for (const bucket of uploadBuckets.slice(first)) {
    for (;;) {
      const from = { prefix: uploadPrefix, ...(marker !== undefined && { marker }) };
      if (remainingMs(invocation) < MIN_TIME_FOR_A_CAPTURE_MS) return at(bucket, marker);
      let page: Awaited<ReturnType<typeof listObjects>>;
      try {
        page = await listObjects(bucket, from, invocation);
      } catch (error) {
        // A bucket that is gone or locked must not keep the next one waiting for ever.
        report.failed++;
        invocation.log.error('sweep.bucket_not_listed', { bucket, ...describeFailure(error) });
        break;
      }
      const { objects, isTruncated } = page;
      const uploads = objects.filter((object) => isToBeLookedAt(object, bucket, invocation));
      for (let start = 0; start < uploads.length; start += PARALLEL_READS) {
        if (remainingMs(invocation) < MIN_TIME_FOR_A_CAPTURE_MS) return at(bucket, marker);
        const group = uploads.slice(start, start + PARALLEL_READS).map((object) => ({ bucket, ...object }));
        if (!(await sweepGroup(group, report, isDryRun, invocation))) return at(bucket, marker);
        marker = group.at(-1)?.key ?? marker;
      }
      marker = objects.at(-1)?.key;
      if (!isTruncated || objects.length === 0) break;
      // A sweep that is cut off must not begin from the start again.
      if (!isDryRun) await write({ ...progress, ...at(bucket, marker) }, invocation);
    }
    marker = undefined;
  }
  return undefined;
}

function write(progress: Progress, invocation: Invocation): Promise<void> {
  return putJson(invocation.settings.snapshotBucket, OBJECT_KEY, progress, invocation);
}

function at(bucket: string, marker: string | undefined): { bucket: string; marker?: string } {
  return { bucket, ...(marker !== undefined && { marker }) };
}

/** What has a task is found out together, what has none is started one after the other. @returns false to stop */
async function sweepGroup(
  group: readonly Upload[],
  report: SweepReport & { would_start: string[] },
  isDryRun: boolean,
  invocation: Invocation,
): Promise<boolean> {
  const looked = await Promise.all(
    group.map(async (upload) => ({ upload, outcome: await captureUpload(upload, invocation, true) })),
  );
  for (const { upload, outcome } of looked) {
    const final = 'started' in outcome && !isDryRun ? await captureUpload(upload, invocation) : outcome;
    report.looked_at++;
    count(final, report);
    if ('started' in final) {
      if (isDryRun && report.would_start.length < MAX_KEYS_REPORTED) report.would_start.push(upload.key);
      if (!isDryRun)
        invocation.log.info('sweep.started', {
          bucket: upload.bucket,
          key: upload.key,
          task_id: final.started,
        });
    }
    if ('failed' in final && final.failed === 'no_time_left') return false;
  }
  return true;
}

function count(outcome: Outcome, report: SweepReport): void {
  if ('started' in outcome) report.started++;
  else if ('failed' in outcome) report.failed++;
  else if (outcome.skipped === 'already_started') report.already_started++;
}

function isToBeLookedAt(object: ListedObject, bucket: string, { settings }: Invocation): boolean {
  const isOldEnough = object.lastModifiedMs <= Date.now() - MIN_AGE_MS;
  return isOldEnough && reasonToSkip({ bucket, ...object }, settings) === undefined;
}

/** Claims that have more than one task, which only overlapping invocations can bring about. */
async function duplicateClaims(
  progress: Progress,
  invocation: Invocation,
): Promise<SweepReport['duplicates']> {
  const now = Date.now();
  const sinceMs = progress.doubles_until_ms ?? now;
  const bounded = { ...invocation, deadlineMs: Math.min(invocation.deadlineMs, now + MAX_DUPLICATES_MS) };
  const byClaim = new Map<string, string[]>();
  const budget = listBudget(invocation);
  const ownBudget = { calls: Math.min(MAX_DUPLICATES_CALLS, budget.calls) };
  budget.calls -= ownBudget.calls;
  const windowMs = progress.doubles_window_ms ?? now - sinceMs + FAR_AHEAD_MS;
  const untilMs = Math.min(now + FAR_AHEAD_MS, sinceMs + windowMs);
  try {
    const { tasks, completeUntilMs } = await tasksBetween(sinceMs, untilMs, bounded, ownBudget);
    for (const task of tasks) {
      const { claim } = unwrapUserData(task.user_data).note;
      if (claim === undefined || task.status === 'CANCELED') continue;
      byClaim.set(claim, [...(byClaim.get(claim) ?? []), task.task_id]);
    }
    moveOn(progress, { sinceMs, untilMs, completeUntilMs }, now);
  } catch (error) {
    // What cannot be listed now must not keep uploads from being captured: the next sweep looks for it.
    invocation.log.warn('sweep.doubles_not_sought', describeFailure(error));
  } finally {
    budget.calls += ownBudget.calls;
  }
  return [...byClaim].filter(([, ids]) => ids.length > 1).map(([claim, task_ids]) => ({ claim, task_ids }));
}

/** The mark moves in every run that MPC answers. What was too much to be read is sought in narrower windows from now on. */
function moveOn(
  progress: Progress,
  { sinceMs, untilMs, completeUntilMs }: { sinceMs: number; untilMs: number; completeUntilMs: number },
  now: number,
): void {
  const next = completeUntilMs - Math.min(PAIR_WITHIN_MS, Math.floor((completeUntilMs - sinceMs) / 2));
  progress.doubles_until_ms = Math.max(sinceMs, Math.min(next, now - DUPLICATES_OVERLAP_MS));
  if (completeUntilMs >= now) delete progress.doubles_window_ms;
  else progress.doubles_window_ms = nextWindowMs(sinceMs, untilMs, completeUntilMs);
}
