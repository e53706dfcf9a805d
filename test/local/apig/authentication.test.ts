import type { Server } from 'node:http';
import { AccessBook } from '../../../local/apig/access-book';
import { createGateway, type GatewayOptions } from '../../../local/apig/server';
import { closeServer, listen } from '../../../local/http-server';
import { Credentials } from '../../../local/iam/credentials';
import { type Cloud, PROJECT, signedHeaders, startCloud } from '../functiongraph/cloud';

const ECHO = `exports.handler = async (event, context) => ({
  statusCode: 200, headers: {}, isBase64Encoded: false, body: JSON.stringify(event) });`;
const USER = { accessKey: 'AKUSER', secretKey: 'user-secret', projectId: PROJECT };
const APP = { key: '01177c425f71487ea362ba84dc4abe5e', secret: 'app-secret', appCode: '' };
const APP_KEY = { accessKey: APP.key, secretKey: APP.secret, projectId: '' };
const EMPTY_SHA256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
const MINUTE = 60_000;

let cloud: Cloud;
let gateway: Server;
let base: string;
let nowMs = Date.now();
const credentials = new Credentials(USER, () => nowMs);

beforeAll(async () => {
  cloud = await startCloud();
  expect((await cloud.deploy('echo', ECHO)).status).toBe(200);
  for (const auth of ['NONE', 'IAM', 'APP']) {
    const created = await cloud.addTrigger('echo', 'DEDICATEDGATEWAY', {
      name: auth.toLowerCase(),
      path: `/${auth.toLowerCase()}`,
      req_method: 'ANY',
      match_mode: 'SWA',
      auth,
    });
    expect(created.status).toBe(201);
  }
  const access = new AccessBook();
  const app = access.addApp({ name: 'app_demo', key: APP.key, secret: APP.secret });
  APP.appCode = access.addCode(app).code;
  access.addApp({ name: 'without_code', key: 'without-code', secret: 'x' });
  for (const { apiId, envId } of cloud.functiongraph.apiRoutes()) access.authorize(app.id, apiId, envId);
  const options: GatewayOptions = {
    functiongraph: cloud.functiongraph,
    credentials,
    accessOf: () => access,
    clock: () => nowMs,
    behaviour: { simpleAuthentication: true },
  };
  gateway = createGateway(options);
  base = `http://127.0.0.1:${await listen(gateway, 0)}`;
});
afterAll(async () => {
  await closeServer(gateway);
  await cloud.close();
});
beforeEach(() => {
  nowMs = Date.now();
});

async function call(path: string, headers: Record<string, string> = {}, method = 'GET', body?: string) {
  const response = await fetch(base + path, { method, headers, ...(body !== undefined && { body }) });
  return {
    status: response.status,
    requestId: response.headers.get('x-request-id'),
    body: (await response.json()) as { error_code: string; error_msg: string; request_id: string },
  };
}

function signed(path: string, key: typeof USER, body?: string, method = body === undefined ? 'GET' : 'POST') {
  return signedHeaders(method, new URL(base + path), body, { accept: '*/*' }, key);
}

test('NONE accepts every request, whatever it claims to be', async () => {
  expect((await call('/none')).status).toBe(200);
  expect((await call('/none', { 'x-auth-token': 'nonsense', authorization: 'nonsense' })).status).toBe(200);
});

describe('IAM', () => {
  test("accepts a request that the vendor's signer signed with an access key", async () => {
    expect((await call('/iam/a?b=2&a=1', signed('/iam/a?b=2&a=1', USER))).status).toBe(200);
    expect((await call('/iam', signed('/iam', USER, '{"x":1}'), 'POST', '{"x":1}')).status).toBe(200);
  });

  test('accepts the temporary key of an agency only with its token', async () => {
    const key = credentials.temporaryKeyOf('agency');
    const headers = (extra: Record<string, string>) =>
      signedHeaders('GET', new URL(`${base}/iam`), undefined, { accept: '*/*', ...extra }, key);
    expect((await call('/iam', headers({ 'X-Security-Token': key.securityToken! }))).status).toBe(200);
    expect((await call('/iam', headers({}))).status).toBe(401);
  });

  test('accepts a token of IAM in X-Auth-Token for 24 hours, then requires a new one', async () => {
    const { value } = credentials.issueToken();
    expect((await call('/iam', { 'x-auth-token': value })).status).toBe(200);
    nowMs += 24 * 60 * MINUTE - 1;
    expect((await call('/iam', { 'x-auth-token': value })).status).toBe(200);
    nowMs += 1;
    const { status, body, requestId } = await call('/iam', { 'x-auth-token': value });
    expect(status).toBe(401);
    expect(body).toEqual({
      error_code: 'APIG.0307',
      error_msg: 'The token must be updated.',
      request_id: requestId,
    });
  });

  test('refuses a token that was never issued', async () => {
    expect(await call('/iam', { 'x-auth-token': 'nonsense' })).toMatchObject({
      status: 401,
      body: {
        error_code: 'APIG.0301',
        error_msg: 'Incorrect IAM authentication information: decrypt token fail',
      },
    });
  });

  test('refuses a wrong secret key and shows the canonical request', async () => {
    const headers = signed('/iam', { ...USER, secretKey: 'wrong' });
    const { status, body } = await call('/iam', headers);
    expect(status).toBe(401);
    expect(body.error_code).toBe('APIG.0301');
    const { host } = new URL(base);
    expect(body.error_msg).toBe(
      'Incorrect IAM authentication information: verify aksk signature fail, canonicalRequest:' +
        `GET|/iam/||accept:*/*|host:${host}|x-sdk-content-sha256:${EMPTY_SHA256}|x-sdk-date:${headers['X-Sdk-Date']}|` +
        `|accept;host;x-sdk-content-sha256;x-sdk-date|${EMPTY_SHA256}`,
    );
  });

  test("refuses an app's key and a request without authentication", async () => {
    for (const headers of [signed('/iam', APP_KEY), { 'x-apig-appcode': APP.appCode }, {}]) {
      const { status, body } = await call('/iam', headers as Record<string, string>);
      expect([status, body.error_code]).toEqual([401, 'APIG.0301']);
    }
  });

  test('accepts a signature that is 15 minutes old and no older one', async () => {
    const headers = signed('/iam', USER);
    const date = headers['X-Sdk-Date']!;
    const signedAtMs = Date.parse(date.replace(/(....)(..)(..)T(..)(..)(..)Z/, '$1-$2-$3T$4:$5:$6Z'));
    nowMs = signedAtMs + 15 * MINUTE;
    expect((await call('/iam', headers)).status).toBe(200);
    nowMs += 1000;
    const { status, body } = await call('/iam', headers);
    expect(status).toBe(401);
    expect(body.error_msg).toContain(`signature expired, signature time:${date},server time:`);
  });
});

describe('APP', () => {
  test("accepts a request that the vendor's signer signed with an app's key and secret", async () => {
    expect((await call('/app?x=1', signed('/app?x=1', APP_KEY))).status).toBe(200);
    expect((await call('/app', signed('/app', APP_KEY, '{}'), 'POST', '{}')).status).toBe(200);
  });

  test('accepts an app code in place of a signature', async () => {
    expect((await call('/app', { 'X-Apig-AppCode': APP.appCode })).status).toBe(200);
  });

  test('refuses a wrong app code without repeating it', async () => {
    for (const code of ['app-code-of-nobody', '']) {
      const { status, body } = await call('/app', { 'X-Apig-AppCode': code });
      expect([status, body.error_code]).toEqual([401, 'APIG.0303']);
      expect(body.error_msg).toBe('Incorrect app authentication information: app not found');
    }
  });

  test('refuses a key that belongs to no app, an access key of IAM included', async () => {
    const { status, body } = await call('/app', signed('/app', USER));
    expect(status).toBe(401);
    expect(body).toMatchObject({
      error_code: 'APIG.0303',
      error_msg: 'Incorrect app authentication information: app not found, appkey AKUSER',
    });
  });

  test('refuses a wrong secret and a changed body and shows the canonical request', async () => {
    const path = '/app/test';
    const { body } = await call(path, signed(path, { ...APP_KEY, secretKey: 'wrong' }));
    expect(body.error_code).toBe('APIG.0303');
    expect(body.error_msg).toMatch(
      /^Incorrect app authentication information: verify signature fail, canonicalRequest:GET\|\/app\/test\/\|\|accept:/,
    );
    expect((await call('/app', signed('/app', APP_KEY, '{"x":1}'), 'POST', '{"x":2}')).status).toBe(401);
  });

  test('refuses an old signature in the words of the platform', async () => {
    const headers = signed('/app', APP_KEY);
    nowMs += 16 * MINUTE;
    const { body } = await call('/app', headers);
    expect(body.error_code).toBe('APIG.0303');
    expect(body.error_msg).toMatch(
      /^Incorrect app authentication information: signature expired, signature time:\d{8}T\d{6}Z,server time:\d{8}T\d{6}Z$/,
    );
  });

  test('refuses a token of IAM and a request without authentication', async () => {
    for (const headers of [{ 'x-auth-token': credentials.issueToken().value }, {}]) {
      const { status, body } = await call('/app', headers as Record<string, string>);
      expect([status, body.error_code]).toEqual([401, 'APIG.0303']);
    }
  });

  test('has no apps by default', async () => {
    const own = createGateway({ functiongraph: cloud.functiongraph, credentials });
    const port = await listen(own, 0);
    const response = await fetch(`http://127.0.0.1:${port}/app`, {
      headers: { 'x-apig-appcode': APP.appCode },
    });
    await closeServer(own);
    expect(response.status).toBe(401);
  });
});
