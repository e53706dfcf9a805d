import { randomInt } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import type { Cloud, CloudOptions } from '../local/cloud';
import { startDeployedCloud } from '../local/commands/deployed-cloud';
import { Dice } from '../local/faults/dice';
import type { Fault } from '../local/faults/faults';
import { parseFaults, parseSeed, SEED_RANGE } from '../local/faults/parse-faults';
import { FunctionGraphError, type Invocation } from '../local/functiongraph/functiongraph';
import { UsageError } from '../local/usage-error';
import { EVENT_COMES_WITHIN_MS } from '../shared/uploads/upload-event';
import { behindThePace, HostileCaller, leftOver, look, TextCapture, type Written, write } from './soak-world';

const USAGE = `usage: npm run soak -- [--uploads N] [--minutes N] [--settle N] [--excess discarded|queued] [--faults LIST] [--seed N]
                            [--instances N] [--conditional-writes ignored|honoured] [--replaced SHARE] [--removed SHARE]
                            [--hostile CREATES]

Uploads small videos for some --minutes (12) into a local cloud with all faults, waits until all is settled, and counts. Every
version of a video must have at most one task. Every directory must have pictures of the newest version only. Of a video that was
removed nothing must be left. No 60 s may have more create calls than MPC_REQUESTS_PER_MINUTE. Otherwise the exit code is 1.
--settle: minutes after the uploads at most (45). It ends as soon as all is settled. Whatever failed is tried again after 4 to 5
minutes, the tasks of calls without an answer are then looked for every minute, and the faults go on: of 60 uploads the last may need three tries
(15 min), of 2,000 eight.
--replaced: the share of the videos (0 to 1) that are uploaded again within two seconds.
--removed: the share of the videos that are deleted within 90 s. Half of them come back within another 90 s. The functions run with
ON_REMOVAL=delete; with 0 they run without it.
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
/** A sweep ignores uploads whose events are probably on their way. */
const SWEEPABLE_AFTER_MS = EVENT_COMES_WITHIN_MS + 1_000;
/** An invocation that found a video, and a call of it on its way, last no longer together. */
const IN_FLIGHT_MS = 120_000;
/** Out of step with the uploads: otherwise timers come at the moment of an event again and again, and are discarded. */
const SWEEP_EVERY_MS = 14_300;
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
  uploadsForMs: number;
  /** After the uploads. */
  settlesWithinMs: number;
  excess: 'queued' | 'discarded';
  faults: string;
  seed: number;
  /** Instances of on-upload that run at the same time. */
  instances: number;
  conditionalWrites: 'ignored' | 'honoured';
  /** Share of the videos that are uploaded again. */
  replaced: number;
  /** Share of the videos that are deleted. */
  removed: number;
  /** Create calls of a hostile caller per minute. */
  hostile: number;
}

function readArguments(): Arguments {
  const { values } = parseArgs({
    options: {
      uploads: { type: 'string', default: '2000' },
      minutes: { type: 'string', default: '12' },
      settle: { type: 'string', default: '45' },
      excess: { type: 'string', default: 'discarded' },
      faults: { type: 'string', default: FAULTS },
      seed: { type: 'string', default: String(randomInt(SEED_RANGE)) },
      instances: { type: 'string', default: '1' },
      'conditional-writes': { type: 'string', default: 'ignored' },
      replaced: { type: 'string', default: '0.1' },
      removed: { type: 'string', default: '0.1' },
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
  const uploadsForMs = positive('minutes', values.minutes) * 60_000;
  const settlesWithinMs = positive('settle', values.settle) * 60_000;
  const instances = Math.ceil(positive('instances', values.instances));
  const [replaced, removed] = [share('replaced', values.replaced), share('removed', values.removed)];
  const hostile = Number(values.hostile);
  if (!(hostile >= 0))
    throw new UsageError(`--hostile must be 0 or more, got "${values.hostile}"\n\n${USAGE}`);
  const seed = parseSeed(values.seed);
  return {
    uploads,
    uploadsForMs,
    settlesWithinMs,
    excess,
    faults,
    seed,
    instances,
    conditionalWrites,
    replaced,
    removed,
    hostile,
  };
}

function share(name: string, value: string): number {
  const number = Number(value);
  if (number >= 0 && number <= 1) return number;
  throw new UsageError(`--${name} must be from 0 to 1, got "${value}"\n\n${USAGE}`);
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
  { excess, faults, seed, instances, conditionalWrites, removed, hostile }: Arguments,
  requestsPerMinute: number,
  observations: Observations,
): Promise<Cloud> {
  const options: CloudOptions = {
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
  };
  const cloud = await startDeployedCloud(options, { ON_REMOVAL: removed > 0 ? 'delete' : 'keep' });
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
 * Runs the timers until sweeps find nothing to do in a whole pass, in one sweep or several, and on-finish nothing to remove.
 * @param count videos that exist
 * @returns the last reports, if it did not come to that; otherwise undefined
 */
async function runUntilSettled(count: number, deadlineMs: number, cloud: Cloud): Promise<string | undefined> {
  let said = 'nothing';
  let passed = { already_started: 0, started: 0, failed: 0 };
  while (Date.now() < deadlineMs) {
    const report = await runTimer('on-upload', cloud);
    if (report !== undefined) {
      said = JSON.stringify(report);
      for (const name of ['already_started', 'started', 'failed'] as const)
        passed[name] += Number(report[name]);
    }
    if (report?.complete === true) {
      const isSettled = passed.failed + passed.started === 0 && passed.already_started === count;
      passed = { already_started: 0, started: 0, failed: 0 };
      if (isSettled) {
        await tasksEnd(cloud);
        const finished = await runTimer('on-finish', cloud);
        said = `${said} ${JSON.stringify(finished)}`;
        if (finished !== undefined && isNothingToDo(finished)) return undefined;
      }
    }
    await pause(SETTLING_SWEEP_EVERY_MS);
  }
  return said;
}

/** @returns the report of a run over everything; undefined when it failed, or the only instance is busy with events */
async function runTimer(
  name: 'on-upload' | 'on-finish',
  { functiongraph }: Cloud,
): Promise<Record<string, unknown> | undefined> {
  try {
    const event = { trigger_type: 'TIMER', user_event: '{"whole":true}' };
    const { isError, body } = await functiongraph.invoke(name, event);
    return isError ? undefined : JSON.parse(body);
  } catch (error) {
    if (!(error instanceof FunctionGraphError)) throw error;
    return undefined;
  }
}

/** Whether a run of on-finish ended no task and removed no video, and has none to try again. */
function isNothingToDo({ finished, failed, removal }: Record<string, unknown>): boolean {
  const { videos, failed: notRemoved, kept } = Object(removal);
  const counts = [finished, failed, videos, notRemoved, ...Object.values(Object(kept))];
  return counts.every((count) => (count ?? 0) === 0);
}

/** Claims with a second task although the video was not gone in between. */
function duplicatesIn(written: readonly Written[], cloud: Cloud): string[][] {
  const removedAtMs = new Map(written.map(({ key, removedAtMs }) => [key, removedAtMs]));
  return [...tasksByClaim(cloud).values()].flatMap((tasks) => {
    const isSecond = tasks.some(({ createdAtMs, key }, at) => {
      const beforeMs = tasks[at - 1]?.createdAtMs;
      if (beforeMs === undefined) return false;
      return !removedAtMs.get(key)?.some((atMs) => atMs > beforeMs - IN_FLIGHT_MS && atMs <= createdAtMs);
    });
    const told = tasks.map(
      ({ key, id, createdAtMs }) => `${key}: task ${id} at ${new Date(createdAtMs).toISOString()}`,
    );
    return isSecond ? [told] : [];
  });
}

interface MadeTask {
  key: string;
  id: string;
  createdAtMs: number;
}

/** Tasks by the claim that they were made for, the oldest first, without those that were cancelled for a newer version. */
function tasksByClaim(cloud: Cloud): Map<string, MadeTask[]> {
  const found = new Map<string, MadeTask[]>();
  const tasks = [...cloud.mpc.tasks.list()].sort((a, b) => a.createdAtMs - b.createdAtMs);
  for (const { id, input, createdAtMs, status, userData = '{}' } of tasks) {
    const { claim } = Object(JSON.parse(userData)['mpc-snapshots']);
    if (status === 'CANCELED' || typeof claim !== 'string' || input.object.startsWith('hostile/')) continue;
    found.set(claim, [...(found.get(claim) ?? []), { key: input.object, id, createdAtMs }]);
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
  const {
    uploads,
    uploadsForMs,
    settlesWithinMs,
    excess,
    faults,
    seed,
    instances,
    replaced,
    removed,
    hostile,
  } = args;
  console.log(`seed ${seed}, excess events ${excess}, faults ${faults || 'none'}`);
  console.log(`instances ${instances}, conditional writes ${args.conditionalWrites}`);
  console.log(`replaced ${replaced}, removed ${removed}, creates of a hostile caller ${hostile} a minute`);
  // As many as there are uploads: additional calls after faults must wait, which tests the pace.
  const requestsPerMinute = Math.ceil((uploads * (1 + replaced + removed / 2)) / (uploadsForMs / 60_000));
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
    const written = await write(keys, uploadsForMs, { replaced, removed, random, cloud });
    const uploadedAtMs = Date.now();
    await pause(SWEEPABLE_AFTER_MS);
    clearInterval(timer);
    // Sweeps that overlap share one note of their place. Only a single one can tell that all is settled.
    setInstances('on-upload', 1, cloud);
    // What was captured for the caller is removed, too: its videos do not exist.
    caller.stop();
    await attack;
    const there = written.filter(({ content }) => content !== undefined).length;
    const lastReport = await runUntilSettled(there, uploadedAtMs + settlesWithinMs, cloud);
    const isSettled = lastReport === undefined;
    await tasksEnd(cloud);

    const duplicates = duplicatesIn(written, cloud);
    const left = await leftOver(written, cloud);
    const { mixed, old, empty } = await look(written, cloud);
    const unfinished = [...old, ...empty];
    const most = observations.mostCreatesInAMinute();
    const late = behindThePace(written, requestsPerMinute, (key) => newestTaskAtMs(key, cloud))
      .filter(({ behindMs }) => behindMs > LATE_MS)
      .sort((a, b) => b.behindMs - a.behindMs);
    console.log(`
videos       ${uploads}, ${written.filter(({ atMs }) => atMs.length > 1).length} of them written again, ${uploads - there} gone
tasks        ${cloud.mpc.tasks.list().length}
duplicates   ${duplicates.length}
lost         ${isSettled ? unfinished.length : 'not known'}
not settled  ${isSettled ? 0 : unfinished.length} without pictures of the newest version yet
mixed        ${mixed.length} directories
left over    ${left.length} objects of removed videos
late         ${late.length} more than ${LATE_MS / 1000} s behind the pace, the last by ${((late[0]?.behindMs ?? 0) / 1000).toFixed(0)} s
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
    for (const key of left.slice(0, MAX_KEYS_SHOWN)) console.log(`left over    ${key}`);
    const lateKeys = faults === '' ? late.map(({ key }) => key) : [];
    for (const key of [...mixed, ...unfinished, ...lateKeys].slice(0, MAX_KEYS_SHOWN)) {
      const records = await recordsOf(key, cloud);
      console.log([`\n${key}`, ...observations.linesAbout(key), ...records].join('\n  '));
    }
    return (
      duplicates.length + mixed.length + unfinished.length + left.length === 0 &&
      isSettled &&
      (faults !== '' || late.length === 0) &&
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
