import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net';
import { connect, type HttpRequest, parseRetryAfter, send } from '../../../shared/cloud/http';
import { ServiceTimedOut, ServiceUnavailable } from '../../../shared/core/errors';

type Step = (request: IncomingMessage, response: ServerResponse) => void;

/** A server that answers each request by the next step; the last step serves all further ones. */
async function serve(...steps: Step[]): Promise<{ origin: string; seen: IncomingMessage[]; server: Server }> {
  const seen: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    seen.push(request);
    request.resume();
    steps[Math.min(seen.length, steps.length) - 1]!(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  servers.push(server);
  return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen, server };
}

const servers: Server[] = [];
afterEach(() => {
  jest.restoreAllMocks();
  for (const server of servers.splice(0)) {
    server.close();
    server.closeAllConnections();
  }
});

const status =
  (code: number, headers: Record<string, string> = {}): Step =>
  (_, response) => {
    response.writeHead(code, headers).end(`status ${code}`);
  };
const reset: Step = (request) => request.socket.destroy();
const hang: Step = () => {};

const get = (origin: string): HttpRequest => ({ method: 'GET', origin, path: '/', headers: {} });
const post = (origin: string): HttpRequest => ({ ...get(origin), method: 'POST', body: '{}' });
const within = (ms: number) => ({ service: 'MPC', deadlineMs: Date.now() + ms });

describe('a request that may be repeated', () => {
  test.each([408, 429, 500, 502, 503, 504])('is sent again after status %i', async (code) => {
    const { origin, seen } = await serve(status(code), status(200));
    const response = await send(() => get(origin), { ...within(5000), repeat: 'always' });
    expect(response).toMatchObject({ status: 200, attempts: 2 });
    expect(seen).toHaveLength(2);
  });

  test('is not sent again after a refusal by the quota if somebody else can answer, but after every other passing failure', async () => {
    const refused = await serve(status(429), status(200));
    const unrefused = () => ({ ...within(5000), repeat: 'unrefused' as const });
    expect((await send(() => get(refused.origin), unrefused())).status).toBe(429);
    expect(refused.seen).toHaveLength(1);
    const passing = await serve(reset, status(503), status(200));
    expect(await send(() => get(passing.origin), unrefused())).toMatchObject({ status: 200, attempts: 3 });
  });

  test('is sent again after a lost connection, and prepared again each time', async () => {
    const { origin } = await serve(reset, status(200));
    let prepared = 0;
    const prepare = () => {
      prepared += 1;
      return get(origin);
    };
    expect((await send(prepare, { ...within(5000), repeat: 'always' })).status).toBe(200);
    expect(prepared).toBe(2);
  });

  test('is not sent again after a refusal that would not change', async () => {
    const { origin, seen } = await serve(status(403));
    expect((await send(() => get(origin), { ...within(5000), repeat: 'always' })).status).toBe(403);
    expect(seen).toHaveLength(1);
  });

  test('gives its last answer after four attempts', async () => {
    const { origin, seen } = await serve(status(500));
    const response = await send(() => get(origin), { ...within(20_000), repeat: 'always' });
    expect(response).toMatchObject({ status: 500, attempts: 4 });
    expect(seen).toHaveLength(4);
  });
});

describe('a request that creates something', () => {
  test.each([500, 502, 503, 504, 408])(
    'is not sent again after status %i: it may have been done',
    async (code) => {
      const { origin, seen } = await serve(status(code));
      expect((await send(() => post(origin), { ...within(5000), repeat: 'refused' })).status).toBe(code);
      expect(seen).toHaveLength(1);
    },
  );

  test('is sent again when the quota refused it', async () => {
    const { origin } = await serve(status(429), status(202));
    expect((await send(() => post(origin), { ...within(5000), repeat: 'refused' })).status).toBe(202);
  });

  test('is not sent again silently when it keeps a pace of its own', async () => {
    const { origin, seen } = await serve(status(429), status(202));
    expect((await send(() => post(origin), { ...within(5000), repeat: 'unsent' })).status).toBe(429);
    expect(seen).toHaveLength(1);
  });

  test('is not sent again when the connection breaks after it left', async () => {
    const { origin, seen } = await serve(reset);
    const failure = send(() => post(origin), { ...within(5000), repeat: 'refused' });
    await expect(failure).rejects.toMatchObject({ mayHaveArrived: true });
    expect(seen).toHaveLength(1);
  });

  test('is sent again when nobody listened: it never left', async () => {
    const { origin, server } = await serve(status(202));
    const { port } = server.address() as AddressInfo;
    await new Promise((resolve) => server.close(resolve));
    let attempts = 0;
    const response = await send(
      () => {
        attempts += 1;
        if (attempts === 2) void new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
        return post(origin);
      },
      { ...within(10_000), repeat: 'refused' },
    );
    expect(response.status).toBe(202);
    expect(attempts).toBeGreaterThanOrEqual(2);
  });
});

describe('the deadline', () => {
  test('ends a request that hangs', async () => {
    const { origin } = await serve(hang);
    await expect(send(() => get(origin), { ...within(200), repeat: 'always' })).rejects.toThrow(
      ServiceTimedOut,
    );
  });

  test('ends an answer that never ends', async () => {
    const { origin } = await serve((_, response) => response.writeHead(200).write('{'));
    await expect(send(() => get(origin), { ...within(200), repeat: 'always' })).rejects.toThrow(
      ServiceTimedOut,
    );
  });

  test('is not exceeded because of Retry-After: the refusal itself is returned', async () => {
    const { origin, seen } = await serve(status(429, { 'retry-after': '30' }));
    const response = await send(() => get(origin), { ...within(2000), repeat: 'always' });
    expect(response.status).toBe(429);
    expect(seen).toHaveLength(1);
  });

  test('is not spent on waiting: a long Retry-After is returned at once', async () => {
    const { origin, seen } = await serve(status(429, { 'retry-after': '20' }));
    expect((await send(() => get(origin), { ...within(60_000), repeat: 'always' })).status).toBe(429);
    expect(seen).toHaveLength(1);
  });

  test('that has passed stops every request', async () => {
    const { origin, seen } = await serve(status(200));
    await expect(send(() => get(origin), { ...within(-1), repeat: 'always' })).rejects.toThrow(
      ServiceTimedOut,
    );
    expect(seen).toHaveLength(0);
  });
});

test('Retry-After is read as seconds and as a date', () => {
  expect(parseRetryAfter('7')).toBe(7);
  expect(parseRetryAfter(new Date(Date.now() + 60_000).toUTCString())).toBeGreaterThan(55);
  expect(parseRetryAfter('Wed, 21 Oct 2015 07:28:00 GMT')).toBe(0);
  expect(parseRetryAfter('soon')).toBeUndefined();
  expect(parseRetryAfter(undefined)).toBeUndefined();
});

test('one connection serves request after request', async () => {
  const { origin, seen } = await serve(status(200));
  for (let i = 0; i < 3; i++) await send(() => get(origin), { ...within(5000), repeat: 'always' });
  expect(new Set(seen.map((request) => request.socket.remotePort)).size).toBe(1);
});

describe('a connection that was opened early', () => {
  /** What a server counts of its connections; resolves `opened` when the first one is there. */
  function watch(server: Server) {
    const sockets: Socket[] = [];
    const opened = new Promise<Socket>((resolve) => {
      server.on('connection', (socket) => {
        sockets.push(socket);
        resolve(socket);
      });
    });
    return { sockets, opened };
  }

  test('serves the next request', async () => {
    const { origin, seen, server } = await serve(status(200));
    const { sockets, opened } = watch(server);
    connect(origin);
    connect(origin);
    await opened;
    expect(seen).toHaveLength(0);
    for (let i = 0; i < 2; i++) await send(() => get(origin), { ...within(5000), repeat: 'always' });
    connect(origin);
    await send(() => get(origin), { ...within(5000), repeat: 'always' });
    expect(sockets).toHaveLength(1);
  });

  test('that broke before it was used is replaced, also for a request that must not be repeated', async () => {
    const { origin, seen, server } = await serve(status(202));
    const { sockets, opened } = watch(server);
    connect(origin);
    (await opened).destroy();
    // Its end must have come here; the next connection is made after it, to the same server.
    await send(() => get(origin), { ...within(5000), repeat: 'always' });
    expect((await send(() => post(origin), { ...within(5000), repeat: 'unsent' })).status).toBe(202);
    expect(seen).toHaveLength(2);
    expect(sockets.length).toBeLessThanOrEqual(3);
  });

  test('that was idle for too long is not trusted', async () => {
    const { origin, server } = await serve(status(200));
    const { sockets, opened } = watch(server);
    connect(origin);
    await opened;
    const idleMs = 4_001;
    jest.spyOn(Date, 'now').mockReturnValue(Date.now() + idleMs);
    await send(() => get(origin), { ...within(5000), repeat: 'always' });
    expect(sockets).toHaveLength(2);
  });

  test('is kept beside an idle one, and both are used', async () => {
    let answer: (() => void) | undefined;
    const { origin, server } = await serve((_, response) => {
      answer = () => response.end();
    }, status(200));
    const { sockets } = watch(server);
    const asked = once(server, 'request');
    const first = send(() => get(origin), { ...within(5000), repeat: 'always' });
    await asked;
    const opened = once(server, 'connection');
    connect(origin);
    await opened;
    answer?.();
    await first;
    connect(origin);
    const both = [1, 2].map(() => send(() => get(origin), { ...within(5000), repeat: 'always' }));
    await Promise.all(both);
    expect(sockets).toHaveLength(2);
  });

  test('that is refused and never needed fails nothing', async () => {
    const { origin } = await serve(status(200));
    connect('http://127.0.0.1:1');
    // The refusal comes while this is on its way.
    for (let i = 0; i < 3; i++) await send(() => get(origin), { ...within(5000), repeat: 'always' });
  });

  test('names the server, except by its IP address', async () => {
    const names: string[] = [];
    const server = createTlsServer({
      ...TLS,
      SNICallback: (name, done) => {
        names.push(name);
        done(null);
      },
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    servers.push(server);
    const { port } = server.address() as AddressInfo;
    for (const host of ['127.0.0.1', 'localhost']) {
      const accepted = once(server, 'connection');
      connect(`https://${host}:${port}`);
      const [socket] = (await accepted) as [Socket];
      // The client leaves: nobody vouches for this server.
      await once(socket, 'close');
    }
    expect(names).toEqual(['localhost']);
  });

  test('that breaks after a request that creates something has left is not tried again', async () => {
    const { origin, seen, server } = await serve(reset);
    const { opened } = watch(server);
    connect(origin);
    await opened;
    const failure = send(() => post(origin), { ...within(5000), repeat: 'refused' });
    await expect(failure).rejects.toMatchObject({ mayHaveArrived: true });
    expect(seen).toHaveLength(1);
  });

  test('to a closed port fails only the request that comes', async () => {
    const origin = 'http://127.0.0.1:1';
    connect(origin);
    const failure = send(() => get(origin), { ...within(10_000), repeat: 'refused' });
    await expect(failure).rejects.toMatchObject({ mayHaveArrived: false });
  });
});

test('a connection that the server closed between two requests fails neither', async () => {
  const { origin, server } = await serve(status(200));
  await send(() => get(origin), { ...within(5000), repeat: 'always' });
  server.closeAllConnections();
  expect((await send(() => get(origin), { ...within(5000), repeat: 'always' })).status).toBe(200);
});

test('a connection that was idle is not trusted, however busy other connections are', async () => {
  const start = Date.now();
  const now = jest.spyOn(Date, 'now').mockReturnValue(start);
  const rarely = await serve(status(200));
  const often = await serve(status(200));
  const call = (origin: string, seconds: number) => {
    now.mockReturnValue(start + seconds * 1000);
    return send(() => get(origin), { ...within(5000), repeat: 'always' });
  };
  await call(rarely.origin, 0);
  for (const seconds of [0, 3, 5]) await call(often.origin, seconds);
  await call(rarely.origin, 6);
  const connections = (seen: IncomingMessage[]) => new Set(seen.map(({ socket }) => socket.remotePort)).size;
  expect([rarely, often].map(({ seen }) => connections(seen))).toEqual([2, 1]);
});

test('a redirect is not followed, because it would give the credentials to somebody else', async () => {
  const other = await serve(status(200));
  const { origin } = await serve(status(307, { location: other.origin }));
  expect((await send(() => get(origin), { ...within(5000), repeat: 'always' })).status).toBe(307);
  expect(other.seen).toHaveLength(0);
});

test('a failure names the service and the cause', async () => {
  const failure = send(() => get('http://127.0.0.1:1'), { ...within(5000), repeat: 'refused' });
  await expect(failure).rejects.toThrow(ServiceUnavailable);
  await expect(failure).rejects.toThrow('MPC is not available: ECONNREFUSED');
});

test('headers and the length of the body in bytes go with the request', async () => {
  const { origin, seen } = await serve(status(202));
  const request = { ...post(origin), headers: { 'x-test': 'yes' }, body: '{"ä":1}' };
  await send(() => request, { ...within(5000), repeat: 'refused' });
  expect(seen[0]?.headers).toMatchObject({ 'x-test': 'yes', 'content-length': '8' });
  expect(seen[0]?.headers).not.toHaveProperty('transfer-encoding');
});

test('Retry-After may stand between spaces, and is a number or a date', () => {
  expect(parseRetryAfter(' 7 ')).toBe(7);
  // The obsolete forms of a date begin or end with digits.
  for (const date of ['Sun Nov  6 08:49:37 2994', '06 Nov 2994 08:49:37 GMT'])
    expect(parseRetryAfter(date)).toBeGreaterThan(1e9);
  for (const neither of ['7x', 'x7', '']) expect(parseRetryAfter(neither)).toBeUndefined();
  const soon = parseRetryAfter(new Date(Date.now() + 60_000).toUTCString());
  expect(soon).toBeLessThanOrEqual(60);
});

describe('the wait before a repetition', () => {
  const MAX_WAIT_MS = 9_000;
  /** Lets no time pass while a repetition is waited for. @returns the waits */
  function skipWaits(): number[] {
    const { setTimeout: real } = globalThis;
    const waits: number[] = [];
    jest.spyOn(globalThis, 'setTimeout').mockImplementation(((run: () => void, ms = 0) => {
      if (ms > MAX_WAIT_MS) return real(run, ms);
      waits.push(ms);
      return real(run, 0);
    }) as unknown as typeof setTimeout);
    return waits;
  }

  test.each([
    [0, [100, 200, 400]],
    [0.5, [200, 400, 800]],
    [1, [300, 600, 1200]],
  ])('doubles each time, with jitter: %d', async (random, expected) => {
    jest.spyOn(Math, 'random').mockReturnValue(random);
    const { origin } = await serve(status(503));
    const waits = skipWaits();
    await send(() => get(origin), { ...within(60_000), repeat: 'always' });
    expect(waits).toEqual(expected);
  });

  test.each([
    ['5', [5000]],
    ['6', []],
  ])('is as long as a Retry-After of %s s says, if that is short', async (seconds, expected) => {
    const { origin } = await serve(status(503, { 'retry-after': seconds }), status(200));
    const waits = skipWaits();
    await send(() => get(origin), { ...within(60_000), repeat: 'always' });
    expect(waits).toEqual(expected);
  });
});

describe('an answer', () => {
  const ofSize =
    (bytes: number): Step =>
    (_, response) =>
      void response.end(Buffer.alloc(bytes, 'x'));

  test('of 8 MiB is accepted, a longer one is not', async () => {
    const limit = 8 * 1024 * 1024;
    const { origin } = await serve(ofSize(limit), ofSize(limit + 1));
    const options = { ...within(20_000), repeat: 'refused' } as const;
    expect((await send(() => get(origin), options)).body).toHaveLength(limit);
    await expect(send(() => get(origin), options)).rejects.toMatchObject({
      message: 'MPC is not available: answer exceeds 8388608 bytes',
      mayHaveArrived: true,
    });
  });

  test('that breaks off in the middle may have been one', async () => {
    const { origin } = await serve((request, response) => {
      response.writeHead(200, { 'content-length': '100' }).write('half', () => request.socket.destroy());
    });
    await expect(send(() => get(origin), { ...within(5000), repeat: 'refused' })).rejects.toMatchObject({
      message: 'MPC is not available: ECONNRESET',
      mayHaveArrived: true,
    });
  });
});

// For localhost, made for this test: nobody vouches for it.
const TLS = {
  key: `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgK8gmzVhOJOt1T/oW
Xt1xGTR1CjfN4jp0KlKie0r638KhRANCAAQvCwvySNfGRpI/XfHhjKCFGjU+LC5Y
CJ3mnvQ/dC4P65JWcddBe7udWGax8mBTY8vK+AiSw3GnGGZdAB4uTnNn
-----END PRIVATE KEY-----`,
  cert: `-----BEGIN CERTIFICATE-----
MIIBfzCCASWgAwIBAgIUMKwEC+FKHpIXc2lROr1f7LCU0pswCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyNDE1NTAyMFoYDzIxMjYxMDMx
MTU1MDIwWjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAAQvCwvySNfGRpI/XfHhjKCFGjU+LC5YCJ3mnvQ/dC4P65JWcddBe7ud
WGax8mBTY8vK+AiSw3GnGGZdAB4uTnNno1MwUTAdBgNVHQ4EFgQUuyUyXxyrMeRt
QzdQpQeCW+oT0lgwHwYDVR0jBBgwFoAUuyUyXxyrMeRtQzdQpQeCW+oT0lgwDwYD
VR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAgNIADBFAiEA7ZlLVynO+A2zyI6RPnB6
8CCrr4pkEozwstdOReFYFJ0CIDfIR1rfGpIopQQ4N/P1W1q9Aix68HHL+bhJRiBI
hLsY
-----END CERTIFICATE-----`,
};

test('a request whose handshake breaks never left, and is sent again', async () => {
  const server = createTcpServer((socket) => socket.destroy());
  const connections: Socket[] = [];
  server.on('connection', (socket) => connections.push(socket));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const origin = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const failure = send(() => post(origin), { ...within(10_000), repeat: 'unsent' });
  await expect(failure.finally(() => server.close())).rejects.toMatchObject({ mayHaveArrived: false });
  expect(connections).toHaveLength(4);
});

test('nothing is sent to a server that cannot prove who it is', async () => {
  const seen: IncomingMessage[] = [];
  const server = createTlsServer(TLS, (request, response) => {
    seen.push(request);
    response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  servers.push(server);
  const origin = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  await expect(send(() => post(origin), { ...within(10_000), repeat: 'unsent' })).rejects.toMatchObject({
    message: 'MPC is not available: DEPTH_ZERO_SELF_SIGNED_CERT',
    mayHaveArrived: false,
  });
  expect(seen).toEqual([]);
});
