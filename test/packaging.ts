import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { buildPackage } from '../tools/build-package';

const ROOT = path.resolve(__dirname, '..');

export interface Outside {
  folder: string;
  /** Of the packed package. */
  sizeBytes: number;
}

/**
 * A folder outside of this project in which the packed package `mpc-snapshots` is installed. The engine is linked: it is too
 * large to be fetched by a test.
 */
export async function installedOutside(): Promise<Outside> {
  const folder = mkdtempSync(path.join(tmpdir(), 'outside-'));
  const built = path.join(folder, 'built');
  await buildPackage(built);
  const packed = execFileSync('npm', ['pack', '--json', '--pack-destination', folder], { cwd: built });
  const [{ filename, size }] = JSON.parse(packed.toString());
  const modules = path.join(folder, 'node_modules');
  const installed = path.join(modules, 'mpc-snapshots');
  for (const directory of [installed, path.join(modules, '.bin')]) mkdirSync(directory, { recursive: true });
  execFileSync('tar', ['xzf', path.join(folder, filename), '--strip-components=1', '-C', installed]);
  symlinkSync('../mpc-snapshots/dist/mpc-snapshots.cjs', path.join(modules, '.bin', 'mpc-snapshots'));
  symlinkSync(path.join(ROOT, 'node_modules', 'node-av'), path.join(modules, 'node-av'));
  writeFileSync(path.join(folder, 'package.json'), '{"name":"outside","private":true}');
  // npm looks for newer versions of itself from time to time, and prints what it finds.
  writeFileSync(path.join(folder, '.npmrc'), 'update-notifier=false\n');
  return { folder, sizeBytes: size };
}
