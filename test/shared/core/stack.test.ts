import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { buildSync } from 'esbuild';
import { readableStack, withReadableStack } from '../../../shared/core/stack';

test('without a map the stack is as it was, and the error is the same', async () => {
  const error = new Error('broken');
  const { stack } = error;
  expect(readableStack(error)).toBe(stack);
  await expect(withReadableStack(Promise.reject(error))).rejects.toBe(error);
  await expect(withReadableStack(Promise.reject('no error'))).rejects.toBe('no error');
  expect(await withReadableStack(Promise.resolve(1))).toBe(1);
});

test('with a map beside the bundle frames name the sources, and those of others stay', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'stack-'));
  try {
    const [code, map] = [path.join(folder, 'index.js'), path.join(folder, 'index.js.map')];
    const source = `import { readableStack } from './shared/core/stack';
module.exports = (fail) => {
  try { fail(); } catch (error) { return readableStack(error); }
};`;
    const { outputFiles } = buildSync({
      stdin: { contents: source, resolveDir: path.resolve(__dirname, '../../..'), sourcefile: 'source.ts' },
      outfile: code,
      bundle: true,
      minify: true,
      platform: 'node',
      sourcemap: 'external',
      write: false,
      logLevel: 'silent',
    });
    for (const file of outputFiles) writeFileSync(file.path, file.contents);
    expect(JSON.parse(readFileSync(map, 'utf8')).sources.at(-1)).toMatch(/source\.ts$/);
    const stackOf = (message: string) => {
      const program = `console.log(require('${code}')(function failing() { throw new Error('${message}'); }))`;
      return execFileSync(process.execPath, ['-e', program]).toString();
    };
    const shown = stackOf('broken');
    expect(shown).toMatch(/^Error: broken\n {4}at failing \(\[eval\]/);
    expect(shown).toMatch(/ {4}at .*source\.ts:3:\d+/);
    expect(shown).not.toContain('index.js:');
    // A message that names the bundle stays.
    for (const message of [`cannot read ${code}: it is locked`, `${code}:1:9 is broken`])
      expect(stackOf(message).split('\n')[0]).toBe(`Error: ${message}`);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
