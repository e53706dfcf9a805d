import { once } from 'node:events';
import { request as httpRequest, type Server } from 'node:http';
import { gzipSync } from 'node:zlib';
import type { GatewayEvent } from '../../../local/apig/gateway-event';
import { createGateway, type GatewayOptions } from '../../../local/apig/server';
import type { AccessLogEntry } from '../../../local/front';
import { closeServer, listen } from '../../../local/http-server';
import { type Cloud, startCloud, urnOf } from '../functiongraph/cloud';

const ECHO = `exports.handler = async (event, context) => ({
  statusCode: 200, headers: { 'content-type': 'application/json' }, isBase64Encoded: false, body: JSON.stringify(event) });`;

let cloud: Cloud;
let gateway: Server;
let base: string;
const entries: AccessLogEntry[] = [];

async function open(options: Partial<GatewayOptions> = {}): Promise<void> {
  gateway = createGateway({
    functiongraph: cloud.functiongraph,
    credentials: cloud.credentials,
    onRequest: (entry) => entries.push(entry),
    ...options,
  });
  base = `http://127.0.0.1:${await listen(gateway, 0)}`;
}

async function publish(name: string, code: string, path: string, data: Record<string, unknown> = {}) {
  if (!cloud.functiongraph.functions().some((one) => one.name === name)) {
    expect((await cloud.deploy(name, code)).status).toBe(200);
  }
  const created = await cloud.addTrigger(name, 'DEDICATEDGATEWAY', {
    name: 'api',
    path,
    req_method: 'ANY',
    match_mode: 'NORMAL',
    auth: 'NONE',
    ...data,
  });
  expect(created.status).toBe(201);
  return created.body.trigger_id as string;
}

beforeAll(async () => {
  cloud = await startCloud({ behaviour: { apiPathParameters: 'taken' } });
  await open();
  await publish('echo', ECHO, '/echo');
});
afterAll(async () => {
  await closeServer(gateway);
  await cloud.close();
});

/** A request by hand: `fetch` neither repeats headers nor leaves paths alone. */
async function raw(
  method: string,
  path: string,
  headers: Record<string, string | string[]> = {},
  body?: Buffer,
) {
  const sent = httpRequest(`${base}/`, { method, path, headers });
  sent.end(body);
  const [response] = await once(sent, 'response');
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk);
  return { status: response.statusCode, headers: response.headers, body: Buffer.concat(chunks) };
}

describe('the event', () => {
  test('has exactly the captured fields', async () => {
    const apiId = await publish('echo', ECHO, '/shape/{id}');
    const response = await fetch(`${base}/shape/7?name=2&empty=`, {
      headers: { 'X-Custom': 'Value', 'user-agent': 'test', accept: '*/*' },
    });
    const event = (await response.json()) as GatewayEvent;
    const requestId = response.headers.get('x-request-id');
    expect(requestId).toMatch(/^[0-9a-f]{32}$/);
    const { port } = new URL(base);
    expect(event).toEqual({
      body: '',
      isBase64Encoded: true,
      requestContext: { apiId, requestId, stage: 'RELEASE' },
      queryStringParameters: { name: '2', empty: '' },
      httpMethod: 'GET',
      pathParameters: { id: '7' },
      path: '/shape/7',
      headers: expect.objectContaining({
        'x-custom': 'Value',
        host: `127.0.0.1:${port}`,
        'x-real-ip': '127.0.0.1',
        'x-forwarded-for': '127.0.0.1',
        'x-forwarded-proto': 'http',
        'x-forwarded-port': port,
        'x-forwarded-host': `127.0.0.1:${port}`,
        'x-request-id': requestId,
      }),
    });
    expect(event.headers).not.toHaveProperty('connection');
  });

  test('has the body in base64, even if it is text', async () => {
    const response = await fetch(`${base}/echo`, {
      method: 'POST',
      body: '{"name": "OpenTelekomCloud"}',
      headers: { 'content-type': 'application/json' },
    });
    expect(await response.json()).toMatchObject({
      body: 'eyJuYW1lIjogIk9wZW5UZWxla29tQ2xvdWQifQ==',
      isBase64Encoded: true,
      httpMethod: 'POST',
    });
  });

  test('has the path decoded and the rest of a prefix match under the empty name', async () => {
    await publish('echo', ECHO, '/PathParameterTest', { match_mode: 'SWA' });
    const { body } = await raw('GET', '/PathParameterTest/hello%20World%2FTest?a=1');
    expect(JSON.parse(body.toString())).toMatchObject({
      path: '/PathParameterTest/hello World/Test',
      pathParameters: { '': 'hello World/Test' },
    });
  });

  test("has one string for each header, with the client's address behind what the client claims", async () => {
    const { body } = await raw('GET', '/echo', {
      'X-Twice': ['a', 'b'],
      'X-Forwarded-For': '1.2.3.4',
      'X-Real-IP': '1.2.3.4',
    });
    expect(JSON.parse(body.toString()).headers).toMatchObject({
      'x-twice': 'a, b',
      'x-forwarded-for': '1.2.3.4, 127.0.0.1',
      'x-real-ip': '127.0.0.1',
    });
  });

  test.each([
    [{}, '?a=1&a=2', { a: '2' }],
    [{ repeatedQueryParameters: 'array' as const }, '?a=1&a=2&b=3', { a: ['1', '2'], b: '3' }],
    [{}, '', {}],
    [{ missingQuery: 'null' as const }, '', null],
    [{ missingQuery: 'absent' as const }, '', undefined],
  ])('with behaviour %j and query "%s" has queryStringParameters %j', async (behaviour, query, expected) => {
    const own = createGateway({
      functiongraph: cloud.functiongraph,
      credentials: cloud.credentials,
      behaviour,
    });
    const port = await listen(own, 0);
    const event = (await (await fetch(`http://127.0.0.1:${port}/echo${query}`)).json()) as GatewayEvent;
    expect(event.queryStringParameters).toEqual(expected);
    await closeServer(own);
  });
});

describe('the answer', () => {
  let count = 0;
  async function answerOf(result: string, method = 'GET') {
    count += 1;
    await publish(
      `answer${count}`,
      `exports.handler = async (event, context) => (${result});`,
      `/answer${count}`,
    );
    return raw(method, `/answer${count}`);
  }

  test('has status, headers and body of the function', async () => {
    const answer = await answerOf(
      `{ statusCode: 202, headers: { 'Content-Type': 'text/plain', 'X-Number': 5 }, body: 'Grüße', isBase64Encoded: false }`,
    );
    expect(answer).toMatchObject({
      status: 202,
      headers: { 'content-type': 'text/plain', 'x-number': '5', 'content-length': '7' },
    });
    expect(answer.body.toString()).toBe('Grüße');
  });

  test('is decoded when it is base64', async () => {
    const zipped = gzipSync('packed').toString('base64');
    const answer = await answerOf(
      `{ statusCode: 200, headers: { 'content-encoding': 'gzip' }, body: '${zipped}', isBase64Encoded: true }`,
    );
    expect(answer.body).toEqual(Buffer.from(zipped, 'base64'));
  });

  test('may leave out headers and isBase64Encoded', async () => {
    expect(await answerOf(`{ statusCode: 200, body: 'x' }`)).toMatchObject({ status: 200 });
  });

  test('to a HEAD request has no body', async () => {
    const answer = await answerOf(
      `{ statusCode: 200, headers: {}, body: 'x', isBase64Encoded: false }`,
      'HEAD',
    );
    expect(answer.status).toBe(200);
    expect(answer.body).toHaveLength(0);
  });

  test.each([
    ['a text', `'hello'`],
    ['nothing', 'undefined'],
    ['an object without status', `{ body: 'x' }`],
    ['a status in a string', `{ statusCode: '200', headers: {}, body: 'x', isBase64Encoded: false }`],
    ['a body that is an object', `{ statusCode: 200, headers: {}, body: { a: 1 }, isBase64Encoded: false }`],
    ['no body', `{ statusCode: 200, headers: {}, isBase64Encoded: false }`],
    [
      'several values for one header',
      `{ statusCode: 200, headers: { a: ['1', '2'] }, body: '', isBase64Encoded: false }`,
    ],
    ['isBase64Encoded in a string', `{ statusCode: 200, headers: {}, body: '', isBase64Encoded: 'false' }`],
  ])('%s is 500 FSS.1202', async (_what, result) => {
    const answer = await answerOf(result);
    expect(answer.status).toBe(500);
    expect(JSON.parse(answer.body.toString())).toEqual({
      error_code: 'FSS.1202',
      error_msg: expect.stringContaining('do not contain any status code'),
      request_id: answer.headers['x-request-id'],
    });
  });

  test('with a header that HTTP does not allow is 500 and leaves the gateway alive', async () => {
    const bad = `{ statusCode: 200, headers: { 'X-Bad': 'a\\nb' }, body: '', isBase64Encoded: false }`;
    const answer = await answerOf(bad);
    expect(answer).toMatchObject({ status: 500 });
    expect(JSON.parse(answer.body.toString())).toMatchObject({ error_code: 'APIG.0201' });
    expect(entries.at(-1)).toMatchObject({ status: 500, errorCode: 'APIG.0201' });
    expect((await fetch(`${base}/echo`)).status).toBe(200);
  });

  test('of a function that fails is 500 and reveals nothing of the error', async () => {
    const answer = await answerOf(`(() => { throw new Error('secret detail'); })()`);
    expect(answer.status).toBe(500);
    expect(answer.body.toString()).not.toContain('secret');
    expect(JSON.parse(answer.body.toString())).toMatchObject({ error_code: 'FSS.0500' });
    expect(entries.at(-1)).toMatchObject({
      functionName: `answer${count}`,
      status: 500,
      errorCode: 'FSS.0500',
      invocationId: expect.any(String),
    });
  });
});

describe('refusals', () => {
  test('an unknown path or method is 404 APIG.0101', async () => {
    const response = await fetch(`${base}/nowhere`);
    expect(response.status).toBe(404);
    expect(await response.json()).toEqual({
      error_code: 'APIG.0101',
      error_msg: 'The API does not exist or has not been published in the environment.',
      request_id: response.headers.get('x-request-id'),
    });
  });

  test('a path that is not well-formed is 400', async () => {
    expect(await raw('GET', '/%E0%A4%A')).toMatchObject({ status: 400 });
  });

  test('a back end that is too slow is 504 APIG.0201, and the function runs on', async () => {
    const slow = `exports.handler = (event, context, callback) => { setTimeout(() => callback(null, { statusCode: 200, body: '' }), 300); };`;
    await publish('slow', slow, '/slow', { func_info: { timeout: 50 } });
    const response = await fetch(`${base}/slow`);
    expect(response.status).toBe(504);
    expect(await response.json()).toMatchObject({ error_code: 'APIG.0201' });
    await new Promise<void>((resolve) => {
      const stop = cloud.functiongraph.onInvocation(({ functionName, state }) => {
        if (functionName !== 'slow' || state !== 'succeeded') return;
        stop();
        resolve();
      });
    });
  });

  test('a body above 12 MB gets 413 from the gateway, one above 6 MB gets 413 from FunctionGraph', async () => {
    const post = (sizeBytes: number) => raw('POST', '/echo', {}, Buffer.alloc(sizeBytes));
    const gatewayLimit = await post(30 * 1024 * 1024);
    expect(gatewayLimit.status).toBe(413);
    expect(JSON.parse(gatewayLimit.body.toString())).toMatchObject({ error_code: 'APIG.0201' });
    const functionLimit = await post(6 * 1024 * 1024);
    expect(functionLimit.status).toBe(413);
    expect(JSON.parse(functionLimit.body.toString())).toMatchObject({ error_code: 'FSS.1201' });
  });

  test('a throttled function is 429', async () => {
    await publish('throttled', ECHO, '/throttled');
    const all = {
      func_name: 'throttled',
      runtime: 'Node.js20.15',
      timeout: 10,
      handler: 'index.handler',
      memory_size: 256,
    };
    await cloud.call('PUT', `fgs/functions/${urnOf('throttled')}/config`, {
      ...all,
      strategy_config: { concurrency: 0, concurrent_num: 1 },
    });
    const response = await fetch(`${base}/throttled`);
    expect(response.status).toBe(429);
    expect(await response.json()).toMatchObject({ error_code: 'FSS.0429' });
  });
});

test('a request that no API matches goes to the fallback, and published APIs do not', async () => {
  const own = createGateway({
    functiongraph: cloud.functiongraph,
    credentials: cloud.credentials,
    fallback: (request, response) => {
      if (!request.url?.startsWith('/_console/') && request.url !== '/echo') return false;
      response.end('console');
      return true;
    },
  });
  const origin = `http://127.0.0.1:${await listen(own, 0)}`;
  expect(await (await fetch(`${origin}/_console/x`)).text()).toBe('console');
  expect(await (await fetch(`${origin}/echo`)).json()).toMatchObject({ path: '/echo' });
  expect((await fetch(`${origin}/other`)).status).toBe(404);
  await closeServer(own);
});
