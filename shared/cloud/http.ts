import type { Agent, ClientRequest, ClientRequestArgs, IncomingHttpHeaders } from 'node:http';
import type { LookupFunction, Socket } from 'node:net';
import type { ConnectionOptions } from 'node:tls';
import { AnswerTooLarge, ServiceTimedOut, ServiceUnavailable } from '../core/errors';

/** One request, ready to be sent. */
export interface HttpRequest {
  method: string;
  /** `https://host[:port]` */
  origin: string;
  /** Encoded path and query; sent unchanged. */
  path: string;
  headers: Readonly<Record<string, string>>;
  body?: string | Uint8Array | undefined;
}

export interface HttpResponse {
  status: number;
  headers: IncomingHttpHeaders;
  /** From the Retry-After header; undefined without one. */
  retryAfterSeconds: number | undefined;
  bytes: Buffer;
  /** The bytes as UTF-8. */
  body: string;
  /** How many times the request was sent. */
  attempts: number;
}

/**
 * When a request may be sent again:
 * - `always`: after any failure that may pass. For reads, deletions and writes of the same content.
 * - `unrefused`: as `always`, but not after a 429. For requests that can wait, so that they take nothing of a quota
 *   that is used up.
 * - `refused`: when it certainly never left, or after a 429. For requests that create something.
 * - `unsent`: when it certainly never left. For requests with a pace of their own.
 */
export type Repeat = 'always' | 'unrefused' | 'refused' | 'unsent';

export interface SendOptions {
  /** Name of the service, for error messages. */
  service: string;
  /** When all attempts must have ended, ms since the epoch. */
  deadlineMs: number;
  /** After which failures the request may be sent again. */
  repeat: Repeat;
  /**
   * Resolves a host name; the system's resolver when left out. Requests with one share no connection with those without:
   * the name of an open connection would not be resolved again.
   */
  lookup?: LookupFunction;
  /** Limit of one attempt, ms; 10 s when left out, so that a hanging connection leaves time for another attempt. */
  attemptTimeoutMs?: number | undefined;
  /** Limit of the answer, bytes; 8 MiB when left out. */
  maxBytes?: number | undefined;
}

const MAX_ATTEMPTS = 4;
const FIRST_DELAY_MS = 200;
/** Longer waits are up to the caller: nobody should pay for a function that sleeps. */
const MAX_DELAY_MS = 5_000;
const ATTEMPT_TIMEOUT_MS = 10_000;
/** Services close idle connections: one that was idle longer than this gets no request. */
const IDLE_LIMIT_MS = 4_000;
const MAX_BODY_BYTES = 8 * 1024 * 1024;

type Protocol = 'http:' | 'https:';

interface Transport {
  request: typeof import('node:http').request;
  agent: Agent;
}

// Connections outlive an invocation; credentials never do.
const transports: Partial<Record<string, Transport>> = {};
/** Connections that were opened before their first request, by host and port. */
const earlyConnections = new Map<string, Socket>();
const handingOut = new WeakSet<Agent>();
/** Established connections. A request on any other one certainly never left. */
const established = new WeakSet<Socket>();
/** Since when a connection has been without a request, ms since the epoch. */
const idleSinceMs = new WeakMap<Socket, number>();

/** Loaded when first needed, so that a cold start does not pay for a protocol that it does not use. */
function transportOf(protocol: Protocol, hasOwnLookup: boolean): Transport {
  const known = transports[protocol + hasOwnLookup];
  if (known !== undefined) return known;
  const { request, Agent }: typeof import('node:http') | typeof import('node:https') =
    protocol === 'https:' ? require('node:https') : require('node:http');
  const agent = new Agent({ keepAlive: true });
  const { createConnection, keepSocketAlive } = agent;
  agent.createConnection = (options, callback) => {
    const socket = createConnection.call(agent, options, callback) as Socket;
    socket.once(protocol === 'https:' ? 'secureConnect' : 'connect', () => established.add(socket));
    return socket;
  };
  agent.keepSocketAlive = (socket) => {
    idleSinceMs.set(socket as Socket, Date.now());
    return keepSocketAlive.call(agent, socket);
  };
  const transport = { request, agent };
  transports[protocol + hasOwnLookup] = transport;
  return transport;
}

/**
 * Opens a connection in the background. The next request to this origin uses it. Does nothing
 * if an idle one exists. A failure shows in that request, not here.
 * @param origin `https://host[:port]`
 */
export function connect(origin: string): void {
  const { protocol, host, port } = addressOf(origin);
  const { agent } = transportOf(protocol, false);
  const name = `${host}:${port}`;
  handEarlyOut(agent);
  dropStaleConnections(agent);
  const early = takeEarly(name);
  if (early === undefined && Object.keys(agent.freeSockets).some((key) => key.startsWith(`${name}:`))) return;
  earlyConnections.set(name, early ?? open(agent, host, port));
}

/** From now on requests of this agent take the early connection to their origin. */
function handEarlyOut(agent: Agent): void {
  if (handingOut.has(agent)) return;
  handingOut.add(agent);
  const { createConnection } = agent;
  agent.createConnection = (options, callback) =>
    takeEarly(`${options.host}:${options.port}`)?.ref() ?? createConnection.call(agent, options, callback);
}

function open(agent: Agent, host: string, port: number): Socket {
  // An IP address is not allowed as server name of TLS (RFC 6066, section 3).
  const options: ConnectionOptions = { host, port, servername: require('node:net').isIP(host) ? '' : host };
  const socket = agent.createConnection(options as ClientRequestArgs) as Socket;
  socket.setNoDelay();
  idleSinceMs.set(socket, Date.now());
  // Whoever takes the connection sees that it is destroyed.
  socket.on('error', () => {});
  return socket.unref();
}

/** The early connection of this name, unless it is destroyed or was idle for too long. */
function takeEarly(name: string): Socket | undefined {
  const socket = earlyConnections.get(name);
  earlyConnections.delete(name);
  if (socket === undefined || isFresh(socket)) return socket;
  socket.destroy();
  return undefined;
}

function addressOf(origin: string): { protocol: Protocol; host: string; port: number } {
  const { protocol, hostname, port } = new URL(origin);
  return {
    protocol: protocol as Protocol,
    host: hostname.replace(/^\[|\]$/g, ''),
    port: Number(port) || (protocol === 'https:' ? 443 : 80),
  };
}

/**
 * Sends a request and, where that is safe, repeats it: with jittered back-off, after a Retry-After of at most 5 s,
 * never past the deadline. Does not follow redirects.
 *
 * @param prepare makes the request; called for every attempt, because a signature contains its time
 * @returns the last answer, whatever its status
 * @throws ServiceTimedOut, ServiceUnavailable
 */
export async function send(prepare: () => HttpRequest, options: SendOptions): Promise<HttpResponse> {
  for (let attempt = 1; ; attempt++) {
    const outcome = await sendOnce(prepare(), options, attempt).catch((error: unknown) => ({ error }));
    const delayMs =
      attempt < MAX_ATTEMPTS ? delayBeforeRepeatMs(outcome, attempt, options.repeat) : undefined;
    if (delayMs === undefined || delayMs > MAX_DELAY_MS || Date.now() + delayMs >= options.deadlineMs) {
      if ('error' in outcome) throw outcome.error;
      return outcome;
    }
    await new Promise((resolve) => setTimeout(resolve, delayMs));
  }
}

/** The wait before the next attempt; undefined when the request must not be repeated. */
function delayBeforeRepeatMs(
  outcome: HttpResponse | { error: unknown },
  attempt: number,
  repeat: Repeat,
): number | undefined {
  const backOffMs = FIRST_DELAY_MS * 2 ** (attempt - 1) * (0.5 + Math.random());
  const isRepeatable = repeat === 'always' || repeat === 'unrefused';
  if ('error' in outcome) {
    const { error } = outcome;
    if (error instanceof AnswerTooLarge) return undefined;
    const isSafe =
      error instanceof ServiceUnavailable
        ? isRepeatable || !error.mayHaveArrived
        : error instanceof ServiceTimedOut && isRepeatable;
    return isSafe ? backOffMs : undefined;
  }
  const { status, retryAfterSeconds = 0 } = outcome;
  const isPassing =
    status === 429
      ? repeat === 'always' || repeat === 'refused'
      : isRepeatable && (status === 408 || status >= 500);
  return isPassing ? Math.max(backOffMs, retryAfterSeconds * 1000) : undefined;
}

/** Seconds from a Retry-After header, which holds seconds or a date (RFC 9110, section 10.2.3). */
export function parseRetryAfter(value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  const seconds = /^\d+$/.test(value.trim()) ? Number(value) : (Date.parse(value) - Date.now()) / 1000;
  return Number.isFinite(seconds) ? Math.max(0, Math.ceil(seconds)) : undefined;
}

async function sendOnce(request: HttpRequest, options: SendOptions, attempt: number): Promise<HttpResponse> {
  const { attemptTimeoutMs = ATTEMPT_TIMEOUT_MS, maxBytes = MAX_BODY_BYTES } = options;
  const timeoutMs = Math.min(attemptTimeoutMs, options.deadlineMs - Date.now());
  if (timeoutMs <= 0) throw new ServiceTimedOut(options.service);
  const { protocol, host, port } = addressOf(request.origin);
  const { request: begin, agent } = transportOf(protocol, options.lookup !== undefined);
  dropStaleConnections(agent);

  return new Promise((resolve, reject) => {
    let socket: Socket | undefined;
    const sent: ClientRequest = begin({
      agent,
      method: request.method,
      host,
      port,
      path: request.path,
      headers: request.headers,
      ...(options.lookup && { lookup: options.lookup }),
    });
    const timer = setTimeout(() => sent.destroy(new ServiceTimedOut(options.service)), timeoutMs);
    const fail = (error: NodeJS.ErrnoException): void => {
      clearTimeout(timer);
      const mayHaveArrived = socket !== undefined && established.has(socket);
      const known = error instanceof ServiceTimedOut || error instanceof ServiceUnavailable;
      reject(
        known ? error : new ServiceUnavailable(options.service, error.code ?? error.name, mayHaveArrived),
      );
    };
    sent.on('socket', (given) => {
      socket = given;
    });
    sent.on('error', fail);
    sent.on('response', (response) => {
      const chunks: Buffer[] = [];
      let sizeBytes = 0;
      response.on('data', (chunk: Buffer) => {
        sizeBytes += chunk.length;
        if (sizeBytes > maxBytes)
          sent.destroy(new AnswerTooLarge(options.service, `answer exceeds ${maxBytes} bytes`, true));
        chunks.push(chunk);
      });
      response.on('error', fail);
      response.on('end', () => {
        clearTimeout(timer);
        const { statusCode: status = 0, headers } = response;
        const retryAfterSeconds = parseRetryAfter(headers['retry-after']);
        const bytes = Buffer.concat(chunks);
        resolve({
          status,
          headers,
          retryAfterSeconds,
          bytes,
          get body() {
            return bytes.toString();
          },
          attempts: attempt,
        });
      });
    });
    sent.end(request.body);
  });
}

function dropStaleConnections(agent: Agent): void {
  for (const socket of Object.values(agent.freeSockets).flat())
    if (socket && !isFresh(socket)) socket.destroy();
}

function isFresh(socket: Socket): boolean {
  return !socket.destroyed && Date.now() - (idleSinceMs.get(socket) ?? 0) <= IDLE_LIMIT_MS;
}
