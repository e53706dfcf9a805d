import { closeServer, listen } from '../../../local/http-server';
import { DOMAIN_ID, MPC_ADMINISTRATOR } from '../../../local/iam/agencies';
import { Credentials } from '../../../local/iam/credentials';
import { IdentityBook } from '../../../local/iam/identity-book';
import { createIamServer } from '../../../local/iam/server';
import { KEY, vendorRequest } from '../../vendor-request';

const AGENCY = { name: 'demo', domain_id: DOMAIN_ID, trust_domain_name: 'op_svc_cff', description: 'mine' };
const POLICY = {
  display_name: 'demo',
  type: 'AX',
  description: 'what the functions need',
  policy: {
    Version: '1.1',
    Statement: [{ Effect: 'Allow', Action: ['obs:object:GetObject'], Resource: ['OBS:*:*:object:a/*'] }],
  },
};
const AGENCIES = '/v3.0/OS-AGENCY/agencies';
const ROLES = '/v3.0/OS-ROLE/roles';

let identities: IdentityBook;
let call: (method: string, path: string, data?: object) => ReturnType<typeof vendorRequest>;
let close: () => Promise<void>;
async function start(denied: string[] = []): Promise<void> {
  identities = new IdentityBook();
  const credentials = new Credentials({ ...KEY, denied });
  const server = createIamServer({ credentials, region: 'cn-north-4', identities });
  const endpoint = `http://127.0.0.1:${await listen(server, 0)}`;
  call = (method, path, data) => vendorRequest(method, endpoint + path, data);
  close = () => closeServer(server);
}
beforeEach(() => start());
afterEach(() => close());

test('an agency is made once, given rights, and deleted', async () => {
  const made = await call('POST', AGENCIES, { agency: AGENCY });
  expect(made).toMatchObject({ httpStatusCode: 201, agency: { name: 'demo', description: 'mine' } });
  expect(await call('POST', AGENCIES, { agency: AGENCY })).toBe('409');
  const { id } = made.agency;
  const inProject = `/v3.0/OS-AGENCY/projects/${KEY.projectId}/agencies/${id}/roles`;
  const { roles } = await call('GET', '/v3/roles?display_name=MPC%20Administrator');
  expect((await call('PUT', `${inProject}/${roles[0].id}`)).httpStatusCode).toBe(204);
  expect((await call('PUT', `${inProject}/${roles[0].id}`)).httpStatusCode).toBe(204);
  expect((await call('GET', inProject)).roles).toEqual([MPC_ADMINISTRATOR]);
  expect(await call('PUT', `${inProject}/unknown`)).toBe('404');
  expect((await call('DELETE', `${AGENCIES}/${id}`)).httpStatusCode).toBe(204);
  expect(await call('DELETE', `${AGENCIES}/${id}`)).toBe('404');
});

test.each<[string, object]>([
  ['without a name', { ...AGENCY, name: undefined }],
  ['that trusts nobody', { ...AGENCY, trust_domain_name: undefined }],
])('an agency %s is refused', async (_, agency) => {
  expect(await call('POST', AGENCIES, { agency })).toBe('400');
});

test('a custom policy is made, changed for every agency that has it, and deleted when no agency has it', async () => {
  const { role } = await call('POST', ROLES, { role: POLICY });
  expect(role).toMatchObject({ catalog: 'CUSTOMED', domain_id: DOMAIN_ID, display_name: 'demo' });
  expect(await call('POST', ROLES, { role: POLICY })).toBe('409');
  const { agency } = await call('POST', AGENCIES, { agency: AGENCY });
  const onGlobal = `/v3.0/OS-AGENCY/domains/${DOMAIN_ID}/agencies/${agency.id}/roles`;
  await call('PUT', `${onGlobal}/${role.id}`);
  const changed = {
    ...POLICY,
    policy: { Version: '1.1', Statement: [{ Effect: 'Allow', Action: ['obs:*:*'] }] },
  };
  expect((await call('PATCH', `${ROLES}/${role.id}`, { role: changed })).httpStatusCode).toBe(200);
  expect((await call('GET', onGlobal)).roles[0].policy).toEqual(changed.policy);
  expect((await call('GET', ROLES)).total_number).toBe(1);
  expect(await call('DELETE', `${ROLES}/${role.id}`)).toBe('409');
  await call('DELETE', `${AGENCIES}/${agency.id}`);
  expect((await call('DELETE', `${ROLES}/${role.id}`)).httpStatusCode).toBe(200);
});

test.each<[string, object]>([
  ['an invalid action', { Action: ['GetObject'] }],
  ['an invalid resource', { Resource: ['my-bucket'] }],
  ['an action of a region’s service', { Action: ['mpc:mpc:*'], Resource: undefined }],
])('a policy for global services with %s is refused', async (_, changed) => {
  const Statement = [{ ...POLICY.policy.Statement[0], ...changed }];
  const role = { ...POLICY, policy: { Version: '1.1', Statement } };
  expect(await call('POST', ROLES, { role })).toBe('400');
});

test('a key without the right is refused, and nothing is made', async () => {
  await close();
  await start(['iam:agencies:create*', 'iam:roles:*']);
  expect(await call('POST', AGENCIES, { agency: AGENCY })).toBe('403');
  expect(await call('POST', ROLES, { role: POLICY })).toBe('403');
  expect((await call('GET', `${AGENCIES}?domain_id=${DOMAIN_ID}`)).agencies).toEqual([]);
});
