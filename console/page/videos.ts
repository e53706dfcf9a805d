import type { ConsoleState, Task, TaskStatus, Upload } from '../server/console-api';
import { plural } from './format';

/** An object that was uploaded, captured or both. */
export interface Video {
  /** Bucket and key as one text. */
  id: string;
  bucket: string;
  key: string;
  /** Absent when the object is gone or lies in another bucket. */
  upload: Upload | undefined;
  /** Newest first. */
  tasks: readonly Task[];
}

/** How far a video is, for its row and for the filter. */
export interface Stage {
  kind: 'idle' | 'waiting' | 'working' | 'good' | 'bad';
  label: string;
  note?: string | undefined;
}

const NO_TASKS: readonly Task[] = [];

/**
 * Joins uploads and tasks, the newest first.
 *
 * @param known what the last call returned: a video that did not change stays the same object
 */
export function videosOf(state: ConsoleState, known: ReadonlyMap<string, Video>): Map<string, Video> {
  const { uploadBucket } = state.service;
  const tasksOf = new Map<string, Task[]>();
  for (const task of state.tasks) {
    const id = videoId(task.bucket, task.key);
    const tasks = tasksOf.get(id);
    if (tasks === undefined) tasksOf.set(id, [task]);
    else tasks.push(task);
  }
  const videos: Video[] = state.uploads.map((upload) => {
    const id = videoId(uploadBucket, upload.key);
    const tasks = tasksOf.get(id) ?? NO_TASKS;
    tasksOf.delete(id);
    return { id, bucket: uploadBucket, key: upload.key, upload, tasks };
  });
  for (const [id, tasks] of tasksOf) {
    const [task] = tasks;
    if (task !== undefined) videos.push({ id, bucket: task.bucket, key: task.key, upload: undefined, tasks });
  }
  videos.sort((a, b) => arrivedAtMs(b) - arrivedAtMs(a));
  return new Map(
    videos.map((video) => {
      const old = known.get(video.id);
      return [video.id, old !== undefined && isSame(old, video) ? old : video];
    }),
  );
}

function videoId(bucket: string, key: string): string {
  return `${bucket}/${key}`;
}

const TASK_STAGES: Record<TaskStatus, Pick<Stage, 'kind' | 'label'>> = {
  WAITING: { kind: 'waiting', label: 'Waiting' },
  PROCESSING: { kind: 'working', label: 'Capturing' },
  SUCCEEDED: { kind: 'good', label: 'Captured' },
  FAILED: { kind: 'bad', label: 'Failed' },
  CANCELED: { kind: 'idle', label: 'Cancelled' },
};

/** A task's state in a word, with a note. */
export function stageOfTask(task: Task): Stage {
  const count = task.isArchive ? 'archive' : plural(task.frameCount, 'frame');
  const note = task.status === 'FAILED' ? task.description : task.frameCount > 0 ? count : undefined;
  return { ...TASK_STAGES[task.status], note };
}

/** The state of a video: its newest task, or why it has none. */
export function stageOf({ upload, tasks }: Video): Stage {
  const [task] = tasks;
  if (task !== undefined) return stageOfTask(task);
  switch (upload?.report?.outcome) {
    case 'skipped':
      return { kind: 'idle', label: 'Not captured', note: upload.report.reason };
    case 'failed':
      return { kind: 'bad', label: 'Not started', note: upload.report.reason };
    case 'started':
      return { kind: 'waiting', label: 'Started', note: upload.report.taskId };
    default:
      return { kind: 'waiting', label: 'No task yet' };
  }
}

/**
 * When a video came: its upload or, where that is unknown, its first task. A
 * later task does not move it in the list.
 */
export function arrivedAtMs({ upload, tasks }: Video): number {
  return upload?.lastModifiedMs ?? tasks.at(-1)?.createdAtMs ?? 0;
}

function isSame(a: Video, b: Video): boolean {
  return (
    a.upload === b.upload &&
    a.tasks.length === b.tasks.length &&
    a.tasks.every((task, index) => task === b.tasks[index])
  );
}
