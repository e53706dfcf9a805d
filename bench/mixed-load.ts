import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { startDeployedCloud } from '../local/commands/deployed-cloud';
import { uploadFile } from '../local/commands/upload-file';
import { makeClip } from '../test/clip';

/*
 * Mixed load on one local cloud for a long time: uploads that are captured, lists, single tasks, synchronous pictures,
 * cancellations, downloads. Prints the memory of the cloud and its children, and how it grows.
 */

const SAMPLE_EVERY_MS = 10_000;
/** Finished tasks are kept for good, by design. At a moderate pace they weigh little compared with a leak. */
const ROUND_MS = 500;
/** Start-up, and the filling of caches and of the console's logs, is not growth. */
const WARM_UP_SHARE = 1 / 3;

const PARTS = ['cloud', 'functions', 'capture workers', 'others'] as const;

/** Resident memory, MB: of this process, which is the cloud and its clients, and of its child processes. */
type Memory = Record<(typeof PARTS)[number], number>;

function residentMb(): Memory {
  const memory: Memory = { cloud: 0, functions: 0, 'capture workers': 0, others: 0 };
  const rows = execFileSync('ps', ['-eo', 'pid=,ppid=,rss=,args='], { encoding: 'utf8' }).trim().split('\n');
  const processes = rows.map((row) => {
    const [pid = '', parent = '', kb = '', ...command] = row.trim().split(/\s+/);
    return { pid: Number(pid), parent: Number(parent), mb: Number(kb) / 1024, command: command.join(' ') };
  });
  const family = new Set([process.pid]);
  for (let before = 0; before !== family.size; ) {
    before = family.size;
    for (const { pid, parent } of processes) if (family.has(parent)) family.add(pid);
  }
  for (const { pid, mb, command } of processes) if (family.has(pid)) memory[partOf(pid, command)] += mb;
  return memory;
}

function sumOf(memory: Memory): number {
  return PARTS.reduce((sum, part) => sum + memory[part], 0);
}

function inWords(memory: Memory): string {
  return PARTS.map((part) => `${part} ${memory[part].toFixed(0)} MB`).join(', ');
}

function partOf(pid: number, command: string): keyof Memory {
  if (pid === process.pid) return 'cloud';
  if (command.includes('/instance-')) return 'functions';
  return command.includes('/capture-worker-') ? 'capture workers' : 'others';
}

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** The heap after garbage collection, MB. */
function heapMb(): number {
  collectGarbage();
  return process.memoryUsage().heapUsed / 2 ** 20;
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
  const lastsMs = Number(values.minutes) * 60_000;
  const untilMs = Date.now() + lastsMs;
  const warmUpMs = lastsMs * WARM_UP_SHARE;
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
      MAX_UNFINISHED_TASKS: '100000',
    });
  }
  const clip = await makeClip({ seconds: 6, width: 320, height: 180 });
  const { size } = await readFile(clip).then((content) => ({ size: content.length }));
  const startedAtMs = Date.now();
  const samples: { atMs: number; memory: Memory }[] = [];
  let warm: { heapMb: number; tasks: number } | undefined;
  const timer = setInterval(() => {
    const atMs = Date.now() - startedAtMs;
    if (atMs >= warmUpMs) warm ??= { heapMb: heapMb(), tasks: cloud.mpc.tasks.list().length };
    const memory = residentMb();
    samples.push({ atMs, memory });
    if (samples.length % 30 === 0) console.log(`${Math.round(atMs / 60_000)} min ${inWords(memory)}`);
  }, SAMPLE_EVERY_MS);
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
    // Keys are reused, so that the stored data stays bounded and only leaks can grow.
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
  const steady = samples.filter(({ atMs }) => atMs >= warmUpMs);
  const uploads = requests / 6;
  console.log(
    `${values.minutes} min: ${uploads} uploads of ${(size / 1e6).toFixed(1)} MB, ${requests} API calls, ${failures} answered 5xx`,
  );
  console.log(`MB, and how it grew after ${Math.round(warmUpMs / 60_000)} min:`);
  for (const part of [...PARTS, 'all'] as const) {
    const series = steady.map(({ atMs, memory }) => ({
      atMs,
      mb: part === 'all' ? sumOf(memory) : memory[part],
    }));
    const [first, last] = [series[0]?.mb ?? 0, series.at(-1)?.mb ?? 0];
    console.log(
      `${part.padEnd(16)} ${first.toFixed(0)} → ${last.toFixed(0)}, ${slopePerHour(series).toFixed(1)} MB/h`,
    );
  }
  if (warm !== undefined) {
    const [grownMb, tasks] = [heapMb() - warm.heapMb, cloud.mpc.tasks.list().length - warm.tasks];
    console.log(
      `heap after collection ${warm.heapMb.toFixed(1)} → ${(warm.heapMb + grownMb).toFixed(1)}, ` +
        `${Math.round((grownMb * 2 ** 20) / tasks)} bytes for each of ${tasks} more tasks`,
    );
  }
  await cloud.close();
  await rm(folder, { recursive: true, force: true });
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
