import * as z from 'zod/mini';
import { optionalText, optionalWholeNumber, text, wholeNumber } from '../core/schema';
import { capturesFor } from '../installation/captures';
import { type Invocation, remainingMs } from '../installation/invocation';
import { RECORDS_FOLDER } from '../installation/object-keys';
import type { Settings } from '../installation/settings';
import { rememberFailed } from './backlog';
import { type BucketPass, bucketPassShape, goOnWithPass } from './bucket-pass';
import {
  captureUpload,
  isStarted,
  isWithoutTurn,
  logStarted,
  MIN_TIME_FOR_A_CAPTURE_MS,
  type Outcome,
  tally,
} from './capture-upload';
import { EVENT_COMES_WITHIN_MS, reasonToSkip, type Upload } from './upload-event';

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
  ...bucketPassShape,
  /** Bucket and key of videos that are already counted although the next run looks at them again. */
  counted: z.optional(z.array(text)),
  /** Videos that were looked at, and the outcomes of their captures. */
  videos: wholeNumber,
  started: wholeNumber,
  already_started: wholeNumber,
  /** The sweep tries these again. */
  failed: wholeNumber,
});
export type BackfillState = z.infer<typeof BackfillState>;

/** True for the videos of a backfill. */
export function isMeant(
  upload: Upload,
  { capture }: Pick<BackfillRequest, 'capture'>,
  settings: Settings,
): boolean {
  if (reasonToSkip(upload, settings)) return false;
  return capturesFor(upload.key, settings.captures).some(
    ({ name }) => capture === undefined || name === capture,
  );
}

/**
 * Goes on with a backfill while there is time and the pace leaves room for new uploads.
 * @param stored the progress of earlier runs; an unreadable one starts from the beginning
 * @param marks of the sweep's last pass: they divide the keys into ranges that are looked through side by side
 * @returns the new progress
 * @throws what OBS throws when a failed upload cannot be remembered
 */
export async function goOnWithBackfill(
  request: BackfillRequest,
  stored: unknown,
  marks: BucketPass['marks'],
  invocation: Invocation,
): Promise<BackfillState> {
  const { data: known } = z.safeParse(BackfillState, stored);
  const now = Date.now();
  const state: BackfillState =
    known?.id === request.id
      ? known
      : {
          id: request.id,
          marks,
          began_ms: now,
          updated_ms: now,
          videos: 0,
          started: 0,
          already_started: 0,
          failed: 0,
        };
  if (state.ended_ms !== undefined) return state;
  const counted = new Set(state.counted);
  const isComplete = await goOnWithPass(
    state,
    // UPLOAD_PREFIX may have changed since: isMeant looks at that.
    request.prefix,
    {
      isOver: () => remainingMs(invocation) < MIN_TIME_FOR_A_CAPTURE_MS,
      isWanted: (upload) => isMeant(upload, request, invocation.settings),
      lookAt: (uploads) => startLacking(uploads, request, state, counted, invocation),
      bucketNotListed: () => void state.failed++,
    },
    invocation,
  );
  state.updated_ms = Date.now();
  state.counted = [...counted];
  if (!isComplete) return state;
  state.ended_ms = state.updated_ms;
  delete state.marks;
  delete state.counted;
  return state;
}

/** Looks at some videos and starts the captures that they lack. @returns how many of them, from the first, need not wait */
async function startLacking(
  uploads: readonly Upload[],
  { capture }: BackfillRequest,
  state: BackfillState,
  counted: Set<string>,
  invocation: Invocation,
): Promise<number> {
  const looked = await Promise.all(
    uploads.map(async (upload) => ({ upload, outcomes: await startIfLacking(upload, capture, invocation) })),
  );
  let done = 0;
  for (const [index, { upload, outcomes }] of looked.entries()) {
    if (outcomes.some(isWithoutTurn)) continue;
    const name = `${upload.bucket}/${upload.key}`;
    if (!counted.has(name)) {
      state.videos++;
      tally(outcomes, state);
      logStarted(upload, outcomes, invocation);
      await rememberFailed(upload, outcomes, invocation);
    }
    if (done === index) done++;
    if (done > index) counted.delete(name);
    else counted.add(name);
  }
  return done;
}

async function startIfLacking(
  upload: Upload,
  capture: string | undefined,
  invocation: Invocation,
): Promise<Outcome[]> {
  const outcomes = await captureUpload(upload, invocation, 'dry run', capture);
  if (!outcomes.some(isStarted)) return outcomes;
  const isYoung = (upload.lastModifiedMs ?? 0) > Date.now() - EVENT_COMES_WITHIN_MS;
  return isYoung ? [] : captureUpload(upload, invocation, 'behind others', capture);
}
