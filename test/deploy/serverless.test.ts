import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { buildArtifacts } from '../../deploy/artifacts';
import { FUNCTION_NAMES } from '../../deploy/bundle';
import { type Cloud, startCloud } from '../../local/cloud';
import { deployTo } from '../../local/commands/deployed-cloud';
import { until } from '../wait';
import { stateOf } from './cloud-to-deploy-to';
import { copyOfTheProject } from './copy-of-the-project';

const ROOT = path.resolve(__dirname, '..', '..');
const SAMPLE_VIDEO = path.join(ROOT, 'tools', 'sample-video', 'sample.mp4');

// A process for every command, on a machine that may have others to run.
jest.setTimeout(120_000);

let home: string;
let cloud: Cloud;
beforeAll(async () => {
  home = mkdtempSync(path.join(tmpdir(), 'serverless-home-'));
  cloud = await startCloud({ port: 0 });
});
afterAll(async () => {
  await cloud.close();
  rmSync(home, { recursive: true, force: true });
});

interface Run {
  exitCode: number | null;
  /** What a program would read. */
  output: string;
  /** Everything that a person sees. */
  text: string;
}

/** Runs the framework's command line, as the scripts of package.json do. */
function serverless(
  args: readonly string[],
  { environment = {}, folder = ROOT }: { environment?: Record<string, string>; folder?: string } = {},
): Promise<Run> {
  return new Promise((resolve, reject) => {
    const child = spawn(
      process.execPath,
      [path.join(ROOT, 'node_modules/serverless/bin/serverless.js'), ...args],
      {
        cwd: folder,
        env: { PATH: process.env.PATH ?? '', HOME: home, ...cloud.environment, ...environment },
      },
    );
    const run = { output: '', text: '' };
    child.stdout.on('data', (chunk: Buffer) => {
      run.output += chunk;
      run.text += chunk;
    });
    child.stderr.on('data', (chunk: Buffer) => {
      run.text += chunk;
    });
    child.on('error', reject).on('close', (exitCode) => resolve({ ...run, exitCode }));
  });
}

const state = () => stateOf(cloud.functiongraph);
const digestOf = (name: string) => state().find((one) => one.name === name)?.digest;

test('`deploy --stage local` makes a service that captures uploads, and is what `npm start` deploys', async () => {
  const deployed = await serverless(['deploy', '--stage', 'local', '--verbose']);
  expect(deployed).toMatchObject({ exitCode: 0, text: expect.stringContaining('deployed') });
  const byCommand = state();
  expect(byCommand.map(({ name }) => name)).toEqual(['cancel', 'create', 'on-finish', 'on-upload', 'query']);

  await cloud.store.put(cloud.uploadBucket, 'a.mp4', readFileSync(SAMPLE_VIDEO));
  const task = await until(
    async () => {
      const response = await fetch(`${cloud.addresses.gateway}/snapshots?object=a.mp4`);
      const { task_array } = (await response.json()) as {
        task_array?: { status: string; thumbnail_info?: unknown[] }[];
      };
      return task_array?.find(({ status }) => status === 'SUCCEEDED');
    },
    { what: 'frames of a.mp4' },
  );
  expect(task.thumbnail_info?.length).toBeGreaterThan(1);

  const removed = await serverless(['remove', '--stage', 'local']);
  expect(removed.exitCode).toBe(0);
  expect(state()).toEqual([]);

  await deployTo(cloud);
  expect(state()).toEqual(byCommand);
});

describe('a command that fails', () => {
  const secretKey = 'a-secret-key-that-is-not-the-right-one';

  test('ends with exit code 1 and a line that says what to do, and shows no secret, also with --verbose', async () => {
    const { exitCode, text } = await serverless(['info', '--stage', 'local', '--verbose'], {
      environment: { HUAWEICLOUD_SDK_SK: secretKey, HUAWEICLOUD_SDK_SECURITY_TOKEN: 'a-security-token' },
    });
    expect(exitCode).toBe(1);
    expect(text).toContain('check HUAWEICLOUD_SDK_AK and HUAWEICLOUD_SDK_SK');
    expect(text).not.toContain(secretKey);
    expect(text).not.toContain('a-security-token');
    expect(text).not.toContain('    at ');
  });

  test('names what is missing in the environment before anything is sent', async () => {
    const { exitCode, text } = await serverless(['remove', '--stage', 'prod'], {
      environment: { HUAWEICLOUD_SDK_AK: '', HUAWEICLOUD_SDK_SK: '', APIG_GROUP_ID: 'group' },
    });
    expect(exitCode).toBe(1);
    expect(text).toMatch(/HUAWEICLOUD_SDK_AK is not set: .*\nHUAWEICLOUD_SDK_SK is not set/);
  });
});

test('`diagnose` ends with exit code 0 when nothing is missing, and else with 1', async () => {
  // As many creates for callers as MPC_REQUESTS_PER_MINUTE leaves.
  const environment = { API_CREATES_PER_MINUTE: '20' };
  await deployTo(cloud, environment);
  const well = await serverless(['diagnose', '--stage', 'local'], { environment });
  expect(well).toMatchObject({ exitCode: 0, output: expect.stringMatching(/^ok .*\n2[0-9] ok\n$/s) });
  const ill = await serverless(['diagnose', '--stage', 'local', '--json'], {
    environment: { ...environment, SNAPSHOT_BUCKET: 'nowhere' },
  });
  expect(ill.exitCode).toBe(1);
  const { ok, findings } = JSON.parse(ill.output) as { ok: boolean; findings: Record<string, string>[] };
  expect(ok).toBe(false);
  expect(findings.filter(({ state }) => state === 'missing').map(({ point }) => point)).toEqual([
    'bucket nowhere',
    'rights of mpc-snapshots',
  ]);
});

test('`invoke` prints the result, with --log the end of the log before it', async () => {
  await deployTo(cloud);
  const event = JSON.stringify({
    httpMethod: 'GET',
    path: '/snapshots',
    pathParameters: {},
    queryStringParameters: {},
    headers: {},
    body: '',
    isBase64Encoded: true,
  });
  const asked = await serverless(['invoke', '--stage', 'local', '-f', 'query', '--data', event, '--log']);
  expect(asked.exitCode).toBe(0);
  expect(asked.output).toContain('Finish invoke request');
  expect(JSON.parse(asked.output.trim().split('\n').at(-1) ?? '')).toMatchObject({ statusCode: 200 });
});

describe('a copy of the project in another folder', () => {
  let folder: string;
  beforeAll(() => {
    folder = copyOfTheProject('another folder ');
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test('gives the same zips in another time zone and with another umask, and deploying its package rolls the code back', async () => {
    await deployTo(cloud);
    const here = await buildArtifacts(FUNCTION_NAMES.map((key) => ({ key, source: key })));
    const before = state();

    const umask = process.umask(0o077);
    const packaged = await serverless(['package', '--stage', 'local', '--package', 'artifacts/1'], {
      folder,
      environment: { TZ: 'Asia/Shanghai' },
    }).finally(() => process.umask(umask));
    expect(packaged.exitCode).toBe(0);
    for (const { key, digest } of here) {
      const zip = readFileSync(path.join(folder, 'artifacts/1', `${key}.zip`));
      expect([key, createHash('sha512').update(zip).digest('hex')]).toEqual([key, digest]);
    }

    const source = path.join(folder, 'functions/create.ts');
    writeFileSync(source, `${readFileSync(source, 'utf8')}\nDate.now();\n`);
    const second = await serverless(['deploy', '--stage', 'local'], { folder });
    expect(second).toMatchObject({ exitCode: 0, output: '~ create: code\n' });
    expect(digestOf('create')).not.toBe(before.find(({ name }) => name === 'create')?.digest);

    const back = await serverless(['deploy', '--stage', 'local', '--package', 'artifacts/1'], { folder });
    expect(back).toMatchObject({ exitCode: 0, output: '~ create: code\n' });
    expect(state()).toEqual(before);
  });

  test('with a misspelt property is refused by name', async () => {
    const file = path.join(folder, 'serverless.yml');
    const text = readFileSync(file, 'utf8');
    writeFileSync(file, text.replace('memorySize: 128', 'memorysize: 128'));
    const { exitCode, text: shown } = await serverless(['package', '--stage', 'local'], { folder });
    writeFileSync(file, text);
    expect(exitCode).toBe(1);
    expect(shown).toMatch(/provider.*memorysize/);
  });
});

test('nothing is written to the home directory but the framework’s compiled schema and the minifier’s binary', () => {
  const cached = path.join(home, '.cache');
  expect(readdirSync(home).filter((name) => name !== '.cache')).toEqual(['.serverless']);
  for (const name of existsSync(cached) ? readdirSync(cached) : []) expect(name).toMatch(/^swc-native-/);
  expect(readdirSync(path.join(home, '.serverless'))).toEqual(['artifacts']);
});
