/*
 * Writes THIRD_PARTY.md: the third-party code in the packages and in the functions, and its licences (`npm run
 * third-party`).
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { buildSync } from 'esbuild';
import { bundleFunction, FUNCTION_NAMES } from '../deploy/bundle';
import { PROGRAMS } from './build-package';

const ROOT = path.resolve(__dirname, '..');
export const THIRD_PARTY_FILE = path.join(ROOT, 'THIRD_PARTY.md');
/** The packages in the console's pages. */
const PAGE_PACKAGES = ['plyr', 'preact', 'swagger-ui-dist'];
const ENGINE = 'node-av';

interface Package {
  name: string;
  version: string;
  license: string;
  text: string | undefined;
}

/** The whole text of THIRD_PARTY.md. */
export async function thirdParty(): Promise<string> {
  const programs = buildSync({
    entryPoints: Object.values(PROGRAMS).map((file) => path.join(ROOT, file)),
    absWorkingDir: ROOT,
    outdir: 'none',
    bundle: true,
    metafile: true,
    write: false,
    platform: 'node',
    define: { PACKAGED: 'true' },
    external: [ENGINE, 'esbuild', 'plyr', 'swagger-ui-dist'],
    logLevel: 'error',
  });
  const functions = await Promise.all(FUNCTION_NAMES.map((name) => bundleFunction(name)));
  const inFunctions = packagesOf(functions.flatMap(({ metafile }) => usedInputs(metafile)));
  const inPackage = packagesOf([
    ...usedInputs(programs.metafile),
    ...PAGE_PACKAGES.map((name) => `node_modules/${name}/package.json`),
  ]);
  const engine = packagesOf([...installedTree(ENGINE)].map((folder) => `${folder}/package.json`));
  const all = new Map([...inFunctions, ...inPackage].map((one) => [`${one.name} ${one.version}`, one]));
  return [
    '# Third-party code',
    '',
    'Written by `npm run third-party`, from what the bundler puts into the packages.',
    '',
    'The package `@mpc-snapshots/client` contains no third-party code.',
    '',
    '## In the functions that are deployed',
    '',
    ...table(inFunctions),
    '',
    '## In the package `mpc-snapshots`: programs and pages',
    '',
    ...table(inPackage),
    '',
    '`swagger-ui-dist` is itself a bundle of many packages; its own licence file names them.',
    '',
    '## The capture engine, which npm installs beside the package',
    '',
    ...table(engine),
    '',
    'It is an optional dependency: neither the packages of this project nor the deployed functions contain any of it.',
    '`@seydx/node-av-…` holds FFmpeg, built by Jellyfin with `--enable-gpl --enable-version3`: those binaries are under the GNU General Public License, version 3',
    '(https://ffmpeg.org/legal.html), even if their package.json says otherwise. They are also built with `--enable-libfdk-aac`, whose licence FFmpeg calls incompatible',
    'with the GPL: do not redistribute these binaries; let everybody install them from npm. The local cloud never decodes sound, and runs the binaries in processes of their own.',
    '',
    '## Licences',
    '',
    ...[...all.values()]
      .sort(byName)
      .flatMap(({ name, version, license, text }) => [
        `### ${name} ${version}`,
        '',
        ...(text === undefined ? [`${license}; the package has no text of it.`] : ['```', text, '```']),
        '',
      ]),
  ].join('\n');
}

/** The files that contribute bytes to an output. */
function usedInputs({
  outputs,
}: {
  outputs: Record<string, { inputs: Record<string, { bytesInOutput: number }> }>;
}): string[] {
  return Object.values(outputs).flatMap(({ inputs }) =>
    Object.entries(inputs).flatMap(([file, { bytesInOutput }]) => (bytesInOutput > 0 ? [file] : [])),
  );
}

function packagesOf(files: readonly string[]): Package[] {
  const folders = files.flatMap((file) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file)?.[0] ?? []);
  const packages = new Map<string, Package>();
  for (const folder of new Set(folders)) {
    const { name, version, license } = JSON.parse(
      readFileSync(path.join(ROOT, folder, 'package.json'), 'utf8'),
    );
    packages.set(`${name} ${version}`, {
      name,
      version,
      license: nameOf(license),
      text: licenceText(folder),
    });
  }
  return [...packages.values()].sort(byName);
}

function nameOf(license: unknown): string {
  if (typeof license === 'string') return license;
  return (license as { type?: string } | undefined)?.type ?? 'see below';
}

function licenceText(folder: string): string | undefined {
  const file = readdirSync(path.join(ROOT, folder)).find((name) => /^licen[cs]e(\.(md|txt))?$/i.test(name));
  return (
    file &&
    readFileSync(path.join(ROOT, folder, file), 'utf8')
      .replaceAll('\r\n', '\n')
      .replaceAll('```', "'''")
      .trim()
  );
}

/** The folders of an installed package and of all its installed dependencies, whatever their platform. */
function installedTree(name: string, seen = new Set<string>()): Set<string> {
  const folder = `node_modules/${name}`;
  if (seen.has(folder) || !existsSync(path.join(ROOT, folder))) return seen;
  // The engine has one package of binaries per platform. The text must not depend on the machine that writes it.
  if (!name.startsWith('@seydx/')) seen.add(folder);
  const { dependencies = {}, optionalDependencies = {} } = JSON.parse(
    readFileSync(path.join(ROOT, folder, 'package.json'), 'utf8'),
  );
  for (const other of Object.keys({ ...dependencies, ...optionalDependencies })) installedTree(other, seen);
  return seen;
}

function table(packages: readonly Package[]): string[] {
  return [
    '| package | version | licence |',
    '|---|---|---|',
    ...packages.map(({ name, version, license }) => `| \`${name}\` | ${version} | ${license} |`),
  ];
}

function byName(a: Package, b: Package): number {
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
}

if (require.main === module) void thirdParty().then((text) => writeFileSync(THIRD_PARTY_FILE, text));
