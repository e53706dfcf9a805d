import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { buildSync, transformSync } from 'esbuild';
import { SWITCHES } from '../local/switches';

const ROOT = path.resolve(__dirname, '..');

/** All modules of this project that entry points pull in, directly or not. */
function modulesOf(...entries: string[]): string[] {
  const { metafile } = buildSync({
    entryPoints: entries.map((entry) => path.join(ROOT, entry)),
    absWorkingDir: ROOT,
    bundle: true,
    write: false,
    metafile: true,
    platform: 'node',
    packages: 'external',
    outdir: '.build',
    logLevel: 'silent',
  });
  return Object.keys(metafile.inputs);
}

const sources = (folder: string) =>
  readdirSync(path.join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.tsx?$/.test(file))
    .map((file) => `${folder}/${file}`);

/** The rooms of shared/, from the bottom up. */
const RANKS: readonly (readonly string[])[] = [
  ['shared/core', 'shared/signing.ts'],
  ['shared/validation.ts'],
  ['shared/cloud'],
  ['shared/installation'],
  ['shared/tasks'],
  ['shared/uploads'],
  ['shared/views'],
  ['shared/finishing'],
  ['shared/api'],
  ['functions'],
];

const rankOf = (file: string): number =>
  RANKS.findIndex((rooms) => rooms.some((room) => file === room || file.startsWith(`${room}/`)));

/** Ways to name another file: `from '…'` of imports and exports, `import '…'`, `import('…')`, `require('…')`. */
const IMPORT = /\b(?:from|import|import\s*\(|require\s*\()\s*['"`](\.[^'"`]*)['"`]/g;

/** The files of this project that a source names, types included: a type pulls in no code, but it is known all the same. */
function importsOf(file: string): string[] {
  const source = readFileSync(path.join(ROOT, file), 'utf8');
  const names = [...source.matchAll(IMPORT)].map(([, name = '']) => path.join(path.dirname(file), name));
  return names.flatMap((name) =>
    [name, `${name}.ts`, `${name}.tsx`, `${name}/index.ts`].filter((one) =>
      statSync(path.join(ROOT, one), { throwIfNoEntry: false })?.isFile(),
    ),
  );
}

/** A way that leads from a file back to itself; undefined where there is none. */
function circleIn(files: readonly string[]): string[] | undefined {
  const done = new Set<string>();
  const visit = (file: string, trail: readonly string[]): string[] | undefined => {
    if (trail.includes(file)) return [...trail.slice(trail.indexOf(file)), file];
    if (done.has(file)) return undefined;
    for (const next of importsOf(file)) {
      const circle = visit(next, [...trail, file]);
      if (circle) return circle;
    }
    done.add(file);
    return undefined;
  };
  for (const file of files) {
    const circle = visit(file, []);
    if (circle) return circle;
  }
  return undefined;
}

test('in functions and shared no import runs upwards, not even for a type', () => {
  const files = [...sources('functions'), ...sources('shared')];
  expect(files.filter((file) => rankOf(file) < 0)).toEqual([]);
  const upwards = files.flatMap((file) =>
    importsOf(file)
      .filter((imported) => rankOf(imported) > rankOf(file))
      .map((imported) => `${file} → ${imported}`),
  );
  expect(upwards).toEqual([]);
});

test.each(['functions', 'shared', 'client/src', 'deploy', 'local', 'console', 'tools'])(
  'no import in %s runs in a circle',
  (folder) => {
    expect(circleIn(sources(folder))).toBeUndefined();
  },
);

test('the functions know shared/ and nothing else', () => {
  const known = modulesOf(...sources('functions'));
  expect(known.filter((file) => !/^(functions|shared)\//.test(file))).toEqual([]);
});

test('no service of the local cloud reaches product code, not even through others', () => {
  const known = modulesOf(
    ...sources('local').filter((file) => !/^local\/(commands\/|cli\.ts$)/.test(file)),
    ...sources('console/server'),
    ...sources('console/sources/local'),
  );
  expect(known.filter((file) => /^(shared|functions|deploy|client)\//.test(file))).toEqual([]);
});

test('the client imports only its own modules: none of Node.js, no package', () => {
  const files = sources('client/src');
  expect(files.length).toBeGreaterThan(4);
  const { metafile } = buildSync({
    entryPoints: files.map((file) => path.join(ROOT, file)),
    absWorkingDir: ROOT,
    bundle: true,
    write: false,
    metafile: true,
    platform: 'neutral',
    outdir: '.build',
    logLevel: 'silent',
  });
  expect(Object.keys(metafile.inputs).filter((file) => !file.startsWith('client/src/'))).toEqual([]);
  expect(Object.values(metafile.outputs).flatMap(({ imports }) => imports)).toEqual([]);
});

test('the console’s page imports only its own modules and those of its server', () => {
  const imported = sources('console/page').flatMap(importsOf);
  expect(imported.length).toBeGreaterThan(10);
  // A helper of four lines without anything of Node.js.
  const allowed = /^console\/(page|server)\/|^local\/parse-json\.ts$/;
  expect(imported.filter((file) => !allowed.test(file))).toEqual([]);
});

test('deploy/ imports only signing and settings from shared/, and backfill/ also the modules of uploads and claims', () => {
  const isOfBackfill = (file: string) => /^deploy\/(backfill\/|provider-plugin|serverless-plugin)/.test(file);
  const known = modulesOf(...sources('deploy').filter((file) => !isOfBackfill(file)));
  const settings = /^shared\/(core\/|installation\/|signing\.ts$|validation\.ts$)/;
  expect(known.filter((file) => file.startsWith('shared/') && !settings.test(file))).toEqual([]);
  const ofBackfill = modulesOf(...sources('deploy').filter((file) => file.startsWith('deploy/backfill/')));
  expect(
    ofBackfill.filter((file) => /^shared\/(api|views|finishing)\/|^(functions|local)\//.test(file)),
  ).toEqual([]);
});

/** The files that rooms around functions/ and shared/ may name beside their own: the first row that fits. See docs/architecture.md. */
const MAY_NAME: readonly (readonly [files: RegExp, allowed: RegExp])[] = [
  [/^local\/(commands\/|cli\.ts$)/, /^(local|console|client|deploy)\//],
  [/^local\//, /^(local|console\/(server|sources\/local))\//],
  [/^console\/sources\/deployed\//, /^(console|local|client)\//],
  [/^console\//, /^(console|local)\//],
  [/^deploy\//, /^(deploy|shared)\//],
];

test('the rooms around the functions name only what docs/architecture.md says, not even for a type', () => {
  const files = ['local', 'console', 'deploy'].flatMap(sources);
  const forbidden = files.flatMap((file) => {
    const [, allowed = /^$/] = MAY_NAME.find(([fits]) => fits.test(file)) ?? [];
    return (
      importsOf(file)
        // The files in the root belong to all.
        .filter((imported) => imported.includes('/') && !allowed.test(imported))
        .map((imported) => `${file} → ${imported}`)
    );
  });
  expect(forbidden).toEqual([]);
});

test('every module in shared/ that does something has a test of its name', () => {
  const doing = sources('shared').filter(
    (file) => transformSync(readFileSync(path.join(ROOT, file), 'utf8'), { loader: 'ts' }).code !== '',
  );
  expect(doing.length).toBeGreaterThan(20);
  const missing = doing
    .map((file) => `test/${file.replace(/\.ts$/, '.test.ts')}`)
    .filter((file) => !existsSync(path.join(ROOT, file)));
  expect(missing).toEqual([]);
});

test('each promise and each fact names a test that runs', () => {
  const references = ['INVARIANTS.md', 'local/FIDELITY.md'].flatMap((document) => {
    const text = readFileSync(path.join(ROOT, document), 'utf8');
    const found = [...text.matchAll(/`(test\/[\w./-]+\.test\.ts)`(?:\s+“([^”]+)”)?/g)];
    expect(found.length).toBeGreaterThan(5);
    return found.map(([, file = '', name]) => ({ document, file, name }));
  });
  const files = [...new Set(references.map(({ file }) => file))];
  // Files that are only listed make folders that nothing takes away.
  const TMPDIR = mkdtempSync(path.join(tmpdir(), 'listing-'));
  const listed: Record<string, string[]> = JSON.parse(
    execFileSync(process.execPath, ['--require', 'tsx/cjs', 'test/list-tests.ts', ...files], {
      cwd: ROOT,
      env: { ...process.env, TMPDIR },
      maxBuffer: 16 * 1024 * 1024,
    }).toString(),
  );
  rmSync(TMPDIR, { recursive: true });
  const missing = references.filter(({ file, name }) => {
    const names = listed[file] ?? [];
    return name === undefined ? names.length === 0 : !names.some((one) => one.includes(name));
  });
  expect(missing).toEqual([]);
}, 60_000);

test('every switch of the local cloud is listed in FIDELITY.md, and every fact there says how it was verified', () => {
  const rows = readFileSync(path.join(ROOT, 'local/FIDELITY.md'), 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('| ') && !line.startsWith('| fact '))
    .map((line) => line.slice(2, -2).split(' | '));
  for (const [fact, , verified, , tests = '', ...more] of rows) {
    expect([fact, verified]).toEqual([
      fact,
      expect.stringMatching(/^(document|captured|vendor code|guess)$/),
    ]);
    expect([fact, tests]).toEqual([
      fact,
      expect.stringMatching(/^`test\/[^`]+`( “[^”]+”)?(, `test\/[^`]+`( “[^”]+”)?)*$/),
    ]);
    expect([fact, ...more]).toEqual([fact]);
  }
  const listed = new Set(rows.map(([, , , name = '']) => name));
  listed.delete('–');
  const switches = [...SWITCHES.keys()].map((name) => `\`${name}\``);
  expect([...listed].sort()).toEqual(switches.sort());
});
