import { type Cloud, startCloud, urnOf, zipOf } from './cloud';

// What sources outside the platform's own documents say that the cloud refuses, or answers.

const CODE = 'exports.handler = async (event, context) => event;';
let cloud: Cloud;
afterEach(() => cloud.close());

const ALL = {
  func_name: 'one',
  runtime: 'Node.js20.15',
  handler: 'index.handler',
  memory_size: 256,
  timeout: 10,
};
const API = { name: 'api', path: '/things', req_method: 'GET', group_id: 'g', match_mode: 'NORMAL' };
const OBS = { bucket: 'videos', events: ['s3:ObjectCreated:*'], prefix: 'in/', name: 'uploads' };

async function start(
  behaviour: NonNullable<Parameters<typeof startCloud>[0]>['behaviour'] = {},
): Promise<void> {
  cloud = await startCloud({ behaviour });
  await cloud.deploy('one', CODE);
  await cloud.deploy('two', CODE);
}

const configure = (strategy_config: unknown) =>
  cloud.call('PUT', `fgs/functions/${urnOf('one')}/config`, { ...ALL, strategy_config });

describe('strategy_config', () => {
  test('without concurrent_num is refused with FSS.1026', async () => {
    await start();
    const answer = await configure({ concurrency: 1 });
    expect(answer).toMatchObject({ status: 400, body: { error_code: 'FSS.1026' } });
    expect(answer.body.error_msg).toContain('concurrent_num');
  });

  test('without concurrent_num is accepted with that behaviour', async () => {
    await start({ needsConcurrentNum: false });
    expect((await configure({ concurrency: 1 })).body.strategy_config).toMatchObject({ concurrency: 1 });
  });

  test('with both fields is accepted', async () => {
    await start();
    expect((await configure({ concurrency: 1, concurrent_num: 1 })).status).toBe(200);
  });
});

describe('an API trigger', () => {
  test.each(['/things/{id}', '/{proxy}'])('with the path %s is refused with APIG.2026', async (path) => {
    await start();
    expect(await cloud.addTrigger('one', 'DEDICATEDGATEWAY', { ...API, path })).toMatchObject({
      status: 400,
      body: { error_code: 'APIG.2026', error_msg: expect.stringContaining(path) },
    });
  });

  test('with parameters in its path is accepted with that behaviour', async () => {
    await start({ apiPathParameters: 'taken' });
    expect((await cloud.addTrigger('one', 'APIG', { ...API, path: '/things/{id}' })).status).toBe(201);
  });

  test.each([
    ['one', 409],
    ['both', 201],
  ] as const)(
    'of the same path in the other match mode, behaviour %s, is answered with %d',
    async (apiMatchModes, status) => {
      await start({ apiMatchModes });
      await cloud.addTrigger('one', 'APIG', API);
      expect((await cloud.addTrigger('one', 'APIG', { ...API, match_mode: 'SWA' })).status).toBe(status);
    },
  );

  test('whose func_info has no timeout is refused: it is mandatory there', async () => {
    await start();
    const answer = await cloud.addTrigger('one', 'APIG', { ...API, func_info: {} });
    expect(answer).toMatchObject({ status: 400, body: { error_code: 'FSS.1107' } });
  });
});

test.each([
  ['project', 409],
  ['function', 201],
] as const)(
  'the name of an OBS trigger of another function, unique in the %s, is answered with %d',
  async (obsTriggerNames, status) => {
    await start({ obsTriggerNames });
    await cloud.addTrigger('one', 'OBS', OBS);
    expect((await cloud.addTrigger('two', 'OBS', { ...OBS, prefix: 'out/' })).status).toBe(status);
  },
);

describe('a region', () => {
  test('lists its runtimes and types of triggers', async () => {
    await start();
    const { body: runtimes } = await cloud.call('GET', 'fgs/runtimetypes');
    expect(runtimes.at(-1)).toEqual({ type: 'Node.js20.15', display_name: expect.any(String) });
    expect((await cloud.call('GET', 'fgs/triggertypes')).body).toEqual([
      'TIMER',
      'OBS',
      'EVENTGRID',
      'SMN',
      'APIG',
      'DEDICATEDGATEWAY',
    ]);
  });

  test('without a runtime neither lists nor accepts it', async () => {
    cloud = await startCloud({ behaviour: { newestRuntime: 'Node.js18.15' } });
    expect(await cloud.deploy('new', CODE)).toMatchObject({ status: 400, body: { error_code: 'FSS.1005' } });
    const { body } = await cloud.call('GET', 'fgs/runtimetypes');
    expect(body.map(({ type }: { type: string }) => type)).not.toContain('Node.js20.15');
  });

  test('without a type of triggers neither lists nor accepts it', async () => {
    await start({ missingTriggerType: 'OBS' });
    expect((await cloud.call('GET', 'fgs/triggertypes')).body).not.toContain('OBS');
    expect((await cloud.addTrigger('one', 'OBS', OBS)).body.error_code).toBe('FSS.1101');
  });
});

describe('a deleted function', () => {
  test.each([
    ['observed', 'GET', '', 500, 'FSS.0500'],
    ['observed', 'DELETE', '/OBS/x', 401, 'FSS.0401'],
    ['documented', 'GET', '', 404, 'FSS.1051'],
    ['documented', 'DELETE', '/OBS/x', 404, 'FSS.1051'],
  ] as const)('as %s: %s of its triggers%s is %d %s', async (goneFunction, method, path, status, code) => {
    cloud = await startCloud({ behaviour: { goneFunction } });
    const answer = await cloud.call(method, `fgs/triggers/${urnOf('nobody')}${path}`);
    expect(answer).toMatchObject({ status, body: { error_code: code } });
  });
});

test('a deleted trigger stays listed and holds its place for the time of the switch, and does nothing', async () => {
  const time = { now: Date.now() };
  cloud = await startCloud({ clock: () => time.now, behaviour: { triggerDeletionMs: 5000 } });
  await cloud.deploy('one', CODE);
  const { trigger_id: id } = (await cloud.addTrigger('one', 'APIG', API)).body;
  const at = `fgs/triggers/${urnOf('one')}`;
  expect((await cloud.call('DELETE', `${at}/APIG/${id}`)).status).toBe(204);
  expect(cloud.functiongraph.apiRoutes()).toEqual([]);
  expect((await cloud.call('GET', at)).body).toHaveLength(1);
  expect((await cloud.addTrigger('one', 'APIG', API)).status).toBe(409);
  time.now += 5000;
  expect((await cloud.call('GET', at)).body).toEqual([]);
  expect((await cloud.addTrigger('one', 'APIG', API)).status).toBe(201);
});

test.each([
  [60, 59, 400],
  [60, 60, 200],
  [1, 59, 200],
])(
  'with events that may be set to an age of %d s or more, %d s is answered with %d',
  async (shortest, age, status) => {
    await start({ shortestEventAgeSeconds: shortest });
    const answer = await cloud.call('PUT', `fgs/functions/${urnOf('one')}/async-invoke-config`, {
      max_async_event_age_in_seconds: age,
    });
    expect(answer.status).toBe(status);
  },
);

test.each(['0', '401', '1000'])('maxitems=%s lists 400 functions', async (size) => {
  await start();
  const { status, body } = await cloud.call('GET', `fgs/functions?maxitems=${size}`);
  expect([status, body.count]).toEqual([200, 2]);
});

test('a timer has an id that is not its name', async () => {
  await start();
  const timer = { name: 'tick', schedule_type: 'Rate', schedule: '5m' };
  const { body } = await cloud.addTrigger('one', 'TIMER', timer);
  expect(body.trigger_id).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
});

test('version 1 of functions does not exist', async () => {
  await start();
  expect(await cloud.deploy('old', CODE, { type: 'v1' })).toMatchObject({ status: 400 });
});

/**
 * The bodies of the Terraform provider of Huawei Cloud, whose own tests run on the cloud: fields as it fills them in for a
 * function with everything that a Node.js event function may have. What is empty it leaves out.
 */
describe('the Terraform provider', () => {
  const LOGS = {
    enable_lts_log: true,
    log_config: { group_name: 'functions', group_id: 'g-1', stream_name: 'one', stream_id: 's-1' },
  };

  test('creates and configures a function', async () => {
    cloud = await startCloud();
    const created = await cloud.call('POST', 'fgs/functions', {
      func_name: 'one',
      package: 'default',
      runtime: 'Node.js18.15',
      timeout: 15,
      handler: 'index.handler',
      memory_size: 128,
      code_type: 'zip',
      code_filename: 'index.zip',
      func_code: { file: await zipOf({ 'index.js': CODE }) },
      user_data: '{"owner":"terraform"}',
      xrole: 'functions',
      app_xrole: 'functions',
      description: 'made by Terraform',
      type: 'v2',
      ...LOGS,
    });
    expect(created).toMatchObject({
      status: 200,
      body: { log_group_id: 'g-1', log_stream_id: 's-1', type: 'v2' },
    });
    const at = `fgs/functions/${urnOf('one')}`;
    const configured = await cloud.call('PUT', `${at}/config`, {
      func_name: 'one',
      runtime: 'Node.js18.15',
      timeout: 20,
      handler: 'index.handler',
      memory_size: 128,
      strategy_config: { concurrent_num: 1 },
      ...LOGS,
    });
    expect(configured).toMatchObject({ status: 200, body: { strategy_config: { concurrent_num: 1 } } });
    for (const number of [400, 1000, 0, -1]) {
      const set = await cloud.call('PUT', `${at}/config-max-instance`, { max_instance_num: number });
      expect(set).toMatchObject({ status: 200, body: { strategy_config: { concurrency: number } } });
    }
    // The number of requests alone leaves that of instances as it is.
    const again = await cloud.call('PUT', `${at}/config`, {
      ...ALL,
      runtime: 'Node.js18.15',
      strategy_config: { concurrent_num: 1 },
    });
    expect(again.body.strategy_config).toEqual({ concurrency: -1, concurrent_num: 1 });
    const asynchronous = await cloud.call('PUT', `${at}/async-invoke-config`, {
      max_async_event_age_in_seconds: 3500,
      max_async_retry_attempts: 2,
      destination_config: {
        on_failure: { destination: 'OBS', param: '{"bucket":"b","prefix":"p","expires":5}' },
      },
      enable_async_status_log: true,
    });
    expect(asynchronous.status).toBe(200);
  });

  test.each([
    ['TIMER', { name: 'every', schedule_type: 'Rate', schedule: '3d', user_event: 'Created by Terraform' }],
    [
      'OBS',
      { bucket: 'videos', events: ['s3:ObjectCreated:Put'], name: 'uploads', prefix: 'in', suffix: 'mp4' },
    ],
    [
      'DEDICATEDGATEWAY',
      {
        name: 'api',
        type: 1,
        path: '/test',
        protocol: 'HTTPS',
        req_method: 'ANY',
        group_id: 'g',
        group_name: 'group',
        match_mode: 'SWA',
        env_name: 'RELEASE',
        env_id: 'DEFAULT_ENVIRONMENT_RELEASE_ID',
        auth: 'IAM',
        func_info: { function_urn: urnOf('one'), invocation_type: 'sync', timeout: 5000, version: 'latest' },
        sl_domain: 'g.apic.example.com',
        backend_type: 'FUNCTION',
        instance_id: 'i',
      },
    ],
    [
      'EVENTGRID',
      {
        channel_id: 'c',
        channel_name: 'default',
        source_name: 'HC.OBS.DWR',
        trigger_name: 'eg',
        agency: 'fgs_to_eg',
        bucket: 'videos',
        event_types: ['OBS:DWR:ObjectCreated:PUT', 'OBS:DWR:ObjectCreated:POST'],
        Key_encode: true,
      },
    ],
  ])('makes a trigger of type %s', async (type, data) => {
    await start();
    expect((await cloud.addTrigger('one', type, data)).status).toBe(201);
  });
});
