import { createHash } from 'node:crypto';
import type { MpcBehaviour } from './behaviour';
import type { ObsLocation, Task } from './task-book';

/** A task as an element of `task_array` (API reference, ListThumbnailsTask). */
export function presentTask(task: Task, behaviour: MpcBehaviour): Record<string, unknown> {
  return {
    task_id: presentId(task.id, behaviour),
    status: task.status,
    create_time: presentTime(task.createdAtMs, behaviour),
    end_time: task.endedAtMs === undefined ? undefined : presentTime(task.endedAtMs, behaviour),
    input: task.input,
    output: presentOutput(task.output, behaviour),
    output_file_name: task.outputFileName,
    user_data: task.userData,
    description: task.description,
    thumbnail_info: ordered(task, behaviour).map((pic_name) => ({ pic_name })),
  };
}

/** A task id in the type that the switch `idsAs` says. */
export function presentId(id: string, { idsAs }: MpcBehaviour): string | number {
  return idsAs === 'number' ? Number(id) : id;
}

/** The output of a task, with a slash at its end if the switch `outputTrailingSlash` says so. */
export function presentOutput(output: ObsLocation, { outputTrailingSlash }: MpcBehaviour): ObsLocation {
  return outputTrailingSlash ? { ...output, object: `${output.object}/` } : output;
}

function presentTime(timeMs: number, { timesAs }: MpcBehaviour): string | number {
  const digits = formatUtc(timeMs);
  return timesAs === 'number' ? Number(digits) : digits;
}

/** `yyyymmddhhmmss` in UTC, MPC's form of all times. */
function formatUtc(timeMs: number): string {
  return new Date(timeMs).toISOString().slice(0, 19).replace(/\D/g, '');
}

/** The time of `yyyymmddhhmmss` (UTC); undefined if there is no such time. */
export function parseUtc(digits: string): number | undefined {
  if (!/^\d{14}$/.test(digits)) return undefined;
  const iso = digits.replace(/^(....)(..)(..)(..)(..)(..)$/, '$1-$2-$3T$4:$5:$6Z');
  const timeMs = Date.parse(iso);
  return Number.isNaN(timeMs) || formatUtc(timeMs) !== digits ? undefined : timeMs;
}

/** The shuffled order is always the same, so that two reads of a task agree. */
function ordered(task: Task, { pictureOrder }: MpcBehaviour): string[] {
  if (pictureOrder === 'capture') return task.pictures;
  const rank = (name: string) => createHash('sha256').update(`${task.id}/${name}`).digest('hex');
  return task.pictures.toSorted((a, b) => rank(a).localeCompare(rank(b)));
}
