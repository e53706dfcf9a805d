import { createHash } from 'node:crypto';
import { CloudApi, connectionFrom } from '../../deploy/cloud-api';
import { type DesiredState, desiredState, logWarning } from '../../deploy/desired-state';
import { withSubDomains } from '../../deploy/gateway-domains';
import { remove } from '../../deploy/remove';
import { type ApiGroup, GatewayBook, localInstance } from '../../local/apig/management/gateway-book';
import { createApiGroupServer } from '../../local/apig/management/server';
import { matchRoute } from '../../local/apig/routes';
import type { FunctionGraphBehaviour } from '../../local/functiongraph/functiongraph';
import { closeServer, listen } from '../../local/http-server';
import { Credentials } from '../../local/iam/credentials';
import {
  CloudToDeployTo,
  codeFor,
  desiredOf,
  KEY,
  REGION,
  type ServiceObject,
  serviceOf,
} from './cloud-to-deploy-to';
import { lackingFields } from './mandatory-fields';

jest.setTimeout(60_000);

const clouds: CloudToDeployTo[] = [];
afterEach(() => Promise.all(clouds.splice(0).map((cloud) => cloud.stop())));

async function start(behaviour: Partial<FunctionGraphBehaviour> = {}): Promise<CloudToDeployTo> {
  const cloud = await CloudToDeployTo.start(behaviour);
  clouds.push(cloud);
  return cloud;
}

const withEventGrid = (service: ServiceObject) => {
  service.functions['on-upload'].events[0] = {
    eventgrid: { bucket: 'prod-videos', channel_id: 'channel-1' },
  };
};

/** The APIs as they were once: with the task id as a parameter of the path. */
function withPathParameters(desired: DesiredState): DesiredState {
  const api = (method: string, path: string) => {
    const { functions } = desired;
    const { type, eventData } = functions
      .flatMap(({ triggers }) => triggers)
      .find(({ type: one }) => one === 'APIG')!;
    const name = `old_${method}_${path.replaceAll(/\W/g, '')}`;
    return { type, eventData: { ...eventData, name, path, req_method: method, match_mode: 'NORMAL' } };
  };
  const apis: Record<string, ReturnType<typeof api>[]> = {
    cancel: [api('DELETE', '/snapshots/{task_id}')],
    query: [api('GET', '/snapshots'), api('GET', '/snapshots/{task_id}')],
  };
  return {
    ...desired,
    functions: desired.functions.map((one) => ({
      ...one,
      triggers: [
        ...(apis[one.key] ?? []),
        ...one.triggers.filter(({ type }) => type !== 'APIG' || apis[one.key] === undefined),
      ],
    })),
  };
}

describe('an installation with the task id as a parameter of the path', () => {
  const REQUESTS = [
    ['POST', '/snapshots'],
    ['GET', '/snapshots'],
    ['GET', '/snapshots/1'],
    ['DELETE', '/snapshots/1'],
  ] as const;

  /** Deploys over the old triggers. @returns the requests that nobody would have served at some time */
  async function move(behaviour: Partial<FunctionGraphBehaviour>) {
    const cloud = await start({ apiPathParameters: 'taken', ...behaviour });
    const desired = await desiredOf('prod');
    const code = await codeFor(desired);
    await cloud.deploy(withPathParameters(desired), code);
    expect(cloud.functiongraph.apiRoutes()).toHaveLength(4);
    const missed = new Set<string>();
    cloud.onCall = () => {
      for (const [method, path] of REQUESTS) {
        if (matchRoute(cloud.functiongraph.apiRoutes(), method, path) === undefined)
          missed.add(`${method} ${path}`);
      }
    };
    cloud.calls.length = 0;
    await cloud.deploy(desired, code);
    cloud.onCall = () => {};
    const clean = await start();
    await clean.deploy(desired, code);
    expect(cloud.state()).toEqual(clean.state());
    expect(await cloud.deploy(desired, code)).toEqual(['nothing to do']);
    return { missed: [...missed], calls: cloud.calls };
  }

  test('is moved without a gap where one path may have both match modes: new triggers are made before old ones go', async () => {
    const { missed, calls } = await move({ apiMatchModes: 'both' });
    expect(missed).toEqual([]);
    const made = calls.findLastIndex((call) => call.startsWith('POST triggers'));
    expect(calls.findIndex((call) => call.startsWith('DELETE triggers'))).toBeGreaterThan(made);
  });

  test('is moved without a gap for single tasks where a path may not, and what is in the way is replaced at once', async () => {
    const { missed, calls } = await move({ apiMatchModes: 'one' });
    expect(missed).toEqual(['GET /snapshots']);
    const gone = calls.findIndex((call) => call.startsWith('DELETE triggers/mpc-snapshots-prod-query'));
    // Deleted, looked for, made.
    expect(calls.slice(gone + 1, gone + 3)).toEqual([
      'GET triggers/mpc-snapshots-prod-query',
      'POST triggers/mpc-snapshots-prod-query',
    ]);
  });
});

describe('a trigger that is deleted in the background', () => {
  const withPrefix = (service: ServiceObject) => {
    service.functions['on-upload'].events[0].obs.prefix = 'in/';
  };

  test('is waited for, and the output says so', async () => {
    const cloud = await start({ triggerDeletionMs: 45_000 });
    const before = await desiredOf('prod');
    await cloud.deploy(before, await codeFor(before));
    const after = await desiredOf('prod', withPrefix);
    await cloud.deploy(after, await codeFor(after));
    expect(cloud.waits.at(-1)).toBe(
      'waiting for OBS trigger mpc-snapshots-prod-on-upload-prod-videos of mpc-snapshots-prod-on-upload to go (35 s)',
    );
    const clean = await start();
    await clean.deploy(after, await codeFor(after));
    expect(cloud.state()).toEqual(clean.state());
  });

  test('for more than three minutes is an error, and the next run does the rest', async () => {
    const cloud = await start({ triggerDeletionMs: 300_000 });
    const before = await desiredOf('prod');
    await cloud.deploy(before, await codeFor(before));
    const after = await desiredOf('prod', withPrefix);
    const code = await codeFor(after);
    await expect(cloud.deploy(after, code)).rejects.toThrow(
      /is still there after 3 minutes; .*run the command again in a few minutes/,
    );
    expect(cloud.pausedMs).toBeLessThan(200_000);
    await cloud.deploy(after, code);
    expect(await cloud.deploy(after, code)).toEqual(['nothing to do']);
  });
});

describe('an EventGrid trigger', () => {
  test.each([true, false])(
    'is found again when its bucket is read back (%s)',
    async (eventGridShowsBucket) => {
      const cloud = await start({ eventGridShowsBucket });
      const desired = await desiredOf('prod', withEventGrid);
      const code = await codeFor(desired);
      await cloud.deploy(desired, code);
      expect(await cloud.deploy(desired, code)).toEqual(['nothing to do']);
    },
  );

  test('is deleted with its subscription, which is deleted at EventGrid itself', async () => {
    const cloud = await start();
    const before = await desiredOf('prod', withEventGrid);
    await cloud.deploy(before, await codeFor(before));
    const [id] = [...cloud.functiongraph.subscriptions().keys()];
    const after = await desiredOf('prod');
    await cloud.deploy(after, await codeFor(after));
    expect(cloud.calls).toContain(`DELETE subscriptions/${id}`);
    expect(cloud.functiongraph.subscriptions().size).toBe(0);
    expect(await cloud.deploy(after, await codeFor(after))).toEqual(['nothing to do']);
  });

  test('leaves no subscription behind when the stage is removed, also after an interruption', async () => {
    const cloud = await start();
    const desired = await desiredOf('prod', withEventGrid);
    await cloud.deploy(desired, await codeFor(desired));
    const session = { desired, api: cloud.api(), options: {}, print: () => {} };
    cloud.fates.push(...Array(8).fill('pass'), 403);
    await expect(remove(session)).rejects.toThrow('FSS.0403');
    await remove(session);
    expect(cloud.functiongraph.subscriptions().size).toBe(0);
    expect(cloud.namesOfFunctions()).toEqual([]);
  });
});

describe.each(['observed', 'documented'] as const)(
  'a missing resource, in answers as %s,',
  (goneFunction) => {
    test('has no triggers and is deleted already', async () => {
      const api = (await start({ goneFunction })).api();
      expect(await api.showFunction('nobody')).toBeUndefined();
      expect(await api.listTriggers('nobody')).toEqual([]);
      await api.deleteTrigger('nobody', { trigger_id: 'x', trigger_type_code: 'OBS', event_data: {} });
      await api.deleteFunction('nobody');
    });

    test('of an existing function is a failure', async () => {
      const cloud = await start({ goneFunction });
      const desired = await desiredOf('prod');
      await cloud.deploy(desired, await codeFor(desired));
      cloud.fates.push(...Array(5).fill(500));
      await expect(cloud.api().listTriggers('mpc-snapshots-prod-create')).rejects.toThrow('FSS.0500');
    });
  },
);

describe('the name of an OBS trigger', () => {
  const named = async (stage: string, bucket: string) => {
    const { functions } = await desiredOf(stage, (service) => {
      service.functions['on-upload'].events[0].obs = { bucket, prefix: `${stage}/` };
    });
    return String(functions[3]?.triggers[0]?.eventData.name);
  };

  test('contains the stage, so that two stages may listen to one bucket', async () => {
    const cloud = await start();
    for (const stage of ['blue', 'green']) {
      const desired = await desiredOf(stage, (service) => {
        service.functions['on-upload'].events[0].obs = { bucket: 'films', prefix: `${stage}/` };
      });
      await cloud.deploy(desired, await codeFor(desired));
    }
    expect(await named('blue', 'films')).toBe('mpc-snapshots-blue-on-upload-films');
  });

  test('stays distinct where it is too long', async () => {
    const long = 'b'.repeat(60);
    const names = [await named('blue', `${long}1`), await named('blue', `${long}2`)];
    expect(new Set(names).size).toBe(2);
    for (const name of names) expect(name).toMatch(/^[\w-]{64}$/);
    const hash = createHash('sha256').update(`mpc-snapshots-blue-on-upload-${long}1`).digest('hex');
    expect(names[0]).toMatch(new RegExp(`-${hash.slice(0, 8)}$`));
  });

  test('of an older deployment stays, and the trigger is not made again', async () => {
    const cloud = await start();
    const desired = await desiredOf('prod', (service) => {
      service.functions['on-upload'].events[0].obs.name = 'on-upload-prod-videos';
    });
    await cloud.deploy(desired, await codeFor(desired));
    const now = await desiredOf('prod');
    expect(await cloud.deploy(now, await codeFor(now))).toEqual(['nothing to do']);
  });
});

describe('the sub-domain of the API group', () => {
  const credentials = new Credentials(KEY);
  const asked = async (groups: readonly ApiGroup[], change?: (s: ServiceObject) => void) => {
    const gateways = new GatewayBook([localInstance('gateway-1')], groups);
    const server = createApiGroupServer({ credentials, gateways });
    const connection = connectionFrom(
      {
        HUAWEICLOUD_SDK_AK: KEY.accessKey,
        HUAWEICLOUD_SDK_SK: KEY.secretKey,
        HUAWEICLOUD_SDK_PROJECT_ID: KEY.projectId,
        APIG_ENDPOINT: `http://127.0.0.1:${await listen(server, 0)}`,
      },
      REGION,
    );
    const { functions } = await withSubDomains(await desiredOf('prod', change), new CloudApi(connection));
    await closeServer(server);
    const apis = functions.flatMap(({ triggers }) =>
      triggers.filter(({ eventData }) => 'group_id' in eventData),
    );
    return [...new Set(apis.map(({ eventData }) => eventData.sl_domain))];
  };

  test('is read from the shared and from a dedicated gateway', async () => {
    expect(await asked([{ id: 'group-of-prod', name: 'prod' }])).toEqual(['group-of-prod.localhost']);
    const dedicated = [{ id: 'group-of-prod', name: 'prod', instanceId: 'gateway-1' }];
    const change = (service: ServiceObject) => {
      service.provider.apigw.instance_id = 'gateway-1';
    };
    expect(await asked(dedicated, change)).toEqual(['group-of-prod.localhost']);
  });

  test('is left out if the group cannot be read, and used unchanged if it is given', async () => {
    expect(await asked([])).toEqual([undefined]);
    expect(
      await asked([], (service) => {
        service.provider.apigw.sl_domain = 'snapshots.example.com';
      }),
    ).toEqual(['snapshots.example.com']);
  });
});

describe('logs', () => {
  const withLogs = (service: ServiceObject) => {
    service.provider.logs = { groupId: 'g', groupName: 'group', streamId: 's', streamName: 'stream' };
  };

  test('go where serverless.yml says, from the variables that `setup` writes', async () => {
    const service = await serviceOf('prod', {
      LTS_GROUP_ID: 'g',
      LTS_GROUP_NAME: 'group',
      LTS_STREAM_ID: 's',
      LTS_STREAM_NAME: 'stream',
    });
    const desired = desiredState(service);
    const cloud = await start();
    await cloud.deploy(desired, await codeFor(desired));
    for (const { configuration } of cloud.functiongraph.functions()) {
      expect(configuration).toMatchObject({
        enable_lts_log: true,
        log_config: { group_id: 'g', group_name: 'group', stream_id: 's', stream_name: 'stream' },
      });
    }
    expect(await cloud.deploy(desired, await codeFor(desired))).toEqual(['nothing to do']);
  });

  test('are switched on where a stage was deployed without them', async () => {
    const cloud = await start();
    const before = await desiredOf('prod');
    await cloud.deploy(before, await codeFor(before));
    const after = await desiredOf('prod', withLogs);
    expect(await cloud.deploy(after, await codeFor(after))).toContain(
      '~ mpc-snapshots-prod-create: log group nothing → g, log stream nothing → s',
    );
    expect(await cloud.deploy(after, await codeFor(after))).toEqual(['nothing to do']);
  });

  test('that go nowhere cause a warning, except in the local cloud', async () => {
    expect(logWarning(await desiredOf('prod'))).toMatch(
      /^the functions will have no logs: `npm run setup -- --stage prod` .*LTS_GROUP_ID/,
    );
    expect(logWarning(await desiredOf('local'))).toBeUndefined();
    expect(logWarning(await desiredOf('prod', withLogs))).toBeUndefined();
  });
});

describe('what the vendor’s SDK calls mandatory', () => {
  const lacking = (method: string, path: string, body: unknown) =>
    lackingFields(method, `/v2/p/fgs/${path}`, Buffer.from(JSON.stringify(body)));

  test('is known of every call of a deployment', () => {
    const of = {
      create: lacking('POST', 'functions', {}),
      config: lacking('PUT', 'functions/u/config', { strategy_config: { concurrency: 1 } }),
      code: lacking('PUT', 'functions/u/code', {}),
      trigger: lacking('POST', 'triggers/u', { event_data: { func_info: {} } }),
    };
    expect(of).toEqual({
      create: ['func_name', 'package', 'runtime', 'timeout', 'handler', 'memory_size'],
      config: ['func_name', 'runtime', 'timeout', 'handler', 'memory_size', 'strategy_config.concurrent_num'],
      code: ['code_type', 'func_code'],
      trigger: ['trigger_type_code', 'event_data.func_info.timeout'],
    });
  });
});
