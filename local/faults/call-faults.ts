import { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { newRequestId, readBody, sendJson } from '../http-server';
import { renderError } from '../obs/xml';
import type { Dice } from './dice';
import type { FaultName } from './parse-faults';
import type { Timeouts } from './timeouts';

/** Longer than the ten seconds that many clients wait. */
const MAX_SLOWNESS_MS = 12_000;

/** The longest time for which another caller's burst uses up the quota. */
const MAX_BURST_MS = 20_000;

/** A call on its way to a service, and what a fault can do with it. */
export interface Call {
  request: IncomingMessage;
  response: ServerResponse;
  /** Passes the call to the service. */
  serve: (request: IncomingMessage, response: ServerResponse) => void;
  dice: Dice;
  timeouts: Timeouts;
  /** Until when another caller uses up MPC's quota; shared by all calls. */
  burst: { untilMs: number };
}

export type CallFault = Extract<FaultName, `${'mpc' | 'obs'}.${string}`>;

/** What each fault does with a call. If several hit the same call, the first in this order happens. */
export const CALL_FAULTS: Readonly<Record<CallFault, (call: Call) => void>> = {
  'mpc.reset': ({ request }) => request.socket.destroy(),
  'mpc.429': (call) =>
    // Short on purpose: a client that waits a whole minute after each would get little done.
    throttle(call, 1),
  'mpc.burst': (call) => {
    const { burst, dice } = call;
    if (burst.untilMs <= Date.now()) burst.untilMs = Date.now() + dice.roll('mpc.burst: time') * MAX_BURST_MS;
    throttle(call, Math.ceil((burst.untilMs - Date.now()) / 1000));
  },
  'mpc.500': (call) => refuse(call, 500, 'MPC.10050', 'System error. Contact technical support.'),
  'mpc.502': (call) => refuse(call, 502, 'APIGW.0202', 'Backend unavailable.'),
  'mpc.late': arriveLate,
  'mpc.slow': answerLate,
  'mpc.reset-after-accept': breakAfterwards,
  'mpc.500-after-accept': (call) =>
    void serveUnseen(call).then(() =>
      refuse(call, 500, 'MPC.10050', 'System error. Contact technical support.'),
    ),
  'obs.503': (call) => {
    const requestId = newRequestId();
    const body = renderError({
      Code: 'ServiceUnavailable',
      Message: 'The server is overloaded or has internal errors.',
      RequestId: requestId,
    });
    afterBody(call.request, () =>
      call.response
        .writeHead(503, { 'content-type': 'application/xml', 'x-obs-request-id': requestId })
        .end(call.request.method === 'HEAD' ? undefined : body),
    );
  },
  'obs.reset-after': breakAfterwards,
};

/** Lets the service handle the whole call. The answer goes nowhere. */
export function serveUnseen({ request, serve }: Call): Promise<void> {
  return new Promise((resolve) => {
    const unseen = new ServerResponse(request);
    const nowhere = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() });
    unseen.assignSocket(nowhere as unknown as Socket);
    unseen.once('finish', resolve);
    unseen.once('close', resolve);
    serve(request, unseen);
  });
}

function breakAfterwards(call: Call): void {
  void serveUnseen(call).then(() => call.request.socket.destroy());
}

/** The whole call is delayed. A caller who hangs up meanwhile cannot take it back. */
function arriveLate({ request, response, serve, dice, timeouts }: Call): void {
  const waitMs = dice.roll('mpc.late: time') * MAX_SLOWNESS_MS;
  readBody(request, Number.POSITIVE_INFINITY).then(
    (body) => timeouts.later(waitMs, () => serve(copyOf(request, body), response)),
    // The caller hung up before all of it was sent, so there is nothing to serve.
    () => {},
  );
}

/** A request that outlives its connection. */
function copyOf(request: IncomingMessage, body: Buffer): IncomingMessage {
  const copy = new IncomingMessage(request.socket);
  const { method, url, headers, rawHeaders, httpVersion } = request;
  Object.assign(copy, { method, url, headers, rawHeaders, httpVersion });
  copy.complete = true;
  copy.push(body);
  copy.push(null);
  return copy;
}

/** The service writes the answer at once; the connection delivers it late. */
function answerLate({ request, response, serve, dice, timeouts }: Call): void {
  const { socket } = request;
  // Without a connection the answer is collected in memory.
  response.detachSocket(socket);
  timeouts.later(dice.roll('mpc.slow: time') * MAX_SLOWNESS_MS, () => {
    if (!socket.destroyed) response.assignSocket(socket);
  });
  serve(request, response);
}

function throttle(call: Call, retryAfterSeconds: number): void {
  const message = 'The throttling threshold has been reached: policy user over ratelimit';
  refuse(call, 429, 'APIGW.0308', message, { 'retry-after': String(retryAfterSeconds) });
}

/** The gateways in front of MPC put the request id into the body as well; MPC does not. */
function refuse(
  { request, response }: Call,
  status: number,
  code: string,
  message: string,
  headers: Record<string, string> = {},
): void {
  const requestId = newRequestId();
  const id = code.startsWith('APIGW.') ? { request_id: requestId } : {};
  afterBody(request, () =>
    sendJson(
      response,
      status,
      { error_code: code, error_msg: message, ...id },
      { 'x-request-id': requestId, ...headers },
    ),
  );
}

/** A client that gets an answer while it still sends may miss it. */
function afterBody(request: IncomingMessage, answer: () => void): void {
  if (request.readableEnded) answer();
  else request.once('end', answer).resume();
}
