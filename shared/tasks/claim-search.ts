import { type ListBudget, nextWindowMs, type Task, tasksBetween } from '../cloud/mpc';
import type { Invocation } from '../installation/invocation';

// The search for the task of a half-written claim in MPC's list, within a budget of calls.

/** A create call is abandoned so long after its claim. */
export const CALL_WITHIN_MS = 15_000;
/**
 * A half-written claim counts as in flight for so long. API Gateway, in front of MPC, holds a call for at most 60 s:
 * a call that has not reached MPC by then never will.
 */
export const CALL_ARRIVES_WITHIN_MS = CALL_WITHIN_MS + 60_000;
/** List calls count against MPC's quota. The next invocation goes on with the rest. */
const LIST_CALLS_PER_INVOCATION = 5;

/** Up to when earlier searches came, and the window (ms) that one read can cover. */
export interface LookProgress {
  sought_until_ms?: number | undefined;
  window_ms?: number | undefined;
}

/** The result of a search through a part of MPC's list. */
export interface Look {
  tasks: Task[];
  /** Tasks that MPC accepted after this time may be missing (ms since the epoch). */
  asOfMs: number;
  /** False when one invocation could not read everything. */
  isComplete: boolean;
  soughtUntilMs: number;
  windowMs: number;
}

/** Searches are minutes apart. One search can narrow a window that is too wide, but one that is too narrow costs a whole search. */
const WINDOW_GROWTH = 16;

const looks = new WeakMap<Invocation, Map<string, Promise<Look>>>();
const budgets = new WeakMap<Invocation, ListBudget>();

/** The list calls that this invocation may still make, shared by all searches. */
export function listBudget(invocation: Invocation): ListBudget {
  const budget = budgets.get(invocation) ?? { calls: LIST_CALLS_PER_INVOCATION };
  budgets.set(invocation, budget);
  return budget;
}

/**
 * The tasks that a claim of this time may have made. Claims of about the same time share one search in an
 * invocation, because list calls count against MPC's quota and a failure of MPC leaves many such claims.
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
  // A single call cannot find out how wide a window may be: other searches used up the calls of this run.
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
