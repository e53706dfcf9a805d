import { BasicCredentials } from '@huaweicloud/huaweicloud-sdk-core/auth/BasicCredentials';
import { ClientBuilder } from '@huaweicloud/huaweicloud-sdk-core/ClientBuilder';
import type { HcClient } from '@huaweicloud/huaweicloud-sdk-core/HcClient';
import { Logger4jInstance } from '@huaweicloud/huaweicloud-sdk-core/logger/log4jLogger';
import type { SdkResponse } from '@huaweicloud/huaweicloud-sdk-core/SdkResponse';
import { ACCOUNT, REGION as LOCAL_REGION } from '../../../local/account';
import { startCloud } from '../../../local/cloud';
import { closeServer, listen } from '../../../local/http-server';
import { Credentials } from '../../../local/iam/credentials';
import { createIamServer } from '../../../local/iam/iam-server';

const KEY = { accessKey: 'AKTEST', secretKey: 'SKTEST', projectId: '0123456789abcdef0123456789abcdef' };
const REGION = 'cn-north-4';
const server = createIamServer({ credentials: new Credentials(KEY), region: REGION });
let endpoint: string;

beforeAll(async () => {
  // The SDK prints each refused call with all its headers and has no option against it.
  Logger4jInstance.level = 'off';
  endpoint = `http://127.0.0.1:${await listen(server, 0)}`;
});
afterAll(() => closeServer(server));

/** A client of some service that was told its region and no project. */
function client(ak: string, sk: string, iam = endpoint, service = iam, region = REGION): HcClient {
  const credentials = new BasicCredentials({ ak, sk }).withIamEndpoint(iam);
  return new ClientBuilder((built) => built)
    .withCredential(credentials)
    .withRegion({ id: region, endpoints: [service] } as never)
    .build();
}

/** Asks for the project list as that client, which first has to find out the project by itself. */
function list(asking: HcClient, name: string) {
  return asking.sendRequest<SdkResponse & { projects: { id: string; name: string }[] }>({
    method: 'GET',
    url: '/v3/projects',
    contentType: 'application/json',
    queryParams: { name },
    pathParams: {},
    headers: {},
    data: {},
  });
}

test("the vendor's SDK finds the project of its region by itself", async () => {
  const asking = client(KEY.accessKey, KEY.secretKey);
  const { projects } = await list(asking, REGION);
  expect(projects).toEqual([expect.objectContaining({ id: KEY.projectId, name: REGION, enabled: true })]);
  expect((asking as unknown as { credential: BasicCredentials }).credential.projectId).toBe(KEY.projectId);
});

test('another region has no project', async () => {
  expect((await list(client(KEY.accessKey, KEY.secretKey), 'eu-west-0')).projects).toEqual([]);
});

test('a wrong secret key, no signature and another path are refused', async () => {
  await expect(list(client('AKOTHER', 'wrong'), REGION)).rejects.toMatchObject({
    httpStatusCode: 401,
    errorCode: 'APIGW.0301',
  });
  expect((await fetch(`${endpoint}/v3/projects`)).status).toBe(401);
  const tokens = await fetch(`${endpoint}/v3/auth/tokens`, { method: 'POST', body: '{}' });
  expect([tokens.status, await tokens.json()]).toEqual([
    404,
    expect.objectContaining({ error_code: 'APIGW.0101' }),
  ]);
});

test('a client of the local cloud that knows only its key and region reaches MPC', async () => {
  const cloud = await startCloud({ port: 0 });
  try {
    const { IAM_ENDPOINT, MPC_ENDPOINT } = cloud.environment;
    const asking = client(ACCOUNT.accessKey, ACCOUNT.secretKey, IAM_ENDPOINT, MPC_ENDPOINT, LOCAL_REGION);
    const tasks = await asking.sendRequest<SdkResponse & { total: number }>({
      method: 'GET',
      url: '/v1/{project_id}/thumbnails',
      contentType: 'application/json',
      queryParams: {},
      pathParams: {},
      headers: {},
      data: {},
    });
    expect(tasks.total).toBe(0);
  } finally {
    await cloud.close();
  }
});
