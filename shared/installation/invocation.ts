import type { Connection } from '../cloud/connection';
import type { ListBudget } from '../cloud/mpc';
import type { FunctionContext } from '../core/context';
import type { Credentials } from '../core/credentials';
import { Log } from '../core/log';
import { readSettings, type Settings } from './settings';

/** The context of one invocation: settings, credentials, deadline and log. */
export interface Invocation extends Connection {
  settings: Settings;
  /** The agency's temporary credentials, from the context of this invocation: they must not outlive it. */
  credentials: Credentials;
  projectId: string;
  /** When this work must be done, ms since the epoch. */
  deadlineMs: number;
  /** When the answer must be ready, ms since the epoch. Parts of the work may have less time. */
  endMs: number;
  /** When it began, ms since the epoch. */
  startedMs: number;
  searches: ListSearches;
  log: Log;
}

/** The searches through MPC's list in one invocation, and the list calls that they may still make. */
export interface ListSearches extends ListBudget {
  /** One after the other, so that each uses what the others have read. */
  last: Promise<unknown>;
}

/** List calls count against MPC's quota. The next invocation goes on with the rest. */
const LIST_CALLS_PER_INVOCATION = 5;

/** Time reserved for the answer itself. */
const RESERVE_MS = 300;

/**
 * Reads the context of an invocation.
 * @throws SettingsError when settings are wrong
 */
export function openInvocation(context: FunctionContext): Invocation {
  const settings = readSettings(context);
  const endMs = Date.now() + context.getRemainingTimeInMilliSeconds() - RESERVE_MS;
  return {
    settings,
    credentials: {
      accessKey: context.getSecurityAccessKey(),
      secretKey: context.getSecuritySecretKey(),
      securityToken: context.getSecurityToken() || undefined,
    },
    projectId: context.getProjectID(),
    startedMs: Date.now(),
    searches: { calls: LIST_CALLS_PER_INVOCATION, last: Promise.resolve() },
    deadlineMs: endMs,
    endMs,
    log: new Log(context.getRequestID(), context.getFunctionName(), settings.logLevel),
  };
}

/** Milliseconds left for work. */
export function remainingMs(invocation: Invocation): number {
  return invocation.deadlineMs - Date.now();
}

/** The same invocation with less time: at most so many milliseconds from now. */
export function within<T extends Invocation>(durationMs: number, invocation: T): T {
  return { ...invocation, deadlineMs: Math.min(invocation.deadlineMs, Date.now() + durationMs) };
}
