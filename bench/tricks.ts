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
/** Bundles `create` with and without the trick. */
export async function writeVariants(folder: string): Promise<FunctionFile[]> {
  const file = async (label: string, plugins: Plugin[] = []) => {
    const { code } = await bundleFunction('create', plugins);
    return writeFunction(folder, `create, ${label}`, code, EVENTS.create);
  };
  return [await file('as deployed'), await file('no early connections', [noEarlyConnections])];
}

/** What early connections gain: the shipped function beside itself without them. */
export const tricks: Suite = {
  name: 'tricks',
  about:
    'A function as deployed, compared with itself without early connections. Every call is in a fresh process.',
  run: () =>
    withFolder(async (folder) => {
      const files = await writeVariants(folder);
      const services = await startServices(ANSWER_MS, DISTANCE_MS);
      try {
        const variants = files.map((one) => ({
          name: one.name,
          measure: () => call<ColdCall>('cold', one, services.origins('https')),
        }));
        const samples = await takeTurns(variants, ROUNDS);
        const title = `cold call, https, services ${DISTANCE_MS} ms away that take ${ANSWER_MS} ms`;
        return { tables: [{ title, unit: 'ms', series: seriesOf(samples, ({ coldMs }) => coldMs) }] };
      } finally {
        services.stop();
      }
    }),
};
