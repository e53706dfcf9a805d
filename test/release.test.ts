import { execFileSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { datedChangelog, notesOf } from '../tools/changelog';
import { THIRD_PARTY_FILE, thirdParty } from '../tools/third-party';

const ROOT = path.resolve(__dirname, '..');
const CHANGELOG = readFileSync(path.join(ROOT, 'CHANGELOG.md'), 'utf8');
/** Keep a Changelog 1.1.0, "Types of changes". */
const KINDS = ['Added', 'Changed', 'Deprecated', 'Removed', 'Fixed', 'Security'];

test('THIRD_PARTY.md is what is shipped: `npm run third-party` writes it', async () => {
  expect(readFileSync(THIRD_PARTY_FILE, 'utf8')).toBe(await thirdParty());
});

test('the changelog is one that Keep a Changelog describes', () => {
  const sections = [...CHANGELOG.matchAll(/^## (.*)$/gm)].map(([, heading]) => heading);
  expect(sections[0]).toBe('[Unreleased]');
  for (const heading of sections.slice(1)) expect(heading).toMatch(/^\[\d+\.\d+\.\d+\] - \d{4}-\d\d-\d\d$/);
  for (const [, kind] of CHANGELOG.matchAll(/^### (.*)$/gm)) expect(KINDS).toContain(kind);
});

test('the unreleased changes become the version, once', () => {
  const before = '# Changelog\n\n## [Unreleased]\n\n### Added\n\n- a\n\n## [0.1.0] - 2026-01-01\n\n- b\n';
  expect(notesOf(before, '0.2.0')).toBe('### Added\n\n- a');
  expect(notesOf(before, '0.1.0')).toBe('- b');
  const after = datedChangelog(before, '0.2.0', '2026-02-02');
  expect(after).toBe(before.replace('## [Unreleased]', '## [Unreleased]\n\n## [0.2.0] - 2026-02-02'));
  expect(notesOf(after, '0.2.0')).toBe('### Added\n\n- a');
  expect(notesOf(after, '0.3.0')).toBeUndefined();
  expect(datedChangelog(after, '0.2.0', '2026-03-03')).toBe(after);
});

test('a dry run of a release checks, packs and shows the notes', () => {
  const printed = execFileSync('npm', ['run', '--silent', 'release', '--', '--dry-run', '--skip-checks'], {
    cwd: ROOT,
  }).toString();
  const { version } = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8'));
  for (const name of ['mpc-snapshots-client', 'mpc-snapshots']) {
    expect(printed).toContain(`.build/release/${name}-${version}.tgz`);
    expect(statSync(path.join(ROOT, '.build/release', `${name}-${version}.tgz`)).size).toBeGreaterThan(1000);
  }
  expect(printed).toContain(`mpc-snapshots ${version}`);
  expect(printed).toContain('nothing was published');
}, 180_000);
