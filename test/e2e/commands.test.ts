import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Explanation, Task } from '../../console/server/console-api';
import { makeClip } from '../clip';
import { localCommand } from '../local-command';
import { until } from '../wait';
import { LocalService } from './local-service';

/** Moves the cursor, turns the direction of writing, and is no video. */
const HOSTILE_KEY = 'uploads/\u202egpj.\u001b[2Jnote.txt';

let service: LocalService;
let port: string;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'commands-test-'));
  service = await LocalService.start();
  port = new URL(service.cloud.addresses.gateway).port;
  const clip = await readFile(await makeClip({ seconds: 12 }));
  await service.upload('uploads/whole.mp4', clip);
  await service.upload('uploads/broken.mp4', Buffer.from('no video'));
  await service.upload('uploads/note.txt', Buffer.from('no video'));
  await service.finalTaskOf('uploads/whole.mp4');
  await service.finalTaskOf('uploads/broken.mp4');
}, 30_000);
afterAll(async () => {
  await service.stop();
  await rm(folder, { recursive: true, force: true });
});

const run = (args: readonly string[], env: NodeJS.ProcessEnv = {}) =>
  localCommand(args, { env: { ...process.env, ...env } });
const ask = (...args: string[]) => run([...args, '--port', port]);

describe('explain', () => {
  test.each([
    ['uploads/whole.mp4', 0, 'captured', 'succeeded'],
    ['uploads/note.txt', 1, 'not_captured', 'not_a_video'],
    ['uploads/nowhere.mp4', 1, 'not_found', 'no_such_object'],
  ])('of %s ends with %i', async (key, code, verdict, reason) => {
    const ended = await ask('explain', key, '--json');
    expect(ended.code).toBe(code);
    expect(JSON.parse(ended.stdout) as Explanation).toMatchObject({ key, verdict, reason });
  });

  test('explains step by step what became of an upload', async () => {
    const { code, stdout } = await ask('explain', 'uploads/broken.mp4');
    expect(code).toBe(1);
    expect(stdout).toContain('videos/uploads/broken.mp4: not captured (failed)\n');
    for (const step of ['object    ok', 'delivery  ok', 'task      problem']) expect(stdout).toContain(step);
  });

  test('of a hostile key sends no control characters to the terminal', async () => {
    await service.cloud.store.put('videos', HOSTILE_KEY, Buffer.from('x'));
    const { stdout } = await ask('explain', HOSTILE_KEY);
    expect(stdout).toContain('\\u202egpj.\\u001b[2Jnote.txt');
    // biome-ignore lint/suspicious/noControlCharactersInRegex: that there are none is the point.
    expect(stdout).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u202e]/);
  });
});

describe('tasks', () => {
  test('are listed, newest first', async () => {
    const { code, stdout } = await ask('tasks', '--json');
    expect(code).toBe(0);
    const listed = JSON.parse(stdout) as Task[];
    expect(listed.map(({ key }) => key).sort()).toEqual(['uploads/broken.mp4', 'uploads/whole.mp4']);
    expect(Number(listed[0]?.id)).toBeGreaterThan(Number(listed[1]?.id));
  });

  test('can be picked by their status', async () => {
    const { code, stdout } = await ask('tasks', '--status', 'failed');
    expect(code).toBe(0);
    expect(stdout).toMatch(/FAILED .* videos\/uploads\/broken\.mp4: ./);
    expect(stdout).not.toContain('whole.mp4');
    expect(await ask('tasks', '--status', 'waiting')).toMatchObject({ code: 1, stdout: 'no tasks\n' });
  });
});

describe('frames', () => {
  test('are listed with their times and addresses', async () => {
    const { code, stdout } = await ask('frames', 'uploads/whole.mp4');
    expect(code).toBe(0);
    const [first = '', ...rows] = stdout.trimEnd().split('\n');
    expect(first).toMatch(/^uploads\/whole\.mp4: task \d+ is SUCCEEDED$/);
    expect(rows.map((row) => row.trim().split(/ {2,}/).slice(0, 2))).toEqual([
      ['0 s', '0.jpg'],
      ['5 s', '5.jpg'],
      ['10 s', '10.jpg'],
      ['12 s', '12.jpg'],
    ]);
    const address = rows[0]?.split(/ {2,}/).at(-1) ?? '';
    expect((await fetch(address)).headers.get('content-type')).toBe('image/jpeg');
  });

  test.each([
    ['uploads/broken.mp4', /is FAILED: ./],
    ['uploads/note.txt', /^$/],
  ])('of %s are not there, which ends with 1', async (key, printed) => {
    const { code, stdout } = await ask('frames', key);
    expect(code).toBe(1);
    expect(stdout).toMatch(printed);
  });

  test('open in the browser as a contact sheet', async () => {
    const seen = path.join(folder, 'seen.txt');
    const browser = path.join(folder, 'browser');
    await writeFile(browser, `#!/bin/sh\nprintf %s "$1" > '${seen}.part' && mv '${seen}.part' '${seen}'\n`);
    await chmod(browser, 0o755);
    const { code } = await run(['frames', 'uploads/whole.mp4', '--open', '--port', port], {
      BROWSER: browser,
    });
    expect(code).toBe(0);
    const address = await until(() => readFile(seen, 'utf8').catch(() => undefined));
    const sheet = await fetch(address);
    expect(sheet.headers.get('content-type')).toContain('text/html');
    expect((await sheet.text()).match(/<img /g)).toHaveLength(4);
  });
});

describe('an upload that has no pictures yet', () => {
  let slow: LocalService;
  beforeAll(async () => {
    slow = await LocalService.start({ mpc: { behaviour: { queueDelayMs: 3_600_000 } } });
    await slow.upload('uploads/slow.mp4', Buffer.from('whatever'));
    await until(() => slow.taskOf('uploads/slow.mp4'));
  }, 30_000);
  afterAll(() => slow.stop());
  const askSlow = (...args: string[]) =>
    run([...args, '--json'], { API_ENDPOINT: slow.cloud.addresses.gateway });

  test('is waited for, is reported as queued, and the command ends with 3', async () => {
    const frames = await askSlow('frames', 'uploads/slow.mp4', '--wait', '1');
    expect(frames.code).toBe(3);
    expect(JSON.parse(frames.stdout)).toMatchObject({ status: 'WAITING' });
    const explained = await askSlow('explain', 'uploads/slow.mp4');
    expect(explained.code).toBe(3);
    expect(JSON.parse(explained.stdout)).toMatchObject({ verdict: 'in_progress', reason: 'waiting' });
    const tasks = await askSlow('tasks', '--status', 'WAITING');
    expect(JSON.parse(tasks.stdout)).toMatchObject([{ queuePosition: 1 }]);
  });
});

test('the event of an upload can be delivered by hand, and starts no second task', async () => {
  const { code, stdout } = await ask('deliver', 'uploads/whole.mp4', '--twice', '--json');
  expect(code).toBe(0);
  const { requestIds } = JSON.parse(stdout) as { requestIds: string[] };
  await until(() =>
    requestIds.every((id) =>
      service.invocations.some(({ requestId, state }) => requestId === id && state === 'succeeded'),
    ),
  );
  const { body } = await service.call<{ total: number }>('GET', '/snapshots?object=uploads/whole.mp4');
  expect([requestIds.length, body.total]).toEqual([2, 1]);
  expect((await ask('deliver', 'uploads/nowhere.mp4')).code).toBe(1);
});

test('an event can be kept in a file and given to a function', async () => {
  const key = 'uploads/note.txt';
  const event = await run(['event', 'obs-put', '--key', key, '--json']);
  const file = path.join(folder, 'event.json');
  await writeFile(file, event.stdout);
  const { code, stdout } = await ask('invoke', 'on-upload', '-e', file, '--json');
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toEqual({ records: [{ bucket: 'videos', key, skipped: 'not_a_video' }] });
});

test('wrong arguments end with 2 and say in one line what is wrong', async () => {
  const wrong = [
    ['explain'],
    ['explain', 'a', 'b'],
    ['deliver'],
    ['frames', 'a', '--wait', 'long'],
    ['tasks', '--status', 'tired'],
    ['tasks', '--colour'],
    ['console'],
  ];
  const ended = await Promise.all(wrong.map((args) => run(args, { API_ENDPOINT: '' })));
  for (const { code, stdout, stderr } of ended) {
    expect(code).toBe(2);
    expect(stdout).toBe('');
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
  }
});

test('without a running cloud the commands say how to start one, and end with 2', async () => {
  const { code, stderr } = await run(['tasks', '--port', '9']);
  expect(code).toBe(2);
  expect(stderr).toBe(
    'no local cloud answers at http://127.0.0.1:9: start one with npm start, or name the port of a running one with --port N\n',
  );
});
