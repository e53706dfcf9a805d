import { BasicCredentials } from '@huaweicloud/huaweicloud-sdk-core/auth/BasicCredentials';
import { ClientBuilder } from '@huaweicloud/huaweicloud-sdk-core/ClientBuilder';
import { Logger4jInstance } from '@huaweicloud/huaweicloud-sdk-core/logger/log4jLogger';
import type { SdkResponse } from '@huaweicloud/huaweicloud-sdk-core/SdkResponse';
import { closeServer, listen } from '../../../local/http-server';
import { Credentials } from '../../../local/iam/credentials';
import { LogBook } from '../../../local/lts/log-book';
import { createLts } from '../../../local/lts/server';

const KEY = { accessKey: 'AKTEST', secretKey: 'SKTEST', projectId: '0123456789abcdef0123456789abcdef' };
const KEY_WITHOUT_RIGHTS = { ...KEY, denied: ['lts:groups:c*'] };
const GROUPS = `/v2/${KEY.projectId}/groups`;

// biome-ignore lint/suspicious/noExplicitAny: whatever the service answers
type Body = any;

let endpoint: string;
let close: () => Promise<void>;
async function start(key = KEY): Promise<void> {
  const server = createLts({ credentials: new Credentials(key), logs: new LogBook() });
  endpoint = `http://127.0.0.1:${await listen(server, 0)}`;
  close = () => closeServer(server);
}
beforeEach(() => {
  // The SDK prints each refused call with all its headers and has no option against it.
  Logger4jInstance.level = 'off';
  return start();
});
afterEach(() => close());

/** What the vendor's client gets; a refusal as `400 LTS.0009`. */
function call(method: string, address: string, data?: object): Promise<Body> {
  const { origin, pathname: url, searchParams } = new URL(address, endpoint);
  const { accessKey: ak, secretKey: sk, projectId } = KEY;
  const client = new ClientBuilder((built) => built)
    .withCredential(new BasicCredentials({ ak, sk, projectId }))
    .withEndpoint(origin)
    .build();
  const request = { method, url, contentType: 'application/json', pathParams: {} };
  const queryParams = Object.fromEntries(searchParams);
  return client
    .sendRequest<SdkResponse & Body>({ ...request, queryParams, headers: {}, data: data ?? {} } as never)
    .catch(({ httpStatusCode, errorCode }) => `${httpStatusCode} ${errorCode}`);
}

test('a group is made, listed with its tags, and deleted', async () => {
  const tags = [{ key: 'serverless', value: 'mpc-snapshots/demo' }];
  const made = await call('POST', GROUPS, { log_group_name: 'demo', ttl_in_days: 7, tags });
  expect(made).toMatchObject({ httpStatusCode: 201, log_group_id: expect.stringMatching(/^[\w-]{36}$/) });
  const { log_groups } = await call('GET', GROUPS);
  expect(log_groups).toEqual([
    {
      creation_time: expect.any(Number),
      log_group_id: made.log_group_id,
      log_group_name: 'demo',
      ttl_in_days: 7,
      tag: { serverless: 'mpc-snapshots/demo' },
    },
  ]);
  expect((await call('DELETE', `${GROUPS}/${made.log_group_id}`)).httpStatusCode).toBe(204);
  expect((await call('GET', GROUPS)).log_groups).toEqual([]);
});

test('a stream belongs to its group, and is found by the names of both', async () => {
  const { log_group_id } = await call('POST', GROUPS, { log_group_name: 'demo', ttl_in_days: 7 });
  const streams = `${GROUPS}/${log_group_id}/streams`;
  const made = await call('POST', streams, { log_stream_name: 'functions' });
  expect(made).toMatchObject({ httpStatusCode: 201, log_stream_id: expect.any(String) });
  const { log_stream_id } = made;
  const { log_streams } = await call('GET', streams);
  expect(log_streams).toEqual([
    expect.objectContaining({ log_stream_id, log_stream_name: 'functions', ttl_in_days: 7 }),
  ]);
  const all = `/v2/${KEY.projectId}/log-streams?log_group_name=demo&log_stream_name=functions`;
  expect((await call('GET', all)).log_streams).toEqual([
    expect.objectContaining({ log_stream_id, log_group_id }),
  ]);
  expect((await call('DELETE', `${streams}/${log_stream_id}`)).httpStatusCode).toBe(204);
  expect((await call('GET', streams)).log_streams).toEqual([]);
});

test.each<[string, object]>([
  ['no days', { log_group_name: 'demo' }],
  ['too many days', { log_group_name: 'demo', ttl_in_days: 366 }],
  ['a dot at the end of the name', { log_group_name: 'demo.', ttl_in_days: 7 }],
])('a group with %s is refused', async (_, body) => {
  expect(await call('POST', GROUPS, body)).toBe('400 LTS.0009');
});

test('a name that is taken and a missing group or stream are refused', async () => {
  const { log_group_id } = await call('POST', GROUPS, { log_group_name: 'demo', ttl_in_days: 7 });
  const streams = `${GROUPS}/${log_group_id}/streams`;
  expect(await call('POST', GROUPS, { log_group_name: 'demo', ttl_in_days: 7 })).toBe('400 LTS.0103');
  await call('POST', streams, { log_stream_name: 'functions' });
  expect(await call('POST', streams, { log_stream_name: 'functions' })).toBe('400 LTS.0205');
  expect(await call('DELETE', `${streams}/other`)).toBe('400 LTS.0208');
  expect(await call('POST', `${GROUPS}/other/streams`, { log_stream_name: 'functions' })).toBe(
    '400 LTS.0201',
  );
  expect(await call('GET', `/v2/${'f'.repeat(32)}/groups`)).toBe('403 LTS.0001');
});

test('a key without the right is refused, and nothing is made', async () => {
  await close();
  await start(KEY_WITHOUT_RIGHTS);
  expect(await call('POST', GROUPS, { log_group_name: 'demo', ttl_in_days: 7 })).toBe('403 LTS.0003');
  expect((await call('GET', GROUPS)).log_groups).toEqual([]);
});
