import { planAccess } from '../../deploy/access/access';
import { callers } from '../../deploy/access/callers';
import { nameIn } from '../../deploy/access/desired-access';
import { GatewayApi } from '../../deploy/access/gateway-api';
import { CallFailed, CloudApi, type CloudService, connectionFrom } from '../../deploy/cloud-api';
import { deploy } from '../../deploy/deploy';
import type { DesiredState } from '../../deploy/desired-state';
import { desiredState } from '../../deploy/desired-state';
import { checkAccess } from '../../deploy/doctor/gateway';
import type { CommandOptions } from '../../deploy/framework';
import { FunctionGraphApi } from '../../deploy/functiongraph-api';
import { planText } from '../../deploy/plan-text';
import { remove } from '../../deploy/remove';
import { GATEWAY_INSTANCE } from '../../local/account';
import { type Cloud, startCloud } from '../../local/cloud';
import { signedHeaders } from '../local/functiongraph/cloud';
import { codeFor, type ServiceObject, serviceOf } from './cloud-to-deploy-to';

const STRANGER = {
  accessKey: 'AKSTRANGER',
  secretKey: 'stranger-secret',
  projectId: 'f'.repeat(32),
  domainId: 'd'.repeat(32),
};
const OWN_ACCOUNT = '0000000000000000000000000000d0a1';

/** A client whose calls to API Gateway can be made to fail. */
class Client extends CloudApi {
  /** Calls that change something at the gateway, in order. */
  readonly changes: string[] = [];
  /** Which of them fails, counted from 1. */
  failAt = 0;
  /** How many of the next lists lack `POST /snapshots`. */
  partialLists = 0;
  /** What happens while a deployment waits. */
  whileWaiting = async (): Promise<void> => {};
  /** Calls of any service that fail, as `apig POST acl-bindings`. */
  refused: RegExp | undefined;
  /** Authentication of all APIs in the gateway, if somebody changed it there. */
  changedAuth: string | undefined;
  /** How many of the next lists of APIs are empty. */
  emptyLists = 0;
  /** The answer to the next new app gets lost. */
  losesAnswer = false;

  override async call(service: CloudService, request: Parameters<CloudApi['call']>[1]) {
    if (service === 'apig' && request.method !== 'GET') {
      this.changes.push(`${request.method} ${request.path.split('/').slice(6).join('/')}`);
      if (this.changes.length === this.failAt) throw new CallFailed(403, 'APIG.1005', 'no permission');
    }
    if (this.refused?.test(`${service} ${request.method} ${request.path}`) === true)
      throw new CallFailed(403, 'APIG.1005', 'no permission');
    const isListOfApis = service === 'apig' && request.path.endsWith('/apis');
    if (isListOfApis && this.emptyLists > 0) {
      this.emptyLists -= 1;
      return { body: { size: 0, total: 0, apis: [] }, headers: new Headers() };
    }
    const answer = await super.call(service, request);
    if (isListOfApis && this.partialLists > 0) {
      this.partialLists -= 1;
      const { apis } = answer.body as { apis: { req_method: string }[] };
      const left = apis.filter(({ req_method }) => req_method !== 'POST');
      return { ...answer, body: { size: left.length, total: left.length, apis: left } };
    }
    if (isListOfApis && this.changedAuth !== undefined) {
      for (const api of (answer.body as { apis: { auth_type: string }[] }).apis)
        api.auth_type = this.changedAuth;
    }
    if (this.losesAnswer && request.method === 'POST' && request.path.endsWith('/apps')) {
      this.losesAnswer = false;
      throw new CallFailed(0, 'ECONNRESET', 'no answer', true);
    }
    return answer;
  }
}

let cloud: Cloud;
let client: Client;
let groupId: string;
beforeEach(async () => {
  cloud = await startCloud({ port: 0 });
  cloud.credentials.add(STRANGER);
  client = new Client(connectionFrom(cloud.environment, cloud.region), {
    pause: () => client.whileWaiting(),
  });
  const path = `/v2/${cloud.accessKey.projectId}/apigw/instances/${GATEWAY_INSTANCE}/api-groups`;
  const { body } = await client.call('apig', { method: 'POST', path, body: { name: 'shop' } });
  groupId = (body as { id: string }).id;
  client.changes.length = 0;
});
afterEach(() => cloud.close());

async function desiredOf(change: (service: ServiceObject) => void = () => {}): Promise<DesiredState> {
  const service = await serviceOf('prod', { APIG_GROUP_ID: groupId, APIG_INSTANCE_ID: GATEWAY_INSTANCE });
  change(service);
  return desiredState(service);
}

/** @returns the plan as people see it */
async function deployed(change?: (service: ServiceObject) => void): Promise<string[]> {
  const desired = await desiredOf(change);
  const lines: string[] = [];
  await deploy(desired, await codeFor(desired), new FunctionGraphApi(client), {
    onPlan: (plan, access) => lines.push(...planText(plan, access)),
  });
  return lines;
}

async function command(options: CommandOptions): Promise<string[]> {
  const printed: string[] = [];
  const desired = await desiredOf();
  const api = new FunctionGraphApi(client);
  await callers({ desired, api, options, print: (line) => printed.push(line) });
  return printed;
}

type Key = { accessKey: string; secretKey: string };
async function addCaller(name: string): Promise<Key> {
  const [key = '', secret = ''] = await command({ add: name });
  return { accessKey: key.split('=')[1]!, secretKey: secret.split('=')[1]! };
}

/** `200`, or `401 APIG.0303`. What the function answers is no answer of an API, so 500 FSS.1202 says that it ran. */
async function call(key: Key | undefined, method = 'GET'): Promise<string> {
  const url = new URL(`${cloud.addresses.gateway}/snapshots${method === 'DELETE' ? '/1' : ''}`);
  const headers = key && signedHeaders(method, url, undefined, {}, { projectId: '', ...key });
  const response = await fetch(url, { method, headers: { ...headers } });
  const { error_code } = (await response.json()) as { error_code?: string };
  return error_code === 'FSS.1202' ? 'ran' : `${response.status} ${error_code}`;
}

const RELEASE = 'DEFAULT_ENVIRONMENT_RELEASE_ID';
const iam =
  (more: object = { allowAccounts: [OWN_ACCOUNT] }) =>
  (service: ServiceObject) => {
    Object.assign(service.provider.apigw, { auth: 'IAM', ...more });
  };
const apigw = async (method: 'PUT' | 'POST', path: string, body: object) =>
  client.call('apig', {
    method,
    path: `/v2/${cloud.accessKey.projectId}/apigw/instances/${GATEWAY_INSTANCE}/${path}`,
    body,
  });

test('by default only the stage’s own callers can call an API, with the key that is shown once', async () => {
  const plan = await deployed();
  expect(plan).toContain(
    '! nobody may call the API yet: npm run callers -- --stage prod add NAME creates a key',
  );
  expect(await call(undefined)).toBe('401 APIG.0303');
  expect(await call(cloud.accessKey)).toBe('401 APIG.0303');
  expect(await call(STRANGER)).toBe('401 APIG.0303');
  const shop = await addCaller('shop');
  expect([await call(shop), await call(shop, 'POST'), await call(shop, 'DELETE')]).toEqual([
    'ran',
    'ran',
    'ran',
  ]);
  const shown = await command({});
  expect(shown).toEqual([`shop  key ${shop.accessKey}`]);
  expect(shown.join()).not.toContain(shop.secretKey);

  const [, line = ''] = await command({ rotate: 'shop' });
  expect(await call(shop)).toBe('401 APIG.0303');
  expect(await call({ ...shop, secretKey: line.split('=')[1]! })).toBe('ran');
  expect(await command({ remove: 'shop' })).toEqual(['- shop']);
  expect(await call({ ...shop, secretKey: line.split('=')[1]! })).toBe('401 APIG.0303');
});

test('deploying waits for an API that the gateway does not list yet, so that no caller is left out', async () => {
  const shop = await addCaller('shop');
  client.emptyLists = 4;
  await deployed();
  expect(client.emptyLists).toBe(0);
  expect(await call(shop)).toBe('ran');
  client.emptyLists = Number.POSITIVE_INFINITY;
  await expect(deployed((service) => (service.functions.create.memorySize = 256))).rejects.toThrow(
    /the gateway does not list POST \/snapshots, .* yet, so callers and limits could not be set: run the command again/,
  );
});

test('a key is shown before anything else can fail, and a key whose answer was lost is made again', async () => {
  await deployed();
  client.changes.length = 0;
  client.failAt = 2;
  const printed: string[] = [];
  const api = new FunctionGraphApi(client);
  const desired = await desiredOf();
  const print = (line: string) => printed.push(line);
  await expect(callers({ desired, api, options: { add: 'shop' }, print })).rejects.toThrow(/no permission/);
  expect(printed).toContainEqual(expect.stringMatching(/^API_APP_SECRET=\S+/));
  client.losesAnswer = true;
  const lost = await addCaller('lost');
  await deployed();
  expect(await call(lost)).toBe('ran');
});

test('a stage whose name begins like that of a removed stage keeps its policies', async () => {
  await deployed();
  const gateway = new GatewayApi(client, GATEWAY_INSTANCE);
  const limits = { api: 5, app: 5, account: 5 };
  await gateway.createThrottle('mpc_snapshots__prod__eu__x', '[serverless mpc-snapshots/prod--eu]', limits);
  await remove({
    desired: await desiredOf(),
    api: new FunctionGraphApi(client),
    options: {},
    print: () => {},
  });
  expect((await gateway.throttles()).map(({ name }) => name)).toEqual(['mpc_snapshots__prod__eu__x']);
});

test('an app of somebody else is neither shown nor authorized, and deploying authorizes existing callers', async () => {
  const gateway = new GatewayApi(client, GATEWAY_INSTANCE);
  const foreign = await gateway.createApp('somebody_elses', 'not ours');
  const early = await addCaller('early');
  const plan = await deployed();
  expect(plan).toContain('+ POST /snapshots for early');
  expect(await call(early)).toBe('ran');
  expect(await call({ accessKey: foreign.app_key, secretKey: foreign.app_secret })).toBe('403 APIG.0304');
  expect(await command({})).toEqual([`early  key ${early.accessKey}`]);
  // Somebody lets it in by hand.
  const [api] = await gateway.apis(groupId, RELEASE);
  await gateway.authorize([foreign.id], [api!.id], RELEASE);
  expect(await deployed()).toEqual([
    'nothing to do',
    `! ${api!.req_method} /snapshots may also be called by somebody_elses: this command did not create or authorize that, and leaves it unchanged`,
  ]);
  await expect(command({ remove: 'somebody_elses' })).rejects.toThrow(
    'there is no caller somebody_elses; there are: early',
  );
  await expect(command({ add: 'early' })).rejects.toThrow('caller early already exists');
  await expect(command({ add: 'No Name' })).rejects.toThrow('must be lower-case letters, digits and _');
});

test('IAM accepts the named accounts, and other users of the cloud only if serverless.yml says so', async () => {
  await expect(deployed(iam({}))).rejects.toThrow(
    /auth IAM lets every user of Huawei Cloud call .*: name the allowed accounts in provider.apigw.allowAccounts/,
  );
  await expect(deployed(iam({ allowAccounts: [OWN_ACCOUNT], instance_id: '' }))).rejects.toThrow(
    'allowAccounts needs a dedicated gateway',
  );
  const plan = await deployed(iam({ allowAccounts: [OWN_ACCOUNT] }));
  expect(plan).toContain(`+ access policy of POST /snapshots: accounts ${OWN_ACCOUNT}`);
  expect([await call(cloud.accessKey), await call(STRANGER)]).toEqual(['ran', '403 APIG.0302']);
  await deployed(iam({ allowAccounts: [OWN_ACCOUNT, STRANGER.domainId] }));
  expect(await call(STRANGER)).toBe('ran');
  const open = await deployed(iam({ openToAllUsers: true }));
  expect(open).toContain('! POST /snapshots is open to every user of Huawei Cloud (openToAllUsers)');
  await deployed(iam({ allowAccounts: [OWN_ACCOUNT] }));
  expect(await call(STRANGER)).toBe('403 APIG.0302');
  await deployed(iam({ openToAllUsers: true }));
  expect(await call(STRANGER)).toBe('ran');
});

test('every API has its own limits for all callers and for each caller, and a second deployment changes nothing', async () => {
  const plan = await deployed();
  expect(plan).toContain('+ throttling of POST /snapshots: 20 calls a minute, 10 of one caller');
  const [one, two, three] = [await addCaller('one'), await addCaller('two'), await addCaller('three')];
  const counts = async (key: Key, calls: number) => {
    const answers = await Promise.all(Array.from({ length: calls }, () => call(key, 'POST')));
    return [answers.filter((answer) => answer === 'ran').length, answers.includes('429 APIG.0308')];
  };
  // More than the function has instances for is refused as well, which counts as a call.
  expect((await counts(one, 30))[1]).toBe(true);
  await counts(two, 30);
  expect(await counts(three, 3)).toEqual([0, true]);
  client.changes.length = 0;
  expect(await deployed()).toEqual(['nothing to do']);
  expect(client.changes).toEqual([]);
  const changed = await deployed((service) => {
    service.functions.create.events[0].apigw.throttle = { api: 40, caller: 40 };
  });
  expect(changed).toEqual(['~ throttling of POST /snapshots: 40 calls a minute, 40 of one caller']);
  expect((await counts(three, 3))[1]).toBe(false);
});

test('what somebody else bound to an API stays, and is reported', async () => {
  await deployed();
  const gateway = new GatewayApi(client, GATEWAY_INSTANCE);
  const [api] = (await gateway.apis(groupId, 'DEFAULT_ENVIRONMENT_RELEASE_ID')).filter(
    ({ req_method }) => req_method === 'POST',
  );
  const id = await gateway.createThrottle('slower', 'by hand', { api: 1, app: 1, account: 1 });
  await gateway.bindThrottle(id, [api!.publish_id!]);
  expect(await deployed()).toContain(
    '! POST /snapshots has the throttling policy slower, which this command did not create and leaves unchanged',
  );
  expect((await gateway.throttleOf(api!.id, 'DEFAULT_ENVIRONMENT_RELEASE_ID'))?.name).toBe('slower');
});

test('with authentication IAM there are no keys to add, and accounts are named by their ids', async () => {
  const print = () => {};
  const desired = await desiredOf(iam());
  const api = new FunctionGraphApi(client);
  await expect(callers({ desired, api, options: { add: 'shop' }, print })).rejects.toThrow(
    /has the authentication IAM, so a key of its own would open nothing: add .* to provider.apigw.allowAccounts/,
  );
  expect(client.changes).toEqual([]);
  await expect(desiredOf(iam({ allowAccounts: ['acme'] }))).rejects.toThrow(
    /allowAccounts\[0\] must be the id of an account, 32 digits and letters a to f .*, got "acme"/,
  );
});

test('with authentication IAM the limit of one caller is that of one account', async () => {
  const change = (service: ServiceObject) => {
    iam({ allowAccounts: [OWN_ACCOUNT, STRANGER.domainId] })(service);
    service.functions.create.events[0].apigw.throttle = { api: 6, caller: 2 };
  };
  await deployed(change);
  const answers = [];
  for (const key of [STRANGER, STRANGER, STRANGER, cloud.accessKey]) answers.push(await call(key, 'POST'));
  expect(answers).toEqual(['ran', 'ran', '429 APIG.0308', 'ran']);
  expect(await deployed(change)).toEqual(['nothing to do']);
});

test('what was changed by hand in a policy is set again', async () => {
  const gateway = new GatewayApi(client, GATEWAY_INSTANCE);
  await deployed(iam());
  const desired = await desiredOf(iam());
  const name = 'mpc_snapshots__prod__create_post_snapshots';
  const throttle = (await gateway.throttles()).find((one) => one.name === name)!;
  const acl = (await gateway.acls())[0]!;
  const { acl_name, acl_value } = acl;
  const limits = {
    name,
    remark: throttle.remark,
    time_interval: 1,
    time_unit: 'MINUTE',
    api_call_limits: 20,
  };
  const policy = { acl_name, acl_type: 'PERMIT', entity_type: 'DOMAIN_ID', acl_value };
  const changes = [
    [`throttles/${throttle.id}`, { ...limits, user_call_limits: 20, app_call_limits: 10 }],
    [`throttles/${throttle.id}`, { ...limits, user_call_limits: 10, app_call_limits: 10, ip_call_limits: 1 }],
    [`throttles/${throttle.id}`, { ...limits, user_call_limits: 10, app_call_limits: 10, type: 2 }],
    [`acls/${acl.id}`, { ...policy, acl_type: 'DENY' }],
    [`acls/${acl.id}`, { ...policy, entity_type: 'DOMAIN' }],
    [`acls/${acl.id}`, { ...policy, acl_value: STRANGER.domainId }],
  ] as const;
  for (const [path, body] of changes) {
    await apigw('PUT', path, body);
    const { steps } = await planAccess(desired, client);
    expect([body, steps.length > 0]).toEqual([body, true]);
    for (const { carryOut } of steps) await carryOut();
    expect([body, (await planAccess(desired, client)).steps]).toEqual([body, []]);
    expect([await call(STRANGER), await call(cloud.accessKey)]).toEqual(['403 APIG.0302', 'ran']);
  }
  client.changedAuth = 'NONE';
  expect(await deployed(iam())).toContain(
    '! POST /snapshots has the authentication NONE in the gateway, serverless.yml says IAM: delete its trigger, and deploy again',
  );
});

test('an access policy of somebody else stays bound, and is reported', async () => {
  await deployed(iam({ openToAllUsers: true }));
  const gateway = new GatewayApi(client, GATEWAY_INSTANCE);
  const [api] = await gateway.apis(groupId, RELEASE);
  const foreign = await apigw('POST', 'acls', {
    acl_name: 'only_the_stranger',
    acl_type: 'PERMIT',
    entity_type: 'DOMAIN_ID',
    acl_value: STRANGER.domainId,
  });
  await gateway.bindAcl((foreign.body as { id: string }).id, [api!.publish_id!]);
  expect(await deployed(iam())).toContain(
    `! ${api!.req_method} /snapshots has the access policy only_the_stranger, which this command did not create and leaves unchanged: it decides who may call, not allowAccounts`,
  );
  expect((await gateway.aclsOf(api!.id, RELEASE)).map(({ acl_name }) => acl_name)).toEqual([
    'only_the_stranger',
  ]);
});

test('a limit of somebody else with the name of ours is not changed, and the error says what to do', async () => {
  const gateway = new GatewayApi(client, GATEWAY_INSTANCE);
  const limits = { api: 5, app: 5, account: 5 };
  await gateway.createThrottle('mpc_snapshots__prod__create_post_snapshots', 'of team B', limits);
  await expect(deployed()).rejects.toThrow(
    /policy name already exists.*; somebody else has one of this name in the gateway: rename or delete that one/,
  );
  expect((await gateway.throttles())[0]).toMatchObject({ remark: 'of team B', api_call_limits: 5 });
});

test('an API with authentication IAM is closed to other users of the cloud whatever else fails, or the error says that it is open', async () => {
  for (const refused of [/apig POST .*throttle/, /functiongraph POST .*prod-query/]) {
    client.refused = refused;
    const error = (await deployed(iam()).catch((failure: Error) => failure)) as Error;
    expect(error.message).toContain('no permission');
    expect(error.message).not.toContain('every user');
    expect([await call(STRANGER, 'POST'), await call(STRANGER, 'DELETE')]).toEqual(
      Array(2).fill('403 APIG.0302'),
    );
    client.refused = undefined;
    const [api, print] = [new FunctionGraphApi(client), () => {}];
    await remove({ desired: await desiredOf(), api, options: {}, print });
  }
  client.refused = /apig POST .*acl-bindings/;
  await expect(deployed(iam())).rejects.toThrow(
    /until another run succeeds, every user of Huawei Cloud may call POST \/snapshots, .*: delete its trigger/,
  );
  expect(await call(STRANGER)).toBe('ran');
  client.refused = undefined;
  await deployed(iam());
  expect(await call(STRANGER)).toBe('403 APIG.0302');
});

test('an API that is made again has its callers and limits after the same deployment, and its policy with IAM', async () => {
  const slower = (service: ServiceObject) => (service.provider.apigw.timeout = 29_000);
  const shop = await addCaller('shop');
  await deployed();
  const gateway = new GatewayApi(client, GATEWAY_INSTANCE);
  const ids = async () => (await gateway.apis(groupId, RELEASE)).map(({ id }) => id);
  const before = await ids();
  await deployed(slower);
  expect((await ids()).filter((id) => before.includes(id))).toEqual([]);
  expect([await call(shop), await call(shop, 'POST')]).toEqual(['ran', 'ran']);
  const limits = await Promise.all((await ids()).map((id) => gateway.throttleOf(id, RELEASE)));
  expect(limits.map((one) => one?.name).sort()).toEqual([
    'mpc_snapshots__prod__cancel_delete_snapshots',
    'mpc_snapshots__prod__create_post_snapshots',
    'mpc_snapshots__prod__query_get_snapshots',
  ]);
  expect(await deployed(slower)).toEqual(['nothing to do']);
  await deployed(iam());
  expect([await call(STRANGER), await call(cloud.accessKey)]).toEqual(['403 APIG.0302', 'ran']);
});

test('APIs with authentication IAM are closed while a deployment waits for others', async () => {
  client.partialLists = 4;
  const answers = new Set<string>();
  client.whileWaiting = async () => void answers.add(await call(STRANGER));
  await deployed(iam());
  expect([client.partialLists, ...answers]).toEqual([0, '403 APIG.0302']);
  expect([await call(STRANGER, 'POST'), await call(cloud.accessKey, 'POST')]).toEqual([
    '403 APIG.0302',
    'ran',
  ]);
  expect(await deployed(iam())).toEqual(['nothing to do']);
  client.partialLists = Number.POSITIVE_INFINITY;
  client.whileWaiting = async () => {};
  await expect(
    deployed((service) => {
      iam()(service);
      service.functions.create.events[0].apigw.timeout = 29_000;
    }),
  ).rejects.toThrow(
    /does not list POST \/snapshots yet, .* every user of Huawei Cloud may call what has .* IAM/,
  );
});

test('names that are cut off stay different', () => {
  const stage = { service: 'mpc-snapshots', stage: 'a-long-name-of-a-branch-that-somebody-tries' };
  const names = ['create_post_snapshots', 'create_post_snapshots_again'].map((last) => nameIn(stage, last));
  expect(new Set(names).size).toBe(2);
  expect(names.map(({ length }) => length)).toEqual([64, 64]);
});

test('a deployment that stops at any call and runs again ends in the same state', async () => {
  await addCaller('shop');
  const gateway = new GatewayApi(client, GATEWAY_INSTANCE);
  const state = async () => {
    const apis = await gateway.apis(groupId, 'DEFAULT_ENVIRONMENT_RELEASE_ID');
    return Promise.all(
      apis.map(async ({ id, req_method }) => ({
        req_method,
        apps: (await gateway.appsOf(id, 'DEFAULT_ENVIRONMENT_RELEASE_ID')).length,
        throttle: (await gateway.throttleOf(id, 'DEFAULT_ENVIRONMENT_RELEASE_ID'))?.name,
      })),
    );
  };
  client.changes.length = 0;
  for (let failAt = 1; ; failAt++) {
    client.changes.length = 0;
    client.failAt = failAt;
    const outcome = await deployed().catch((error: Error) => error);
    client.failAt = 0;
    if (!(outcome instanceof Error)) break;
    expect(outcome.message).toContain('no permission');
    await deployed();
    expect(await deployed()).toEqual(['nothing to do']);
    const names = (await gateway.throttles()).map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    expect((await state()).every(({ apps, throttle }) => apps === 1 && throttle !== undefined)).toBe(true);
    await remove({
      desired: await desiredOf(),
      api: new FunctionGraphApi(client),
      options: {},
      print: () => {},
    });
    expect(await gateway.throttles()).toEqual([]);
  }
});

describe('the doctor', () => {
  const found = async (change?: (service: ServiceObject) => void) =>
    (await checkAccess(await desiredOf(change), client)).map(({ state, text }) => `${state}: ${text}`);

  test('lists what differs from serverless.yml, and says that all is well after deploying', async () => {
    await addCaller('shop');
    expect(await found()).toEqual([
      expect.stringMatching(
        /^note: not yet as in serverless.yml: .*throttling of POST \/snapshots.*for shop/,
      ),
    ]);
    await deployed();
    expect(await found()).toEqual(['ok: callers and limits are as in serverless.yml']);
    await command({ remove: 'shop' });
    expect(await found()).toEqual([expect.stringMatching(/^note: nobody may call the API yet/)]);
  });

  test('reports an API that is open to every user of the cloud', async () => {
    const open = (more: object) => (service: ServiceObject) => {
      Object.assign(service.provider.apigw, { auth: 'IAM', openToAllUsers: true, ...more });
    };
    await deployed(open({}));
    expect(await found(open({}))).toContain(
      'note: POST /snapshots is open to every user of Huawei Cloud (openToAllUsers)',
    );
    expect(await found(open({ instance_id: '' }))).toEqual([
      expect.stringMatching(/^note: every user of Huawei Cloud may call \(openToAllUsers\)/),
    ]);
  });

  test('says that callers and limits of the shared gateway are set in the console', async () => {
    const shared = (service: ServiceObject) => {
      service.provider.apigw.instance_id = '';
    };
    expect(await found(shared)).toEqual([
      'note: in the shared gateway apps are authorized, and their calls limited, in the console',
    ]);
  });
});
