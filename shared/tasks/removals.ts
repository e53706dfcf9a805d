import type { ListedObject } from '../cloud/obs';
import type { Invocation } from '../installation/invocation';
import { RECORDS_FOLDER } from '../installation/object-keys';
import { digest, putRecord } from '../installation/records';
import { claimsFolder } from './claim-record';

/*
 * on-finish deletes the pictures, files and records of a video that is gone, because it also writes them: so neither disturbs
 * the other. Two small objects control it:
 *
 *   removed/<video>.json        "check whether this video is gone": written after an event or by the weekly check,
 *                               deleted last, so that an interrupted removal goes on
 *   claims/<video>/being-removed  exists while objects of the video are deleted
 *
 * A capture first checks that the video exists and then lists its records. The removal first writes its mark and then
 * checks that the video is gone. So one of the two sees the other: a video that comes back is captured after the removal
 * has ended, as a new one.
 */

/** Folder of the notes about videos that may be gone. */
export const REMOVED_FOLDER = `${RECORDS_FOLDER}removed/`;
const MARK = 'being-removed';
/** A run of on-finish is shorter. The mark of an interrupted run must not block the video for ever. */
const MARK_LASTS_MS = 10 * 60_000;

/** A video, in any version. */
export interface Video {
  bucket: string;
  key: string;
}

/** A video that may be gone. */
export interface NotedRemoval extends Video {
  /** Set when the weekly check found it; absent when an event did. */
  found?: 1 | undefined;
}

/** Notes that a video may be gone. @throws what OBS throws */
export async function noteRemoval(
  { bucket, key, found }: NotedRemoval,
  invocation: Invocation,
): Promise<void> {
  await putRecord(removalKey({ bucket, key }), { bucket, key, found }, invocation);
}

/** Key of the note that a video may be gone. */
export function removalKey({ bucket, key }: Video): string {
  return `${REMOVED_FOLDER}${digest(bucket, key)}.json`;
}

/** Key of the mark that a removal is running. */
export function removalMark({ bucket, key }: Video): string {
  return `${claimsFolder(bucket, key)}${MARK}`;
}

/** True if a video's records include the mark of a running removal. */
export function isBeingRemoved(records: readonly ListedObject[]): boolean {
  return records.some(
    ({ key, lastModifiedMs }) => key.endsWith(`/${MARK}`) && lastModifiedMs + MARK_LASTS_MS > Date.now(),
  );
}
