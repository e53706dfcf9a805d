import type { Connection } from '../cloud/connection';
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
  /** When the answer must be ready, ms since the epoch. */
  deadlineMs: number;
  log: Log;
}

/** Time reserved for the answer itself. */
const RESERVE_MS = 300;

/**
 * Reads the context of an invocation.
 * @throws SettingsError when settings are wrong
 */
export function openInvocation(context: FunctionContext): Invocation {
  const settings = readSettings(context);
  return {
    settings,
    credentials: {
      accessKey: context.getSecurityAccessKey(),
      secretKey: context.getSecuritySecretKey(),
      securityToken: context.getSecurityToken() || undefined,
    },
    projectId: context.getProjectID(),
    deadlineMs: Date.now() + context.getRemainingTimeInMilliSeconds() - RESERVE_MS,
    log: new Log(context.getRequestID(), context.getFunctionName(), settings.logLevel),
  };
}

/** Milliseconds left for work. */
export function remainingMs(invocation: Invocation): number {
  return invocation.deadlineMs - Date.now();
}
