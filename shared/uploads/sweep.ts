import * as z from 'zod/mini';
import { describeFailure } from '../core/errors';
import { inParallel } from '../core/in-parallel';
import { isoTime } from '../core/iso-time';
import { anything, optionalText, optionalWholeNumber } from '../core/schema';
import { type Invocation, remainingMs, within } from '../installation/invocation';
import { RECORDS_FOLDER } from '../installation/object-keys';
import { digest, getRecordAs, putRecord } from '../installation/records';
import { duplicatesReadSince, readTasks } from '../tasks/claim-search';
import {
  forget,
  inLine,
  inTurn,
  isFoundLate,
  listLater,
  listWaiting,
  readWaiting,
  remember,
  type Waiting,
} from '../tasks/waiting';
import { BACKFILL_KEY, BackfillRequest, goOnWithBackfill } from './backfill';
import { rememberFailed, setBehind } from './backlog';
import { bucketPassShape, goOnWithPass, type ListedUpload } from './bucket-pass';
import {
  captureUpload,
  type How,
  isStarted,
  isWithoutTurn,
  logStarted,
  MIN_TIME_FOR_A_CAPTURE_MS,
  type Outcome,
  outcomeOf,
  tally,
  uploadsMeant,
} from './capture-upload';
import { lookBeforeMany } from './unfinished';
import { EVENT_COMES_WITHIN_MS, reasonToSkip, type Upload } from './upload-event';

/** What a sweep found and did. */
export interface SweepReport {
  /** Captures of uploads that were looked at: videos under the prefix that are not empty. */
  looked_at: number;
  already_started: number;
  started: number;
  /** Left for the next sweep. */
  failed: number;
  /** Of these, uploads that MPC refuses for good, as far as this run saw them. The sweep tries them again after up to a day. */
  refused: number;
  /** Claims for which MPC has more than one task, with the task ids. */
  duplicates: readonly { claim: string; task_ids: readonly string[] }[];
  /** The same under its old name. */
  doubled: SweepReport['duplicates'];
  /** True when this run reached the end of the last bucket; otherwise the next sweep goes on where this one stopped. */
  complete: boolean;
  /** Only in a dry run: the first keys that would be started. */
  would_start?: readonly string[];
  /** Only in a dry run: the first uploads that MPC refuses for good, and when they are tried again. */
  refused_uploads?: readonly { bucket: string; key: string; again_at: string }[];
}

export interface SweepOptions {
  /** Reports what it would start of all uploads, and starts nothing. */
  isDryRun: boolean;
  /** Looks at every upload. */
  isWhole: boolean;
}

/** Events of new uploads must not wait longer than this. */
const MAX_DURATION_MS = 10_000;
/** The part of it for looking through the buckets. */
const MAX_LOOK_MS = 1_500;
/** A person asks for a dry run and wants to see everything. */
const MAX_DRY_RUN_MS = 55_000;
/** An upload older than this without a task comes after all new ones: it is part of a library, and there may be many. */
const OLD_AFTER_MS = 24 * 3_600_000;
/** `LastModified` of a multipart upload may be its beginning (a guess), and clocks may differ. */
const MARGIN_MS = 3_600_000;
/** The sweep looks at every upload once a week, at a part of them in every pass. */
const PART_OF_WEEK_MS = 10 * 60_000;
const PARTS_OF_WEEK = (7 * 24 * 3_600_000) / PART_OF_WEEK_MS;
/** Of the records of waiting uploads, which are written when a run ends. */
const PARALLEL_WRITES = 16;
/** Enough to use up the pace in seconds. */
const PARALLEL_STARTS = 16;
/** Uploads without a task that one run collects. */
const MAX_FOUND = 1000;
const MAX_KEYS_REPORTED = 100;
/** How far back the first sweep looks for duplicates. Later ones begin where the last one ended. */
const FIRST_LOOK_BACK_MS = 3_600_000;
/** The sweep exists for uploads without a task: the search for duplicates gets only this part of its time. */
const MAX_DUPLICATES_MS = 3_000;
/**
 * Each search begins this long before the end of the last one: clocks may differ by 15 minutes, and a second task may come late.
 */
const DUPLICATES_OVERLAP_MS = 17 * 60_000;
/** List calls of a run for duplicates; the rest is for half-written claims. */
const MAX_DUPLICATES_CALLS = 3;
/** MPC's clock may be ahead of ours. */
const FAR_AHEAD_MS = 16 * 60_000;
/** Two tasks of one claim are created within this time. Windows overlap by it, so that no pair is missed. */
const PAIR_WITHIN_MS = 2 * 60_000;
/** Where a sweep remembers how far it is. */
export const SWEEP_KEY = `${RECORDS_FOLDER}sweep.json`;

const Progress = z.object({
  ...bucketPassShape,
  /** When this pass began; when the last complete pass began. Without the second one this pass looks at every upload. */
  began_ms: optionalWholeNumber,
  clean_ms: optionalWholeNumber,
  /** The settings that decide which objects are uploads and what is captured of them. */
  settings: optionalText,
  /** The folder that had the last turn. */
  folder: optionalText,
  later_marker: optionalText,
  duplicates_until_ms: optionalWholeNumber,
  /** The progress of the backfill. */
  backfill: anything,
  /** How much of MPC's list (ms) one read can cover. */
  duplicates_window_ms: optionalWholeNumber,
});
type Progress = z.infer<typeof Progress>;

type Report = Omit<SweepReport, 'duplicates' | 'doubled'> & { would_start: string[] };

/**
 * Looks through the upload buckets for videos without a task, and starts them and all others that wait, in turn: uploads whose
 * event was lost or had to wait, uploads from before the installation, half-written claims. It looks at what changed since the
 * last pass and goes on where the last sweep stopped. It is safe to run twice, and beside live events.
 */
export async function sweep(invocation: Invocation, options: SweepOptions): Promise<SweepReport> {
  const { isDryRun } = options;
  const maxMs = isDryRun ? MAX_DRY_RUN_MS : MAX_DURATION_MS;
  const bounded = within(maxMs, invocation);
  const [remembered = {}, backfill] = await Promise.all([
    getRecordAs(Progress, SWEEP_KEY, bounded),
    isDryRun ? undefined : getRecordAs(BackfillRequest, BACKFILL_KEY, bounded),
  ]);
  // A dry run is a pass of its own.
  const progress = beginPass(isDryRun ? { marks: remembered.marks } : remembered, options, invocation);
  const report: Report = {
    looked_at: 0,
    already_started: 0,
    started: 0,
    failed: 0,
    refused: 0,
    complete: false,
    would_start: [],
  };
  lookBeforeMany();
  const duplicateSearch = duplicateClaims(progress, bounded);
  // Half-written claims use what it reads.
  bounded.searches.last = duplicateSearch;
  const [later, waiting] = await Promise.all([
    listLater(isDryRun ? undefined : progress.later_marker, bounded),
    isDryRun ? [] : listWaiting(progress.folder, bounded),
  ]);
  progress.later_marker = later.marker;
  report.refused = later.refused.length;
  if (isDryRun) report.refused_uploads = await refusedUploads(later.refused, bounded);
  else report.failed += later.ids.size - later.due.length;
  const ids = new Set([...(isDryRun ? [] : later.ids), ...waiting.map(({ id }) => id)]);
  const line = isDryRun ? [] : [...later.due, ...waiting];
  const isNew = (one: Waiting) => !isFoundLate(one);
  const lookMs = isDryRun ? maxMs : MAX_LOOK_MS + MIN_TIME_FOR_A_CAPTURE_MS;
  const looking = within(lookMs, bounded);
  // Tasks start at the pace while the buckets are looked through.
  const [isTurnForLine, found, duplicates] = await Promise.all([
    startInTurn(line.filter(isNew), progress, report, bounded),
    lookThroughBuckets(progress, ids, report, isDryRun, looking),
    duplicateSearch,
  ]);
  if (!isDryRun) {
    const isTurnForFound = await startInTurn(found.filter(isNew), progress, report, bounded);
    const isTurn = isTurnForLine && isTurnForFound;
    setBehind(!isTurn);
    if (isTurn && backfill)
      progress.backfill = await goOnWithBackfill(backfill, progress.backfill, progress.marks, bounded);
    await startInTurn([...found, ...line].filter(isFoundLate), undefined, report, bounded);
    await putRecord(SWEEP_KEY, progress, invocation);
  }
  const complete = { ...report, duplicates, doubled: duplicates };
  const { would_start, refused_uploads, ...logged } = complete;
  const level = duplicates.length > 0 || report.failed > 0 ? 'warn' : 'info';
  invocation.log.write(level, 'sweep.done', logged);
  return isDryRun ? complete : logged;
}

async function refusedUploads(
  refused: readonly { recordKey: string; dueMs: number }[],
  invocation: Invocation,
): Promise<NonNullable<SweepReport['refused_uploads']>> {
  const uploads = [];
  for (const { recordKey, dueMs } of refused.slice(0, MAX_KEYS_REPORTED)) {
    const upload = await readWaiting(recordKey, invocation);
    if (upload) uploads.push({ ...upload, again_at: isoTime(dueMs) });
  }
  return uploads;
}

/** Goes on with the pass, or begins one. Where the settings now choose other uploads, it begins a pass over every upload. */
function beginPass(
  stored: Progress,
  { isWhole }: SweepOptions,
  { settings }: Invocation,
): Progress & { began_ms: number } {
  const { captures, uploadBuckets, uploadPrefix, uploadSuffixes } = settings;
  const captured = captures[0].name === undefined ? captures[0].thumbnailPara : captures;
  const meant = digest(JSON.stringify([captured, uploadBuckets, uploadPrefix, uploadSuffixes]));
  const progress = { ...stored, began_ms: stored.began_ms ?? Date.now() };
  if (stored.settings !== meant || (isWhole && stored.clean_ms !== undefined)) {
    delete progress.ranges;
    delete progress.clean_ms;
    delete progress.has_gap;
    progress.began_ms = Date.now();
  }
  progress.settings = meant;
  return progress;
}

/**
 * Looks through the next part of the buckets.
 * @param ids of uploads that are known to wait
 * @returns uploads without a task
 */
async function lookThroughBuckets(
  progress: Progress & { began_ms: number },
  ids: ReadonlySet<string>,
  report: Report,
  isDryRun: boolean,
  invocation: Invocation,
): Promise<Waiting[]> {
  const found: Waiting[] = [];
  report.complete = await goOnWithPass(
    progress,
    invocation.settings.uploadPrefix,
    {
      isOver: () => found.length >= MAX_FOUND || remainingMs(invocation) < MIN_TIME_FOR_A_CAPTURE_MS,
      isWanted: (upload) =>
        isToBeLookedAt(upload, progress, invocation) && !ids.has(digest(upload.bucket, upload.key)),
      lookAt: async (uploads) => {
        found.push(...(await withoutTask(uploads, report, isDryRun, invocation)));
        return uploads.length;
      },
      bucketNotListed: () => void report.failed++,
    },
    invocation,
  );
  if (!report.complete) return found;
  // All that was found is started or remembered: this pass saw everything that existed when it began.
  if (progress.has_gap === undefined) progress.clean_ms = progress.began_ms;
  const ended: Progress = progress;
  delete ended.began_ms;
  delete ended.has_gap;
  return found;
}

/** @returns those without a task */
async function withoutTask(
  group: readonly Upload[],
  report: Report,
  isDryRun: boolean,
  invocation: Invocation,
): Promise<Waiting[]> {
  const found: Waiting[] = [];
  const look = async (upload: Upload) => ({
    upload,
    outcomes: await captureUpload(upload, invocation, 'dry run'),
  });
  for (const { upload, outcomes } of await Promise.all(group.map(look))) {
    const wouldStart = outcomes.some(isStarted);
    if (wouldStart && !isDryRun) {
      const sinceMs = upload.lastModifiedMs ?? 0;
      found.push(inLine(upload, sinceMs, invocation, sinceMs < Date.now() - OLD_AFTER_MS));
      continue;
    }
    count(outcomes, report);
    if (wouldStart && report.would_start.length < MAX_KEYS_REPORTED) report.would_start.push(upload.key);
    if (!isDryRun) await rememberFailed(upload, outcomes, invocation);
  }
  return found;
}

/**
 * Starts waiting uploads as long as the pace and MPC allow it, one folder after the other. The rest is remembered.
 * @param progress keeps which folder had the last turn; undefined for uploads that come after all new ones
 * @returns whether there was a turn for all of it
 */
async function startInTurn(
  waiting: readonly Waiting[],
  progress: Progress | undefined,
  report: Report,
  invocation: Invocation,
): Promise<boolean> {
  const line = inTurn(waiting, progress?.folder);
  const how = progress ? 'in turn' : 'behind others';
  const begun = new Set<string>();
  let isTurn = true;
  while (line.length > 0 && isTurn && remainingMs(invocation) >= MIN_TIME_FOR_A_CAPTURE_MS) {
    const group = line.splice(0, PARALLEL_STARTS);
    const ends = await Promise.all(group.map((one) => startOne(one, how, begun, report, invocation)));
    isTurn = ends.every(Boolean);
    if (progress) progress.folder = group.at(-1)?.folder ?? progress.folder;
  }
  report.failed += line.length;
  await inParallel(line, PARALLEL_WRITES, (one) => remember(one, invocation));
  return isTurn && line.length === 0;
}

/** @returns false when no more can be started now */
async function startOne(
  one: Waiting,
  how: How,
  begun: Set<string>,
  report: Report,
  invocation: Invocation,
): Promise<boolean> {
  const { recordKey } = one;
  const upload = one.upload ?? (await readWaiting(recordKey ?? '', invocation));
  if (!upload) {
    if (recordKey) await forget(recordKey, invocation);
    return true;
  }
  const outcomes = await captureMeant({ etag: '', ...upload }, how, begun, invocation);
  count(outcomes, report);
  logStarted(upload, outcomes, invocation);
  if (outcomes.some(isWithoutTurn)) {
    await remember(one, invocation);
    return false;
  }
  const laterKey = await rememberFailed(upload, outcomes, invocation);
  if (recordKey !== undefined && recordKey !== laterKey) await forget(recordKey, invocation);
  return true;
}

/** @param begun ids of the objects that this sweep has begun with: two records may stand for the same object */
async function captureMeant(
  upload: Upload,
  how: How,
  begun: Set<string>,
  invocation: Invocation,
): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  try {
    for (const one of await uploadsMeant(upload, invocation)) {
      const id = digest(one.bucket, one.key);
      if (begun.has(id)) continue;
      begun.add(id);
      outcomes.push(...(await captureUpload(one, invocation, how)));
    }
    return outcomes;
  } catch (error) {
    return [...outcomes, outcomeOf(error, upload, invocation)];
  }
}

function count(outcomes: readonly Outcome[], report: Report): void {
  report.looked_at += outcomes.length;
  tally(outcomes, report);
}

function isToBeLookedAt(
  upload: ListedUpload,
  { began_ms, clean_ms }: Progress & { began_ms: number },
  { settings }: Invocation,
): boolean {
  if (upload.lastModifiedMs > Date.now() - EVENT_COMES_WITHIN_MS) return false;
  if (reasonToSkip(upload, settings)) return false;
  if (clean_ms === undefined || upload.lastModifiedMs >= clean_ms - MARGIN_MS) return true;
  const part = (timeMs: number) => Math.floor(timeMs / PART_OF_WEEK_MS);
  // An ETag is a hash: it spreads uploads evenly over the parts of the week.
  const own = Number.parseInt(upload.etag.slice(0, 8), 16) % PARTS_OF_WEEK || 0;
  const distance = (own - (part(clean_ms) % PARTS_OF_WEEK) + PARTS_OF_WEEK) % PARTS_OF_WEEK;
  return distance < part(began_ms) - part(clean_ms);
}

/** Claims with more than one task, which only overlapping invocations can cause. */
async function duplicateClaims(
  progress: Progress,
  invocation: Invocation,
): Promise<SweepReport['duplicates']> {
  const now = Date.now();
  progress.duplicates_until_ms ??= now - FIRST_LOOK_BACK_MS;
  const { duplicates_until_ms: sinceMs } = progress;
  const bounded = within(MAX_DUPLICATES_MS, invocation);
  const untilMs = now + FAR_AHEAD_MS;
  const { duplicates_window_ms = untilMs - sinceMs } = progress;
  const budget = { calls: MAX_DUPLICATES_CALLS };
  try {
    const read = await readTasks(sinceMs, untilMs, duplicates_window_ms, bounded, budget);
    progress.duplicates_window_ms = read.windowMs;
    // The mark moves in every run that MPC answers: MPC's times are whole seconds, and one may have too many tasks for a run.
    const readMs = Math.max(1000, read.completeUntilMs - sinceMs);
    const nextMs = sinceMs + readMs - Math.min(PAIR_WITHIN_MS, Math.floor(readMs / 2));
    progress.duplicates_until_ms = Math.max(sinceMs, Math.min(nextMs, now - DUPLICATES_OVERLAP_MS));
  } catch (error) {
    // A failure here must not stop captures: the next sweep searches again.
    invocation.log.warn('sweep.duplicates_not_sought', describeFailure(error));
  }
  invocation.searches.calls -= MAX_DUPLICATES_CALLS - budget.calls;
  return duplicatesReadSince(now);
}
