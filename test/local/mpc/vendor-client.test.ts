import { BasicCredentials } from '@huaweicloud/huaweicloud-sdk-core/auth/BasicCredentials';
import { ClientBuilder } from '@huaweicloud/huaweicloud-sdk-core/ClientBuilder';
import type { HcClient, HttpRequestOptions } from '@huaweicloud/huaweicloud-sdk-core/HcClient';
import { Logger4jInstance } from '@huaweicloud/huaweicloud-sdk-core/logger/log4jLogger';
import { closeFixtures, KEY, MpcFixture, PROJECT, request } from './mpc-fixture';

const PATH = '/v1/{project_id}/thumbnails';

// The SDK prints each refused call with all its headers and has no option against it.
beforeAll(() => {
  Logger4jInstance.level = 'off';
});
afterEach(closeFixtures);

/**
 * What the vendor's generated MPC client does with its three calls: only the descriptions of the operations are ours.
 */
class VendorMpcClient {
  constructor(private readonly client: HcClient) {}

  create(body: Record<string, unknown>) {
    return this.#send({ method: 'POST', queryParams: {}, data: body });
  }

  list(queryParams: Record<string, unknown>) {
    return this.#send({ method: 'GET', queryParams, data: {} });
  }

  cancel(taskId: string) {
    return this.#send({ method: 'DELETE', queryParams: { task_id: taskId }, data: {} });
  }

  #send(operation: Pick<HttpRequestOptions, 'method' | 'queryParams' | 'data'>) {
    // biome-ignore lint/suspicious/noExplicitAny: answers are looked into freely by tests
    return this.client.sendRequest<any>({
      url: PATH,
      contentType: 'application/json',
      pathParams: {},
      headers: {},
      ...operation,
    });
  }
}

function clientOf(fixture: MpcFixture, key: { ak: string; sk: string; securityToken?: string }) {
  return new ClientBuilder((client) => new VendorMpcClient(client))
    .withCredential(new BasicCredentials({ ...key, projectId: PROJECT }))
    .withEndpoint(fixture.endpoint)
    .build();
}

/** The SDK signs with the time of this computer. */
async function open() {
  const fixture = await MpcFixture.open();
  fixture.nowMs = Date.now();
  return { fixture, client: clientOf(fixture, { ak: KEY.accessKey, sk: KEY.secretKey }) };
}

test('creates a task and lists it, several ids at once', async () => {
  const { fixture, client } = await open();
  const first = await client.create(request());
  const second = await client.create(request({}, { time: 5 }));
  expect(first).toEqual({ httpStatusCode: 202, task_id: expect.any(String) });
  await fixture.ended(first.task_id);
  await fixture.ended(second.task_id);

  const ids = [second.task_id, first.task_id];
  const listed = await client.list({ task_id: [...ids] });
  expect(listed).toMatchObject({ httpStatusCode: 200, is_truncated: 0, total: 2 });
  expect(listed.task_array.map((task: { task_id: string }) => task.task_id).sort()).toEqual(ids.sort());
  expect(listed.task_array[0].thumbnail_info.length).toBeGreaterThan(0);
});

test('lists by status, time and page', async () => {
  const { fixture, client } = await open();
  const { task_id } = await client.create(request());
  await fixture.ended(task_id);
  const page = { start_time: '20200101000000', end_time: '20991231235959', page: 0, size: 10 };
  expect((await client.list({ ...page, status: 'SUCCEEDED' })).total).toBe(1);
  expect((await client.list({ ...page, status: 'FAILED' })).total).toBe(0);
});

test('cancels a task that waits', async () => {
  const { fixture, client } = await open();
  fixture.capture.hold();
  const running = [await client.create(request()), await client.create(request())];
  const waiting = await client.create(request());
  expect(await client.cancel(waiting.task_id)).toEqual({ httpStatusCode: 204 });
  fixture.capture.release();
  expect((await client.list({ task_id: waiting.task_id })).task_array[0].status).toBe('CANCELED');
  for (const { task_id } of running) await fixture.ended(task_id);
});

test('throws refusals of the service with their code, status and request id', async () => {
  const { fixture, client } = await open();
  await expect(client.create(request({}, { time: 101 }))).rejects.toMatchObject({
    httpStatusCode: 400,
    errorCode: 'MPC.10202',
    errorMsg: 'Invalid request parameter.',
    requestId: expect.stringMatching(/^[0-9a-f]{32}$/),
  });
  await expect(client.cancel('999999')).rejects.toMatchObject({
    httpStatusCode: 403,
    errorCode: 'MPC.10211',
  });
  const stranger = clientOf(fixture, { ak: KEY.accessKey, sk: 'wrong' });
  await expect(stranger.list({ task_id: ['1', '2'] })).rejects.toMatchObject({
    httpStatusCode: 401,
    errorCode: 'APIGW.0301',
  });
});
