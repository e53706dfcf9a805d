import { createServer, type Server } from 'node:http';
import type { Clock } from './clock';
import { newRequestId, readBody, sendJson } from './http-server';
import type { AccessKey, Credentials } from './iam/credentials';
import { isAllowed } from './iam/rights';
import { verifySdkSignature } from './iam/sdk-signature';

/** A request that has passed the gateway: routed, signed, for the caller's own project, by somebody who may. */
export interface SignedRequest {
  /** Values of the `{names}` in the operation's path, decoded. */
  names: Readonly<Record<string, string>>;
  query: URLSearchParams;
  /** As received, with the query. */
  rawUrl: string;
  key: AccessKey;
  body: Buffer;
}

/** What a service says. */
export interface SignedAnswer {
  status: number;
  body?: Readonly<Record<string, unknown>>;
}

/** A refusal in the form of the service that refuses. */
export class Refused extends Error {
  constructor(
    readonly status: number,
    readonly body: Readonly<Record<string, unknown>>,
  ) {
    super(JSON.stringify(body));
  }
}

/** One operation of a service. */
export interface SignedOperation<Service> {
  /** `POST /v2/{project_id}/groups`; `{project_id}` must be that of the caller's key. */
  on: string;
  /** What the caller must be allowed to do, in IAM's words: `lts:groups:create`. Absent: anybody may. */
  action?: string;
  /** @throws Refused */
  run(request: SignedRequest, service: Service): SignedAnswer | Promise<SignedAnswer>;
}

export interface SignedServerOptions {
  credentials: Credentials;
  clock?: Clock;
}

export interface SignedService<Service> extends SignedServerOptions {
  service: Service;
  /** Of two that match, the first. */
  operations: readonly SignedOperation<Service>[];
  /** What the service says to somebody who lacks a right. */
  forbidden(action: string): Refused;
  /** What it says when the path names a project that is not the key's; absent: that there is no such API. */
  wrongProject?(projectId: string): Refused;
}

const MAX_BODY_BYTES = 12 * 1024 * 1024;

/** A service behind the platform's gateway. Not yet listening. */
export function createSignedServer<Service>(options: SignedService<Service>): Server {
  const routes = options.operations.map((operation) => ({ operation, pattern: patternOf(operation.on) }));
  const answer = async (method: string, rawUrl: string, headers: SentHeaders, body: Buffer) => {
    const { credentials, clock = Date.now, service } = options;
    const [path = '', search = ''] = rawUrl.split(/\?(.*)/s, 2);
    // The gateway looks for the API before it looks at the signature.
    const found = routes.find(({ pattern }) => pattern.test(`${method} ${path}`));
    if (found === undefined) throw noSuchApi();
    const verdict = verifySdkSignature({ method, rawUrl, headers, body }, credentials, clock);
    if (!verdict.ok) {
      throw gatewayRefusal(401, 'APIGW.0301', `Incorrect IAM authentication information: ${verdict.reason}`);
    }
    const { operation, pattern } = found;
    const { key } = verdict;
    const groups = pattern.exec(`${method} ${path}`)?.groups ?? {};
    const names = Object.fromEntries(
      Object.entries(groups).map(([name, value]) => [name, decodeURIComponent(value)]),
    );
    const { project_id: projectId = key.projectId } = names;
    if (projectId !== key.projectId) throw options.wrongProject?.(projectId) ?? noSuchApi();
    if (operation.action !== undefined && !isAllowed(key, operation.action)) {
      throw options.forbidden(operation.action);
    }
    return operation.run({ names, query: new URLSearchParams(search), rawUrl, key, body }, service);
  };
  return createServer(async (request, response) => {
    const requestId = newRequestId();
    const { method = 'GET', url = '/', headers } = request;
    const answered = await readBody(request, MAX_BODY_BYTES)
      .catch(() => {
        throw gatewayRefusal(413, 'APIGW.0201', 'Request entity too large.');
      })
      .then((body) => answer(method, url, headers, body))
      .catch((error: unknown) => refusalOf(error));
    const { status, body } = answered;
    if (body === undefined) response.writeHead(status, { 'x-request-id': requestId }).end();
    else {
      const isGateways = String(body.error_code ?? '').startsWith('APIGW.');
      sendJson(response, status, isGateways ? { ...body, request_id: requestId } : body, {
        'x-request-id': requestId,
      });
    }
  });
}

type SentHeaders = Parameters<typeof verifySdkSignature>[0]['headers'];

/** `GET /a/{b}` as an expression with a group for each name. */
function patternOf(on: string): RegExp {
  const parts = on.split(/\{(\w+)\}/);
  const source = parts.map((part, index) =>
    index % 2 === 1 ? `(?<${part}>[^/]+)` : part.replaceAll('.', '\\.'),
  );
  return new RegExp(`^${source.join('')}$`);
}

function gatewayRefusal(status: number, code: string, message: string): Refused {
  return new Refused(status, { error_msg: message, error_code: code });
}

function noSuchApi(): Refused {
  return gatewayRefusal(
    404,
    'APIGW.0101',
    'The API does not exist or has not been published in the environment.',
  );
}

function refusalOf(error: unknown): SignedAnswer {
  if (error instanceof Refused) return { status: error.status, body: error.body };
  if (error instanceof URIError) return gatewayRefusal(400, 'APIGW.0201', 'Bad request.');
  return gatewayRefusal(500, 'APIGW.0201', `Backend unavailable: ${String(error)}`);
}
