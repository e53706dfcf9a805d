/*
 * Writes client/src/schema.ts, the types of the HTTP API, from docs/openapi.json (`npm run openapi`).
 *
 * npx runs the generator without installing it: it needs TypeScript 5, because TypeScript 7 lacks the programming
 * interface, and it is needed only when the API changes.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const ROOT = path.resolve(__dirname, '..');
const OPENAPI_FILE = path.join(ROOT, 'docs', 'openapi.json');
export const TYPES_FILE = path.join(ROOT, 'client', 'src', 'schema.ts');

/** The first line of the types: the digest of the description that they were made from. */
export function originLine(): string {
  // Line breaks and spaces have no meaning.
  const description = JSON.stringify(JSON.parse(readFileSync(OPENAPI_FILE, 'utf8')));
  return `// Made from docs/openapi.json by \`npm run openapi\`: ${createHash('sha256').update(description).digest('hex')}`;
}

if (require.main === module) {
  const packages = ['-p', 'openapi-typescript@7.13.0', '-p', 'typescript@5.9.3'];
  execFileSync('npx', ['--yes', ...packages, 'openapi-typescript', OPENAPI_FILE, '-o', TYPES_FILE], {
    cwd: ROOT,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  writeFileSync(TYPES_FILE, `${originLine()}\n${readFileSync(TYPES_FILE, 'utf8')}`);
  execFileSync(path.join(ROOT, 'node_modules', '.bin', 'biome'), ['format', '--write', TYPES_FILE]);
}
