import diagnostics from 'node:diagnostics_channel';
import { readFileSync } from 'node:fs';
import type { Server } from 'node:http';
import path from 'node:path';
import { CloudApi, connectionFrom } from '../../deploy/cloud-api';
import { diagnose, doctor, findingsText } from '../../deploy/doctor/doctor';
import type { Finding } from '../../deploy/doctor/finding';
import { leastPolicies } from '../../deploy/doctor/rights';
import { DeployError } from '../../deploy/errors';
import { FunctionGraphApi } from '../../deploy/functiongraph-api';
import type { WantedState } from '../../deploy/wanted-state';
import { createApiGroupServer } from '../../local/apig/group-server';
import { type Cloud, startCloud } from '../../local/cloud';
import { deployTo } from '../../local/commands/deployed-cloud';
import { closeServer, listen } from '../../local/http-server';
import {
  type Agency,
  customPolicy,
  functionsAgency,
  MPC_ADMINISTRATOR,
  type Role,
} from '../../local/iam/agencies';
import { Credentials } from '../../local/iam/credentials';
import { createIamServer, type IamOptions } from '../../local/iam/iam-server';
import { createMpc } from '../../local/mpc/server';
import { createObsServer } from '../../local/obs/server';
import { type ServiceObject, wantedOf } from './cloud-to-deploy-to';

let cloud: Cloud;
let credentials: Credentials;
const servers: Server[] = [];
beforeAll(async () => {
  cloud = await startCloud({ port: 0 });
  credentials = new Credentials(cloud.accessKey);
  await deployTo(cloud);
});
afterEach(() => Promise.all(servers.splice(0).map(closeServer)));
afterAll(() => cloud.close());

const AGENCY = functionsAgency('videos', 'snapshots');

/** Stage `local`, as it is deployed. */
function wanted(change: (service: ServiceObject) => void = () => {}): Promise<WantedState> {
  return wantedOf('local', (service) => {
    const { UPLOAD_BUCKET, SNAPSHOT_BUCKET, MPC_ENDPOINT, OBS_ENDPOINT } = cloud.environment;
    Object.assign(service.provider.environment, {
      UPLOAD_BUCKETS: UPLOAD_BUCKET,
      SNAPSHOT_BUCKET,
      MPC_ENDPOINT,
      OBS_ENDPOINT,
    });
    const uploads = service.functions['on-upload'];
    uploads.events[0].obs.bucket = UPLOAD_BUCKET;
    uploads.asynchronous.onFailure.obs.bucket = SNAPSHOT_BUCKET;
    for (const place of uploads.writes) place.bucket = SNAPSHOT_BUCKET;
    service.provider.apigw.group_id = 'local';
    change(service);
  });
}

/** What is found with a part of the environment changed. */
async function found(
  environment: Readonly<Record<string, string>> = {},
  state: WantedState | undefined = undefined,
): Promise<Finding[]> {
  const seen = state ?? (await wanted());
  const connection = connectionFrom({ ...cloud.environment, ...environment }, seen.region);
  const api = new CloudApi(connection, { pause: async () => {} });
  return diagnose(seen, new FunctionGraphApi(api));
}

async function addressOf(server: Server): Promise<string> {
  servers.push(server);
  return `http://127.0.0.1:${await listen(server, 0)}`;
}

async function withIam(options: Partial<IamOptions>): Promise<Record<string, string>> {
  const iam = createIamServer({ credentials, region: cloud.region, agencies: [AGENCY], ...options });
  return { IAM_ENDPOINT: await addressOf(iam) };
}

const withAgency = (changed: Partial<Agency>) => withIam({ agencies: [{ ...AGENCY, ...changed }] });

/** Everything but what is well. */
const notOk = (findings: readonly Finding[]) => findings.filter(({ state }) => state !== 'ok');

test('a stage that has everything is all well, and is only looked at', async () => {
  const methods = new Set<string>();
  const remember = (message: unknown) =>
    methods.add((message as { request: { method: string } }).request.method);
  diagnostics.subscribe('undici:request:create', remember);
  const findings = await found();
  diagnostics.unsubscribe('undici:request:create', remember);
  expect(notOk(findings)).toEqual([]);
  expect(findings.length).toBeGreaterThan(10);
  expect([...methods]).toEqual(['GET']);
});

describe('of the access key', () => {
  test('that is not known, nothing else is asked', async () => {
    const findings = await found({ HUAWEICLOUD_SDK_AK: 'AKOFSOMEBODY' });
    expect(notOk(findings)).toEqual([
      expect.objectContaining({
        point: 'access key',
        state: 'missing',
        text: expect.stringContaining('HUAWEICLOUD_SDK_AK is not known'),
      }),
    ]);
  });

  test('with a wrong secret, that is said and not shown', async () => {
    const findings = await found({ HUAWEICLOUD_SDK_SK: 'a-wrong-secret' });
    expect(notOk(findings)).toEqual([
      expect.objectContaining({
        state: 'missing',
        text: expect.stringContaining('HUAWEICLOUD_SDK_SK does not belong to HUAWEICLOUD_SDK_AK'),
      }),
    ]);
    expect(JSON.stringify(findings)).not.toContain('a-wrong-secret');
  });

  test('that is temporary, without its token', async () => {
    const { accessKey, secretKey } = credentials.temporaryKeyOf('somebody');
    const iam = await withIam({});
    const findings = await found({ ...iam, HUAWEICLOUD_SDK_AK: accessKey, HUAWEICLOUD_SDK_SK: secretKey });
    expect(notOk(findings)[0]?.text).toContain('HUAWEICLOUD_SDK_SECURITY_TOKEN is missing');
  });

  test('with a clock that is 20 minutes late, both times are told', async () => {
    const findings = await found(await withIam({ clock: () => Date.now() + 20 * 60_000 }));
    expect(notOk(findings)).toEqual([
      expect.objectContaining({
        point: 'clock',
        state: 'missing',
        text: expect.stringMatching(/more than 15 min .*: it says \d{8}T\d{6}Z, the cloud \d{8}T\d{6}Z/),
      }),
    ]);
  });

  test('where IAM cannot be reached', async () => {
    const findings = await found({ IAM_ENDPOINT: 'http://127.0.0.1:9' });
    expect(notOk(findings)).toEqual([
      expect.objectContaining({ state: 'unseen', text: expect.stringContaining('no answer') }),
    ]);
  });

  test('the project must be that of the region, and the right one is named', async () => {
    const findings = await found({ HUAWEICLOUD_SDK_PROJECT_ID: 'f'.repeat(32) });
    expect(findings).toContainEqual({
      point: 'project',
      state: 'missing',
      text: `HUAWEICLOUD_SDK_PROJECT_ID ${'f'.repeat(32)} is no project of this account`,
      todo: `set HUAWEICLOUD_SDK_PROJECT_ID=${cloud.accessKey.projectId} (ap-southeast-3)`,
    });
    const other = await found(await withIam({ region: 'ap-southeast-1' }));
    expect(notOk(other)).toContainEqual(
      expect.objectContaining({
        point: 'project',
        text: expect.stringContaining('belongs to ap-southeast-1, not to ap-southeast-3'),
        todo: expect.stringContaining('no project in ap-southeast-3'),
      }),
    );
  });
});

describe('of a bucket', () => {
  test('that is missing, how to make it', async () => {
    const state = await wanted((service) => {
      service.functions['on-upload'].events[0].obs.bucket = 'nowhere';
    });
    const findings = await found({}, state);
    expect(findings).toContainEqual({
      point: 'bucket nowhere',
      state: 'missing',
      text: 'does not exist',
      todo: 'obsutil mb obs://nowhere -location=ap-southeast-3',
    });
    expect(findings.map(({ point }) => point)).not.toContain('MPC on nowhere');
  });

  test('that lies in another region, where', async () => {
    const obs = createObsServer({ store: cloud.store, credentials, region: 'ap-southeast-1' });
    const findings = await found({ OBS_ENDPOINT: await addressOf(obs) });
    expect(notOk(findings)).toEqual(
      ['videos', 'snapshots'].map((bucket) =>
        expect.objectContaining({
          point: `bucket ${bucket}`,
          state: 'missing',
          text: expect.stringContaining('lies in ap-southeast-1, the functions in ap-southeast-3'),
        }),
      ),
    );
  });

  test('that MPC may not use, how to let it', async () => {
    const mpc = await createMpc({
      store: cloud.store,
      capture: cloud.capture,
      credentials,
      region: cloud.region,
      authorizedBuckets: ['videos'],
    });
    const findings = await found({ MPC_ENDPOINT: await addressOf(mpc.server) });
    expect(notOk(findings)).toEqual([
      {
        point: 'MPC on snapshots',
        state: 'missing',
        text: 'MPC may not use this bucket',
        todo: 'hcloud MPC UpdateBucketAuthorized --cli-region=ap-southeast-3 --bucket=snapshots --operation=1',
      },
    ]);
    await mpc.close();
  });

  test('that nobody shows, that it cannot be seen', async () => {
    const strangers = new Credentials({ ...cloud.accessKey, secretKey: 'another' });
    const obs = createObsServer({ store: cloud.store, credentials: strangers, region: cloud.region });
    const findings = await found({
      OBS_ENDPOINT: await addressOf(obs),
      MPC_ENDPOINT: cloud.addresses.iam,
    });
    expect(notOk(findings).map(({ point, state }) => `${state} ${point}`)).toEqual([
      'unseen bucket videos',
      'unseen MPC on videos',
      'unseen bucket snapshots',
      'unseen MPC on snapshots',
    ]);
    expect(notOk(findings)[1]?.todo).toContain('MPC.10209');
  });
});

describe('of the agency', () => {
  test('that is unknown, how to make it', async () => {
    expect(notOk(await found(await withIam({ agencies: [] })))).toEqual([
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
    ['that trusts somebody else', { trustDomainName: 'op_svc_ecs' }, 'trusts op_svc_ecs, not FunctionGraph'],
    ['that has ended', { expireTime: '2026-01-02T00:00:00.000000' }, 'ended at 2026-01-02'],
  ])('%s', async (_, changed, text) => {
    const findings = notOk(await found(await withAgency(changed)));
    expect(findings).toEqual([
      expect.objectContaining({ state: 'missing', text: expect.stringContaining(text) }),
    ]);
  });

  test.each<[string, Partial<Agency>, string]>([
    ['the role of MPC', { projectRoles: [] }, 'may not use MPC in ap-southeast-3'],
    [
      'its policy',
      { domainRoles: [] },
      'lacks obs:bucket:ListBucket on bucket:videos, obs:bucket:ListBucket on bucket:snapshots, obs:object:GetObject on object:snapshots/*, obs:object:PutObject on object:snapshots/*',
    ],
    [
      'a right, which is denied',
      { domainRoles: [...AGENCY.domainRoles, policyOf('Deny', ['obs:object:PutObject'])] },
      'lacks obs:object:PutObject on object:snapshots/*',
    ],
    [
      'a part of a bucket',
      {
        domainRoles: [
          policyOf('Allow', ['obs:bucket:ListBucket', 'obs:object:Get*']),
          policyOf('Allow', ['OBS:object:putobject'], ['obs:*:*:object:snapshots/snapshots/*']),
        ],
      },
      'lacks obs:object:PutObject on object:snapshots/*',
    ],
  ])('without %s, what it lacks', async (_, changed, text) => {
    const findings = notOk(await found(await withAgency(changed)));
    expect(findings).toContainEqual(
      expect.objectContaining({ point: 'rights of mpc-snapshots', state: 'missing', text }),
    );
  });

  test('rights in all projects count, though IAM lists them without their policies', async () => {
    const findings = await found(
      await withAgency({ projectRoles: [], allProjectsRoles: [MPC_ADMINISTRATOR] }),
    );
    expect(notOk(findings)).toEqual([]);
  });

  test.each<[string, Role]>([
    ['Tenant Administrator', roleOf('Tenant Administrator')],
    ['OBS Administrator', roleOf('OBS Administrator')],
    ['everything-in-obs', policyOf('Allow', ['obs:*:*'], undefined, 'everything-in-obs')],
  ])('with %s is enough, and a word about too much', async (name, role) => {
    const findings = notOk(await found(await withAgency({ domainRoles: [role] })));
    expect(findings).toEqual([
      expect.objectContaining({
        point: 'rights of mpc-snapshots',
        state: 'note',
        text: `${name} allows far more than the functions need`,
      }),
    ]);
  });

  test('that the key may not look at, that it cannot be seen', async () => {
    const findings = notOk(await found(await withIam({ maySeeAgencies: false })));
    expect(findings).toEqual([
      expect.objectContaining({
        point: 'agency mpc-snapshots',
        state: 'unseen',
        text: expect.stringContaining('You are not authorized'),
        todo: expect.stringContaining('IAM ReadOnlyAccess'),
      }),
    ]);
  });
});

describe('of the API group', () => {
  const dedicated = () =>
    wanted((service) => {
      service.provider.apigw.instance_id = 'gateway-1';
    });
  const withGroups = async (groups: Parameters<typeof createApiGroupServer>[0]['groups']) => ({
    APIG_ENDPOINT: await addressOf(createApiGroupServer({ credentials, groups })),
  });

  test('that is missing, what to do', async () => {
    expect(notOk(await found(await withGroups([])))).toEqual([
      {
        point: 'API group local',
        state: 'missing',
        text: 'does not exist in the shared gateway',
        todo: expect.stringContaining('set APIG_INSTANCE_ID'),
      },
    ]);
  });

  test('of a dedicated gateway, that both are there', async () => {
    const there = await withGroups([{ id: 'local', name: 'local', instanceId: 'gateway-1' }]);
    const findings = await found(there, await dedicated());
    expect(findings).toContainEqual({ point: 'gateway gateway-1', state: 'ok', text: 'runs' });
    expect(findings).toContainEqual({ point: 'API group local', state: 'ok', text: 'exists' });

    const other = await withGroups([{ id: 'other', name: 'other', instanceId: 'gateway-1' }]);
    expect(await found(other, await dedicated())).toContainEqual(
      expect.objectContaining({
        point: 'API group local',
        state: 'missing',
        todo: expect.stringContaining('hcloud APIG CreateApiGroupV2'),
      }),
    );
    expect(await found({}, await dedicated())).toContainEqual(
      expect.objectContaining({ point: 'gateway gateway-1', state: 'missing' }),
    );
  });
});

describe('of the functions', () => {
  test('that are not deployed, that there is room for them and how to deploy', async () => {
    const state = { ...(await wanted()), stage: 'prod' };
    const functions = state.functions.map((one) => ({ ...one, name: `prod-${one.name}` }));
    expect((await found({}, { ...state, functions })).slice(-2)).toEqual([
      { point: 'quota of functions', state: 'ok', text: '4 of 400 used, 4 more are needed' },
      { point: 'functions', state: 'note', text: 'not deployed yet', todo: 'npm run deploy -- --stage prod' },
    ]);
  });

  test('that differ, in what; of another’s that has the name, that it stands in the way', async () => {
    const changed = await wanted((service) => {
      service.functions.query.timeout = 20;
      service.functions.cancel.events.pop();
    });
    expect((await found({}, changed)).at(-1)).toMatchObject({
      state: 'note',
      text: expect.stringMatching(/different from serverless.yml: ~ query: .*20.*; - cancel TIMER clean-up/),
    });
    const state = { ...(await wanted()), stage: 'prod' };
    expect((await found({}, state)).at(-1)).toMatchObject({
      state: 'missing',
      text: expect.stringContaining('was not deployed by stage prod'),
    });
  });

  test('the settings are judged by the functions’ own code', async () => {
    const state = await wanted((service) => {
      service.provider.environment.URL_TTL_SECONDS = '0';
      service.functions.query.environment = { LOG_LEVEL: 'loud' };
    });
    const faults = (await found({}, state)).filter(({ point }) => point.startsWith('user data'));
    expect(faults[0]).toMatchObject({
      point: 'user data of create, cancel, on-upload',
      state: 'missing',
      text: 'URL_TTL_SECONDS must be a whole number from 1 to 86400 s, got "0"',
    });
    expect(faults[1]).toMatchObject({
      point: 'user data of query',
      text: expect.stringContaining('LOG_LEVEL must be one of debug'),
    });
    const tooFar = await wanted((service) => {
      service.provider.environment.CAPTURE = '{"type":"TIME","time":120}';
    });
    expect(notOk(await found({}, tooFar))).toContainEqual(
      expect.objectContaining({ text: expect.stringMatching(/CAPTURE .*from 1 to 100 s, got 120/) }),
    );
  });

  test('a region of the Chinese mainland has no OBS triggers; a channel of EventGrid cannot be seen', async () => {
    const state = await wanted((service) => {
      service.provider.region = 'cn-north-4';
      service.functions.cancel.events.push({
        eventgrid: { bucket: 'videos', channel_id: 'channel-1', agency: 'fgs_to_eg' },
      });
    });
    const findings = await found({}, state);
    expect(findings).toContainEqual(expect.objectContaining({ point: 'region', state: 'missing' }));
    expect(findings).toContainEqual(
      expect.objectContaining({ point: 'event channel channel-1', state: 'unseen' }),
    );
  });
});

describe('the command', () => {
  const visit = async (changed: Partial<Parameters<typeof doctor>[0]> = {}) => {
    const printed: string[] = [];
    const state = await wanted();
    const connection = connectionFrom(cloud.environment, cloud.region);
    const outcome = await doctor({
      stage: 'local',
      readWanted: () => state,
      openApi: () => new FunctionGraphApi(new CloudApi(connection)),
      options: {},
      print: (line) => printed.push(line),
      ...changed,
    }).catch((error: unknown) => error);
    return { text: printed.join('\n'), outcome };
  };

  test('tells at once what serverless.yml and the environment lack', async () => {
    const { text, outcome } = await visit({
      readWanted: () => {
        throw new DeployError(['serverless.yml: provider.apigw.group_id is empty: set APIG_GROUP_ID']);
      },
      openApi: () => new FunctionGraphApi(new CloudApi(connectionFrom({}, 'ap-southeast-3'))),
    });
    expect(text).toContain('missing         serverless.yml: provider.apigw.group_id is empty');
    expect(text).toContain('missing         environment: HUAWEICLOUD_SDK_AK is not set');
    expect(text).toContain('\n4 missing');
    expect(outcome).toBeInstanceOf(DeployError);
  });

  test('says all of it to programs as well, and fails only when something is missing', async () => {
    const { text, outcome } = await visit({ options: { json: true } });
    expect(outcome).toBeUndefined();
    expect(JSON.parse(text)).toMatchObject({ stage: 'local', ok: true });
    const failing = await visit({
      options: { json: true },
      openApi: () =>
        new FunctionGraphApi(
          new CloudApi(connectionFrom({ ...cloud.environment, HUAWEICLOUD_SDK_SK: 'no' }, cloud.region)),
        ),
    });
    expect(JSON.parse(failing.text)).toMatchObject({ ok: false });
    expect(failing.outcome).toMatchObject({ message: 'stage local: missing: access key' });
  });

  test('prints what to do below each point', () => {
    expect(
      findingsText([
        { point: 'a', state: 'ok', text: 'well' },
        { point: 'b', state: 'unseen', text: 'hidden', todo: 'look there' },
      ]),
    ).toEqual([
      'ok              a: well',
      'cannot be seen  b: hidden',
      '                → look there',
      '',
      '1 ok, 1 cannot be seen',
    ]);
  });

  test('the policy that it prints is enough, not too much, and that of the README', async () => {
    const { text } = await visit({ options: { policy: true } });
    const { Statement } = JSON.parse(text) as Role['policy'];
    const agency = await withAgency({ domainRoles: [customPolicy('printed', Statement)] });
    expect(notOk(await found(agency))).toEqual([]);
    const readme = readFileSync(path.resolve(__dirname, '..', '..', 'README.md'), 'utf8');
    const [, printed = ''] = /```json\n(\{\s*"Version": "1\.1".*?)```/s.exec(readme) ?? [];
    const state = await wantedOf('prod', (service) => {
      Object.assign(service.provider.environment, {
        UPLOAD_BUCKETS: 'my-videos',
        SNAPSHOT_BUCKET: 'my-snapshots',
      });
    });
    expect(JSON.parse(printed)).toEqual(leastPolicies(state).globalPolicy);
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
