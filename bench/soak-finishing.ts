import { randomInt } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import type { Cloud } from '../local/cloud';
import { deployTo, startWatchedCloud } from '../local/commands/deployed-cloud';
import { parseFaults, parseSeed, SEED_RANGE } from '../local/faults/parse-faults';
import { closeServer, listen } from '../local/http-server';
import { UsageError } from '../local/usage-error';
import { createReceiver, type ReceivedNotice } from '../local/webhook-receiver';
import { makeClip } from '../test/clip';

const USAGE = `usage: npm run soak:finishing -- [--uploads N] [--minutes N] [--faults LIST] [--seed N]

Uploads videos into a local cloud with lost messages, failing receivers and failing calls. Every tenth video is unreadable.
Every ended task must have its result, its files (if it succeeded) and its notice, and every notice a valid signature.
A failed notice is sent again after 1, 5 and 30 minutes: allow for that time. Exit code 1 if something is missing.`;

const FAULTS =
  'smn.drop=0.3,smn.duplicate=0.3,smn.delay=0.2,mpc.429=0.05,mpc.500=0.02,mpc.reset=0.02,obs.503=0.03,obs.reset-after=0.02,credentials=0.02,crash=0.03';
const RECEIVER_FAULTS = { 'webhook.5xx': 0.1, 'webhook.timeout': 0.03 };
const UNREADABLE_EVERY = 10;
/** Almost as fast as the default pace allows. */
const UPLOAD_EVERY_MS = 1_000;
const LOOK_EVERY_MS = 5_000;
const SECRET = `whsec_${Buffer.from('a secret of exactly 32 characters').toString('base64')}`;

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** What is still missing, by kind: keys of uploads and ids of tasks. */
type Missing = Record<'task' | 'end' | 'result' | 'files' | 'notice', string[]>;

async function missingIn(
  cloud: Cloud,
  keys: readonly string[],
  accepted: ReadonlySet<string>,
): Promise<Missing> {
  const missing: Missing = { task: [], end: [], result: [], files: [], notice: [] };
  const tasks = cloud.mpc.tasks.list();
  missing.task = keys.filter((key) => !tasks.some(({ input }) => input.object === key));
  for (const { id, status, output, endedAtMs } of tasks) {
    if (endedAtMs === undefined) {
      missing.end.push(id);
      continue;
    }
    const pointer = await jsonOf(`.mpc-snapshots/tasks/${id}.json`, cloud);
    const result = typeof pointer?.result === 'string' ? await jsonOf(pointer.result, cloud) : undefined;
    if (result?.task === undefined) missing.result.push(id);
    if (status === 'SUCCEEDED') {
      const index = await jsonOf(`${output.object}/snapshots.json`, cloud);
      if (index?.task_id !== id) missing.files.push(id);
    }
    if (!accepted.has(id)) missing.notice.push(id);
  }
  return missing;
}

async function jsonOf(key: string, { store, snapshotBucket }: Cloud) {
  const object = store.head(snapshotBucket, key);
  return object && (JSON.parse(await readFile(object.filePath, 'utf8')) as Record<string, unknown>);
}

function readArguments() {
  const { values } = parseArgs({
    options: {
      uploads: { type: 'string', default: '300' },
      minutes: { type: 'string', default: '45' },
      faults: { type: 'string', default: FAULTS },
      seed: { type: 'string', default: String(randomInt(SEED_RANGE)) },
    },
  });
  const [uploads, minutes] = [Number(values.uploads), Number(values.minutes)];
  if (!(uploads > 0 && minutes > 0))
    throw new UsageError(`--uploads and --minutes must be above 0\n\n${USAGE}`);
  return { uploads, durationMs: minutes * 60_000, faults: values.faults, seed: parseSeed(values.seed) };
}

async function main(): Promise<boolean> {
  const { uploads, durationMs, faults, seed } = readArguments();
  console.log(`seed ${seed}, faults ${faults}`);
  const clip = await readFile(await makeClip({ seconds: 6, width: 320, height: 180 }));
  const notices: ReceivedNotice[] = [];
  const receiver = createReceiver({
    secrets: [SECRET],
    faults: { shares: RECEIVER_FAULTS, seed },
    onNotice: (notice) => notices.push(notice),
  });
  const NOTIFY_URL = `http://127.0.0.1:${await listen(receiver, 0)}/`;
  const cloud = await startWatchedCloud({
    port: 0,
    mpc: { callsPerMinute: 1000 },
    faults: { shares: parseFaults(faults), seed },
  });
  const startedAtMs = Date.now();
  try {
    await deployTo(cloud, {
      NOTIFY_URL,
      NOTIFY_SECRET: SECRET,
      CAPTURE: '{"type":"TIME","time":2,"max_length":160}',
    });
    const keys = Array.from({ length: uploads }, (_, index) => `uploads/${index}.mp4`);
    for (const [index, key] of keys.entries()) {
      const body = index % UNREADABLE_EVERY === 0 ? Buffer.from('no video') : clip;
      await cloud.store.put(cloud.uploadBucket, key, body);
      await pause(UPLOAD_EVERY_MS);
    }
    let missing: Missing | undefined;
    const taskOf = ({ value }: ReceivedNotice) => (value as { data: { task_id: string } }).data.task_id;
    do {
      await pause(LOOK_EVERY_MS);
      const accepted = new Set(notices.filter(({ answer }) => answer === 204).map(taskOf));
      missing = await missingIn(cloud, keys, accepted);
    } while (
      Object.values(missing).some(({ length }) => length > 0) &&
      Date.now() < startedAtMs + durationMs
    );
    const ids = new Set(notices.map(taskOf));
    const webhookIds = new Set(notices.map(({ id }) => id));
    const wrong = notices.filter(({ answer }) => answer === 401);
    console.log(`
uploads           ${uploads}
tasks             ${cloud.mpc.tasks.list().length}
missing           ${Object.entries(missing)
      .map(([kind, { length }]) => `${kind} ${length}`)
      .join(', ')}
deliveries        ${notices.length} of ${webhookIds.size} notices about ${ids.size} tasks
wrong signatures  ${wrong.length}
after             ${((Date.now() - startedAtMs) / 60_000).toFixed(1)} min
seed              ${seed}`);
    for (const [kind, names] of Object.entries(missing)) {
      if (names.length > 0) console.log(`${kind}: ${names.slice(0, 5).join(' ')}`);
    }
    return (
      Object.values(missing).every(({ length }) => length === 0) &&
      wrong.length === 0 &&
      webhookIds.size === ids.size
    );
  } finally {
    await cloud.close();
    await closeServer(receiver);
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
