import { listTasks, type Task } from '../cloud/mpc';
import { CallerError } from '../core/errors';
import type { Invocation } from '../installation/invocation';

// MPC allows 100 calls a minute to everybody together. Growing like this, one caller takes less than a fifth of it.
const FIRST_PAUSE_MS = 500;
const MAX_PAUSE_MS = 5_000;
/** Kept back for the last look and the answer. */
const RESERVE_MS = 2_000;

/** MPC knows no such task. */
export class NoSuchTask extends CallerError {
  constructor(taskId: string) {
    super(`The task does not exist: ${taskId}`);
  }
}

/** True while a task may still change. */
export function isPending({ status }: Pick<Task, 'status'>): boolean {
  return status === 'WAITING' || status === 'PROCESSING';
}

/**
 * One task, as soon as it is final or the time is up.
 * @param waitSeconds 0 looks once; more than the invocation has left is cut to that
 * @returns the task as it then is
 * @throws NoSuchTask; what listTasks throws
 */
export async function awaitTask(taskId: string, waitSeconds: number, invocation: Invocation): Promise<Task> {
  const untilMs = Math.min(Date.now() + waitSeconds * 1000, invocation.deadlineMs - RESERVE_MS);
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, MAX_PAUSE_MS)) {
    const [task] = (await listTasks([['task_id', taskId]], invocation)).tasks;
    if (task === undefined) throw new NoSuchTask(taskId);
    const delayMs = Math.min(pauseMs * (0.75 + Math.random() / 2), untilMs - Date.now());
    if (!isPending(task) || delayMs <= 0) return task;
    await new Promise((resolve) => setTimeout(resolve, delayMs));
  }
}
