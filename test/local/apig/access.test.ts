import type { Server } from 'node:http';
import { AccessBook, publishIdOf, type ThrottleLimits } from '../../../local/apig/access-book';
import { createGateway } from '../../../local/apig/server';
import { closeServer, listen } from '../../../local/http-server';
import { Credentials } from '../../../local/iam/credentials';
import { type Cloud, PROJECT, signedHeaders, startCloud } from '../functiongraph/cloud';

const HELLO = `exports.handler = async (event, context) => ({
  statusCode: 200, headers: {}, isBase64Encoded: false, body: '"hello"' });`;
const USER = { accessKey: 'AKUSER', secretKey: 'user-secret', projectId: PROJECT };
const STRANGER = {
  accessKey: 'AKSTRANGER',
  secretKey: 'stranger-secret',
  projectId: 'f'.repeat(32),
  domainId: 'd'.repeat(32),
  domainName: 'stranger',
};

let cloud: Cloud;
let gateway: Server;
let base: string;
let access: AccessBook;
let nowMs = Date.now();

beforeAll(async () => {
  cloud = await startCloud();
  expect((await cloud.deploy('hello', HELLO)).status).toBe(200);
  for (const auth of ['NONE', 'IAM', 'APP']) {
    for (const path of [`/${auth.toLowerCase()}`, `/${auth.toLowerCase()}2`]) {
      const data = { name: path.slice(1), path, req_method: 'ANY', auth, instance_id: 'gateway-1' };
      expect((await cloud.addTrigger('hello', 'DEDICATEDGATEWAY', data)).status).toBe(201);
    }
  }
  const credentials = new Credentials(USER, () => nowMs);
  credentials.add(STRANGER);
  gateway = createGateway({
    functiongraph: cloud.functiongraph,
    credentials,
    accessOf: (instanceId) => (instanceId === 'gateway-1' ? access : new AccessBook()),
    clock: () => nowMs,
  });
  base = `http://127.0.0.1:${await listen(gateway, 0)}`;
});
afterAll(async () => {
  await closeServer(gateway);
  await cloud.close();
});
beforeEach(() => {
  nowMs = Date.now();
  access = new AccessBook(() => nowMs);
});

const api = (path: string) => {
  const route = cloud.functiongraph.apiRoutes().find((one) => one.path === path)!;
  return { ...route, publishId: publishIdOf(route) };
};

/** `200`, or `403 APIG.0304`. */
async function call(
  path: string,
  key?: { accessKey: string; secretKey: string },
  more = {},
): Promise<string> {
  const headers = key && signedHeaders('GET', new URL(base + path), undefined, {}, { ...USER, ...key });
  const response = await fetch(base + path, { headers: { ...headers, ...more } });
  const { error_code } = (await response.json()) as { error_code?: string };
  return [response.status, error_code].filter(Boolean).join(' ');
}

function addApp(name: string) {
  const app = access.addApp({ name });
  return { app, key: { accessKey: app.key, secretKey: app.secret } };
}

describe('an API with authentication APP', () => {
  test('is called by an app that is authorized for it, and for no other API', async () => {
    const { app, key } = addApp('app_demo');
    expect(await call('/app', key)).toBe('403 APIG.0304');
    access.authorize(app.id, api('/app').apiId, api('/app').envId);
    expect(await call('/app', key)).toBe('200');
    expect(await call('/app2', key)).toBe('403 APIG.0304');
    const again = access.authorize(app.id, api('/app').apiId, api('/app').envId);
    expect(again.isNew).toBe(false);
  });

  test('refuses an app in another environment, with its old secret, and after its deletion', async () => {
    const { app, key } = addApp('app_demo');
    access.authorize(app.id, api('/app').apiId, 'another-environment');
    expect(await call('/app', key)).toBe('403 APIG.0304');
    access.authorize(app.id, api('/app').apiId, api('/app').envId);
    access.resetSecret(app);
    expect(await call('/app', key)).toBe('401 APIG.0303');
    expect(await call('/app', { ...key, secretKey: app.secret })).toBe('200');
    access.removeApp(app);
    expect(await call('/app', { ...key, secretKey: app.secret })).toBe('401 APIG.0303');
    expect(access.authorizations.size).toBe(0);
  });

  test('accepts no app code unless simple authentication is on', async () => {
    const { app } = addApp('app_demo');
    access.authorize(app.id, api('/app').apiId, api('/app').envId);
    const { code } = access.addCode(app);
    expect(await call('/app', undefined, { 'X-Apig-AppCode': code })).toBe('401 APIG.0303');
  });
});

describe('an access policy', () => {
  test('of an API with authentication IAM excludes other accounts, which may otherwise call it', async () => {
    expect(await call('/iam', STRANGER)).toBe('200');
    const own = '0000000000000000000000000000d0a1';
    const policy = access.addPolicy({ name: 'ours', type: 'PERMIT', entity: 'DOMAIN_ID', values: [own] });
    access.bindPolicy(policy.id, api('/iam').publishId);
    expect(await call('/iam', STRANGER)).toBe('403 APIG.0302');
    expect(await call('/iam', USER)).toBe('200');
    expect(await call('/iam2', STRANGER)).toBe('200');
    access.removePolicy(policy.id);
    expect(await call('/iam', STRANGER)).toBe('200');
  });

  test('may deny the accounts that it names', async () => {
    const policy = access.addPolicy({ name: 'no', type: 'DENY', entity: 'DOMAIN', values: ['stranger'] });
    access.bindPolicy(policy.id, api('/iam').publishId);
    expect(await call('/iam', STRANGER)).toBe('403 APIG.0302');
    expect(await call('/iam', USER)).toBe('200');
  });

  test.each([
    ['127.0.0.1', '200'],
    ['10.0.0.1,127.0.0.0/8', '200'],
    ['127.0.0.1-127.0.0.9', '200'],
    ['10.0.0.0/8', '403 APIG.0306'],
  ])('for addresses %s answers %s', async (values, expected) => {
    const policy = access.addPolicy({ name: 'ip', type: 'PERMIT', entity: 'IP', values: values.split(',') });
    access.bindPolicy(policy.id, api('/none').publishId);
    expect(await call('/none')).toBe(expected);
  });

  test('replaces an earlier one of the same entity type, and stands beside one of another type', async () => {
    const bind = (type: 'PERMIT' | 'DENY', entity: 'IP' | 'DOMAIN', value: string) => {
      const policy = access.addPolicy({ name: 'p', type, entity, values: [value] });
      access.bindPolicy(policy.id, api('/iam').publishId);
    };
    bind('DENY', 'DOMAIN', 'local');
    expect(await call('/iam', USER)).toBe('403 APIG.0302');
    bind('PERMIT', 'DOMAIN', 'local');
    expect(await call('/iam', USER)).toBe('200');
    bind('DENY', 'IP', '127.0.0.1');
    expect(await call('/iam', USER)).toBe('403 APIG.0306');
  });
});

describe('a throttling policy', () => {
  const bind = (limits: Partial<ThrottleLimits>, ...paths: string[]) => {
    const { id } = access.addThrottle({
      name: 'slow',
      remark: '',
      apiCalls: 100,
      interval: 1,
      unit: 'MINUTE',
      scope: 'exclusive',
      ...limits,
    });
    for (const path of paths) access.bindThrottle(id, api(path).publishId);
  };
  const calls = async (path: string, count: number, key?: typeof USER) => {
    const answers: string[] = [];
    for (let index = 0; index < count; index++) answers.push(await call(path, key));
    return answers;
  };

  test('lets its number of calls of an API through in a minute, and again in the next', async () => {
    bind({ apiCalls: 2 }, '/none', '/none2');
    expect(await calls('/none', 3)).toEqual(['200', '200', '429 APIG.0308']);
    // Each API has calls of its own.
    expect(await calls('/none2', 1)).toEqual(['200']);
    const response = await fetch(`${base}/none`);
    expect(await response.json()).toMatchObject({
      error_msg: 'The throttling threshold has been reached: policy api over ratelimit,limit:2,time:1 minute',
    });
    nowMs += 59_999;
    expect(await call('/none')).toBe('429 APIG.0308');
    nowMs += 1;
    expect(await calls('/none', 3)).toEqual(['200', '200', '429 APIG.0308']);
  });

  test('may count the calls of several APIs together', async () => {
    bind({ apiCalls: 2, scope: 'shared' }, '/none', '/none2');
    expect([await call('/none'), await call('/none2'), await call('/none')]).toEqual([
      '200',
      '200',
      '429 APIG.0308',
    ]);
  });

  test('counts each app and each account separately, and refused calls not at all', async () => {
    bind({ apiCalls: 4, appCalls: 2 }, '/app');
    bind({ apiCalls: 4, userCalls: 2 }, '/iam');
    const [one, two, three] = ['one_app', 'two_app', 'three_app'].map(addApp) as ReturnType<typeof addApp>[];
    for (const { app } of [one!, two!, three!])
      access.authorize(app.id, api('/app').apiId, api('/app').envId);
    expect(await calls('/app', 3, one!.key as never)).toEqual(['200', '200', '429 APIG.0308']);
    expect(await calls('/app', 2, two!.key as never)).toEqual(['200', '200']);
    expect(await calls('/app', 1, three!.key as never)).toEqual(['429 APIG.0308']);
    expect(await calls('/iam', 3, USER)).toEqual(['200', '200', '429 APIG.0308']);
    expect(await calls('/iam', 2, STRANGER)).toEqual(['200', '200']);
  });

  test('does not count calls that authentication or a policy refuses', async () => {
    bind({ apiCalls: 1 }, '/iam');
    const own = '0000000000000000000000000000d0a1';
    const policy = access.addPolicy({ name: 'ours', type: 'PERMIT', entity: 'DOMAIN_ID', values: [own] });
    access.bindPolicy(policy.id, api('/iam').publishId);
    expect(await calls('/iam', 2)).toEqual(Array(2).fill('401 APIG.0301'));
    expect(await calls('/iam', 2, STRANGER)).toEqual(Array(2).fill('403 APIG.0302'));
    expect(await calls('/iam', 2, USER)).toEqual(['200', '429 APIG.0308']);
  });

  test('counts addresses, and replaces the earlier policy', async () => {
    bind({ apiCalls: 1 }, '/none');
    bind({ apiCalls: 5, ipCalls: 3 }, '/none');
    expect(await calls('/none', 4)).toEqual(['200', '200', '200', '429 APIG.0308']);
  });
});
