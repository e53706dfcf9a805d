import { BasicCredentials } from '@huaweicloud/huaweicloud-sdk-core/auth/BasicCredentials';
import { ClientBuilder } from '@huaweicloud/huaweicloud-sdk-core/ClientBuilder';
import { Logger4jInstance } from '@huaweicloud/huaweicloud-sdk-core/logger/log4jLogger';
import type { SdkResponse } from '@huaweicloud/huaweicloud-sdk-core/SdkResponse';
import { GatewayBook, localInstance } from '../../../../local/apig/management/gateway-book';
import { createApiGroupServer } from '../../../../local/apig/management/server';
import { closeServer, listen } from '../../../../local/http-server';
import { Credentials } from '../../../../local/iam/credentials';

const KEY = { accessKey: 'AKTEST', secretKey: 'SKTEST', projectId: '0123456789abcdef0123456789abcdef' };
const server = createApiGroupServer({
  credentials: new Credentials(KEY),
  gateways: new GatewayBook(
    [localInstance('gateway-1')],
    [
      { id: 'shared-group', name: 'shop' },
      { id: 'own-group', name: 'shop', instanceId: 'gateway-1' },
    ],
  ),
});
let endpoint: string;
beforeAll(async () => {
  // The SDK prints each refused call with all its headers and has no option against it.
  Logger4jInstance.level = 'off';
  endpoint = `http://127.0.0.1:${await listen(server, 0)}`;
});
afterAll(() => closeServer(server));

/** What the vendor's SDK gets, as `200 shared-group` or `404 APIG.3001`. */
async function answer(url: string): Promise<string> {
  const credentials = new BasicCredentials({
    ak: KEY.accessKey,
    sk: KEY.secretKey,
    projectId: KEY.projectId,
  });
  const client = new ClientBuilder((built) => built)
    .withCredential(credentials)
    .withEndpoint(endpoint)
    .build();
  const request = { method: 'GET', url, contentType: 'application/json', queryParams: {}, pathParams: {} };
  return client
    .sendRequest<SdkResponse & { id: string }>({ ...request, headers: {}, data: {} } as never)
    .then(({ id, httpStatusCode }) => `${httpStatusCode} ${id}`)
    .catch(({ httpStatusCode, errorCode }) => `${httpStatusCode} ${errorCode}`);
}

const GATEWAYS = `/v2/${KEY.projectId}/apigw/instances`;

test.each([
  ['/v1.0/apigw/api-groups/shared-group', '200 shared-group'],
  ['/v1.0/apigw/api-groups/own-group', '404 APIG.3001'],
  [`${GATEWAYS}/gateway-1`, '200 gateway-1'],
  [`${GATEWAYS}/gateway-1/api-groups/own-group`, '200 own-group'],
  [`${GATEWAYS}/gateway-1/api-groups/shared-group`, '404 APIG.3001'],
  [`${GATEWAYS}/gateway-2`, '404 APIG.3030'],
  ['/v2/another-project/apigw/instances/gateway-1', '404 APIGW.0101'],
])('a group is found where it belongs, and nowhere else: %s', async (url, expected) => {
  expect(await answer(url)).toBe(expected);
});

test('without a signature nothing is shown', async () => {
  expect((await fetch(`${endpoint}/v1.0/apigw/api-groups/shared-group`)).status).toBe(401);
});
