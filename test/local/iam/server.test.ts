import { BasicCredentials } from '@huaweicloud/huaweicloud-sdk-core/auth/BasicCredentials';
import { ClientBuilder } from '@huaweicloud/huaweicloud-sdk-core/ClientBuilder';
import type { HcClient } from '@huaweicloud/huaweicloud-sdk-core/HcClient';
import { Logger4jInstance } from '@huaweicloud/huaweicloud-sdk-core/logger/log4jLogger';
import type { SdkResponse } from '@huaweicloud/huaweicloud-sdk-core/SdkResponse';
import { ACCOUNT, REGION as LOCAL_REGION } from '../../../local/account';
import { startCloud } from '../../../local/cloud';
import { closeServer, listen } from '../../../local/http-server';
import { type Agency, functionsAgency, MPC_ADMINISTRATOR } from '../../../local/iam/agencies';
import { Credentials } from '../../../local/iam/credentials';
import { IdentityBook } from '../../../local/iam/identity-book';
import { createIamServer } from '../../../local/iam/server';

const KEY = { accessKey: 'AKTEST', secretKey: 'SKTEST', projectId: '0123456789abcdef0123456789abcdef' };
const REGION = 'cn-north-4';
const AGENCY: Agency = {
  ...functionsAgency('videos', 'snapshots'),
  allProjectsRoles: [{ ...MPC_ADMINISTRATOR, id: '0000000000000000000000000000e003' }],
};
const server = createIamServer({
  credentials: new Credentials(KEY),
  region: REGION,
  identities: new IdentityBook([AGENCY, { ...AGENCY, id: 'a'.repeat(32), name: 'another-service' }]),
});
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
  return get<{ projects: { id: string; name: string }[] }>(asking, '/v3/projects', { name });
}

function get<Body>(asking: HcClient, url: string, queryParams: Record<string, string> = {}) {
  return asking.sendRequest<SdkResponse & Body>({
    method: 'GET',
    url,
    contentType: 'application/json',
    queryParams,
    pathParams: {},
    headers: {},
    data: {},
  });
}

test("the vendor's SDK itself finds the project of its region", async () => {
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

describe('an agency', () => {
  const DOMAIN = '0000000000000000000000000000d0a1';
  const roles = `agencies/${AGENCY.id}/roles`;
  const asking = () => client(KEY.accessKey, KEY.secretKey);

  test('is found by its name within the account, and names the service that it trusts', async () => {
    const found = (name: string, domain_id = DOMAIN) =>
      get<{ agencies: unknown[] }>(asking(), '/v3.0/OS-AGENCY/agencies', { domain_id, name });
    expect((await found('mpc-snapshots')).agencies).toEqual([
      expect.objectContaining({ id: AGENCY.id, name: 'mpc-snapshots', trust_domain_name: 'op_svc_cff' }),
    ]);
    expect((await found('another')).agencies).toEqual([]);
    await expect(found('mpc-snapshots', 'f'.repeat(32))).rejects.toMatchObject({ httpStatusCode: 403 });
  });

  test('is listed page by page', async () => {
    const listed = async (query: Record<string, string>) => {
      const found = await get<{ agencies: { name: string }[] }>(asking(), '/v3.0/OS-AGENCY/agencies', {
        domain_id: DOMAIN,
        ...query,
      });
      return found.agencies.map(({ name }) => name);
    };
    expect(await listed({})).toEqual(['mpc-snapshots', 'another-service']);
    expect(await listed({ page: '1', per_page: '1' })).toEqual(['mpc-snapshots']);
    expect(await listed({ page: '2', per_page: '1' })).toEqual(['another-service']);
    expect(await listed({ page: '3', per_page: '1' })).toEqual([]);
    for (const [page, per_page] of ['0 1', '1 0', '1 501', 'x 1'].map((pair) => pair.split(' '))) {
      await expect(listed({ page: `${page}`, per_page: `${per_page}` })).rejects.toMatchObject({
        httpStatusCode: 400,
      });
    }
    await expect(listed({ page: '1' })).rejects.toMatchObject({ httpStatusCode: 400 });
  });

  test('has rights in the project and on global services, with their policies', async () => {
    const inProject = await get<{ roles: unknown }>(
      asking(),
      `/v3.0/OS-AGENCY/projects/${KEY.projectId}/${roles}`,
    );
    expect(inProject.roles).toEqual([MPC_ADMINISTRATOR]);
    const global = await get<{ roles: unknown }>(asking(), `/v3.0/OS-AGENCY/domains/${DOMAIN}/${roles}`);
    expect(global.roles).toEqual(AGENCY.domainRoles);
    await expect(
      get(asking(), `/v3.0/OS-AGENCY/domains/${DOMAIN}/agencies/other/roles`),
    ).rejects.toMatchObject({ httpStatusCode: 404 });
  });

  test('has rights in all projects, without their policies, which are shown by id', async () => {
    const path = `/v3.0/OS-INHERIT/domains/${DOMAIN}/${roles}/inherited_to_projects`;
    const inherited = await get<{ roles: { id: string; policy?: unknown }[] }>(asking(), path);
    expect(inherited.roles).toEqual([
      {
        id: '0000000000000000000000000000e003',
        name: 'mpc_adm',
        links: { self: '/v3/roles/0000000000000000000000000000e003' },
      },
    ]);
    const shown = await get<{ role: unknown }>(asking(), '/v3/roles/0000000000000000000000000000e003');
    expect(shown.role).toEqual(AGENCY.allProjectsRoles[0]);
  });
});
