import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { NoAnswerError, type SnapshotClient } from '../../../client/src';
import { readBody, sendJson } from '../../../local/http-server';
import { assertSameOrigin, isOwnHost } from '../../server/console-server';
import { ConsoleRefusal } from '../console-source';

const PATH = /^\/snapshots(\/[\w-]{1,64})?$/;
const MAX_BODY_BYTES = 64 * 1024;
/** Of the page's headers. */
const SENT = ['idempotency-key', 'accept'];
/** Of the service's headers. */
const HANDED_ON = [
  'content-type',
  'cache-control',
  'location',
  'retry-after',
  'content-security-policy',
  'x-request-id',
];

/**
 * Forwards the page's calls of the service's API, with the caller's signature.
 * Calls that change something are forwarded only with `canWrite`.
 */
export async function relayApi(
  request: IncomingMessage,
  response: ServerResponse,
  { api, canWrite }: { api: SnapshotClient; canWrite: boolean },
): Promise<void> {
  try {
    const { method = 'GET', url = '/' } = request;
    refuseUnfit(request, canWrite);
    const body = method === 'POST' ? await readBody(request, MAX_BODY_BYTES) : undefined;
    const headers = pick(SENT, (name) => request.headers[name]);
    const answer = await api.call(method, url, {
      ...(body !== undefined && { body }),
      headers,
    });
    const isPage = /\bhtml\b/.test(answer.headers.get('content-type') ?? '');
    const sheetPolicy = answer.headers.get('content-security-policy') ?? "default-src 'none'";
    const sent: OutgoingHttpHeaders = {
      ...pick(HANDED_ON, (name) => answer.headers.get(name)),
      // A page of the service runs nothing with the console's rights, whatever it holds.
      ...(isPage && { 'content-security-policy': `${sheetPolicy}, sandbox allow-popups` }),
      'x-content-type-options': 'nosniff',
    };
    response.writeHead(answer.status, sent);
    response.end(Buffer.from(await answer.arrayBuffer()));
  } catch (error) {
    const [status, message] =
      error instanceof ConsoleRefusal
        ? [error.status, error.message]
        : error instanceof NoAnswerError
          ? [502, error.message]
          : [502, 'the call could not be forwarded'];
    sendJson(response, status, { error_code: `CONSOLE.${status}`, error_msg: message });
  }
}

/** @throws ConsoleRefusal 403 or 404 */
function refuseUnfit(request: IncomingMessage, canWrite: boolean): void {
  const { method = 'GET', url = '/' } = request;
  if (!isOwnHost(request))
    throw new ConsoleRefusal(403, 'open the console at http://127.0.0.1 or http://localhost');
  const isReading = method === 'GET';
  // A contact sheet may be opened by a link, which changes nothing.
  if (!isReading || request.headers['sec-fetch-mode'] !== 'navigate') assertSameOrigin(request);
  const isKnown = PATH.test(url.split('?')[0] ?? '') && ['GET', 'POST', 'DELETE'].includes(method);
  if (!isKnown) throw new ConsoleRefusal(404, 'the service has no such API');
  if (!isReading && !canWrite) {
    throw new ConsoleRefusal(403, 'the console is read-only: start it with --write to change something');
  }
}

function pick(
  names: readonly string[],
  read: (name: string) => string | string[] | null | undefined,
): Record<string, string> {
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = read(name);
      return typeof value === 'string' ? [[name, value]] : [];
    }),
  );
}
