import type { IncomingHttpHeaders } from 'node:http';
import type { GatewayBehaviour } from './behaviour';
import type { RouteMatch } from './routes';

/** A request as the gateway received it. */
export interface GatewayRequest {
  requestId: string;
  method: string;
  /** Path and query as received. */
  rawUrl: string;
  headers: IncomingHttpHeaders;
  body: Buffer;
  clientIp: string;
}

/** The event that API Gateway hands to a function (captured from a dedicated gateway). */
export interface GatewayEvent {
  body: string;
  isBase64Encoded: true;
  requestContext: { apiId: string; requestId: string; stage: string };
  queryStringParameters?: Record<string, string | string[]> | null;
  httpMethod: string;
  pathParameters: Record<string, string>;
  headers: Record<string, string>;
  path: string;
}

type QueryBehaviour = Pick<GatewayBehaviour, 'repeatedQueryParameters' | 'missingQuery'>;

/** Headers that concern one connection only. */
const CONNECTION_HEADERS = new Set(['connection', 'keep-alive', 'transfer-encoding', 'upgrade', 'expect']);

/** Makes the event of a request: the body always in base64, the path decoded, the names of headers in lower case. */
export function gatewayEvent(
  request: GatewayRequest,
  { route, pathParameters }: RouteMatch,
  behaviour: QueryBehaviour,
): GatewayEvent {
  const url = new URL(request.rawUrl, 'http://gateway');
  const query = queryOf(url.searchParams, behaviour);
  return {
    body: request.body.toString('base64'),
    isBase64Encoded: true,
    requestContext: { apiId: route.apiId, requestId: request.requestId, stage: route.stage },
    ...(query === undefined ? {} : { queryStringParameters: query }),
    httpMethod: request.method,
    pathParameters,
    headers: headersOf(request),
    path: decodeURIComponent(request.rawUrl.split('?')[0] ?? ''),
  };
}

function headersOf({ headers, clientIp, requestId }: GatewayRequest): Record<string, string> {
  const received: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined || CONNECTION_HEADERS.has(name)) continue;
    received[name] = Array.isArray(value) ? value.join(', ') : value;
  }
  const host = received.host ?? '';
  const forwarded = received['x-forwarded-for'];
  return {
    ...received,
    'x-real-ip': clientIp,
    // Clients can put any value in front: only x-real-ip can be trusted.
    'x-forwarded-for': forwarded === undefined ? clientIp : `${forwarded}, ${clientIp}`,
    'x-forwarded-proto': 'http',
    'x-forwarded-port': /:(\d+)$/.exec(host)?.[1] ?? '80',
    'x-forwarded-host': host,
    'x-request-id': requestId,
  };
}

function queryOf(
  parameters: URLSearchParams,
  behaviour: QueryBehaviour,
): GatewayEvent['queryStringParameters'] {
  if (parameters.size === 0 && behaviour.missingQuery !== 'empty') {
    return behaviour.missingQuery === 'null' ? null : undefined;
  }
  const query: Record<string, string | string[]> = {};
  for (const name of new Set(parameters.keys())) {
    const values = parameters.getAll(name);
    const last = values.at(-1) ?? '';
    query[name] = values.length > 1 && behaviour.repeatedQueryParameters === 'array' ? values : last;
  }
  return query;
}
