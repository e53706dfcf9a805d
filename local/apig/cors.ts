import type { IncomingMessage } from 'node:http';
import type { GatewayAnswer } from './gateway-answer';

/** The gateway's answer to a preflight (API Gateway user guide, CORS, not-so-simple request). */
const PREFLIGHT_HEADERS = {
  'access-control-allow-origin': '*',
  'access-control-allow-headers':
    'X-Stage,X-Sdk-Date,X-Sdk-Nonce,X-Proxy-Signed-Headers,X-Sdk-Content-Sha256,X-Forwarded-For,Authorization,Content-Type,Accept,Accept-Ranges,Cache-Control,Range',
  'access-control-expose-headers':
    'X-Request-Id,X-Apig-Latency,X-Apig-Upstream-Latency,X-Apig-RateLimit-Api,X-Apig-RateLimit-User,X-Apig-RateLimit-App,X-Apig-RateLimit-Ip,X-Apig-RateLimit-Api-Allenv',
  'access-control-allow-methods': 'GET,POST,PUT,DELETE,HEAD,OPTIONS,PATCH',
  'access-control-max-age': '172800',
};

/** True for the request that a browser sends before a request to another origin. */
export function isPreflight({ method, headers }: IncomingMessage): boolean {
  return (
    method === 'OPTIONS' &&
    headers.origin !== undefined &&
    headers['access-control-request-method'] !== undefined
  );
}

/** The answer to a preflight request of an API with CORS. */
export function preflightAnswer(): GatewayAnswer {
  return {
    status: 200,
    headers: { 'content-type': 'application/json', ...PREFLIGHT_HEADERS },
    body: Buffer.alloc(0),
  };
}

/** Lets pages of every origin read an answer, unless the function itself says who may read it. */
export function withCors(answer: GatewayAnswer): GatewayAnswer {
  const isDecided = Object.keys(answer.headers).some(
    (name) => name.toLowerCase() === 'access-control-allow-origin',
  );
  if (isDecided) return answer;
  return { ...answer, headers: { ...answer.headers, 'access-control-allow-origin': '*' } };
}
