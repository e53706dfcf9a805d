import { CloudApi } from '../../../../deploy/cloud-api';
import { GatewayBook, localInstance } from '../../../../local/apig/management/gateway-book';
import { createApiGroupServer } from '../../../../local/apig/management/server';
import { closeServer, listen } from '../../../../local/http-server';
import { Credentials } from '../../../../local/iam/credentials';

const KEY = { accessKey: 'AKTEST', secretKey: 'SKTEST', projectId: '0123456789abcdef0123456789abcdef' };
const API = {
  functionName: 'create',
  apiId: 'a'.repeat(32),
  instanceId: 'gateway-1',
  name: 'create_task',
  envId: 'RELEASE_ID',
  groupId: 'group-1',
  stage: 'RELEASE',
  path: '/snapshots',
  method: 'POST',
  matchMode: 'NORMAL',
  auth: 'APP',
  timeoutMs: 5000,
} as const;

// biome-ignore lint/suspicious/noExplicitAny: whatever the service answers
type Body = any;

let api: CloudApi;
let close: () => Promise<void>;
beforeEach(async () => {
  const server = createApiGroupServer({
    credentials: new Credentials({ ...KEY, denied: ['apig:acls:*'] }),
    gateways: new GatewayBook([localInstance('gateway-1'), localInstance('gateway-2')]),
    apis: () => [API],
  });
  const endpoint = `http://127.0.0.1:${await listen(server, 0)}`;
  close = () => closeServer(server);
  api = new CloudApi({
    region: 'ap-southeast-3',
    projectId: KEY.projectId,
    credentials: KEY,
    endpoints: { apig: endpoint },
  });
});
afterEach(() => close());

/** `POST apps`, below a gateway; a refusal as `404 APIG.3004`. */
async function call(what: string, body?: object, gateway = 'gateway-1'): Promise<Body> {
  const [method, target = ''] = what.split(' ') as ['GET', string];
  const [path, search = ''] = target.split('?');
  return api
    .call('apig', {
      method,
      path: `/v2/${KEY.projectId}/apigw/instances/${gateway}/${path}`,
      query: [...new URLSearchParams(search)],
      ...(body !== undefined && { body }),
    })
    .then((answer) => answer.body)
    .catch(({ status, code }) => `${status} ${code}`);
}

test('an app is made, listed without its secret, authorized once, and deleted', async () => {
  const app = await call('POST apps', { name: 'app_demo', remark: 'Demo app' });
  expect(app).toMatchObject({ name: 'app_demo', app_type: 'apig', creator: 'USER', status: 1 });
  expect([app.app_key, app.app_secret]).toEqual(Array(2).fill(expect.stringMatching(/^[0-9a-f]{32}$/)));
  const { apps, total } = await call('GET apps?name=demo');
  expect(total).toBe(1);
  expect(apps[0]).toMatchObject({ id: app.id, app_key: app.app_key, bind_num: 0 });
  expect(apps[0].app_secret).toBeUndefined();
  expect((await call('GET apps?name=demo&precise_search=name')).total).toBe(0);
  expect((await call('GET apps', undefined, 'gateway-2')).total).toBe(0);
  const right = { env_id: 'RELEASE_ID', app_ids: [app.id], api_ids: [API.apiId] };
  const results = [await call('POST app-auths', right), await call('POST app-auths', right)];
  expect(results.map(({ auths }) => auths[0].auth_result.status)).toEqual(['SUCCESS', 'SKIPPED']);
  const { auths } = await call(`GET app-auths/binded-apps?api_id=${API.apiId}`);
  expect(auths).toMatchObject([{ app_id: app.id, app_name: 'app_demo', api_name: 'create_task' }]);
  const { app_code: code } = await call(`PUT apps/${app.id}/app-codes`, {});
  expect((await call(`GET apps/${app.id}/app-codes`)).app_codes).toMatchObject([{ app_code: code }]);
  expect((await call(`PUT apps/secret/${app.id}`, {})).app_secret).not.toBe(app.app_secret);
  await call(`DELETE app-auths/${auths[0].id}`);
  expect((await call(`GET app-auths/binded-apis?app_id=${app.id}`)).total).toBe(0);
  await call(`DELETE apps/${app.id}`);
  expect(await call(`GET apps/${app.id}`)).toBe('404 APIG.3004');
});

test('a throttling policy is made, changed, bound to a published API, and deleted with its binding', async () => {
  const limits = { name: 'slow', time_unit: 'MINUTE', time_interval: 1, api_call_limits: 10 };
  const { id } = await call('POST throttles', limits);
  await call(`PUT throttles/${id}`, { ...limits, api_call_limits: 20 });
  const { apis } = await call('GET apis?group_id=group-1');
  expect(apis).toMatchObject([{ req_method: 'POST', req_uri: '/snapshots', auth_type: 'APP' }]);
  await call('POST throttle-bindings', { strategy_id: id, publish_ids: [apis[0].publish_id] });
  const bound = await call(`GET throttle-bindings/binded-throttles?api_id=${API.apiId}`);
  expect(bound.throttles).toMatchObject([{ id, api_call_limits: 20, env_name: 'RELEASE', bind_num: 1 }]);
  await call(`DELETE throttles/${id}`);
  expect((await call(`GET throttle-bindings/binded-throttles?api_id=${API.apiId}`)).total).toBe(0);
});

test.each([
  ['POST apps', { name: '1a' }, '400 APIG.2011'],
  ['POST apps', { name: 'app', app_secret: 'short' }, '400 APIG.2011'],
  ['POST app-auths', { env_id: 'e', app_ids: ['none'], api_ids: [API.apiId] }, '404 APIG.3004'],
  ['POST app-auths', { env_id: 'e', app_ids: ['none'], api_ids: ['none'] }, '404 APIG.3002'],
  [
    'POST throttles',
    { name: 'slow', time_unit: 'WEEK', time_interval: 1, api_call_limits: 1 },
    '400 APIG.2011',
  ],
  [
    'POST throttles',
    { name: 'slow', time_unit: 'DAY', time_interval: 1, api_call_limits: 1, app_call_limits: 2 },
    '400 APIG.2011',
  ],
  ['POST throttle-bindings', { strategy_id: 'none', publish_ids: ['p'] }, '404 APIG.3005'],
  ['DELETE throttle-bindings/none', undefined, '404 APIG.3008'],
  ['GET acls', undefined, '403 APIG.1005'],
])('%s %j is refused', async (what, body, expected) => {
  expect(await call(what, body)).toBe(expected);
});

test('names of apps and policies are unique in a gateway', async () => {
  const limits = { time_unit: 'DAY', time_interval: 1, api_call_limits: 1 };
  for (const [what, code] of [
    ['apps', 'APIG.3203'],
    ['throttles', 'APIG.3204'],
  ] as const) {
    const { id } = await call(`POST ${what}`, { name: 'taken', ...limits });
    expect(await call(`POST ${what}`, { name: 'taken', ...limits })).toBe(`400 ${code}`);
    expect(await call(`POST ${what}`, { name: 'taken', ...limits }, 'gateway-2')).toMatchObject({
      name: 'taken',
    });
    expect(id).toEqual(expect.any(String));
  }
  const { id } = await call('POST throttles', { name: 'other', ...limits });
  expect(await call(`PUT throttles/${id}`, { name: 'taken', ...limits })).toBe('400 APIG.3204');
  expect(await call(`PUT throttles/${id}`, { name: 'other', ...limits })).toMatchObject({ name: 'other' });
});

test('a missing gateway has no apps', async () => {
  expect(await call('GET apps', undefined, 'gateway-3')).toBe('404 APIG.3030');
});
