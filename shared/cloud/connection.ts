import type { Credentials } from '../core/credentials';
import type { Log } from '../core/log';

/** What the client of a service needs to make its calls. */
export interface Connection {
  /** Origins, for example `https://mpc.example.com`. */
  settings: { mpcEndpoint: string; obsEndpoint: string };
  credentials: Credentials;
  projectId: string;
  /** When all calls must have ended, ms since the epoch. */
  deadlineMs: number;
  log: Log;
}
