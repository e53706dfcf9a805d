import * as z from 'zod';
import { parseJson } from '../../local/parse-json';
import type { RefusedUpload, WaitingUploads } from '../server/console-api';

/*
 * The records of the functions in the snapshot bucket, as the console reads them: notices that are to be sent, and uploads
 * without a task. The name of each holds when it is due, or since when it waits.
 */

export const NOTICES = '.mpc-snapshots/notices/';
export const WAITING = '.mpc-snapshots/waiting/';
export const LATER = '.mpc-snapshots/later/';

const NoticeRecord = z.looseObject({
  attempts: z.number(),
  id: z.string(),
  type: z.string(),
  timestamp: z.string(),
  data: z.looseObject({ task_id: z.string() }),
});

/** A notice that is to be sent. */
export interface PendingNotice {
  recordKey: string;
  dueMs: number;
  record: z.infer<typeof NoticeRecord>;
}

/** @returns undefined for what is not a notice */
export function readNotice(recordKey: string, text: string): PendingNotice | undefined {
  const dueMs = /(\d{14})-[^/]*$/.exec(recordKey)?.[1];
  const { data: record } = NoticeRecord.safeParse(parseJson(text));
  return dueMs === undefined || record === undefined
    ? undefined
    : { recordKey, dueMs: Number(dueMs), record };
}

/** A notice that is due at once, with all attempts left. */
export function noticeDueNow({ record }: PendingNotice): { recordKey: string; body: string } {
  const dueMs = String(Date.now()).padStart(14, '0');
  return {
    recordKey: `${NOTICES}${dueMs}-${record.id}.json`,
    body: JSON.stringify({ ...record, attempts: 0 }),
  };
}

/** How many wait, and the earliest of them. */
export function waitingUploads(objects: readonly { key: string; lastModifiedMs: number }[]): WaitingUploads {
  // The name of a record of `later` has no time in it.
  const since = objects.map(({ key, lastModifiedMs }) =>
    Number(/\/(\d{13})-[^/]*$/.exec(key)?.[1] ?? lastModifiedMs),
  );
  return {
    count: objects.length,
    ...(objects.length > 0 && { oldestMs: since.reduce((a, b) => Math.min(a, b)) }),
  };
}

const RefusedRecord = z.looseObject({ bucket: z.string(), key: z.string() });
/** Each is read to be shown. */
const MOST_REFUSED = 50;

/** Of the records of what is tried again, those of what MPC refuses permanently: the next ones, and how many there are. */
export function refusedRecords<Record extends { key: string }>(
  objects: readonly Record[],
): { next: Record[]; count: number } {
  const refused = objects.filter(({ key }) => /\.\d+\.refused\.json$/.test(key));
  refused.sort((a, b) => againAtMs(a.key) - againAtMs(b.key));
  return { next: refused.slice(0, MOST_REFUSED), count: refused.length };
}

function againAtMs(recordKey: string): number {
  return Number(recordKey.split('.').at(-3));
}

/** @param text undefined where the record is gone @returns undefined for what is no such record */
export function readRefused(recordKey: string, text: string | undefined): RefusedUpload | undefined {
  const { data } = RefusedRecord.safeParse(text === undefined ? undefined : parseJson(text));
  if (data === undefined) return undefined;
  return { bucket: data.bucket, key: data.key, againAtMs: againAtMs(recordKey) };
}
