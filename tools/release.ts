/*
 * Makes a release of the version in package.json:
 *
 *     npm run release -- --dry-run     # checks, packs into .build/release, shows the notes; changes nothing else
 *     npm run release                  # the same, then dates the version in CHANGELOG.md, commits, tags and publishes
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { buildClient } from './build-client';
import { buildPackage } from './build-package';
import { datedChangelog, notesOf } from './changelog';
import { THIRD_PARTY_FILE, thirdParty } from './third-party';

const ROOT = path.resolve(__dirname, '..');
const CHANGELOG_FILE = path.join(ROOT, 'CHANGELOG.md');
const RELEASE_FOLDER = path.join(ROOT, '.build', 'release');
const MAX_PACKAGE_BYTES = 15 * 1024 * 1024;

const read = (file: string): string => readFileSync(path.join(ROOT, file), 'utf8');
const run = (program: string, args: readonly string[], cwd = ROOT): string =>
  execFileSync(program, args, {
    cwd,
    stdio: ['ignore', 'pipe', 'inherit'],
    maxBuffer: 64 * 1024 * 1024,
  }).toString();

/** The reasons against a release, in words. */
async function problems(version: string): Promise<string[]> {
  const found: string[] = [];
  const versions = {
    'client/package.json': JSON.parse(read('client/package.json')).version,
    'package-lock.json': JSON.parse(read('package-lock.json')).version,
    'docs/openapi.json': JSON.parse(read('docs/openapi.json')).info.version,
  };
  for (const [file, other] of Object.entries(versions))
    if (other !== version) found.push(`${file} has version ${other}, package.json ${version}`);
  if (notesOf(read('CHANGELOG.md'), version) === undefined)
    found.push(`CHANGELOG.md does not mention ${version}, neither under [${version}] nor under [Unreleased]`);
  if ((await thirdParty()) !== readFileSync(THIRD_PARTY_FILE, 'utf8'))
    found.push('THIRD_PARTY.md is outdated: npm run third-party');
  return found;
}

/** Packs both packages. @returns paths of the tarballs */
async function pack(): Promise<string[]> {
  rmSync(RELEASE_FOLDER, { recursive: true, force: true });
  mkdirSync(RELEASE_FOLDER, { recursive: true });
  buildClient(path.join(ROOT, 'client', 'dist'));
  const built = path.join(ROOT, '.build', 'package');
  await buildPackage(built);
  return [path.join(ROOT, 'client'), built].map((folder) => {
    const args = ['pack', '--ignore-scripts', '--json', '--pack-destination', RELEASE_FOLDER];
    const [{ filename }] = JSON.parse(run('npm', args, folder));
    return path.join(RELEASE_FOLDER, filename);
  });
}

async function release(): Promise<number> {
  const { values } = parseArgs({
    options: { 'dry-run': { type: 'boolean' }, 'skip-checks': { type: 'boolean' } },
  });
  const isDry = values['dry-run'] === true;
  const { version } = JSON.parse(read('package.json'));
  const found = await problems(version);
  if (!isDry && run('git', ['status', '--porcelain']) !== '') found.push('there are uncommitted changes');
  if (found.length > 0) {
    process.stderr.write(`${version} cannot be released:\n${found.map((one) => `  ${one}\n`).join('')}`);
    return 1;
  }
  // A release needs all tests; a dry run only previews.
  if (!isDry) run('.ci/run', []);
  else if (!values['skip-checks']) run('npm', ['run', 'check']);
  const tarballs = await pack();
  for (const file of tarballs) {
    const { size } = statSync(file);
    process.stdout.write(`${path.relative(ROOT, file)}  ${(size / 1024).toFixed(0)} KB\n`);
    if (size > MAX_PACKAGE_BYTES)
      throw new Error(`${file} has ${size} bytes, more than ${MAX_PACKAGE_BYTES}`);
  }
  const notes = notesOf(read('CHANGELOG.md'), version) ?? '';
  writeFileSync(path.join(RELEASE_FOLDER, 'NOTES.md'), `${notes}\n`);
  process.stdout.write(`\nmpc-snapshots ${version}\n\n${notes}\n`);
  if (isDry) {
    process.stdout.write('\nnothing was published\n');
    return 0;
  }
  writeFileSync(
    CHANGELOG_FILE,
    datedChangelog(read('CHANGELOG.md'), version, new Date().toISOString().slice(0, 10)),
  );
  if (run('git', ['status', '--porcelain']) !== '')
    run('git', ['commit', '--all', '--message', `Version ${version}`]);
  run('git', ['tag', '--annotate', `v${version}`, '--message', `Version ${version}`]);
  for (const file of tarballs) run('npm', ['publish', '--access', 'public', file]);
  return 0;
}

release().then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
    process.exitCode = 1;
  },
);
