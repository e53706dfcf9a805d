import * as z from 'zod';
import type { Task } from '../../../local/mpc/task-book';
import { parseJson } from '../../../local/parse-json';
import type { Frame, Task as TaskView } from '../../server/console-api';

/** What the functions write into the `user_data` of a task. */
const Note = z.object({ 'mpc-snapshots': z.object({ capture: z.string() }) });

/** A task as the page lists it. */
export function taskView(task: Task, startedAtMs: number | undefined): TaskView {
  const { id, status, input, createdAtMs, endedAtMs, description, pictures, tar: isArchive } = task;
  const [cover] = isArchive ? [] : pictures;
  const note = Note.safeParse(parseJson(task.userData ?? '')).data?.['mpc-snapshots'];
  return {
    id,
    status,
    bucket: input.bucket,
    key: input.object,
    createdAtMs,
    ...(startedAtMs !== undefined && { startedAtMs }),
    ...(endedAtMs !== undefined && { endedAtMs }),
    ...(description !== undefined && { description }),
    ...(note !== undefined && { capture: note.capture }),
    frameCount: pictures.length,
    ...(cover !== undefined && { cover }),
    isArchive,
  };
}

/** The pictures of a task that can be shown one by one, in the order of time. */
export function framesOf(task: Task, urlOf: (name: string) => string): Frame[] {
  if (task.tar) return [];
  return task.pictures
    .map((name) => ({ name, timeSeconds: timeOf(task, name), url: urlOf(name) }))
    .sort((a, b) => (a.timeSeconds ?? 0) - (b.timeSeconds ?? 0));
}

/** The only point has no number in its name when the request named the file; all others do. */
function timeOf({ sampling, pictures }: Task, name: string): number | null {
  if (pictures.length === 1 && sampling.type === 'DOTS') return sampling.seconds[0] ?? null;
  if (sampling.type === 'DOTS_MS') return (sampling.milliseconds[0] ?? 0) / 1000;
  const label = /(?:^|_)(\d+(?:\.\d+)?)\.jpe?g$/i.exec(name)?.[1];
  return label === undefined ? null : Number(label);
}
