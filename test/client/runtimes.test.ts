import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { buildClient } from '../../tools/build-client';
import { GatewayWithCallers } from './gateway-with-callers';

jest.setTimeout(240_000);

/** Fetched when the test runs: together they have 200 MB, which nobody else here needs. */
const RUNTIMES = {
  bun: { package: '@oven/bun-linux-x64@1.4.5', program: '@oven/bun-linux-x64/bin/bun', args: ['run'] },
  deno: {
    package: '@deno/linux-x64-glibc@2.9.6',
    program: '@deno/linux-x64-glibc/deno',
    args: ['run', '--allow-net', '--no-remote'],
  },
};

let folder: string;
let gateway: GatewayWithCallers;
beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'runtimes-'));
  buildClient(path.join(folder, 'client'));
  writeFileSync(path.join(folder, 'package.json'), '{"private":true,"type":"module"}');
  const packages = Object.values(RUNTIMES).map((runtime) => runtime.package);
  execFileSync('npm', ['install', '--no-audit', '--no-fund', '--no-save', ...packages], { cwd: folder });
  gateway = await GatewayWithCallers.start();
}, 240_000);
afterAll(async () => {
  await gateway?.stop();
  rmSync(folder, { recursive: true, force: true });
});

test.each(Object.entries(RUNTIMES))(
  'the client signs with an access key and with the key of an app in %s',
  async (_, runtime) => {
    const { appKey, appSecret } = gateway.app;
    const { accessKey, secretKey } = gateway.user;
    writeFileSync(
      path.join(folder, 'use.mjs'),
      `import { SnapshotClient } from './client/index.js';
     for (const [place, authentication] of ${JSON.stringify([
       ['iam', { accessKey, secretKey }],
       ['app', { appKey, appSecret }],
     ])}) {
       const client = new SnapshotClient({ endpoint: '${gateway.address}/' + place, authentication });
       const { task_array: [event] } = await client.list({ object: 'uploads/ä b.mp4' });
       console.log(event.queryStringParameters.object);
     }`,
    );
    const ended = promisify(execFile)(
      path.join(folder, 'node_modules', runtime.program),
      [...runtime.args, path.join(folder, 'use.mjs')],
      { cwd: folder },
    );
    expect((await ended).stdout).toBe('uploads/ä b.mp4\nuploads/ä b.mp4\n');
  },
);
