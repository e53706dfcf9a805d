import { type ListBudget, type Task, tasksBetween } from '../cloud/mpc';
import type { Invocation } from '../installation/invocation';
import { unwrapUserData } from './task-note';

/*
 * The search for the task of a half-written claim in MPC's list. List calls count against MPC's quota, and a failure of MPC leaves
 * many such claims: so all searches of an invocation share a few calls, and all searches of an instance share what was read.
 */

/** A create call is abandoned so long after its claim. */
export const CALL_WITHIN_MS = 15_000;
/**
 * A half-written claim counts as in flight for so long. API Gateway, in front of MPC, holds a call for at most 60 s:
 * a call that has not reached MPC by then never will.
 */
export const CALL_ARRIVES_WITHIN_MS = CALL_WITHIN_MS + 60_000;

/** Clocks in the cloud agree within seconds: most tasks are found here. */
const NEAR_MS = 60_000;
/** If clocks differ by more than 15 minutes, no signature is accepted. */
const FAR_MS = 15 * 60_000;

/** How far earlier searches came (ms since the epoch), and the window (ms) that one read can cover. */
export interface SearchProgress {
  sought_to_ms?: number | undefined;
  window_ms?: number | undefined;
}

/** The result of a search. */
export interface Search {
  tasks: Task[];
  /** For so long the task may still come. */
  leftMs: number;
  /** Where the next invocation goes on, if the calls of this one were too few. */
  rest?: SearchProgress;
}

/** After so many reads the instance forgets them: usually some 3,000 tasks of 1 KB. */
const MOST_PARTS = 200;

/** The parts of MPC's list that this instance has read, and the tasks in them by the claims in their notes. */
let parts: { fromMs: number; untilMs: number; asOfMs: number }[] = [];
let known = new Map<string, { task: Task; asOfMs: number }[]>();

/**
 * Reads a part of MPC's list, for all searches of this instance. Parameters, result and errors are those of `tasksBetween`.
 */
export async function readTasks(
  fromMs: number,
  untilMs: number,
  windowMs: number,
  invocation: Invocation,
  budget: ListBudget,
): ReturnType<typeof tasksBetween> {
  const asOfMs = Date.now();
  const read = await tasksBetween(fromMs, untilMs, windowMs, invocation, budget);
  if (parts.length > MOST_PARTS) forgetReads();
  parts.push({ fromMs, untilMs: read.completeUntilMs, asOfMs });
  for (const { thumbnail_info, ...task } of read.tasks) {
    const { claim } = unwrapUserData(task.user_data).note;
    if (claim === undefined) continue;
    const others = (known.get(claim) ?? []).filter((one) => one.task.task_id !== task.task_id);
    known.set(claim, [...others, { task, asOfMs }]);
  }
  return read;
}

/** A call has had no answer: what was read before says nothing about it, whatever the clocks say. */
export function forgetReads(): void {
  parts = [];
  known = new Map();
}

/** Begin and end of the first time in a range that no read since `asOfMs` covers; the same when all is covered. */
function firstGap(fromMs: number, untilMs: number, asOfMs: number): [number, number] {
  const read = parts.filter((part) => part.asOfMs >= asOfMs).sort((a, b) => a.fromMs - b.fromMs);
  let doneMs = fromMs;
  for (const part of read) {
    if (part.fromMs > doneMs) return [doneMs, Math.min(part.fromMs, untilMs)];
    doneMs = Math.max(doneMs, part.untilMs);
  }
  return [Math.min(doneMs, untilMs), untilMs];
}

/**
 * The tasks that a claim of this time may have made.
 * @param claim id of the claim
 * @param fits tells its tasks from others with the claim's id in their note
 * @throws as listTasks
 */
export function tasksOfClaim(
  claim: string,
  timeMs: number,
  fits: (task: Task) => boolean,
  { sought_to_ms, window_ms }: SearchProgress,
  invocation: Invocation,
): Promise<Search> {
  const { searches: budget, startedMs } = invocation;
  /** Reads from shortly before the time of the claim until long after it, then what comes before. */
  const search = async (): Promise<Search> => {
    const arrivedByMs = timeMs + CALL_ARRIVES_WITHIN_MS;
    const asOfMs = Math.min(arrivedByMs, startedMs);
    const leftMs = arrivedByMs - asOfMs;
    // Rounded: claims of about the same time have the same limits.
    const nearMs = timeMs - (timeMs % NEAR_MS) - NEAR_MS;
    const firstMs = timeMs - (timeMs % FAR_MS) - FAR_MS;
    const lastMs = firstMs + 3 * FAR_MS + CALL_ARRIVES_WITHIN_MS;
    let fromMs = sought_to_ms ?? nearMs;
    let windowMs = window_ms || lastMs - firstMs;
    for (;;) {
      const isBefore = fromMs < nearMs;
      const [gapMs, untilMs] = firstGap(fromMs, isBefore ? nearMs : lastMs, asOfMs);
      fromMs = gapMs;
      const tasks = (known.get(claim) ?? []).flatMap((one) =>
        one.asOfMs >= asOfMs && fits(one.task) ? [one.task] : [],
      );
      if (fromMs < untilMs) {
        const rest = { sought_to_ms: fromMs, window_ms: windowMs };
        if (tasks.length > 0 || budget.calls < 1) return { tasks, leftMs, rest };
        ({ windowMs } = await readTasks(fromMs, untilMs, windowMs, invocation, budget));
      } else {
        // While the call may still arrive, the time before would be read for nothing.
        if (tasks.length > 0 || isBefore || leftMs > 0) return { tasks, leftMs };
        fromMs = firstMs;
      }
    }
  };
  const result = budget.last.then(search);
  budget.last = result.catch(() => {});
  return result;
}

/** Claims with more than one task in what was read since a time (ms since the epoch). Cancelled tasks do not count. */
export function duplicatesReadSince(sinceMs: number): { claim: string; task_ids: string[] }[] {
  return [...known].flatMap(([claim, tasks]) => {
    const task_ids = tasks
      .filter(({ task, asOfMs }) => asOfMs >= sinceMs && task.status !== 'CANCELED')
      .map(({ task }) => task.task_id);
    return task_ids.length > 1 ? [{ claim, task_ids }] : [];
  });
}
