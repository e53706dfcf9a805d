/**
 * Visitors who read finished videos through the API, in a process of their own. The first message is a `ReadPlan`; the
 * program carries it out, sends a `ReadReport` and ends.
 */

import { Agent, get } from 'node:http';
import { constants, setPriority } from 'node:os';
import { setTimeout } from 'node:timers/promises';

/** What to read, and how fast. */
export interface ReadPlan {
  /** Address of the gateway. */
  gateway: string;
  /** Videos and their tasks. */
  videos: readonly (readonly [key: string, taskId: string])[];
  reads: number;
  lastsMs: number;
  /** Most requests at a time. Requests behind the plan catch up. */
  maxPending: number;
}

/** What came out. */
export interface ReadReport {
  latenciesMs: number[];
  /** How many answers had which status. */
  statuses: [status: number, count: number][];
  lastedMs: number;
  /** Processor time of this process for the reads. */
  cpuMs: number;
}

/** Reads ended tasks at an even pace, by key and by id, as JSON and as a track. */
async function read({ gateway, videos, reads, lastsMs, maxPending }: ReadPlan): Promise<ReadReport> {
  // The gateway closes connections that were idle for 5 s.
  const agent = new Agent({ keepAlive: true, maxSockets: maxPending, timeout: 4_000 });
  const latenciesMs: number[] = [];
  const statuses = new Map<number, number>();
  const before = process.cpuUsage();
  const startedAtMs = Date.now();
  let next = 0;
  const reader = async (): Promise<void> => {
    for (let number = next++; number < reads; number = next++) {
      await setTimeout(Math.max(0, startedAtMs + (number * lastsMs) / reads - Date.now()));
      const [key = '', id = ''] = videos[(number >> 2) % videos.length] ?? [];
      const path = number & 1 ? `/${id}` : `?object=${encodeURIComponent(key)}`;
      const format = number & 2 ? `${number & 1 ? '?' : '&'}format=vtt` : '';
      const sentAtMs = performance.now();
      const status = await statusOf(`${gateway}/snapshots${path}${format}`, agent);
      latenciesMs.push(performance.now() - sentAtMs);
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
    }
  };
  await Promise.all(Array.from({ length: maxPending }, reader));
  const { user, system } = process.cpuUsage(before);
  agent.destroy();
  return {
    latenciesMs,
    statuses: [...statuses],
    lastedMs: Date.now() - startedAtMs,
    cpuMs: (user + system) / 1000,
  };
}

/** Requests an address and reads the whole answer. */
function statusOf(url: string, agent: Agent): Promise<number> {
  return new Promise((resolve, reject) => {
    const sent = get(url, { agent }, (response) => {
      response.resume();
      response.on('error', reject);
      response.on('end', () => resolve(response.statusCode ?? 0));
    });
    sent.on('error', reject);
  });
}

// Visitors have computers of their own: here they do not take the processor from the cloud.
setPriority(constants.priority.PRIORITY_BELOW_NORMAL);

process.once('message', async (plan: ReadPlan) => {
  const report = await read(plan);
  process.send?.(report, () => process.disconnect());
});
