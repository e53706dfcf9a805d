import type { Server } from 'node:http';
import { createGateway } from '../../../local/apig/server';
import { closeServer, listen } from '../../../local/http-server';
import { type Cloud, startCloud } from '../functiongraph/cloud';

const PAGE = 'http://www.cors.com';
const PREFLIGHT = { origin: PAGE, 'access-control-request-method': 'PUT' };

let cloud: Cloud;
const gateways: Server[] = [];
let withCors: string;
let without: string;

async function open(behaviour: { cors?: boolean }): Promise<string> {
  const gateway = createGateway({
    functiongraph: cloud.functiongraph,
    credentials: cloud.credentials,
    behaviour,
  });
  gateways.push(gateway);
  return `http://127.0.0.1:${await listen(gateway, 0)}`;
}

beforeAll(async () => {
  cloud = await startCloud();
  const publish = async (name: string, headers: string, auth = 'NONE') => {
    const code = `exports.handler = async (event, context) => ({ statusCode: 200, headers: ${headers}, body: event.httpMethod });`;
    expect((await cloud.deploy(name, code)).status).toBe(200);
    const trigger = { name, path: `/${name}`, req_method: 'ANY', match_mode: 'NORMAL', auth };
    expect((await cloud.addTrigger(name, 'DEDICATEDGATEWAY', trigger)).status).toBe(201);
  };
  await publish('plain', '{}');
  await publish('own', `{ 'Access-Control-Allow-Origin': 'http://own' }`);
  await publish('signed', '{}', 'IAM');
  withCors = await open({ cors: true });
  without = await open({});
});
afterAll(async () => {
  await Promise.all(gateways.map(closeServer));
  await cloud.close();
});

test('by default nothing is added, and a preflight is a call of the API like any other', async () => {
  const simple = await fetch(`${without}/plain`, { headers: { origin: PAGE } });
  expect(simple.headers.get('access-control-allow-origin')).toBeNull();
  const preflight = await fetch(`${without}/plain`, { method: 'OPTIONS', headers: PREFLIGHT });
  expect(await preflight.text()).toBe('OPTIONS');
  expect(preflight.headers.get('access-control-allow-origin')).toBeNull();
  expect((await fetch(`${without}/signed`, { method: 'OPTIONS', headers: PREFLIGHT })).status).toBe(401);
});

test('enabled, it opens the answer to a request with Origin to every page', async () => {
  const response = await fetch(`${withCors}/plain`, { headers: { origin: PAGE } });
  expect(response.headers.get('access-control-allow-origin')).toBe('*');
  expect((await fetch(`${withCors}/plain`)).headers.get('access-control-allow-origin')).toBeNull();
});

test("enabled, it keeps the function's own header", async () => {
  const response = await fetch(`${withCors}/own`, { headers: { origin: PAGE } });
  expect(response.headers.get('access-control-allow-origin')).toBe('http://own');
});

test('enabled, the gateway itself answers preflights, without authentication', async () => {
  for (const path of ['/plain', '/signed']) {
    const response = await fetch(withCors + path, { method: 'OPTIONS', headers: PREFLIGHT });
    expect(response.status).toBe(200);
    expect(await response.text()).toBe('');
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'access-control-allow-origin': '*',
      'access-control-allow-methods': 'GET,POST,PUT,DELETE,HEAD,OPTIONS,PATCH',
      'access-control-allow-headers':
        'X-Stage,X-Sdk-Date,X-Sdk-Nonce,X-Proxy-Signed-Headers,X-Sdk-Content-Sha256,X-Forwarded-For,Authorization,Content-Type,Accept,Accept-Ranges,Cache-Control,Range',
      'access-control-max-age': '172800',
    });
  }
});

test('enabled, OPTIONS without its two headers is not a preflight, and a path without an API stays unknown', async () => {
  for (const headers of [{}, { origin: PAGE }, { 'access-control-request-method': 'PUT' }]) {
    const response = await fetch(`${withCors}/plain`, {
      method: 'OPTIONS',
      headers: headers as Record<string, string>,
    });
    expect(await response.text()).toBe('OPTIONS');
  }
  const unknown = await fetch(`${withCors}/nowhere`, { method: 'OPTIONS', headers: PREFLIGHT });
  expect(unknown.status).toBe(404);
});
