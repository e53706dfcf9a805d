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
 * Adds a note to the `user_data` of a request. The note also has the time of a single picture if its name will not say it: MPC
 * gives a single picture exactly the requested name, and a name in milliseconds looks like one in seconds. And it says when the
 * pictures run to the end of the video. The caller's text is wrapped inside, and `unwrapUserData` returns it.
 */
export function withNote(body: CreateTaskBody, note: TaskNote): CreateTaskBody & { user_data: string } {
  const { type = 'TIME', duration } = body.thumbnail_para;
  const isToEnd = type === 'TIME' && !duration;
  const complete: TaskNote = {
    ...note,
    time_ms: momentOfOnlyPictureMs(body),
    ...(isToEnd && { to_end: 1 }),
  };
  const user_data = JSON.stringify({ 'mpc-snapshots': complete, user_data: body.user_data });
  return { ...body, user_data };
}

/**
 * Adds a note to a caller's request, unless the caller's text leaves no room for it: the body is then returned unchanged.
 * @throws InvalidRequest for such a text that looks like a note: it would be read as one
 */
export function withNoteIfRoom(body: CreateTaskBody, note: TaskNote): CreateTaskBody {
  const noted = withNote(body, note);
  if (body.user_data === undefined || noted.user_data.length <= MAX_USER_DATA_CHARACTERS) return noted;
  if (!isLikeNote(body)) return body;
  const message = `must leave 150 of its ${MAX_USER_DATA_CHARACTERS} characters free if it looks like this service's note, got ${body.user_data.length}`;
  throw new InvalidRequest([{ path: 'user_data', message }]);
}

/**
 * Adds a note to a caller's request if it needs one: for the time of its only picture, or because its text looks like a note and
 * would be read as one.
 * @throws InvalidRequest as withNoteIfRoom
 */
export function withNoteIfNeeded(body: CreateTaskBody): CreateTaskBody {
  const isNeeded = momentOfOnlyPictureMs(body) !== undefined || isLikeNote(body);
  return isNeeded ? withNoteIfRoom(body, {}) : body;
}

function isLikeNote({ user_data = '' }: CreateTaskBody): boolean {
  return z.safeParse(Envelope, parseJson(user_data)).success;
}

function momentOfOnlyPictureMs({ thumbnail_para: para }: CreateTaskBody): number | undefined {
  if (para.type === 'DOTS_MS') return para.dots_ms?.[0];
  const isOnlyDot = para.type === 'DOTS' && para.dots?.length === 1 && para.output_filename !== undefined;
  return isOnlyDot ? (para.dots?.[0] ?? 0) * 1000 : undefined;
}
