/**
 * A local cloud in a process of its own. It prints its addresses. Then the message `begin` makes it take notes, `count`
 * makes it answer how many tasks were accepted since, and `end` makes it answer its notes: when each task was accepted,
 * what the processor did, and how much memory it took.
 */

import type { Profiler } from 'node:inspector';
import { Session } from 'node:inspector/promises';
import { startDeployedCloud } from '../local/commands/deployed-cloud';
import { cpuOfChildren, memoryMb } from './process';

/** What happened between `begin` and `end`. */
export interface Notes {
  /** Key of the upload and when its task was accepted, in ms since 1970. */
  accepted: [key: string, atMs: number][];
  /** Processor time by its use, in ms. */
  cpuMs: Record<
    'our code' | 'packages' | 'node.js' | 'garbage collection' | 'functions' | 'capture workers',
    number
  >;
  /** Most memory of the server's process, MB. */
  serverMb: number;
  /** Memory of the server, its functions and capture workers at the end, MB. Shared memory is counted once. */
  allMb: number;
}

async function main(): Promise<void> {
  const cloud = await startDeployedCloud({ port: 0, mpc: { callsPerMinute: 1_000_000 } });
  for (const { configuration } of cloud.functiongraph.functions()) {
    const userData = JSON.parse(configuration.user_data ?? '{}');
    configuration.user_data = JSON.stringify({
      ...userData,
      MPC_REQUESTS_PER_MINUTE: '10000',
      MAX_UNFINISHED_TASKS: '100000',
    });
  }
  await cloud.capture.warmUp();
  const accepted = new Map<string, number>();
  const known = new Set<string>();
  cloud.mpc.tasks.onChange(({ input: { object } }) => {
    if (known.has(object)) return;
    known.add(object);
    accepted.set(object, Date.now());
  });
  const session = new Session();
  session.connect();
  await session.post('Profiler.enable');
  let before = new Map<number, number>();
  process.on('message', async (message) => {
    if (message === 'count') process.send?.(accepted.size);
    else if (message === 'begin') {
      accepted.clear();
      before = cpuOfChildren();
      await session.post('Profiler.start');
      process.send?.('ready');
    } else {
      const { profile } = await session.post('Profiler.stop');
      const workers = new Set(cloud.capture.workerPids);
      const children = [...cpuOfChildren()].map(([pid, ms]) => ({ pid, ms: ms - (before.get(pid) ?? 0) }));
      const sum = (some: typeof children) => some.reduce((total, { ms }) => total + ms, 0);
      const notes: Notes = {
        accepted: [...accepted],
        cpuMs: {
          ...shares(profile),
          functions: sum(children.filter(({ pid }) => !workers.has(pid))),
          'capture workers': sum(children.filter(({ pid }) => workers.has(pid))),
        },
        serverMb: process.resourceUsage().maxRSS / 1024,
        allMb: [process.pid, ...children.map(({ pid }) => pid)].reduce(
          (total, pid) => total + memoryMb(pid).proportional,
          0,
        ),
      };
      process.send?.(notes);
    }
  });
  process.on('disconnect', () => void cloud.close().then(() => process.exit()));
  process.send?.({ obs: cloud.addresses.obs, bucket: cloud.uploadBucket, accessKey: cloud.accessKey });
}

function shares({ nodes, samples = [], timeDeltas = [] }: Profiler.Profile) {
  const urls = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]));
  const ms = { 'our code': 0, packages: 0, 'node.js': 0, 'garbage collection': 0 };
  for (const [place, id] of samples.entries()) {
    const { url = '', functionName = '' } = urls.get(id) ?? {};
    if (functionName === '(idle)') continue;
    const kind =
      functionName === '(garbage collector)'
        ? 'garbage collection'
        : url.includes('/node_modules/')
          ? 'packages'
          : url.startsWith('file:') || url.startsWith('/')
            ? 'our code'
            : 'node.js';
    ms[kind] += (timeDeltas[place] ?? 0) / 1000;
  }
  return ms;
}

void main();
