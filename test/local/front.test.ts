import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { connect } from 'node:net';
import { Readable } from 'node:stream';
import { type AccessLogEntry, type Front, front, UnsendableAnswer } from '../../local/front';
import { closeServer, listen } from '../../local/http-server';
import { until } from '../wait';

const log: AccessLogEntry[] = [];
const running: Server[] = [];
afterEach(async () => {
  log.length = 0;
  await Promise.all(running.splice(0).map(closeServer));
});

/** Starts a service that does this; gives its address. */
async function start(serve: Front<string>['serve'], more: Partial<Front<string>> = {}): Promise<string> {
  const server = createServer(
    front<string>({
      service: 'Test',
      serve,
      refuse: (error, { parsed }) => ({
        status: error instanceof UnsendableAnswer ? 500 : 400,
        body: `${parsed}: ${(error as Error).message}`,
        errorCode: 'T.1',
        detail: 'in detail',
      }),
      onRequest: (entry) => log.push(entry),
      ...more,
    }),
  );
  running.push(server);
  return `http://127.0.0.1:${await listen(server, 0)}`;
}

test('answer and log have the same request id, and the log says what the service found out', async () => {
  const address = await start(async ({ log: known }) => {
    known.functionName = 'f';
    known.path = '/shown';
    return { status: 202, headers: { 'x-own': '1' }, body: 'done' };
  });
  const answer = await fetch(`${address}/a?secret=1`, { method: 'PUT', body: 'x' });
  expect([answer.status, await answer.text(), answer.headers.get('x-own')]).toEqual([202, 'done', '1']);
  await until(() => log.length === 1);
  expect(log).toEqual([
    {
      service: 'Test',
      requestId: answer.headers.get('x-request-id'),
      method: 'PUT',
      rawUrl: '/a?secret=1',
      path: '/shown',
      status: 202,
      functionName: 'f',
      durationMs: expect.any(Number),
    },
  ]);
  expect(log[0]!.requestId).toMatch(/^[0-9a-f]{32}$/);
});

test('a thrown error becomes the refusal of the service, which knows what was read until then', async () => {
  const address = await start(async (exchange) => {
    exchange.parsed = 'half';
    throw new Error('no');
  });
  const answer = await fetch(address);
  expect([answer.status, await answer.text()]).toEqual([400, 'half: no']);
  await until(() => log.length === 1);
  expect(log[0]).toMatchObject({ path: '/', status: 400, errorCode: 'T.1', detail: 'in detail' });
});

test('an answer with a header that HTTP does not allow is a refusal, not a broken connection', async () => {
  const address = await start(async () => ({
    status: 200,
    headers: { 'x-bad': 'a\nb' },
    body: Readable.from(['x']),
  }));
  const answer = await fetch(address);
  expect([answer.status, await answer.text()]).toEqual([
    500,
    'undefined: The answer has a header that HTTP does not allow.',
  ]);
  await until(() => log.length === 1);
  expect(log[0]).toMatchObject({ status: 500, errorCode: 'T.1' });
});

test('a request that another handler has taken over is neither answered nor logged', async () => {
  const address = await start(async ({ response }) => {
    response.end('elsewhere');
    return undefined;
  });
  const answer = await fetch(address);
  expect([await answer.text(), answer.headers.get('x-request-id')]).toEqual(['elsewhere', null]);
  expect(log).toEqual([]);
});

test('an answer without a body says so, unless its status does', async () => {
  const address = await start(async ({ message }) => ({ status: Number(message.url!.slice(1)) }));
  const lengths = [];
  for (const status of [200, 204, 304]) {
    lengths.push((await fetch(`${address}/${status}`)).headers.get('content-length'));
  }
  expect(lengths).toEqual(['0', null, null]);
});

test('every answer carries the headers of the service, refusals too', async () => {
  const address = await start(
    async ({ message }) => {
      if (message.url === '/no') throw new Error('no');
      return { status: 200 };
    },
    { headers: ({ requestId }) => ({ 'x-test-id': requestId }) },
  );
  for (const path of ['/', '/no']) {
    const { headers } = await fetch(address + path);
    expect([headers.get('x-test-id'), headers.get('x-request-id')]).toEqual([expect.any(String), null]);
  }
});

test('a client that goes away in the middle of a download is logged like any other', async () => {
  const endless = new Readable({
    read() {
      this.push(Buffer.alloc(65_536));
    },
  });
  const address = await start(async () => ({ status: 200, body: endless }));
  const socket = connect(Number(new URL(address).port), '127.0.0.1');
  socket.write('GET / HTTP/1.1\r\nhost: a\r\n\r\n');
  await once(socket, 'data');
  socket.destroy();
  await until(() => log.length === 1);
  expect(log[0]).toMatchObject({ status: 200 });
  expect(endless.destroyed).toBe(true);
});
