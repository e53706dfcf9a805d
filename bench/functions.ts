import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { childProgram } from '../local/child-program';
import { type FunctionFile, writeFunctionFiles } from './function-files';
import { runNode, startServer, withFolder } from './process';
import { medianOf, type Series, type Suite, seriesOf, takeTurns } from './suite';

const COLD_ROUNDS = 21;
const WARM_ROUNDS = 5;

const RIVAL = 'sdk-core-create';
const BARE = 'empty';

/** Time and memory of one call in a fresh process. */
export interface ColdCall {
  loadMs: number;
  firstCallMs: number;
  coldMs: number;
  memoryMb: number;
  processCpuMs: number;
}

/** Time and memory per call, of many calls. */
export interface WarmCall {
  cpuUs: number;
  callsPerSecond: number;
}

export type Protocol = 'http' | 'https';

/** The services that functions call, until they are stopped. */
export interface Services {
  /** Addresses of MPC and OBS. */
  origins(protocol: Protocol): [mpc: string, obs: string];
  stop(): void;
}

/**
 * Starts MPC and OBS as functions see them.
 * @param answerMs time for an answer
 * @param distanceMs delay in either direction
 */
export async function startServices(answerMs = 0, distanceMs = 0): Promise<Services> {
  const program = childProgram('../bench/services-program.ts');
  const server = await startServer([program, String(answerMs), String(distanceMs)]);
  const { mpc, obs } = server.ready as Record<'mpc' | 'obs', Record<Protocol, string>>;
  return { origins: (protocol) => [mpc[protocol], obs[protocol]], stop: server.stop };
}

/** Calls a function in a fresh process, in one of the modes of call-program.ts. */
export async function call<T>(
  mode: 'cold' | 'warm' | 'steady',
  { file, eventFile }: FunctionFile,
  origins: readonly [mpc: string, obs: string],
): Promise<T> {
  const args = ['--no-warnings', childProgram('../bench/call-program.ts'), mode, file, eventFile, ...origins];
  // The services have self-signed certificates, so neither our functions nor the rivals verify them.
  return (await runNode(args, { NODE_TLS_REJECT_UNAUTHORIZED: '0' })) as T;
}

/** From `require` to the first answer, in a fresh process. */
export const cold: Suite = {
  name: 'cold',
  about:
    'Functions in a fresh process, from `require` to the first answer, with services on this machine. `create` makes two calls ' +
    '(MPC, and a record in OBS), `cancel` two (whose task it is, and the end of it), `query` three, `on-upload` six (five of them ensure that there is only one task). Rivals and floors make one.',
  run: () =>
    withFolder(async (folder) => {
      const files = await writeFunctionFiles(folder);
      const services = await startServices();
      try {
        const measure = async (protocol: Protocol) => {
          const origins = services.origins(protocol);
          return takeTurns(
            files.map((file) => ({ name: file.name, measure: () => call<ColdCall>('cold', file, origins) })),
            COLD_ROUNDS,
          );
        };
        const http = await measure('http');
        const https = await measure('https');
        const coldHttp = seriesOf(http, ({ coldMs }) => coldMs);
        const coldHttps = seriesOf(https, ({ coldMs }) => coldMs);
        const memory = above(
          BARE,
          seriesOf(https, ({ memoryMb }) => memoryMb),
        );
        const cpu = (samples: typeof http) =>
          above(
            BARE,
            seriesOf(samples, ({ processCpuMs }) => processCpuMs),
          );
        const times = (series: readonly Series[], name: string) =>
          medianOf(series, RIVAL) / medianOf(series, name);
        return {
          tables: [
            {
              title: 'size of the bundle',
              unit: 'bytes',
              base: RIVAL,
              series: sizes(files, (code) => code.length),
            },
            {
              title: 'size, compressed',
              unit: 'bytes',
              base: RIVAL,
              series: sizes(files, (code) => gzipSync(code).length),
            },
            { title: 'load', unit: 'ms', base: RIVAL, series: seriesOf(http, ({ loadMs }) => loadMs) },
            { title: 'cold call by http', unit: 'ms', base: RIVAL, series: coldHttp },
            {
              title: 'cold call by https',
              unit: 'ms',
              base: RIVAL,
              series: coldHttps,
              note: 'Node.js 20 parses its root certificates for the first TLS connection of a process; every variant pays for that.',
            },
            {
              title: 'CPU of a cold call by http, above an empty handler',
              unit: 'ms',
              base: RIVAL,
              series: cpu(http),
            },
            {
              title: 'CPU of a cold call by https, above an empty handler',
              unit: 'ms',
              base: RIVAL,
              series: cpu(https),
            },
            { title: 'memory above an empty handler, https', unit: 'MB', base: RIVAL, series: memory },
          ],
          goals: [
            {
              text: 'cold http, create: times faster than sdk-core',
              measured: times(coldHttp, 'create'),
              atLeast: 4,
            },
            {
              text: 'cold http, cancel: times faster than sdk-core',
              measured: times(coldHttp, 'cancel'),
              atLeast: 4,
            },
            {
              text: 'cold https, create: times faster than sdk-core',
              measured: times(coldHttps, 'create'),
              atLeast: 3,
            },
            {
              text: 'cold https, cancel: times faster than sdk-core',
              measured: times(coldHttps, 'cancel'),
              atLeast: 3,
            },
            {
              text: 'memory above bare Node.js: times less than sdk-core',
              measured: times(memory, 'create'),
              atLeast: 4,
            },
          ],
        };
      } finally {
        services.stop();
      }
    }),
};

/** Many calls in one process. */
export const warm: Suite = {
  name: 'warm',
  about:
    'The same functions, called many times in one process, 16 calls at a time, by http. `create` makes two calls, `on-upload` ' +
    'looks up its upload and writes its claim each time. The raw socket is missing, because it takes one call at a time.',
  run: () =>
    withFolder(async (folder) => {
      const files = (await writeFunctionFiles(folder)).filter(
        ({ name }) => name !== 'raw-socket' && name !== BARE,
      );
      const services = await startServices();
      try {
        const origins = services.origins('http');
        const samples = await takeTurns(
          files.map((file) => ({ name: file.name, measure: () => call<WarmCall>('warm', file, origins) })),
          WARM_ROUNDS,
        );
        const cpu = seriesOf(samples, ({ cpuUs }) => cpuUs);
        const less = (name: string) => medianOf(cpu, RIVAL) / medianOf(cpu, name);
        return {
          tables: [
            { title: 'CPU per call', unit: 'µs', base: RIVAL, series: cpu },
            {
              title: 'calls per second',
              unit: '1/s',
              base: RIVAL,
              series: seriesOf(samples, ({ callsPerSecond }) => callsPerSecond),
              note: 'The services run on the other core and limit the fastest variants.',
            },
          ],
          goals: [
            {
              text: 'warm, cancel: times less CPU per call than sdk-core',
              measured: less('cancel'),
              atLeast: 7,
            },
            {
              text: 'warm, create with its two calls: times less CPU than sdk-core with one',
              measured: less('create'),
              atLeast: 3.5,
            },
          ],
        };
      } finally {
        services.stop();
      }
    }),
};

function sizes(files: readonly FunctionFile[], size: (code: Buffer) => number): Series[] {
  return files.map(({ name, file }) => ({ name, values: [size(readFileSync(file))] }));
}

/** Each value minus the median of the base, which is left out. */
function above(base: string, series: readonly Series[]): Series[] {
  const floor = medianOf(series, base);
  return series
    .filter(({ name }) => name !== base)
    .map(({ name, values }) => ({ name, values: values.map((value) => value - floor) }));
}
