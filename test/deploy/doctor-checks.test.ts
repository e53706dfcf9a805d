import type { Server } from 'node:http';
import { CloudApi, connectionFrom } from '../../deploy/cloud-api';
import { checkAccount } from '../../deploy/doctor/account';
import { checkAgencies } from '../../deploy/doctor/agency';
import type { Finding } from '../../deploy/doctor/finding';
import { checkGateway } from '../../deploy/doctor/gateway';
import { checkPace } from '../../deploy/doctor/pace';
import { leastPolicies } from '../../deploy/doctor/rights';
import { type ApiGroup, GatewayBook, localInstance } from '../../local/apig/management/gateway-book';
import { createApiGroupServer } from '../../local/apig/management/server';
import { closeServer, listen } from '../../local/http-server';
import {
  type Agency,
  customPolicy,
  functionsAgency,
  MPC_ADMINISTRATOR,
  type Role,
} from '../../local/iam/agencies';
import { Credentials } from '../../local/iam/credentials';
import { IdentityBook } from '../../local/iam/identity-book';
import { createIamServer, type IamOptions } from '../../local/iam/server';
import { settingsWith } from '../shared/function-context';
import { desiredOf, KEY, REGION, type ServiceObject } from './cloud-to-deploy-to';

const AGENCY = functionsAgency('prod-videos', 'prod-snapshots');
const DOMAIN = '0000000000000000000000000000d0a1';
const credentials = new Credentials(KEY);
const servers: Server[] = [];
afterEach(() => Promise.all(servers.splice(0).map(closeServer)));

/** A client of one service, which listens for the time of a test. */
async function clientOf(
  variable: 'IAM_ENDPOINT' | 'APIG_ENDPOINT',
  server: Server,
  changed: Record<string, string> = {},
): Promise<CloudApi> {
  servers.push(server);
  const environment = {
    HUAWEICLOUD_SDK_AK: KEY.accessKey,
    HUAWEICLOUD_SDK_SK: KEY.secretKey,
    HUAWEICLOUD_SDK_PROJECT_ID: KEY.projectId,
    [variable]: `http://127.0.0.1:${await listen(server, 0)}`,
    ...changed,
  };
  return new CloudApi(connectionFrom(environment, REGION), { pause: async () => {} });
}

type Iam = Partial<IamOptions> & { agencies?: readonly Agency[] };

function iam(
  { agencies = [AGENCY], ...options }: Iam = {},
  changed: Record<string, string> = {},
): Promise<CloudApi> {
  const identities = new IdentityBook(agencies);
  const server = createIamServer({ credentials, region: REGION, identities, ...options });
  return clientOf('IAM_ENDPOINT', server, changed);
}

/** Everything but what is well. */
const notOk = (findings: readonly Finding[]) => findings.filter(({ state }) => state !== 'ok');

describe('the doctor says of the access key', () => {
  const found = async (changed: Record<string, string> = {}, options: Iam = {}) =>
    (await checkAccount(await iam(options, changed))).findings;

  test('that the secret is wrong, and does not show it', async () => {
    const findings = await found({ HUAWEICLOUD_SDK_SK: 'a-wrong-secret' });
    expect(notOk(findings)).toEqual([
      expect.objectContaining({
        state: 'missing',
        text: expect.stringContaining('HUAWEICLOUD_SDK_SK does not belong to HUAWEICLOUD_SDK_AK'),
      }),
    ]);
    expect(JSON.stringify(findings)).not.toContain('a-wrong-secret');
  });

  test('that a temporary one lacks its token', async () => {
    const { accessKey, secretKey } = credentials.temporaryKeyOf('somebody');
    const findings = await found({ HUAWEICLOUD_SDK_AK: accessKey, HUAWEICLOUD_SDK_SK: secretKey });
    expect(notOk(findings)[0]?.text).toContain('HUAWEICLOUD_SDK_SECURITY_TOKEN is missing');
  });

  test('that the clock is 20 minutes late, with both times', async () => {
    const findings = await found({}, { clock: () => Date.now() + 20 * 60_000 });
    expect(notOk(findings)).toEqual([
      expect.objectContaining({
        point: 'clock',
        state: 'missing',
        text: expect.stringMatching(/more than 15 min .*: it says \d{8}T\d{6}Z, the cloud \d{8}T\d{6}Z/),
      }),
    ]);
  });

  test('that IAM cannot be reached', async () => {
    const findings = await found({ IAM_ENDPOINT: 'http://127.0.0.1:9' });
    expect(notOk(findings)).toEqual([
      expect.objectContaining({ point: 'IAM', state: 'missing', text: expect.stringContaining('no answer') }),
    ]);
  });

  test('that the project belongs to another region, and names the right project', async () => {
    const findings = await found({ HUAWEICLOUD_SDK_PROJECT_ID: 'f'.repeat(32) });
    expect(findings).toContainEqual({
      point: 'project',
      state: 'missing',
      text: `HUAWEICLOUD_SDK_PROJECT_ID ${'f'.repeat(32)} is not a project of this account`,
      todo: `set HUAWEICLOUD_SDK_PROJECT_ID=${KEY.projectId} (ap-southeast-3)`,
    });
    const other = await found({}, { region: 'ap-southeast-1' });
    expect(notOk(other)).toContainEqual(
      expect.objectContaining({
        point: 'project',
        text: expect.stringContaining('belongs to ap-southeast-1, not to ap-southeast-3'),
        todo: expect.stringContaining('no project in ap-southeast-3'),
      }),
    );
  });
});

describe('the doctor says of the agency', () => {
  const found = async (options: Iam = {}) =>
    checkAgencies(await desiredOf('prod'), DOMAIN, await iam(options));
  const foundOf = (changed: Partial<Agency>) => found({ agencies: [{ ...AGENCY, ...changed }] });

  test('that all is well when it has the rights of docs/set-up-by-hand.md', async () => {
    expect((await found()).map(({ point, state }) => `${state} ${point}`)).toEqual([
      'ok agency mpc-snapshots',
      'ok rights of mpc-snapshots',
    ]);
  });

  test('how to make one that is missing', async () => {
    expect(notOk(await found({ agencies: [] }))).toEqual([
      {
        point: 'agency mpc-snapshots',
        state: 'missing',
        text: 'does not exist',
        todo: expect.stringMatching(
          /^hcloud IAM CreateAgency .*--agency.name=mpc-snapshots --agency.domain_id=\w+ --agency.trust_domain_name=op_svc_cff/,
        ),
      },
    ]);
  });

  test.each<[string, Partial<Agency>, string]>([
    [
      'that it trusts somebody else',
      { trustDomainName: 'op_svc_ecs' },
      'trusts op_svc_ecs, not FunctionGraph',
    ],
    ['that it has expired', { expireTime: '2026-01-02T00:00:00.000000' }, 'ended at 2026-01-02'],
  ])('%s', async (_, changed, text) => {
    const findings = notOk(await foundOf(changed));
    expect(findings).toEqual([
      expect.objectContaining({ state: 'missing', text: expect.stringContaining(text) }),
    ]);
  });

  test.each<[string, Partial<Agency>, string]>([
    ['the role of MPC', { projectRoles: [] }, 'may not use MPC in ap-southeast-3'],
    [
      'its policy',
      { domainRoles: [] },
      'lacks obs:bucket:ListBucket on bucket:prod-videos, obs:bucket:ListBucket on bucket:prod-snapshots, obs:object:GetObject on object:prod-snapshots/*, obs:object:PutObject on object:prod-snapshots/*, obs:object:DeleteObject on object:prod-snapshots/.mpc-snapshots/notices/*, obs:object:DeleteObject on object:prod-snapshots/.mpc-snapshots/waiting/*, obs:object:DeleteObject on object:prod-snapshots/.mpc-snapshots/later/*, obs:object:DeleteObject on object:prod-snapshots/.mpc-snapshots/found/*, obs:bucket:HeadBucket on bucket:prod-snapshots, obs:bucket:CreateBucket on bucket:prod-snapshots',
    ],
    [
      'a right, which is denied',
      { domainRoles: [...AGENCY.domainRoles, policyOf('Deny', ['obs:object:PutObject'])] },
      'lacks obs:object:PutObject on object:prod-snapshots/*',
    ],
    [
      'a part of a bucket',
      {
        domainRoles: [
          policyOf('Allow', ['obs:bucket:*Bucket', 'obs:object:Get*', 'obs:object:Delete*']),
          policyOf('Allow', ['OBS:object:putobject'], ['obs:*:*:object:prod-snapshots/snapshots/*']),
        ],
      },
      'lacks obs:object:PutObject on object:prod-snapshots/*',
    ],
  ])('what it lacks without %s', async (_, changed, text) => {
    const findings = notOk(await foundOf(changed));
    expect(findings).toContainEqual(
      expect.objectContaining({ point: 'rights of mpc-snapshots', state: 'missing', text }),
    );
  });

  test('that rights in all projects count, though IAM lists them without their policies', async () => {
    const findings = await foundOf({ projectRoles: [], allProjectsRoles: [MPC_ADMINISTRATOR] });
    expect(notOk(findings)).toEqual([]);
  });

  test.each<[string, Role]>([
    ['Tenant Administrator', roleOf('Tenant Administrator')],
    ['OBS Administrator', roleOf('OBS Administrator')],
    ['everything-in-obs', policyOf('Allow', ['obs:*:*'], undefined, 'everything-in-obs')],
  ])('that %s is enough, and more than is needed', async (name, role) => {
    const findings = notOk(await foundOf({ domainRoles: [role] }));
    expect(findings).toEqual([
      expect.objectContaining({
        point: 'rights of mpc-snapshots',
        state: 'note',
        text: `${name} allows far more than the functions need`,
      }),
    ]);
  });

  test('that it cannot be read when the key has no right to read it', async () => {
    const findings = notOk(await found({ credentials: new Credentials({ ...KEY, denied: ['iam:*'] }) }));
    expect(findings).toEqual([
      expect.objectContaining({
        point: 'agency mpc-snapshots',
        state: 'unseen',
        text: expect.stringContaining('You are not authorized'),
        todo: expect.stringContaining('IAM ReadOnlyAccess'),
      }),
    ]);
  });

  test('that the policy of `--policy` is enough, and not too much', async () => {
    const { Statement } = leastPolicies(await desiredOf('prod')).globalPolicy;
    expect(notOk(await foundOf({ domainRoles: [customPolicy('printed', Statement)] }))).toEqual([]);
  });
});

describe('the doctor says of the API group', () => {
  const found = async (groups: readonly ApiGroup[], change: (service: ServiceObject) => void = () => {}) => {
    const instances = new Set(groups.flatMap(({ instanceId }) => instanceId ?? []).map(localInstance));
    const apig = await clientOf(
      'APIG_ENDPOINT',
      createApiGroupServer({ credentials, gateways: new GatewayBook([...instances], groups) }),
    );
    return checkGateway(await desiredOf('prod', change), apig);
  };
  const dedicated = (service: ServiceObject) => {
    service.provider.apigw.instance_id = 'gateway-1';
  };

  test('what to do when it is missing', async () => {
    expect(await found([])).toEqual([
      {
        point: 'API group group-of-prod',
        state: 'missing',
        text: 'does not exist in the shared gateway',
        todo: expect.stringContaining('set APIG_INSTANCE_ID'),
      },
    ]);
  });

  test('that it exists in the shared gateway', async () => {
    expect(await found([{ id: 'group-of-prod', name: 'prod' }])).toEqual([
      { point: 'API group group-of-prod', state: 'ok', text: 'of the shared gateway' },
    ]);
  });

  test('whether it and its dedicated gateway exist', async () => {
    const both = await found([{ id: 'group-of-prod', name: 'prod', instanceId: 'gateway-1' }], dedicated);
    expect(both).toEqual([
      { point: 'gateway gateway-1', state: 'ok', text: 'runs' },
      { point: 'API group group-of-prod', state: 'ok', text: 'exists' },
    ]);
    const gatewayOnly = await found([{ id: 'other', name: 'other', instanceId: 'gateway-1' }], dedicated);
    expect(notOk(gatewayOnly)).toEqual([
      expect.objectContaining({
        point: 'API group group-of-prod',
        state: 'missing',
        todo: expect.stringContaining('hcloud APIG CreateApiGroupV2'),
      }),
    ]);
    expect(await found([], dedicated)).toEqual([
      expect.objectContaining({ point: 'gateway gateway-1', state: 'missing' }),
    ]);
  });
});

describe('the doctor says of the creates in a minute', () => {
  const found = async (change: (service: ServiceObject) => void) =>
    checkPace(await desiredOf('prod', change));
  const setting = (pace: string | undefined, api: number | undefined) => (service: ServiceObject) => {
    const [create] = service.functions.create.events;
    create.apigw.throttle = api === undefined ? undefined : { api, caller: 1 };
    if (pace !== undefined) service.provider.environment.MPC_REQUESTS_PER_MINUTE = pace;
  };

  test('that uploads and callers fit with the limits of serverless.yml', async () => {
    expect(settingsWith().mpcRequestsPerMinute).toBe(80);
    expect(await found(() => {})).toEqual([
      {
        point: 'creates a minute',
        state: 'ok',
        text: '80 of uploads and 20 of callers, of 100 that MPC accepts',
      },
    ]);
  });

  test.each<[string | undefined, number | undefined, string]>([
    [undefined, 21, '80 of uploads and 21 of callers are more than the 100 that MPC accepts'],
    ['95', 20, '95 of uploads and 20 of callers are more than'],
    [undefined, undefined, 'callers have no limit'],
  ])('with a pace of %s and a limit of %s, what callers can do to uploads', async (pace, api, text) => {
    expect(await found(setting(pace, api))).toEqual([
      expect.objectContaining({
        state: 'note',
        text: expect.stringContaining(text),
        todo: expect.stringMatching(/^lower throttle\.api of POST \/snapshots .* 100 at most$/),
      }),
    ]);
  });
});

function policyOf(
  effect: 'Allow' | 'Deny',
  actions: string[],
  resources?: string[],
  name = 'some-policy',
): Role {
  return customPolicy(name, [
    { Effect: effect, Action: actions, ...(resources !== undefined && { Resource: resources }) },
  ]);
}

/** A role of the system, whose statements are in an older language. */
function roleOf(displayName: string): Role {
  return { ...MPC_ADMINISTRATOR, display_name: displayName, type: 'AA' };
}
