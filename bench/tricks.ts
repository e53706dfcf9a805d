import { readFile } from 'node:fs/promises';
import type { Plugin } from 'esbuild';
import { bundleFunction } from '../deploy/bundle';
import { EVENTS, type FunctionFile, writeFunction } from './function-files';
import { type ColdCall, call, startServices } from './functions';
import { withFolder } from './process';
import { type Suite, seriesOf, takeTurns } from './suite';

const ROUNDS = 21;
/** How long MPC and OBS take for an answer here, ms. */
const ANSWER_MS = 10;
/** The delay to them in either direction, ms. */
const DISTANCE_MS = 1;

/** Bundles with one changed source file. */
function changed(file: string, from: string, to: string): Plugin {
  return {
    name: `without ${from}`,
    setup: ({ onLoad }) =>
      onLoad({ filter: new RegExp(`shared.${file}$`) }, async ({ path }) => {
        const source = await readFile(path, 'utf8');
        if (!source.includes(from)) throw new Error(`${file} no longer holds: ${from}`);
        return { contents: source.replace(from, to), loader: 'ts' };
      }),
  };
}

const noEarlyConnections = changed(
  'http.ts',
  'connect(origin: string): void {',
  'connect(origin: string): void { return;',
);
const oneAfterTheOther = changed(
  'capture-upload.ts',
  "const learned = how === 'dry run' ? undefined",
  'const learned = true ? undefined',
);

/** Bundles the functions with and without each trick, for each table. */
export async function writeVariants(folder: string): Promise<Record<Table, FunctionFile[]>> {
  const file = async (name: 'create' | 'on-upload', label: string, plugins: Plugin[] = []) => {
    const { code } = await bundleFunction(name, plugins);
    return writeFunction(folder, `${name}, ${label}`, code, EVENTS[name]);
  };
  return {
    connecting: [
      await file('create', 'as deployed'),
      await file('create', 'no early connections', [noEarlyConnections]),
    ],
    uploads: [
      await file('on-upload', 'as deployed'),
      await file('on-upload', 'no early connections', [noEarlyConnections]),
      await file('on-upload', 'reads one after the other', [oneAfterTheOther]),
    ],
  };
}

type Table = 'connecting' | 'uploads';

/** The gain of each trick: the shipped function compared with itself without the trick. */
export const tricks: Suite = {
  name: 'tricks',
  about:
    'Our functions as deployed, compared with the same functions without one of the tricks. Every call is in a fresh process.',
  run: () =>
    withFolder(async (folder) => {
      const { connecting, uploads } = await writeVariants(folder);
      const far = await startServices(ANSWER_MS, DISTANCE_MS);
      try {
        const table = async (
          title: string,
          files: readonly FunctionFile[],
          origins: readonly [mpc: string, obs: string],
        ) => {
          const variants = files.map((one) => ({
            name: one.name,
            measure: () => call<ColdCall>('cold', one, origins),
          }));
          const samples = await takeTurns(variants, ROUNDS);
          return { title, unit: 'ms', series: seriesOf(samples, ({ coldMs }) => coldMs) };
        };
        const services = `https, services ${DISTANCE_MS} ms away that take ${ANSWER_MS} ms`;
        return {
          tables: [
            await table(`cold call, ${services}`, connecting, far.origins('https')),
            await table(`cold call of on-upload, ${services}`, uploads, far.origins('https')),
          ],
        };
      } finally {
        far.stop();
      }
    }),
};
