import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type Cloud, startCloud } from '../local/cloud';
import { stateOf } from './deploy/cloud-to-deploy-to';
import { installedOutside, type Outside } from './packaging';

jest.setTimeout(240_000);

const ROOT = path.resolve(__dirname, '..');
const SAMPLE_VIDEO = path.join(ROOT, 'tools', 'sample-video', 'sample.mp4');
const MAX_PACKAGE_BYTES = 15 * 1024 * 1024;

let outside: Outside;
beforeAll(async () => {
  outside = await installedOutside();
}, 240_000);
afterAll(() => rmSync(outside.folder, { recursive: true, force: true }));

interface Run {
  code: number;
  printed: string;
}

/** Runs a program in the folder outside; nothing of this project is in its environment. */
function run(
  program: string,
  args: readonly string[],
  environment: Record<string, string> = {},
  folder = outside.folder,
): Promise<Run> {
  const env = { PATH: process.env.PATH, HOME: outside.folder, ...environment };
  return new Promise((resolve) =>
    execFile(program, args, { cwd: folder, env }, (error, stdout, stderr) =>
      resolve({ code: Number(error?.code ?? (error ? 1 : 0)), printed: stdout + stderr }),
    ),
  );
}

const npx = (...args: string[]) => run('npx', ['--no-install', 'mpc-snapshots', ...args]);

test('the package has no more than 15 MB, and no sources that need a compiler', () => {
  expect(outside.sizeBytes).toBeLessThan(MAX_PACKAGE_BYTES);
  const manifest = JSON.parse(
    readFileSync(path.join(outside.folder, 'node_modules/mpc-snapshots/package.json'), 'utf8'),
  );
  expect(Object.keys(manifest.dependencies ?? {})).toEqual([]);
  expect(Object.keys(manifest.optionalDependencies)).toEqual(['node-av']);
});

test('`npx mpc-snapshots VIDEO` captures a video, from the package alone', async () => {
  cpSync(SAMPLE_VIDEO, path.join(outside.folder, 'holiday.mp4'));
  const { code, printed } = await npx('holiday.mp4', '--once', '--port', '0');
  expect(printed).toMatch(/uploads\/holiday\.mp4: task \w+ made 5 frames/);
  expect(code).toBe(0);
});

test('`npx mpc-snapshots exec` gives a command a cloud of its own, with the console’s pages, whose hints name commands of the package', async () => {
  const program = `fetch(process.env.API_ENDPOINT + '/_console/main.js').then(async (page) => {
    console.log(page.status, page.headers.get('content-type'), (await page.text()).length > 1000);
    const state = await fetch(process.env.API_ENDPOINT + '/_console/state');
    console.log((await state.json()).service.commands.startWithFile);
    const list = await fetch(process.env.API_ENDPOINT + '/snapshots?size=5');
    console.log(list.status);
    process.exit(7);
  });`;
  const { code, printed } = await npx('exec', '--', process.execPath, '-e', program);
  expect(printed).toBe('200 text/javascript; charset=utf-8 true\nnpx mpc-snapshots start holiday.mp4\n200\n');
  expect(code).toBe(7);
});

test('without the engine everything starts, and the tasks say what is missing', async () => {
  const engine = path.join(outside.folder, 'node_modules/node-av');
  renameSync(engine, `${engine}-away`);
  try {
    const { code, printed } = await npx('start', '--once', '--port', '0');
    expect(printed).toMatch(/task \w+ failed: the package node-av, which decodes videos, cannot be loaded/);
    expect(code).toBe(1);
  } finally {
    renameSync(`${engine}-away`, engine);
  }
});

test('startLocalCloud has types', async () => {
  writeFileSync(
    path.join(outside.folder, 'use.ts'),
    `import { startLocalCloud } from 'mpc-snapshots';
     export async function main(video: Uint8Array): Promise<string[]> {
       const cloud = await startLocalCloud({ faults: 'mpc.429=0.1', seed: 7 });
       await cloud.upload('uploads/a.mp4', video);
       const { status, thumbnail_info = [] } = await cloud.captured('uploads/a.mp4');
       const gateway: string = cloud.addresses.gateway;
       // @ts-expect-error: no such service
       cloud.addresses.smn;
       await cloud.close();
       return [gateway, status, ...thumbnail_info.map(({ pic_name }) => pic_name)];
     }\n`,
  );
  const tsc = path.join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
  const options = '--noEmit --strict --module nodenext --target es2022 --lib es2022,dom --types'.split(' ');
  expect(await run(process.execPath, [tsc, ...options, '', 'use.ts'])).toEqual({ code: 0, printed: '' });
});

/** A folder with an example of the documents, and the packages that it asks for. */
function exampleFolder(name: string, packages: Record<string, string>): string {
  const folder = path.join(outside.folder, name);
  cpSync(path.join(ROOT, 'docs', 'examples', name), folder, { recursive: true });
  mkdirSync(path.join(folder, 'node_modules'), { recursive: true });
  for (const [name, target] of Object.entries(packages))
    symlinkSync(target, path.join(folder, 'node_modules', name));
  return folder;
}

test('the example for jest runs', async () => {
  const folder = exampleFolder('jest', {
    'mpc-snapshots': path.join(outside.folder, 'node_modules/mpc-snapshots'),
    jest: path.join(ROOT, 'node_modules/jest'),
  });
  const jest = [path.join(ROOT, 'node_modules/jest/bin/jest.js'), '--rootDir', folder, '--no-cache'];
  const { code, printed } = await run(process.execPath, jest, { VIDEO: SAMPLE_VIDEO, CI: '1' }, folder);
  expect(printed).toMatch(/Tests: +2 passed/);
  expect(code).toBe(0);
});

test('the example for vitest runs', async () => {
  // Fetched when the test runs: nobody else here needs its 80 MB.
  const vitest = path.join(outside.folder, 'vitest-packages');
  mkdirSync(vitest);
  writeFileSync(path.join(vitest, 'package.json'), '{"private":true}');
  const install = ['install', '--no-audit', '--no-fund', '--no-save', 'vitest@4.1.12'];
  expect(await run('npm', install, {}, vitest)).toMatchObject({ code: 0 });
  const folder = exampleFolder('vitest', {
    'mpc-snapshots': path.join(outside.folder, 'node_modules/mpc-snapshots'),
    vitest: path.join(vitest, 'node_modules/vitest'),
  });
  const program = [path.join(vitest, 'node_modules/vitest/vitest.mjs'), 'run', '--root', folder];
  const environment = { VIDEO: SAMPLE_VIDEO, CI: '1', NO_COLOR: '1' };
  const { code, printed } = await run(process.execPath, program, environment, folder);
  expect(printed).toMatch(/Tests +1 passed/);
  expect(code).toBe(0);
});

describe('a folder that has only serverless.yml', () => {
  let cloud: Cloud;
  let folder: string;
  beforeAll(async () => {
    cloud = await startCloud({ port: 0 });
    folder = path.join(outside.folder, 'deploying');
    mkdirSync(folder);
  });
  afterAll(() => cloud.close());

  const inFolder = (...args: string[]) =>
    run(
      process.execPath,
      [path.join(outside.folder, 'node_modules/mpc-snapshots/dist/mpc-snapshots.cjs'), ...args],
      { ...cloud.environment, CI: '1' },
      folder,
    );

  test('is needed for deploying; init writes it once', async () => {
    expect(await inFolder('deploy', '--stage', 'local')).toMatchObject({
      code: 2,
      printed: expect.stringContaining('npx mpc-snapshots init'),
    });
    expect((await inFolder('init')).code).toBe(0);
    expect(readFileSync(path.join(folder, 'serverless.yml'), 'utf8')).toContain(
      '- mpc-snapshots/serverless-plugin',
    );
    expect(await inFolder('init')).toMatchObject({
      code: 2,
      printed: expect.stringContaining('not changed'),
    });
  });

  test('is enough to deploy the functions that lie in the package, and for the doctor', async () => {
    // The framework comes from npm on demand; the test takes the one that is here.
    symlinkSync(
      path.join(ROOT, 'node_modules/serverless'),
      path.join(outside.folder, 'node_modules/serverless'),
    );
    const deployed = await inFolder('deploy', '--stage', 'local');
    expect(deployed).toMatchObject({ code: 0, printed: expect.stringContaining('deployed') });
    const names = stateOf(cloud.functiongraph).map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(['create', 'cancel', 'query', 'on-upload']));
    const { printed } = await inFolder('doctor', '--stage', 'local', '--json');
    expect(printed).toContain('"point"');
  });
});
