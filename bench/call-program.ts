import { readFileSync } from 'node:fs';

/*
 * Loads one function and calls it as FunctionGraph would: `cold` once, `warm` for a while. Prints what that took.
 * Arguments: mode, file of the function, file with the event, address of the services.
 */

const WARM_UP_MS = 700;
const MEASURED_MS = 1_000;
const AT_THE_SAME_TIME = 16;

const [, , mode = '', file = '', eventFile = '', origin = ''] = process.argv;
const event: unknown = JSON.parse(readFileSync(eventFile, 'utf8'));
const userData: Record<string, string> = {
  REGION: 'ap-southeast-3',
  UPLOAD_BUCKETS: 'videos',
  SNAPSHOT_BUCKET: 'snapshots',
  MPC_REQUESTS_PER_MINUTE: '10000',
  MPC_ENDPOINT: origin,
  OBS_ENDPOINT: origin,
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

// The platform puts its own writer here, too: what is formatted counts, the pipe to this benchmark does not.
const write = process.stdout.write.bind(process.stdout);
process.stdout.write = () => true;

function print(result: Record<string, number>): never {
  write(`${JSON.stringify(result)}\n`, () => process.exit(0));
  return undefined as never;
}

/** An answer that is a failure would be measured as a fast one. */
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

async function callFor(durationMs: number, handler: Handler, atOnce: number): Promise<number> {
  const untilMs = performance.now() + durationMs;
  let calls = 0;
  const worker = async () => {
    for (; performance.now() < untilMs; calls++) check(await handler(event, context));
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return calls;
}

async function warm(): Promise<void> {
  const { handler } = require(file) as { handler: Handler };
  await callFor(WARM_UP_MS, handler, AT_THE_SAME_TIME);
  const before = process.cpuUsage();
  const startedAt = performance.now();
  const calls = await callFor(MEASURED_MS, handler, AT_THE_SAME_TIME);
  const callsPerSecond = (calls / (performance.now() - startedAt)) * 1000;
  const { user, system } = process.cpuUsage(before);
  print({ cpuUs: (user + system) / calls, callsPerSecond });
}

(mode === 'cold' ? cold() : warm()).catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
