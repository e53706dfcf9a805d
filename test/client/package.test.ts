import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createContext, runInContext } from 'node:vm';
import { closeServer, listen } from '../../local/http-server';
import { buildClient } from '../../tools/build-client';

const ROOT = path.resolve(__dirname, '..', '..');
const TASK = { task_id: '1', status: 'SUCCEEDED' };

let folder: string;
let server: Server;
let endpoint: string;

/** A project that knows nothing of this one but the package. */
beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'outside-'));
  // npm may be told to run no scripts, `prepack` included.
  buildClient(path.join(ROOT, 'client', 'dist'));
  execFileSync('npm', ['pack', '-w', 'client', '--pack-destination', folder, '--silent'], { cwd: ROOT });
  writeFileSync(path.join(folder, 'package.json'), '{"name":"outside","private":true}');
  const { version } = JSON.parse(readFileSync(path.join(ROOT, 'client', 'package.json'), 'utf8'));
  const install = [
    'install',
    '--offline',
    '--no-audit',
    '--no-fund',
    `./mpc-snapshots-client-${version}.tgz`,
  ];
  execFileSync('npm', install, { cwd: folder });
  server = createServer((_, response) => response.end(JSON.stringify(TASK)));
  endpoint = `http://127.0.0.1:${await listen(server, 0)}`;
}, 120_000);
afterAll(async () => {
  await closeServer(server);
  rmSync(folder, { recursive: true, force: true });
});

const CALL = `new SnapshotClient({ endpoint: process.env.API_ENDPOINT, authentication: { appKey: 'k', appSecret: 's' } })
  .get('1').then((task) => console.log(JSON.stringify(task)));`;

test.each([
  ['an ES module', 'main.mjs', "import { SnapshotClient } from '@mpc-snapshots/client';"],
  ['a CommonJS module', 'main.cjs', "const { SnapshotClient } = require('@mpc-snapshots/client');"],
])('%s in another project calls the service', async (_, file, importing) => {
  writeFileSync(path.join(folder, file), `${importing}\n${CALL}\n`);
  const { execFile } = await import('node:child_process');
  const printed = await new Promise<string>((resolve, reject) =>
    execFile(
      process.execPath,
      [file],
      { cwd: folder, env: { ...process.env, API_ENDPOINT: endpoint } },
      (error, stdout) => (error ? reject(error) : resolve(stdout)),
    ),
  );
  expect(JSON.parse(printed)).toEqual(TASK);
});

test('ES modules and CommonJS find its types, which refuse what the API refuses', () => {
  const use = `const client = new SnapshotClient({ endpoint: 'https://a', authentication: { token: 't' } });
    export const done: Promise<'WAITING' | 'PROCESSING' | 'SUCCEEDED' | 'FAILED' | 'CANCELED'> = client.get('1').then(({ status }) => status);
    // @ts-expect-error: an upload has a bucket
    client.create({ input: { object: 'a' } });
    // @ts-expect-error: no such type
    client.create({ input: { bucket: 'b', object: 'a' }, thumbnail_para: { type: 'EVERY' } });
    export const read = (error: unknown): string => (error instanceof ApiError ? error.code : '');\n`;
  const importing = "import { ApiError, SnapshotClient } from '@mpc-snapshots/client';\n";
  writeFileSync(path.join(folder, 'use.mts'), importing + use);
  writeFileSync(path.join(folder, 'use.cts'), importing + use);
  const tsc = path.join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
  const options = '--noEmit --strict --module nodenext --target es2022 --lib es2022,dom --types'.split(' ');
  execFileSync(process.execPath, [tsc, ...options, '', 'use.mts', 'use.cts'], { cwd: folder });
});

test('it needs nothing from Node.js: the APIs of workers are enough', async () => {
  const code = readFileSync(path.join(folder, 'node_modules/@mpc-snapshots/client/dist/index.cjs'), 'utf8');
  const web = {
    fetch,
    Headers,
    Response,
    URL,
    URLSearchParams,
    TextEncoder,
    TextDecoder,
    AbortSignal,
    crypto,
    atob,
    setTimeout,
    clearTimeout,
  };
  const module = { exports: {} };
  const found = runInContext(
    `(function (module, exports) {${code}\nreturn module.exports; })`,
    createContext({ ...web, Uint8Array, ArrayBuffer }),
  )(module, module.exports);
  const client = new found.SnapshotClient({ endpoint, authentication: { accessKey: 'a', secretKey: 's' } });
  expect(await client.get('1')).toEqual(TASK);
});
