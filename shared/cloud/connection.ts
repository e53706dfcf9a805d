import type { Credentials } from '../core/credentials';
import type { Log } from '../core/log';

/** What the client of a service needs to make its calls. */
export interface Connection {
  /** Origins, such as `https://mpc.example.com`. */
  settings: { mpcEndpoint: string; obsEndpoint: string };
  credentials: Credentials;
  projectId: string;
  /** When everything must be over, ms since the epoch. */
  deadlineMs: number;
  log: Log;
}
