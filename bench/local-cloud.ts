import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { Agent, request } from 'node:http';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { AccessKey } from '../local/iam/credentials';
import { temporaryUrl } from '../local/obs/signature';
import type { Notes } from './local-cloud-program';
import { ROOT } from './process';
import { quantile, type Suite } from './suite';

const UPLOADS = 200;
const ROUNDS = 3;

interface Place {
  obs: string;
  bucket: string;
  accessKey: AccessKey;
}

/** 200 uploads that arrive at once, until the last task is accepted. */
export const localCloud: Suite = {
  name: 'local cloud',
  about: `${UPLOADS} uploads of 1 MB at once, each through OBS, its event, the deployed on-upload function and MPC. MPC's quota is too high to interfere.`,
  async run() {
    const program = path.join(ROOT, 'bench', 'local-cloud-program.ts');
    const cloud = fork(program, { execArgv: ['--import', 'tsx'], serialization: 'advanced' });
    try {
      const [place] = (await once(cloud, 'message')) as [Place];
      // The first round is the warm-up.
      await round(cloud, place, 0);
      const rounds: Awaited<ReturnType<typeof round>>[] = [];
      for (let number = 1; number <= ROUNDS; number++) rounds.push(await round(cloud, place, number));
      const each = (value: (one: (typeof rounds)[number]) => number) => rounds.map(value);
      const latencies = rounds.flatMap(({ uploadMs, acceptMs, wholeMs }) => ({
        uploadMs,
        acceptMs,
        wholeMs,
      }));
      const latency = (what: keyof (typeof latencies)[number]) =>
        [0.5, 0.95, 1].map((share) => ({
          name: `${{ uploadMs: 'PUT, sent to answered', acceptMs: 'PUT answered to task accepted', wholeMs: 'PUT sent to task accepted' }[what]}, ${share === 1 ? 'slowest' : `${share * 100} %`}`,
          values: latencies.map((one) => quantile(one[what], share)),
        }));
      return {
        tables: [
          {
            title: 'throughput',
            unit: 'uploads/s',
            series: [
              { name: 'first byte sent to last task accepted', values: each(({ perSecond }) => perSecond) },
            ],
          },
          {
            title: 'latency',
            unit: 'ms',
            note: 'All uploads start at the same moment. on-upload has one instance, so later uploads wait for earlier ones.',
            series: (['uploadMs', 'acceptMs', 'wholeMs'] as const).flatMap(latency),
          },
          {
            title: 'processor time per upload',
            unit: 'ms',
            note: 'The server as its profile shows it; node.js is MD5, HTTP and files. Capture workers only find out that the upload is no video.',
            series: (Object.keys(rounds[0]?.notes.cpuMs ?? {}) as (keyof Notes['cpuMs'])[]).map((name) => ({
              name,
              values: each(({ notes }) => notes.cpuMs[name] / UPLOADS),
            })),
          },
          {
            title: 'memory',
            unit: 'MB',
            series: [
              { name: 'server process, peak', values: each(({ notes }) => notes.serverMb) },
              {
                name: 'server, functions and capture workers, shared pages once',
                values: each(({ notes }) => notes.allMb),
              },
            ],
          },
        ],
      };
    } finally {
      cloud.disconnect();
    }
  },
};

async function round(cloud: ChildProcess, place: Place, number: number) {
  // Not a video: the task is accepted and fails at once, so that decoding does not blur the results.
  const body = Buffer.alloc(1_000_000, number);
  const agent = new Agent({ keepAlive: true, maxSockets: UPLOADS });
  await ask(cloud, 'begin');
  const startedAtMs = Date.now();
  const keys = Array.from({ length: UPLOADS }, (_, index) => `uploads/${number}-${index}.mp4`);
  const times = await Promise.all(keys.map((key) => upload(place, key, body, agent)));
  agent.destroy();
  while ((await ask(cloud, 'count')) !== UPLOADS) await setTimeout(100);
  const notes = (await ask(cloud, 'end')) as Notes;
  const acceptedAt = new Map(notes.accepted);
  const at = (key: string) => acceptedAt.get(key) ?? Number.NaN;
  return {
    notes,
    perSecond: UPLOADS / ((Math.max(...acceptedAt.values()) - startedAtMs) / 1000),
    uploadMs: times.map(({ sentAtMs, answeredAtMs }) => answeredAtMs - sentAtMs),
    acceptMs: times.map(({ answeredAtMs }, index) => at(keys[index] ?? '') - answeredAtMs),
    wholeMs: times.map(({ sentAtMs }, index) => at(keys[index] ?? '') - sentAtMs),
  };
}

async function upload({ obs, bucket, accessKey }: Place, key: string, body: Buffer, agent: Agent) {
  const expiresAtSeconds = Math.floor(Date.now() / 1000) + 3600;
  const url = temporaryUrl({ endpoint: obs, bucket, key, method: 'PUT', accessKey, expiresAtSeconds });
  const sentAtMs = Date.now();
  const outgoing = request(url, { method: 'PUT', agent, headers: { 'content-length': body.length } });
  outgoing.end(body);
  const [response] = await once(outgoing, 'response');
  response.resume();
  if (response.statusCode !== 200)
    throw new Error(`OBS answered ${response.statusCode} to the upload of ${key}`);
  return { sentAtMs, answeredAtMs: Date.now() };
}

async function ask(cloud: ChildProcess, what: string): Promise<unknown> {
  cloud.send(what);
  const [answer] = await once(cloud, 'message');
  return answer;
}
