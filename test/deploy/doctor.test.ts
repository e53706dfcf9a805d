import diagnostics from 'node:diagnostics_channel';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import path from 'node:path';
import { CloudApi, connectionFrom } from '../../deploy/cloud-api';
import type { DesiredState } from '../../deploy/desired-state';
import { checkBuckets } from '../../deploy/doctor/buckets';
import { diagnose, doctor, findingsText } from '../../deploy/doctor/doctor';
import { checkEventGrid } from '../../deploy/doctor/event-grid';
import type { Finding } from '../../deploy/doctor/finding';
import { checkLogs } from '../../deploy/doctor/logs';
import { checkNeighbours } from '../../deploy/doctor/neighbours';
import { checkPublicUrl } from '../../deploy/doctor/public-url';
import { checkRegion } from '../../deploy/doctor/region';
import { refuseSettings } from '../../deploy/doctor/settings';
import { checkStorage } from '../../deploy/doctor/storage';
import { checkVersioning } from '../../deploy/doctor/versioning';
import { DeployError } from '../../deploy/errors';
import { FunctionGraphApi } from '../../deploy/functiongraph-api';
import { type Cloud, startCloud } from '../../local/cloud';
import { deployTo } from '../../local/commands/deployed-cloud';
import { createEventGridServer } from '../../local/eg/server';
import { createFunctionGraph, type FunctionGraphBehaviour } from '../../local/functiongraph/functiongraph';
import { closeServer, listen } from '../../local/http-server';
import { Credentials } from '../../local/iam/credentials';
import { LogBook } from '../../local/lts/log-book';
import { createLts } from '../../local/lts/server';
import { createMpc } from '../../local/mpc/server';
import type { LifecycleRule } from '../../local/obs/object-store';
import { createObsServer } from '../../local/obs/server';
import { publishingPolicy } from '../../local/smn/access-policy';
import { desiredOf, type ServiceObject } from './cloud-to-deploy-to';

/** As many creates for callers as MPC_REQUESTS_PER_MINUTE leaves. */
const LIKE_DEPLOYED = { API_CREATES_PER_MINUTE: '20' };

let cloud: Cloud;
let credentials: Credentials;
const servers: Server[] = [];
beforeAll(async () => {
  cloud = await startCloud({ port: 0 });
  credentials = new Credentials(cloud.accessKey);
  await deployTo(cloud, LIKE_DEPLOYED);
});
afterEach(() => Promise.all(servers.splice(0).map(closeServer)));
afterAll(() => cloud.close());

/** Stage `local`, as it is deployed. */
function desired(change: (service: ServiceObject) => void = () => {}): Promise<DesiredState> {
  return desiredOf('local', (service) => {
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
    const writes = [...uploads.writes, ...service.functions['on-finish'].writes];
    for (const place of writes) place.bucket = SNAPSHOT_BUCKET;
    service.functions.create.events[0].apigw.throttle = { api: 20, caller: 10 };
    service.functions['on-finish'].events[0].smn.topic_urn = cloud.environment.SMN_TOPIC_URN;
    change(service);
  });
}

/** What is found with a part of the environment changed. */
async function found(
  environment: Readonly<Record<string, string>> = {},
  state: DesiredState | undefined = undefined,
): Promise<Finding[]> {
  return diagnose(state ?? (await desired()), new FunctionGraphApi(clientOf(environment)));
}

/** The account, with a part of the environment changed. */
function clientOf(environment: Readonly<Record<string, string>>): CloudApi {
  const connection = connectionFrom({ ...cloud.environment, ...environment }, cloud.region);
  return new CloudApi(connection, { pause: async () => {} });
}

async function addressOf(server: Server): Promise<string> {
  servers.push(server);
  return `http://127.0.0.1:${await listen(server, 0)}`;
}

/** Everything but what is well. */
const notOk = (findings: readonly Finding[]) => findings.filter(({ state }) => state !== 'ok');

test('the doctor finds nothing wrong with a complete stage, and only reads', async () => {
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

test('with an unknown key the doctor asks nothing else', async () => {
  const findings = await found({ HUAWEICLOUD_SDK_AK: 'AKOFSOMEBODY' });
  expect(notOk(findings)).toEqual([
    expect.objectContaining({
      point: 'access key',
      state: 'missing',
      text: expect.stringContaining('HUAWEICLOUD_SDK_AK is unknown'),
    }),
  ]);
});

describe('the doctor says of a bucket', () => {
  test('how to make one that is missing', async () => {
    const state = await desired((service) => {
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

  test('that it is in another region, and in which', async () => {
    const obs = createObsServer({ store: cloud.store, credentials, region: 'ap-southeast-1' });
    const findings = await found({ OBS_ENDPOINT: await addressOf(obs) });
    expect(notOk(findings)).toEqual(
      ['videos', 'snapshots'].map((bucket) =>
        expect.objectContaining({
          point: `bucket ${bucket}`,
          state: 'missing',
          text: expect.stringContaining('is in ap-southeast-1, the functions are in ap-southeast-3'),
        }),
      ),
    );
  });

  test('how to let MPC use it', async () => {
    const mpc = await createMpc({
      store: cloud.store,
      capture: cloud.capture,
      credentials,
      region: cloud.region,
      authorizedBuckets: ['videos'],
    });
    const findings = await found({ MPC_ENDPOINT: await addressOf(mpc.server) });
    // This MPC tells nobody.
    expect(notOk(findings).filter(({ point }) => point !== 'notification of MPC')).toEqual([
      {
        point: 'MPC on snapshots',
        state: 'missing',
        text: 'MPC may not use this bucket',
        todo: 'hcloud MPC UpdateBucketAuthorized --cli-region=ap-southeast-3 --bucket=snapshots --operation=1',
      },
    ]);
    await mpc.close();
  });

  test('that it cannot be seen without the right to see it', async () => {
    const strangers = new Credentials({ ...cloud.accessKey, secretKey: 'another' });
    const obs = createObsServer({ store: cloud.store, credentials: strangers, region: cloud.region });
    const findings = await found({
      OBS_ENDPOINT: await addressOf(obs),
      MPC_ENDPOINT: cloud.addresses.gateway,
    });
    expect(notOk(findings).map(({ point, state }) => `${state} ${point}`)).toEqual([
      'unseen bucket videos',
      'unseen MPC on videos',
      'unseen bucket snapshots',
      'unseen MPC on snapshots',
      'unseen versions in videos',
      'unseen versions in snapshots',
      'unseen storage in videos',
      'unseen storage in snapshots',
      'unseen notification of MPC',
    ]);
    expect(notOk(findings)[1]?.todo).toContain('MPC.10209');
  });
});

describe('the doctor says of versions', () => {
  /** The stage with two buckets of its own. */
  const stage = async (): Promise<DesiredState> => {
    const state = await desired();
    const functions = state.functions.map((one) => ({
      ...one,
      userData: { ...one.userData, SNAPSHOT_BUCKET: 'records' },
    }));
    return { ...state, functions, buckets: ['uploads', 'records'] };
  };
  const versions = async () =>
    (await checkVersioning(await stage(), clientOf({}))).map(({ point, state, text, todo = '' }) => [
      `${state} ${point}`,
      `${text} ${todo}`,
    ]);
  const rule = (more: object) => ({
    Prefix: '',
    Status: 'Enabled',
    NoncurrentVersionExpiration: { NoncurrentDays: '3' },
    ...more,
  });
  const setRules = (bucket: string, rules: object[]) =>
    cloud.store.setLifecycle(bucket, rules as unknown as LifecycleRule[]);

  test('that none are kept, or what they cost, which rule deletes them, and that a delete marker starts nothing', async () => {
    await cloud.store.createBucket('uploads');
    await cloud.store.createBucket('records');
    expect(await versions()).toEqual([
      ['ok versions in uploads', expect.stringContaining('none are kept')],
      ['ok versions in records', expect.stringContaining('none are kept')],
    ]);
    await cloud.store.setVersioning('uploads', 'Enabled');
    await cloud.store.setVersioning('records', 'Suspended');
    // Neither of these clears the whole bucket.
    await setRules('records', [rule({ Prefix: 'pictures/' }), rule({ Status: 'Disabled' })]);
    expect(await versions()).toEqual([
      [
        'note versions in uploads',
        expect.stringMatching(
          /^are kept: every .* video still costs storage; .* a delete marker starts nothing .*NoncurrentDays/,
        ),
      ],
      [
        'note versions in records',
        expect.stringMatching(
          /^are no longer kept, but .* stay: every picture and record .*NoncurrentVersionExpiration .* 1 d/,
        ),
      ],
    ]);
    await setRules('uploads', [rule({})]);
    expect((await versions())[0]).toEqual([
      'ok versions in uploads',
      expect.stringContaining('a rule deletes old ones after 3 d'),
    ]);
  });

  test('that the key may not ask, and says nothing of a missing bucket', async () => {
    const strangers = new Credentials({ ...cloud.accessKey, secretKey: 'another' });
    const obs = createObsServer({ store: cloud.store, credentials: strangers, region: cloud.region });
    const client = clientOf({ OBS_ENDPOINT: await addressOf(obs) });
    expect((await checkVersioning(await desired(), client)).map(({ state }) => state)).toEqual([
      'unseen',
      'unseen',
    ]);
    const state = { ...(await desired()), buckets: ['nowhere'] };
    expect(await checkVersioning(state, clientOf({}))).toEqual([]);
  });
});

describe('the doctor says of the storage', () => {
  const state = async () => {
    const { functions, ...more } = await desired();
    const userData = { SNAPSHOT_BUCKET: 'cold-records', UPLOAD_BUCKETS: 'cold-uploads' };
    return {
      ...more,
      functions: functions.map((one) => ({ ...one, userData: { ...one.userData, ...userData } })),
      buckets: ['cold-uploads', 'cold-records'],
    };
  };
  const storage = async () =>
    (await checkStorage(await state(), clientOf({}))).map(
      ({ point, state, text }) => `${state} ${point}: ${text}`,
    );
  const setRules = (bucket: string, rules: object[]) =>
    cloud.store.setLifecycle(
      bucket,
      rules.map((rule) => ({ Prefix: '', Status: 'Enabled', ...rule })) as unknown as LifecycleRule[],
    );

  test('what its rules archive or delete of what the functions need, and nothing of the rules of setup', async () => {
    await cloud.store.createBucket('cold-uploads');
    await cloud.store.createBucket('cold-records');
    const inCold = { Transition: { Days: '30', StorageClass: 'COLD' } };
    const well = ['cold-uploads', 'cold-records'].map(
      (bucket) => `ok storage in ${bucket}: nothing that the functions need is archived or deleted`,
    );
    await setRules('cold-records', [
      { ID: 'ours', Prefix: '.mpc-snapshots/pace', Expiration: { Days: '1' } },
      { ID: 'off', ...inCold, Status: 'Disabled' },
      { ID: 'warm', Transition: { Days: '30', StorageClass: 'WARM' } },
      { ID: 'old', NoncurrentVersionTransition: { NoncurrentDays: '1', StorageClass: 'COLD' } },
      { ID: 'elsewhere', Prefix: 'logs/', ...inCold, Expiration: { Days: '90' } },
    ]);
    await setRules('cold-uploads', [{ ID: 'gone', Expiration: { Days: '365' } }]);
    expect(await storage()).toEqual(well);
    await setRules('cold-uploads', [{ ID: 'all', ...inCold }]);
    await setRules('cold-records', [
      { ID: 'all', ...inCold },
      { ID: 'claims', Prefix: '.mpc-snapshots/claims/', Expiration: { Date: '2027-01-01T00:00:00Z' } },
      { ID: 'pictures', Prefix: 'snapshots/2026/', Expiration: { Days: '7' } },
    ]);
    expect(await storage()).toEqual([
      expect.stringMatching(/^note storage in cold-uploads: rule all archives videos after 30 d: capturing/),
      expect.stringMatching(
        /^note storage in cold-records: rule all archives records after 30 d: the functions/,
      ),
      expect.stringMatching(
        /^note .*: rule all archives pictures and files after 30 d: nobody can open them/,
      ),
      expect.stringMatching(
        /^note .*: rule claims deletes records on 2027-01-01: a video .* is captured again/,
      ),
      expect.stringMatching(/^note .*: rule pictures deletes pictures and files after 7 d: the API still/),
    ]);
    await setRules('cold-records', []);
    await cloud.store.setStorageClass('cold-records', 'COLD');
    expect((await storage())[1]).toMatch(
      /^missing storage in cold-records: new objects are archived at once \(class COLD\): neither MPC/,
    );
  });
});

test('the doctor says that another stage keeps its records in the same bucket, and what all stages may send to MPC', async () => {
  const api = new FunctionGraphApi(clientOf({}));
  const neighbour = await desiredOf('beside', (service) => {
    service.provider.environment.SNAPSHOT_BUCKET = cloud.environment.SNAPSHOT_BUCKET;
  });
  // The stage itself, and one in another bucket, are no matter.
  expect(await checkNeighbours(await desired(), api)).toEqual([]);
  const slow = (service: ServiceObject) => {
    service.provider.environment.MPC_REQUESTS_PER_MINUTE = 20;
  };
  expect(await checkNeighbours(await desiredOf('beside', slow), api)).toEqual([]);
  const creates = expect.objectContaining({
    point: 'creates of all stages',
    text: expect.stringMatching(/this stage 80, \S+\/local 80: more than the 100 that MPC accepts/),
  });
  expect(await checkNeighbours(await desiredOf('beside'), api)).toEqual([creates]);
  expect(await checkNeighbours(neighbour, api)).toEqual([
    {
      point: 'records in snapshots',
      state: 'note',
      text: expect.stringMatching(/^\S+\/local keeps its records there too: stages in one bucket share/),
      todo: 'give each stage its own snapshot bucket',
    },
    creates,
  ]);
});

test('the doctor says that OBS gives no answer', async () => {
  const findings = await checkBuckets(await desired(), clientOf({ OBS_ENDPOINT: 'http://127.0.0.1:1' }));
  expect(notOk(findings).map(({ point, text }) => [point, text])).toEqual(
    ['videos', 'snapshots'].map((bucket) => [
      `bucket ${bucket}`,
      expect.stringMatching(/^no information from OBS: no answer .* from http:\/\/127.0.0.1:1$/),
    ]),
  );
});

describe('the doctor says of the functions', () => {
  test('that there is room for those that are not deployed, and how to deploy', async () => {
    const state = { ...(await desired()), stage: 'prod' };
    const functions = state.functions.map((one) => ({ ...one, name: `prod-${one.name}` }));
    expect((await found({}, { ...state, functions })).slice(-2)).toEqual([
      { point: 'quota of functions', state: 'ok', text: '5 of 400 used, 5 more are needed' },
      { point: 'functions', state: 'note', text: 'not deployed yet', todo: 'npm run deploy -- --stage prod' },
    ]);
  });

  test('how they differ, and that somebody else’s function has the same name', async () => {
    const changed = await desired((service) => {
      service.functions.query.timeout = 20;
      service.functions.cancel.events.pop();
    });
    expect((await found({}, changed)).at(-1)).toMatchObject({
      state: 'note',
      text: expect.stringMatching(/different from serverless.yml: ~ query: .*20.*; - cancel TIMER clean-up/),
    });
    const state = { ...(await desired()), stage: 'prod' };
    expect((await found({}, state)).at(-1)).toMatchObject({
      state: 'missing',
      text: expect.stringContaining('was not deployed by stage prod'),
    });
  });

  test('that videos of one key in two upload buckets would share a directory', async () => {
    const twoBuckets = (directory?: string) =>
      desired((service) => {
        service.provider.environment.UPLOAD_BUCKETS = 'videos,films';
        if (directory !== undefined) service.provider.environment.OUTPUT_DIRECTORY = directory;
      });
    const noteOf = async (state: Awaited<ReturnType<typeof desired>>) =>
      (await found({}, state)).find(({ point }) => point === 'output directories');
    expect(await noteOf(await twoBuckets())).toMatchObject({
      state: 'note',
      text: expect.stringContaining('videos and films share snapshots/{key}'),
      todo: expect.stringContaining('{bucket}'),
    });
    expect(await noteOf(await twoBuckets('snapshots/{bucket}/{key}'))).toBeUndefined();
    expect(await noteOf(await desired())).toBeUndefined();
  });

  test('which errors the functions’ own code finds in their settings, before anything is deployed', async () => {
    const state = await desired((service) => {
      service.provider.environment.URL_TTL_SECONDS = '0';
      service.functions.query.environment = { LOG_LEVEL: 'loud' };
    });
    const findings = (await found({}, state)).filter(({ point }) => point.startsWith('user data'));
    expect(findings[0]).toMatchObject({
      point: 'user data of create, cancel, on-upload, on-finish',
      state: 'missing',
      text: 'URL_TTL_SECONDS must be a whole number from 1 to 86400 s, got "0"',
    });
    expect(findings[1]).toMatchObject({
      point: 'user data of query',
      text: expect.stringContaining('LOG_LEVEL must be one of debug'),
    });
    const unknownKind = await desired((service) => {
      service.provider.environment.PUBLISH = 'pictures';
    });
    expect(notOk(await found({}, unknownKind))).toContainEqual(
      expect.objectContaining({ text: expect.stringContaining('PUBLISH must be none, or a list of vtt') }),
    );
    const tooFar = await desired((service) => {
      service.provider.environment.CAPTURE = '{"type":"TIME","time":120}';
    });
    expect(notOk(await found({}, tooFar))).toContainEqual(
      expect.objectContaining({ text: expect.stringMatching(/CAPTURE .*from 1 to 100 s, got 120/) }),
    );
    const twice = await desired((service) => {
      const one = { name: 'track', thumbnail_para: { type: 'TIME', time: 10 } };
      Object.assign(service.provider.environment, { CAPTURE: '', CAPTURES: [one, one] });
    });
    expect(() => refuseSettings(twice)).toThrow(
      'user data of create, cancel, query, on-upload, on-finish: CAPTURES[1].name must differ from that of CAPTURES[0], got "track"',
    );
    expect(() => refuseSettings(state)).toThrow('user data of query: ');
  });

  describe('of EventGrid', () => {
    const withChannel = () =>
      desired((service) => {
        service.functions.cancel.events.push({
          eventgrid: { bucket: 'videos', channel_id: 'channel-1', agency: 'fgs_to_eg' },
        });
      });
    test('that the key has the right, and that a channel cannot be seen', async () => {
      expect(await checkEventGrid(await withChannel(), clientOf({}))).toEqual([
        { point: 'right for EventGrid', state: 'ok', text: 'the key may see subscriptions' },
        expect.objectContaining({ point: 'event channel channel-1', state: 'unseen' }),
      ]);
      expect(await checkEventGrid(await desired(), clientOf({}))).toEqual([]);
    });

    test('that the key lacks the right, and what that means', async () => {
      const { functiongraph } = cloud;
      const may = new Credentials({ ...cloud.accessKey, denied: ['eg:*'] });
      const eg = createEventGridServer({ credentials: may, functiongraph });
      const client = clientOf({ EG_ENDPOINT: await addressOf(eg) });
      expect((await checkEventGrid(await withChannel(), client))[0]).toEqual({
        point: 'right for EventGrid',
        state: 'note',
        text: expect.stringMatching(/403 EG.0403 .*neither change nor delete it/),
        todo: 'let the key have the system policy "EG FullAccess" in ap-southeast-3',
      });
    });
  });

  describe('of their logs', () => {
    const logsOf = async (change: (logs: Record<string, string>) => void, environment = {}) => {
      const state = await desired(({ provider }) => {
        const { LTS_GROUP_ID, LTS_GROUP_NAME, LTS_STREAM_ID, LTS_STREAM_NAME } = cloud.environment;
        provider.logs = {
          groupId: LTS_GROUP_ID,
          groupName: LTS_GROUP_NAME,
          streamId: LTS_STREAM_ID,
          streamName: LTS_STREAM_NAME,
        };
        change(provider.logs);
      });
      return checkLogs({ ...state, stage: 'prod' }, clientOf(environment));
    };

    test('that group and stream exist, or not', async () => {
      const { LTS_GROUP_ID: group, LTS_GROUP_NAME: name, LTS_STREAM_NAME: stream } = cloud.environment;
      expect(await logsOf(() => {})).toEqual([
        { point: `log group ${group}`, state: 'ok', text: `${name} with stream ${stream}` },
      ]);
      const noGroup = await logsOf((logs) => Object.assign(logs, { groupId: 'nowhere' }));
      expect(noGroup).toMatchObject([
        { point: 'log group nowhere', state: 'missing', text: 'does not exist' },
      ]);
      const noStream = await logsOf((logs) => Object.assign(logs, { streamId: 'nowhere' }));
      expect(noStream).toMatchObject([
        { point: `log group ${group}`, state: 'missing', text: 'has no stream nowhere' },
      ]);
      expect(noStream[0]?.todo).toContain('npm run setup -- --stage prod');
    });

    test('that the key may not look, and that there are none', async () => {
      const denied = new Credentials({ ...cloud.accessKey, denied: ['lts:*'] });
      const lts = createLts({ credentials: denied, logs: new LogBook() });
      expect(await logsOf(() => {}, { LTS_ENDPOINT: await addressOf(lts) })).toMatchObject([
        { state: 'unseen', todo: expect.stringContaining('LTS ReadOnlyAccess') },
      ]);
      const none = { groupId: '', groupName: '', streamId: '', streamName: '' };
      expect(await logsOf((logs) => Object.assign(logs, none))).toMatchObject([
        { point: 'logs', state: 'note' },
      ]);
    });
  });
});

describe('the doctor says of PUBLIC_URL', () => {
  const KEY = 'snapshots/a & b +ü.mp4/0.jpg';
  /** A CDN that answers so, and what the doctor says of it; the addresses that it was asked for. */
  async function foundAt(answer: { status?: number; body?: string; allowed?: string }) {
    const asked: string[] = [];
    const { status = 200, body = 'a picture', allowed } = answer;
    const cdn = createServer((request, response) => {
      asked.push(decodeURIComponent(request.url ?? ''));
      response.writeHead(status, allowed === undefined ? {} : { 'access-control-allow-origin': allowed });
      response.end(body);
    });
    const url = await addressOf(cdn);
    const state = await desired(({ provider }) => {
      provider.environment.PUBLIC_URL = `${url}/`;
    });
    const findings = await checkPublicUrl(state, clientOf({}));
    return { asked, url, findings };
  }

  test('that it cannot be tried before there is a picture', async () => {
    expect((await foundAt({})).findings).toMatchObject([
      {
        state: 'unseen',
        text: 'snapshots has no object below snapshots/ yet that could be fetched',
      },
    ]);
  });

  describe('with a picture', () => {
    beforeAll(async () => {
      await cloud.store.put('snapshots', 'snapshots/a.mp4/0.jpg', Buffer.from('a larger picture'));
      await cloud.store.put('snapshots', KEY, Buffer.from('a picture'));
      await cloud.store.put('snapshots', 'snapshots/z.mp4/empty', Buffer.alloc(0));
    });
    afterAll(async () => {
      for (const key of [KEY, 'snapshots/a.mp4/0.jpg', 'snapshots/z.mp4/empty'])
        await cloud.store.delete('snapshots', key);
    });

    test('that it leads to the bucket, and that players on any page may read', async () => {
      const { asked, url, findings } = await foundAt({ allowed: '*' });
      expect(findings).toEqual([
        { point: `PUBLIC_URL ${url}`, state: 'ok', text: 'leads to snapshots' },
        { point: `CORS of ${url}`, state: 'ok', text: 'players on any page may read' },
      ]);
      expect(asked).toEqual([`/${KEY}`]);
    });

    test('that players on pages of other sites may not read', async () => {
      expect((await foundAt({})).findings[1]).toMatchObject({
        state: 'note',
        todo: expect.stringContaining('add a CORS rule for GET'),
      });
    });

    test.each<[string, Parameters<typeof foundAt>[0], string]>([
      ['refuses', { status: 403 }, 'answers 403'],
      ['has another bucket’s', { body: 'something' }, 'does not return this object of snapshots'],
      ['has as many bytes of something else', { body: 'a pictora' }, 'does not return this object'],
    ])('that it %s', async (_, answer, text) => {
      const { url, findings } = await foundAt(answer);
      expect(findings).toEqual([
        {
          point: `PUBLIC_URL ${url}`,
          state: 'missing',
          text: expect.stringContaining(text),
          todo: expect.stringContaining('let it lead to snapshots'),
        },
      ]);
    });
  });
});

describe('of the region', () => {
  const OBS = (service: ServiceObject) => service;
  const EVENTGRID = (service: ServiceObject) => {
    service.functions['on-upload'].events[0] = {
      eventgrid: { bucket: 'videos', channel_id: 'channel-1', agency: 'fgs_to_eg' },
    };
  };
  const SHARED = (service: ServiceObject) => {
    service.provider.apigw.instance_id = '';
  };

  /** What a FunctionGraph of these habits says of its region; undefined: it may not be asked. */
  async function foundIn(
    behaviour: Partial<FunctionGraphBehaviour> | undefined,
    change: (service: ServiceObject) => void,
    region = cloud.region,
  ): Promise<Finding[]> {
    const functiongraph = createFunctionGraph({
      credentials:
        behaviour === undefined ? new Credentials({ ...cloud.accessKey, secretKey: 'x' }) : credentials,
      region,
      projectId: cloud.accessKey.projectId,
      ...(behaviour !== undefined && { behaviour }),
    });
    servers.push(functiongraph.server);
    const FUNCTIONGRAPH_ENDPOINT = `http://127.0.0.1:${await listen(functiongraph.server, 0)}`;
    const state = { ...(await desired(change)), region };
    const connection = connectionFrom({ ...cloud.environment, FUNCTIONGRAPH_ENDPOINT }, region);
    return checkRegion(state, new FunctionGraphApi(new CloudApi(connection)));
  }

  test('that has everything, that nothing is missing', async () => {
    expect((await foundIn({}, OBS)).map(({ state, text }) => `${state} ${text}`)).toEqual([
      'ok ap-southeast-3 has it',
      'ok ap-southeast-3 has DEDICATEDGATEWAY, TIMER, OBS, SMN',
    ]);
  });

  test('that ends at an older runtime, which runtimes it has', async () => {
    const [runtime] = await foundIn({ newestRuntime: 'Node.js18.15' }, OBS);
    expect(runtime).toMatchObject({
      point: 'runtime Node.js20.15',
      state: 'missing',
      text: expect.stringMatching(/^ap-southeast-3 has .*Node.js18.15; the functions need Node.js 20$/),
      todo: expect.stringContaining('HUAWEICLOUD_SDK_REGION'),
    });
  });

  test.each<[FunctionGraphBehaviour['missingTriggerType'], (service: ServiceObject) => void, string]>([
    ['OBS', OBS, 'use an eventgrid event in place of the obs event'],
    ['EVENTGRID', EVENTGRID, 'use an obs event in place of the eventgrid event'],
    ['APIG', SHARED, 'use a dedicated gateway: set APIG_INSTANCE_ID'],
    ['DEDICATEDGATEWAY', OBS, 'use the shared gateway'],
    ['TIMER', OBS, 'choose another region'],
  ])('that has no %s triggers, what to choose instead', async (missingTriggerType, change, todo) => {
    expect(notOk(await foundIn({ missingTriggerType }, change))).toEqual([
      expect.objectContaining({
        point: `${missingTriggerType} triggers`,
        state: 'missing',
        todo: expect.stringContaining(todo),
      }),
    ]);
  });

  test.each<[string, (service: ServiceObject) => void, string, string]>([
    ['cn-north-4', OBS, 'OBS triggers', 'use an eventgrid event'],
    ['cn-north-1', OBS, 'OBS triggers', 'cn-north-4, cn-east-3 or cn-south-1 for EventGrid'],
    ['cn-north-1', EVENTGRID, 'EVENTGRID triggers', 'cn-north-4, cn-east-3 or cn-south-1'],
    ['cn-north-1', OBS, 'DEDICATEDGATEWAY triggers', 'use the shared gateway'],
  ])('%s that may not be asked, what the documents say', async (region, change, point, todo) => {
    expect(await foundIn(undefined, change, region)).toContainEqual(
      expect.objectContaining({ point, state: 'missing', todo: expect.stringContaining(todo) }),
    );
  });
});

describe('the doctor says of MPC’s notification', () => {
  const TOPIC = 'notification of MPC';
  const set = (changed: object) => {
    const topic = cloud.environment.SMN_TOPIC_URN ?? '';
    const setting = { event_name: 'ThumbnailComplete', status: 'on', topic, msg_type: 2 } as const;
    cloud.mpc.notifications.set([{ ...setting, ...changed }]);
  };
  const foundOf = async (change?: (service: ServiceObject) => void) =>
    notOk(await found({}, await desired(change)));
  afterEach(() => set({}));

  test('that MPC notifies nobody, and what to do', async () => {
    set({ status: 'off' });
    expect(await foundOf()).toEqual([
      {
        point: TOPIC,
        state: 'note',
        text: expect.stringContaining('MPC sends no notification of ThumbnailComplete'),
        todo: expect.stringContaining('hcloud MPC NotifySmnTopicConfig --cli-region=ap-southeast-3'),
      },
    ]);
  });

  test('that it is somebody else’s, and changes nothing', async () => {
    const other = cloud.topics.create('of-somebody', '').topic.urn;
    cloud.topics.set(other, { accessPolicy: publishingPolicy(other, ['mpc']) });
    set({ topic: other });
    expect(await foundOf()).toEqual([
      {
        point: TOPIC,
        state: 'note',
        text: expect.stringContaining(`MPC notifies ${other}, which somebody has set for the whole project`),
        todo: expect.stringContaining(`set SMN_TOPIC_URN=${other}`),
      },
    ]);
    expect(cloud.mpc.notifications.list()).toMatchObject([{ topic: other }]);
  });

  test('that functions cannot read a message in text form', async () => {
    set({ msg_type: 1 });
    expect(await foundOf()).toMatchObject([{ point: TOPIC, text: expect.stringContaining('no JSON') }]);
  });

  test('that a topic is missing, and that one is not needed', async () => {
    const urn = `urn:smn:ap-southeast-3:${cloud.accessKey.projectId}:nowhere`;
    const missing = await foundOf((service) => {
      service.functions['on-finish'].events[0].smn.topic_urn = urn;
    });
    expect(missing).toContainEqual({
      point: `topic ${urn}`,
      state: 'missing',
      text: 'does not exist',
      todo: expect.stringContaining('npm run setup -- --stage local creates one'),
    });
    const without = await foundOf((service) => {
      service.functions['on-finish'].events[0].smn.topic_urn = '';
    });
    expect(without).toContainEqual({
      point: TOPIC,
      state: 'note',
      text: 'on-finish has no topic; the timer finds ended tasks within a minute',
      todo: expect.stringContaining(`MPC already notifies ${cloud.environment.SMN_TOPIC_URN}`),
    });
  });
});

describe('the command', () => {
  const visit = async (changed: Partial<Parameters<typeof doctor>[0]> = {}) => {
    const printed: string[] = [];
    const state = await desired();
    const connection = connectionFrom(cloud.environment, cloud.region);
    const outcome = await doctor({
      stage: 'local',
      readDesiredState: () => state,
      openApi: () => new FunctionGraphApi(new CloudApi(connection)),
      options: {},
      print: (line) => printed.push(line),
      ...changed,
    });
    return { text: printed.join('\n'), outcome };
  };

  test('reports at once what serverless.yml and the environment lack', async () => {
    const { text, outcome } = await visit({
      readDesiredState: () => {
        throw new DeployError(['serverless.yml: provider.apigw.group_id is empty: set APIG_GROUP_ID']);
      },
      openApi: () => new FunctionGraphApi(new CloudApi(connectionFrom({}, 'ap-southeast-3'))),
    });
    expect(text).toContain('missing         serverless.yml: provider.apigw.group_id is empty');
    expect(text).toContain('missing         environment: HUAWEICLOUD_SDK_AK is not set');
    expect(text).toContain('\n4 missing');
    expect(outcome).toBe(false);
  });

  test('prints everything for programs too, and fails only if something is missing', async () => {
    const { text, outcome } = await visit({ options: { json: true } });
    expect(outcome).toBe(true);
    expect(JSON.parse(text)).toMatchObject({ stage: 'local', ok: true });
    const failing = await visit({
      options: { json: true },
      openApi: () =>
        new FunctionGraphApi(
          new CloudApi(connectionFrom({ ...cloud.environment, HUAWEICLOUD_SDK_SK: 'no' }, cloud.region)),
        ),
    });
    expect(JSON.parse(failing.text)).toMatchObject({ ok: false });
    expect(failing.outcome).toBe(false);
  });

  describe('with --probe', () => {
    /** What is said of an OBS of these habits, and what is left in the bucket. */
    const probed = async (obs: Server, probe = true) => {
      const OBS_ENDPOINT = await addressOf(obs);
      const { text, outcome } = await visit({
        options: { json: true, probe },
        openApi: () =>
          new FunctionGraphApi(
            new CloudApi(connectionFrom({ ...cloud.environment, OBS_ENDPOINT }, cloud.region)),
          ),
      });
      const { findings } = JSON.parse(text) as { findings: Finding[] };
      const left = cloud.store.list('snapshots', { prefix: '.mpc-snapshots/probe-' }).objects;
      return {
        outcome,
        left: left.map(({ key }) => key),
        said: findings.filter(({ point }) => point === 'conditional writes to snapshots'),
      };
    };
    const obsThat = (conditionalWrites: 'ignored' | 'honoured') =>
      createObsServer({
        store: cloud.store,
        credentials,
        region: cloud.region,
        behaviour: { conditionalWrites },
      });

    test.each([
      ['honoured', 'ok', /^the bucket honours x-obs-forbid-overwrite: .* never make two tasks/],
      ['ignored', 'note', /^the bucket ignores x-obs-forbid-overwrite: .* can make two tasks/],
    ] as const)(
      'says that conditional writes are %s, and leaves nothing behind',
      async (habit, state, text) => {
        expect(await probed(obsThat(habit))).toEqual({
          outcome: true,
          left: [],
          said: [expect.objectContaining({ state, text: expect.stringMatching(text) })],
        });
      },
    );

    test('writes only then: without the option it says nothing of conditional writes', async () => {
      expect(await probed(obsThat('honoured'), false)).toEqual({ outcome: true, left: [], said: [] });
    });

    /** In front of the local OBS, answers PUT and DELETE of the probe in turn with what is given, and lets all else pass. */
    const obsThatAnswers = (answers: (number | string)[]) => {
      const obs = obsThat('honoured');
      const passed = obs.listeners('request')[0] as (...exchange: unknown[]) => void;
      return createServer((request, response) => {
        if (!request.url?.includes('/probe-')) return passed(request, response);
        const [, status = '', code = ''] = /^(\d+) ?(\w*)$/.exec(String(answers.shift() ?? 204)) ?? [];
        request.resume();
        if (status === '0') return void response.destroy();
        response.writeHead(Number(status)).end(code && `<Error><Code>${code}</Code></Error>`);
      });
    };

    test.each<[string, (number | string)[], Partial<Finding>]>([
      [
        'a refusal that the functions do not know',
        [200, '412 PreconditionFailed'],
        { state: 'missing', text: expect.stringContaining('refused with 412 PreconditionFailed') },
      ],
      [
        'a header that OBS does not accept',
        ['400 InvalidArgument', '204'],
        { state: 'missing', text: expect.stringContaining('refused with 400 InvalidArgument') },
      ],
      [
        'a key that may not write',
        ['403 AccessDenied', '403 AccessDenied'],
        { state: 'unseen', text: 'OBS did not let this key write (403 AccessDenied)' },
      ],
      [
        'an object that stays',
        [200, '409 ObjectAlreadyExists', '403 AccessDenied'],
        {
          state: 'ok',
          text: expect.stringContaining('could not be deleted (403 AccessDenied)'),
          todo: expect.stringMatching(
            /^obsutil rm obs:\/\/snapshots\/\.mpc-snapshots\/probe-[\w-]+\.json -f$/,
          ),
        },
      ],
      [
        'no answer, after which the object may be there',
        [0, 0],
        { state: 'unseen', text: expect.stringMatching(/\(no answer\).*could not be deleted \(no answer\)/) },
      ],
    ])('reports %s', async (_, answers, finding) => {
      expect((await probed(obsThatAnswers(answers))).said).toEqual([expect.objectContaining(finding)]);
    });
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

  test('prints the policy that docs/set-up-by-hand.md shows, with the buckets of the stage', async () => {
    const { text } = await visit({ options: { policy: true } });
    expect(text).toContain('"OBS:*:*:object:snapshots/*"');
    const page = readFileSync(path.resolve(__dirname, '..', '..', 'docs', 'set-up-by-hand.md'), 'utf8');
    const [, shown = ''] = /```json\n(\{\s*"Version": "1\.1".*?)```/s.exec(page) ?? [];
    const ofPage = shown.replaceAll('my-videos', 'videos').replaceAll('my-snapshots', 'snapshots');
    expect(JSON.parse(ofPage)).toEqual(JSON.parse(text));
  });
});
