/*
 * Builds the package `mpc-snapshots` in .build/package, ready for `npm pack`. It contains, already built, everything
 * that a clone builds on demand. So it needs neither TypeScript nor a bundler, and of other packages only the capture
 * engine.
 */
import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { buildSync } from 'esbuild';
import { allPageAssets } from '../console/server/page-assets';
import { bundleFunction, FUNCTION_NAMES, zipFunction } from '../deploy/bundle';

const ROOT = path.resolve(__dirname, '..');
/** Copied unchanged, to the same place. */
const COPIED = [
  'LICENSE',
  'CHANGELOG.md',
  'THIRD_PARTY.md',
  'serverless.yml',
  'tools/sample-video/sample.mp4',
];
export const PROGRAMS = {
  'mpc-snapshots': 'local/cli.ts',
  index: 'local/commands/start-local-cloud.ts',
  'serverless-plugin': 'deploy/serverless-plugin.ts',
  'capture-worker': 'local/mpc/capture/capture-worker.ts',
  instance: 'local/functiongraph/instance.ts',
};
const TYPES_ENTRY = 'local/commands/start-local-cloud';

/** @param directory the output folder; its old contents are deleted */
export async function buildPackage(directory: string): Promise<void> {
  rmSync(directory, { recursive: true, force: true });
  for (const folder of ['dist/page', 'functions'])
    mkdirSync(path.join(directory, folder), { recursive: true });
  buildSync({
    entryPoints: Object.fromEntries(
      Object.entries(PROGRAMS).map(([name, file]) => [name, path.join(ROOT, file)]),
    ),
    absWorkingDir: ROOT,
    outdir: path.join(directory, 'dist'),
    outExtension: { '.js': '.cjs' },
    bundle: true,
    minifySyntax: true,
    minifyWhitespace: true,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    define: { PACKAGED: 'true' },
    external: ['node-av', 'esbuild', 'plyr', 'swagger-ui-dist'],
    // THIRD_PARTY.md contains the licences of all bundled packages.
    legalComments: 'none',
    logLevel: 'error',
  });
  const program = path.join(directory, 'dist', 'mpc-snapshots.cjs');
  const code = readFileSync(program, 'utf8').replace(/^#!.*\n/, '');
  writeFileSync(program, `#!/usr/bin/env node\n${code}`);
  chmodSync(program, 0o755);
  for (const name of FUNCTION_NAMES) {
    const { code, sourceMap } = await bundleFunction(name);
    writeFileSync(path.join(directory, 'functions', `${name}.zip`), await zipFunction(code, sourceMap));
  }
  for (const [name, { body }] of await allPageAssets())
    writeFileSync(path.join(directory, 'dist', 'page', name), body);
  for (const file of COPIED) cpSync(path.join(ROOT, file), path.join(directory, file), { force: true });
  cpSync(path.join(ROOT, 'tools', 'package', 'README.md'), path.join(directory, 'README.md'));
  writeTypes(directory);
  writeFileSync(path.join(directory, 'package.json'), `${JSON.stringify(manifest(), null, 2)}\n`);
}

function manifest(): Record<string, unknown> {
  const { name, version, description, license, engines, devDependencies } = JSON.parse(
    readFileSync(path.join(ROOT, 'package.json'), 'utf8'),
  );
  return {
    name,
    version,
    description,
    license,
    engines,
    bin: { 'mpc-snapshots': 'dist/mpc-snapshots.cjs' },
    main: './dist/index.cjs',
    types: `./types/${TYPES_ENTRY}.d.ts`,
    exports: {
      '.': { types: `./types/${TYPES_ENTRY}.d.ts`, default: './dist/index.cjs' },
      './serverless-plugin': './dist/serverless-plugin.cjs',
      './package.json': './package.json',
    },
    // Without it everything works but pictures; the tasks say why.
    optionalDependencies: { 'node-av': devDependencies['node-av'] },
  };
}

/** Writes the types of the exports, and of the files that these import. */
function writeTypes(directory: string): void {
  const all = mkdtempSync(path.join(ROOT, '.build', 'types-'));
  const tsc = path.join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
  const options = ['--noEmit', 'false', '--declaration', '--emitDeclarationOnly', '--rootDir', ROOT];
  execFileSync(process.execPath, [
    tsc,
    '-p',
    path.join(ROOT, 'tools', 'package'),
    ...options,
    '--outDir',
    all,
  ]);
  const copied = new Set<string>();
  const copy = (name: string): void => {
    if (copied.has(name)) return;
    copied.add(name);
    const text = readFileSync(path.join(all, `${name}.d.ts`), 'utf8').replace(
      /'(\.[^']*)\/src'/g,
      "'$1/src/index'",
    );
    const file = path.join(directory, 'types', `${name}.d.ts`);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, text);
    for (const [, other = ''] of text.matchAll(/from '(\.[^']*)'/g))
      copy(path.join(path.dirname(name), other));
  };
  copy(TYPES_ENTRY);
  rmSync(all, { recursive: true, force: true });
}

if (require.main === module) void buildPackage(path.join(ROOT, '.build', 'package'));
