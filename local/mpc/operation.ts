import type { Clock } from '../clock';
import type { MpcBehaviour } from './behaviour';
import type { ObjectStore } from './collaborators';
import type { Notifications } from './notifications';
import type { TaskBook } from './task-book';
import type { TaskRunner } from './task-runner';

/**
 * A request that has passed the gateway: its API exists, its signature is valid, the quota allows it, and the project
 * is the caller's own.
 */
export interface OperationRequest {
  query: URLSearchParams;
  contentType: string | undefined;
  body: Buffer;
}

export interface OperationAnswer {
  status: number;
  body?: Record<string, unknown>;
}

/** What the operations work on. */
export interface Service {
  store: ObjectStore;
  tasks: TaskBook;
  runner: TaskRunner;
  notifications: Notifications;
  region: string;
  /** The buckets that MPC may use; `all`: the whole account. */
  authorizedBuckets: 'all' | Set<string>;
  behaviour: MpcBehaviour;
  clock: Clock;
}

/** One operation of the API. Throws ServiceError for every refusal. */
export type Operation = (
  request: OperationRequest,
  service: Service,
) => OperationAnswer | Promise<OperationAnswer>;

/** Length of a task id in characters (MPC OpenAPI description). */
export const MAX_ID_LENGTH = 16;
