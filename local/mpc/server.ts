import http from 'node:http';
import type { Clock } from '../clock';
import {
  type AccessLogEntry,
  type Answer,
  BadSignature,
  type Exchange,
  front,
  jsonAnswer,
  type Refusal,
  requireSignature,
  startOf,
} from '../front';
import { BodyTooLarge, closeServer, readBody } from '../http-server';
import type { Credentials } from '../iam/credentials';
import { isAllowed } from '../iam/rights';
import { DEFAULT_BEHAVIOUR, type MpcBehaviour } from './behaviour';
import type { Capture, ObjectStore } from './collaborators';
import {
  apiNotFound,
  badSignature,
  bodyTooLarge,
  noPermission,
  ServiceError,
  systemError,
  throttled,
  wrongProject,
} from './errors';
import { Notifications, type Topics } from './notifications';
import type { Operation, Service } from './operation';
import { createThumbnailsTask } from './operations/create-thumbnails-task';
import { deleteThumbnailsTask } from './operations/delete-thumbnails-task';
import { isAuthorized, listAllBuckets } from './operations/list-all-buckets';
import { listNotifyEvent } from './operations/list-notify-event';
import { listNotifySmnTopicConfig } from './operations/list-notify-smn-topic-config';
import { listThumbnailsTask } from './operations/list-thumbnails-task';
import { notifySmnTopicConfig } from './operations/notify-smn-topic-config';
import { showAgenciesTask } from './operations/show-agencies-task';
import { updateBucketAuthorized } from './operations/update-bucket-authorized';
import { TaskBook } from './task-book';
import { TaskRunner } from './task-runner';
import { Throttle } from './throttle';

export interface MpcOptions {
  store: ObjectStore;
  capture: Capture;
  credentials: Credentials;
  /** The only region whose buckets are served. */
  region: string;
  /** The buckets that MPC may use. Default: the whole account. */
  authorizedBuckets?: readonly string[];
  /** Receives the notifications. Without it no topic accepts any. */
  topics?: Topics;
  /** The directory of the tasks' journal. Without it the tasks are in memory only. */
  directory?: string;
  clock?: Clock;
  behaviour?: Partial<MpcBehaviour>;
  /** Most calls per operation and project in any 60 s; 100 as documented. */
  callsPerMinute?: number;
  /** How many queued tasks run at the same time. MPC's number is unknown. */
  parallelTasks?: number;
  /** Called once for every request, after its answer has been sent. */
  onRequest?: (entry: AccessLogEntry) => void;
}

export interface Mpc {
  /** Not yet listening. */
  server: http.Server;
  tasks: TaskBook;
  /** Whether MPC may use a bucket. */
  mayUse(bucket: string): boolean;
  notifications: Notifications;
  /** Stops the server and the work on tasks. */
  close(): Promise<void>;
}

/** As documented, per operation and project. */
export const MPC_CALLS_PER_MINUTE = 100;
/** The gateway in front of MPC refuses larger bodies. */
const MAX_BODY_BYTES = 12 * 1024 * 1024;
const PATH = /^\/v1\/([^/]+)\/(\w+(?:\/event)?)$/;
const OPERATIONS = new Map<string, Operation>([
  ['POST thumbnails', createThumbnailsTask],
  ['DELETE thumbnails', deleteThumbnailsTask],
  ['GET thumbnails', listThumbnailsTask],
  ['GET buckets', listAllBuckets],
  ['GET agencies', showAgenciesTask],
  ['PUT authority', updateBucketAuthorized],
  ['PUT notification', notifySmnTopicConfig],
  ['GET notification', listNotifySmnTopicConfig],
  ['GET notification/event', listNotifyEvent],
]);

/**
 * The snapshot part of Huawei Cloud MPC v1 for the local cloud: the same requests, answers, refusals, quota and task
 * states, with real pictures. Unfinished tasks of an earlier process in `directory` are queued again.
 */
export async function createMpc(options: MpcOptions): Promise<Mpc> {
  const {
    store,
    capture,
    region,
    clock = Date.now,
    callsPerMinute = MPC_CALLS_PER_MINUTE,
    parallelTasks = 2,
  } = options;
  const behaviour = { ...DEFAULT_BEHAVIOUR, ...options.behaviour };
  const tasks = new TaskBook(options.directory);
  const runner = new TaskRunner({ tasks, store, capture, behaviour, parallelTasks, clock });
  const notifications = new Notifications(options.topics, behaviour);
  // A task that has ended never changes again.
  tasks.onChange((task) => {
    if (task.endedAtMs !== undefined) notifications.taskEnded(task);
  });
  const authorizedBuckets = options.authorizedBuckets ? new Set(options.authorizedBuckets) : 'all';
  const service: Service = {
    store,
    tasks,
    runner,
    notifications,
    region,
    authorizedBuckets,
    behaviour,
    clock,
  };
  const throttle = new Throttle(callsPerMinute, clock);

  /** The steps of the gateway and then of MPC, in this order. */
  async function serve(exchange: Exchange): Promise<Answer> {
    const body = await readBody(exchange.message, MAX_BODY_BYTES);
    const { method, rawUrl, headers } = startOf(exchange.message);
    const [path = '', search = ''] = rawUrl.split(/\?(.*)/s, 2);
    const [, projectId, resource] = PATH.exec(path) ?? [];
    const operation = OPERATIONS.get(`${method} ${resource}`);
    if (operation === undefined || projectId === undefined) throw apiNotFound();

    const key = requireSignature(exchange, body, options.credentials, clock);
    if (!throttle.admit(`${method} ${resource} ${key.projectId}`)) throw throttled(callsPerMinute);
    if (projectId !== key.projectId) {
      throw wrongProject(`the path names project ${projectId}, the key belongs to ${key.projectId}`);
    }
    const action = `mpc:${resource}:${method.toLowerCase()}`;
    if (!isAllowed(key, action)) throw noPermission(action);
    const query = new URLSearchParams(search);
    const answer = await operation({ query, contentType: headers['content-type'], body }, service);
    return answer.body === undefined ? { status: answer.status } : jsonAnswer(answer.status, answer.body);
  }

  const server = http.createServer(front({ service: 'MPC', serve, refuse, onRequest: options.onRequest }));

  for (const task of tasks.list()) if (task.status === 'WAITING') runner.enqueue(task);
  return {
    server,
    tasks,
    mayUse: (bucket) => isAuthorized(bucket, service),
    notifications,
    async close() {
      await Promise.all([closeServer(server), runner.close()]);
      tasks.close();
    },
  };
}

/** The gateway's answers have the request id in the body; MPC's do not. */
function refuse(error: unknown, { requestId }: Exchange): Refusal {
  const { status, code, message, detail } = asServiceError(error);
  const body = { error_code: code, error_msg: message };
  const headers: Record<string, string> = {};
  if (detail !== undefined) headers['x-local-detail'] = detail.slice(0, 1000).replace(/[^\x20-\x7e]/g, '?');
  const logged = { errorCode: code, detail: error instanceof BadSignature ? error.message : detail };
  if (!code.startsWith('APIGW.')) return { ...jsonAnswer(status, body, headers), ...logged };
  headers.server = 'api-gateway';
  return { ...jsonAnswer(status, { ...body, request_id: requestId }, headers), ...logged };
}

function asServiceError(error: unknown): ServiceError {
  if (error instanceof ServiceError) return error;
  if (error instanceof BodyTooLarge) return bodyTooLarge(error.limitBytes);
  if (error instanceof BadSignature) return badSignature(error.message);
  return systemError(String(error));
}
