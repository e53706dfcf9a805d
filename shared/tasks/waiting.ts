import * as z from 'zod/mini';
import { describeFailure } from '../core/errors';
import { optionalText, text } from '../core/schema';
import type { Invocation } from '../installation/invocation';
import { RECORDS_FOLDER } from '../installation/object-keys';
import { deleteRecord, digest, getRecordAs, listRecordPage, putRecord } from '../installation/records';

/*
 * Uploads without a task, one small record for each: `waiting/<folder>/<since>-<upload>.json` for uploads that wait in line,
 * and `later/<upload>.<when>.json` for uploads that failed and are tried again at that time. If MPC refuses an upload
 * for good, its name has `.refused`. The name of a waiting record gives its place in line, so that a listing is enough
 * to choose. A record only means "look at this video": a lost one costs a delay until the sweep finds the upload, a
 * superfluous one costs a look.
 */

const WAITING = `${RECORDS_FOLDER}waiting/`;
const LATER = `${RECORDS_FOLDER}later/`;
/** List calls in one run. If they do not reach all folders, the next run begins with others. */
const MAX_LIST_CALLS = 20;
/** Records of one folder that are kept in mind: uploads that are known to wait need not be looked at again. */
const MOST_KNOWN = 10_000;
/** The pause before a failed upload is tried again. */
const AGAIN_AFTER_MS = 4 * 60_000;
const MINUTE_MS = 60_000;
const FOLDER_CHARACTERS = 12;
const TIME_DIGITS = 13;

/** The object of an upload, in whatever version it has when it is started. */
export interface WaitingUpload {
  bucket: string;
  key: string;
  /** The other object that the event's key may stand for. Which one exists is looked up when it is started. */
  otherKey?: string | undefined;
}

/** An upload in line. */
export interface Waiting {
  /** One folder after the other has its turn. */
  folder: string;
  /** Waiting since this time (ms since the epoch): the earliest comes first. */
  sinceMs: number;
  id: string;
  /** Key of its record, if it has one. The record then names the upload. */
  recordKey?: string;
  upload?: WaitingUpload;
}

const WaitingRecord = z.object({ bucket: text, key: text, other_key: optionalText });

/** Prefix of the folders of old uploads: it sorts after all other folders. */
const OLD = '~';

/** True for an upload that existed long before it was found: it comes after all new ones. */
export function isFoundLate({ folder }: Pick<Waiting, 'folder'>): boolean {
  return folder.startsWith(OLD);
}

/** The place of an upload in line. Its folder is its bucket and the first part of its key after UPLOAD_PREFIX. */
export function inLine(
  upload: WaitingUpload,
  sinceMs: number,
  { settings }: Invocation,
  isLate = false,
): Waiting {
  const { bucket, key } = upload;
  const path = key.slice(settings.uploadPrefix.length);
  const first = path.slice(0, Math.max(0, path.indexOf('/')));
  const folder = digest(bucket, first).slice(0, FOLDER_CHARACTERS);
  return { folder: isLate ? `${OLD}${folder}` : folder, sinceMs, id: digest(bucket, key), upload };
}

/** Records a waiting upload, unless it has a record. @throws what OBS throws */
export async function remember(
  { folder, sinceMs, id, recordKey, upload }: Waiting,
  invocation: Invocation,
): Promise<void> {
  if (upload === undefined || recordKey !== undefined) return;
  const since = String(Math.max(0, sinceMs)).padStart(TIME_DIGITS, '0');
  await write(`${WAITING}${folder}/${since}-${id}.json`, upload, invocation);
}

/**
 * Records an upload that could not be started. The sweep tries it again after a pause.
 * @param refusedUntilMs time of the next try (ms since the epoch), if MPC refuses it for good; 0 if not
 * @param pauseMs before the next try otherwise
 * @returns the key of its record
 * @throws what OBS throws
 */
export async function rememberForLater(
  upload: WaitingUpload,
  invocation: Invocation,
  refusedUntilMs = 0,
  pauseMs = AGAIN_AFTER_MS,
): Promise<string> {
  // Rounded to the minute, so that an upload that fails twice has one record.
  const againMs = Math.ceil((Date.now() + pauseMs) / MINUTE_MS) * MINUTE_MS;
  const when = refusedUntilMs > 0 ? `${refusedUntilMs}.refused` : againMs;
  const recordKey = `${LATER}${digest(upload.bucket, upload.key)}.${when}.json`;
  await write(recordKey, upload, invocation);
  return recordKey;
}

async function write(
  recordKey: string,
  { bucket, key, otherKey: other_key }: WaitingUpload,
  invocation: Invocation,
): Promise<void> {
  await putRecord(recordKey, { bucket, key, other_key }, invocation);
}

/** Deletes a record. A failure is only logged: the record then costs a look in every sweep. */
export async function forget(recordKey: string, invocation: Invocation): Promise<void> {
  try {
    await deleteRecord(recordKey, invocation);
  } catch (error) {
    invocation.log.warn('sweep.not_forgotten', { key: recordKey, ...describeFailure(error) });
  }
}

/** @returns undefined for a record that is gone or cannot be read @throws what OBS throws */
export async function readWaiting(
  recordKey: string,
  invocation: Invocation,
): Promise<WaitingUpload | undefined> {
  const record = await getRecordAs(WaitingRecord, recordKey, invocation);
  return record && { bucket: record.bucket, key: record.key, otherKey: record.other_key };
}

/**
 * The uploads that could not be started: those that are due again, the ids of all, and how many MPC refuses for good.
 * @throws what OBS throws
 */
export async function listLater(
  marker: string | undefined,
  invocation: Invocation,
): Promise<{
  due: Waiting[];
  ids: Set<string>;
  refused: { recordKey: string; dueMs: number }[];
  marker: string | undefined;
}> {
  const page = await listRecordPage({ prefix: LATER, marker }, invocation);
  const due: Waiting[] = [];
  const ids = new Set<string>();
  const refused: { recordKey: string; dueMs: number }[] = [];
  for (const { key: recordKey, lastModifiedMs } of page.objects) {
    const [id = '', when, ending] = recordKey.slice(LATER.length).split('.');
    ids.add(id);
    const dueMs = Number(when);
    if (ending === 'refused') refused.push({ recordKey, dueMs });
    // Together they count as one folder.
    if (dueMs <= Date.now()) due.push({ folder: '', sinceMs: lastModifiedMs, id, recordKey });
  }
  return { due, ids, refused, marker: page.nextMarker };
}

/**
 * The uploads in line: of each folder the earliest few thousand.
 * @param lastFolder the folder that had the last turn: if not all folders can be listed, the list begins after it
 * @throws what OBS throws
 */
export async function listWaiting(
  lastFolder: string | undefined,
  invocation: Invocation,
): Promise<Waiting[]> {
  const waiting: Waiting[] = [];
  const counts = new Map<string, number>();
  const end = (folder: string) => `${WAITING}${folder}~`;
  const place = lastFolder === undefined ? undefined : end(lastFolder);
  let calls = 0;
  const list = async (from: string | undefined, until: string): Promise<void> => {
    for (let marker = from; calls < MAX_LIST_CALLS; ) {
      calls += 1;
      const page = await listRecordPage({ prefix: WAITING, marker }, invocation);
      for (const { key: recordKey } of page.objects) {
        if (recordKey > until) return;
        const [folder = '', name = ''] = recordKey.slice(WAITING.length).split('/');
        const count = counts.get(folder) ?? 0;
        counts.set(folder, count + 1);
        const sinceMs = Number(name.slice(0, TIME_DIGITS));
        const id = name.slice(TIME_DIGITS + 1, -'.json'.length);
        if (count < MOST_KNOWN) waiting.push({ folder, sinceMs, id, recordKey });
        // Enough of this folder is known: the next page begins behind it.
        marker = count < MOST_KNOWN ? recordKey : end(folder);
      }
      if (!page.isTruncated) return;
    }
  };
  // Old uploads come last: there may be so many that they would hide all others.
  const old = `${WAITING}${OLD}`;
  await list(place, old);
  if (place !== undefined) await list(undefined, place);
  await list(old, end(OLD));
  return waiting;
}

/** The order of starts: one folder after the other, beginning after the last one; the earliest first; no upload twice. */
export function inTurn(waiting: readonly Waiting[], lastFolder = ''): Waiting[] {
  const folders = new Map<string, Waiting[]>();
  const ids = new Set<string>();
  // If an upload is there twice, the earlier time counts; at the same time the one with a record.
  const sorted = [...waiting].sort(
    (a, b) => a.sinceMs - b.sinceMs || Number(!a.recordKey) - Number(!b.recordKey),
  );
  for (const one of sorted) {
    if (ids.has(one.id)) continue;
    ids.add(one.id);
    const line = folders.get(one.folder) ?? [];
    line.push(one);
    folders.set(one.folder, line);
  }
  const names = [...folders.keys()].sort();
  const order = [...names.filter((name) => name > lastFolder), ...names.filter((name) => name <= lastFolder)];
  const placed = order.flatMap((name) => [...(folders.get(name) ?? []).entries()]);
  // The sort is stable: within a round the folders keep their order.
  return placed.sort(([round], [other]) => round - other).map(([, one]) => one);
}
