import { deploy } from '../../deploy/deploy';
import { DeployError } from '../../deploy/errors';
import {
  CloudToDeployTo,
  cleanState,
  codeFor,
  desiredOf,
  type Fate,
  KEY,
  type ServiceObject,
  secondVersion,
} from './cloud-to-deploy-to';

let cloud: CloudToDeployTo;
beforeEach(async () => {
  cloud = await CloudToDeployTo.start();
});
afterEach(() => cloud.stop());

describe('a first deployment', () => {
  test('creates the functions with their triggers, as serverless.yml says', async () => {
    const desired = await desiredOf('prod');
    const lines = await cloud.deploy(desired, await codeFor(desired));
    expect(lines.filter((line) => line.startsWith('+'))).toHaveLength(12);
    expect(cloud.namesOfFunctions()).toEqual([
      'mpc-snapshots-prod-cancel',
      'mpc-snapshots-prod-create',
      'mpc-snapshots-prod-on-finish',
      'mpc-snapshots-prod-on-upload',
      'mpc-snapshots-prod-query',
    ]);
    const onUpload = cloud.functiongraph.functions().find(({ name }) => name.endsWith('on-upload'));
    expect(onUpload?.configuration).toMatchObject({
      runtime: 'Node.js20.15',
      handler: 'index.handler',
      memory_size: 128,
      timeout: 60,
      xrole: 'mpc-snapshots',
      app_xrole: 'mpc-snapshots',
      strategy_config: { concurrency: 1, concurrent_num: 1 },
    });
    expect(JSON.parse(onUpload?.configuration.user_data ?? '')).toEqual({
      REGION: 'ap-southeast-3',
      UPLOAD_BUCKETS: 'prod-videos',
      SNAPSHOT_BUCKET: 'prod-snapshots',
      CAPTURE: '{"type":"TIME","time":10,"max_length":480}',
    });
    expect(onUpload?.asyncInvoke).toMatchObject({
      max_async_retry_attempts: 3,
      max_async_event_age_in_seconds: 3600,
      destination_config: {
        on_failure: {
          destination: 'OBS',
          param: '{"bucket":"prod-snapshots","prefix":".mpc-snapshots/failed-events"}',
        },
      },
    });
    expect(onUpload?.triggers.map(({ type, id }) => [type, id]).sort()).toEqual([
      ['OBS', 'mpc-snapshots-prod-on-upload-prod-videos'],
      ['TIMER', expect.stringMatching(/^[0-9a-f-]{36}$/)],
    ]);
    const apis = cloud.functiongraph
      .apiRoutes()
      .map(({ method, path, matchMode, auth, timeoutMs }) => [method, path, matchMode, auth, timeoutMs])
      // They are made side by side.
      .sort();
    expect(apis).toEqual([
      ['DELETE', '/snapshots', 'SWA', 'APP', 30_000],
      ['GET', '/snapshots', 'SWA', 'APP', 30_000],
      ['POST', '/snapshots', 'NORMAL', 'APP', 30_000],
    ]);
  });

  test('needs one call to read the state, and one for each resource that it makes', async () => {
    const desired = await desiredOf('prod');
    await cloud.deploy(desired, await codeFor(desired));
    // 5 functions with their numbers of instances, the asynchronous settings of on-upload, 7 triggers.
    expect(cloud.calls).toHaveLength(1 + 5 + 5 + 1 + 7);
  });

  test('reads back a dedicated gateway, an EventGrid event and a cron expression as it made them', async () => {
    // Who may call is another matter: test/deploy/access.test.ts
    const { access: _, ...desired } = await desiredOf('prod', (service) => {
      service.provider.apigw.instance_id = 'instance-1';
      service.functions['on-upload'].events[0] = {
        eventgrid: { bucket: 'prod-videos', channel_id: 'channel-1' },
      };
      service.functions.cancel.events[1].timer = {
        name: 'clean-up',
        cron: 'CRON_TZ=Europe/Berlin 0 30 3 * * *',
        input: { include_foreign_tasks: true },
      };
    });
    const code = await codeFor(desired);
    await cloud.deploy(desired, code);
    const types = cloud.functiongraph.functions().flatMap(({ triggers }) => triggers.map(({ type }) => type));
    expect(types.sort()).toEqual([
      ...Array(3).fill('DEDICATEDGATEWAY'),
      'EVENTGRID',
      'TIMER',
      'TIMER',
      'TIMER',
    ]);
    expect(await cloud.deploy(desired, code)).toEqual(['nothing to do']);
  });

  test('with --dry-run shows the plan and changes nothing', async () => {
    const desired = await desiredOf('prod');
    const lines = await cloud.deploy(desired, await codeFor(desired), { dryRun: true });
    expect(lines).toContain('+ mpc-snapshots-prod-on-upload OBS prod-videos/*');
    expect(cloud.calls).toEqual(['GET functions']);
    expect(cloud.namesOfFunctions()).toEqual([]);
  });
});

describe('a second deployment', () => {
  test('of the same configuration only reads', async () => {
    const desired = await desiredOf('prod');
    const code = await codeFor(desired);
    await cloud.deploy(desired, code);
    const before = cloud.state();
    cloud.calls.length = 0;
    expect(await cloud.deploy(desired, code)).toEqual(['nothing to do']);
    expect(cloud.calls.filter((call) => !call.startsWith('GET'))).toEqual([]);
    expect(cloud.calls).toHaveLength(1 + 5 * 3);
    expect(cloud.state()).toEqual(before);
  });

  test('with other code sends only the code, and only of the function that changed', async () => {
    const desired = await desiredOf('prod');
    const first = await codeFor(desired);
    await cloud.deploy(desired, first);
    cloud.calls.length = 0;
    const [changed] = await codeFor(desired, 'second');
    const lines = await cloud.deploy(desired, [changed!, ...first.slice(1)]);
    expect(lines).toEqual(['~ mpc-snapshots-prod-create: code']);
    expect(cloud.calls.filter((call) => !call.startsWith('GET'))).toEqual([
      'PUT functions/mpc-snapshots-prod-create/code',
    ]);
    expect((await cloud.functiongraph.invoke('mpc-snapshots-prod-create', {})).body).toBe('create second');
  });

  test('with other settings and triggers changes these and leaves nothing behind', async () => {
    const first = await desiredOf('prod');
    await cloud.deploy(first, await codeFor(first));
    const second = await desiredOf('prod', secondVersion);
    const lines = await cloud.deploy(second, await codeFor(second));
    expect(lines).toEqual([
      '~ mpc-snapshots-prod-create: memorySize 128 → 256, environment.LOG_LEVEL',
      '~ mpc-snapshots-prod-cancel: environment.LOG_LEVEL',
      '~ mpc-snapshots-prod-query: environment.LOG_LEVEL',
      '~ mpc-snapshots-prod-on-upload: concurrency 1 → 2, environment.LOG_LEVEL, asynchronous',
      '~ mpc-snapshots-prod-on-finish: environment.LOG_LEVEL',
      '- mpc-snapshots-prod-cancel TIMER clean-up 10m',
      '- mpc-snapshots-prod-query APIG GET /snapshots (APP)',
      '- mpc-snapshots-prod-on-upload OBS prod-videos/*',
      '+ mpc-snapshots-prod-cancel TIMER clean-up 20m',
      '+ mpc-snapshots-prod-cancel APIG GET /snapshots (APP)',
      '+ mpc-snapshots-prod-on-upload OBS prod-videos/in/*',
      '~ mpc-snapshots-prod-on-upload TIMER sweep: DISABLED',
    ]);
    expect(cloud.state()).toEqual(await cleanState(secondVersion));
    expect(await cloud.deploy(second, await codeFor(second))).toEqual(['nothing to do']);
  });

  test('takes away what is no longer wanted: triggers, asynchronous settings, user data', async () => {
    const first = await desiredOf('prod');
    await cloud.deploy(first, await codeFor(first));
    const less = (service: ServiceObject) => {
      service.functions['on-upload'].events.pop();
      delete service.functions['on-upload'].asynchronous;
      delete service.provider.environment.CAPTURE;
    };
    const second = await desiredOf('prod', less);
    await cloud.deploy(second, await codeFor(second));
    expect(cloud.state()).toEqual(await cleanState(less));
  });

  test('waits while a deleted trigger still holds its place', async () => {
    const first = await desiredOf('prod');
    await cloud.deploy(first, await codeFor(first));
    const second = await desiredOf('prod', secondVersion);
    cloud.takenTriggers = 3;
    await cloud.deploy(second, await codeFor(second));
    expect(cloud.takenTriggers).toBe(0);
    expect(cloud.state()).toEqual(await cleanState(secondVersion));
  });

  test('with secrets sends them every time, encrypted, and shows their names only', async () => {
    const withSecret = (service: ServiceObject) => {
      service.functions.create.secrets = { API_TOKEN: 'a-very-secret-value' };
    };
    const desired = await desiredOf('prod', withSecret);
    const code = await codeFor(desired);
    await cloud.deploy(desired, code);
    const create = cloud.functiongraph.functions().find(({ name }) => name.endsWith('-create'));
    expect(create?.configuration.encrypted_user_data).toBe('{"API_TOKEN":"a-very-secret-value"}');
    expect(create?.configuration.user_data).not.toContain('secret');
    const lines = await cloud.deploy(desired, code);
    expect(lines).toEqual([
      '~ mpc-snapshots-prod-create: secrets API_TOKEN sent every time, because they cannot be read back',
    ]);
    const without = await desiredOf('prod');
    await cloud.deploy(without, await codeFor(without), { force: true });
    expect(cloud.functiongraph.functions()[0]?.configuration.encrypted_user_data).toBe('{}');
  });

  test('leaves triggers of other types alone', async () => {
    const desired = await desiredOf('prod');
    const code = await codeFor(desired);
    await cloud.deploy(desired, code);
    const create = cloud.functiongraph.functions().find(({ name }) => name.endsWith('-create'));
    create?.triggers.push({
      type: 'LTS',
      id: 'by hand',
      status: 'ACTIVE',
      data: {},
      createdAtMs: 0,
    } as never);
    expect(await cloud.deploy(desired, code)).toEqual(['nothing to do']);
  });

  test('of one function sends its code, settings and triggers, and touches no other', async () => {
    const first = await desiredOf('prod');
    await cloud.deploy(first, await codeFor(first));
    const second = await desiredOf('prod', secondVersion);
    cloud.calls.length = 0;
    await cloud.deploy(second, await codeFor(second, 'second'), { only: ['on-upload'] });
    const changes = cloud.calls.filter((call) => !call.startsWith('GET'));
    expect(changes).toHaveLength(6);
    for (const call of changes) expect(call).toContain('mpc-snapshots-prod-on-upload');
  });

  test('with --force sends code and settings even if they are the same', async () => {
    const desired = await desiredOf('prod');
    const code = await codeFor(desired);
    await cloud.deploy(desired, code);
    const before = cloud.state();
    cloud.calls.length = 0;
    await cloud.deploy(desired, code, { force: true });
    expect(cloud.calls.filter((call) => call.startsWith('PUT'))).toHaveLength(10);
    expect(cloud.state()).toEqual(before);
  });

  test('with another runtime is refused, and with --force creates the function again', async () => {
    const desired = await desiredOf('prod');
    const code = await codeFor(desired);
    await cloud.deploy(desired, code);
    const before = cloud.state();
    const create = cloud.functiongraph.functions().find(({ name }) => name.endsWith('-create'));
    create!.configuration.runtime = 'Node.js18.15';
    await expect(cloud.deploy(desired, code)).rejects.toThrow(
      'mpc-snapshots-prod-create runs on Node.js18.15, Node.js20.15 is wanted: FunctionGraph cannot change that; --force',
    );
    await cloud.deploy(desired, code, { force: true });
    expect(cloud.state()).toEqual(before);
  });
});

describe('functions of others', () => {
  test('two stages exist side by side, each with its own functions, buckets and paths', async () => {
    const prod = await desiredOf('prod');
    const eu = await desiredOf('prod-eu');
    await cloud.deploy(prod, await codeFor(prod));
    await cloud.deploy(eu, await codeFor(eu));
    expect(cloud.namesOfFunctions()).toHaveLength(10);
    expect(cloud.functiongraph.apiRoutes()).toHaveLength(6);
    // `prod` is the beginning of `prod-eu`: its functions must not be taken for forgotten ones of `prod`.
    expect(await cloud.deploy(prod, await codeFor(prod), { prune: true })).toEqual(['nothing to do']);
    expect(cloud.namesOfFunctions()).toHaveLength(10);
  });

  test('a function that is no longer wanted is named, and deleted with --prune', async () => {
    const first = await desiredOf('prod');
    await cloud.deploy(first, await codeFor(first));
    const second = await desiredOf('prod', (service) => {
      // Its path can only be taken when the function is gone.
      service.functions.create.events.push(...service.functions.cancel.events);
      delete service.functions.cancel;
    });
    const code = await codeFor(second);
    await expect(cloud.deploy(second, code)).rejects.toThrow('FSS.1147');
    expect(await cloud.deploy(second, code, { dryRun: true })).toContain(
      '! mpc-snapshots-prod-cancel is no longer in serverless.yml but still runs: --prune deletes it',
    );
    await cloud.deploy(second, code, { prune: true });
    expect(cloud.namesOfFunctions()).not.toContain('mpc-snapshots-prod-cancel');
    expect(await cloud.deploy(second, code)).toEqual(['nothing to do']);
  });

  test('a function that somebody else made under a wanted name is changed only with --force', async () => {
    const desired = await desiredOf('prod');
    const [create] = desired.functions;
    await cloud
      .api()
      .createFunction({ ...create!, description: 'made by hand' }, (await codeFor(desired))[0]!.zip);
    cloud.calls.length = 0;
    await expect(cloud.deploy(desired, await codeFor(desired))).rejects.toThrow(
      'mpc-snapshots-prod-create exists, but was not deployed by stage prod of mpc-snapshots',
    );
    expect(cloud.calls.filter((call) => !call.startsWith('GET'))).toEqual([]);
    await cloud.deploy(desired, await codeFor(desired), { force: true });
    expect(cloud.state()).toEqual(await cleanState());
  });
});

describe('a failure', () => {
  // At every call, and in more ways: deploy-failures.test.ts.
  test('in the middle of a change is repaired by another run', async () => {
    const first = await desiredOf('prod');
    const second = await desiredOf('prod', secondVersion);
    const [before, after] = [await codeFor(first), await codeFor(second, 'second')];
    const clean = await cleanState(secondVersion, 'second');
    for (const position of [8, 18, 28]) {
      const one = await CloudToDeployTo.start();
      try {
        await one.deploy(first, before);
        one.fates.push(...Array<Fate>(position).fill('pass'), 403);
        await expect(one.deploy(second, after)).rejects.toThrow(DeployError);
        await one.deploy(second, after);
        expect(one.state()).toEqual(clean);
      } finally {
        await one.stop();
      }
    }
  });

  test('of one call is reported in one line that says what to do, and the other calls still finish', async () => {
    const desired = await desiredOf('prod');
    cloud.fates.push('pass', 403);
    const error = await cloud.deploy(desired, await codeFor(desired)).catch((reason: unknown) => reason);
    expect((error as DeployError).lines).toEqual([
      expect.stringMatching(
        /^mpc-snapshots-prod-\S+: POST \/v2\/\w+\/fgs\/functions: 403 FSS.0403 refused by the test with 403; check HUAWEICLOUD_SDK_PROJECT_ID/,
      ),
    ]);
    expect(cloud.namesOfFunctions()).toHaveLength(4);
    // No function without its triggers would answer events while another one is missing.
    expect(cloud.functiongraph.apiRoutes()).toEqual([]);
  });

  test('functions made a moment ago are found although they are not listed yet', async () => {
    const desired = await desiredOf('prod');
    const code = await codeFor(desired);
    await cloud.deploy(desired, code);
    cloud.emptyLists = 2;
    await cloud.deploy(desired, code);
    expect(cloud.state()).toEqual(await cleanState());
  });

  test('deploying waits for a function that was made a moment ago and is not found yet', async () => {
    const desired = await desiredOf('prod');
    cloud.isLate = true;
    await cloud.deploy(desired, await codeFor(desired));
    expect(cloud.state()).toEqual(await cleanState());
  });

  test('a list whose pages are shorter than requested is read to its end', async () => {
    const desired = await desiredOf('prod');
    const code = await codeFor(desired);
    await cloud.deploy(desired, code);
    cloud.pageSize = 2;
    cloud.calls.length = 0;
    expect(await cloud.deploy(desired, code)).toEqual(['nothing to do']);
    expect(cloud.calls.filter((call) => call === 'GET functions')).toHaveLength(3);
  });

  test('deploying waits until throttled calls pass', async () => {
    const desired = await desiredOf('prod');
    cloud.throttledTimes = 3;
    await cloud.deploy(desired, await codeFor(desired));
    expect(cloud.calls).toHaveLength(4 * 19);
    expect(cloud.state()).toEqual(await cleanState());
  });

  test('throttling that does not end is an error with the advice to wait', async () => {
    const desired = await desiredOf('prod');
    cloud.fates.push(...Array<Fate>(100).fill(429));
    await expect(cloud.deploy(desired, await codeFor(desired))).rejects.toThrow(
      /429 FSS.0429 .*; too many calls: wait a minute and run the command again/,
    );
    expect(cloud.calls).toHaveLength(5);
  });

  test('a wrong secret key is one line that names the variables and shows nothing of the key or the request', async () => {
    const desired = await desiredOf('prod');
    const credentials = { accessKey: KEY.accessKey, secretKey: 'wrong-secret', securityToken: 'a-token' };
    const error = await deploy(
      desired,
      await codeFor(desired),
      cloud.api({ ...cloud.connection, credentials }),
    ).catch((reason: unknown) => reason as DeployError);
    const { lines } = error as DeployError;
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain('401 APIG.0301 Incorrect IAM authentication information');
    expect(lines[0]).toContain('check HUAWEICLOUD_SDK_AK and HUAWEICLOUD_SDK_SK');
    expect(lines[0]).not.toMatch(/wrong-secret|a-token|Signature=|canonical|x-sdk-date/i);
    expect(cloud.calls).toEqual(['GET functions']);
  });
});
