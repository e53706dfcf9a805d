import http from 'node:http';
import type { Clock } from '../clock';
import { BodyTooLarge, closeServer, newRequestId, readBody, sendJson } from '../http-server';
import type { ReceivedRequest } from '../iam/canonical-request';
import type { Credentials } from '../iam/credentials';
import { verifySdkSignature } from '../iam/sdk-signature';
import { DEFAULT_BEHAVIOUR, type MpcBehaviour } from './behaviour';
import type { Capture, ObjectStore } from './collaborators';
import {
  apiNotFound,
  BadSignature,
  bodyTooLarge,
  ServiceError,
  systemError,
  throttled,
  wrongProject,
} from './errors';
import type { Operation, OperationAnswer, Service } from './operation';
import { createThumbnailsTask } from './operations/create-thumbnails-task';
import { deleteThumbnailsTask } from './operations/delete-thumbnails-task';
import { listAllBuckets } from './operations/list-all-buckets';
import { listThumbnailsTask } from './operations/list-thumbnails-task';
import { showAgenciesTask } from './operations/show-agencies-task';
import { TaskBook } from './task-book';
import { TaskRunner } from './task-runner';
import { Throttle } from './throttle';

export interface MpcOptions {
  store: ObjectStore;
  capture: Capture;
  credentials: Credentials;
  /** The only region whose buckets are served. */
  region: string;
  /** The buckets that MPC was let into one by one; the whole account when absent. */
  authorizedBuckets?: readonly string[];
  /** Where the journal of tasks lives; without it tasks live in memory only. */
  directory?: string;
  clock?: Clock;
  behaviour?: Partial<MpcBehaviour>;
  /** Calls per operation and project in any 60 s; 100 as documented. */
  callsPerMinute?: number;
  /** How many queued tasks run at the same time; MPC tells no number. */
  parallelTasks?: number;
  /** Called after every answer. */
  onRequest?: (entry: MpcRequestEntry) => void;
}

/** One line of an access log. */
export interface MpcRequestEntry {
  method: string;
  /** With the query, as received. */
  path: string;
  status: number;
  errorCode?: string;
  /** What exactly was wrong, which the answer of the service does not say. */
  detail?: string;
  durationMs: number;
  requestId: string;
  /** The request itself, when it was refused for its signature. */
  unproven?: ReceivedRequest;
}

export interface Mpc {
  /** Not yet listening. */
  server: http.Server;
  tasks: TaskBook;
  /** Stops the server and the work on tasks. */
  close(): Promise<void>;
}

/** The gateway in front of MPC refuses larger bodies. */
const MAX_BODY_BYTES = 12 * 1024 * 1024;
const PATH = /^\/v1\/([^/]+)\/(\w+)$/;
const OPERATIONS = new Map<string, Operation>([
  ['POST thumbnails', createThumbnailsTask],
  ['DELETE thumbnails', deleteThumbnailsTask],
  ['GET thumbnails', listThumbnailsTask],
  ['GET buckets', listAllBuckets],
  ['GET agencies', showAgenciesTask],
]);

/**
 * The snapshot part of Huawei Cloud MPC v1 for the local cloud: the same requests, answers, refusals, quota and task states,
 * with real pictures. Tasks that an earlier process left unfinished in `directory` are queued again.
 */
export async function createMpc(options: MpcOptions): Promise<Mpc> {
  const { store, capture, region, clock = Date.now, callsPerMinute = 100, parallelTasks = 2 } = options;
  const behaviour = { ...DEFAULT_BEHAVIOUR, ...options.behaviour };
  const tasks = new TaskBook(options.directory);
  const runner = new TaskRunner({ tasks, store, capture, behaviour, parallelTasks, clock });
  const authorizedBuckets = options.authorizedBuckets ?? 'all';
  const service: Service = { store, tasks, runner, region, authorizedBuckets, behaviour, clock };
  const throttle = new Throttle(callsPerMinute, clock);

  /** What the gateway and then MPC do with a request, in this order. */
  async function serve(request: http.IncomingMessage): Promise<OperationAnswer> {
    const body = await readBody(request, MAX_BODY_BYTES).catch((error: unknown) => {
      throw error instanceof BodyTooLarge ? bodyTooLarge(error.limitBytes) : error;
    });
    const method = request.method ?? '';
    const rawUrl = request.url ?? '/';
    const [path = '', search = ''] = rawUrl.split(/\?(.*)/s, 2);
    const [, projectId, resource] = PATH.exec(path) ?? [];
    const operation = OPERATIONS.get(`${method} ${resource}`);
    if (operation === undefined || projectId === undefined) throw apiNotFound();

    const { headers } = request;
    const received = { method, rawUrl, headers, body };
    const verdict = verifySdkSignature(received, options.credentials, clock);
    if (!verdict.ok) throw new BadSignature(verdict.reason, received);
    if (!throttle.admit(`${method} ${resource} ${verdict.key.projectId}`)) throw throttled(callsPerMinute);
    if (projectId !== verdict.key.projectId) {
      throw wrongProject(`the path names project ${projectId}, the key belongs to ${verdict.key.projectId}`);
    }
    const query = new URLSearchParams(search);
    return operation({ query, contentType: headers['content-type'], body }, service);
  }

  const server = http.createServer(async (request, response) => {
    const startedAtMs = performance.now();
    const requestId = newRequestId();
    const { status, body, headers, refused } = await serve(request).then(
      (answer) => ({ ...answer, headers: {}, refused: {} }),
      (error: unknown) => refusal(error, requestId),
    );
    const allHeaders = { 'x-request-id': requestId, ...headers };
    if (body === undefined) response.writeHead(status, allHeaders).end();
    else sendJson(response, status, body, allHeaders);
    options.onRequest?.({
      method: request.method ?? '',
      path: request.url ?? '/',
      status,
      ...refused,
      durationMs: performance.now() - startedAtMs,
      requestId,
    });
  });

  for (const task of tasks.list()) if (task.status === 'WAITING') runner.enqueue(task);
  return {
    server,
    tasks,
    async close() {
      await Promise.all([closeServer(server), runner.close()]);
      tasks.close();
    },
  };
}

/** Answers of the gateway carry the request id in the body, those of MPC do not. */
function refusal(error: unknown, requestId: string) {
  const known = error instanceof ServiceError ? error : systemError(String(error));
  const { status, code, message, detail } = known;
  const body = { error_code: code, error_msg: message };
  const headers: Record<string, string> = {};
  if (detail !== undefined) headers['x-local-detail'] = detail.slice(0, 1000).replace(/[^\x20-\x7e]/g, '?');
  const refused = {
    errorCode: code,
    ...(detail !== undefined && { detail }),
    ...(known instanceof BadSignature && { detail: known.reason, unproven: known.received }),
  };
  if (!code.startsWith('APIGW.')) return { status, body, headers, refused };
  headers.server = 'api-gateway';
  return { status, body: { ...body, request_id: requestId }, headers, refused };
}
