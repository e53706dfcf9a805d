import { readFile } from 'node:fs/promises';
import { request } from 'node:http';
import type {
  ConsoleState,
  Explanation,
  FrameList,
  Results,
  UploadUrl,
} from '../../console/server/console-api';
import { createDeployedConsole, type DeployedConsole } from '../../console/sources/deployed/console-server';
import { callerOf, deployedService } from '../../console/sources/deployed/deployed-service';
import { LoggedCalls, type LoggedLine, type ReadLog } from '../../console/sources/deployed/logged-calls';
import { deployedStage } from '../../local/commands/deployed-stage';
import { closeServer, listen } from '../../local/http-server';
import { makeClip } from '../clip';
import { LocalService } from '../e2e/local-service';
import { until } from '../wait';
import { OpenPage } from './console-page';

const KEY = 'uploads/<b>中 1’.mp4';

let service: LocalService;
let reading: Visitor;
let writing: Visitor;

/** A browser that came by the link. */
class Visitor {
  private constructor(
    readonly console: DeployedConsole,
    readonly root: string,
    readonly cookie: string,
  ) {}

  static async come(canWrite: boolean, readLog?: ReadLog): Promise<Visitor> {
    const { environment } = service.cloud;
    const console = createDeployedConsole({
      service: deployedService({ stage: 'prod' }, { ...environment, PUBLIC_URL: 'https://cdn.example.com/' }),
      caller: callerOf(environment),
      canWrite,
      command: 'npm run console -- --stage prod',
      readLog,
      pollEveryMs: 50,
    });
    const root = `http://127.0.0.1:${await listen(console.server, 0)}`;
    const entry = await fetch(root + console.entryPath, { redirect: 'manual' });
    expect(entry.headers.get('location')).toBe('/_console/');
    expect(entry.headers.get('set-cookie')).toMatch(/; HttpOnly; SameSite=Strict$/);
    return new Visitor(console, root, entry.headers.get('set-cookie')?.split(';')[0] ?? '');
  }

  async leave(): Promise<void> {
    this.console.close();
    await closeServer(this.console.server);
  }

  fetch(path: string, init: RequestInit = {}): Promise<Response> {
    const headers = { cookie: this.cookie, ...(init.headers as Record<string, string>) };
    return fetch(this.root + path, { redirect: 'manual', ...init, headers });
  }

  async json<T>(path: string, init: RequestInit = {}): Promise<T> {
    const response = await this.fetch(path, init);
    expect(response.status).toBe(200);
    return (await response.json()) as T;
  }
}

beforeAll(async () => {
  service = await LocalService.start();
  const clip = await readFile(await makeClip({ seconds: 12 }));
  await service.upload(KEY, clip);
  await service.finalTaskOf(KEY);
  // As deployed: API Gateway asks for a signature.
  for (const { triggers } of service.cloud.functiongraph.functions()) {
    for (const trigger of triggers) if (trigger.type === 'DEDICATEDGATEWAY') trigger.data.auth = 'IAM';
  }
  const { readLog } = await deployedStage('local', service.cloud.environment, undefined);
  [reading, writing] = await Promise.all([Visitor.come(false, readLog), Visitor.come(true, readLog)]);
}, 30_000);
afterAll(async () => {
  await Promise.all([reading.leave(), writing.leave()]);
  await service.stop();
});

const post = (body: unknown, headers: Record<string, string> = {}): RequestInit => ({
  method: 'POST',
  headers: { 'content-type': 'application/json', ...headers },
  body: JSON.stringify(body),
});

test('the service itself requires a signature', async () => {
  expect((await service.call('GET', '/snapshots?size=1')).status).toBe(401);
});

describe('with the link', () => {
  test('tasks and uploads are shown, and panels that do not apply are left out with a reason', async () => {
    const state = await reading.json<ConsoleState>('/_console/state');
    expect(state.service).toMatchObject({ kind: 'deployed', name: 'prod', canWrite: false });
    expect(Object.keys(state.service.unavailable).sort()).toEqual([
      'events',
      'faults',
      'invocations',
      'requests',
      'settings',
      'timers',
    ]);
    expect(state.tasks).toHaveLength(1);
    expect(state.tasks[0]).toMatchObject({ key: KEY, status: 'SUCCEEDED', frameCount: 4, cover: '0.jpg' });
    expect(state.uploads).toMatchObject([{ key: KEY }]);
  });

  test('frames, the video and the service’s own forms of a task come through', async () => {
    const [task] = (await reading.json<ConsoleState>('/_console/state')).tasks;
    const { frames } = await reading.json<FrameList>(`/_console/frames?task=${task?.id}`);
    expect(frames.map(({ timeSeconds }) => timeSeconds)).toEqual([0, 5, 10, 12]);
    const picture = await reading.fetch(`/_console/${frames[1]?.url}`);
    const jpeg = await fetch(picture.headers.get('location') ?? '');
    expect(jpeg.headers.get('content-type')).toBe('image/jpeg');
    const video = await reading.fetch(`/_console/video?key=${encodeURIComponent(KEY)}`);
    expect((await fetch(video.headers.get('location') ?? '')).status).toBe(200);

    const track = await reading.fetch(`/snapshots/${task?.id}?format=vtt`);
    expect(await track.text()).toMatch(/^WEBVTT\n/);
    const sheet = await reading.fetch(`/snapshots?object=${encodeURIComponent(KEY)}&format=html`);
    expect(sheet.headers.get('content-type')).toContain('html');
    expect(sheet.headers.get('content-security-policy')).toContain('sandbox');
    const waited = await reading.json<{ status: string }>(`/snapshots/${task?.id}?wait=5`);
    expect(waited.status).toBe('SUCCEEDED');
  });

  test('published files are listed, with the addresses of PUBLIC_URL if it is set', async () => {
    const [task] = (await reading.json<ConsoleState>('/_console/state')).tasks;
    const { files, embed } = await until(async () => {
      const results = await reading.json<Results>(`/_console/results?task=${task?.id}`);
      return results.files.length === 4 ? results : undefined;
    });
    const [index, track] = files;
    expect(index?.name).toBe('snapshots.json');
    const path = `snapshots/${KEY.split('/').map(encodeURIComponent).join('/')}`;
    expect(track?.address).toBe(`https://cdn.example.com/${path}/storyboard.vtt`);
    expect(embed).toMatchObject({
      track: track?.address,
      poster: `https://cdn.example.com/${path}/poster.jpg`,
    });
    expect(embed.video).not.toContain('Signature');
    const opened = await reading.fetch(`/_console/${track?.url}`);
    expect(await (await fetch(opened.headers.get('location') ?? '')).text()).toMatch(/^WEBVTT\n/);
  });

  test('a waiting notice is shown, and is made due at once with --write', async () => {
    const { store } = service.cloud;
    const id = 'msg_0123456789abcdef0123456789abcdef';
    const notice = {
      attempts: 3,
      id,
      type: 'snapshots.failed',
      timestamp: '2026-11-28T01:00:00.000Z',
      data: { task_id: '7' },
      files: {},
    };
    const name = (dueMs: number) => `.mpc-snapshots/notices/${String(dueMs).padStart(14, '0')}-${id}.json`;
    const dueMs = Date.now() + 3_600_000;
    await store.put('snapshots', name(dueMs), Buffer.from(JSON.stringify(notice)));
    const state = await reading.json<ConsoleState>('/_console/state');
    expect(state.notices).toMatchObject([
      { id, task: '7', state: 'retrying', attempts: 3, nextAttemptAtMs: dueMs },
    ]);
    const again = post({ notice: id }, { origin: reading.root });
    expect((await reading.fetch('/_console/send-notice', again)).status).toBe(403);
    const sent = await writing.fetch('/_console/send-notice', post({ notice: id }, { origin: writing.root }));
    expect(sent.status).toBe(200);
    const { objects } = store.list('snapshots', { prefix: '.mpc-snapshots/notices/' });
    expect(objects).toHaveLength(1);
    expect(Number(/(\d{14})-/.exec(objects[0]?.key ?? '')?.[1])).toBeLessThanOrEqual(Date.now());
    for (const { key } of objects) await store.delete('snapshots', key);
  });

  test('a key is explained from the data that the console may read', async () => {
    const captured = await reading.json<Explanation>(`/_console/explain?key=${encodeURIComponent(KEY)}`);
    expect(captured).toMatchObject({ verdict: 'captured', reason: 'succeeded' });
    await service.upload('note.txt', Buffer.from('x'));
    const skipped = await reading.json<Explanation>('/_console/explain?key=note.txt');
    expect(skipped).toMatchObject({ verdict: 'not_captured', reason: 'no_task' });
    const missing = await reading.json<Explanation>('/_console/explain?key=nowhere.mp4');
    expect(missing).toMatchObject({ verdict: 'not_found', reason: 'no_such_object' });
  });

  test('the API page is there, and the console makes its calls', async () => {
    expect((await reading.fetch('/_console/api')).headers.get('content-security-policy')).not.toContain(
      'unsafe',
    );
    const described = await reading.json<{ paths: object }>('/_console/openapi.json');
    expect(Object.keys(described.paths)).toContain('/snapshots');
    const tried = await reading.fetch('/snapshots?size=1', {
      headers: { 'sec-fetch-site': 'same-origin', 'sec-fetch-mode': 'cors' },
    });
    expect(tried.status).toBe(200);
  });

  test('the calls that the functions made of MPC are counted from their log, each function for itself', async () => {
    const page = await OpenPage.open(reading.root, { cookie: reading.cookie });
    const creates = () => page.sent('mpcCalls').filter(({ operation }) => operation === 'create');
    await until(() => creates().some(({ caller }) => caller === 'on-upload'), {
      what: 'the call of on-upload',
    });
    expect(creates()[0]).toMatchObject({ count: 1, refused: 0 });
    await writing.fetch('/snapshots', post({ input: { bucket: 'videos', object: KEY } }));
    await until(() => creates().some(({ caller }) => caller === 'create'), { what: 'the call of create' });
    page.close();
    const { mpcCalls, quota } = await reading.json<ConsoleState>('/_console/state');
    expect(quota.noCalls).toBeUndefined();
    expect(mpcCalls.find(({ caller }) => caller === 'create')).toMatchObject({
      operation: 'create',
      count: 1,
    });
  });

  test('nothing can be changed without --write', async () => {
    for (const [path, init] of [
      ['/snapshots', post({ input: { bucket: 'videos', object: KEY } })],
      ['/snapshots/1000001', { method: 'DELETE' }],
      ['/_console/upload-url', post({ name: 'a.mp4' })],
    ] as const) {
      const answer = await reading.fetch(path, init);
      expect(answer.status).toBe(403);
      expect(await answer.text()).toContain('--write');
    }
  });

  test('actions of the local cloud are not there', async () => {
    for (const [name, body] of [
      ['faults', { shares: {} }],
      ['fire', { functionName: 'on-upload', timer: 'sweep' }],
      ['deliver', { key: KEY, times: 1 }],
    ] as const) {
      expect((await writing.fetch(`/_console/${name}`, post(body))).status).toBe(404);
    }
  });
});

test('with --write a file can be uploaded, its task is pushed to the page, and a late cancel is refused as MPC does', async () => {
  const page = await OpenPage.open(writing.root, { cookie: writing.cookie });
  const { key, url } = await writing.json<UploadUrl>('/_console/upload-url', post({ name: 'new.mp4' }));
  const clip = await readFile(await makeClip({ seconds: 12 }));
  expect((await fetch(url, { method: 'PUT', body: new Uint8Array(clip) })).status).toBe(200);
  const task = await until(() =>
    page.sent('tasks').findLast((sent) => sent.key === key && sent.status === 'SUCCEEDED'),
  );
  page.close();
  const cancelled = await writing.fetch(`/snapshots/${task.id}`, { method: 'DELETE' });
  expect(cancelled.status).toBe(400);
  expect(await cancelled.json()).toMatchObject({ error_code: 'MPC.10212' });
  const created = await writing.fetch('/snapshots', post({ input: { bucket: 'videos', object: key } }));
  expect(created.status).toBe(202);
});

describe('strangers', () => {
  test('without the link are refused everywhere', async () => {
    for (const path of [
      '/',
      '/_console/',
      '/_console/state',
      '/_console/api',
      '/_console/openapi.json',
      '/snapshots?size=1',
      '/_console/?token=guess',
    ]) {
      expect((await fetch(reading.root + path)).status).toBe(403);
      const cookie = reading.cookie.replace(/.$/, (last) => (last === 'A' ? 'B' : 'A'));
      expect((await fetch(reading.root + path, { headers: { cookie } })).status).toBe(403);
    }
  });

  test.each([
    ['from another origin', { origin: 'http://evil.example' }],
    ['from another page', { 'sec-fetch-site': 'cross-site' }],
    ['from another port', { 'sec-fetch-site': 'same-site', origin: 'http://127.0.0.1:1' }],
  ])('cannot use the cookie %s', async (_, headers) => {
    for (const [path, init] of [
      ['/snapshots/1000001', { method: 'DELETE' }],
      ['/snapshots', post({ input: { bucket: 'videos', object: KEY } })],
      ['/_console/upload-url', post({ name: 'a.mp4' })],
      ['/_console/state', {}],
    ] as [string, RequestInit][]) {
      const all = { ...(init.headers as object), ...headers };
      expect((await writing.fetch(path, { ...init, headers: all })).status).toBe(403);
    }
  });

  test('that resolve their own name to this machine are refused', async () => {
    const { port } = new URL(writing.root);
    const headers = { host: 'evil.example', cookie: writing.cookie };
    for (const path of ['/snapshots?size=1', '/_console/state']) {
      const status = await new Promise((resolve) => {
        request({ port, path, headers }, (response) => {
          response.resume();
          resolve(response.statusCode);
        }).end();
      });
      expect(status).toBe(403);
    }
  });
});

test('no secret of the caller reaches the browser', async () => {
  const { accessKey } = service.cloud;
  const texts = await Promise.all(
    ['/_console/state', '/_console/', '/snapshots?size=10', '/_console/upload-url'].map(async (path) =>
      (await writing.fetch(path, path.endsWith('url') ? post({ name: 'a.mp4' }) : {})).text(),
    ),
  );
  for (const text of texts) expect(text).not.toContain(accessKey.secretKey);
});

test('a service that was removed is reported as such', async () => {
  const console = createDeployedConsole({
    service: deployedService({ api: 'http://127.0.0.1:9' }, service.cloud.environment),
    caller: callerOf(service.cloud.environment),
    canWrite: false,
    command: 'npm run console',
  });
  const root = `http://127.0.0.1:${await listen(console.server, 0)}`;
  const entry = await fetch(root + console.entryPath, { redirect: 'manual' });
  const headers = { cookie: entry.headers.get('set-cookie')?.split(';')[0] ?? '' };
  const state = await fetch(`${root}/_console/state`, { headers });
  expect(state.status).toBe(502);
  expect(await state.json()).toEqual({
    error: expect.stringContaining('http://127.0.0.1:9 does not answer'),
  });
  const relayed = await fetch(`${root}/snapshots?size=1`, { headers });
  expect(await relayed.json()).toMatchObject({ error_code: 'CONSOLE.502' });
  console.close();
  await closeServer(console.server);
});

describe('a stage', () => {
  test('is found by its name: serverless.yml names its buckets, FunctionGraph the address of its API', async () => {
    const { API_ENDPOINT, UPLOAD_BUCKET, SNAPSHOT_BUCKET, ...environment } = service.cloud.environment;
    const { environment: stage } = await deployedStage('local', environment, undefined);
    expect(deployedService({ stage: 'local' }, stage)).toMatchObject({
      apiEndpoint: API_ENDPOINT,
      obsEndpoint: environment.OBS_ENDPOINT,
      uploadBucket: UPLOAD_BUCKET,
      snapshotBucket: SNAPSHOT_BUCKET,
      region: service.cloud.region,
    });
  });

  test('with a given address needs no look-up', async () => {
    const environment = { ...service.cloud.environment, FUNCTIONGRAPH_ENDPOINT: 'http://127.0.0.1:9' };
    const { environment: stage } = await deployedStage('local', environment, 'http://127.0.0.1:8');
    expect(deployedService({ api: 'http://127.0.0.1:8' }, stage).apiEndpoint).toBe('http://127.0.0.1:8');
  });

  test('that lacks something names each missing thing in a line of its own', async () => {
    await expect(deployedStage('prod', {}, undefined)).rejects.toThrow(/SNAPSHOT_BUCKET/);
  });
});

describe('the calls in the log', () => {
  const startedAtMs = Date.now();
  const line = (id: string, secondsAgo: number, fields: object): LoggedLine => {
    const time = new Date(startedAtMs - secondsAgo * 1000).toISOString();
    return { id, fields: { event: 'mpc.called', time, function: 'query', ...fields } };
  };
  const readerOf = (reads: (readonly LoggedLine[])[]) =>
    new LoggedCalls(async function* read() {
      yield* reads.shift() ?? [];
    });

  test('count with each attempt, and as refused where the quota was used up', async () => {
    const calls = readerOf([
      [
        line('1', 120, { operation: 'list', status: 200, attempts: 1 }),
        line('2', 120, { operation: 'list', status: 429, attempts: 3 }),
        line('3', 120, { operation: 'create', attempts: 1 }),
        line('4', 120, { event: 'mpc.task_created', task_id: '1' }),
      ],
    ]);
    await calls.update();
    const counted = calls.list().map(({ operation, count, refused }) => [operation, count, refused]);
    expect(counted.sort()).toEqual([
      ['create', 1, 0],
      ['list', 4, 3],
    ]);
  });

  test('are counted once, however often their lines are read and however late they come', async () => {
    const first = line('2', 60, { operation: 'cancel', status: 204, attempts: 1 });
    const late = line('1', 61, { operation: 'cancel', status: 204, attempts: 1 });
    const calls = readerOf([[first], [late, first]]);
    expect(await calls.update()).toHaveLength(1);
    await calls.update();
    expect(await calls.update()).toEqual([]);
    expect(calls.list().reduce((sum, { count }) => sum + count, 0)).toBe(2);
  });
});

test('without a stage, or without the right to read its logs, the page says why it knows no calls', async () => {
  const quotaWith = async (readLog?: ReadLog) => {
    const visitor = await Visitor.come(false, readLog);
    const page = await OpenPage.open(visitor.root, { cookie: visitor.cookie });
    await until(() => page.changes.some(({ quota }) => quota !== undefined), { what: 'the quota' });
    page.close();
    const { quota } = await visitor.json<ConsoleState>('/_console/state');
    await visitor.leave();
    return quota.noCalls;
  };
  expect(await quotaWith()).toContain('--stage NAME');
  const refusing: ReadLog = async function* read() {
    yield* [];
    throw new Error('LTS answers 403.');
  };
  expect(await quotaWith(refusing)).toBe('The functions’ logs cannot be read. LTS answers 403.');
});

test('missing environment variables are named at once', () => {
  expect(() => deployedService({}, {})).toThrow(
    'console needs --api or API_ENDPOINT, HUAWEICLOUD_SDK_REGION, UPLOAD_BUCKET, SNAPSHOT_BUCKET in the environment',
  );
  expect(() => callerOf({ HUAWEICLOUD_SDK_AK: 'a' })).toThrow(
    'console needs HUAWEICLOUD_SDK_SK, HUAWEICLOUD_SDK_PROJECT_ID in the environment',
  );
});
