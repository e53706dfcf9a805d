import type { Limits } from './gateway-api';

/** The allowed callers of a stage's APIs, and their limits. */
export interface WantedAccess {
  /** The dedicated gateway; absent: the shared one, whose callers and limits cannot be set by these commands. */
  instanceId?: string | undefined;
  groupId: string;
  envId: string;
  apis: readonly WantedApi[];
  /** With authentication IAM: ids of the allowed accounts. */
  allowAccounts: readonly string[];
  /** With authentication IAM: every user of the cloud may call. */
  openToAllUsers: boolean;
}

export interface WantedApi {
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

/** A name of an app or policy: at most 64 letters, digits and _. */
export function nameIn({ service, stage }: Stage, last: string): string {
  return `${service}__${stage}__${last}`.replaceAll(/\W/g, '_').slice(0, 64);
}

/** An API in messages, for example `POST /snapshots`. */
export function apiText({ method, path }: Pick<WantedApi, 'method' | 'path'>): string {
  return `${method} ${path}`;
}
