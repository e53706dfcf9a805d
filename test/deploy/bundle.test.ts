import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { bundleFunction, bundleFunctions, FUNCTION_NAMES, zipFunction } from '../../deploy/bundle';

const ROOT = path.resolve(__dirname, '..', '..');
/** Some 22 KB of it are zod/mini. What is above it has pulled in something that does not belong here. */
const MAX_BUNDLE_BYTES = 72 * 1024;
const LARGER_BUNDLES_BYTES: Partial<Record<string, number>> = {
  // 30 KB of it read and write JPEG, 12 KB the end of a video. It starts when nobody waits for it.
  'on-finish': 100 * 1024,
};
/** What must not be in a function: clients that start slowly, and languages that nobody reads. */
const UNWANTED =
  /node_modules\/(axios|lodash[^/]*|moment|undici|@huaweicloud)\/|zod\/v4\/locales\/(?!index|en\.)/;

describe.each(FUNCTION_NAMES)('the bundle of %s', (name) => {
  test('is small, because every byte is cold start', async () => {
    const { code } = await bundleFunction(name);
    expect(code.length).toBeLessThanOrEqual(LARGER_BUNDLES_BYTES[name] ?? MAX_BUNDLE_BYTES);
  });

  test('is plain ASCII, which takes half the memory of other text', async () => {
    const { code } = await bundleFunction(name);
    expect(code.every((byte) => byte < 0x80)).toBe(true);
  });

  test('holds only this project’s code and zod, code for pictures only where they are made, and loads nothing but Node.js modules', async () => {
    const { metafile } = await bundleFunction(name);
    const [output] = Object.values(metafile.outputs).filter(({ entryPoint }) => entryPoint);
    // Beside the one line that hands the handler over. What was read but left out has no bytes.
    const modules = Object.entries(output?.inputs ?? {})
      .filter(([file, { bytesInOutput }]) => !file.startsWith('handler:') && bytesInOutput > 0)
      .map(([file]) => file);
    for (const file of modules) {
      expect(file).toMatch(
        name === 'on-finish'
          ? /^(functions|shared|node_modules\/(zod|jpeg-js))\//
          : /^(functions|shared|node_modules\/zod)\//,
      );
      expect(file).not.toMatch(UNWANTED);
    }
    for (const { path: imported } of output?.imports ?? []) {
      expect(builtinModules).toContain(imported.replace(/^node:/, ''));
    }
  });

  test('runs no code from strings and loads only modules of Node.js that it names', async () => {
    const { code } = await bundleFunction(name);
    const source = code.toString();
    expect(source.match(/\beval\b|\bFunction\b|\bimport\s*\(|\bnode:vm\b/g)).toBeNull();
    const calls = [...source.matchAll(/\brequire\b(.{0,40})/g)].map(([, rest]) => rest);
    expect(calls.length).toBeGreaterThan(0);
    for (const rest of calls) expect(rest).toMatch(/^\("node:[a-z/_]+"\)/);
  });

  test('writes stack traces that name files and lines of the sources', async () => {
    const { code, sourceMap } = await bundleFunction(name);
    const folder = mkdtempSync(path.join(tmpdir(), 'bundle-'));
    try {
      writeFileSync(path.join(folder, 'index.js'), code);
      writeFileSync(path.join(folder, 'index.js.map'), sourceMap);
      // A context whose first method fails: what went wrong stands in the log, or is thrown to the platform.
      const program = `const { handler } = require('${folder}/index.js');
        const context = { getRequestID: () => 'r', getFunctionName: () => "f", getUserData() { throw new Error('no user data'); } };
        handler({}, context).catch((error) => console.error(error.stack));`;
      const { stderr } = spawnSync(process.execPath, ['-e', program]);
      const shown = stderr.toString();
      const place = /shared\/installation\/settings\.ts:(\d+):\d+/.exec(shown);
      const lines = readFileSync(path.join(ROOT, 'shared/installation/settings.ts'), 'utf8').split('\n');
      expect(lines[Number(place?.[1]) - 1]).toContain('context.getUserData(key)');
      expect(shown).toMatch(/shared\/installation\/invocation\.ts:\d+/);
      expect(shown).not.toMatch(/index\.js:\d/);
    } finally {
      rmSync(folder, { recursive: true });
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
    expect(JSON.parse(sourceMap.toString()).sources).toContainEqual(`functions/${name}.ts`);
  });
});

test('a function that is bundled with others has the same bytes as alone', async () => {
  const together = await bundleFunctions(FUNCTION_NAMES);
  const alone = await Promise.all(FUNCTION_NAMES.map((name) => bundleFunction(name)));
  expect(together.map(({ code }) => code.toString())).toEqual(alone.map(({ code }) => code.toString()));
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
