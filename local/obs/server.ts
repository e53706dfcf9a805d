import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { Clock } from '../clock';
import { type AccessLogEntry, callerOf, front, type Answer as RenderedAnswer } from '../front';
import type { AwsReceivedRequest } from '../iam/aws-signature-doctor';
import type { AccessKey, Credentials } from '../iam/credentials';
import { DEFAULT_BEHAVIOUR, type ObsBehaviour } from './behaviour';
import { corsHeaders } from './cors';
import { ObsError, type ObsErrorCode } from './errors';
import { renderObjectEvents } from './events';
import type { FunctionTarget } from './notification';
import type { ObjectStore } from './object-store';
import type { Answer } from './operation';
import { contentOf, decodedLength } from './payload';
import { type ObsRequest, parseRequest, protocolName } from './request';
import { type Rights, requireRight } from './rights';
import { findOperation, publicOperation } from './router';
import { verifySignature } from './signature';
import { isSignedV4, verifySignatureV4 } from './signature-v4';
import { renderError, renderXml } from './xml';

export interface ObsOptions {
  store: ObjectStore;
  credentials: Credentials;
  /** For example `cn-north-4`. */
  region: string;
  clock?: Clock;
  /** Host name of the service; `<bucket>.<domain>` addresses a bucket. Any other host name means path style. */
  domain?: string;
  /** Switches for what OBS's documents leave open. */
  behaviour?: Partial<ObsBehaviour>;
  /** Receives the notifications of buckets. Without it they go nowhere. */
  functions?: FunctionTarget;
  /** What keys may do. Default: everything. */
  isAllowed?: Rights;
  /** Names of buckets that belong to other accounts. */
  bucketsOfOthers?: readonly string[];
  /** Called once for every request, after its answer has been sent. */
  onRequest?: (entry: AccessLogEntry) => void;
}

/**
 * An HTTP server, not yet listening, that speaks the OBS API in both dialects for the objects of a store. It sends
 * notifications for every write into the store, until the server or the store is closed.
 */
export function createObsServer(options: ObsOptions): Server {
  const { store, region, domain = 'obs.localhost', functions, onRequest } = options;
  const server = createServer(
    front<ObsRequest>({
      service: 'OBS',
      async serve(exchange) {
        // A query that cannot be read may contain a signature too.
        exchange.log.path = '/';
        const request = parseRequest(exchange.message, domain, exchange.requestId);
        exchange.parsed = request;
        exchange.log.path = resourceOf(request);
        const answer = await execute(request, options, (key) => {
          exchange.log.caller = callerOf(key);
        });
        return renderAnswer(answer, request, region);
      },
      refuse(error, { message, parsed, requestId, log }) {
        const refusal = asObsError(error, message);
        const { StringToSign: stringToSign } = refusal.details;
        if (stringToSign !== undefined) log.stringToSign = stringToSign;
        if (parsed !== undefined && isSignedV4(parsed) && UNPROVEN.has(refusal.code)) {
          log.unprovenV4 = receivedRequest(parsed);
        }
        const answer = renderRefusal(refusal, parsed, requestId);
        if (message.method === 'HEAD') delete answer.body;
        return { ...answer, errorCode: refusal.code, detail: refusal.message };
      },
      headers: ({ parsed, requestId }) => ({
        server: 'OBS',
        'x-obs-request-id': requestId,
        [protocolName(parsed?.dialect ?? 'obs', 'request-id')]: requestId,
        [protocolName(parsed?.dialect ?? 'obs', 'id-2')]: identityOf(requestId),
        ...(parsed !== undefined && crossOriginHeaders(parsed, store)),
      }),
      onRequest,
    }),
  );
  if (functions !== undefined) server.once('close', sendNotifications(options, functions));
  return server;
}

/** Hands every notification to the function that it names. @returns a function that ends this */
function sendNotifications({ store, region, behaviour }: ObsOptions, functions: FunctionTarget): () => void {
  const { notificationShape, encodeEventKeys: encodeKeys } = { ...DEFAULT_BEHAVIOUR, ...behaviour };
  return store.onNotification(({ id: configurationId, functionUrn }, event) => {
    const message = renderObjectEvents(notificationShape, [event], region, { encodeKeys, configurationId });
    try {
      functions.invoke(functionUrn, message);
    } catch (error) {
      // The write has happened. OBS reports to nobody that a notification found no function.
      console.error(`OBS: notification ${configurationId} could not be delivered to ${functionUrn}`, error);
    }
  });
}

/** The codes that refuse a signature of version 4. */
const UNPROVEN: ReadonlySet<ObsErrorCode> = new Set<ObsErrorCode>([
  'AccessDenied',
  'AuthorizationHeaderMalformed',
  'AuthorizationQueryParametersError',
  'InvalidAccessKeyId',
  'MissingRegion',
  'RequestTimeTooSkewed',
  'SignatureDoesNotMatch',
  'XAmzContentSHA256Mismatch',
]);

function receivedRequest({ method, message, headers }: ObsRequest): AwsReceivedRequest {
  return { method, rawUrl: message.url ?? '/', headers: Object.fromEntries(headers) };
}

/** @param onCaller receives the key that signed the request */
async function execute(
  request: ObsRequest,
  options: ObsOptions,
  onCaller: (key: AccessKey) => void,
): Promise<Answer> {
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
  const check = (key: AccessKey) => {
    onCaller(key);
    requireRight(request, key, options.isAllowed ?? (() => true));
    refuseForeign(request, options.bucketsOfOthers ?? []);
  };
  if (!isSignedV4(request)) {
    check(verifySignature(request, credentials, clock));
    return findOperation(request)(call);
  }
  const { key, payload } = verifySignatureV4(request, { credentials, clock, region, behaviour });
  check(key);
  const signed: ObsRequest = {
    ...request,
    body: contentOf(request.message, payload, request, behaviour.s3Checksums),
    ...(payload.kind === 'chunked' && { decodedBytes: decodedLength(request.headers) }),
  };
  return findOperation(signed)({ ...call, request: signed });
}

/** Names of buckets are unique in the world. @throws ObsError BucketAlreadyExists, AccessDenied */
function refuseForeign({ bucket, key, method }: ObsRequest, names: readonly string[]): void {
  if (bucket === undefined || !names.includes(bucket)) return;
  if (method === 'PUT' && key === undefined) {
    throw new ObsError(
      'BucketAlreadyExists',
      'The requested bucket name is not available. Choose another one and try again.',
    );
  }
  throw new ObsError('AccessDenied', 'Access Denied');
}

function renderAnswer(
  { status, headers = {}, xml, body }: Answer,
  { dialect }: ObsRequest,
  region: string,
): RenderedAnswer {
  if (xml === undefined) return { status, headers, ...(body !== undefined && { body }) };
  return {
    status,
    headers: { ...headers, 'content-type': 'application/xml' },
    body: renderXml(xml, dialect, region),
  };
}

/** The code is in the headers too, because an answer to HEAD has no body. */
function renderRefusal(
  refusal: ObsError,
  request: ObsRequest | undefined,
  requestId: string,
): RenderedAnswer {
  const { code, message, status, details, headers } = refusal;
  const dialect = request?.dialect ?? 'obs';
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
      Resource: resourceOf(request),
      RequestId: requestId,
      HostId: identityOf(requestId),
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

/** The headers that let a script of another origin read the answer, if the rules of the bucket allow it. */
function crossOriginHeaders(request: ObsRequest, store: ObjectStore): Record<string, string> | undefined {
  const { bucket, headers, method } = request;
  const origin = headers.get('origin');
  if (origin === undefined || bucket === undefined || method === 'OPTIONS' || !store.hasBucket(bucket)) {
    return undefined;
  }
  return corsHeaders(store.cors(bucket), { origin, method, headers: [] });
}

/** What a request addresses, as `/bucket/key`. */
function resourceOf(request: ObsRequest | undefined): string {
  return `/${[request?.bucket, request?.key].filter((name) => name !== undefined).join('/')}`;
}

/** The second id of every answer. Support asks for both. */
function identityOf(requestId: string): string {
  return Buffer.from(requestId, 'hex').toString('base64');
}
