import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Cloud, startCloud } from '../../../local/cloud';
import { until } from '../../wait';
import { copyOfTheProject } from '../copy-of-the-project';

const ROOT = path.resolve(__dirname, '..', '..', '..');
const SAMPLE_VIDEO = path.join(ROOT, 'tools', 'sample-video', 'sample.mp4');

// A process for every command, on a machine that may have others to run.
jest.setTimeout(240_000);

let folder: string;
let home: string;
let cloud: Cloud;
beforeAll(async () => {
  cloud = await startCloud({ port: 0, isEmpty: true });
  // `.env.demo` is written beside serverless.yml: not in this project's own folder.
  folder = copyOfTheProject('setup-project-');
  home = mkdtempSync(path.join(tmpdir(), 'setup-home-'));
});
afterAll(async () => {
  await cloud.close();
  for (const one of [folder, home]) rmSync(one, { recursive: true, force: true });
});

/** Runs the framework's command line for stage demo, as the scripts of package.json do. */
const serverless = (...args: string[]) =>
  run(path.join(ROOT, 'node_modules/serverless/bin/serverless.js'), ...args, '--stage', 'demo');
/** `npm run callers -- --stage demo …` */
const callers = (...args: string[]) => run('deploy/callers.cjs', '--stage', 'demo', ...args);

function run(program: string, ...args: string[]): Promise<{ exitCode: number | null; text: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [program, ...args], {
      cwd: folder,
      env: { PATH: process.env.PATH ?? '', HOME: home, ...cloud.environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let text = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) => {
        text += chunk;
      });
    }
    child.on('error', reject).on('close', (exitCode) => resolve({ exitCode, text }));
  });
}

const secretOf = (text: string) => /^API_APP_SECRET=(\S+)$/m.exec(text)?.[1];

test('an empty account gets frames, and files by a notification, with `setup --yes`, `deploy` and an upload; `remove` and `setup --undo` leave nothing but its objects', async () => {
  expect(cloud.environment).not.toHaveProperty('UPLOAD_BUCKET');
  const made = await serverless('setup', '--yes');
  expect([made.exitCode, made.text]).toEqual([
    0,
    expect.stringContaining('next: npm run deploy -- --stage demo'),
  ]);
  expect(made.text).not.toMatch(/^(missing|cannot be seen) /m);
  const deployed = await serverless('deploy');
  expect([deployed.exitCode, deployed.text]).toEqual([0, expect.stringContaining('deployed')]);

  // Setup made the first caller; the words behind the stage become what the framework's command takes.
  const key = /^API_APP_KEY=(\w+)$/m.exec(made.text)?.[1];
  expect(await callers()).toEqual({ exitCode: 0, text: expect.stringContaining(`first  key ${key}\n`) });
  const added = await callers('add', 'shop');
  expect(added).toEqual({
    exitCode: 0,
    text: expect.stringMatching(/^API_APP_KEY=\w+\nAPI_APP_SECRET=\S+$/m),
  });
  const rotated = await callers('rotate', 'shop');
  expect([rotated.exitCode, secretOf(rotated.text)]).toEqual([0, expect.stringMatching(/^\S+$/)]);
  expect(secretOf(rotated.text)).not.toBe(secretOf(added.text));
  expect(await callers('remove', 'shop')).toEqual({ exitCode: 0, text: expect.stringContaining('- shop') });
  expect((await callers('remove', 'shop')).exitCode).toBe(1);

  // MPC tells setup's topic, whose trigger deploying has made.
  const finished: string[] = [];
  cloud.functiongraph.onInvocation(({ functionName, trigger, state }) => {
    if (functionName.endsWith('-on-finish') && state === 'succeeded') finished.push(trigger);
  });
  const [snapshots, uploads] = cloud.store.buckets().map(({ name }) => name);
  await cloud.store.put(uploads!, 'a.mp4', readFileSync(SAMPLE_VIDEO));
  // The functions have the agency's rights here, and no others.
  const frames = await until(
    async () => {
      const { objects } = cloud.store.list(snapshots!, { prefix: 'snapshots/a.mp4/' });
      return objects.length > 1 ? objects : undefined;
    },
    { what: 'frames of a.mp4' },
  );
  expect(frames.map(({ key }) => key)).toContain('snapshots/a.mp4/0.jpg');

  await until(async () => finished.includes('SMN') || undefined, { what: 'on-finish by a notification' });
  expect(cloud.store.list(snapshots!, { prefix: 'snapshots/a.mp4/' }).objects.map(({ key }) => key)).toEqual(
    expect.arrayContaining(['snapshots/a.mp4/snapshots.json', 'snapshots/a.mp4/storyboard.vtt']),
  );

  expect((await serverless('remove')).exitCode).toBe(0);
  const undone = await serverless('setup', '--undo', '--yes');
  expect([undone.exitCode, undone.text]).toEqual([
    0,
    expect.stringContaining(`= bucket ${uploads}: contains objects`),
  ]);
  expect(readFileSync(path.join(folder, '.env.demo'), 'utf8')).toContain(`bucket:${uploads}`);
  expect([cloud.topics.list(), cloud.mpc.notifications.list()]).toMatchObject([[], [{ status: 'off' }]]);
});
