import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Clock } from '../clock';
import { newRequestId } from '../http-server';
import type { Credentials } from '../iam/credentials';
import { DEFAULT_BEHAVIOUR, type ObsBehaviour } from './behaviour';
import { corsHeaders } from './cors';
import { ObsError } from './errors';
import { renderObjectEvents } from './events';
import type { FunctionTarget } from './notification';
import type { ObjectStore } from './object-store';
import type { Answer } from './operation';
import { type ObsRequest, parseRequest, protocolName } from './request';
import { findOperation, publicOperation } from './router';
import { verifySignature } from './signature';
import { renderError, renderXml } from './xml';

/** What became of one request. */
export interface ObsLogEntry {
  method: string;
  bucket?: string;
  key?: string;
  status: number;
  errorCode?: string;
  /** The sentence of the refusal. */
  detail?: string;
  /** What OBS signed, when a signature does not match. */
  stringToSign?: string;
  durationMs: number;
  requestId: string;
}

export interface ObsOptions {
  store: ObjectStore;
  credentials: Credentials;
  /** For example `cn-north-4`. */
  region: string;
  clock?: Clock;
  /** Host name of the service; `<bucket>.<domain>` addresses a bucket. Any other host name means path style. */
  domain?: string;
  /** What OBS's documents leave open. */
  behaviour?: Partial<ObsBehaviour>;
  /** What receives the notifications of buckets; without it they go nowhere. */
  functions?: FunctionTarget;
  /** Called once for every request, after its answer has left. */
  onRequest?: (entry: ObsLogEntry) => void;
}

/** An answer as it goes over the wire. */
interface Rendered {
  status: number;
  headers: Record<string, string>;
  body?: Readable | string;
}

/**
 * An HTTP server, not yet listening, that speaks the OBS API in both dialects over the objects of a store. Notifications
 * are sent for every write into the store, until the server or the store is closed.
 */
export function createObsServer(options: ObsOptions): Server {
  const server = createServer((message, response) => {
    respond(message, response, options).catch((error: unknown) => {
      console.error('OBS: no answer could be sent', error);
      response.destroy();
    });
  });
  if (options.functions !== undefined) server.once('close', sendNotifications(options, options.functions));
  return server;
}

/** Hands every notification to the function that it names; the function that is returned ends it. */
function sendNotifications({ store, region, behaviour }: ObsOptions, functions: FunctionTarget): () => void {
  const { notificationShape, encodeEventKeys: encodeKeys } = { ...DEFAULT_BEHAVIOUR, ...behaviour };
  return store.onNotification(({ id: configurationId, functionUrn }, event) => {
    const message = renderObjectEvents(notificationShape, [event], region, { encodeKeys, configurationId });
    try {
      functions.invoke(functionUrn, message);
    } catch (error) {
      // The write has happened; OBS tells nobody that a notification found no function.
      console.error(`OBS: notification ${configurationId} could not be delivered to ${functionUrn}`, error);
    }
  });
}

async function respond(
  message: IncomingMessage,
  response: ServerResponse,
  options: ObsOptions,
): Promise<void> {
  const startedMs = performance.now();
  const requestId = newRequestId();
  let request: ObsRequest | undefined;
  let rendered: Rendered;
  let refusal: ObsError | undefined;
  try {
    request = parseRequest(message, options.domain ?? 'obs.localhost', requestId);
    rendered = renderAnswer(await execute(request, options), request, options.region);
  } catch (error) {
    refusal = asObsError(error, message);
    rendered = renderRefusal(refusal, request, requestId);
  }
  const dialect = request?.dialect ?? 'obs';
  const identity = Buffer.from(requestId, 'hex').toString('base64');
  await send(response, {
    ...rendered,
    headers: {
      server: 'OBS',
      'x-obs-request-id': requestId,
      [protocolName(dialect, 'request-id')]: requestId,
      [protocolName(dialect, 'id-2')]: identity,
      ...(request !== undefined && crossOriginHeaders(request, options.store)),
      ...rendered.headers,
    },
  });
  options.onRequest?.({
    method: message.method ?? '',
    ...(request?.bucket !== undefined && { bucket: request.bucket }),
    ...(request?.key !== undefined && { key: request.key }),
    status: rendered.status,
    ...(refusal !== undefined && { errorCode: refusal.code, detail: refusal.message }),
    ...(refusal?.details.StringToSign !== undefined && { stringToSign: refusal.details.StringToSign }),
    durationMs: performance.now() - startedMs,
    requestId,
  });
}

async function execute(request: ObsRequest, options: ObsOptions): Promise<Answer> {
  const { store, credentials, region, functions, clock = Date.now } = options;
  const behaviour = { ...DEFAULT_BEHAVIOUR, ...options.behaviour };
  const ownerId = credentials.permanent.projectId;
  const call = { store, request, region, ownerId, behaviour, ...(functions !== undefined && { functions }) };
  if (request.isPathStyle && behaviour.pathStyle === 'refused') {
    throw new ObsError(
      'VirtualHostDomainRequired',
      'Virtual host domain is required: address the bucket in the host name, not in the path.',
    );
  }
  const open = publicOperation(request);
  if (open !== undefined) return open(call);
  verifySignature(request, credentials, clock);
  return findOperation(request)(call);
}

function renderAnswer(
  { status, headers = {}, xml, body }: Answer,
  { dialect }: ObsRequest,
  region: string,
): Rendered {
  if (xml === undefined) return { status, headers, ...(body !== undefined && { body }) };
  return {
    status,
    headers: { ...headers, 'content-type': 'application/xml' },
    body: renderXml(xml, dialect, region),
  };
}

/** The code stands in the headers too, for an answer to HEAD has no body. */
function renderRefusal(refusal: ObsError, request: ObsRequest | undefined, requestId: string): Rendered {
  const { code, message, status, details, headers } = refusal;
  const dialect = request?.dialect ?? 'obs';
  const resource = [request?.bucket, request?.key].filter((name) => name !== undefined).join('/');
  return {
    status,
    headers: {
      ...headers,
      'content-type': 'application/xml',
      [protocolName(dialect, 'error-code')]: code,
      [protocolName(dialect, 'error-message')]: message.replace(/[^ -~]/g, '?'),
    },
    body: renderError({
      Code: code,
      Message: message,
      Resource: `/${resource}`,
      RequestId: requestId,
      HostId: Buffer.from(requestId, 'hex').toString('base64'),
      ...details,
    }),
  };
}

function asObsError(error: unknown, message: IncomingMessage): ObsError {
  if (error instanceof ObsError) return error;
  if (message.destroyed && !message.complete) {
    return new ObsError('IncompleteBody', 'The connection ended before the whole request body had arrived.');
  }
  console.error('OBS: internal error', error);
  return new ObsError('InternalError', 'We encountered an internal error. Please try again.');
}

/** What lets a script of another origin read the answer, when the rules of the bucket do. */
function crossOriginHeaders(request: ObsRequest, store: ObjectStore): Record<string, string> | undefined {
  const { bucket, headers, method } = request;
  const origin = headers.get('origin');
  if (origin === undefined || bucket === undefined || method === 'OPTIONS' || !store.hasBucket(bucket)) {
    return undefined;
  }
  return corsHeaders(store.cors(bucket), { origin, method, headers: [] });
}

async function send(response: ServerResponse, { status, headers, body }: Rendered): Promise<void> {
  const hasBody = response.req.method !== 'HEAD' && body !== undefined;
  if (typeof body === 'string') headers['content-length'] = hasBody ? String(Buffer.byteLength(body)) : '0';
  else if (body === undefined && status !== 204 && status !== 304) headers['content-length'] ??= '0';
  response.writeHead(status, headers);
  if (typeof body !== 'object') {
    response.end(hasBody ? body : undefined);
    return;
  }
  // A client that goes away in the middle of a download is no error of this server.
  await pipeline(body, response).catch(() => undefined);
}
