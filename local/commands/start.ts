import { stat } from 'node:fs/promises';
import path from 'node:path';
import type { Picture } from '../../client/src';
import { asTyped, PACKAGE_FOLDER } from '../../package-folder';
import { parseOrigins } from '../apig/page-guard';
import type { Cloud } from '../cloud';
import { temporaryUrl } from '../obs/signature';
import { DEFAULT_PORT, MAX_FIRST_PORT } from '../ports';
import { parseSwitches } from '../switches';
import { UsageError } from '../usage-error';
import { readArguments, readInteger } from './arguments';
import { startDeployedCloud } from './deployed-cloud';
import { FAULT_OPTIONS, readFaults } from './fault-arguments';
import { Progress } from './progress';
import { stopSignal } from './stop-signal';
import { print } from './terminal';
import { uploadFile } from './upload-file';
import { framesInWords, type Outcome, waitForOutcome } from './wait-for-outcome';

const ROOT = PACKAGE_FOLDER ?? path.join(__dirname, '..', '..');
const SAMPLE_VIDEO = path.join(ROOT, 'tools', 'sample-video', 'sample.mp4');

/** With the notification it takes well under a second. Without it nobody wants to wait for the timer. */
const FILES_WITHIN_MS = 5_000;

export const OPTIONS = {
  once: { type: 'boolean' },
  port: { type: 'string' },
  data: { type: 'string' },
  behaviour: { type: 'string' },
  origin: { type: 'string', multiple: true },
  ...FAULT_OPTIONS,
} as const;

/**
 * `npm start`: the whole pipeline on this machine, for the sample video or the given videos.
 * @returns the exit code
 */
export async function start(args: readonly string[]): Promise<number> {
  const startedAtMs = Date.now() - process.uptime() * 1000;
  const { files, port, once, dataDirectory, faults, behaviour, origins } = await readStart(args);
  const cloud = await startDeployedCloud(
    {
      port,
      origins,
      ...(dataDirectory !== undefined && { dataDirectory }),
      ...(faults !== undefined && { faults }),
      ...behaviour,
    },
    settingsOf(process.env),
  );
  const stopped = stopSignal();
  // The engine loads before the first video needs it. If it cannot load, the tasks say why.
  cloud.capture.warmUp().catch(() => {});
  try {
    print(`local cloud is up after ${seconds(Date.now() - startedAtMs)}; the five functions are deployed`);
    const isDone = await Promise.race([captureAll(files, cloud), stopped.then(() => undefined)]);
    if (isDone === undefined) return 0;
    if (once) return isDone ? 0 : 1;
    printAddresses(cloud);
    await stopped;
    return 0;
  } finally {
    await cloud.close();
  }
}

/**
 * Environment variables that a user may set for the functions. Buckets and addresses are missing: they are those of the
 * local cloud.
 */
const SETTINGS = ['UPLOAD_SUFFIXES', 'ON_REMOVAL', 'PUBLISH', 'PUBLIC_URL', 'NOTIFY_URL', 'NOTIFY_SECRET'];

function settingsOf(environment: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(
    SETTINGS.flatMap((name) => (environment[name] ? [[name, environment[name]]] : [])),
  );
}

async function readStart(args: readonly string[]) {
  const { values, positionals } = readArguments(args, {
    allowPositionals: true,
    options: OPTIONS,
  });
  const port = readInteger('--port', values.port, [0, MAX_FIRST_PORT]) ?? DEFAULT_PORT;
  for (const file of positionals) {
    const found = await stat(file).catch(() => undefined);
    if (found === undefined) throw new UsageError(`there is no file ${file}`);
    if (found.isDirectory()) {
      throw new UsageError(
        `${file} is a folder: name the videos in it, for example ${path.join(file, '*.mp4')}`,
      );
    }
    if (!found.isFile()) throw new UsageError(`${file} is not a file`);
  }
  return {
    files: positionals.length > 0 ? positionals : [SAMPLE_VIDEO],
    port,
    once: values.once === true,
    dataDirectory: values.data,
    faults: readFaults(values),
    behaviour: parseSwitches(values.behaviour ?? ''),
    origins: parseOrigins(values.origin ?? []),
  };
}

/** @returns true if every video has its frames */
async function captureAll(files: readonly string[], cloud: Cloud): Promise<boolean> {
  const keys = keysOf(files);
  let allDone = true;
  for (const [index, file] of files.entries()) {
    const outcome = await captureOne(file, keys[index] ?? file, cloud);
    allDone &&= outcome.kind === 'frames';
  }
  return allDone;
}

/** `uploads/<name>`; the second file of the same name gets a number. */
function keysOf(files: readonly string[]): string[] {
  const used = new Set<string>();
  return files.map((file) => {
    const { name, ext } = path.parse(file);
    let key = `uploads/${name}${ext}`;
    for (let number = 2; used.has(key); number++) key = `uploads/${name}-${number}${ext}`;
    used.add(key);
    return key;
  });
}

async function captureOne(file: string, key: string, cloud: Cloud): Promise<Outcome> {
  const progress = new Progress();
  const startedAtMs = Date.now();
  const waiting = waitForOutcome(key, cloud, (text) => progress.show(`${key}: ${text}`));
  await uploadFile(file, key, cloud, (share) =>
    progress.show(`${key}: uploading ${Math.floor(share * 100)} %`),
  );
  const outcome = await waiting;
  const took = seconds(Date.now() - startedAtMs);
  progress.clear();
  switch (outcome.kind) {
    case 'frames':
      print(
        `\n${key}: task ${outcome.taskId} made ${framesInWords(outcome.pictures.length)}, ${took} after the upload began`,
      );
      if (outcome.note !== undefined) print(`  note: ${outcome.note}`);
      printTable(outcome.pictures, outcome.taskId, cloud);
      await printFiles(outcome.taskId, cloud);
      break;
    case 'failed':
      print(`\n${key}: task ${outcome.taskId} failed: ${outcome.reason}`);
      break;
    case 'not-started':
      print(`\n${key}: no capture was started: ${outcome.reason}`);
      break;
  }
  return outcome;
}

/**
 * Prints the pictures with addresses that the account itself signs: those of the API have a token of 2.4 KB, too long
 * for a terminal.
 */
function printTable(pictures: readonly Picture[], taskId: string, cloud: Cloud): void {
  const output = cloud.mpc.tasks.get(taskId)?.output;
  const addressOf = (name: string) =>
    output &&
    temporaryUrl({
      endpoint: cloud.addresses.obs,
      bucket: output.bucket,
      key: `${output.object}/${name}`,
      method: 'GET',
      accessKey: cloud.accessKey,
      expiresAtSeconds: Math.floor(Date.now() / 1000) + 24 * 3600,
    });
  const nameWidth = Math.max(7, ...pictures.map(({ pic_name }) => pic_name.length));
  print(`  ${'time'.padStart(8)}  ${'picture'.padEnd(nameWidth)}  address (valid for a day)`);
  for (const { pic_name, time } of pictures) {
    print(`  ${`${time ?? '?'} s`.padStart(8)}  ${pic_name.padEnd(nameWidth)}  ${addressOf(pic_name) ?? ''}`);
  }
}

/** Prints what on-finish has written beside the pictures of a task, and how long after MPC's end that was. */
async function printFiles(taskId: string, cloud: Cloud): Promise<void> {
  const task = cloud.mpc.tasks.get(taskId);
  if (task?.endedAtMs === undefined) return;
  const { bucket, object: directory } = task.output;
  const finishedAtMs = await finished(taskId, cloud);
  if (finishedAtMs === undefined) {
    print(`  files beside the pictures: not there yet; the timer of on-finish writes them within a minute`);
    return;
  }
  const { objects } = cloud.store.list(bucket, { prefix: `${directory}/` });
  const files = objects
    .map(({ key }) => key.slice(directory.length + 1))
    .filter((name) => !name.includes('/') && !task.pictures.includes(name));
  const took = seconds(Math.max(0, finishedAtMs - task.endedAtMs));
  print(`  beside them, ${took} after the last picture: ${files.join(', ')}`);
  print(`           in bucket ${bucket}, ${directory}/`);
}

/** Waits for on-finish. @returns when it finished the task, ms since the epoch; undefined if that takes too long */
function finished(
  taskId: string,
  { functiongraph, store, snapshotBucket }: Cloud,
): Promise<number | undefined> {
  const mark = `.mpc-snapshots/finished/${taskId}.json`;
  return new Promise((resolve) => {
    const end = (atMs: number | undefined) => {
      clearTimeout(timeout);
      stop();
      resolve(atMs);
    };
    const timeout = setTimeout(() => end(undefined), FILES_WITHIN_MS);
    const stop = functiongraph.onInvocation(({ functionName }) => {
      if (functionName === 'on-finish') look();
    });
    const look = () => {
      const written = store.head(snapshotBucket, mark);
      if (written !== undefined) end(written.lastModifiedMs);
    };
    look();
  });
}

function printAddresses({ addresses, uploadBucket, accessKey }: Cloud): void {
  print(`
  console    ${addresses.gateway}/_console/
  API        curl '${addresses.gateway}/snapshots?size=5'
  upload     any OBS client: ${addresses.obs}, bucket ${uploadBucket}
             AK ${accessKey.accessKey}
             SK ${accessKey.secretKey}

  webhooks   ${asTyped('npm run --silent local -- listen')}   # in another terminal

Ctrl+C stops it.`);
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
