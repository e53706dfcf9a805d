import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { builtinModules } from 'node:module';
import path from 'node:path';
import {
  bundleFunction,
  bundleWith,
  FUNCTION_NAMES,
  INTERNAL_FIELDS,
  zipFunction,
} from '../../deploy/bundle';

const ROOT = path.resolve(__dirname, '..', '..');
/** Every byte and every module is cold start (bench/README.md). */
const MAX_BUNDLE_BYTES = { create: 25 * 1024, cancel: 25 * 1024, query: 25 * 1024, 'on-upload': 32 * 1024 };
const MAX_MODULES = 24;

describe.each(FUNCTION_NAMES)('the bundle of %s', (name) => {
  test('is small: every byte is cold start', async () => {
    const { code } = await bundleFunction(name);
    expect(code.length).toBeLessThanOrEqual(MAX_BUNDLE_BYTES[name]);
  });

  test('holds this project’s code and nothing else, not even zod', async () => {
    const { metafile } = await bundleFunction(name);
    const [output] = Object.values(metafile.outputs).filter(({ entryPoint }) => entryPoint);
    // Beside the one line that hands the handler over.
    const modules = Object.keys(metafile.inputs).filter((file) => file !== 'index.ts');
    expect(modules.length).toBeLessThanOrEqual(MAX_MODULES);
    for (const file of modules) expect(file).toMatch(/^(functions|shared)\/.+$/);
    for (const { path: imported } of output?.imports ?? []) {
      expect(builtinModules).toContain(imported.replace(/^node:/, ''));
    }
  });

  test('exports a handler with exactly two parameters that CommonJS can load', async () => {
    const { code } = await bundleFunction(name);
    const program = `const m = { exports: {} }; new Function('module', 'exports', 'require', require('fs').readFileSync(0, 'utf8'))(m, m.exports, require); console.log(m.exports.handler.length)`;
    expect(execFileSync(process.execPath, ['-e', program], { input: code }).toString().trim()).toBe('2');
  });

  test('holds no text that is the name of a field which has a short name here', async () => {
    const { code } = await bundleFunction(name);
    expect(code.toString()).not.toMatch(new RegExp(`['"\`](${INTERNAL_FIELDS})['"\`]`));
  });

  test('names no source map that the runtime would load', async () => {
    const { code, sourceMap } = await bundleFunction(name);
    expect(code.toString()).not.toContain('sourceMappingURL');
    expect(JSON.parse(sourceMap.toString()).sources).toContainEqual(
      expect.stringContaining(`functions/${name}.ts`),
    );
  });
});

test('every field that gets a short name is there', async () => {
  const bundles = await Promise.all(FUNCTION_NAMES.map(bundleFunction));
  const files = new Set(bundles.flatMap(({ metafile }) => Object.keys(metafile.inputs)));
  const sources = await Promise.all(
    [...files].filter((file) => file !== 'index.ts').map((file) => readFile(path.join(ROOT, file), 'utf8')),
  );
  const names = INTERNAL_FIELDS.split('|');
  expect(names.filter((name) => !sources.some((source) => new RegExp(`\\b${name}\\b`).test(source)))).toEqual(
    [],
  );
});

test('a combinator of zod that the subset lacks fails the build', async () => {
  const build = bundleWith('create', [
    {
      name: 'one combinator more',
      setup: ({ onLoad }) =>
        onLoad({ filter: /shared.schema\.ts$/ }, async ({ path: file }) => ({
          contents: `${await readFile(file, 'utf8')}\nexport const more = z.array(text);`,
          loader: 'ts',
        })),
    },
  ]);
  await expect(build).rejects.toThrow('Import "array" will always be undefined');
});

test('the same sources give the same zip in any time zone and with any umask', () => {
  const program = `
    const { bundleFunction, zipFunction } = require('./deploy/bundle');
    bundleFunction('create').then(({ code }) => zipFunction(code)).then((zip) =>
      console.log(require('crypto').createHash('sha256').update(zip).digest('hex')));`;
  const zipIn = (zone: string, umask: string) =>
    execFileSync('sh', ['-c', `umask ${umask}; node_modules/.bin/tsx -e "$PROGRAM"`], {
      cwd: ROOT,
      env: { ...process.env, TZ: zone, PROGRAM: program },
    }).toString();
  expect(zipIn('Asia/Shanghai', '077')).toBe(zipIn('America/New_York', '022'));
});

test('the zip holds index.js in its root', async () => {
  const zip = await zipFunction(Buffer.from('exports.handler = async (event, context) => 1;'));
  expect(zip.subarray(0, 2).toString()).toBe('PK');
  expect(zip.indexOf('index.js')).toBe(30);
  expect(createHash('sha256').update(zip).digest('hex')).toHaveLength(64);
});
