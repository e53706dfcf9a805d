import { GatewayBook, localInstance } from '../../../../local/apig/management/gateway-book';
import { createApiGroupServer } from '../../../../local/apig/management/server';
import { closeServer, listen } from '../../../../local/http-server';
import { Credentials } from '../../../../local/iam/credentials';
import { KEY, vendorRequest } from '../../../vendor-request';

const INSTANCES = `/v2/${KEY.projectId}/apigw/instances`;
const GROUPS = `${INSTANCES}/gateway-1/api-groups`;

const published = new Set<string>();
let call: (method: string, path: string, data?: object) => ReturnType<typeof vendorRequest>;
let close: () => Promise<void>;
async function start(denied: string[] = [], maxGroups = 10): Promise<void> {
  const server = createApiGroupServer({
    credentials: new Credentials({ ...KEY, denied }),
    gateways: new GatewayBook([{ ...localInstance('gateway-1'), maxGroups }]),
    hasApis: (id) => published.has(id),
  });
  const endpoint = `http://127.0.0.1:${await listen(server, 0)}`;
  call = (method, path, data) => vendorRequest(method, endpoint + path, data);
  close = () => closeServer(server);
}
beforeEach(() => start());
afterEach(() => close());

test('a gateway is listed with its environment, and a group can be made in it', async () => {
  expect(await call('GET', INSTANCES)).toMatchObject({
    total: 1,
    instances: [{ id: 'gateway-1', status: 'Running' }],
  });
  expect((await call('GET', `${INSTANCES}/gateway-1/envs`)).envs).toEqual([
    expect.objectContaining({ id: 'DEFAULT_ENVIRONMENT_RELEASE_ID', name: 'RELEASE' }),
  ]);
  const made = await call('POST', GROUPS, { name: 'demo', remark: '[mine]' });
  expect(made).toMatchObject({
    httpStatusCode: 201,
    name: 'demo',
    remark: '[mine]',
    sl_domain: expect.any(String),
  });
  expect(await call('GET', `${GROUPS}?name=dem`)).toMatchObject({ total: 1, groups: [{ id: made.id }] });
  expect(await call('GET', `${GROUPS}?name=dem&precise_search=name`)).toMatchObject({ total: 0 });
  expect(await call('POST', GROUPS, { name: 'demo' })).toBe('400 APIG.3201');
  expect((await call('DELETE', `${GROUPS}/${made.id}`)).httpStatusCode).toBe(204);
  expect(await call('DELETE', `${GROUPS}/${made.id}`)).toBe('404 APIG.3001');
});

test.each(['de', 'de-mo', '1demo', ''])('a group called "%s" is refused', async (name) => {
  expect(await call('POST', GROUPS, { name })).toBe('400 APIG.2011');
});

test('a group in which an API is published cannot be deleted', async () => {
  const { id } = await call('POST', GROUPS, { name: 'demo' });
  published.add(id);
  expect(await call('DELETE', `${GROUPS}/${id}`)).toBe('409 APIG.3303');
});

test('a full gateway accepts no group', async () => {
  await close();
  await start([], 1);
  await call('POST', GROUPS, { name: 'first' });
  expect(await call('POST', GROUPS, { name: 'second' })).toBe('403 APIG.3101');
});

test('a key without the right is refused', async () => {
  await close();
  await start(['apig:groups:create']);
  expect(await call('POST', GROUPS, { name: 'demo' })).toBe('403 APIG.1005');
  expect((await call('GET', GROUPS)).total).toBe(0);
});
