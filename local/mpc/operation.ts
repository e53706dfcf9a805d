import type { Clock } from '../clock';
import type { MpcBehaviour } from './behaviour';
import type { ObjectStore } from './collaborators';
import type { Notifications } from './notifications';
import type { TaskBook } from './task-book';
import type { TaskRunner } from './task-runner';

/** A request that has passed the gateway: routed, signed, within the quota, for the caller's own project. */
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
  /** The buckets that MPC was let into one by one; `all`: into the whole account. */
  authorizedBuckets: 'all' | Set<string>;
  behaviour: MpcBehaviour;
  clock: Clock;
}

/** One operation of the API. Throws ServiceError for a refusal. */
export type Operation = (
  request: OperationRequest,
  service: Service,
) => OperationAnswer | Promise<OperationAnswer>;

/** Length of a task id in characters (MPC OpenAPI description). */
export const MAX_ID_LENGTH = 16;
