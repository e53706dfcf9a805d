import { readFileSync } from 'node:fs';

/*
 * Loads one function and calls it: `cold` once, `warm` many times at once for a while, `steady` one call after the
 * other as FunctionGraph does. Prints the time and memory. Arguments: mode, file of the function, file with the event,
 * addresses of MPC and OBS.
 */

// Counted, not timed: on a busy machine a second is too short for a warm-up.
const WARM_UP_CALLS = 4_000;
const MEASURED_CALLS = 3_000;
const AT_THE_SAME_TIME = 16;
const STEADY_WARM_UP_CALLS = 5;
const STEADY_CALLS = 10;

const [, , mode = '', file = '', eventFile = '', mpc = '', obs = ''] = process.argv;
const event: unknown = JSON.parse(readFileSync(eventFile, 'utf8'));
const userData: Record<string, string> = {
  REGION: 'ap-southeast-3',
  UPLOAD_BUCKETS: 'videos',
  SNAPSHOT_BUCKET: 'snapshots',
  MPC_REQUESTS_PER_MINUTE: '10000',
  MPC_READS_PER_MINUTE: '10000',
  MAX_UNFINISHED_TASKS: '100000',
  MPC_ENDPOINT: mpc,
  OBS_ENDPOINT: obs,
};
const context = {
  getRequestID: () => '11cdcdcf-3394-9dc6-d722-640a13091c77',
  getRemainingTimeInMilliSeconds: () => 30_000,
  getProjectID: () => '77b6a44cba5143ab91d13ab9a8ff44fd',
  getFunctionName: () => 'function',
  getUserData: (key: string) => userData[key],
  getSecurityAccessKey: () => 'TEMPORARYACCESSKEY',
  getSecuritySecretKey: () => 'temporary-secret-key',
  getSecurityToken: () => 'temporary-security-token',
};

type Handler = (event: unknown, context: unknown) => Promise<unknown>;

// The platform replaces this writer too: formatting counts, the pipe to this benchmark does not.
const write = process.stdout.write.bind(process.stdout);
process.stdout.write = () => true;

function print(result: Record<string, number>): never {
  write(`${JSON.stringify(result)}\n`, () => process.exit(0));
  return undefined as never;
}

/** A failure would look like a fast answer. */
function check(answer: unknown): void {
  const { statusCode = 200 } = (answer ?? {}) as { statusCode?: number };
  if (statusCode >= 400) throw new Error(`the function failed: ${JSON.stringify(answer)}`);
}

async function cold(): Promise<void> {
  const startedAt = performance.now();
  const { handler } = require(file) as { handler: Handler };
  const loadedAt = performance.now();
  check(await handler(event, context));
  const answeredAt = performance.now();
  const { user, system } = process.cpuUsage();
  print({
    loadMs: loadedAt - startedAt,
    firstCallMs: answeredAt - loadedAt,
    coldMs: answeredAt - startedAt,
    memoryMb: process.memoryUsage.rss() / 1e6,
    processCpuMs: (user + system) / 1000,
  });
}

async function callMany(count: number, handler: Handler): Promise<void> {
  let left = count;
  const worker = async () => {
    while (left-- > 0) check(await handler(event, context));
  };
  await Promise.all(Array.from({ length: AT_THE_SAME_TIME }, worker));
}

async function warm(): Promise<void> {
  const { handler } = require(file) as { handler: Handler };
  await callMany(WARM_UP_CALLS, handler);
  const before = process.cpuUsage();
  const startedAt = performance.now();
  await callMany(MEASURED_CALLS, handler);
  const callsPerSecond = (MEASURED_CALLS / (performance.now() - startedAt)) * 1000;
  const { user, system } = process.cpuUsage(before);
  print({ cpuUs: (user + system) / MEASURED_CALLS, callsPerSecond });
}

async function steady(): Promise<void> {
  const { handler } = require(file) as { handler: Handler };
  for (let call = 0; call < STEADY_WARM_UP_CALLS; call++) check(await handler(event, context));
  const startedAt = performance.now();
  for (let call = 0; call < STEADY_CALLS; call++) check(await handler(event, context));
  print({ callMs: (performance.now() - startedAt) / STEADY_CALLS });
}

const work = { cold, warm, steady }[mode] ?? steady;
work().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
