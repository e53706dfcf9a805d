import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { builtinModules } from 'node:module';
import path from 'node:path';
import { bundleFunction, FUNCTION_NAMES, zipFunction } from '../../deploy/bundle';

const ROOT = path.resolve(__dirname, '..', '..');
const MAX_BUNDLE_BYTES = 42 * 1024;

describe.each(FUNCTION_NAMES)('the bundle of %s', (name) => {
  test('is small: every byte is cold start', async () => {
    const { code } = await bundleFunction(name);
    expect(code.length).toBeLessThanOrEqual(MAX_BUNDLE_BYTES);
  });

  test('holds this project’s code and zod/mini, and nothing of the local cloud', async () => {
    const { metafile } = await bundleFunction(name);
    const [output] = Object.values(metafile.outputs).filter(({ entryPoint }) => entryPoint);
    const folders = Object.entries(output?.inputs ?? {})
      .filter(([, { bytesInOutput }]) => bytesInOutput > 0)
      .map(([file]) => file.replace(/^(node_modules\/zod\/v4\/(core|mini)|[^/]+)\/.*$/, '$1'));
    expect([...new Set(folders)].sort()).toEqual([
      'functions',
      'index.ts',
      'node_modules/zod/v4/core',
      'node_modules/zod/v4/mini',
      'shared',
    ]);
    for (const { path: imported } of output?.imports ?? []) {
      expect(builtinModules).toContain(imported.replace(/^node:/, ''));
    }
  });

  test('exports a handler with exactly two parameters that CommonJS can load', async () => {
    const { code } = await bundleFunction(name);
    const program = `const m = { exports: {} }; new Function('module', 'exports', 'require', require('fs').readFileSync(0, 'utf8'))(m, m.exports, require); console.log(m.exports.handler.length)`;
    expect(execFileSync(process.execPath, ['-e', program], { input: code }).toString().trim()).toBe('2');
  });

  test('names no source map that the runtime would load', async () => {
    const { code, sourceMap } = await bundleFunction(name);
    expect(code.toString()).not.toContain('sourceMappingURL');
    expect(JSON.parse(sourceMap.toString()).sources).toContainEqual(
      expect.stringContaining(`functions/${name}.ts`),
    );
  });
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
