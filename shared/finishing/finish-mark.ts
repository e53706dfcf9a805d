import * as z from 'zod/mini';
import { getJson } from '../cloud/obs';
import { text } from '../core/schema';
import type { Invocation } from '../installation/invocation';
import { RECORDS_FOLDER } from '../installation/object-keys';

const Mark = z.object({ files: z.array(text) });

/**
 * The names of the files that were written beside a task's pictures.
 * @returns undefined where that was not written down
 * @throws what OBS throws
 */
export async function filesBeside(
  taskId: string,
  invocation: Invocation,
): Promise<readonly string[] | undefined> {
  const mark = await getJson(invocation.settings.snapshotBucket, markKey(taskId), invocation);
  return z.safeParse(Mark, mark).data?.files;
}

/** Key of the record that a task is finished. */
export function markKey(taskId: string): string {
  return `${RECORDS_FOLDER}finished/${taskId}.json`;
}
