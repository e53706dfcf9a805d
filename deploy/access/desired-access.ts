import { createHash } from 'node:crypto';
import type { Limits } from './gateway-api';

/** The allowed callers of a stage's APIs, and their limits. */
export interface DesiredAccess {
  /** The dedicated gateway; absent: the shared one, whose callers and limits cannot be set by these commands. */
  instanceId?: string | undefined;
  groupId: string;
  envId: string;
  apis: readonly DesiredApi[];
  /** With authentication IAM: ids of the allowed accounts. */
  allowAccounts: readonly string[];
  /** With authentication IAM: every user of the cloud may call. */
  openToAllUsers: boolean;
}

export interface DesiredApi {
  /** Name of the function in `serverless.yml`. */
  key: string;
  method: string;
  path: string;
  auth: 'IAM' | 'APP' | 'NONE';
  /** Absent: no limit. */
  throttle?: Limits | undefined;
}

interface Stage {
  service: string;
  stage: string;
}

const MAX_NAME = 64;

/** A name of an app or policy: at most 64 letters, digits and _. A longer one ends with a hash, so that no two become one. */
export function nameIn({ service, stage }: Stage, last: string): string {
  const name = `${service}__${stage}__${last}`;
  const allowed = name.replaceAll(/\W/g, '_');
  if (allowed.length <= MAX_NAME) return allowed;
  const hash = createHash('sha256').update(name).digest('hex').slice(0, 8);
  return `${allowed.slice(0, MAX_NAME - hash.length - 1)}_${hash}`;
}

/** An API in messages, for example `POST /snapshots`. */
export function apiText({ method, path }: Pick<DesiredApi, 'method' | 'path'>): string {
  return `${method} ${path}`;
}
