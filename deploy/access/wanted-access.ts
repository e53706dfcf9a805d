import type { Limits } from './gateway-api';

/** Who may call the APIs of a stage, and how often. */
export interface WantedAccess {
  /** The dedicated gateway; absent: the shared one, whose callers and limits nobody can set from here. */
  instanceId?: string | undefined;
  groupId: string;
  envId: string;
  apis: readonly WantedApi[];
  /** With authentication IAM: ids of the accounts that may call. */
  allowAccounts: readonly string[];
  /** With authentication IAM: every user of the cloud may call. */
  openToAllUsers: boolean;
}

export interface WantedApi {
  /** Function in `serverless.yml`. */
  key: string;
  method: string;
  path: string;
  auth: 'IAM' | 'APP' | 'NONE';
  /** Absent: as often as anybody likes. */
  throttle?: Limits | undefined;
}

interface Stage {
  service: string;
  stage: string;
}

/** Names of apps and policies: letters, digits and _ only, 64 at most. */
export function nameIn({ service, stage }: Stage, last: string): string {
  return `${service}__${stage}__${last}`.replaceAll(/\W/g, '_').slice(0, 64);
}

/** How an API is called in messages: `POST /snapshots`. */
export function apiText({ method, path }: Pick<WantedApi, 'method' | 'path'>): string {
  return `${method} ${path}`;
}
