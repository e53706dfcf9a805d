import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Clock } from '../clock';
import {
  type AccessLogEntry,
  type Answer,
  type Exchange,
  front,
  jsonAnswer,
  type Refusal as RefusalAnswer,
  startOf,
  UnsendableAnswer,
} from '../front';
import { type FunctionGraph, FunctionGraphError } from '../functiongraph/functiongraph';
import { BodyTooLarge, readBody } from '../http-server';
import type { Credentials } from '../iam/credentials';
import { AccessBook, publishIdOf } from './access-book';
import { checkPolicies } from './access-control';
import { authenticate } from './authentication';
import { DEFAULT_BEHAVIOUR, type GatewayBehaviour } from './behaviour';
import { isPreflight, preflightAnswer, withCors } from './cors';
import { Refusal } from './errors';
import { type GatewayAnswer, readFunctionAnswer } from './gateway-answer';
import { type GatewayRequest, gatewayEvent } from './gateway-event';
import { admitPage, openTo, preflightFor } from './page-guard';
import { isPublishedPath, matchRoute, type RouteMatch, routesOfHost } from './routes';
import { Throttling } from './throttling';

export interface GatewayOptions {
  functiongraph: Pick<FunctionGraph, 'apiRoutes' | 'invoke'>;
  credentials: Credentials;
  /** Who may call the APIs of a gateway (empty for the shared one), and how often. Default: no apps and no policies. */
  accessOf?: (instanceId: string) => AccessBook;
  clock?: Clock;
  /** Origins of pages that a browser may let call the APIs. Default: every page, as in the cloud. */
  origins?: readonly string[];
  behaviour?: Partial<GatewayBehaviour>;
  /** Called if no API matches, before the body is read. Returns true if it has answered the request. */
  fallback?: (request: IncomingMessage, response: ServerResponse) => boolean;
  /** Called for every request that reached the gateway itself, after its answer has been sent. */
  onRequest?: (entry: AccessLogEntry) => void;
}

/** Default limit of API Gateway for a request body. */
const MAX_BODY_BYTES = 12 * 1024 * 1024;

/** Limit for path and query (the number is in the error codes of ROMA Connect's edition of the gateway). */
const MAX_URI_BYTES = 32 * 1024;
/** Limits for one header and for all headers together, from the same table. */
const MAX_HEADER_BYTES = 32 * 1024;
const MAX_HEADERS_BYTES = 128 * 1024;

/** An API Gateway in front of FunctionGraph's API Gateway triggers. Not yet listening. */
export function createGateway(options: GatewayOptions): Server {
  // Node's own limit must be higher than the gateway's, because its refusals look different.
  const maxHeaderSize = 2 * (MAX_URI_BYTES + MAX_HEADERS_BYTES);
  const throttling = new Throttling(options.clock ?? Date.now);
  const serve = (exchange: Exchange) => answer(options, throttling, exchange);
  return createServer(
    { maxHeaderSize },
    front({ service: 'API Gateway', serve, refuse, onRequest: options.onRequest }),
  );
}

/** Checks sizes, API, body, authentication, policies, throttling and function, in this order. */
async function answer(
  options: GatewayOptions,
  throttling: Throttling,
  exchange: Exchange,
): Promise<Answer | undefined> {
  const { message, response } = exchange;
  const { method, url = '/', headers } = message;
  const behaviour = { ...DEFAULT_BEHAVIOUR, ...options.behaviour };
  checkSizes(message);
  // The console has its own, stricter checks.
  const isGuarded = options.origins !== undefined && !url.startsWith('/_console/');
  const page = isGuarded ? admitPage(message, options.origins ?? []) : undefined;
  const routes = routesOfHost(options.functiongraph.apiRoutes(), headers.host ?? '');
  const path = url.split('?')[0] ?? '';
  const match = matchRoute(routes, method ?? 'GET', path);
  if (isPreflight(message) && isPublishedPath(routes, path)) {
    if (page !== undefined) return preflightFor(page, message);
    if (behaviour.cors) return preflightAnswer();
  }
  if (match === undefined) {
    if (options.fallback?.(message, response)) return undefined;
    throw new Refusal(
      404,
      'APIG.0101',
      'The API does not exist or has not been published in the environment.',
    );
  }
  exchange.log.functionName = match.route.functionName;
  const answered = await callFunction(options, throttling, behaviour, match, exchange);
  const open = behaviour.cors && headers.origin !== undefined ? withCors(answered) : answered;
  const opened = page === undefined ? open.headers : openTo(page, open.headers);
  // The id is the gateway's, whatever the function says.
  return { ...open, headers: { ...opened, 'x-request-id': exchange.requestId } };
}

/** @throws Refusal 414 or 494 */
function checkSizes({ url = '', rawHeaders }: IncomingMessage): void {
  if (Buffer.byteLength(url) > MAX_URI_BYTES) throw new Refusal(414, 'APIG.0201', 'Request URI too large.');
  let totalBytes = 0;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const sizeBytes = Buffer.byteLength(`${rawHeaders[index]}: ${rawHeaders[index + 1]}`, 'latin1');
    totalBytes += sizeBytes;
    if (sizeBytes > MAX_HEADER_BYTES || totalBytes > MAX_HEADERS_BYTES) {
      throw new Refusal(494, 'APIG.0201', 'Request headers too large.');
    }
  }
}

async function callFunction(
  { functiongraph, credentials, accessOf, clock = Date.now }: GatewayOptions,
  throttling: Throttling,
  behaviour: GatewayBehaviour,
  match: RouteMatch,
  { message, requestId, log }: Exchange,
): Promise<GatewayAnswer> {
  const { route } = match;
  const request: GatewayRequest = {
    requestId,
    ...startOf(message),
    body: await readBody(message, MAX_BODY_BYTES),
    clientIp: message.socket.remoteAddress ?? '',
  };
  try {
    const access = accessOf?.(route.instanceId) ?? new AccessBook();
    const gate = { credentials, access, takesAppCodes: behaviour.simpleAuthentication, clock };
    const caller = authenticate(route, request, gate);
    checkPolicies(access.policiesOf(publishIdOf(route)), caller);
    const throttle = access.throttleOf(publishIdOf(route));
    if (throttle !== undefined) throttling.admit(throttle, route.apiId, caller);
  } catch (error) {
    if (error instanceof Refusal && error.status === 401 && request.headers.authorization !== undefined)
      log.unproven = request;
    throw error;
  }
  const event = gatewayEvent(request, match, behaviour);
  const result = await withinMs(route.timeoutMs, functiongraph.invoke(route.functionName, event, 'APIG'));
  log.invocationId = result.requestId;
  if (result.isError) throw new Refusal(500, 'FSS.0500', 'Internal server error.');
  const answer = readFunctionAnswer(result.body);
  if (answer === undefined) {
    throw new Refusal(
      500,
      'FSS.1202',
      'The response body or callback body is invalid because they do not contain any status code.',
    );
  }
  return answer;
}

/** Waits for the function, but no longer than the API allows. The function itself continues. */
async function withinMs<T>(timeoutMs: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Refusal(504, 'APIG.0201', 'Backend timeout.')), timeoutMs);
  });
  try {
    return await Promise.race([work, timeout]);
  } finally {
    clearTimeout(timer);
  }
}

/** The body of API Gateway's own answers (API Gateway FAQ, error messages). */
function refuse(error: unknown, { requestId }: Exchange): RefusalAnswer {
  const { status, errorCode, message } = asRefusal(error);
  const body = { error_msg: message, error_code: errorCode, request_id: requestId };
  const headers = { 'content-type': 'application/json' };
  return { ...jsonAnswer(status, body, headers), errorCode, detail: message };
}

function asRefusal(error: unknown): Refusal {
  if (error instanceof Refusal) return error;
  if (error instanceof FunctionGraphError) return new Refusal(error.status, error.errorCode, error.message);
  if (error instanceof BodyTooLarge) return new Refusal(413, 'APIG.0201', 'Request entity too large.');
  if (error instanceof URIError) return new Refusal(400, 'APIG.0201', 'Bad request.');
  if (error instanceof UnsendableAnswer) return new Refusal(500, 'APIG.0201', 'Invalid response header.');
  return new Refusal(500, 'APIG.0103', error instanceof Error ? error.message : String(error));
}
