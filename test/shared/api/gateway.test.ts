import { type ApiRequest, answer, jsonResponse, noContent, taskIdIn } from '../../../shared/api/gateway';
import { functionContext, userData } from '../function-context';

beforeEach(() => {
  jest.spyOn(console, 'log').mockImplementation(() => {});
  jest.spyOn(console, 'error').mockImplementation(() => {});
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
  [{ path: '/snapshots' }, undefined],
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
