import { readFile } from 'node:fs/promises';
import type { Plugin } from 'esbuild';
import { bundleWith } from '../deploy/bundle';
import { EVENTS, writeFunction } from './function-files';
import { type ColdCall, call, startServices } from './functions';
import { withFolder } from './process';
import { type Suite, seriesOf, takeTurns } from './suite';

const ROUNDS = 21;
/** How long MPC and OBS take for an answer here, ms. */
const ANSWER_MS = 10;
/** How far away they are, ms in either direction. */
const DISTANCE_MS = 1;

/** Bundles with one source file changed. */
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

const zodItself: Plugin = {
  name: 'zod itself',
  setup: ({ onLoad }) =>
    onLoad({ filter: /shared.zod-subset\.ts$/ }, () => ({
      contents: `export * from './node_modules/zod/v4/mini/index.js';`,
      resolveDir: process.cwd(),
    })),
};
const noEarlyConnections = changed(
  'http.ts',
  'connect(origin: string): void {',
  'connect(origin: string): void { return;',
);
const oneAfterTheOther = changed(
  'capture-upload.ts',
  'const learned = isDryRun ? undefined',
  'const learned = true ? undefined',
);

/** What each trick gains: the shipped function beside itself without the trick. */
export const tricks: Suite = {
  name: 'tricks',
  about:
    'Our functions as they are deployed, beside themselves without one of the tricks; every call in a fresh process.',
  run: () =>
    withFolder(async (folder) => {
      const file = async (name: 'create' | 'on-upload', label: string, ...plugins: Plugin[]) =>
        writeFunction(folder, `${name}, ${label}`, (await bundleWith(name, plugins)).code, EVENTS[name]);
      const parsing = [
        await file('create', 'as deployed'),
        await file('create', 'with zod itself', zodItself),
      ];
      const connecting = [parsing[0], await file('create', 'no early connections', noEarlyConnections)];
      const uploads = [
        await file('on-upload', 'as deployed'),
        await file('on-upload', 'no early connections', noEarlyConnections),
        await file('on-upload', 'reads one after the other', oneAfterTheOther),
      ];
      const near = await startServices();
      const far = await startServices(ANSWER_MS, DISTANCE_MS);
      try {
        const table = async (
          title: string,
          files: ((typeof parsing)[number] | undefined)[],
          origins: readonly [mpc: string, obs: string],
        ) => {
          const variants = files.flatMap((one) =>
            one ? [{ name: one.name, measure: () => call<ColdCall>('cold', one, origins) }] : [],
          );
          const samples = await takeTurns(variants, ROUNDS);
          return { title, unit: 'ms', series: seriesOf(samples, ({ coldMs }) => coldMs) };
        };
        const services = `https, services ${DISTANCE_MS} ms away that take ${ANSWER_MS} ms`;
        return {
          tables: [
            await table('cold call, http, services that answer at once', parsing, near.origins('http')),
            await table(`cold call, ${services}`, connecting, far.origins('https')),
            await table(`cold call of on-upload, ${services}`, uploads, far.origins('https')),
          ],
        };
      } finally {
        near.stop();
        far.stop();
      }
    }),
};
