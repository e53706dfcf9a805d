import { type ChildProcess, spawn } from 'node:child_process';
import { randomFillSync } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import type { Server } from 'node:http';
import { connect } from 'node:net';
import { cpus, tmpdir } from 'node:os';
import path from 'node:path';
import { ACCOUNT, REGION } from '../local/account';
import { childProgram } from '../local/child-program';
import { listen } from '../local/http-server';
import { Credentials } from '../local/iam/credentials';
import { ObjectStore } from '../local/obs/object-store';
import { createObsServer } from '../local/obs/server';
import { temporaryUrl } from '../local/obs/signature';
import { median } from './suite';

const MIB = 1024 ** 2;
const OBJECT_BYTES = 64 * MIB;
const RUNS = 9;
const BUCKET = 'bench';

/** The server in a process of its own. For every line of input it prints its memory in bytes, current and peak. */
async function serve(directory: string): Promise<void> {
  const store = await ObjectStore.open(directory);
  await store.createBucket(BUCKET);
  const server: Server = createObsServer({ store, credentials: new Credentials(ACCOUNT), region: REGION });
  console.log(await listen(server, 0));
  for await (const _ of process.stdin) {
    console.log(JSON.stringify([process.memoryUsage.rss(), process.resourceUsage().maxRSS * 1024]));
  }
}

/** One request over a connection of its own. Resolves with the time to the complete answer. */
async function request(port: number, method: 'PUT' | 'GET', body: Buffer): Promise<number> {
  const url = new URL(
    temporaryUrl({
      endpoint: `http://127.0.0.1:${port}`,
      bucket: BUCKET,
      key: 'object',
      method,
      accessKey: ACCOUNT,
      expiresAtSeconds: Math.floor(Date.now() / 1000) + 3600,
    }),
  );
  const head =
    `${method} ${url.pathname}${url.search} HTTP/1.1\r\nHost: ${url.host}\r\nConnection: close\r\n` +
    `${method === 'PUT' ? `Content-Length: ${body.length}\r\n` : ''}\r\n`;
  let first: Buffer | undefined;
  let receivedBytes = 0;
  const startedMs = performance.now();
  const socket = connect({
    host: '127.0.0.1',
    port,
    // One buffer for all answers, so that the benchmark does not measure this client.
    onread: {
      buffer: Buffer.allocUnsafeSlow(MIB),
      callback: (sizeBytes, buffer) => {
        first ??= Buffer.from(buffer.subarray(0, Math.min(sizeBytes, 2048)));
        receivedBytes += sizeBytes;
        return true;
      },
    },
  });
  socket.write(head);
  if (method === 'PUT') socket.write(body);
  await once(socket, 'end');
  const durationMs = performance.now() - startedMs;
  socket.destroy();
  const expectedBytes = method === 'GET' ? body.length : 0;
  const answer = first?.toString('latin1') ?? '';
  if (!answer.startsWith('HTTP/1.1 200') || receivedBytes < expectedBytes) {
    throw new Error(`${method} failed after ${receivedBytes} bytes: ${answer}`);
  }
  return durationMs;
}

/** The client in a process of its own. It prints the times of all runs, uploads and downloads in turns. */
async function measure(port: number): Promise<void> {
  const body = randomFillSync(Buffer.allocUnsafeSlow(OBJECT_BYTES));
  const small = body.subarray(0, 1024);
  const times = {
    put: [] as number[],
    get: [] as number[],
    smallPut: [] as number[],
    smallGet: [] as number[],
  };
  for (let run = -1; run < 20 * RUNS; run++) {
    const durations = [await request(port, 'PUT', small), await request(port, 'GET', small)];
    // The first run is the warm-up.
    if (run < 0) continue;
    times.smallPut.push(durations[0] ?? 0);
    times.smallGet.push(durations[1] ?? 0);
  }
  for (let run = -1; run < RUNS; run++) {
    const durations = [await request(port, 'PUT', body), await request(port, 'GET', body)];
    if (run < 0) continue;
    times.put.push(durations[0] ?? 0);
    times.get.push(durations[1] ?? 0);
  }
  console.log(JSON.stringify(times));
}

async function lineOf(child: ChildProcess): Promise<string> {
  let text = '';
  while (!text.endsWith('\n')) {
    const [chunk] = (await once(child.stdout as NodeJS.ReadableStream, 'data')) as [Buffer];
    text += chunk.toString();
  }
  return text;
}

async function main(): Promise<void> {
  console.log(`Node.js ${process.versions.node}, ${cpus().length} × ${cpus()[0]?.model ?? 'unknown CPU'}`);
  const directory = await mkdtemp(path.join(tmpdir(), 'obs-bench-'));
  const program = childProgram('../bench/obs-throughput.ts');
  const run = (...args: string[]) =>
    spawn(process.execPath, [program, ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
  const server = run('server', directory);
  try {
    const port = (await lineOf(server)).trim();
    const memory = async () => {
      server.stdin.write('\n');
      return JSON.parse(await lineOf(server)) as [nowBytes: number, peakBytes: number];
    };
    const [before] = await memory();
    await lineOf(run('client', port));
    const [warm] = await memory();
    const times = JSON.parse(await lineOf(run('client', port))) as Record<string, number[]>;
    const [after, peak] = await memory();
    for (const name of ['put', 'get']) {
      const speeds = (times[name] ?? []).map((ms) => OBJECT_BYTES / 1e6 / (ms / 1000));
      const spread = `${Math.min(...speeds).toFixed(0)}–${Math.max(...speeds).toFixed(0)}`;
      console.log(`64 MiB ${name}  ${median(speeds).toFixed(0).padStart(5)} MB/s  (${spread}, n=${RUNS})`);
    }
    for (const name of ['smallPut', 'smallGet']) {
      console.log(
        `1 KiB ${name.slice(5).toLowerCase()}   ${median(times[name] ?? [])
          .toFixed(2)
          .padStart(5)} ms, new connection`,
      );
    }
    const mib = (bytes: number) => (bytes / MIB).toFixed(1);
    console.log(
      `server memory: ${mib(before)} MiB before the first request, ${mib(warm)} MiB after ${RUNS} turns, ${mib(after)} MiB after ${2 * RUNS} turns, peak ${mib(peak)} MiB`,
    );
  } finally {
    server.kill();
    await rm(directory, { recursive: true, force: true });
  }
}

const [role, argument = ''] = process.argv.slice(2);
const work = role === 'server' ? serve(argument) : role === 'client' ? measure(Number(argument)) : main();
work.catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
