import { ApiError } from '../../../shared/api/errors';
import {
  type ApiRequest,
  answer,
  jsonResponse,
  noContent,
  taskIdIn,
  viewResponse,
} from '../../../shared/api/gateway';
import { functionContext, userData } from '../function-context';

beforeEach(() => {
  jest.spyOn(process.stdout, 'write').mockReturnValue(true);
  jest.spyOn(process.stderr, 'write').mockReturnValue(true);
});
afterEach(() => void jest.restoreAllMocks());

// Nobody listens there: what is running is for calls that these actions do not make.
const context = functionContext({ ...userData, MPC_ENDPOINT: 'http://127.0.0.1:9' });

/** The request as an action gets it. */
async function read(event: object): Promise<ApiRequest> {
  let read: ApiRequest | undefined;
  const answered = await answer({ httpMethod: 'GET', ...event }, context, async (request) => {
    read = request;
    return noContent();
  });
  if (read === undefined) throw new Error(answered.body);
  return read;
}

test('header names are in lower case, and parameters have all of their values', async () => {
  const request = await read({
    headers: { 'X-A': 1 },
    queryStringParameters: { one: '1', many: ['1', '2'] },
  });
  expect(request.headers).toEqual({ 'x-a': '1' });
  expect(request.query).toEqual({ one: ['1'], many: ['1', '2'] });
  expect((await read({ headers: null, queryStringParameters: null })).query).toEqual({});
});

test('a body is JSON in UTF-8, in base64 or not', async () => {
  const base64 = (bytes: Uint8Array | string) => Buffer.from(bytes as string).toString('base64');
  expect((await read({ body: '{"a":1}' })).json()).toEqual({ a: 1 });
  expect((await read({ body: base64('{"a":"ü"}'), isBase64Encoded: true })).json()).toEqual({ a: 'ü' });
  for (const body of ['{', base64(Uint8Array.of(0x22, 0xff, 0x22))]) {
    const request = await read({ body, isBase64Encoded: body !== '{' });
    expect(() => request.json()).toThrow('JSON object in UTF-8');
  }
});

test.each([
  [{ pathParameters: { task_id: '7' } }, '7'],
  [{ pathParameters: { '': '/7/' } }, '7'],
  [{ path: '/prod/snapshots/7' }, '7'],
  [{ path: '/snapshots/7', pathParameters: { task_id: '8', '': '9' } }, '7'],
  [{ path: '/tasks', pathParameters: { task_id: '8', '': '9' } }, '8'],
  [{ path: '/snapshots' }, undefined],
  [{ path: '/snapshots/', pathParameters: { task_id: '8' } }, undefined],
  [{ pathParameters: { task_id: 7 } }, undefined],
  [{ pathParameters: null }, undefined],
])('the task id in %j is %s', async (event, expected) => {
  expect(taskIdIn(await read(event))).toBe(expected);
});

// With a regular expression that tries again at each slash this takes hours.
test('the task id is found among a million slashes', async () => {
  const many = '/'.repeat(1_000_000);
  expect(taskIdIn(await read({ path: `/snapshots/${many}7${many}` }))).toBe('7');
  expect(taskIdIn(await read({ path: `/snapshots/7${many}8` }))).toBe(`7${many}8`);
  expect(taskIdIn(await read({ path: `/snapshots/${many}` }))).toBeUndefined();
});

test('an answer has exactly the four fields that API Gateway takes', async () => {
  const answered = await answer({ httpMethod: 'GET' }, context, async () => jsonResponse(202, { a: 1 }));
  expect(answered).toEqual({
    statusCode: 202,
    headers: { 'content-type': 'application/json', 'cache-control': 'no-store' },
    body: '{"a":1}',
    isBase64Encoded: false,
  });
});

test('an error that an action throws becomes an answer with the id of the request', async () => {
  const answered = await answer({ httpMethod: 'GET' }, context, async () => {
    throw new Error('inside');
  });
  expect(answered.statusCode).toBe(500);
  expect(JSON.parse(answered.body)).toEqual({
    error_code: 'APIGW.0601',
    error_msg: expect.not.stringContaining('inside'),
    request_id: context.getRequestID(),
  });
});

test('an event that is not from API Gateway is 400', async () => {
  expect((await answer({ Records: [] }, context, async () => noContent())).statusCode).toBe(400);
});

test.each([
  [
    'the access key of a signature',
    { Authorization: 'SDK-HMAC-SHA256 Access=AK1, SignedHeaders=host' },
    'AK1',
  ],
  ['nobody by a key further behind', { Authorization: 'SDK-HMAC-SHA256 X=1, Access=AK2, Y=1' }, undefined],
  ['the first of two', { Authorization: 'SDK-HMAC-SHA256 Access=AK1,Access=AK2' }, 'AK1'],
  ['an app code', { 'X-Apig-AppCode': 'code' }, 'code'],
  [
    'an access key and an app code together',
    { Authorization: 'S Access=AK1, X=1', 'X-Apig-AppCode': 'code' },
    '["AK1","code"]',
  ],
  ['nobody by a temporary key', { Authorization: 'S Access=AK1, X=1', 'X-Security-Token': 't' }, undefined],
  ['nobody by an empty key', { Authorization: 'S Access=, X=1' }, undefined],
  ['nobody by a field of another name', { Authorization: 'S NotAccess=AK1, X=1' }, undefined],
  ['nobody by a key without a scheme', { Authorization: ' Access=AK1, X=1' }, undefined],
  ['nobody by a signature behind a space', { Authorization: ' S Access=AK1, X=1' }, undefined],
  ['nobody without a signature', {}, undefined],
])('a caller is known by %s', async (_, headers, expected) => {
  expect((await read({ headers })).caller).toBe(expected);
});

test('a body may begin with a byte order mark, and is base64 only if the gateway says so', async () => {
  expect((await read({ body: '\uFEFF{"a":1}' })).json()).toEqual({ a: 1 });
  expect((await read({ body: 5 })).json()).toBe(5);
  for (const body of ['1\uFEFF', '', undefined, null])
    await expect(readJson({ body })).rejects.toMatchObject({
      details: [{ path: '', message: 'must be a JSON object in UTF-8' }],
    });
  expect(await readJson({ body: '"e30="', isBase64Encoded: 'true' })).toBe('e30=');
});

const readJson = async (event: object) => (await read(event)).json();

test.each([
  { headers: { a: { b: 1 } } },
  { headers: { a: ['1'] } },
  { queryStringParameters: { a: [['1', { b: 1 }]] } },
  { httpMethod: undefined },
  { path: 5 },
])('an event with %j is not from API Gateway, and the answer says so', async (event) => {
  const answered = await answer({ httpMethod: 'GET', ...event }, context, async () => noContent());
  expect(answered.statusCode).toBe(400);
  expect(JSON.parse(answered.body)).toMatchObject({
    details: [{ path: 'event', message: 'must be an event of API Gateway' }],
    request_id: context.getRequestID(),
  });
  await expect(readJson({ body: { a: 1 } })).rejects.toMatchObject({ details: [{ path: 'event' }] });
});

test('a view is not kept by anybody unless it says so, and an answer without a body has none', () => {
  expect(viewResponse({ statusCode: 200, headers: { 'content-type': 'text/vtt' }, body: 'WEBVTT' })).toEqual({
    statusCode: 200,
    headers: { 'cache-control': 'no-store', 'content-type': 'text/vtt' },
    body: 'WEBVTT',
    isBase64Encoded: false,
  });
  const kept = { 'cache-control': 'private, max-age=60' };
  expect(viewResponse({ statusCode: 302, headers: kept, body: '' }).headers).toEqual(kept);
  expect(jsonResponse(200, {}, kept).headers).toEqual({ 'content-type': 'application/json', ...kept });
  expect(noContent()).toEqual({ statusCode: 204, headers: {}, body: '', isBase64Encoded: false });
});

describe('the log has one line for each request:', () => {
  const lines = () =>
    [process.stdout, process.stderr].map((stream) =>
      jest.mocked(stream.write).mock.calls.map(([line]) => JSON.parse(String(line))),
    );

  test('its status', async () => {
    await answer({ httpMethod: 'GET' }, context, async () => noContent());
    expect(lines()).toEqual([
      [expect.objectContaining({ level: 'info', event: 'api.answered', status: 204 })],
      [],
    ]);
  });

  test('why it was refused, with the time to wait in the answer', async () => {
    const answered = await answer({ httpMethod: 'GET' }, context, async () => {
      throw new ApiError(499, 'CODE', 'no', { retryAfterSeconds: 7 });
    });
    expect(answered.headers).toMatchObject({ 'retry-after': '7' });
    expect(lines()).toEqual([
      [
        expect.objectContaining({
          level: 'info',
          event: 'api.refused',
          status: 499,
          error_code: 'CODE',
          message: 'no',
        }),
      ],
      [],
    ]);
  });

  test('an error if this service failed, even before it knew its settings', async () => {
    await answer({ httpMethod: 'GET' }, context, async () => {
      throw new ApiError(500, 'CODE', 'inside');
    });
    const answered = await answer({ httpMethod: 'GET' }, functionContext({}), async () => noContent());
    expect(answered).toMatchObject({ statusCode: 500 });
    expect(answered.headers).not.toHaveProperty('retry-after');
    const line = { level: 'error', event: 'api.refused', status: 500, function: 'create' };
    expect(lines()).toEqual([
      [],
      [
        expect.objectContaining({ ...line, error_code: 'CODE' }),
        expect.objectContaining({ ...line, request_id: context.getRequestID() }),
      ],
    ]);
  });
});
