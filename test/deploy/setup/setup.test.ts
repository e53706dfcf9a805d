import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { CloudApi, connectionFrom } from '../../../deploy/cloud-api';
import { diagnose } from '../../../deploy/doctor/doctor';
import { DeployError } from '../../../deploy/errors';
import { FunctionGraphApi } from '../../../deploy/functiongraph-api';
import type { Setup } from '../../../deploy/setup/setup';
import { localInstance } from '../../../local/apig/management/gateway-book';
import { functionsAgency, MPC_ADMINISTRATOR } from '../../../local/iam/agencies';
import { publishingPolicy } from '../../../local/smn/access-policy';
import { codeFor, desiredOf, type Fate, KEY } from '../cloud-to-deploy-to';
import { type AccountOptions, AccountToSetUp, SNAPSHOTS, UPLOADS } from './account-to-set-up';

// Some of these set an account up a hundred times.
jest.setTimeout(300_000);

const TOPIC = `urn:smn:ap-southeast-3:${KEY.projectId}:mpc-snapshots-demo`;

let account: AccountToSetUp;
const accounts: AccountToSetUp[] = [];
async function start(options?: AccountOptions): Promise<AccountToSetUp> {
  const started = await AccountToSetUp.start(options);
  accounts.push(started);
  return started;
}
beforeEach(async () => {
  account = await start();
});
afterEach(() => Promise.all(accounts.splice(0).map((one) => one.stop())));

const changes = (one: AccountToSetUp) => one.calls.filter((call) => !/^(GET|HEAD)/.test(call));

/** What one run gives where nothing goes wrong. */
async function cleanState(): Promise<unknown> {
  const clean = await start();
  expect((await clean.setup()).ok).toBe(true);
  return clean.state();
}

describe('an account that has only a key', () => {
  test('gets everything that the doctor checks, and the next command', async () => {
    const { ok, text, lines } = await account.setup({}, { diagnose });
    expect([ok, text]).toEqual([true, expect.not.stringContaining('missing  ')]);
    expect(text).toContain('note            functions: not deployed yet');
    expect(lines.at(-1)).toBe('next: npm run deploy -- --stage demo');
    expect(account.store.buckets().map(({ name }) => name)).toEqual([SNAPSHOTS, UPLOADS]);
    expect(await account.authorized()).toEqual([SNAPSHOTS, UPLOADS]);
    expect(account.mpc.notifications.list()).toEqual([
      { event_name: 'ThumbnailComplete', status: 'on', topic: TOPIC, msg_type: 2 },
    ]);
    expect(text).toContain(
      `ok              notification of MPC: MPC notifies ${TOPIC} when a task has ended`,
    );
  });

  test('shows first what it would make, and asks', async () => {
    const questions: string[] = [];
    const { ok, lines } = await account.setup(
      { yes: false },
      {
        confirm: async (question) => {
          questions.push(question);
          return false;
        },
      },
    );
    expect(lines).toEqual([
      `+ bucket ${UPLOADS}, private, in ap-southeast-3`,
      `+ MPC’s authorization for ${UPLOADS}`,
      `+ bucket ${SNAPSHOTS}, private, in ap-southeast-3`,
      `+ MPC’s authorization for ${SNAPSHOTS}`,
      `+ rules in ${SNAPSHOTS} for records that expire`,
      '+ agency mpc-snapshots-demo, which trusts FunctionGraph',
      '+ role MPC Administrator in ap-southeast-3 for agency mpc-snapshots-demo',
      `+ policy mpc-snapshots-demo: its rights on ${UPLOADS} and ${SNAPSHOTS}`,
      '+ policy mpc-snapshots-demo for agency mpc-snapshots-demo',
      '+ API group mpc_snapshots_demo, in gateway gateway-1',
      '+ caller first of the API, in gateway gateway-1; its key is shown once',
      '+ log group mpc-snapshots-demo, kept for 30 days',
      '+ log stream functions in mpc-snapshots-demo',
      '+ topic mpc-snapshots-demo, which starts on-finish',
      '+ MPC’s right to publish to mpc-snapshots-demo',
      '+ MPC’s notification of ended tasks to mpc-snapshots-demo',
      'nothing was created',
    ]);
    expect(questions).toEqual(['Create these in ap-southeast-3?']);
    expect([ok, changes(account), account.envFile()]).toEqual([false, [], {}]);
  });

  test('with --dry-run shows the plan, asks nobody and makes nothing', async () => {
    const { ok, lines } = await account.setup({ yes: false, 'dry-run': true });
    expect([ok, lines.length, lines.at(-1)]).toEqual([true, 17, 'nothing was changed']);
    expect([changes(account), account.envFile()]).toEqual([[], {}]);
  });

  test('without a terminal and without --yes nothing is made', async () => {
    await expect(account.setup({ yes: false })).rejects.toThrow('add --yes to go on without a question');
    expect(changes(account)).toEqual([]);
  });

  test('the ids are written to .env.demo for the next commands, and other lines stay', async () => {
    writeFileSync(path.join(account.folder, '.env.demo'), '# mine\nLOG_LEVEL=debug\n');
    await account.setup();
    const [group] = account.logs.groups();
    expect(account.envFile()).toEqual({
      LOG_LEVEL: 'debug',
      HUAWEICLOUD_SDK_REGION: 'ap-southeast-3',
      HUAWEICLOUD_SDK_PROJECT_ID: KEY.projectId,
      UPLOAD_BUCKET: UPLOADS,
      SNAPSHOT_BUCKET: SNAPSHOTS,
      AGENCY: 'mpc-snapshots-demo',
      APIG_GROUP_ID: account.gateways.groups('gateway-1')[0]?.id,
      APIG_INSTANCE_ID: 'gateway-1',
      LTS_GROUP_ID: group?.id,
      LTS_GROUP_NAME: 'mpc-snapshots-demo',
      LTS_STREAM_ID: [...(group?.streams.keys() ?? [])][0],
      LTS_STREAM_NAME: 'functions',
      SMN_TOPIC_URN: TOPIC,
      SETUP_MADE: expect.stringContaining(`bucket:${UPLOADS}`),
    });
    const text = readFileSync(path.join(account.folder, '.env.demo'), 'utf8');
    expect(text).toMatch(/^# mine\nLOG_LEVEL=debug\n/);
    expect(text).not.toMatch(/SKTEST|AKTEST/);
  });

  test('setting up again only reads', async () => {
    await account.setup();
    const before = await account.state();
    account.calls.length = 0;
    const { ok, lines } = await account.setup({ yes: false });
    expect([ok, changes(account)]).toEqual([true, []]);
    expect(lines.filter((line) => /^[+!]/.test(line))).toEqual([]);
    expect(await account.state()).toEqual(before);
  });

  test('two stages exist side by side', async () => {
    await account.setup();
    const before = await account.state();
    expect((await account.setup({}, { stage: 'prod', environment: { ...PROD } })).ok).toBe(true);
    expect(account.identities.agencies().map(({ name }) => name)).toEqual([
      'mpc-snapshots-demo',
      'mpc-snapshots-prod',
    ]);
    expect(account.gateways.groups('gateway-1')).toHaveLength(2);
    await account.setup({ undo: true }, { stage: 'prod', environment: { ...PROD } });
    expect(await account.state()).toEqual(before);
  });
});

/** What another stage’s file says instead. */
const PROD = {
  UPLOAD_BUCKET: 'prod-videos',
  SNAPSHOT_BUCKET: 'prod-snapshots',
  AGENCY: '',
  APIG_GROUP_ID: '',
  LTS_GROUP_ID: '',
  LTS_STREAM_ID: '',
  SMN_TOPIC_URN: '',
};

describe('what was there before', () => {
  test('an existing bucket is used and not changed, except for our rules', async () => {
    await account.store.createBucket('my-videos');
    await account.store.createBucket('my-snapshots');
    const theirs = { ID: 'theirs', Prefix: 'tmp/', Status: 'Enabled', Expiration: { Days: '3' } };
    await account.store.setLifecycle('my-snapshots', [theirs]);
    const environment = { UPLOAD_BUCKET: 'my-videos', SNAPSHOT_BUCKET: 'my-snapshots' };
    expect((await account.setup({}, { environment })).ok).toBe(true);
    expect(account.store.lifecycle('my-videos')).toEqual([]);
    expect(account.store.lifecycle('my-snapshots').map(({ ID }) => ID)).toEqual([
      'theirs',
      'mpc-snapshots.demo.failed-events',
      'mpc-snapshots.demo.idempotency-keys',
      'mpc-snapshots.demo.reservations',
    ]);
    expect(account.calls.filter((call) => call === 'PUT /my-videos/')).toEqual([]);
    const undone = await account.setup({ undo: true }, { environment });
    expect(undone.text).toContain('= bucket my-videos: setup has no record of creating it');
    expect(account.store.buckets()).toHaveLength(2);
    expect(account.store.lifecycle('my-snapshots')).toEqual([theirs]);
  });

  test('no rule ever matches a claim', async () => {
    await account.setup();
    const prefixes = account.store.lifecycle(SNAPSHOTS).map(({ Prefix }) => String(Prefix));
    expect(prefixes).toHaveLength(3);
    for (const prefix of prefixes) {
      expect(prefix).toMatch(/^\.mpc-snapshots\/./);
      expect('.mpc-snapshots/claims/'.startsWith(prefix) || prefix.startsWith('.mpc-snapshots/claims')).toBe(
        false,
      );
    }
  });

  test('an agency of the same name with all rights is used, and one with other rights is not changed', async () => {
    const enough = { ...functionsAgency(UPLOADS, SNAPSHOTS), name: 'theirs' };
    const other = {
      ...functionsAgency('a', 'b'),
      id: 'another',
      name: 'less',
      projectRoles: [MPC_ADMINISTRATOR],
    };
    const one = await start({ agencies: [enough, other] });
    const used = await one.setup({ 'dry-run': true }, { environment: { AGENCY: 'less' } });
    expect(used.text).toMatch(
      /! agency less: exists, was not created by setup, and lacks obs:.* on bucket:mpc-.*\n {2}→ set AGENCY to a name that is free/,
    );
    expect((await one.setup({}, { environment: { AGENCY: 'less' } })).ok).toBe(false);
    expect(one.identities.agencies()).toEqual([enough, other]);
    expect(changes(one).filter((call) => call.includes('/v3'))).toEqual([]);
  });

  test('a log group or an API group of the same name is not changed, and used when its id is set', async () => {
    const logs = account.logs.createGroup('mpc-snapshots-demo', 7, {});
    const apis = account.gateways.createGroup('gateway-1', 'mpc_snapshots_demo', 'theirs');
    const { ok, text } = await account.setup();
    expect(ok).toBe(false);
    expect(text).toContain('! log group mpc-snapshots-demo: exists, but was not created by setup');
    expect(text).toContain('! API group: a group mpc_snapshots_demo exists in gateway gateway-1');
    expect(logs.streams.size).toBe(0);
    const stream = account.logs.createStream(logs.id, 'mine', 7, {});
    const environment = {
      LTS_GROUP_ID: logs.id,
      LTS_STREAM_ID: stream.id,
      APIG_GROUP_ID: apis.id,
      APIG_INSTANCE_ID: 'gateway-1',
    };
    expect((await account.setup({}, { environment })).ok).toBe(true);
    expect(account.envFile()).toMatchObject({ ...environment, LTS_STREAM_NAME: 'mine' });
  });

  test('an agency of an older setup gets the right to delete, and for somebody else’s agency the missing right is reported', async () => {
    const deleting = (one: AccountToSetUp) =>
      one.identities
        .agencies()
        .flatMap(({ domainRoles }) => domainRoles.flatMap(({ policy }) => policy.Statement))
        .filter(({ Action }) => Action.includes('obs:object:DeleteObject'))
        .flatMap(({ Resource }) =>
          [Resource ?? []].flat().map((place) => place.split('/').slice(1).join('/')),
        );
    await account.setup();
    const [policy] = account.identities.customPolicies();
    const { id, display_name, type, description } = policy!;
    const Statement = policy!.policy.Statement.filter(
      ({ Action }) => !Action.includes('obs:object:DeleteObject'),
    );
    const before = { display_name, type, description, policy: { Version: '1.1', Statement } as const };
    account.identities.changePolicy(id, before);
    expect(deleting(account)).toEqual([]);
    expect((await account.setup()).ok).toBe(true);
    const always = ['notices', 'waiting', 'later', 'found'].map((folder) => `.mpc-snapshots/${folder}/*`);
    expect(deleting(account)).toEqual(always);
    // Removing what belongs to videos that are gone takes more.
    expect((await account.setup({}, { environment: { ON_REMOVAL: 'delete' } })).ok).toBe(true);
    expect(deleting(account)).toEqual(expect.arrayContaining([...always, 'snapshots/*']));

    const [made] = account.identities.agencies();
    const theirs = await start({
      agencies: [{ ...made!, description: '', domainRoles: [{ ...policy!, ...before }] }],
    });
    const { ok, text } = await theirs.setup();
    expect([ok, text]).toEqual([
      false,
      expect.stringContaining(
        `was not created by setup, and lacks obs:object:DeleteObject on object:${SNAPSHOTS}/.mpc-snapshots/notices/*`,
      ),
    ]);
    expect(deleting(theirs)).toEqual([]);
  });

  test('our own policy is changed if it no longer fits the buckets', async () => {
    await account.setup();
    const environment = { SNAPSHOT_BUCKET: 'other-snapshots' };
    expect((await account.setup({}, { environment })).ok).toBe(true);
    expect(account.identities.customPolicies()).toHaveLength(1);
    expect(JSON.stringify(account.identities.agencies()[0]?.domainRoles)).toContain('other-snapshots');
  });
});

describe('MPC’s notification setting, one for the whole project', () => {
  const setTo = (topic: string, changed: object = {}) =>
    account.mpc.notifications.set([
      { event_name: 'ThumbnailComplete', status: 'on', topic, msg_type: 3, ...changed },
    ]);
  const topicOf = (name: string) => {
    const { urn } = account.topics.create(name, '').topic;
    account.topics.set(urn, { accessPolicy: publishingPolicy(urn, ['mpc']) });
    return urn;
  };
  let theirs: string;
  beforeEach(() => {
    theirs = topicOf('of-somebody');
    setTo(theirs);
  });
  const TAKE_OVER = { 'take-over-notification': true };
  const told = () =>
    account.mpc.notifications.list().map(({ status, topic, msg_type }) => ({ status, topic, msg_type }));
  const untouched = () => [{ status: 'on', topic: theirs, msg_type: 3 }];
  const answering = (answers: boolean[], questions: string[] = []): Partial<Setup> => ({
    confirm: async (question) => {
      questions.push(question);
      return answers.shift() === true;
    },
  });

  test('is somebody else’s: --yes keeps it, and says how to take it over', async () => {
    const { ok, text } = await account.setup();
    expect([ok, text]).toEqual([true, expect.stringContaining('next: npm run deploy -- --stage demo')]);
    expect(text).toContain(
      `= MPC notifies ${theirs}, which somebody has set for the whole project: it stays, and the timer finds ended tasks within a minute\n` +
        `  → set SMN_TOPIC_URN=${theirs} to use that topic as well, or take the setting over: npm run setup -- --stage demo --take-over-notification`,
    );
    expect(told()).toEqual(untouched());
    expect(account.topics.list().map(({ urn }) => urn)).toEqual([theirs]);
    expect(account.envFile()).not.toHaveProperty('SMN_TOPIC_URN');
  });

  test('is somebody else’s: setup asks about it separately, and no keeps it', async () => {
    const questions: string[] = [];
    const { ok, lines } = await account.setup({ yes: false }, answering([true, false], questions));
    expect(ok).toBe(true);
    expect(questions).toEqual([
      'Create these in ap-southeast-3?',
      `MPC notifies ${theirs}, which somebody has set for the whole project. Notify mpc-snapshots-demo instead?`,
    ]);
    expect(lines).toContain('  → setup asks about this separately');
    expect(told()).toEqual(untouched());
    expect(account.topics.list()).toHaveLength(1);
    expect(account.store.buckets()).toHaveLength(2);
  });

  test.each<[string, Setup['options'], boolean[]]>([
    ['a person says yes', { yes: false }, [true, true]],
    ['--take-over-notification', TAKE_OVER, []],
  ])('is taken over when %s, and --undo gives it back', async (_, options, answers) => {
    const { ok } = await account.setup(options, answering(answers));
    expect([ok, told()]).toEqual([true, [{ status: 'on', topic: TOPIC, msg_type: 2 }]]);
    const shown = await account.setup({ undo: true, 'dry-run': true });
    expect(shown.text).toContain(`- MPC’s notification to ${TOPIC}; ${theirs} gets it again`);
    expect((await account.setup({ undo: true })).ok).toBe(true);
    expect([told(), account.envFile()]).toEqual([untouched(), {}]);
    expect(account.topics.list()).toHaveLength(1);
  });

  test('is switched off by --undo if its earlier topic no longer exists', async () => {
    await account.setup(TAKE_OVER);
    account.topics.delete(theirs);
    expect((await account.setup({ undo: true })).ok).toBe(true);
    expect(told()).toMatchObject([{ status: 'off' }]);
    expect(account.topics.list()).toEqual([]);
  });

  test('is not taken back by --undo when somebody else has it in the meantime', async () => {
    await account.setup(TAKE_OVER);
    setTo(theirs);
    const { ok, text } = await account.setup({ undo: true });
    expect([ok, text]).toEqual([true, expect.not.stringContaining('notification')]);
    expect([told(), account.envFile()]).toEqual([untouched(), {}]);
    expect(account.topics.list().map(({ urn }) => urn)).toEqual([theirs]);
  });

  test('already sends to the topic that SMN_TOPIC_URN names: nothing changes', async () => {
    const { ok, text } = await account.setup({}, { environment: { SMN_TOPIC_URN: theirs } });
    expect([ok, text]).toEqual([true, expect.stringContaining(`= MPC notifies ${theirs}\n`)]);
    expect([told(), account.envFile().SMN_TOPIC_URN]).toEqual([untouched(), theirs]);
    await account.setup({ undo: true });
    expect(told()).toEqual(untouched());
  });

  test('is nobody’s: the topic that SMN_TOPIC_URN names is used and not changed, and gets no more messages after --undo', async () => {
    setTo(theirs, { status: 'off' });
    const before = account.topics.get(theirs).accessPolicy;
    expect((await account.setup({}, { environment: { SMN_TOPIC_URN: theirs } })).ok).toBe(true);
    expect(told()).toEqual([{ status: 'on', topic: theirs, msg_type: 2 }]);
    expect(account.topics.get(theirs).accessPolicy).toBe(before);
    await account.setup({ undo: true });
    expect(told()).toMatchObject([{ status: 'off', topic: theirs }]);
    expect(account.topics.list()).toHaveLength(1);
  });

  test('a topic that refuses MPC, a missing one and a foreign one of setup’s name are reported', async () => {
    setTo(theirs, { status: 'off' });
    account.topics.set(theirs, { accessPolicy: '' });
    const closed = await account.setup({}, { environment: { SMN_TOPIC_URN: theirs } });
    expect([closed.ok, closed.text]).toEqual([
      false,
      expect.stringMatching(/! MPC’s notification .*MPC.10216.*\n {2}→ .*let the topic’s policy allow MPC/),
    ]);
    const gone = await account.setup({}, { environment: { SMN_TOPIC_URN: `${theirs}-2` } });
    expect([gone.ok, gone.text]).toEqual([
      false,
      expect.stringContaining(`SMN_TOPIC_URN ${theirs}-2 does not exist`),
    ]);
    account.topics.create('mpc-snapshots-demo', 'a topic of mine');
    const taken = await account.setup({}, { environment: { SMN_TOPIC_URN: '' } });
    expect([taken.ok, taken.text]).toEqual([
      false,
      expect.stringContaining('! topic mpc-snapshots-demo: exists, but was not created by setup'),
    ]);
  });
});

describe('trouble', () => {
  test.each<[string, string, RegExp]>([
    ['obs:bucket:CreateBucket', 'OBS Administrator', /obsutil mb obs:\/\/mpc-snapshots-demo-videos/],
    ['obs:bucket:Put*', 'OBS Administrator', /lifecycle rules in the console/],
    ['mpc:authority:put', 'MPC Administrator', /hcloud MPC UpdateBucketAuthorized .*--operation=1/],
    ['iam:agencies:createAgency', 'Security Administrator', /hcloud IAM CreateAgency .*op_svc_cff/],
    ['iam:roles:createRole', 'Security Administrator', /hcloud IAM CreateCloudServiceCustomPolicy/],
    ['iam:permissions:grant*OnProject', 'Security Administrator', /AssociateAgencyWithProjectPermission/],
    ['iam:permissions:grant*OnDomain', 'Security Administrator', /AssociateAgencyWithDomainPermission/],
    ['apig:groups:create', 'APIG FullAccess', /hcloud APIG CreateApiGroupV2 .*gateway-1/],
    ['lts:groups:create', 'LTS FullAccess', /hcloud LTS CreateLogGroup/],
    ['lts:topics:create', 'LTS FullAccess', /hcloud LTS CreateLogStream/],
    ['smn:topic:create', 'SMN FullAccess', /hcloud SMN CreateTopic .*--name=mpc-snapshots-demo/],
    ['smn:topic:updateAttribute', 'SMN FullAccess', /Configure Topic Policy/],
    ['mpc:notification:put', 'MPC Administrator', /hcloud MPC NotifySmnTopicConfig .*status=on/],
    ['mpc:notification:get', 'MPC Administrator', /use a key that has/],
    ['smn:*', 'SMN FullAccess', /use a key that has/],
    ['iam:agencies:list*', 'Security Administrator', /use a key that has/],
    ['apig:*', 'APIG FullAccess', /use a key that has/],
    ['lts:*', 'LTS FullAccess', /use a key that has/],
  ])(
    'without the right to %s, the output says who can grant it and how, and the other steps go on',
    async (denied, right, how) => {
      const one = await start({ denied: [denied] });
      const { ok, lines } = await one.setup();
      const refusals = lines.flatMap((line, index) =>
        line.startsWith('! ') ? [[line, lines[index + 1]]] : [],
      );
      expect(ok).toBe(false);
      for (const [line, todo] of refusals) {
        expect(line).toMatch(/: 403 /);
        expect(todo).toContain(right);
      }
      expect(refusals.map(([, todo]) => todo).join('\n')).toMatch(how);
      const made = lines.filter((line) => line.startsWith('created')).length;
      expect(made).toBeGreaterThanOrEqual(7);
      expect(lines.at(-1)).toMatch(/^not complete; .*run the command again$/);
    },
  );

  test('a bucket name that another account has is reported', async () => {
    const one = await start({ bucketsOfOthers: [UPLOADS] });
    const { ok, text } = await one.setup();
    expect(ok).toBe(false);
    expect(text).toContain(`! bucket ${UPLOADS}: belongs to another account`);
    expect(text).toMatch(/→ names of buckets are unique in the world: choose another with UPLOAD_BUCKET/);
    expect((await one.setup({}, { environment: { UPLOAD_BUCKET: 'a-free-name' } })).ok).toBe(true);
  });

  test('a full gateway, a missing one and several ones are reported', async () => {
    const full = await start({ instances: [{ ...localInstance('gateway-1'), maxGroups: 0 }] });
    expect((await full.setup()).text).toMatch(
      /! API group mpc_snapshots_demo, in gateway gateway-1: .*APIG.3101.*\n {2}→ the gateway is full: delete/,
    );
    const none = await start({ instances: [] });
    expect((await none.setup()).text).toMatch(
      /! API group: there is no dedicated gateway .*\n.*setup buys none/,
    );
    const several = await start({ instances: [localInstance('one'), localInstance('two')] });
    expect((await several.setup()).text).toMatch(/! API group: there are several gateways: one .*two/);
    expect((await several.setup({}, { environment: { APIG_INSTANCE_ID: 'two' } })).ok).toBe(true);
    expect(several.gateways.groups('two')).toHaveLength(1);
  });

  test('a used-up quota is reported', async () => {
    for (let number = 0; number < 100; number += 1) await account.store.createBucket(`bucket-${number}`);
    for (let number = 0; number < 100; number += 1) account.logs.createGroup(`group-${number}`, 1, {});
    const { ok, text } = await account.setup();
    expect(ok).toBe(false);
    expect(text).toMatch(/400 TooManyBuckets .*\n {2}→ delete what nobody needs, or request a higher quota/);
    expect(text).toMatch(/400 LTS.0104 .*\n {2}→ delete what nobody needs, or request a higher quota/);
    expect(account.identities.agencies()).toHaveLength(1);
  });

  test('a region without a service is reported', async () => {
    const { ok, text } = await account.setup(
      {},
      { environment: { LTS_ENDPOINT: 'http://lts.nowhere.invalid' } },
    );
    expect(ok).toBe(false);
    expect(text).toMatch(/! log group .*no answer.*\n {2}→ ap-southeast-3 may have no LTS/);
    expect(account.identities.agencies()).toHaveLength(1);
  });

  test.each([
    ['LTS', /^POST \/v2\/\w+\/groups$/],
    ['API Gateway', /^POST \/v2\/\w+\/apigw\/instances\/gateway-1\/api-groups/],
    ['API Gateway', /^POST \/v2\/\w+\/apigw\/instances\/gateway-1\/apps/],
    ['IAM', /^POST \/v3.0\/OS-AGENCY/],
    ['IAM', /^POST \/v3.0\/OS-ROLE/],
    ['IAM', /^GET \/v3\/roles/],
    ['SMN', /^POST \/v2\/\w+\/notifications\/topics$/],
  ])(
    'an answer that is not that of %s to %s is reported in one line, and the other steps go on',
    async (service, calls) => {
      account.babbling = calls;
      const { ok, text, lines } = await account.setup();
      expect([ok, text]).toEqual([
        false,
        expect.stringMatching(
          new RegExp(`! .*: the answer is not that of ${service} .*\\n {2}→ create it in the console`),
        ),
      ]);
      expect(lines.filter((line) => line.startsWith('created')).length).toBeGreaterThan(8);
    },
  );

  test('a wrong key is reported in the doctor’s words, and no other service is asked', async () => {
    const environment = { HUAWEICLOUD_SDK_SK: 'wrong', HUAWEICLOUD_SDK_PROJECT_ID: KEY.projectId };
    await expect(account.setup({}, { environment })).rejects.toThrow('HUAWEICLOUD_SDK_SK does not belong to');
    expect(account.calls).toEqual(['GET /v3/projects']);
  });

  test('stage local is refused', async () => {
    await expect(account.setup({}, { stage: 'local' })).rejects.toThrow('needs no setup');
  });
});

describe('a network that breaks', () => {
  test.each<Fate>(['500-after', 'lost-before', 'lost-after', 429])(
    '%s at the first try of each call is overcome within the run',
    async (fate) => {
      const clean = await cleanState();
      account.firstFate = fate;
      const { ok, text } = await account.setup();
      expect([ok, text]).toEqual([true, text]);
      expect(await account.state()).toEqual(clean);
    },
  );

  // The refusal ends one part of the run; where the network breaks for good, nothing comes after.
  test.each<[string, Fate[]]>([
    ['a refusal', [403]],
    ['the network’s end', Array<Fate>(500).fill('lost-before')],
  ])('%s at any call, then a second run, ends in the same state', async (_, fates) => {
    const clean = await cleanState();
    await stopAtEachCall(fates, clean, () => Promise.resolve(), {});
  });
});

/** Lets fates come from each call on in turn, runs again without them, and looks at what is there. */
async function stopAtEachCall(
  fates: readonly Fate[],
  expected: unknown,
  prepare: (one: AccountToSetUp) => Promise<unknown>,
  options: { undo?: boolean },
): Promise<void> {
  for (let position = 0, calls = 1; position < calls; position += 1) {
    const one = await AccountToSetUp.start();
    try {
      await prepare(one);
      one.calls.length = 0;
      one.fates.push(...Array<Fate>(position).fill('pass'), ...fates);
      await one.setup(options).catch((error: unknown) => expect(error).toBeInstanceOf(DeployError));
      // On to the next call, until a run has ended before its turn came.
      if (one.calls.length > position) calls = position + 2;
      one.fates.length = 0;
      expect([position, (await one.setup(options)).ok]).toEqual([position, true]);
      expect([position, await one.state()]).toEqual([position, expected]);
    } finally {
      await one.stop();
    }
  }
}

describe('a cloud whose lists come late', () => {
  test('gets nothing twice: setup waits for what it made', async () => {
    const other = await start();
    await other.setup();
    account.staleLooks = 2;
    const { ok, text } = await account.setup();
    expect([ok, text]).toEqual([true, expect.not.stringContaining('\n!')]);
    expect(await account.state()).toEqual(await other.state());
    const made = account.calls.filter((call) => /^POST .*(agencies|roles|groups|apps|topics)$/.test(call));
    expect(made).toEqual([...new Set(made)]);
    expect(text.match(/API_APP_SECRET=/g)).toHaveLength(1);
  });

  test('may not know a new agency or policy at once', async () => {
    account.lateFor = /^PUT .*OS-AGENCY.*roles/;
    const { ok, text } = await account.setup();
    expect([ok, text]).toEqual([true, expect.not.stringContaining('\n!')]);
  });
});

test('a first caller whose key was lost in transit gets another secret, which is shown', async () => {
  account.loses = /^POST .*\/apps$/;
  const { ok, text } = await account.setup();
  const [app] = [...account.gateways.accessOf('gateway-1').apps.values()];
  expect([ok, text]).toEqual([true, expect.stringContaining(`API_APP_SECRET=${app?.secret}\n`)]);
  expect([...account.gateways.accessOf('gateway-1').apps.values()]).toHaveLength(1);
});

describe('what serverless.yml names', () => {
  const written = (change: (yml: string) => string) => {
    const yml = readFileSync(path.join(__dirname, '../../../serverless.yml'), 'utf8');
    writeFileSync(path.join(account.folder, 'serverless.yml'), change(yml));
  };

  test('wins over setup’s own names: buckets, several of them, agency, group', async () => {
    written((yml) =>
      yml
        .replace(/uploadBucket: .*/, 'uploadBucket: our-videos')
        .replace(/agency: .*env:AGENCY.*/, 'agency: our-agency')
        .replace(/UPLOAD_BUCKETS: .*/, 'UPLOAD_BUCKETS: [our-videos, our-archive]'),
    );
    const { ok, text } = await account.setup();
    expect([ok, text]).toEqual([true, expect.any(String)]);
    const buckets = account.store.buckets().map(({ name }) => name);
    expect(buckets.sort()).toEqual([SNAPSHOTS, 'our-archive', 'our-videos']);
    expect((await account.authorized()).sort()).toEqual(buckets.sort());
    expect(account.identities.agencies().map(({ name }) => name)).toEqual(['our-agency']);
    expect(account.envFile()).toMatchObject({ UPLOAD_BUCKET: 'our-videos', AGENCY: 'our-agency' });
    expect((await account.setup()).lines.filter((line) => /^[+!]/.test(line))).toEqual([]);
    expect((await account.setup({ undo: true })).ok).toBe(true);
    expect(account.store.buckets()).toEqual([]);
  });

  test('loses to a parameter of the command line', async () => {
    expect((await account.setup({ param: ['uploadBucket=by-parameter'] })).ok).toBe(true);
    expect(account.store.buckets().map(({ name }) => name)).toContain('by-parameter');
  });
});

test('a policy with rights that nobody needs any more is narrowed', async () => {
  const policies = () => JSON.stringify(account.identities.agencies()[0]?.domainRoles);
  await account.setup({}, { environment: { ON_REMOVAL: 'delete' } });
  expect(policies()).toContain('/snapshots/*');
  const { ok, lines } = await account.setup();
  expect([ok, lines]).toEqual([
    true,
    expect.arrayContaining([expect.stringMatching(/^\+ policy .*its rights/)]),
  ]);
  expect(policies()).not.toContain('/snapshots/*');
  expect((await account.setup()).lines.filter((line) => /^[+!]/.test(line))).toEqual([]);
});

test('the first caller’s key is shown once, and an existing caller is left alone', async () => {
  const made = await account.setup();
  const [app] = [...account.gateways.accessOf('gateway-1').apps.values()];
  expect(made.lines).toContain(`API_APP_KEY=${app?.key}`);
  expect(made.lines).toContain(`API_APP_SECRET=${app?.secret}`);
  const again = await account.setup();
  expect(again.text).not.toContain(app?.secret);
  expect([...account.gateways.accessOf('gateway-1').apps.values()]).toEqual([app]);
});

describe('--undo', () => {
  test('shows and takes back everything that setup made, and the file', async () => {
    const before = await account.state();
    await account.setup();
    const shown = await account.setup({ undo: true, 'dry-run': true });
    expect(shown.lines.filter((line) => line.startsWith('- '))).toEqual([
      `- MPC’s notification to ${TOPIC}`,
      '- topic mpc-snapshots-demo',
      '- log group mpc-snapshots-demo with its logs',
      '- caller first, in gateway gateway-1',
      '- API group mpc_snapshots_demo, in gateway gateway-1',
      '- agency mpc-snapshots-demo',
      '- policy mpc-snapshots-demo',
      `- MPC’s authorization for ${UPLOADS}`,
      `- bucket ${UPLOADS}, which is empty`,
      `- rules in ${SNAPSHOTS} for records that expire`,
      `- MPC’s authorization for ${SNAPSHOTS}`,
      `- bucket ${SNAPSHOTS}, which is empty`,
    ]);
    expect((await account.setup({ undo: true })).ok).toBe(true);
    expect(await account.state()).toEqual(before);
    expect((await account.setup({ undo: true })).lines.at(-1)).toBe('nothing to delete');
  });

  test('never deletes a bucket that holds objects', async () => {
    await account.setup();
    await account.store.put(UPLOADS, 'a.mp4', Buffer.from('a video'));
    const { ok, text } = await account.setup({ undo: true });
    expect([ok, text]).toEqual([true, expect.stringContaining(`= bucket ${UPLOADS}: contains objects`)]);
    expect(account.store.buckets().map(({ name }) => name)).toEqual([UPLOADS]);
    // Ids of what is gone would mislead the next commands.
    expect(Object.keys(account.envFile())).toEqual([
      'HUAWEICLOUD_SDK_REGION',
      'HUAWEICLOUD_SDK_PROJECT_ID',
      'UPLOAD_BUCKET',
      'SNAPSHOT_BUCKET',
      'SETUP_MADE',
    ]);
    // It is remembered, and goes when it is empty.
    await account.store.delete(UPLOADS, 'a.mp4');
    await account.setup({ undo: true });
    expect(account.store.buckets()).toEqual([]);
    expect(account.envFile()).toEqual({});
  });

  test('is refused while functions of the stage are deployed', async () => {
    await account.setup();
    const desired = await desiredOf('demo');
    const connection = connectionFrom({ ...account.envFile(), ...account.environment }, 'ap-southeast-3');
    const api = new FunctionGraphApi(new CloudApi(connection));
    await api.createFunction(desired.functions[0]!, (await codeFor(desired))[0]!.zip);
    await expect(account.setup({ undo: true })).rejects.toThrow('npm run remove -- --stage demo');
    expect(account.identities.agencies()).toHaveLength(1);
  });

  test('a network failure at any of its calls, then a second run, ends in the same state', async () => {
    const before = await account.state();
    const fates = Array<Fate>(500).fill('lost-before');
    await stopAtEachCall(fates, before, (one) => one.setup(), { undo: true });
  });
});
