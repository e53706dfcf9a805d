import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock } from '../clock';
import { sendJson } from '../http-server';
import type { ReceivedRequest } from './canonical-request';
import type { Credentials } from './credentials';
import { type Diagnosis, diagnoseSignature } from './signature-doctor';

/** The request whose signature was refused last, and why. */
export interface LastRefusal extends Diagnosis {
  method: string;
  /** Host, path and query as received. */
  url: string;
  /** ISO 8601. */
  receivedAt: string;
  /** What the caller was told. */
  refusal: string;
}

export const LAST_REFUSAL_PATH = '/_last-refusal';

/**
 * Remembers the last request that was refused for its SDK signature and explains it at `GET /_last-refusal`; `null` when
 * there was none. Only the last one, since a body may have many megabytes.
 *
 * @returns answers a request for that path and says whether it did
 */
export function rememberLastRefusal(
  credentials: Credentials,
  clock: Clock = Date.now,
): (request: IncomingMessage, response: ServerResponse) => boolean {
  let last: { request: ReceivedRequest; refusal: string; nowMs: number } | undefined;
  credentials.onRefusal = (request, refusal) => {
    last = { request, refusal, nowMs: clock() };
  };
  const explain = (): LastRefusal | null => {
    if (last === undefined) return null;
    const { request, refusal, nowMs } = last;
    const [, accessKey = ''] = /Access=([^,\s]+)/.exec(String(request.headers.authorization)) ?? [];
    // Where the key is unknown, the refusal itself says so.
    const secretKey = credentials.find(accessKey)?.secretKey ?? '';
    const diagnosis = diagnoseSignature({ request, refusal }, { secretKey, nowMs });
    return {
      method: request.method,
      url: `${request.headers.host}${request.rawUrl}`,
      receivedAt: new Date(nowMs).toISOString(),
      refusal,
      // A key that is no longer valid is refused however right its signature is.
      ...(diagnosis.isRight ? { isRight: false, explanation: `Refused: ${refusal}.` } : diagnosis),
    };
  };
  return ({ method, url }, response) => {
    if (method !== 'GET' || url !== LAST_REFUSAL_PATH) return false;
    sendJson(response, 200, explain());
    return true;
  };
}
