import { randomInt } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import type { Cloud } from '../local/cloud';
import { startDeployedCloud } from '../local/commands/deployed-cloud';
import type { Fault } from '../local/faults/faults';
import { parseFaults, parseSeed, SEED_RANGE } from '../local/faults/parse-faults';
import { FunctionGraphError, type Invocation } from '../local/functiongraph/functiongraph';
import { UsageError } from '../local/usage-error';

const USAGE = `usage: npm run soak -- [--uploads N] [--minutes N] [--excess discarded|queued] [--faults LIST] [--seed N]
                            [--instances N] [--conditional-writes ignored|honoured]

Uploads small videos into a local cloud in which everything goes wrong, waits until all is settled, and counts: every upload
must have exactly one task, and no 60 s may hold more create calls than MPC_REQUESTS_PER_MINUTE. Exit code 1 otherwise.
With more instances than one, what on-upload is never deployed with, invocations overlap: the pace is shown then and not judged,
for it is kept by one instance at a time.`;

const FAULTS =
  'duplicate=0.2,reorder=0.1,drop=0.05,delay=0.1,mpc.429=0.1,mpc.burst=0.002,mpc.500=0.02,mpc.502=0.02,mpc.slow=0.002,mpc.late=0.005,mpc.reset=0.03,' +
  'mpc.reset-after-accept=0.05,mpc.500-after-accept=0.03,obs.503=0.03,obs.reset-after=0.02,credentials=0.03,crash=0.05';

const WINDOW_MS = 60_000;
/** A sweep leaves alone what is younger than a minute. */
const SWEEPABLE_AFTER_MS = 61_000;
/** What failed in a sweep comes again after four minutes, and may fail more than once. */
const SETTLING_MS = 13 * 60_000;
const SWEEP_EVERY_MS = 15_000;
const MAX_KEYS_SHOWN = 3;

interface Arguments {
  uploads: number;
  durationMs: number;
  excess: 'queued' | 'discarded';
  faults: string;
  seed: number;
  /** Of on-upload, at the same time. */
  instances: number;
  conditionalWrites: 'ignored' | 'honoured';
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
      `--minutes must be above ${SETTLING_MS / 60_000}: uploads end so long before, for what failed in a sweep comes again after four minutes`,
    );
  }
  const instances = Math.ceil(positive('instances', values.instances));
  return { uploads, durationMs, excess, faults, seed: parseSeed(values.seed), instances, conditionalWrites };
}

function positive(name: string, value: string): number {
  const number = Number(value);
  if (number > 0) return number;
  throw new UsageError(`--${name} must be a number above 0, got "${value}"\n\n${USAGE}`);
}

/** Everything that is seen from outside of the functions while they work. */
class Observations {
  readonly faults = new Map<string, number>();
  readonly states = new Map<string, number>();
  readonly createsAtMs: number[] = [];
  /** Most invocations of on-upload at the same time. */
  mostAtOnce = 0;
  readonly #running = new Set<string>();
  readonly #log: { timeMs: number; text: string }[] = [];

  watch(cloud: Cloud): void {
    cloud.mpc.server.on('request', ({ method }) => {
      if (method === 'POST') this.createsAtMs.push(performance.now());
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

  /** What the functions wrote about an upload. */
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
  { excess, faults, seed, instances, conditionalWrites }: Arguments,
  requestsPerMinute: number,
  observations: Observations,
): Promise<Cloud> {
  const cloud = await startDeployedCloud({
    port: 0,
    // Nothing is captured: only which tasks there are counts.
    mpc: { parallelTasks: 0, callsPerMinute: Math.ceil((requestsPerMinute * 100) / 80) },
    obs: { behaviour: { conditionalWrites } },
    functiongraph: { behaviour: { asyncRetryDelayMs: 300, excessAsyncEvents: excess } },
    faults: { shares: parseFaults(faults), seed, onFault: observations.onFault },
  });
  setInstances(instances, cloud);
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

function setInstances(instances: number, { functiongraph }: Cloud): void {
  const { configuration } = functiongraph.functions().find(({ name }) => name === 'on-upload') ?? {};
  if (configuration !== undefined) {
    configuration.strategy_config = { concurrency: instances, concurrent_num: 1 };
  }
}

/** What the functions have written down of an upload, beside its claim. */
async function recordsOf(key: string, { store, snapshotBucket }: Cloud): Promise<string[]> {
  const { objects } = store.list(snapshotBucket, { prefix: '.mpc-snapshots/', maxKeys: 1_000_000 });
  const texts = await Promise.all(
    objects.map(async ({ key: recordKey, filePath }) => `${recordKey} ${await readFile(filePath, 'utf8')}`),
  );
  return texts.filter((text) => text.includes(`"${key}"`));
}

async function upload(keys: readonly string[], forMs: number, { store, uploadBucket }: Cloud): Promise<void> {
  const startedAtMs = Date.now();
  for (const [index, key] of keys.entries()) {
    await pause(Math.max(0, startedAtMs + (index / keys.length) * forMs - Date.now()));
    await store.put(uploadBucket, key, Buffer.from(key));
  }
}

/** Sweeps until a whole pass, of one sweep or several, finds nothing left to do. @returns what the last one said; undefined: it was that one */
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
      // The one instance is busy with events.
      if (!(error instanceof FunctionGraphError)) throw error;
    }
    await pause(500);
  }
  return said;
}

function tasksByKey(cloud: Cloud): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const { id, input, createdAtMs } of cloud.mpc.tasks.list()) {
    const made = `task ${id} at ${new Date(createdAtMs).toISOString()}`;
    found.set(input.object, [...(found.get(input.object) ?? []), made]);
  }
  return found;
}

const list = (counts: ReadonlyMap<string, number>) =>
  [...counts].map(([name, count]) => `${name} ${count}`).join(', ');

async function main(): Promise<boolean> {
  const args = readArguments();
  const { uploads, durationMs, excess, faults, seed, instances } = args;
  console.log(`seed ${seed}, excess events ${excess}, faults ${faults}`);
  console.log(`instances ${instances}, conditional writes ${args.conditionalWrites}`);
  const uploadsForMs = durationMs - SETTLING_MS;
  // As many as there are uploads: what goes wrong on top has to wait, so that the pace is put to the test.
  const requestsPerMinute = Math.ceil(uploads / (uploadsForMs / 60_000));
  const startedAtMs = Date.now();
  const observations = new Observations();
  const cloud = await startCloud(args, requestsPerMinute, observations);
  const timer = setInterval(() => cloud.functiongraph.fireTimer('on-upload', 'sweep'), SWEEP_EVERY_MS);
  try {
    const keys = Array.from({ length: uploads }, (_, index) => `soak/${String(index).padStart(6, '0')}.mp4`);
    await upload(keys, uploadsForMs, cloud);
    await pause(SWEEPABLE_AFTER_MS);
    clearInterval(timer);
    // Sweeps that overlap keep one note of where they are: only one of them can say that all is settled.
    setInstances(1, cloud);
    const lastReport = await sweepUntilSettled(uploads, startedAtMs + durationMs, cloud);
    const isSettled = lastReport === undefined;

    const tasks = tasksByKey(cloud);
    const duplicates = keys.filter((key) => (tasks.get(key)?.length ?? 0) > 1);
    const lost = keys.filter((key) => !tasks.has(key));
    const most = observations.mostCreatesInAMinute();
    console.log(`
uploads      ${uploads}
tasks        ${cloud.mpc.tasks.list().length}
duplicates   ${duplicates.length}
lost         ${lost.length}
settled      ${isSettled ? 'yes' : `no: ${lastReport}`}, after ${((Date.now() - startedAtMs) / 1000).toFixed(0)} s
create calls ${observations.createsAtMs.length}, at most ${most} in any 60 s; MPC_REQUESTS_PER_MINUTE is ${requestsPerMinute}
at once      at most ${observations.mostAtOnce} invocations of on-upload
crashes      ${observations.faults.get('crash') ?? 0}
retries      ${observations.states.get('retrying') ?? 0}
attempts     ${list(observations.states)}
faults       ${list(observations.faults)}
seed         ${seed}`);
    for (const key of [...duplicates, ...lost].slice(0, MAX_KEYS_SHOWN)) {
      const records = await recordsOf(key, cloud);
      const lines = [...(tasks.get(key) ?? []), ...observations.linesAbout(key), ...records];
      console.log([`\n${key}`, ...lines].join('\n  '));
    }
    return (
      duplicates.length === 0 &&
      lost.length === 0 &&
      isSettled &&
      (instances > 1 || most <= requestsPerMinute)
    );
  } finally {
    clearInterval(timer);
    await cloud.close();
  }
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
