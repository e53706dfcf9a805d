import { lockfileIssues } from '../../tools/check-lockfile';

const DIGEST = `sha512-${'A'.repeat(86)}==`;
const of = (entry: object, version = '1.2.3') =>
  lockfileIssues(
    { packages: { '': {}, 'node_modules/a': { version: '1.2.3', ...entry } } },
    { dependencies: { a: version } },
  );

describe('the check of the lockfile', () => {
  test.each([
    ['from the registry', { resolved: 'https://registry.npmjs.org/a/-/a-1.2.3.tgz', integrity: DIGEST }],
    ['without an address', { integrity: DIGEST }],
    ['of this repository', { resolved: 'client', link: true }],
    ['inside another one', { inBundle: true }],
  ])('accepts a package %s', (_, entry) => {
    expect(of(entry)).toEqual([]);
  });

  test.each([
    ['without a digest', {}, /node_modules\/a has no SHA-512 digest/],
    ['with a weak digest', { integrity: 'sha1-AAAAAAAAAAAAAAAAAAAAAAAAAAA=' }, /no SHA-512 digest/],
    [
      'from elsewhere',
      { resolved: 'https://example.com/a.tgz', integrity: DIGEST },
      /comes from https:\/\/example.com/,
    ],
    ['from git', { resolved: 'git+ssh://git@github.com/a/a.git#1', integrity: DIGEST }, /comes from git/],
    [
      'from a registry that only begins alike',
      { resolved: 'https://registry.npmjs.org.evil.example/a.tgz', integrity: DIGEST },
      /comes from/,
    ],
    [
      'that is another one of the registry',
      { resolved: 'https://registry.npmjs.org/evil/-/evil-1.2.3.tgz', integrity: DIGEST },
      /comes from \S+evil\S+, not from https:\/\/registry.npmjs.org\/a\/-\/a-1.2.3.tgz$/,
    ],
    [
      'of another version',
      { resolved: 'https://registry.npmjs.org/a/-/a-1.2.2.tgz', integrity: DIGEST },
      /comes from/,
    ],
    ['that is another one under its name', { name: 'evil', integrity: DIGEST }, /a is evil, and nothing/],
    [
      'that claims to be inside another one',
      { resolved: 'https://example.com/a.tgz', integrity: DIGEST, inBundle: true },
      /comes from/,
    ],
  ])('refuses a package %s', (_, entry, issue) => {
    expect(of(entry)).toEqual([expect.stringMatching(issue)]);
  });

  test('accepts another name that a dependency asks for', () => {
    const packages = {
      'node_modules/a': { version: '1.2.3', integrity: DIGEST, dependencies: { 'b-cjs': 'npm:@b/c@^1.0.0' } },
      'node_modules/b-cjs': { name: '@b/c', version: '1.0.0', integrity: DIGEST },
    };
    expect(lockfileIssues({ packages }, {})).toEqual([]);
  });

  test.each(['^1.2.3', '~1.2.3', '*', 'latest', 'github:a/a'])('refuses the version %s', (version) => {
    expect(of({ integrity: DIGEST }, version)).toEqual([expect.stringMatching(/exact version/)]);
  });
});
