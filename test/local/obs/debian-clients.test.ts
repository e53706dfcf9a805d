import { execFile, execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Obs, REGION } from './obs-fixture';

/** Clients as Debian ships them. They are no dependency: where a machine has none, their tests are skipped. */
function isInstalled(program: string): boolean {
  try {
    execFileSync(program, ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

const bucket = 'videos';
let obs: Obs;
let directory: string;
beforeEach(async () => {
  obs = await Obs.start();
  await obs.store.createBucket(bucket);
  directory = await mkdtemp(path.join(tmpdir(), 'clients-'));
});
afterEach(async () => {
  await obs.close();
  await rm(directory, { recursive: true });
});

function run(program: string, args: string[], env: Record<string, string> = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(
      program,
      args,
      { env: { PATH: process.env.PATH, HOME: directory, ...env }, timeout: 60_000 },
      (error, stdout, stderr) =>
        error === null ? resolve(stdout) : reject(new Error(`${program} ${args.join(' ')}: ${stderr}`)),
    );
  });
}

/** A file in the test's directory. */
async function fileOf(name: string, content: Buffer): Promise<string> {
  const file = path.join(directory, name);
  await writeFile(file, content);
  return file;
}

const withRclone = isInstalled('rclone') ? test : test.skip;
withRclone(
  'rclone copies small and large files there and back, lists, checks, moves and deletes',
  async () => {
    const { accessKey, secretKey } = obs.credentials.permanent;
    const rclone = (...args: string[]) =>
      run('rclone', [...args, '--retries', '1', '--low-level-retries', '1'], {
        RCLONE_CONFIG_OBS_TYPE: 's3',
        // Its provider HuaweiOBS puts the bucket into the host name, which no name server here knows.
        RCLONE_CONFIG_OBS_PROVIDER: 'Other',
        RCLONE_CONFIG_OBS_ACCESS_KEY_ID: accessKey,
        RCLONE_CONFIG_OBS_SECRET_ACCESS_KEY: secretKey,
        RCLONE_CONFIG_OBS_REGION: REGION,
        RCLONE_CONFIG_OBS_ENDPOINT: `http://127.0.0.1:${obs.port}`,
        RCLONE_CONFIG_OBS_CHUNK_SIZE: '5Mi',
        RCLONE_CONFIG_OBS_UPLOAD_CUTOFF: '5Mi',
      });
    const small = randomBytes(1000);
    const large = randomBytes(11 * 1024 * 1024);
    await rclone('copyto', await fileOf('small', small), `obs:${bucket}/a b/small +.mp4`);
    await rclone('copyto', await fileOf('large', large), `obs:${bucket}/large`);
    expect(obs.store.head(bucket, 'large')?.etag).toMatch(/-3$/);
    await rclone('mkdir', 'obs:another');
    expect((await rclone('lsf', '-R', `obs:${bucket}`)).split('\n').sort()).toEqual([
      '',
      'a b/',
      'a b/small +.mp4',
      'large',
    ]);
    await rclone('copyto', `obs:${bucket}/large`, path.join(directory, 'back'));
    expect((await readFile(path.join(directory, 'back'))).equals(large)).toBe(true);
    await rclone('moveto', `obs:${bucket}/a b/small +.mp4`, `obs:${bucket}/moved`);
    expect(obs.store.list(bucket).objects.map(({ key }) => key)).toEqual(['large', 'moved']);
    await rclone('deletefile', `obs:${bucket}/moved`);
    await rclone('purge', 'obs:another');
    expect(obs.store.hasBucket('another')).toBe(false);
    expect(obs.log.filter(({ errorCode }) => errorCode === 'SignatureDoesNotMatch')).toEqual([]);
  },
);

const withS3cmd = isInstalled('s3cmd') ? test : test.skip;
withS3cmd('s3cmd puts, lists, gets, copies, signs a URL and deletes', async () => {
  const { accessKey, secretKey } = obs.credentials.permanent;
  const host = `127.0.0.1:${obs.port}`;
  const s3cmd = (...args: string[]) =>
    run('s3cmd', [
      `--access_key=${accessKey}`,
      `--secret_key=${secretKey}`,
      `--host=${host}`,
      `--host-bucket=${host}`,
      `--region=${REGION}`,
      '--no-ssl',
      '--no-check-certificate',
      '--multipart-chunk-size-mb=5',
      ...args,
    ]);
  const small = randomBytes(1000);
  const large = randomBytes(6 * 1024 * 1024);
  await s3cmd('put', await fileOf('small', small), `s3://${bucket}/a b/small +.mp4`);
  await s3cmd('put', await fileOf('large', large), `s3://${bucket}/large`);
  expect(obs.store.head(bucket, 'large')?.etag).toMatch(/-2$/);
  expect(await s3cmd('ls', '--recursive', `s3://${bucket}`)).toMatch(/ 1000 .*small \+\.mp4[\s\S]*large/);
  await s3cmd('get', `s3://${bucket}/large`, path.join(directory, 'back'));
  expect((await readFile(path.join(directory, 'back'))).equals(large)).toBe(true);
  await s3cmd('cp', `s3://${bucket}/a b/small +.mp4`, `s3://${bucket}/copy`);
  const url = new URL((await s3cmd('signurl', `s3://${bucket}/copy`, '+600')).trim());
  const answer = await fetch(url);
  expect(Buffer.from(await answer.arrayBuffer()).equals(small)).toBe(true);
  await s3cmd('del', `s3://${bucket}/copy`);
  expect(obs.store.head(bucket, 'copy')).toBeUndefined();
  await s3cmd('mb', 's3://another');
  await s3cmd('rb', 's3://another');
});
