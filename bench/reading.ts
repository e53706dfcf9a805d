import { fork } from 'node:child_process';
import type { Server } from 'node:http';
import { cpus } from 'node:os';
import { buildArtifacts } from '../deploy/artifacts';
import { CloudApi, connectionFrom } from '../deploy/cloud-api';
import { deploy } from '../deploy/deploy';
import { desiredState } from '../deploy/desired-state';
import { LOCAL_STAGE } from '../deploy/desired-triggers';
import { FunctionGraphApi } from '../deploy/functiongraph-api';
import { withSubDomains } from '../deploy/gateway-domains';
import { readService } from '../deploy/service-file';
import { childProgram } from '../local/child-program';
import type { Cloud, CloudOptions } from '../local/cloud';
import { startWatchedCloud } from '../local/commands/deployed-cloud';
import { uploadFile } from '../local/commands/upload-file';
import { closeServer, listen } from '../local/http-server';
import { createReceiver } from '../local/webhook-receiver';
import { makeClip } from '../test/clip';
import { until } from '../test/wait';
import type { LoadPlan } from './load-program';
import { cpuOfChildren, cpuOfEndedChildren } from './process';
import type { ReadPlan, ReadReport } from './reader-program';
import { median, quantile, type Suite } from './suite';

const VIDEOS = 100;
const READS = 10_000;
const UPLOADS = 20;
const LASTS_MS = 60_000;
/** A visitor's browser runs only a few requests at once. */
const MAX_PENDING = 32;
const SECRET = `whsec_${Buffer.from('a secret of exactly 32 characters').toString('base64')}`;

/** The time of each upload, ms. */
interface Uploads {
  toFramesMs: number[];
  toNoticeMs: number[];
}

/** All that is observed in one cloud. */
class Watched {
  readonly endedAtMs = new Map<string, { task: string; atMs: number }>();
  readonly noticedAtMs = new Map<string, number>();
  /** Ids in the calls of MPC, one entry for each call. */
  readonly askedFor: string[][] = [];
  cloud!: Cloud;
  receiver!: Server;

  static async start(options: Omit<CloudOptions, 'port'> = {}): Promise<Watched> {
    const watched = new Watched();
    watched.receiver = createReceiver({
      secrets: [SECRET],
      onNotice: ({ value }) => {
        const { task_id } = (value as { data: { task_id: string } }).data;
        watched.noticedAtMs.set(task_id, Date.now());
      },
    });
    const NOTIFY_URL = `http://127.0.0.1:${await listen(watched.receiver, 0)}/`;
    watched.cloud = await startWatchedCloud({ port: 0, mpc: { callsPerMinute: 10_000 }, ...options });
    await deployWithoutThrottle(watched.cloud, { NOTIFY_URL, NOTIFY_SECRET: SECRET });
    for (const { configuration } of watched.cloud.functiongraph.functions()) {
      configuration.user_data = JSON.stringify({
        ...JSON.parse(configuration.user_data ?? '{}'),
        MPC_REQUESTS_PER_MINUTE: '10000',
        MAX_UNFINISHED_TASKS: '1000',
      });
    }
    watched.cloud.mpc.tasks.onChange((task) => {
      if (task.endedAtMs !== undefined)
        watched.endedAtMs.set(task.input.object, { task: task.id, atMs: task.endedAtMs });
    });
    watched.cloud.mpc.server.on('request', ({ method, url = '' }) => {
      if (method === 'GET') watched.askedFor.push(new URL(url, 'http://mpc').searchParams.getAll('task_id'));
    });
    return watched;
  }

  async stop(): Promise<void> {
    await this.cloud.close();
    await closeServer(this.receiver);
  }

  /** Uploads a clip. Resolves when its task has ended and the notice has arrived. */
  async upload(clip: string, key: string, into: Uploads, timeoutMs = 120_000): Promise<void> {
    const startedAtMs = Date.now();
    await uploadFile(clip, key, this.cloud, () => {});
    const ended = await until(() => this.endedAtMs.get(key), { timeoutMs, what: `the frames of ${key}` });
    into.toFramesMs.push(ended.atMs - startedAtMs);
    const noticedAtMs = await until(() => this.noticedAtMs.get(ended.task), {
      timeoutMs: timeoutMs + 60_000,
      what: `the notice of ${key}`,
    });
    into.toNoticeMs.push(noticedAtMs - ended.atMs);
  }
}

/** The gateway allows 6,000 reads a minute, so that a flood costs no more. This suite needs more. */
async function deployWithoutThrottle(cloud: Cloud, settings: Record<string, string>): Promise<void> {
  const desired = desiredState(await readService(LOCAL_STAGE, { ...settings, ...cloud.environment }));
  const apis = desired.access?.apis.map((one) => ({
    ...one,
    throttle: one.throttle && { api: 100_000, caller: 100_000 },
  }));
  if (desired.access !== undefined && apis !== undefined) desired.access = { ...desired.access, apis };
  const api = new FunctionGraphApi(new CloudApi(connectionFrom(cloud.environment, cloud.region)));
  await deploy(await withSubDomains(desired, api.cloud), await buildArtifacts(desired.functions), api);
}

const pauseUntil = (atMs: number) =>
  new Promise((resolve) => setTimeout(resolve, Math.max(0, atMs - Date.now())));

/** Uploads one video after the other, spread over a minute. */
async function uploadForAMinute(name: string, clip: string, watched: Watched): Promise<Uploads> {
  const uploads: Uploads = { toFramesMs: [], toNoticeMs: [] };
  const startedAtMs = Date.now();
  const under: Promise<void>[] = [];
  for (let index = 0; index < UPLOADS; index++) {
    await pauseUntil(startedAtMs + (index * LASTS_MS) / UPLOADS);
    under.push(watched.upload(clip, `uploads/${name}-${index}.mp4`, uploads));
  }
  await Promise.all(under);
  return uploads;
}

/** Readers in a process of their own, as visitors are: the cloud's process must not pay for them. */
async function readForAMinute(videos: ReadonlyMap<string, string>, { cloud }: Watched): Promise<ReadReport> {
  const readers = fork(childProgram('../bench/reader-program.ts'), { serialization: 'advanced' });
  const plan: ReadPlan = {
    gateway: cloud.addresses.gateway,
    videos: [...videos],
    reads: READS,
    lastsMs: LASTS_MS,
    maxPending: MAX_PENDING,
  };
  readers.send(plan);
  return new Promise((resolve, reject) => {
    readers.once('message', (report: ReadReport) => resolve(report));
    readers.once('exit', (code) => reject(new Error(`the readers ended with exit code ${code}`)));
  });
}

/** Processor time so far, ms, of the cloud's process and of the functions' processes, of which some may have ended. */
function cpuMs({ cloud }: Watched): { cloud: number; functions: number } {
  const { user, system } = process.cpuUsage();
  const workers = new Set(cloud.capture.workerPids);
  let functions = cpuOfEndedChildren();
  for (const [pid, ms] of cpuOfChildren()) if (!workers.has(pid)) functions += ms;
  return { cloud: (user + system) / 1000, functions };
}

/** Does the work and measures how much processor time it takes, ms. */
async function withCpu<T>(watched: Watched, work: () => Promise<T>) {
  const before = cpuMs(watched);
  const result = await work();
  const after = cpuMs(watched);
  return { result, cloud: after.cloud - before.cloud, functions: after.functions - before.functions };
}

/**
 * Uploads beside programs that take as much processor time as the readers did, but touch nothing of the service. What is slower
 * here is slower because the machine is shared.
 */
async function uploadBesideLoad(plans: LoadPlan[], clip: string, watched: Watched): Promise<Uploads> {
  const loads = plans.map((plan) => {
    const load = fork(childProgram('../bench/load-program.ts'), { serialization: 'advanced' });
    load.send(plan);
    return load;
  });
  try {
    return await uploadForAMinute('beside-load', clip, watched);
  } finally {
    for (const load of loads) load.disconnect();
  }
}

/** Reads of finished videos during uploads, and the delay of notices. */
export const reading: Suite = {
  name: 'reading',
  about:
    `${VIDEOS} finished videos are read ${READS.toLocaleString('en')} times in a minute, by key and by id, as JSON and as a track, while ${UPLOADS} videos ` +
    'are uploaded, compared with the same uploads without readers, and with uploads beside other programs that take as much of the processor as the readers did. Everything runs on this machine; the readers have a process of their own.',
  async run() {
    const clip = await makeClip({ seconds: 6, width: 320, height: 180 });
    const watched = await Watched.start();
    try {
      const before: Uploads = { toFramesMs: [], toNoticeMs: [] };
      const old = Array.from({ length: VIDEOS }, (_, index) => `uploads/old-${index}.mp4`);
      await Promise.all(old.map((key) => watched.upload(clip, key, before, 300_000)));
      const videos = new Map([...watched.endedAtMs].map(([key, { task }]) => [key, task]));
      const ids = new Set(videos.values());
      const quiet = await withCpu(watched, () => uploadForAMinute('alone', clip, watched));
      const callsBefore = watched.askedFor.length;
      const busy = await withCpu(watched, () =>
        Promise.all([readForAMinute(videos, watched), uploadForAMinute('beside', clip, watched)]),
      );
      const alone = quiet.result;
      const [reads, beside] = busy.result;
      // The readers' process is a child of this one, as the functions' are.
      const functionsMs = busy.functions - reads.cpuMs - quiet.functions;
      const calls = watched.askedFor.slice(callsBefore);
      const cloudMs = busy.cloud - quiet.cloud;
      const besideLoad = await uploadBesideLoad(
        [
          { share: cloudMs / LASTS_MS, givesWay: false },
          { share: (functionsMs + reads.cpuMs) / LASTS_MS, givesWay: true },
        ],
        clip,
        watched,
      );
      const ofReaders = calls.filter((asked) => asked.some((id) => ids.has(id))).length;
      const others = [...reads.statuses].reduce((sum, [code, count]) => sum + (code === 200 ? 0 : count), 0);
      const byTimer = await noticeByTimerMs(clip);
      return {
        tables: [
          {
            title: 'read sent to answer received',
            unit: 'ms',
            series: [0.5, 0.95, 0.99].map((share) => ({
              name: `${share * 100} %`,
              values: [quantile(reads.latenciesMs, share)],
            })),
          },
          {
            title: 'processor time of a read',
            unit: 'ms',
            note: `What the minute with readers takes more than the one without, for each read. This machine has ${cpus().length} cores.`,
            series: [
              {
                name: 'cloud (API Gateway, FunctionGraph, OBS)',
                values: [cloudMs / READS],
              },
              { name: 'functions', values: [functionsMs / READS] },
              { name: 'readers', values: [reads.cpuMs / READS] },
            ],
          },
          {
            title: 'upload sent to all frames ready',
            unit: 'ms',
            series: [
              { name: 'without readers', values: alone.toFramesMs },
              { name: 'with readers', values: beside.toFramesMs },
              {
                name: 'with other programs that take as much of the processor',
                values: besideLoad.toFramesMs,
              },
            ],
          },
          {
            title: 'end of the task to notice received',
            unit: 'ms',
            series: [
              { name: 'by notification, without readers', values: alone.toNoticeMs },
              { name: 'by notification, with readers', values: beside.toNoticeMs },
              { name: 'by the timer alone', values: [byTimer] },
            ],
          },
        ],
        goals: [
          { text: 'reads in a minute', measured: (READS * 60_000) / reads.lastedMs, atLeast: READS * 0.99 },
          { text: 'calls of MPC about ended tasks', measured: ofReaders, atMost: 0 },
          { text: 'answers other than 200', measured: others, atMost: 0 },
          {
            text: 'uploads: frames with readers, times as long as without',
            measured: median(beside.toFramesMs) / median(alone.toFramesMs),
            atMost: 1.1,
          },
          {
            text: 'uploads: frames with readers, times as long as with other programs',
            measured: median(beside.toFramesMs) / median(besideLoad.toFramesMs),
            atMost: 1.1,
          },
          {
            text: 'notice by notification, without readers, median ms',
            measured: median(alone.toNoticeMs),
            atMost: 1000,
          },
          { text: 'notice by the timer alone, ms', measured: byTimer, atMost: 65_000 },
        ],
      };
    } finally {
      await watched.stop();
    }
  },
};

/** The time from the end of a task to its notice, if MPC's notification is lost. */
async function noticeByTimerMs(clip: string): Promise<number> {
  const watched = await Watched.start({ faults: { shares: { 'smn.drop': 1 }, seed: 1 } });
  try {
    const uploads: Uploads = { toFramesMs: [], toNoticeMs: [] };
    await watched.upload(clip, 'uploads/late.mp4', uploads);
    return uploads.toNoticeMs[0] ?? Number.NaN;
  } finally {
    await watched.stop();
  }
}
