import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Cloud, startCloud } from '../../local/cloud';
import { testOnLinux } from '../test-on-linux';
import { until } from '../wait';

let directory: string;
let clouds: Cloud[];
let processes: ChildProcess[];
beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'data-directory-'));
  clouds = [];
  processes = [];
});
afterEach(async () => {
  for (const one of processes) one.kill('SIGKILL');
  for (const cloud of clouds) await cloud.close();
  await rm(directory, { recursive: true });
});

async function start(): Promise<Cloud> {
  const cloud = await startCloud({ port: 0, dataDirectory: directory });
  clouds.push(cloud);
  return cloud;
}

test('what is written after a second cloud tried to use the directory is still there after a restart', async () => {
  const first = await start();
  await expect(start()).rejects.toThrow(/is in use by another local cloud .*choose another with --data DIR/);
  await first.store.put('videos', 'a.mp4', Buffer.from('a'));
  await clouds.pop()?.close();
  const { store } = await start();
  expect(store.head('videos', 'a.mp4')).toMatchObject({ sizeBytes: 1 });
});

test('a directory belongs to the process whose number it contains, as long as that process runs', async () => {
  const other = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
  processes.push(other);
  await writeFile(path.join(directory, 'process-id'), String(other.pid));
  await expect(start()).rejects.toThrow(`(process ${other.pid})`);
  expect(await readdir(directory)).toEqual(['process-id']);
  other.kill('SIGKILL');
  await once(other, 'exit');
  await start();
});

testOnLinux('a process that was killed holds nothing, even when nobody has asked for its end', async () => {
  // `exec` puts a program in the shell's place that never asks for the end of the child.
  // A child that ended before that would be asked for by the shell itself.
  const parent = spawn('sh', ['-c', 'sleep 60 & echo $!; exec sleep 60'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  processes.push(parent);
  const [line] = (await once(parent.stdout, 'data')) as [Buffer];
  await until(async () => (await readFile(`/proc/${parent.pid}/comm`, 'utf8')) === 'sleep\n');
  const child = Number(line);
  process.kill(child, 'SIGKILL');
  await until(async () => (await readFile(`/proc/${child}/stat`, 'utf8')).includes(') Z'));
  await writeFile(path.join(directory, 'process-id'), String(child));
  await start();
});

test.each([
  ['the own number of an earlier process', String(process.pid)],
  ['half a write', ''],
])('%s left behind does not lock the directory', async (_, text) => {
  await writeFile(path.join(directory, 'process-id'), text);
  await start();
});

test('one of several processes that take a directory in the same millisecond gets it, even if a dead process left its number', async () => {
  const [processes, rounds] = [6, 40];
  const directories = Array.from({ length: rounds }, (_, index) => path.join(directory, String(index)));
  for (const [index, one] of directories.entries()) {
    await mkdir(one);
    // No process has this number.
    if (index % 2 === 0)
      await writeFile(path.join(one, index % 4 === 0 ? 'process-id' : 'process-id.3'), '99999999');
  }
  const racer = path.join(__dirname, 'data-directory-racer.ts');
  const startMs = Date.now() + 5_000;
  const children = Array.from({ length: processes }, () =>
    spawn(process.execPath, ['--require', 'tsx/cjs', racer, String(startMs), '25', ...directories], {
      stdio: ['pipe', 'pipe', 'inherit'],
    }),
  );
  const lines = await Promise.all(
    children.map(async ({ stdout }) => String((await once(stdout, 'data'))[0])),
  );
  for (const child of children) child.stdin.end();
  const got = lines.flatMap((line) => JSON.parse(line) as string[]);
  expect(got.toSorted()).toEqual(directories.toSorted());
}, 60_000);
