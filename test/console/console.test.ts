import { readFile } from 'node:fs/promises';
import { request, type Server } from 'node:http';
import { isDeepStrictEqual } from 'node:util';
import { AKSKSigner } from '@huaweicloud/huaweicloud-sdk-core/auth/AKSKSigner';
import {
  type Explanation,
  type FaultDial,
  type FrameList,
  type InvocationDetail,
  LIMITS,
  type Results,
  type SendNoticeAnswer,
  type UploadUrl,
} from '../../console/server/console-api';
import { closeServer, listen } from '../../local/http-server';
import { createReceiver, type ReceivedNotice } from '../../local/webhook-receiver';
import { makeClip } from '../clip';
import { LocalService } from '../e2e/local-service';
import { until } from '../wait';
import { OpenPage } from './console-page';

const SECRET = `whsec_${Buffer.from('a secret of this test alone, not of others').toString('base64')}`;
const received: ReceivedNotice[] = [];
let receiver: Server;
let service: LocalService;
let root: string;
let page: OpenPage;
let clip: Buffer;
beforeAll(async () => {
  receiver = createReceiver({ secrets: [SECRET], onNotice: (notice) => received.push(notice) });
  service = await LocalService.start(
    { functiongraph: { behaviour: { asyncRetryDelayMs: 50 } } },
    {
      NOTIFY_URL: `http://127.0.0.1:${await listen(receiver, 0)}/`,
      NOTIFY_SECRET: SECRET,
      PUBLISH: 'vtt,sprite',
    },
  );
  root = service.cloud.addresses.gateway;
  clip = await readFile(await makeClip({ seconds: 12 }));
}, 30_000);
afterAll(async () => {
  await service.stop();
  await closeServer(receiver);
});
beforeEach(async () => {
  page = await OpenPage.open(root);
});
afterEach(() => page.close());

/** Uploads as the page does: asks for an address, then puts the file there from another origin. */
async function uploadFromPage(name: string, content: Uint8Array): Promise<string> {
  const { body } = await page.post<UploadUrl>('upload-url', { name });
  const preflight = await fetch(body.url, {
    method: 'OPTIONS',
    headers: { origin: root, 'access-control-request-method': 'PUT' },
  });
  expect(preflight.headers.get('access-control-allow-origin')).toBe(root);
  expect((await fetch(body.url, { method: 'PUT', headers: { origin: root }, body: content })).status).toBe(
    200,
  );
  return body.key;
}

const explanationOf = (key: string) => page.get<Explanation>(`explain?key=${encodeURIComponent(key)}`);

/** Waits until the whole way of an upload is over, and says what became of it. */
const finalExplanationOf = (key: string) =>
  until(async () => {
    const explanation = await explanationOf(key);
    return explanation.verdict === 'in_progress' ? undefined : explanation;
  });

describe('what is pushed to the page', () => {
  test('a dropped file becomes a task whose frames can be looked at', async () => {
    const key = await uploadFromPage('dropped <b>中</b>.mp4', clip);
    const task = await until(() =>
      page.sent('tasks').findLast((sent) => sent.key === key && sent.status === 'SUCCEEDED'),
    );
    expect(task).toMatchObject({ frameCount: 4, isArchive: false, bucket: 'videos' });
    expect(page.sent('tasks').find((sent) => sent.id === task.id)?.status).not.toBe('SUCCEEDED');
    await until(() => page.sent('uploads').findLast((sent) => sent.key === key)?.report?.taskId === task.id);

    const { frames } = await page.get<FrameList>(`frames?task=${task.id}`);
    expect(frames.map(({ timeSeconds }) => timeSeconds)).toEqual([0, 5, 10, 12]);
    for (const { url } of frames) {
      const picture = await fetch(`${root}/_console/${url}`);
      expect(picture.headers.get('content-type')).toBe('image/jpeg');
    }
    const video = await fetch(`${root}/_console/video?key=${encodeURIComponent(key)}`);
    expect(Buffer.from(await video.arrayBuffer()).equals(clip)).toBe(true);
  });

  test('a page that is opened later gets the same', async () => {
    const key = await uploadFromPage('early.mp4', clip);
    await until(() => page.sent('tasks').find((sent) => sent.key === key && sent.status === 'SUCCEEDED'));
    // The files beside the frames come later, those of the video before as well: what each page was sent last is compared.
    const later = await until(async () => {
      const opened = await OpenPage.open(root);
      opened.close();
      const sent = page.sent('tasks').findLast((task) => task.key === key);
      return isDeepStrictEqual(opened.state.tasks[0], sent) ? opened : undefined;
    });
    expect(later.state.uploads[0]?.key).toBe(key);
    expect(later.state.settings.map(({ functionName }) => functionName).sort()).toEqual([
      'cancel',
      'create',
      'on-finish',
      'on-upload',
      'query',
    ]);
  });

  test('an upload that is deleted disappears from the page', async () => {
    const key = await uploadFromPage('short-lived.txt', Buffer.from('x'));
    await until(() => page.sent('uploads').some((sent) => sent.key === key));
    await service.cloud.store.delete('videos', key);
    await until(() => page.changes.some(({ removedUploads }) => removedUploads?.includes(key)));
  });

  test('many changes become few messages, and no list grows beyond its limit', async () => {
    const before = page.changes.length;
    const { store } = service.cloud;
    const count = LIMITS.uploads + 50;
    for (let number = 0; number < count; number++) {
      await store.put('videos', `many/${number}.txt`, Buffer.from('x'));
    }
    await until(() => page.sent('uploads').some(({ key }) => key === `many/${count - 1}.txt`));
    expect(page.changes.length - before).toBeLessThan(count / 10);
    const later = await OpenPage.open(root);
    later.close();
    expect(later.state.uploads).toHaveLength(LIMITS.uploads);
    expect(later.state.events.length).toBeLessThanOrEqual(LIMITS.events);
    for (let number = 0; number < count; number++) await store.delete('videos', `many/${number}.txt`);
  });
});

describe('invocations', () => {
  test('are shown with each attempt, its log and whether it was cold', async () => {
    const key = await uploadFromPage('logged.mp4', clip);
    const event = await until(() =>
      page.sent('events').findLast((sent) => sent.key === key && sent.deliveries[0]?.state === 'succeeded'),
    );
    const id = event.deliveries[0]?.requestId;
    const detail = await page.get<InvocationDetail>(`invocation?id=${id}`);
    expect(detail).toMatchObject({ functionName: 'on-upload', trigger: 'OBS', state: 'succeeded' });
    expect(detail.attempts).toHaveLength(1);
    expect(detail.attempts[0]?.log?.some(({ text }) => text.includes('upload.processed'))).toBe(true);
    expect(JSON.parse(detail.event).Records).toHaveLength(1);
  });
});

describe('events', () => {
  test('delivered again, even twice, start no second task', async () => {
    const key = await uploadFromPage('again.mp4', clip);
    expect((await finalExplanationOf(key)).reason).toBe('succeeded');
    const event = await until(() => page.sent('events').findLast((sent) => sent.key === key));
    for (const times of [1, 2]) {
      const { body } = await page.post<{ requestIds: string[] }>('deliver', { event: event.id, times });
      expect(body.requestIds).toHaveLength(times);
    }
    await until(() => {
      const deliveries = page.sent('events').findLast((sent) => sent.id === event.id)?.deliveries;
      return deliveries?.length === 4 && deliveries.every(({ state }) => state === 'succeeded');
    });
    const deliveries = page.sent('events').findLast((sent) => sent.id === event.id)?.deliveries;
    expect(deliveries?.map(({ isReplay }) => isReplay)).toEqual([false, true, true, true]);
    const { body } = await service.call<{ total: number }>(
      'GET',
      `/snapshots?object=${encodeURIComponent(key)}`,
    );
    expect(body.total).toBe(1);
  });

  test('that do not exist cannot be delivered', async () => {
    expect(await page.post('deliver', { event: 'nothing', times: 1 })).toMatchObject({ status: 404 });
    expect(await page.post('deliver', { key: 'nothing', times: 1 })).toMatchObject({ status: 404 });
    expect(await page.post('deliver', { key: 'nothing', times: 3 })).toMatchObject({ status: 400 });
  });
});

describe('timers', () => {
  test('fire on request', async () => {
    const { body } = await page.post<{ requestId: string }>('fire', {
      functionName: 'on-upload',
      timer: 'sweep',
    });
    await until(() =>
      page
        .sent('invocations')
        .find(({ requestId, state }) => requestId === body.requestId && state === 'succeeded'),
    );
    expect(page.state.timers.map(({ name }) => name).sort()).toEqual(['clean-up', 'finish', 'sweep']);
    for (const { nextAtMs } of page.state.timers) expect(nextAtMs).toBeGreaterThan(Date.now());
  });

  test('that do not exist are named in the error', async () => {
    const answer = await page.post('fire', { functionName: 'on-upload', timer: 'tea' });
    expect(answer).toEqual({ status: 404, body: { error: 'function on-upload has no timer "tea"' } });
  });
});

describe('the fault dial', () => {
  afterEach(() => page.post('faults', { shares: {} }));

  test('injects faults at once, and the page shows each', async () => {
    const { body } = await page.post<FaultDial>('faults', { shares: { drop: 1 }, seed: 7 });
    expect(body.seed).toBe(7);
    const key = await uploadFromPage('lost.mp4', clip);
    const explanation = await until(async () => {
      const said = await explanationOf(key);
      return said.reason === 'event_dropped' ? said : undefined;
    });
    expect(explanation).toMatchObject({ verdict: 'not_captured' });
    expect(explanation.remedy).toContain('sweep');
    await until(() => page.changes.some(({ faults }) => faults?.hits[0]?.name === 'drop'));
    await page.post('faults', { shares: {} });
    await page.post('deliver', { key, times: 1 });
    expect(await finalExplanationOf(key)).toMatchObject({ verdict: 'captured', reason: 'succeeded' });
  });

  test('breaks calls of functions, and stops doing so', async () => {
    await page.post('faults', { shares: { 'mpc.500': 1 } });
    const key = await uploadFromPage('broken-mpc.mp4', clip);
    const explanation = await until(async () => {
      const said = await explanationOf(key);
      return said.reason === 'invocation_failed' ? said : undefined;
    });
    expect(explanation.steps.find(({ what }) => what === 'delivery')?.text).toContain('4 attempts');
    await page.post('faults', { shares: {} });
    const next = await uploadFromPage('whole-mpc.mp4', clip);
    expect((await finalExplanationOf(next)).reason).toBe('succeeded');
  });

  test('refuses unknown faults', async () => {
    expect(await page.post('faults', { shares: { rain: 1 } })).toEqual({
      status: 400,
      body: { error: 'there is no fault "rain"' },
    });
    expect(await page.post('faults', { shares: { drop: 2 } })).toMatchObject({ status: 400 });
    expect(await page.post('faults', { shares: {}, seed: 2 ** 32 })).toMatchObject({ status: 400 });
  });
});

describe('explain', () => {
  test('shows the reason code of an upload that on-upload skipped', async () => {
    const key = await uploadFromPage('note.txt', Buffer.from('hello'));
    expect(await finalExplanationOf(key)).toMatchObject({ verdict: 'not_captured', reason: 'not_a_video' });
  });

  test('says why a task failed', async () => {
    const key = await uploadFromPage('no-video.mp4', Buffer.from('hello'));
    const explanation = await finalExplanationOf(key);
    expect(explanation).toMatchObject({ verdict: 'not_captured', reason: 'failed' });
    expect(explanation.steps.find(({ what }) => what === 'task')?.text).toMatch(/is FAILED: ./);
  });

  test('says that a key was never uploaded', async () => {
    expect(await explanationOf('uploads/nowhere.mp4')).toMatchObject({
      verdict: 'not_found',
      reason: 'no_such_object',
    });
  });
});

/** Uploads the clip and waits until the receiver has its notice. */
async function noticeOf(name: string) {
  const key = await uploadFromPage(name, clip);
  const task = await until(() =>
    page.sent('tasks').findLast((sent) => sent.key === key && sent.status === 'SUCCEEDED'),
  );
  const notice = await until(() =>
    page.sent('notices').findLast((sent) => sent.task === task.id && sent.state === 'sent'),
  );
  return { key, task, notice };
}

describe('a notice', () => {
  test('that was sent is sent again with the same id', async () => {
    const { task, notice } = await noticeOf('notified.mp4');
    expect(notice).toMatchObject({ type: 'snapshots.succeeded', attempts: 1, lastAnswer: '2xx' });
    expect(notice.nextAttemptAtMs).toBeUndefined();
    const { status, body } = await page.post<SendNoticeAnswer>('send-notice', { notice: notice.id });
    expect(status).toBe(200);
    await until(() => received.filter(({ id }) => id === notice.id).length === 2);
    const [first, second] = received.filter(({ id }) => id === notice.id);
    expect([first?.answer, second?.answer]).toEqual([204, 204]);
    expect(first?.value).toMatchObject({ data: { task_id: task.id } });
    await until(() =>
      page
        .sent('invocations')
        .some(
          ({ requestId, about, state }) =>
            requestId === body.requestId && about === 'finish' && state === 'succeeded',
        ),
    );
    await until(() => page.sent('notices').findLast(({ id }) => id === notice.id)?.state === 'sent');
  });

  test('that does not exist cannot be sent', async () => {
    expect(await page.post('send-notice', { notice: 'nothing' })).toMatchObject({ status: 404 });
  });
});

describe('results', () => {
  test('list the published files, each with an address that opens', async () => {
    const { key, task } = await noticeOf('results.mp4');
    const { files, embed } = await page.get<Results>(`results?task=${task.id}`);
    expect(files.map(({ name }) => name)).toEqual(['storyboard.vtt', 'sprite.vtt', 'sprite-1.jpg']);
    expect(files[0]?.address).toBe(
      `${service.cloud.addresses.obs}/snapshots/snapshots/${key}/storyboard.vtt`,
    );
    for (const { url, sizeBytes } of files) {
      const file = await fetch(`${root}/_console/${url}`);
      expect((await file.arrayBuffer()).byteLength).toBe(sizeBytes);
    }
    expect((await fetch(`${root}/_console/file?task=${task.id}&name=0.jpg`)).status).toBe(404);
    for (const address of [embed.video, embed.poster, embed.track]) {
      expect((await fetch(address ?? '')).status).toBe(200);
    }
    await until(() => page.sent('tasks').findLast(({ id }) => id === task.id)?.publishedFiles === 2);
  });
});

describe('the quota', () => {
  test('says which function called MPC how often in each minute', async () => {
    const count = () =>
      page
        .sent('mpcCalls')
        .filter(({ caller, operation }) => caller === 'on-upload' && operation === 'create')
        .reduce((most, calls) => new Map(most).set(calls.id, calls.count), new Map<string, number>());
    const total = () => [...count().values()].reduce((a, b) => a + b, 0);
    const before = total();
    const key = await uploadFromPage('counted.mp4', clip);
    expect((await finalExplanationOf(key)).reason).toBe('succeeded');
    await until(() => total() === before + 1);
    expect(page.state.quota.callsPerMinute).toBe(100);
  });

  test('counts uploads that wait or are tried again, since when, and names those that MPC refuses', async () => {
    const { store } = service.cloud;
    // As on-upload names its records; the times lie in the past, the earlier one in the later folder.
    const names = ['waiting/aa/1700000000000-1', 'waiting/bb/1600000000000-2', 'later/3'];
    for (const name of names) await store.put('snapshots', `.mpc-snapshots/${name}.json`, Buffer.from('{}'));
    const quota = await until(() =>
      page.changes.findLast(
        (change) => change.quota?.waiting?.count === 2 && change.quota.later?.count === 1,
      ),
    );
    expect(quota.quota?.waiting).toEqual({ count: 2, oldestMs: 1_600_000_000_000 });
    expect(quota.quota?.refused).toEqual([]);
    const recordKey = '.mpc-snapshots/later/4.1800000000000.refused.json';
    const upload = { bucket: 'videos', key: 'uploads/broken.mp4' };
    await store.put('snapshots', recordKey, Buffer.from(JSON.stringify(upload)));
    const sooner = { bucket: 'videos', key: 'uploads/sooner.mp4' };
    const soonerKey = '.mpc-snapshots/later/5.1790000000000.refused.json';
    await store.put('snapshots', soonerKey, Buffer.from(JSON.stringify(sooner)));
    const told = await until(() => page.changes.findLast((change) => change.quota?.refused?.length === 2));
    expect(told.quota?.refused).toEqual([
      { ...sooner, againAtMs: 1_790_000_000_000 },
      { ...upload, againAtMs: 1_800_000_000_000 },
    ]);
    expect(told.quota?.refusedCount).toBe(2);
    for (const key of [recordKey, soonerKey]) await store.delete('snapshots', key);
    for (const name of names) await store.delete('snapshots', `.mpc-snapshots/${name}.json`);
    await until(() => page.changes.at(-1)?.quota?.waiting?.count === 0);
  });
});

describe('the request log', () => {
  const signed = (secretKey: string, url: string) => {
    const headers = AKSKSigner.sign(
      {
        method: 'GET',
        endpoint: url,
        headers: { 'content-type': 'application/json' },
        queryParams: {},
      } as never,
      { getAk: () => service.cloud.accessKey.accessKey, getSk: () => secretKey } as never,
    ) as Record<string, string>;
    delete headers.host;
    return headers;
  };

  test('shows the signature doctor’s explanation of what MPC refused', async () => {
    const { addresses, accessKey } = service.cloud;
    const url = `${addresses.mpc}/v1/${accessKey.projectId}/thumbnails`;
    expect((await fetch(url, { headers: signed('another', url) })).status).toBe(401);
    const entry = await until(() => page.sent('requests').findLast(({ status }) => status === 401));
    expect(entry).toMatchObject({ service: 'MPC', errorCode: 'APIGW.0301' });
    expect(entry.signature?.explanation).toContain('the secret key is probably not that of');
  });

  test('shows what OBS signed when a signature does not match', async () => {
    const { body } = await page.post<UploadUrl>('upload-url', { name: 'x.mp4' });
    const url = body.url.replace(/Signature=[^&]+/, 'Signature=AAAA');
    expect((await fetch(url, { method: 'PUT', body: 'x' })).status).toBe(403);
    const entry = await until(() =>
      page.sent('requests').findLast(({ errorCode }) => errorCode === 'SignatureDoesNotMatch'),
    );
    expect(entry.signature?.expected).toContain('/videos/uploads/x.mp4');
    expect(JSON.stringify(entry)).not.toContain('AAAA');
  });

  test('leaves out requests for pictures and videos that the console itself shows', async () => {
    const { body } = await page.post<UploadUrl>('upload-url', { name: 'shown.txt' });
    expect((await fetch(body.url, { method: 'PUT', body: Buffer.from('x') })).status).toBe(200);
    expect(await (await fetch(`${root}/_console/video?key=uploads/shown.txt`)).text()).toBe('x');
    // The same object for somebody else, later: once that is there, the first would be too.
    const { addresses } = service.cloud;
    expect((await fetch(`${addresses.obs}/videos/uploads/shown.txt`)).status).toBe(403);
    await until(() =>
      page.sent('requests').find(({ path, status }) => path.endsWith('shown.txt') && status === 403),
    );
    const requests = page.sent('requests').filter(({ path }) => path.endsWith('shown.txt'));
    expect(requests.map(({ method, status }) => [method, status])).toEqual([
      ['PUT', 200],
      ['GET', 403],
    ]);
  });

  test('leads from a call of the API to its invocation', async () => {
    await service.call('GET', '/snapshots?size=1');
    const entry = await until(() =>
      page.sent('requests').findLast(({ path }) => path === '/snapshots?size=1'),
    );
    const detail = await page.get<InvocationDetail>(`invocation?id=${entry.invocationId}`);
    expect(detail.functionName).toBe('query');
  });
});

describe('strangers', () => {
  test('that resolve their own name to this machine see nothing', async () => {
    const { port } = new URL(root);
    const status = await new Promise((resolve) => {
      request({ port, path: '/_console/state', headers: { host: 'evil.example' } }, (response) => {
        response.resume();
        resolve(response.statusCode);
      }).end();
    });
    expect(status).toBe(403);
  });

  test.each([
    { origin: 'http://evil.example' },
    { origin: 'null' },
    { origin: 'http://localhost:3000', 'sec-fetch-site': 'same-site' },
    { 'sec-fetch-site': 'cross-site' },
  ])('that ask from elsewhere are refused: %o', async (headers) => {
    const { status } = await page.post('faults', { shares: { drop: 1 } }, headers as never);
    expect(status).toBe(403);
    const read = await fetch(`${root}/_console/state`, { headers: headers as never });
    expect(read.status).toBe(403);
  });

  test('cannot send a form', async () => {
    const { status } = await page.post('fire', {}, { 'content-type': 'text/plain' });
    expect(status).toBe(415);
  });
});

test('the root redirects to the page, which may load nothing from other origins', async () => {
  const response = await fetch(root);
  expect(response.url).toBe(`${root}/_console/`);
  expect(await response.text()).toContain('<title>');
});

test.each(['', 'api', 'openapi.json', 'swagger-ui.js'])(
  'the page "%s" may load only its own resources, and no page of another site may load it',
  async (name) => {
    const response = await fetch(`${root}/_console/${name}`);
    expect(response.status).toBe(200);
    await response.arrayBuffer();
    const policy = response.headers.get('content-security-policy') ?? '';
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("script-src 'self';");
    expect(policy).not.toContain('unsafe');
    expect(response.headers.get('cross-origin-resource-policy')).toBe('same-origin');
    expect(response.headers.get('access-control-allow-origin')).toBeNull();
  },
);

test('an unknown address of the console is answered with an error', async () => {
  for (const name of [
    'nothing',
    '../console.ts',
    'page/main.tsx',
    '%2e%2e/console.ts',
    'frames',
    'invocation?id=1',
  ]) {
    const response = await fetch(`${root}/_console/${name}`);
    expect([400, 404]).toContain(response.status);
  }
});
