import type { ListedObject } from '../cloud/obs';
import type { Invocation } from '../installation/invocation';
import { RECORDS_FOLDER } from '../installation/object-keys';
import { putRecord } from '../installation/records';
import { claimsFolder, digest } from './claims';

/*
 * What is left of a video that is gone is removed by on-finish, so that nothing is removed while it is being written. Two small
 * objects lead it there:
 *
 *   removed/<video>.json        "look whether this video is gone": written by an event or by the look for what events missed,
 *                               deleted when all is done, so that an interrupted removal is taken up
 *   claims/<video>/being-removed  stands while objects of the video are deleted
 *
 * Whoever captures a video looks first whether it is there, and then lists its records; the removal writes its mark first and then
 * looks whether the video is there. So one of the two sees the other: a video that comes back is not captured before the removal
 * has ended, and then as a new one.
 */

/** Folder of what was noted. */
export const REMOVED_FOLDER = `${RECORDS_FOLDER}removed/`;
const MARK = 'being-removed';
/** A run of on-finish is shorter. What broke off and is not taken up must not keep a video from being captured for ever. */
const MARK_LASTS_MS = 10 * 60_000;

/** A video, whatever stands under its key. */
export interface Video {
  bucket: string;
  key: string;
}

/** A video that may be gone, and how that was noticed. */
export interface NotedRemoval extends Video {
  /** By the look through all records; otherwise by an event. */
  found?: 1 | undefined;
}

/** Writes down that a video may be gone. @throws what OBS throws */
export async function noteRemoval(
  { bucket, key, found }: NotedRemoval,
  invocation: Invocation,
): Promise<void> {
  await putRecord(removalKey({ bucket, key }), { bucket, key, found }, invocation);
}

/** Key of the record that a video may be gone. */
export function removalKey({ bucket, key }: Video): string {
  return `${REMOVED_FOLDER}${digest(bucket, key)}.json`;
}

/** Key of the mark that a video is being removed. */
export function removalMark({ bucket, key }: Video): string {
  return `${claimsFolder(bucket, key)}${MARK}`;
}

/** Whether one of a video's records says that it is being removed. */
export function isBeingRemoved(records: readonly ListedObject[]): boolean {
  return records.some(
    ({ key, lastModifiedMs }) => key.endsWith(`/${MARK}`) && lastModifiedMs + MARK_LASTS_MS > Date.now(),
  );
}
