import { AKSKSigner } from '@huaweicloud/huaweicloud-sdk-core/auth/AKSKSigner';
import type { AccessLogEntry } from '../../local/front';
import { closeServer, listen } from '../../local/http-server';
import { Credentials } from '../../local/iam/credentials';
import { createSignedServer, Refused, type SignedOperation } from '../../local/signed-server';
import { until } from '../wait';

const PROJECT = '0123456789abcdef0123456789abcdef';
const KEY = { accessKey: 'AKTEST', secretKey: 'SKTEST', projectId: PROJECT };

interface Shelf {
  books: string[];
}

const OPERATIONS: readonly SignedOperation<Shelf>[] = [
  {
    on: 'POST /v1/{project_id}/books',
    run({ body }, { books }) {
      books.push(JSON.parse(body.toString()).title);
      return { status: 201, body: { count: books.length } };
    },
  },
  {
    on: 'GET /v1/{project_id}/books/{title}',
    run({ names, query }, { books }) {
      const { title = '' } = names;
      if (!books.includes(title)) throw new Refused(404, 'BOOK.1', `no book ${title}`);
      return { status: 200, body: { title, view: query.get('view') } };
    },
  },
  {
    on: 'DELETE /v1/{project_id}/books/{title}',
    action: 'books:books:delete',
    run: () => ({ status: 204 }),
  },
  {
    on: 'DELETE /v1/{project_id}/books',
    run() {
      throw new Error('the shelf fell');
    },
  },
];

const shelf: Shelf = { books: [] };
const log: AccessLogEntry[] = [];
const server = createSignedServer({
  name: 'Books',
  operations: OPERATIONS,
  service: shelf,
  forbidden: (action) => new Refused(403, 'BOOK.2', `not allowed: ${action}`),
  credentials: new Credentials({ ...KEY, denied: ['books:*:delete'] }),
  onRequest: (entry) => log.push(entry),
});
let endpoint: string;
beforeAll(async () => {
  endpoint = `http://127.0.0.1:${await listen(server, 0)}`;
});
afterAll(() => closeServer(server));
beforeEach(() => {
  log.length = 0;
  shelf.books.length = 0;
});

/** Sends a request that the vendor's signer has signed with this secret key. */
async function call(method: string, path: string, body?: unknown, secretKey = KEY.secretKey) {
  const [pathname = '', search = ''] = path.split('?');
  const request = {
    method,
    // The signer encodes the path itself.
    endpoint: endpoint + decodeURIComponent(pathname),
    headers: {
      'content-type': 'application/json',
      'X-Sdk-Date': new Date().toISOString().replace(/[-:]|\.\d{3}/g, ''),
    },
    queryParams: Object.fromEntries(new URLSearchParams(search)),
    data: body,
  };
  const credential = { getAk: () => KEY.accessKey, getSk: () => secretKey };
  const { host: _host, ...headers } = AKSKSigner.sign(request as never, credential as never) as Record<
    string,
    string
  >;
  const answer = await fetch(endpoint + path, {
    method,
    headers,
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  return {
    status: answer.status,
    id: answer.headers.get('x-request-id'),
    body: text === '' ? undefined : JSON.parse(text),
  };
}

test('an operation gets parameters, query and body of a signed request', async () => {
  expect(await call('POST', `/v1/${PROJECT}/books`, { title: 'a:b' })).toMatchObject({
    status: 201,
    body: { count: 1 },
  });
  expect(await call('GET', `/v1/${PROJECT}/books/a%3Ab?view=short`)).toMatchObject({
    status: 200,
    body: { title: 'a:b', view: 'short' },
  });
});

test('a wrongly signed request changes nothing, and the log says why', async () => {
  const answer = await call('POST', `/v1/${PROJECT}/books`, { title: 'a' }, 'another secret');
  expect(answer).toMatchObject({
    status: 401,
    body: { error_code: 'APIGW.0301', request_id: answer.id },
  });
  expect(shelf.books).toEqual([]);
  await until(() => log.length === 1);
  expect(log[0]).toMatchObject({
    service: 'Books',
    requestId: answer.id,
    errorCode: 'APIGW.0301',
    detail: expect.stringContaining('verify aksk signature fail'),
    unproven: { method: 'POST', rawUrl: `/v1/${PROJECT}/books` },
  });
});

test.each([
  ['GET', `/v1/${PROJECT}/nothing`],
  ['PUT', `/v1/${PROJECT}/books`],
  ['GET', '/v1/another-project/books/a'],
])('a path outside the caller’s project is 404: %s %s', async (method, path) => {
  const answer = await call(method, path);
  expect(answer).toMatchObject({ status: 404, body: { error_code: 'APIGW.0101', request_id: answer.id } });
});

test('a path without an API is 404 before the signature is checked', async () => {
  expect((await fetch(`${endpoint}/v1/${PROJECT}/nothing`)).status).toBe(404);
  expect((await fetch(`${endpoint}/v1/${PROJECT}/books/a`)).status).toBe(401);
});

test('a refusal of the service has its own form, and its sentence is logged', async () => {
  const answer = await call('GET', `/v1/${PROJECT}/books/missing`);
  expect([answer.status, answer.body]).toEqual([404, { error_code: 'BOOK.1', error_msg: 'no book missing' }]);
  await until(() => log.length === 1);
  expect(log[0]).toMatchObject({ status: 404, errorCode: 'BOOK.1', detail: 'no book missing' });
});

test('an operation that fails is 500, and the service keeps running', async () => {
  expect((await call('DELETE', `/v1/${PROJECT}/books`)).status).toBe(500);
  expect((await call('POST', `/v1/${PROJECT}/books`, { title: 'a' })).status).toBe(201);
});

test('a call without the right is refused in the words of the service', async () => {
  const answer = await call('DELETE', `/v1/${PROJECT}/books/a`);
  expect([answer.status, answer.body]).toEqual([
    403,
    { error_code: 'BOOK.2', error_msg: 'not allowed: books:books:delete' },
  ]);
});

test('a body of more than 12 MB is 413', async () => {
  const answer = await fetch(`${endpoint}/v1/${PROJECT}/books`, {
    method: 'POST',
    body: Buffer.alloc(12 * 1024 * 1024 + 1),
  });
  expect([answer.status, await answer.json()]).toEqual([
    413,
    expect.objectContaining({ error_code: 'APIGW.0201' }),
  ]);
});
