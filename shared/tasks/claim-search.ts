import { type ListBudget, nextWindowMs, type Task, tasksBetween } from '../cloud/mpc';
import type { Invocation } from '../installation/invocation';

// A claim that was left half-written is looked up in MPC's list: where, how far, and with how many calls.

/** A create call that is not over so long after its claim is given up. */
export const CALL_WITHIN_MS = 15_000;
/**
 * So long an unfinished claim counts as being worked on: API Gateway, in front of MPC, holds a call for 60 s at most,
 * so that one which MPC has not taken up by then never will be, whatever became of the caller.
 */
export const CALL_ARRIVES_WITHIN_MS = CALL_WITHIN_MS + 60_000;
/** List calls count against MPC's quota. What they do not suffice for, the next invocation goes on with. */
const LIST_CALLS_PER_INVOCATION = 5;

/** How far earlier looks came, and what of the list can be read at once (ms). */
export interface LookProgress {
  sought_until_ms?: number | undefined;
  window_ms?: number | undefined;
}

/** A look through a part of MPC's list. */
export interface Look {
  tasks: Task[];
  /** What MPC accepted later than this may be missing. */
  asOfMs: number;
  /** False when there was more to read than one invocation may. */
  isComplete: boolean;
  soughtUntilMs: number;
  windowMs: number;
}

/** Tries come minutes apart: a window that is too wide is narrowed within the next one, one too narrow costs a try each time. */
const WINDOW_GROWTH = 16;

const looks = new WeakMap<Invocation, Map<string, Promise<Look>>>();
const budgets = new WeakMap<Invocation, ListBudget>();

/** The list calls that this invocation may still make, to be used by all who look for tasks. */
export function listBudget(invocation: Invocation): ListBudget {
  const budget = budgets.get(invocation) ?? { calls: LIST_CALLS_PER_INVOCATION };
  budgets.set(invocation, budget);
  return budget;
}

/**
 * The tasks that calls made under a claim of this time. List calls count against MPC's quota: claims of about the
 * same time, of which there are many after a failure of MPC, share one look in an invocation.
 */
export function tasksAround(
  timeMs: number,
  toleranceMs: number,
  { sought_until_ms, window_ms }: LookProgress,
  invocation: Invocation,
): Promise<Look> {
  const firstMs = (Math.floor(timeMs / toleranceMs) - 1) * toleranceMs;
  const lastMs = firstMs + 3 * toleranceMs + CALL_ARRIVES_WITHIN_MS;
  const fromMs = Math.max(firstMs, sought_until_ms ?? 0);
  const untilMs = Math.min(lastMs, fromMs + (window_ms || Number.POSITIVE_INFINITY));
  const known = looks.get(invocation) ?? new Map<string, Promise<Look>>();
  looks.set(invocation, known);
  const name = `${fromMs} ${untilMs}`;
  const asOfMs = Date.now();
  const budget = listBudget(invocation);
  // With a single call nobody learns how wide a window may be: others used up the calls of this run.
  const mayMove = budget.calls > 1;
  const look =
    known.get(name) ??
    tasksBetween(fromMs, untilMs, invocation, budget).then(
      ({ tasks, completeUntilMs: soughtUntilMs }): Look => {
        const isComplete = soughtUntilMs >= lastMs;
        const windowMs = mayMove
          ? nextWindowMs(fromMs, untilMs, soughtUntilMs, WINDOW_GROWTH)
          : untilMs - fromMs;
        return { tasks, asOfMs, isComplete, soughtUntilMs, windowMs };
      },
    );
  known.set(name, look);
  return look;
}
