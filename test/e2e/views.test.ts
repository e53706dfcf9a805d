import { readFile } from 'node:fs/promises';
import type { Task } from '../../client/src';
import { makeClip } from '../clip';
import { parseWebVtt } from '../parse-web-vtt';
import { readFrameTimeMs } from '../read-frame-time';
import { until } from '../wait';
import { download, fetchDescribed, LocalService } from './local-service';

const KEY = `shows/<img src=x onerror=alert(1)> --> "it's" \u202e🎬.mp4`;
const OBJECT = `object=${encodeURIComponent(KEY)}`;
const input = { bucket: 'videos', object: KEY };

const PAGE = 'https://player.example.com';
let service: LocalService;
let task: Task;

beforeAll(async () => {
  service = await LocalService.start({
    origins: [PAGE],
    mpc: {
      callsPerMinute: 10_000,
      behaviour: { pictureOrder: 'shuffled', outputTrailingSlash: true, idsAs: 'number', timesAs: 'number' },
    },
  });
  service.setUserData({ PUBLISH: 'vtt,storyboard,poster,index,sprite' });
  await service.upload(KEY, await readFile(await makeClip({ seconds: 12 })));
  task = await service.finalTaskOf(KEY);
}, 60_000);
afterAll(() => service.stop());

const get = (path: string) =>
  fetchDescribed(`${service.cloud.addresses.gateway}/snapshots${path}`, {
    redirect: 'manual',
    headers: { origin: PAGE },
  });

const create = async (body: object): Promise<string> => {
  const answer = await service.call('POST', '/snapshots', { input, ...body });
  expect(answer.status).toBe(202);
  return String(answer.body.task_id);
};

// First of all: what callers create below writes files of its own there.
describe('format=sprite', () => {
  test('is the published track of tiles, with addresses that can be fetched', async () => {
    const response = await until(async () => {
      const response = await get(`/${task.task_id}?format=sprite`);
      if (response.status === 200) return response;
      expect([response.status, response.headers.get('retry-after')]).toEqual([409, '3']);
      return undefined;
    });
    expect(response.headers.get('content-type')).toBe('text/vtt');
    expect(response.headers.get('access-control-allow-origin')).toBe('*');
    const tiles = parseWebVtt(await response.text()).map(({ text }) => new URL(text));
    expect(tiles.map(({ hash }) => hash)).toEqual([
      '#xywh=0,0,160,90',
      '#xywh=160,0,160,90',
      '#xywh=320,0,160,90',
      '#xywh=480,0,160,90',
    ]);
    expect(new Set(tiles.map(({ pathname }) => pathname.split('/').at(-1)))).toEqual(
      new Set(['sprite-1.jpg']),
    );
    const sheet = await fetch(tiles[0]!);
    expect([sheet.status, sheet.headers.get('content-type')]).toEqual([200, 'image/jpeg']);
  });
});

describe('format=vtt', () => {
  test('is a track whose every cue shows the frame of its first moment', async () => {
    const response = await get(`/${task.task_id}?format=vtt`);
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('text/vtt');
    expect(response.headers.get('access-control-allow-origin')).toBe('*');
    const cues = parseWebVtt(await response.text());
    expect(cues.map(({ startTime, endTime }) => [startTime, endTime])).toEqual([
      [0, 5],
      [5, 10],
      [10, 12],
      [12, 13],
    ]);
    const shown = await Promise.all(cues.map(async ({ text }) => readFrameTimeMs(await download(text))));
    // The last frame of 12 s begins 40 ms before the end.
    expect(shown).toEqual([0, 5000, 10_000, 11_960]);
  });

  test('is cached by the browser for less time than its addresses are valid', async () => {
    const response = await get(`/${task.task_id}?format=vtt`);
    const maxAge = /^private, max-age=(\d+)$/.exec(response.headers.get('cache-control') ?? '')?.[1];
    const [cue] = parseWebVtt(await response.text());
    const lifetimeSeconds = Number(new URL(cue?.text ?? '').searchParams.get('Expires')) - Date.now() / 1000;
    expect(Number(maxAge)).toBeGreaterThan(0);
    expect(Number(maxAge)).toBeLessThan(lifetimeSeconds / 2);
  });

  test('of a video is that of its newest task that succeeded', async () => {
    const only = await create({ thumbnail_para: { type: 'DOTS', dots: [7, 3] } });
    await service.finalTask(only);
    const failed = await create({ thumbnail_para: { type: 'DOTS', dots: [9999] } });
    await service.finalTask(failed);
    const cues = parseWebVtt(await (await get(`?${OBJECT}&bucket=videos&format=vtt`)).text());
    expect(cues.map(({ startTime }) => startTime)).toEqual([3, 7]);
  });

  test.each([
    [
      'has failed',
      { thumbnail_para: { type: 'DOTS', dots: [9999] } },
      /The task has failed: .*(end|duration)/i,
    ],
    ['has packed its pictures', { tar: 0 }, /packed in \S+\.tar; create a task with tar 1/],
  ])('of a task that %s is a clear error, also for a page of another origin', async (_, body, reason) => {
    const id = await create(body);
    await service.finalTask(id);
    for (const format of ['vtt', 'storyboard', 'poster']) {
      const response = await get(`/${id}?format=${format}`);
      expect(response.status).toBe(422);
      expect(response.headers.get('access-control-allow-origin')).toBe(format === 'poster' ? PAGE : '*');
      expect(await response.json()).toMatchObject({
        error_code: 'MPC.10212',
        error_msg: expect.stringMatching(reason),
      });
    }
  });

  test('of a video that nobody captured is 404', async () => {
    const response = await get('?object=nobody/knows.mp4&format=vtt');
    expect(response.status).toBe(404);
    expect(await response.json()).toMatchObject({ error_code: 'MPC.10211' });
  });
});

test('format=storyboard is the same track as JSON for players, with exactly the media type that they expect', async () => {
  const response = await get(`/${task.task_id}?format=storyboard`);
  expect(response.headers.get('content-type')).toBe('application/json');
  expect(response.headers.get('access-control-allow-origin')).toBe('*');
  const url = expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\/snapshots\/.*\.jpg\?/);
  expect(await response.json()).toEqual([
    { url, startTime: 0, endTime: 5 },
    { url, startTime: 5, endTime: 10 },
    { url, startTime: 10, endTime: 12 },
    { url, startTime: 12, endTime: 13 },
  ]);
});

test('format=json is the task itself, which pages of other origins cannot read', async () => {
  const response = await get(`/${task.task_id}?format=json`);
  expect(response.headers.get('access-control-allow-origin')).toBe(PAGE);
  expect(await response.json()).toMatchObject({
    task_id: task.task_id,
    thumbnail_info: [
      { pic_name: '0.jpg', time: 0, end_time: 5 },
      { pic_name: '5.jpg', time: 5, end_time: 10 },
      { pic_name: '10.jpg', time: 10, end_time: 12 },
      { pic_name: '12.jpg', time: 12, end_time: 13 },
    ],
  });
});

test('format=html is a page that needs only its pictures', async () => {
  const response = await get(`/${task.task_id}?format=html`);
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8');
  expect(response.headers.get('content-security-policy')).toContain(
    `img-src ${service.cloud.addresses.obs};`,
  );
  const page = await response.text();
  const pictures = [...page.matchAll(/<img [^>]*src="([^"]+)"/g)].map(([, url = '']) =>
    url.replaceAll('&#38;', '&'),
  );
  expect(pictures).toHaveLength(4);
  expect(readFrameTimeMs(await download(pictures[1]))).toBe(5000);
  expect(page).not.toContain('<img src=x');
});

describe('format=poster', () => {
  const posterOf = async (id: string) => {
    const response = await get(`/${id}?format=poster`);
    expect(response.status).toBe(302);
    return response.headers.get('location') ?? '';
  };

  test('redirects to the frame at a third, and skips one that is nearly empty', async () => {
    const id = await create({ original_dir: 1, thumbnail_para: { type: 'TIME', time: 2 } });
    const { output } = await service.finalTask(id);
    expect(readFrameTimeMs(await download(await posterOf(id)))).toBe(4000);
    await service.upload(`${output!.object}4.jpg`, Buffer.alloc(900), output!.bucket);
    expect(readFrameTimeMs(await download(await posterOf(id)))).toBe(2000);
  });

  test('redirects to the second of two frames, and to the only one', async () => {
    const two = await create({ thumbnail_para: { type: 'DOTS', dots: [0, 8] } });
    await service.finalTask(two);
    expect(readFrameTimeMs(await download(await posterOf(two)))).toBe(8000);
    const one = await create({ sync: 1 });
    expect(readFrameTimeMs(await download(await posterOf(one)))).toBe(0);
  });
});

describe('before a task is final', () => {
  let slow: LocalService;
  beforeAll(async () => {
    slow = await LocalService.start({ mpc: { behaviour: { queueDelayMs: 2_000 } } });
    await slow.upload('a.mp4', await readFile(await makeClip({ seconds: 12 })));
  }, 30_000);
  afterAll(() => slow.stop());

  test('tracks are empty and valid, a cover is 409, and waiting ends with the frames', async () => {
    const { body } = await slow.call('POST', '/snapshots', { input: { bucket: 'videos', object: 'a.mp4' } });
    const at = `${slow.cloud.addresses.gateway}/snapshots/${body.task_id}`;
    const track = await fetchDescribed(`${at}?format=vtt`);
    expect(track.headers.get('cache-control')).toBe('no-store');
    expect(parseWebVtt(await track.text())).toEqual([]);
    expect(await (await fetchDescribed(`${at}?format=storyboard`)).json()).toEqual([]);
    expect(await (await fetchDescribed(`${at}?format=html`)).text()).toMatch(/WAITING|PROCESSING/);
    const cover = await fetchDescribed(`${at}?format=poster`, { redirect: 'manual' });
    expect(cover.status).toBe(409);
    expect(Number(cover.headers.get('retry-after'))).toBeGreaterThan(0);
    const waited = await fetchDescribed(`${at}?format=vtt&wait=25`);
    expect(parseWebVtt(await waited.text())).toHaveLength(4);
  });
});

test('waiting is limited to the function’s time, and ends at once for a cancelled task', async () => {
  const stuck = await LocalService.start({ mpc: { behaviour: { queueDelayMs: 3_600_000 } } });
  try {
    for (const { configuration } of stuck.cloud.functiongraph.functions()) configuration.timeout = 4;
    const { body } = await stuck.call('POST', '/snapshots', { input });
    const waited = await stuck.call('GET', `/snapshots/${body.task_id}?wait=900`);
    expect(waited).toMatchObject({ status: 200, body: { status: 'WAITING' } });
    await stuck.call('DELETE', `/snapshots/${body.task_id}`);
    const cancelled = await stuck.call('GET', `/snapshots/${body.task_id}?format=vtt&wait=900`);
    expect(cancelled).toMatchObject({ status: 422, body: { error_msg: 'The task was cancelled' } });
  } finally {
    await stuck.stop();
  }
});

test.each([
  ['/1?format=xml', 'format must be one of json, vtt, storyboard, sprite, html, poster, got "xml"'],
  ['/1?wait=901', 'wait must be a whole number from 0 to 900 s, got "901"'],
  ['?format=vtt', 'format must come with object=… or with the task id in the path'],
  [`?${OBJECT}&wait=5`, 'wait must come with the task id in the path'],
])('%s is refused with a clear message', async (path, message) => {
  const response = await get(path);
  expect(response.status).toBe(400);
  expect(await response.json()).toMatchObject({
    error_code: 'MPC.10202',
    error_msg: expect.stringContaining(message),
  });
});
