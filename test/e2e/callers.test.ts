import { addCaller } from '../../deploy/access/callers';
import { GatewayApi } from '../../deploy/access/gateway-api';
import { buildArtifacts } from '../../deploy/artifacts';
import { CloudApi, connectionFrom } from '../../deploy/cloud-api';
import { deploy } from '../../deploy/deploy';
import { desiredState } from '../../deploy/desired-state';
import { FunctionGraphApi } from '../../deploy/functiongraph-api';
import { GATEWAY_INSTANCE } from '../../local/account';
import { type Cloud, type CloudOptions, startCloud } from '../../local/cloud';
import type { Invocation } from '../../local/functiongraph/functiongraph';
import { serviceOf } from '../deploy/cloud-to-deploy-to';
import { signedHeaders } from '../local/functiongraph/cloud';
import { until } from '../wait';
import { fetchDescribed, LocalService } from './local-service';

jest.setTimeout(120_000);

const UPLOAD = 'mpc-snapshots-prod-on-upload';
const QUERY = 'mpc-snapshots-prod-query';
/** `queryInstances` in serverless.yml. */
const MOST_WAITERS = 5;
/** What MPC_REQUESTS_PER_MINUTE leaves of MPC's quota. */
const MOST_CREATES = 20;

interface Answer {
  status: number;
  body: { error_code?: string; task_id?: string };
}
type Call = (method: string, path: string, body?: object) => Promise<Answer>;

/** A stage as it is deployed to Huawei Cloud, with a gateway, callers and limits, and its defaults. */
class DeployedStage {
  readonly invocations: Invocation[] = [];
  #gateway!: GatewayApi;
  #desired!: ReturnType<typeof desiredState>;

  private constructor(readonly cloud: Cloud) {
    clouds.push(cloud);
    cloud.functiongraph.onInvocation((invocation) => this.invocations.push(invocation));
  }

  static async start(options: Partial<CloudOptions>): Promise<DeployedStage> {
    const stage = new DeployedStage(await startCloud({ port: 0, ...options }));
    const { environment, region, accessKey } = stage.cloud;
    const client = new CloudApi(connectionFrom(environment, region));
    const path = `/v2/${accessKey.projectId}/apigw/instances/${GATEWAY_INSTANCE}/api-groups`;
    const { body } = await client.call('apig', { method: 'POST', path, body: { name: 'shop' } });
    const { UPLOAD_BUCKET = '', SNAPSHOT_BUCKET = '', MPC_ENDPOINT, OBS_ENDPOINT } = environment;
    const service = await serviceOf('prod', {
      UPLOAD_BUCKET,
      SNAPSHOT_BUCKET,
      APIG_GROUP_ID: (body as { id: string }).id,
      APIG_INSTANCE_ID: GATEWAY_INSTANCE,
    });
    Object.assign(service.provider.environment, { MPC_ENDPOINT, OBS_ENDPOINT });
    stage.#desired = desiredState(service);
    await deploy(
      stage.#desired,
      await buildArtifacts(stage.#desired.functions),
      new FunctionGraphApi(client),
    );
    stage.#gateway = new GatewayApi(client, GATEWAY_INSTANCE);
    return stage;
  }

  async caller(name: string): Promise<Call> {
    const { app_key: accessKey, app_secret: secretKey } = await addCaller(this.#gateway, this.#desired, name);
    return async (method, path, body) => {
      const url = new URL(this.cloud.addresses.gateway + path);
      const text = body && JSON.stringify(body);
      const sent = { 'content-type': 'application/json' };
      const headers = signedHeaders(method, url, text, sent, { accessKey, secretKey, projectId: '' });
      const response = await fetchDescribed(url, {
        method,
        headers,
        ...(text !== undefined && { body: text }),
      });
      return { status: response.status, body: (await response.json()) as Answer['body'] };
    };
  }

  taskOf(key: string) {
    return this.cloud.mpc.tasks.list().find(({ input }) => input?.object === key);
  }

  /** Uploads, and waits until the upload has its task; then until the next event finds the only instance free. */
  async capture(key: string): Promise<void> {
    const before = this.captures().length;
    await this.cloud.store.put(this.cloud.uploadBucket, key, Buffer.from('no video'), {});
    await until(() => this.taskOf(key), { timeoutMs: 10_000, what: `a task of ${key}` });
    await until(() => this.captures().length > before, { what: `the end of the capture of ${key}` });
  }

  /** How each attempt of on-upload ended that an event of OBS started. */
  captures(): string[] {
    return this.invocations
      .filter(({ functionName, trigger, state }) => {
        const hasEnded = !['queued', 'running'].includes(state);
        return functionName === UPLOAD && trigger === 'OBS' && hasEnded;
      })
      .map(({ state }) => state);
  }

  /** How many instances of a function are at work. */
  running(name: string): number {
    const own = this.invocations.filter(({ functionName }) => functionName === name);
    const started = own.filter(({ state }) => state === 'running').length;
    return started - own.filter(({ outcome }) => outcome !== undefined).length;
  }
}

const clouds: Cloud[] = [];
afterEach(() => Promise.all(clouds.splice(0).map((cloud) => cloud.close())));

const request = (number: number) => ({
  input: { bucket: 'videos', location: 'ap-southeast-3', object: `by-callers/${number}.mp4` },
  thumbnail_para: { type: 'DOTS', dots: [1] },
});

test('however many callers create tasks as fast as they can, an upload gets its task at once', async () => {
  const stage = await DeployedStage.start({ mpc: { parallelTasks: 0 } });
  const callers = await Promise.all(['a1', 'b2', 'c3', 'd4', 'e5', 'f6'].map((name) => stage.caller(name)));
  const answers: Answer[] = [];
  let isOver = false;
  const attack = callers.map(async (call) => {
    while (!isOver) answers.push(await call('POST', '/snapshots', request(answers.length)));
  });
  await until(() => answers.some(({ body }) => body.error_code === 'APIG.0308'), {
    what: 'callers are throttled',
  });
  for (const key of ['one.mp4', 'two.mp4', 'three.mp4']) await stage.capture(key);
  isOver = true;
  await Promise.all(attack);
  const accepted = answers.filter(({ status }) => status === 202);
  expect(accepted.length).toBeGreaterThan(0);
  expect(accepted.length).toBeLessThanOrEqual(MOST_CREATES);
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([202, 429]));
  // No capture had to be tried again: MPC never refused one for its quota.
  expect(stage.captures()).toEqual(['succeeded', 'succeeded', 'succeeded']);
});

test('in the local cloud too, an upload gets its task at once, however fast a program creates tasks', async () => {
  const service = await LocalService.start({ mpc: { parallelTasks: 0 } });
  try {
    const statuses: number[] = [];
    const create = async () => {
      const { status, body } = await service.call('POST', '/snapshots', request(statuses.length));
      statuses.push(status);
      return body.error_code;
    };
    while ((await create()) !== 'APIG.0308');
    await service.upload('one.mp4', Buffer.from('no video'));
    await until(() => service.taskOf('one.mp4'), { timeoutMs: 10_000, what: 'a task of one.mp4' });
    expect(statuses.filter((status) => status === 202)).toHaveLength(60);
  } finally {
    await service.stop();
  }
});

test('however many callers wait for tasks, uploads are captured and tasks are created', async () => {
  const stage = await DeployedStage.start({
    mpc: { parallelTasks: 0 },
    functiongraph: { behaviour: { accountConcurrency: 10 } },
  });
  const callers = await Promise.all(['a1', 'b2'].map((name) => stage.caller(name)));
  const [first, second] = callers as [Call, Call];
  const { body } = await first('POST', '/snapshots', request(0));
  // MPC takes up no task here: whoever waits does so as long as the function may.
  const waiting = Array.from({ length: 12 }, (_, index) =>
    (index % 2 === 0 ? first : second)('GET', `/snapshots/${body.task_id}?wait=25`).catch(() => undefined),
  );
  await until(() => stage.running(QUERY) === MOST_WAITERS, { what: `${MOST_WAITERS} waiters` });
  await stage.capture('waited-for.mp4');
  expect((await second('POST', '/snapshots', request(1))).status).toBe(202);
  expect(stage.running(QUERY)).toBe(MOST_WAITERS);
  expect(stage.captures()).toEqual(['succeeded']);
  const refused = await Promise.race(waiting.map(async (one) => (await one)?.status));
  expect(refused).toBe(429);
});
