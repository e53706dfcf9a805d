import * as z from 'zod/mini';
import type { CreateTaskBody } from '../cloud/mpc';
import { flag, optionalText, optionalWholeNumber, parseJson } from '../core/schema';
import { InvalidRequest, MAX_USER_DATA_CHARACTERS } from '../validation';

/** What this service keeps in a task's `user_data`, beside the caller's text. */
export interface TaskNote {
  /** The claim of the upload that the task was started for. */
  claim?: string | undefined;
  /** The claim's `owner`: a claim that was deleted and made anew has another one. */
  owner?: string | undefined;
  /** Name of the capture, if it has one. For people. */
  capture?: string | undefined;
  /** Time of the only picture (ms), if its name does not say it. */
  time_ms?: number | undefined;
  /** The last picture is the last frame of the video. */
  to_end?: 1 | undefined;
}

const Envelope = z.object({
  'mpc-snapshots': z.object({
    claim: optionalText,
    owner: optionalText,
    capture: optionalText,
    time_ms: optionalWholeNumber,
    to_end: flag,
  }),
  user_data: optionalText,
});

/** Splits a task's `user_data` into this service's note and the caller's text. */
export function unwrapUserData(userData: string | undefined): {
  note: TaskNote;
  userData: string | undefined;
} {
  const { data } = z.safeParse(Envelope, parseJson(userData ?? ''));
  return data ? { note: data['mpc-snapshots'], userData: data.user_data } : { note: {}, userData: userData };
}

/**
 * Adds this service's note to the `user_data` of a request. The note has the claim, and the time of a single picture if its
 * name will not say it: MPC gives a single picture exactly the requested name, and a name in milliseconds looks like one in
 * seconds. A note that is written anyway also says when the pictures run to the end of the video. The caller's text is wrapped
 * inside, and `unwrapUserData` returns it. If the text leaves no room for the note, the note is left out. Text that looks like
 * a note is always wrapped, so that a caller's text is never read as a note.
 * @throws InvalidRequest for data that looks like a note and leaves no room
 */
export function withNote(
  body: CreateTaskBody,
  claim?: string,
  capture?: string,
  owner?: string,
): CreateTaskBody {
  const note: TaskNote = { claim, owner, capture, time_ms: momentOfOnlyPictureMs(body) };
  const isLikeOurs = z.safeParse(Envelope, parseJson(body.user_data ?? '')).success;
  if (note.claim === undefined && note.time_ms === undefined && !isLikeOurs) return body;
  const { type = 'TIME', duration } = body.thumbnail_para;
  if (type === 'TIME' && !duration) note.to_end = 1;
  const wrapped = JSON.stringify({ 'mpc-snapshots': note, user_data: body.user_data });
  const fits = body.user_data === undefined || wrapped.length <= MAX_USER_DATA_CHARACTERS;
  if (fits) return { ...body, user_data: wrapped };
  if (!isLikeOurs) return body;
  const message = `must leave 150 of its ${MAX_USER_DATA_CHARACTERS} characters free if it looks like this service's note, got ${body.user_data?.length}`;
  throw new InvalidRequest([{ path: 'user_data', message }]);
}

function momentOfOnlyPictureMs({ thumbnail_para: para }: CreateTaskBody): number | undefined {
  if (para.type === 'DOTS_MS') return para.dots_ms?.[0];
  const isOnlyDot = para.type === 'DOTS' && para.dots?.length === 1 && para.output_filename !== undefined;
  return isOnlyDot ? (para.dots?.[0] ?? 0) * 1000 : undefined;
}
