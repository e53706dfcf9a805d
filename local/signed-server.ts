import { createServer, type Server } from 'node:http';
import type { Clock } from './clock';
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
} from './front';
import { BodyTooLarge, readBody } from './http-server';
import type { AccessKey, Credentials } from './iam/credentials';
import { isAllowed } from './iam/rights';

/**
 * A request that has passed the gateway: its API exists, its signature is valid, its project is the caller's, and the
 * caller has the right.
 */
export interface SignedRequest {
  /** Values of the `{names}` in the operation's path, decoded. */
  names: Readonly<Record<string, string>>;
  query: URLSearchParams;
  /** As received, with the query. */
  rawUrl: string;
  key: AccessKey;
  body: Buffer;
}

/** The answer of a service. */
export interface SignedAnswer {
  status: number;
  body?: Readonly<Record<string, unknown>>;
}

/** A refusal. `message` is the service's own sentence. */
export class Refused extends Error {
  /** @param body in the form of the service that refuses; the default is the form of most services */
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly body: Readonly<Record<string, unknown>> = { error_code: code, error_msg: message },
  ) {
    super(message);
  }
}

/** One operation of a service. */
export interface SignedOperation<Service> {
  /** `POST /v2/{project_id}/groups`; `{project_id}` must be that of the caller's key. */
  on: string;
  /** The action that the caller must be allowed, as IAM names it: `lts:groups:create`. Absent: everybody may. */
  action?: string;
  /** @throws Refused */
  run(request: SignedRequest, service: Service): SignedAnswer | Promise<SignedAnswer>;
}

export interface SignedServerOptions {
  credentials: Credentials;
  clock?: Clock;
  /** Called once for every request, after its answer has been sent. */
  onRequest?: (entry: AccessLogEntry) => void;
}

export interface SignedService<Service> extends SignedServerOptions {
  /** The platform's name for it, such as `IAM`. */
  name: string;
  service: Service;
  /** If two match, the first one counts. */
  operations: readonly SignedOperation<Service>[];
  /** The refusal of a caller who lacks a right. */
  forbidden(action: string): Refused;
  /** The refusal of a path that names another project than the key's. Default: there is no such API. */
  wrongProject?(projectId: string): Refused;
  /**
   * All answers and refusals have the request id in the body. Of other services, only the gateway's refusals have it.
   */
  saysRequestId?: boolean;
}

const MAX_BODY_BYTES = 12 * 1024 * 1024;

/**
 * A service behind the platform's gateway. The gateway checks body, operation, signature, project and rights in this
 * order. Not yet listening.
 */
export function createSignedServer<Service>(options: SignedService<Service>): Server {
  const { name, credentials, clock = Date.now, service, onRequest } = options;
  const routes = options.operations.map((operation) => ({ operation, pattern: patternOf(operation.on) }));

  async function serve(exchange: Exchange): Promise<Answer> {
    const body = await readBody(exchange.message, MAX_BODY_BYTES);
    const { method, rawUrl } = startOf(exchange.message);
    const [path = '', search = ''] = rawUrl.split(/\?(.*)/s, 2);
    const found = routes.find(({ pattern }) => pattern.test(`${method} ${path}`));
    if (found === undefined) throw noSuchApi();
    const key = requireSignature(exchange, body, credentials, clock);
    const { operation, pattern } = found;
    const groups = pattern.exec(`${method} ${path}`)?.groups ?? {};
    const names = Object.fromEntries(
      Object.entries(groups).map(([group, value]) => [group, decodeURIComponent(value)]),
    );
    const { project_id: projectId = key.projectId } = names;
    if (projectId !== key.projectId) throw options.wrongProject?.(projectId) ?? noSuchApi();
    if (operation.action !== undefined && !isAllowed(key, operation.action)) {
      throw options.forbidden(operation.action);
    }
    const query = new URLSearchParams(search);
    const answer = await operation.run({ names, query, rawUrl, key, body }, service);
    if (answer.body === undefined) return { status: answer.status };
    const id = options.saysRequestId ? { request_id: exchange.requestId } : {};
    return jsonAnswer(answer.status, { ...id, ...answer.body });
  }

  /** Refusals of the gateway have the request id in the body, those of most services do not. */
  function refuse(error: unknown, { requestId }: Exchange): Refusal {
    const { status, code, message, body } = refusedOf(error);
    const saysId = code.startsWith('APIGW.') || options.saysRequestId;
    return {
      ...jsonAnswer(status, saysId ? { ...body, request_id: requestId } : body),
      errorCode: code,
      detail: error instanceof BadSignature ? error.message : message,
    };
  }

  return createServer(front({ service: name, serve, refuse, onRequest }));
}

/** `GET /a/{b}` as a regular expression with a group for each name. */
function patternOf(on: string): RegExp {
  const parts = on.split(/\{(\w+)\}/);
  const source = parts.map((part, index) =>
    index % 2 === 1 ? `(?<${part}>[^/]+)` : part.replaceAll('.', '\\.'),
  );
  return new RegExp(`^${source.join('')}$`);
}

function noSuchApi(): Refused {
  return new Refused(
    404,
    'APIGW.0101',
    'The API does not exist or has not been published in the environment.',
  );
}

function refusedOf(error: unknown): Refused {
  if (error instanceof Refused) return error;
  if (error instanceof BodyTooLarge) return new Refused(413, 'APIGW.0201', 'Request entity too large.');
  if (error instanceof BadSignature) {
    return new Refused(401, 'APIGW.0301', `Incorrect IAM authentication information: ${error.message}`);
  }
  if (error instanceof URIError) return new Refused(400, 'APIGW.0201', 'Bad request.');
  return new Refused(500, 'APIGW.0201', `Backend unavailable: ${String(error)}`);
}
