import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Clock } from './clock';
import { newRequestId } from './http-server';
import type { AwsReceivedRequest } from './iam/aws-signature-doctor';
import type { ReceivedRequest } from './iam/canonical-request';
import type { AccessKey, Credentials } from './iam/credentials';
import { verifySdkSignature } from './iam/sdk-signature';

/** One line of the access log, the same for every service. */
export interface AccessLogEntry {
  /** The platform's name for it, such as `API Gateway`. */
  service: string;
  requestId: string;
  method: string;
  /** As received. Do not show it: its query may contain a signature. */
  rawUrl: string;
  /** Safe to show: path and query as received; for OBS bucket and key, decoded. */
  path: string;
  status: number;
  errorCode?: string;
  /** The exact cause, which the answer may not reveal. */
  detail?: string;
  durationMs: number;
  /** The request itself, if its SDK-HMAC-SHA256 signature was refused. */
  unproven?: ReceivedRequest;
  /** The request itself, without its body, if OBS refused its signature of AWS version 4. */
  unprovenV4?: AwsReceivedRequest;
  /** The text that OBS signed, if a signature does not match. */
  stringToSign?: string;
  /** Whose key signed the request: the name of a function, or the id of the key. Absent if the key is unknown. */
  caller?: string;
  /** The function that API Gateway invoked. Absent if no API matched. */
  functionName?: string;
  /** Request id of that invocation. */
  invocationId?: string;
}

/** A request on its way through a service. */
export interface Exchange<Parsed = unknown> {
  readonly message: IncomingMessage;
  /** Only for handing the request on: `serve` returns its answers. */
  readonly response: ServerResponse;
  readonly requestId: string;
  /** What the service has found out so far, for the log. */
  readonly log: Partial<
    Pick<
      AccessLogEntry,
      'path' | 'caller' | 'unproven' | 'unprovenV4' | 'stringToSign' | 'functionName' | 'invocationId'
    >
  >;
  /** What the service has read from the message so far. A refusal may need it. */
  parsed?: Parsed;
}

/** An answer as it is sent. Its length is added. */
export interface Answer {
  status: number;
  headers?: Readonly<Record<string, string>>;
  body?: string | Buffer | Readable;
}

/** A refusal, and what the log says about it. */
export interface Refusal extends Answer {
  errorCode: string;
  detail?: string | undefined;
}

/** What differs between services: the order of checks, and the form of refusals. */
export interface Front<Parsed> {
  /** The platform's name for it. */
  service: string;
  /** Throws every refusal. Returns undefined if it has handed the request on. */
  serve(exchange: Exchange<Parsed>): Promise<Answer | undefined>;
  /** Turns whatever `serve` threw into an answer. */
  refuse(error: unknown, exchange: Exchange<Parsed>): Refusal;
  /** Headers of every answer. Default: `x-request-id`. */
  headers?(exchange: Exchange<Parsed>): Record<string, string>;
  /** Called once for every request, after its answer has been sent. */
  onRequest?: ((entry: AccessLogEntry) => void) | undefined;
}

/** An answer with headers that HTTP does not allow. */
export class UnsendableAnswer extends Error {}

/** A request whose SDK-HMAC-SHA256 signature is not valid. The message is the reason, in the platform's words. */
export class BadSignature extends Error {}

/** The request listener of a service: request id, time, refusals and the access log. */
export function front<Parsed = unknown>(
  service: Front<Parsed>,
): (message: IncomingMessage, response: ServerResponse) => void {
  return (message, response) => {
    answer(service, { message, response, requestId: newRequestId(), log: {} }).catch((error: unknown) => {
      console.error(`${service.service}: no answer could be sent`, error);
      response.destroy();
    });
  };
}

/** A JSON body in the form that the platform sends. */
export function jsonAnswer(status: number, body: unknown, headers: Record<string, string> = {}): Answer {
  return {
    status,
    headers: { 'content-type': 'application/json;charset=UTF-8', ...headers },
    body: JSON.stringify(body),
  };
}

/**
 * The key with which a request was signed.
 * @throws BadSignature
 */
export function requireSignature(
  { message, log }: Exchange,
  body: Buffer,
  credentials: Credentials,
  clock: Clock,
): AccessKey {
  const received = { ...startOf(message), body };
  const verdict = verifySdkSignature(received, credentials, clock);
  if (verdict.ok) {
    log.caller = callerOf(verdict.key);
    return verdict.key;
  }
  log.unproven = received;
  throw new BadSignature(verdict.reason);
}

/** Who made a request, in the log's words. */
export function callerOf({ holder, accessKey }: AccessKey): string {
  return holder ?? accessKey;
}

/** The request line and the headers. */
export function startOf({ method = 'GET', url: rawUrl = '/', headers }: IncomingMessage): {
  method: string;
  rawUrl: string;
  headers: IncomingHttpHeaders;
} {
  return { method, rawUrl, headers };
}

async function answer<Parsed>(service: Front<Parsed>, exchange: Exchange<Parsed>): Promise<void> {
  const startedAtMs = performance.now();
  const { message, response, requestId, log } = exchange;
  const refused: Pick<AccessLogEntry, 'errorCode' | 'detail'> = {};
  const sendWithId = ({ status, headers, body }: Answer) =>
    send(
      response,
      status,
      { ...(service.headers?.(exchange) ?? { 'x-request-id': requestId }), ...headers },
      body,
    );
  try {
    const answered = await service.serve(exchange);
    if (answered === undefined) return;
    await sendWithId(answered);
  } catch (error) {
    const refusal = service.refuse(error, exchange);
    refused.errorCode = refusal.errorCode;
    if (refusal.detail !== undefined) refused.detail = refusal.detail;
    await sendWithId(refusal);
  }
  const { method, rawUrl } = startOf(message);
  service.onRequest?.({
    service: service.service,
    requestId,
    method,
    rawUrl,
    path: rawUrl,
    status: response.statusCode,
    durationMs: performance.now() - startedAtMs,
    ...refused,
    ...log,
  });
}

/** @throws UnsendableAnswer before anything is sent */
async function send(
  response: ServerResponse,
  status: number,
  headers: Record<string, string>,
  body: Answer['body'],
): Promise<void> {
  if (typeof body === 'string' || Buffer.isBuffer(body)) {
    headers['content-length'] = String(Buffer.byteLength(body));
  } else if (body === undefined && status !== 204 && status !== 304) {
    headers['content-length'] ??= '0';
  }
  try {
    response.writeHead(status, headers);
  } catch (cause) {
    if (body instanceof Readable) body.destroy();
    throw new UnsendableAnswer('The answer has a header that HTTP does not allow.', { cause });
  }
  if (body instanceof Readable) {
    // A client that disconnects during a download is no error of this server.
    await pipeline(body, response).catch(() => undefined);
  } else response.end(body);
}
