import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { startDeployedCloud } from '../local/commands/deployed-cloud';
import { uploadFile } from '../local/commands/upload-file';
import { makeClip } from '../test/clip';

/*
 * Mixed load on one local cloud for a long time: uploads that are captured, lists, single tasks, synchronous pictures,
 * cancellations, downloads. Prints the memory of the cloud and its children, and how it grows.
 */

const SAMPLE_EVERY_MS = 10_000;
/** Finished tasks are kept for good, by design: at a moderate pace they weigh little beside what could leak. */
const ROUND_MS = 500;
/** What starts up and fills caches is not growth. */
const WARM_UP_SHARE = 0.2;

/** Resident memory of this process and all of its descendants, MB. */
function residentMb(): number {
  const rows = execFileSync('ps', ['-eo', 'pid=,ppid=,rss='], { encoding: 'utf8' })
    .trim()
    .split('\n')
    .map((row) => row.trim().split(/\s+/).map(Number));
  const family = new Set([process.pid]);
  for (let before = 0; before !== family.size; ) {
    before = family.size;
    for (const [pid = 0, parent = 0] of rows) if (family.has(parent)) family.add(pid);
  }
  return rows.reduce((sum, [pid = 0, , kb = 0]) => (family.has(pid) ? sum + kb : sum), 0) / 1024;
}

/** MB per hour, by least squares. */
function slopePerHour(samples: readonly { atMs: number; mb: number }[]): number {
  const count = samples.length;
  const meanAt = samples.reduce((sum, { atMs }) => sum + atMs, 0) / count;
  const meanMb = samples.reduce((sum, { mb }) => sum + mb, 0) / count;
  const covariance = samples.reduce((sum, { atMs, mb }) => sum + (atMs - meanAt) * (mb - meanMb), 0);
  const variance = samples.reduce((sum, { atMs }) => sum + (atMs - meanAt) ** 2, 0);
  return (covariance / variance) * 3_600_000;
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { minutes: { type: 'string', default: '30' } } });
  const untilMs = Date.now() + Number(values.minutes) * 60_000;
  const folder = await mkdtemp(path.join(tmpdir(), 'mixed-load-'));
  const cloud = await startDeployedCloud({
    port: 0,
    dataDirectory: folder,
    mpc: { callsPerMinute: 1_000_000 },
  });
  for (const { configuration } of cloud.functiongraph.functions()) {
    configuration.user_data = JSON.stringify({
      ...JSON.parse(configuration.user_data ?? '{}'),
      MPC_REQUESTS_PER_MINUTE: '10000',
    });
  }
  const clip = await makeClip({ seconds: 6, width: 320, height: 180 });
  const { size } = await readFile(clip).then((content) => ({ size: content.length }));
  const startedAtMs = Date.now();
  const samples: { atMs: number; mb: number }[] = [];
  const timer = setInterval(
    () => samples.push({ atMs: Date.now() - startedAtMs, mb: residentMb() }),
    SAMPLE_EVERY_MS,
  );
  let requests = 0;
  let failures = 0;
  const call = async (method: string, url: string, body?: unknown): Promise<Record<string, unknown>> => {
    requests++;
    const response = await fetch(`${cloud.addresses.gateway}${url}`, {
      method,
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (response.status >= 500) {
      failures++;
      console.log(`${method} ${url}: ${response.status} ${text}`);
    }
    return text === '' ? {} : (JSON.parse(text) as Record<string, unknown>);
  };
  for (let round = 0; Date.now() < untilMs; round++) {
    // Keys come again, so that what is stored stays bounded and only leaks can grow.
    const nextRoundAtMs = Date.now() + ROUND_MS;
    const key = `uploads/${round % 50}.mp4`;
    const input = { bucket: cloud.uploadBucket, object: key };
    await uploadFile(clip, key, cloud, () => {});
    const { task_id } = await call('POST', '/snapshots', {
      input,
      thumbnail_para: { type: 'DOTS', dots: [1, 3] },
    });
    await call('POST', '/snapshots', {
      input,
      sync: 1,
      thumbnail_para: { type: 'DOTS_MS', dots_ms: [1500] },
    });
    await call('GET', `/snapshots/${task_id}`);
    await call('GET', '/snapshots?size=20');
    await call('GET', `/snapshots?object=${key}`);
    await call('DELETE', `/snapshots/${task_id}`);
    for (const object of cloud.store.list(cloud.snapshotBucket, { maxKeys: 1000 }).objects.slice(200)) {
      await cloud.store.delete(object.bucket, object.key);
    }
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, nextRoundAtMs - Date.now())));
  }
  clearInterval(timer);
  const steady = samples.slice(Math.floor(samples.length * WARM_UP_SHARE));
  const uploads = requests / 6;
  console.log(
    `${values.minutes} min: ${uploads} uploads of ${(size / 1e6).toFixed(1)} MB, ${requests} API calls, ${failures} answered 5xx`,
  );
  console.log(
    `memory of the cloud with its ${cloud.functiongraph.functions().length} functions and capture workers: ` +
      `${steady[0]?.mb.toFixed(0)} MB → ${steady.at(-1)?.mb.toFixed(0)} MB, slope ${slopePerHour(steady).toFixed(1)} MB/h`,
  );
  await cloud.close();
  await rm(folder, { recursive: true, force: true });
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
