import * as z from 'zod/mini';
import { describeFailure } from '../core/errors';
import { optionalText, text } from '../core/schema';
import type { Invocation } from '../installation/invocation';
import { RECORDS_FOLDER } from '../installation/object-keys';
import { deleteRecord, getRecordAs, listRecordPage, putRecord } from '../installation/records';
import { digest } from './claims';

/*
 * Uploads that have no task yet, one small record for each: `waiting/<folder>/<since>-<upload>.json` for what found no turn,
 * and `later/<upload>.<when>.json` for what could not be started and is tried again then: `.refused` stands in the names of
 * what MPC refuses for good. The name of a waiting record says
 * whose turn it is, so that a listing is enough to choose. A record only says "look at this video": one that is lost costs a
 * delay until the sweep comes by, one too many costs a look.
 */

const WAITING = `${RECORDS_FOLDER}waiting/`;
const LATER = `${RECORDS_FOLDER}later/`;
/** List calls in one run; where there are more folders than they show, the next run begins with others. */
const MAX_LIST_CALLS = 20;
/** Of one folder: what is known to wait need not be looked at again. */
const MOST_KNOWN = 10_000;
/** What could not be started is tried again so long after the last time. */
const AGAIN_AFTER_MS = 4 * 60_000;
const MINUTE_MS = 60_000;
const FOLDER_CHARACTERS = 12;
const TIME_DIGITS = 13;

/** The object of an upload, whatever stands in it when its turn comes. */
export interface WaitingUpload {
  bucket: string;
  key: string;
  /** The other object that the event's key may mean: which one it is, is looked up when its turn comes. */
  otherKey?: string | undefined;
}

/** An upload in line. */
export interface Waiting {
  /** Folders take turns. */
  folder: string;
  /** The earliest first, ms since the epoch. */
  sinceMs: number;
  id: string;
  /** Of its record, if it has one; what stands there says which upload it is. */
  recordKey?: string;
  upload?: WaitingUpload;
}

const WaitingRecord = z.object({ bucket: text, key: text, other_key: optionalText });

/** Of the folders of what was there long before it was found: no folder of the others comes behind them. */
const OLD = '~';

/** True for an upload that was there long before it was found: it comes behind all that is new. */
export function isOld({ folder }: Pick<Waiting, 'folder'>): boolean {
  return folder.startsWith(OLD);
}

/** The place of an upload in line: its folder is the first part of its key behind UPLOAD_PREFIX, in its bucket. */
export function inLine(
  upload: WaitingUpload,
  sinceMs: number,
  { settings }: Invocation,
  isFoundLate = false,
): Waiting {
  const { bucket, key } = upload;
  const [first = '', ...rest] = key.slice(settings.uploadPrefix.length).split('/');
  const folder = digest(bucket, rest.length > 0 ? first : '').slice(0, FOLDER_CHARACTERS);
  return { folder: isFoundLate ? `${OLD}${folder}` : folder, sinceMs, id: digest(bucket, key), upload };
}

/** Remembers an upload that waits for its turn, if it has no record yet. @throws what OBS throws */
export async function remember(
  { folder, sinceMs, id, recordKey, upload }: Waiting,
  invocation: Invocation,
): Promise<void> {
  if (upload === undefined || recordKey !== undefined) return;
  const since = String(Math.max(0, Math.floor(sinceMs))).padStart(TIME_DIGITS, '0');
  await write(`${WAITING}${folder}/${since}-${id}.json`, upload, invocation);
}

/**
 * Remembers an upload that could not be started, to be tried again after a pause.
 * @param refusedUntilMs when it is tried again (ms since the epoch), where MPC refuses it for good
 * @returns the key of its record
 * @throws what OBS throws
 */
export async function rememberForLater(
  upload: WaitingUpload,
  invocation: Invocation,
  refusedUntilMs?: number,
): Promise<string> {
  // By the minute, so that what is remembered twice has one record.
  const againMs = Math.ceil((Date.now() + AGAIN_AFTER_MS) / MINUTE_MS) * MINUTE_MS;
  const when = refusedUntilMs === undefined ? String(againMs) : `${refusedUntilMs}.refused`;
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

/** Deletes a record. One that stays costs a look in every sweep: that is told, and stops nothing. */
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
 * What could not be started: what is due for another try, the ids of all that were seen, and how many of them MPC refuses.
 * @throws what OBS throws
 */
export async function listLater(
  marker: string | undefined,
  invocation: Invocation,
): Promise<{ due: Waiting[]; ids: Set<string>; refused: string[]; marker: string | undefined }> {
  const page = await listRecordPage({ prefix: LATER, marker }, invocation);
  const due: Waiting[] = [];
  const ids = new Set<string>();
  const refused: string[] = [];
  for (const { key: recordKey, lastModifiedMs } of page.objects) {
    // Records of older versions have no time in their names.
    const [id = '', when, ending] = recordKey.slice(LATER.length).split('.');
    ids.add(id);
    if (ending === 'refused') refused.push(recordKey);
    const dueMs = Number(when) || lastModifiedMs + AGAIN_AFTER_MS;
    // They take turns with all others as one folder.
    if (dueMs <= Date.now()) due.push({ folder: '', sinceMs: lastModifiedMs, id, recordKey });
  }
  return { due, ids, refused, marker: page.nextMarker };
}

/**
 * The uploads in line, of each folder some thousand of the earliest.
 * @param lastFolder whose turn it was last: where not all folders can be seen, these begin behind it
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
  // What is old comes last: there may be so much of it that nothing else would be seen.
  const old = `${WAITING}${OLD}`;
  const behind = { until: old, ...(place !== undefined && { from: place }) };
  const ranges: { from?: string; until?: string }[] = [
    behind,
    ...(place === undefined ? [] : [{ until: place }]),
    { from: old },
  ];
  let isOldSeen = false;
  let calls = 0;
  for (const range of ranges) {
    const { from, until } = range;
    if (from === old && isOldSeen) break;
    for (let marker = from; calls < MAX_LIST_CALLS; ) {
      calls += 1;
      const page = await listRecordPage({ prefix: WAITING, marker }, invocation);
      // The last page holds all that is old as well, mostly nothing.
      if (range === behind && !page.isTruncated) isOldSeen = true;
      for (const { key: recordKey } of page.objects) {
        if (until !== undefined && recordKey > until && !(range === behind && isOldSeen)) break;
        const [folder = '', name = ''] = recordKey.slice(WAITING.length).split('/');
        const count = counts.get(folder) ?? 0;
        counts.set(folder, count + 1);
        const sinceMs = Number(name.slice(0, TIME_DIGITS));
        const id = name.slice(TIME_DIGITS + 1).replace(/\.json$/, '');
        if (count < MOST_KNOWN) waiting.push({ folder, sinceMs, id, recordKey });
      }
      const last = page.objects.at(-1)?.key;
      if (!page.isTruncated || last === undefined || (until !== undefined && last > until)) break;
      const folder = last.slice(WAITING.length).split('/')[0] ?? '';
      marker = (counts.get(folder) ?? 0) >= MOST_KNOWN ? end(folder) : last;
    }
  }
  return waiting;
}

/** In which order they are started: folders in turn, beginning behind the last one; in each the earliest first; none twice. */
export function inTurn(waiting: readonly Waiting[], lastFolder = ''): Waiting[] {
  const folders = new Map<string, Waiting[]>();
  const ids = new Set<string>();
  // Of two records of one upload that with the earlier time; of the same upload with and without one that with it.
  const sorted = [...waiting].sort(
    (a, b) => a.sinceMs - b.sinceMs || Number(b.recordKey !== undefined) - Number(a.recordKey !== undefined),
  );
  for (const one of sorted) {
    if (ids.has(one.id)) continue;
    ids.add(one.id);
    const line = folders.get(one.folder) ?? [];
    line.push(one);
    folders.set(one.folder, line);
  }
  const names = [...folders.keys()].sort();
  const next = names.findIndex((name) => name > lastFolder);
  const order = next < 0 ? names : [...names.slice(next), ...names.slice(0, next)];
  const rounds: Waiting[][] = [];
  for (const name of order)
    for (const [round, one] of (folders.get(name) ?? []).entries()) {
      rounds[round] ??= [];
      rounds[round].push(one);
    }
  return rounds.flat();
}
