import * as z from 'zod/mini';
import { text } from '../core/schema';
import type { Invocation } from '../installation/invocation';
import { RECORDS_FOLDER } from '../installation/object-keys';
import { getRecordAs } from '../installation/records';

const Mark = z.object({ files: z.array(text) });

/**
 * The names of the files that were written beside a task's pictures.
 * @returns undefined when no record has them
 * @throws what OBS throws
 */
export async function filesBeside(
  taskId: string,
  invocation: Invocation,
): Promise<readonly string[] | undefined> {
  return (await getRecordAs(Mark, markKey(taskId), invocation))?.files;
}

/** Key of the record that marks a task as finished. */
export function markKey(taskId: string): string {
  return `${RECORDS_FOLDER}finished/${taskId}.json`;
}
