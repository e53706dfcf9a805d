import { isPending, type Task } from '../cloud/mpc';
import { CallerError, isPassingFailure } from '../core/errors';
import type { Invocation } from '../installation/invocation';
import { listTasksForReader } from './reading';
import { isOwnTask, keepResults, keptResult, type TaskResult } from './results';

const FIRST_PAUSE_MS = 500;
const MAX_PAUSE_MS = 2_000;
// MPC allows 100 calls a minute to everybody together. Doubled each time, this makes 6 calls of 25 s.
const FIRST_MPC_PAUSE_MS = 1_000;
/** Kept back for the last look and the answer. */
const RESERVE_MS = 2_000;

/** This installation has no such task. */
export class NoSuchTask extends CallerError {
  constructor(taskId: string) {
    super(`The task does not exist: ${taskId}`);
  }
}

/** A task as it was when it was last seen. */
export interface SeenTask extends TaskResult {
  /** When that was, ms since the epoch; only where MPC could not be asked since. */
  asOfMs?: number;
}

/**
 * One task, as soon as it has ended or the time is up. A result that is kept is the answer, without a call to MPC. While
 * waiting, the result is looked for in OBS, and MPC, whose quota everybody shares, is asked ever more rarely.
 * @param waitSeconds 0 looks once; more than the invocation has left is cut to that
 * @returns the task as it then is
 * @throws NoSuchTask; what listTasksForReader throws when nothing is known of the task
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

/** Without OBS there is still MPC. */
function onlyPassing(error: unknown): undefined {
  if (!isPassingFailure(error)) throw error;
}
