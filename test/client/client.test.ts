import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import {
  ApiError,
  ConflictError,
  InvalidRequestError,
  NoAnswerError,
  NotFinalError,
  NotFoundError,
  optionsFromEnvironment,
  ServiceError,
  SnapshotClient,
  SnapshotsError,
  TooManyRequestsError,
} from '../../client/src';
import { closeServer, listen, readBody } from '../../local/http-server';

interface Seen {
  method: string;
  url: string;
  key: string | undefined;
  body: string;
}
type Reply = { status: number; json?: unknown; headers?: Record<string, string> } | 'lost';

const CREATE = { input: { bucket: 'videos', object: 'uploads/a.mp4' } };
const ERROR = { error_code: 'X.1', error_msg: 'no', request_id: 'r' };

const seen: Seen[] = [];
let replies: Reply[] = [];
let server: Server;
let endpoint: string;
let client: SnapshotClient;

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = (await readBody(request, 1e6)).toString();
  const { method = '', url = '', headers } = request;
  seen.push({ method, url, key: headers['idempotency-key'] as string | undefined, body });
  const reply = replies.shift() ?? { status: 500 };
  if (reply === 'lost') {
    request.socket.destroy();
    return;
  }
  response.writeHead(reply.status, { 'content-type': 'application/json', ...reply.headers });
  response.end(reply.json === undefined ? '' : JSON.stringify(reply.json));
}

beforeAll(async () => {
  server = createServer((request, response) => void answer(request, response));
  endpoint = `http://127.0.0.1:${await listen(server, 0)}`;
  client = new SnapshotClient({ endpoint: `${endpoint}/snapshots/` });
});
afterAll(() => closeServer(server));
beforeEach(() => {
  seen.length = 0;
  replies = [];
});

test('a task is created once even if an answer is lost: the call is repeated with the same key', async () => {
  replies = ['lost', { status: 503, json: ERROR }, { status: 202, json: { task_id: '1' } }];
  expect(await client.create(CREATE)).toEqual({ task_id: '1' });
  expect(seen).toHaveLength(3);
  expect(new Set(seen.map(({ key }) => key)).size).toBe(1);
  expect(seen[0]?.key).toMatch(/^[\x21-\x7e]{16,255}$/);
  expect(JSON.parse(seen[2]?.body ?? '')).toEqual(CREATE);
});

test('each task gets its own key, or the given one', async () => {
  replies = [1, 2, 3].map(() => ({ status: 202, json: { task_id: '1' } }));
  await client.create(CREATE);
  await client.create(CREATE);
  await client.create(CREATE, { idempotencyKey: 'order-7' });
  expect(seen[0]?.key).not.toBe(seen[1]?.key);
  expect(seen[2]?.key).toBe('order-7');
});

test('a throttled call is repeated when the service says so', async () => {
  replies = [{ status: 429, json: ERROR, headers: { 'retry-after': '0' } }, { status: 204 }];
  await client.cancel('1');
  expect(seen.map(({ method, url }) => `${method} ${url}`)).toEqual(Array(2).fill('DELETE /snapshots/1'));
});

test('a call that is not safe to repeat is not repeated when its answer is lost', async () => {
  replies = ['lost'];
  await expect(client.cancel('1')).rejects.toThrow(NoAnswerError);
  expect(seen).toHaveLength(1);
});

test('a call whose key is in use is repeated, and a refused call is not', async () => {
  replies = [
    { status: 409, json: ERROR, headers: { 'retry-after': '0' } },
    { status: 202, json: { task_id: '1' } },
    { status: 409, json: ERROR },
  ];
  await client.create(CREATE);
  await expect(client.create(CREATE)).rejects.toThrow(ConflictError);
  expect(seen).toHaveLength(3);
});

test('a pause of minutes is reported, not waited for', async () => {
  replies = [{ status: 429, json: ERROR, headers: { 'retry-after': '600' } }];
  await expect(client.list()).rejects.toMatchObject({ retryAfterSeconds: 600 });
});

test.each([
  [400, InvalidRequestError],
  [404, NotFoundError],
  [418, ApiError],
  [429, TooManyRequestsError],
  [500, ServiceError],
])('%d is an error of its own class, with code, details and request id', async (status, Class) => {
  const details = [{ path: 'wait', message: 'must be a whole number' }];
  replies = [{ status, json: { ...ERROR, details } }];
  const error = await new SnapshotClient({ endpoint, retries: 0 })
    .get('1')
    .catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(Class);
  expect(error).toBeInstanceOf(SnapshotsError);
  expect(error).toMatchObject({ status, code: 'X.1', message: 'no', requestId: 'r', details });
});

test('an answer that is not JSON, such as a proxy’s, is an error with its status', async () => {
  replies = [{ status: 502 }];
  const error = await new SnapshotClient({ endpoint, retries: 0 })
    .get('1')
    .catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ status: 502, code: '', message: 'the service answers 502' });
});

test('waiting happens in the service until the task is final', async () => {
  const task = (status: string) => ({ status: 200, json: { task_id: '1', status } });
  replies = [task('WAITING'), task('SUCCEEDED')];
  expect(await client.waitFor('1', { timeoutMs: 60_000 })).toMatchObject({ status: 'SUCCEEDED' });
  expect(seen.map(({ url }) => url)).toEqual(Array(2).fill('/snapshots/1?wait=25'));
});

test('the error carries a task that is not final in time', async () => {
  replies = [{ status: 200, json: { task_id: '1', status: 'PROCESSING' } }];
  const error = await client.waitFor('1', { timeoutMs: 0 }).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(NotFinalError);
  expect(error).toMatchObject({ task: { task_id: '1', status: 'PROCESSING' } });
  expect(seen.map(({ url }) => url)).toEqual(['/snapshots/1']);
});

test('waiting ends when the caller aborts it', async () => {
  const stop = new AbortController();
  replies = [{ status: 429, json: ERROR, headers: { 'retry-after': '15' } }];
  const waiting = client.waitFor('1', { signal: stop.signal });
  const ended = expect(waiting).rejects.toThrow('enough');
  while (seen.length === 0) await new Promise(setImmediate);
  stop.abort(new Error('enough'));
  await ended;
});

test('formats can be requested by task or by video', async () => {
  replies = [
    { status: 200, json: [{ url: 'u', startTime: 0 }] },
    { status: 302, headers: { location: 'https://obs/poster.jpg' } },
  ];
  expect(await client.storyboard({ object: 'a b.mp4', bucket: 'v' })).toEqual([{ url: 'u', startTime: 0 }]);
  expect(await client.posterUrl({ taskId: '1' })).toBe('https://obs/poster.jpg');
  expect(seen.map(({ url }) => url)).toEqual([
    '/snapshots?object=a%20b.mp4&bucket=v&format=storyboard',
    '/snapshots/1?format=poster',
  ]);
});

test('a server that does not answer gives an error of its own class, which names the address', async () => {
  const gone = createServer();
  const port = await listen(gone, 0);
  await closeServer(gone);
  const error = await new SnapshotClient({ endpoint: `http://127.0.0.1:${port}`, retries: 0 })
    .list()
    .catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(NoAnswerError);
  expect((error as Error).message).toContain(`http://127.0.0.1:${port} does not answer`);
});

test('the environment provides the address and the credentials', () => {
  expect(() => optionsFromEnvironment({})).toThrow('API_ENDPOINT is not set');
  expect(() => new SnapshotClient({ endpoint: 'snapshots.example.com' })).toThrow(/must be an address/);
  const API_ENDPOINT = 'https://a';
  expect(optionsFromEnvironment({ API_ENDPOINT }).authentication).toBeUndefined();
  const user = { HUAWEICLOUD_SDK_AK: 'ak', HUAWEICLOUD_SDK_SK: 'sk' };
  expect(optionsFromEnvironment({ API_ENDPOINT, ...user }).authentication).toMatchObject({ accessKey: 'ak' });
  const app = { ...user, API_APP_KEY: 'key', API_APP_SECRET: 'secret' };
  expect(optionsFromEnvironment({ API_ENDPOINT, ...app }).authentication).toEqual({
    appKey: 'key',
    appSecret: 'secret',
  });
});
