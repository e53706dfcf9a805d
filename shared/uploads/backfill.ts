import * as z from 'zod/mini';
import { groupsOf } from '../core/groups';
import { optionalText, optionalWholeNumber, text, wholeNumber } from '../core/schema';
import { capturesFor } from '../installation/captures';
import { type Invocation, remainingMs } from '../installation/invocation';
import { RECORDS_FOLDER } from '../installation/object-keys';
import type { Settings } from '../installation/settings';
import { rememberFailed } from './backlog';
import {
  captureUpload,
  isLacking,
  isWithoutTurn,
  listUploads,
  logStarted,
  lookAt,
  MIN_TIME_FOR_A_CAPTURE_MS,
  type Outcome,
} from './capture-upload';
import { reasonToSkip, type Upload } from './upload-event';

/*
 * A person asks for the captures of an existing library. A record in the snapshot bucket says what is wanted,
 * and every sweep goes on with it while nothing else waits. The command writes that record, the sweep writes its
 * progress into its own record: neither overwrites the other.
 */

export const BACKFILL_KEY = `${RECORDS_FOLDER}backfill.json`;

/** What a person asks for. Without this record there is no backfill. */
export const BackfillRequest = z.object({
  /** Another id is another backfill, which starts from the beginning. */
  id: text,
  prefix: text,
  /** Name of one capture; all captures when left out. */
  capture: optionalText,
  /** How many were counted before it began. */
  videos: wholeNumber,
});
export type BackfillRequest = z.infer<typeof BackfillRequest>;

/** Its progress. */
export const BackfillState = z.object({
  id: text,
  began_ms: wholeNumber,
  updated_ms: wholeNumber,
  ended_ms: optionalWholeNumber,
  /** Where the next run goes on. */
  bucket: optionalText,
  marker: optionalText,
  /** Keys after the marker that are already counted. */
  counted: z.optional(z.array(text)),
  /** Videos that were looked at, and the outcomes of their captures. */
  videos: wholeNumber,
  started: wholeNumber,
  already_started: wholeNumber,
  /** The sweep tries these again. */
  failed: wholeNumber,
});
export type BackfillState = z.infer<typeof BackfillState>;

/** A video that has its tasks costs one small read for each capture. */
const PARALLEL_LOOKS = 32;
const PARALLEL_STARTS = 8;
/** The event of an upload younger than this is probably on its way. */
const MIN_AGE_MS = 60_000;

/** True for the videos of a backfill. */
export function isMeant(
  upload: Upload,
  { capture }: Pick<BackfillRequest, 'capture'>,
  settings: Settings,
): boolean {
  if (reasonToSkip(upload, settings) !== undefined) return false;
  return capturesFor(upload.key, settings.captures).some(
    ({ name }) => capture === undefined || name === capture,
  );
}

/**
 * Goes on with a backfill while there is time and the pace leaves room for new uploads.
 * @param stored the progress of earlier runs; an unreadable one starts from the beginning
 * @returns the new progress
 * @throws what OBS throws when a failed upload cannot be remembered
 */
export async function goOnWithBackfill(
  request: BackfillRequest,
  stored: unknown,
  invocation: Invocation,
): Promise<BackfillState> {
  const { data: known } = z.safeParse(BackfillState, stored);
  const now = Date.now();
  const state: BackfillState =
    known?.id === request.id
      ? known
      : {
          id: request.id,
          began_ms: now,
          updated_ms: now,
          videos: 0,
          started: 0,
          already_started: 0,
          failed: 0,
        };
  if (state.ended_ms !== undefined) return state;
  const { uploadBuckets, uploadPrefix } = invocation.settings;
  const prefix = request.prefix.startsWith(uploadPrefix) ? request.prefix : uploadPrefix;
  const first = Math.max(0, uploadBuckets.indexOf(state.bucket ?? ''));
  if (uploadBuckets[first] !== state.bucket) delete state.marker;
  let isOver = false;
  for (const bucket of uploadBuckets.slice(first)) {
    state.bucket = bucket;
    isOver = !(await goThrough(bucket, prefix, request, state, invocation));
    if (isOver) break;
    delete state.marker;
  }
  state.updated_ms = Date.now();
  if (!isOver) {
    state.ended_ms = state.updated_ms;
    delete state.bucket;
  }
  return state;
}

/** @returns false when the next run must go on */
async function goThrough(
  bucket: string,
  prefix: string,
  request: BackfillRequest,
  state: BackfillState,
  invocation: Invocation,
): Promise<boolean> {
  for (;;) {
    if (remainingMs(invocation) < MIN_TIME_FOR_A_CAPTURE_MS) return false;
    const page = await listUploads(bucket, prefix, state.marker, invocation);
    if (page === undefined) {
      state.failed++;
      return true;
    }
    const uploads = page.objects
      .map((object) => ({ bucket, ...object }))
      .filter((upload) => isMeant(upload, request, invocation.settings));
    for (const group of groupsOf(uploads, PARALLEL_LOOKS)) {
      if (remainingMs(invocation) < MIN_TIME_FOR_A_CAPTURE_MS) return false;
      if (!(await take(group, request, state, invocation))) return false;
    }
    if (page.nextMarker === undefined) return true;
    state.marker = page.nextMarker;
  }
}

/** Looks at some videos and starts the captures that they lack. @returns false when some must wait */
async function take(
  uploads: readonly Upload[],
  { capture }: BackfillRequest,
  state: BackfillState,
  invocation: Invocation,
): Promise<boolean> {
  const looked = await lookAt(uploads, invocation, capture);
  const isYoung = ({ lastModifiedMs = 0 }: Upload) => lastModifiedMs > Date.now() - MIN_AGE_MS;
  const lacking = looked.filter((one) => isLacking(one) && !isYoung(one.upload));
  let isTurn = true;
  for (const group of groupsOf(lacking, PARALLEL_STARTS)) {
    isTurn &&= remainingMs(invocation) >= MIN_TIME_FOR_A_CAPTURE_MS;
    await Promise.all(
      group.map(async (one) => {
        one.outcomes = isTurn
          ? await captureUpload(one.upload, invocation, 'behind others', capture)
          : [{ failed: 'no_turn' }];
      }),
    );
    isTurn &&= !group.some(({ outcomes }) => outcomes.some(isWithoutTurn));
  }
  const counted = new Set(state.counted);
  let isInOrder = true;
  for (const { upload, outcomes } of looked) {
    const isSettled = !outcomes.some(isWithoutTurn);
    if (isSettled && !counted.has(upload.key)) await count(upload, outcomes, state, invocation);
    if (isSettled) counted.add(upload.key);
    isInOrder &&= isSettled;
    if (!isInOrder) continue;
    state.marker = upload.key;
    counted.delete(upload.key);
  }
  if (counted.size > 0) state.counted = [...counted];
  else delete state.counted;
  return isInOrder;
}

async function count(
  upload: Upload,
  outcomes: readonly Outcome[],
  state: BackfillState,
  invocation: Invocation,
): Promise<void> {
  state.videos++;
  for (const outcome of outcomes) {
    if ('failed' in outcome) state.failed++;
    else if ('skipped' in outcome) state.already_started++;
    else if ('started' in outcome && outcome.started !== 'dry run') state.started++;
  }
  logStarted(upload, outcomes, invocation);
  await rememberFailed(upload, outcomes, invocation);
}
