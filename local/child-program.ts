import { createHash } from 'node:crypto';
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { PACKAGE_FOLDER } from '../package-folder';

const ROOT = path.resolve(__dirname, '..');
const built = new Map<string, string>();

/**
 * Compiles a TypeScript program of the local cloud to one JavaScript file that plain `node` can run, so that a
 * child process starts without a TypeScript loader.
 *
 * @param entry path of the program, relative to `local/`, for example `mpc/capture/capture-worker.ts`
 * @returns absolute path of the compiled file under `.build/`, or of the one that the package has
 */
export function childProgram(entry: string): string {
  if (PACKAGE_FOLDER !== undefined)
    return path.join(PACKAGE_FOLDER, 'dist', `${path.basename(entry, '.ts')}.cjs`);
  const known = built.get(entry);
  if (known !== undefined) return known;
  const { buildSync }: typeof import('esbuild') = require('esbuild');
  const result = buildSync({
    entryPoints: [path.join(ROOT, 'local', entry)],
    absWorkingDir: ROOT,
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    packages: 'external',
    write: false,
    logLevel: 'silent',
  });
  const code = result.outputFiles[0]?.contents ?? new Uint8Array();
  // The name carries the content, so that two processes that build at the same time never tear each other's file.
  const digest = createHash('sha256').update(code).digest('hex').slice(0, 12);
  const file = path.join(ROOT, '.build', `${path.basename(entry, '.ts')}-${digest}.cjs`);
  mkdirSync(path.dirname(file), { recursive: true });
  const partial = `${file}.${process.pid}`;
  writeFileSync(partial, code);
  renameSync(partial, file);
  built.set(entry, file);
  return file;
}
