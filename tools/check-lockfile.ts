import { readFileSync } from 'node:fs';

/*
 * Checks what `npm ci` will install: only packages of the npm registry, each with a SHA-512 digest, and only versions
 * that somebody chose. A changed line of package-lock.json is easily overlooked in a review.
 */

interface Locked {
  version?: string;
  resolved?: string;
  integrity?: string;
  link?: boolean;
  inBundle?: boolean;
}

interface Manifest {
  dependencies?: Record<string, string>;
  devDependencies?: Record<string, string>;
}

const REGISTRY = 'https://registry.npmjs.org/';
const EXACT_VERSION = /^(npm:@?[\w./-]+@)?\d+\.\d+\.\d+(-[\w.]+)?$/;

/** The mistakes in a lockfile and its manifest, one per line. */
export function lockfileIssues(lockfile: { packages: Record<string, Locked> }, manifest: Manifest): string[] {
  const locked = Object.entries(lockfile.packages).filter(
    // Packages of this repository have no digest. The digest of a bundle covers what is bundled in it.
    ([folder, { link, inBundle }]) => folder.includes('node_modules/') && !link && !inBundle,
  );
  const wanted = Object.entries({ ...manifest.dependencies, ...manifest.devDependencies });
  return [
    ...locked
      .filter(([, { integrity }]) => !/^sha512-[A-Za-z0-9+/]{86}==$/.test(integrity ?? ''))
      .map(([folder]) => `${folder} has no SHA-512 digest: remove it from the lockfile and install it again`),
    // A package without an address comes from the registry in use.
    ...locked
      .filter(([, { resolved }]) => resolved !== undefined && !resolved.startsWith(REGISTRY))
      .map(([folder, { resolved }]) => `${folder} comes from ${resolved}, not from ${REGISTRY}`),
    ...wanted
      .filter(([, version]) => !EXACT_VERSION.test(version))
      .map(
        ([name, version]) => `${name} must have an exact version in package.json, got "${version}": npm i -E`,
      ),
  ];
}

if (require.main === module) {
  const issues = lockfileIssues(
    JSON.parse(readFileSync('package-lock.json', 'utf8')),
    JSON.parse(readFileSync('package.json', 'utf8')),
  );
  for (const issue of issues) console.error(issue);
  process.exitCode = issues.length === 0 ? 0 : 1;
}
