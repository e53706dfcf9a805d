import { randomInt } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import type { Cloud } from '../local/cloud';
import { startDeployedCloud } from '../local/commands/deployed-cloud';
import { Dice } from '../local/faults/dice';
import type { Fault } from '../local/faults/faults';
import { parseFaults, parseSeed, SEED_RANGE } from '../local/faults/parse-faults';
import { FunctionGraphError, type Invocation } from '../local/functiongraph/functiongraph';
import { UsageError } from '../local/usage-error';
import { behindThePace, HostileCaller, look, TextCapture, write } from './soak-world';

const USAGE = `usage: npm run soak -- [--uploads N] [--minutes N] [--excess discarded|queued] [--faults LIST] [--seed N]
                            [--instances N] [--conditional-writes ignored|honoured] [--replaced SHARE] [--hostile CREATES]

Uploads small videos into a local cloud with all faults, waits until all is settled, and counts. Every version of a video must
have at most one task. Every directory must have pictures of the newest version only. No 60 s may have more create calls than
MPC_REQUESTS_PER_MINUTE. Otherwise the exit code is 1.
--replaced: the share of the videos (0 to 1) that are uploaded again within two seconds.
--hostile: create calls per minute of a caller with forged notes, other videos' directories and the like, who also waits, lists
and cancels.
A video without pictures at the end is "not settled"; it is "lost" only if the sweeps find nothing left to do.
The delay of uploads is checked without faults (--faults ''); with faults it is only shown.
on-upload is always deployed with one instance, which keeps the pace. With more --instances, invocations overlap, and the pace is
only shown.`;

const FAULTS =
  'duplicate=0.2,reorder=0.1,drop=0.05,delay=0.1,mpc.429=0.1,mpc.burst=0.002,mpc.500=0.02,mpc.502=0.02,mpc.slow=0.002,mpc.late=0.005,mpc.reset=0.03,' +
  'mpc.reset-after-accept=0.05,mpc.500-after-accept=0.03,obs.503=0.03,obs.reset-after=0.02,credentials=0.03,crash=0.05';

const WINDOW_MS = 60_000;
/** A sweep ignores uploads of the last minute. */
const SWEEPABLE_AFTER_MS = 61_000;
/** A sweep retries a failure after four minutes, and it may fail more than once. */
const SETTLING_MS = 13 * 60_000;
const SWEEP_EVERY_MS = 15_000;
const SETTLING_SWEEP_EVERY_MS = 3_000;
const MAX_KEYS_SHOWN = 3;
/** How late an upload may be, compared with the pace. */
const LATE_MS = 60_000;
const FRAME_MS = 400;
const PARALLEL_TASKS = 10;
/** Limits of instances, as serverless.yml has them outside the local cloud. They bound callers who wait and list. */
const CAPS = { create: 3, cancel: 2, query: 5 };
/** Four times MPC's own quota: sweeps run four times as often, and read MPC's list as often. */
const LEAST_MPC_CALLS_PER_MINUTE = 400;
const TASKS_END_WITHIN_MS = 60_000;

interface Arguments {
  uploads: number;
  durationMs: number;
  excess: 'queued' | 'discarded';
  faults: string;
  seed: number;
  /** Instances of on-upload that run at the same time. */
  instances: number;
  conditionalWrites: 'ignored' | 'honoured';
  /** Share of the videos that are uploaded again. */
  replaced: number;
  /** Create calls of a hostile caller per minute. */
  hostile: number;
}

function readArguments(): Arguments {
  const { values } = parseArgs({
    options: {
      uploads: { type: 'string', default: '2000' },
      minutes: { type: 'string', default: '25' },
      excess: { type: 'string', default: 'discarded' },
      faults: { type: 'string', default: FAULTS },
      seed: { type: 'string', default: String(randomInt(SEED_RANGE)) },
      instances: { type: 'string', default: '1' },
      'conditional-writes': { type: 'string', default: 'ignored' },
      replaced: { type: 'string', default: '0.1' },
      hostile: { type: 'string', default: '10' },
    },
  });
  const { excess, faults, 'conditional-writes': conditionalWrites } = values;
  if (conditionalWrites !== 'ignored' && conditionalWrites !== 'honoured') {
    throw new UsageError(
      `--conditional-writes must be ignored or honoured, got "${conditionalWrites}"\n\n${USAGE}`,
    );
  }
  if (excess !== 'queued' && excess !== 'discarded') {
    throw new UsageError(`--excess must be queued or discarded, got "${excess}"\n\n${USAGE}`);
  }
  const uploads = positive('uploads', values.uploads);
  const durationMs = positive('minutes', values.minutes) * 60_000;
  if (durationMs <= SETTLING_MS) {
    throw new UsageError(
      `--minutes must be above ${SETTLING_MS / 60_000}: uploads stop that long before the end, because a sweep retries failures after four minutes`,
    );
  }
  const instances = Math.ceil(positive('instances', values.instances));
  const [replaced, hostile] = [Number(values.replaced), Number(values.hostile)];
  if (!(replaced >= 0 && replaced <= 1))
    throw new UsageError(`--replaced must be from 0 to 1, got "${values.replaced}"\n\n${USAGE}`);
  if (!(hostile >= 0))
    throw new UsageError(`--hostile must be 0 or more, got "${values.hostile}"\n\n${USAGE}`);
  const seed = parseSeed(values.seed);
  return { uploads, durationMs, excess, faults, seed, instances, conditionalWrites, replaced, hostile };
}

/** The same numbers for the same seed. @param stream their purpose: no stream shifts the numbers of another */
function randomFrom(seed: number, stream: string): () => number {
  const dice = new Dice(seed);
  return () => dice.roll(stream);
}

function positive(name: string, value: string): number {
  const number = Number(value);
  if (number > 0) return number;
  throw new UsageError(`--${name} must be a number above 0, got "${value}"\n\n${USAGE}`);
}

/** All that can be observed from outside the functions while they work. */
class Observations {
  readonly faults = new Map<string, number>();
  readonly states = new Map<string, number>();
  readonly createsAtMs: number[] = [];
  /** Most invocations of on-upload at the same time. */
  mostAtOnce = 0;
  readonly #running = new Set<string>();
  readonly #log: { timeMs: number; text: string }[] = [];

  watch(cloud: Cloud): void {
    cloud.mpc.server.on('request', ({ method, headers }) => {
      const [, accessKey = ''] = /Access=(\w+)/.exec(headers.authorization ?? '') ?? [];
      const { holder = '' } = cloud.credentials.find(accessKey) ?? {};
      if (method === 'POST' && holder.endsWith('on-upload')) this.createsAtMs.push(performance.now());
    });
    cloud.functiongraph.onInvocation((invocation) => this.#add(invocation));
  }

  readonly onFault = ({ name }: Fault): void => increase(this.faults, name);

  /** Most create calls in any 60 s. */
  mostCreatesInAMinute(): number {
    let first = 0;
    return this.createsAtMs.reduce((most, atMs, index) => {
      while (atMs - (this.createsAtMs[first] ?? atMs) >= WINDOW_MS) first++;
      return Math.max(most, index - first + 1);
    }, 0);
  }

  /** The functions' log lines about an upload. */
  linesAbout(key: string): string[] {
    return this.#log
      .filter(({ text }) => text.includes(`"${key}"`))
      .map(({ timeMs, text }) => `${new Date(timeMs).toISOString()} ${text}`);
  }

  #add({ functionName, requestId, state, outcome, event, timeMs, attempt }: Invocation): void {
    if (functionName !== 'on-upload') return;
    if (state === 'running') this.#running.add(requestId);
    else this.#running.delete(requestId);
    this.mostAtOnce = Math.max(this.mostAtOnce, this.#running.size);
    increase(this.states, state);
    this.#log.push(...(outcome?.log ?? []));
    const [, key] = /"key":"([^"]+)"/.exec(event) ?? [];
    if (key !== undefined)
      this.#log.push({ timeMs, text: `attempt ${attempt} ${state} "${decodeURIComponent(key)}"` });
  }
}

function increase(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

async function startCloud(
  { excess, faults, seed, instances, conditionalWrites, hostile }: Arguments,
  requestsPerMinute: number,
  observations: Observations,
): Promise<Cloud> {
  const cloud = await startDeployedCloud({
    port: 0,
    mpc: {
      capture: new TextCapture(FRAME_MS, randomFrom(seed, 'capture')),
      parallelTasks: PARALLEL_TASKS,
      // Per operation. The gateway's limits leave calls to callers in addition to the pace, as in serverless.yml.
      callsPerMinute: Math.max(
        LEAST_MPC_CALLS_PER_MINUTE,
        Math.ceil((requestsPerMinute * 100) / 80),
        requestsPerMinute + hostile,
      ),
    },
    obs: { behaviour: { conditionalWrites } },
    functiongraph: { behaviour: { asyncRetryDelayMs: 300, excessAsyncEvents: excess } },
    faults: { shares: parseFaults(faults), seed, onFault: observations.onFault },
  });
  for (const [name, count] of Object.entries({ ...CAPS, 'on-upload': instances }))
    setInstances(name, count, cloud);
  for (const { configuration } of cloud.functiongraph.functions()) {
    configuration.user_data = JSON.stringify({
      ...JSON.parse(configuration.user_data ?? '{}'),
      MPC_REQUESTS_PER_MINUTE: String(requestsPerMinute),
      MAX_UNFINISHED_TASKS: '100000',
    });
  }
  observations.watch(cloud);
  return cloud;
}

function setInstances(functionName: string, instances: number, { functiongraph }: Cloud): void {
  const { configuration } = functiongraph.functions().find(({ name }) => name === functionName) ?? {};
  if (configuration !== undefined) {
    configuration.strategy_config = { concurrency: instances, concurrent_num: 1 };
  }
}

/** The functions' records about an upload, besides its claim. */
async function recordsOf(key: string, { store, snapshotBucket }: Cloud): Promise<string[]> {
  const { objects } = store.list(snapshotBucket, { prefix: '.mpc-snapshots/', maxKeys: 1_000_000 });
  const texts = await Promise.all(
    objects.map(async ({ key: recordKey, filePath }) => `${recordKey} ${await readFile(filePath, 'utf8')}`),
  );
  return texts.filter((text) => text.includes(`"${key}"`));
}

/**
 * Sweeps until a whole pass, in one sweep or several, finds nothing to do. @returns the last report, if there was no
 * such pass; otherwise undefined
 */
async function sweepUntilSettled(
  count: number,
  deadlineMs: number,
  { functiongraph }: Cloud,
): Promise<string | undefined> {
  let said = 'nothing';
  let passed = { already_started: 0, started: 0, failed: 0 };
  while (Date.now() < deadlineMs) {
    try {
      const { isError, body } = await functiongraph.invoke('on-upload', {
        trigger_type: 'TIMER',
        user_event: '{"whole":true}',
      });
      said = body;
      if (isError) continue;
      const report = JSON.parse(body);
      for (const name of ['already_started', 'started', 'failed'] as const) passed[name] += report[name];
      if (!report.complete) continue;
      if (passed.failed + passed.started === 0 && passed.already_started === count) return undefined;
      passed = { already_started: 0, started: 0, failed: 0 };
    } catch (error) {
      // The only instance is busy with events.
      if (!(error instanceof FunctionGraphError)) throw error;
    }
    await pause(SETTLING_SWEEP_EVERY_MS);
  }
  return said;
}

/** Tasks by the claim that they were made for, without those that were cancelled for a newer version. */
function tasksByClaim(cloud: Cloud): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const { id, input, createdAtMs, status, userData = '{}' } of cloud.mpc.tasks.list()) {
    const { claim } = Object(JSON.parse(userData)['mpc-snapshots']);
    if (status === 'CANCELED' || typeof claim !== 'string' || input.object.startsWith('hostile/')) continue;
    const made = `${input.object}: task ${id} at ${new Date(createdAtMs).toISOString()}`;
    found.set(claim, [...(found.get(claim) ?? []), made]);
  }
  return found;
}

/** Waits until MPC has finished all tasks. */
async function tasksEnd({ mpc }: Cloud): Promise<void> {
  const untilMs = Date.now() + TASKS_END_WITHIN_MS;
  const isAtWork = () => mpc.tasks.list().some(({ endedAtMs }) => endedAtMs === undefined);
  while (isAtWork() && Date.now() < untilMs) await pause(200);
}

const list = (counts: ReadonlyMap<string, number>) =>
  [...counts].map(([name, count]) => `${name} ${count}`).join(', ');

async function main(): Promise<boolean> {
  const args = readArguments();
  const { uploads, durationMs, excess, faults, seed, instances, replaced, hostile } = args;
  console.log(`seed ${seed}, excess events ${excess}, faults ${faults || 'none'}`);
  console.log(`instances ${instances}, conditional writes ${args.conditionalWrites}`);
  console.log(`replaced ${replaced}, creates of a hostile caller ${hostile} a minute`);
  const uploadsForMs = durationMs - SETTLING_MS;
  // As many as there are uploads: additional calls after faults must wait, which tests the pace.
  const requestsPerMinute = Math.ceil((uploads * (1 + replaced)) / (uploadsForMs / 60_000));
  const startedAtMs = Date.now();
  const observations = new Observations();
  const cloud = await startCloud(args, requestsPerMinute, observations);
  const timer = setInterval(() => cloud.functiongraph.fireTimer('on-upload', 'sweep'), SWEEP_EVERY_MS);
  const random = randomFrom(seed, 'videos');
  const keys = Array.from({ length: uploads }, (_, index) => `soak/${String(index).padStart(6, '0')}.mp4`);
  const victim = () => keys[Math.floor(random() * keys.length)] ?? '';
  const caller = new HostileCaller(cloud, hostile, victim);
  const attack = hostile > 0 ? caller.run() : Promise.resolve();
  try {
    const written = await write(keys, uploadsForMs, { replaced, random, cloud });
    await pause(SWEEPABLE_AFTER_MS);
    clearInterval(timer);
    // Sweeps that overlap share one note of their place. Only a single one can tell that all is settled.
    setInstances('on-upload', 1, cloud);
    const lastReport = await sweepUntilSettled(uploads, startedAtMs + durationMs, cloud);
    const isSettled = lastReport === undefined;
    caller.stop();
    await attack;
    await tasksEnd(cloud);

    const duplicates = [...tasksByClaim(cloud).values()].filter(({ length }) => length > 1);
    const { mixed, old, empty } = await look(written, cloud);
    const unfinished = [...old, ...empty];
    const most = observations.mostCreatesInAMinute();
    const behindMs = behindThePace(written, requestsPerMinute, (key) => newestTaskAtMs(key, cloud));
    const late = behindMs.filter((ms) => ms > LATE_MS).length;
    console.log(`
videos       ${uploads}, ${written.filter(({ atMs }) => atMs.length > 1).length} of them replaced
tasks        ${cloud.mpc.tasks.list().length}
duplicates   ${duplicates.length}
lost         ${isSettled ? unfinished.length : 'not known'}
not settled  ${isSettled ? 0 : unfinished.length} without pictures of the newest version yet
mixed        ${mixed.length} directories
late         ${late} more than ${LATE_MS / 1000} s behind the pace, the last by ${(Math.max(0, ...behindMs) / 1000).toFixed(0)} s
settled      ${isSettled ? 'yes' : `no: ${lastReport}`}, after ${((Date.now() - startedAtMs) / 1000).toFixed(0)} s
create calls ${observations.createsAtMs.length} for uploads, at most ${most} in any 60 s; MPC_REQUESTS_PER_MINUTE is ${requestsPerMinute}
at once      at most ${observations.mostAtOnce} invocations of on-upload
crashes      ${observations.faults.get('crash') ?? 0}
retries      ${observations.states.get('retrying') ?? 0}
attempts     ${list(observations.states)}
faults       ${list(observations.faults)}
caller       ${list(caller.answers)}
seed         ${seed}`);
    for (const tasks of duplicates.slice(0, MAX_KEYS_SHOWN)) console.log(['', ...tasks].join('\n  '));
    for (const key of [...mixed, ...unfinished].slice(0, MAX_KEYS_SHOWN)) {
      const records = await recordsOf(key, cloud);
      console.log([`\n${key}`, ...observations.linesAbout(key), ...records].join('\n  '));
    }
    return (
      duplicates.length + mixed.length + unfinished.length === 0 &&
      isSettled &&
      (faults !== '' || late === 0) &&
      (instances > 1 || most <= requestsPerMinute)
    );
  } finally {
    clearInterval(timer);
    caller.stop();
    await attack;
    await cloud.close();
  }
}

function newestTaskAtMs(key: string, { mpc }: Cloud): number | undefined {
  const own = mpc.tasks.list().filter(({ input, status }) => input.object === key && status !== 'CANCELED');
  return own.length === 0 ? undefined : Math.max(...own.map(({ createdAtMs }) => createdAtMs));
}

main().then(
  (isKept) => {
    process.exitCode = isKept ? 0 : 1;
  },
  (error: unknown) => {
    console.error(error instanceof UsageError ? error.message : error);
    process.exitCode = 1;
  },
);
