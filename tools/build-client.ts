/* Builds client/dist: ES module, CommonJS and types (`npm pack -w client` does it). */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { buildSync } from 'esbuild';

const ROOT = path.resolve(__dirname, '..');

/** @param directory the output folder; its old contents are deleted */
export function buildClient(directory: string): void {
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true });
  for (const [format, file] of [
    ['esm', 'index.js'],
    ['cjs', 'index.cjs'],
  ] as const) {
    buildSync({
      entryPoints: [path.join(ROOT, 'client', 'src', 'index.ts')],
      outfile: path.join(directory, file),
      bundle: true,
      platform: 'neutral',
      target: 'es2022',
      format,
      logLevel: 'warning',
    });
  }
  const tsc = path.join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
  const config = path.join(ROOT, 'client', 'tsconfig.json');
  execFileSync(process.execPath, [tsc, '-p', config, '--outDir', directory], { stdio: 'inherit' });
  for (const name of readdirSync(directory).filter((file) => file.endsWith('.d.ts'))) {
    const file = path.join(directory, name);
    const text = readFileSync(file, 'utf8');
    const withEnding = (ending: string) => text.replace(/(from ')(\.\/[\w-]+)(')/g, `$1$2${ending}$3`);
    // The kind of module must be the same for the types and the code.
    writeFileSync(file.replace(/\.d\.ts$/, '.d.cts'), withEnding('.cjs'));
    writeFileSync(`${file}.new`, withEnding('.js'));
    renameSync(`${file}.new`, file);
  }
}

if (require.main === module) buildClient(path.join(ROOT, 'client', 'dist'));
