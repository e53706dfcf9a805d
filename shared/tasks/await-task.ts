import { isPending, type Task } from '../cloud/mpc';
import { CallerError, isPassingFailure } from '../core/errors';
import type { Invocation } from '../installation/invocation';
import { listTasksForReader } from './reading';
import { isOwnTask, keepResults, keptResult, type TaskResult } from './results';

const FIRST_PAUSE_MS = 500;
const MAX_PAUSE_MS = 2_000;
// MPC allows 100 calls a minute for the whole project. As the pause doubles, a wait of 25 s makes 6 calls.
const FIRST_MPC_PAUSE_MS = 1_000;
/** Reserved for the last look and the answer. */
const RESERVE_MS = 2_000;

/** This installation has no such task. */
export class NoSuchTask extends CallerError {
  constructor(taskId: string) {
    super(`The task does not exist: ${taskId}`);
  }
}

/** A task in its last known state. */
export interface SeenTask extends TaskResult {
  /** Time of that state, ms since the epoch; only if MPC could not be asked. */
  asOfMs?: number;
}

/**
 * Waits until a task has ended or the time is over. A kept result is returned without a call to MPC. While
 * it waits, it looks for the result in OBS, and asks MPC less and less often, because all share MPC's quota.
 * @param waitSeconds 0 looks once; limited to the time that the invocation has left
 * @returns the task in its state at that time
 * @throws NoSuchTask; what listTasksForReader throws when nothing is known about the task
 */
export async function awaitTask(
  taskId: string,
  waitSeconds: number,
  invocation: Invocation,
): Promise<SeenTask> {
  const untilMs = Math.min(Date.now() + waitSeconds * 1000, invocation.deadlineMs - RESERVE_MS);
  let seen: { task: Task; asOfMs: number } | undefined;
  let mpcPauseMs = FIRST_MPC_PAUSE_MS;
  let askMpcAtMs = 0;
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, MAX_PAUSE_MS)) {
    const kept = await keptResult(taskId, invocation).catch(onlyPassing);
    if (kept !== undefined) return kept;
    const isLast = untilMs - Date.now() <= 0;
    if (isLast || Date.now() >= askMpcAtMs) {
      const asOfMs = Date.now();
      try {
        const [task] = (await listTasksForReader([['task_id', taskId]], invocation)).tasks;
        if (task === undefined || !(await isOwnTask(task, invocation))) throw new NoSuchTask(taskId);
        if (!isPending(task)) {
          await keepResults([task], invocation);
          return { task };
        }
        seen = { task, asOfMs };
      } catch (error) {
        if (seen === undefined || !isPassingFailure(error)) throw error;
        if (isLast) return seen;
      }
      askMpcAtMs = Date.now() + mpcPauseMs;
      mpcPauseMs *= 2;
    }
    const delayMs = Math.min(pauseMs * (0.75 + Math.random() / 2), untilMs - Date.now());
    if (seen !== undefined && delayMs <= 0) return { task: seen.task };
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, delayMs)));
  }
}

/**
 * Makes sure that a task is one of this installation. Asks MPC first: unlike a reader, who cancels a task seldom finds one that has ended.
 * @throws NoSuchTask; what listTasksForReader and OBS throw
 */
export async function assertOwnTask(taskId: string, invocation: Invocation): Promise<void> {
  const [task] = (await listTasksForReader([['task_id', taskId]], invocation)).tasks;
  const isOwn =
    task === undefined
      ? (await keptResult(taskId, invocation)) !== undefined
      : await isOwnTask(task, invocation);
  if (!isOwn) throw new NoSuchTask(taskId);
}

/** A failure of OBS that may pass is no reason to stop: MPC can still answer. */
function onlyPassing(error: unknown): undefined {
  if (!isPassingFailure(error)) throw error;
}
