import { readFileSync } from 'node:fs';

/*
 * Checks what `npm ci` will install: only packages of the npm registry, each with a SHA-512 digest, and only versions
 * that somebody chose. A changed line of package-lock.json is easily overlooked in a review.
 */

interface Locked {
  /** The package, if the folder has another name. */
  name?: string;
  version?: string;
  resolved?: string;
  integrity?: string;
  link?: boolean;
  inBundle?: boolean;
  dependencies?: Record<string, string>;
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
    ([folder, { link, inBundle, resolved }]) =>
      folder.includes('node_modules/') && !link && !(inBundle && resolved === undefined),
  );
  const wanted = Object.entries({ ...manifest.dependencies, ...manifest.devDependencies });
  const dependencies = locked.flatMap(([, one]) => Object.entries(one.dependencies ?? {}));
  const aliases = new Set(
    [...wanted, ...dependencies].map(([folder, version]) => {
      const [, name] = /^npm:(@?[^@]+)@/.exec(version) ?? [];
      return `${folder} ${name}`;
    }),
  );
  return [
    ...locked
      .filter(([, { integrity }]) => !/^sha512-[A-Za-z0-9+/]{86}==$/.test(integrity ?? ''))
      .map(([folder]) => `${folder} has no SHA-512 digest: remove it from the lockfile and install it again`),
    // A package without an address comes from the registry in use.
    ...locked
      .filter(([folder, one]) => one.resolved !== undefined && one.resolved !== addressOf(folder, one))
      .map(([folder, one]) => `${folder} comes from ${one.resolved}, not from ${addressOf(folder, one)}`),
    // Otherwise the lockfile alone could put another package in the place of one.
    ...locked
      .filter(([folder, { name }]) => name !== undefined && !aliases.has(`${nameOf(folder)} ${name}`))
      .map(([folder, { name }]) => `${folder} is ${name}, and nothing depends on it under this name`),
    ...wanted
      .filter(([, version]) => !EXACT_VERSION.test(version))
      .map(
        ([name, version]) => `${name} must have an exact version in package.json, got "${version}": npm i -E`,
      ),
  ];
}

function nameOf(folder: string): string {
  return folder.slice(folder.lastIndexOf('node_modules/') + 'node_modules/'.length);
}

/** Where the registry has a package. */
function addressOf(folder: string, { name = nameOf(folder), version }: Locked): string {
  return `${REGISTRY}${name}/-/${name.replace(/^.*\//, '')}-${version}.tgz`;
}

if (require.main === module) {
  const issues = lockfileIssues(
    JSON.parse(readFileSync('package-lock.json', 'utf8')),
    JSON.parse(readFileSync('package.json', 'utf8')),
  );
  for (const issue of issues) console.error(issue);
  process.exitCode = issues.length === 0 ? 0 : 1;
}
