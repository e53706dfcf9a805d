import { request as httpRequest, type Server } from 'node:http';
import { createGateway } from '../../../local/apig/server';
import { closeServer, listen } from '../../../local/http-server';
import { type Cloud, startCloud } from '../functiongraph/cloud';

const KB = 1024;
const MB = 1024 * KB;

let cloud: Cloud;
let gateway: Server;
let base: string;

beforeAll(async () => {
  cloud = await startCloud();
  const code = `exports.handler = async (event, context) => ({ statusCode: 200, headers: {}, body: '{}' });`;
  expect((await cloud.deploy('fixed', code)).status).toBe(200);
  const trigger = { name: 'api', path: '/fixed', req_method: 'ANY', match_mode: 'NORMAL', auth: 'NONE' };
  expect((await cloud.addTrigger('fixed', 'DEDICATEDGATEWAY', trigger)).status).toBe(201);
  gateway = createGateway({ functiongraph: cloud.functiongraph, credentials: cloud.credentials });
  base = `http://127.0.0.1:${await listen(gateway, 0)}`;
});
afterAll(async () => {
  await closeServer(gateway);
  await cloud.close();
});

/** Status and code of the answer. */
function send(path: string, headers: Record<string, string> = {}, body?: Buffer) {
  return new Promise<[status: number | undefined, code: string | undefined]>((resolve, reject) => {
    const method = body === undefined ? 'GET' : 'POST';
    const sent = httpRequest(base + path, { method, headers }, async (response) => {
      let text = '';
      for await (const chunk of response) text += chunk;
      resolve([response.statusCode, JSON.parse(text).error_code]);
    });
    sent.on('error', reject).end(body);
  });
}

test('a path with query of 32 KB passes, one byte more is 414', async () => {
  expect(await send('/fixed?q='.padEnd(32 * KB, 'x'))).toEqual([200, undefined]);
  expect(await send('/fixed?q='.padEnd(32 * KB + 1, 'x'))).toEqual([414, 'APIG.0201']);
});

test('a header above 32 KB and headers above 128 KB are 494', async () => {
  const value = (sizeBytes: number) => 'x'.repeat(sizeBytes);
  expect(await send('/fixed', { a: value(31 * KB) })).toEqual([200, undefined]);
  expect(await send('/fixed', { a: value(33 * KB) })).toEqual([494, 'APIG.0201']);
  const many = Object.fromEntries([1, 2, 3, 4, 5].map((n) => [`a${n}`, value(30 * KB)]));
  expect(await send('/fixed', many)).toEqual([494, 'APIG.0201']);
});

test('a body of 12 MB passes the gateway and is too large for FunctionGraph, and one byte more gets 413 from the gateway', async () => {
  expect(await send('/fixed', {}, Buffer.alloc(12 * MB))).toEqual([413, 'FSS.1201']);
  expect(await send('/fixed', {}, Buffer.alloc(12 * MB + 1))).toEqual([413, 'APIG.0201']);
});
