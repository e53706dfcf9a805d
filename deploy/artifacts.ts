import { createHash } from 'node:crypto';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { compileFunction } from 'node:vm';
import * as z from 'zod';
import { PACKAGE_FOLDER } from '../package-folder';
import { bundleFunctions, zipFunction } from './bundle';
import type { DesiredFunction } from './desired-state';
import { DeployError } from './errors';

/** The code of one function, ready for upload. */
export interface Artifact {
  /** Name of the function in `serverless.yml`. */
  key: string;
  zip: Buffer;
  /** SHA-512 of the zip in hexadecimal, as FunctionGraph's `digest`. */
  digest: string;
}

type Source = Pick<DesiredFunction, 'key' | 'source'>;

/**
 * Bundles and zips functions. The same sources give the same bytes on every machine.
 * @throws DeployError for a bundle that FunctionGraph could not run
 */
export async function buildArtifacts(functions: readonly Source[]): Promise<Artifact[]> {
  const folder = PACKAGE_FOLDER;
  if (folder !== undefined) {
    return Promise.all(
      functions.map(async ({ key, source }) => {
        const zip = await readFile(path.join(folder, 'functions', `${source}.zip`));
        return { key, zip, digest: digestOf(zip) };
      }),
    );
  }
  const sources = [...new Set(functions.map(({ source }) => source))];
  const bundles = await bundleFunctions(sources);
  return Promise.all(
    functions.map(async ({ key, source }) => {
      const bundle = bundles[sources.indexOf(source)];
      if (bundle === undefined)
        throw new DeployError([`${key}: there is no bundle of functions/${source}.ts`]);
      refuseHandler(key, bundle.code.toString());
      const zip = await zipFunction(bundle.code, bundle.sourceMap);
      return { key, zip, digest: digestOf(zip) };
    }),
  );
}

/**
 * The runtime counts the declared parameters and accepts only two (event, context) or three (with callback). It refuses
 * only at the first invocation, long after the deployment.
 * @throws DeployError
 */
export function refuseHandler(key: string, code: string): void {
  const bundle: { exports: { handler?: unknown } } = { exports: {} };
  try {
    compileFunction(code, ['module', 'exports', 'require'])(bundle, bundle.exports, require);
  } catch (error) {
    throw new DeployError([`${key}: the bundle cannot be loaded: ${(error as Error).message}`]);
  }
  const { handler } = bundle.exports;
  if (typeof handler !== 'function') {
    throw new DeployError([`${key}: functions/ must export a function named handler, got ${typeof handler}`]);
  }
  if (handler.length !== 2 && handler.length !== 3) {
    throw new DeployError([
      `${key}: handler declares ${handler.length} parameters; FunctionGraph runs only handlers with 2 (event, context) or 3 (with callback). Rest parameters and those with a default do not count`,
    ]);
  }
}

const Manifest = z.object({
  service: z.string(),
  functions: z.record(z.string(), z.object({ file: z.string(), digest: z.string() })),
});

const MANIFEST = 'manifest.json';

/** Writes a package: zips and a manifest with their digests. An older package in the folder is replaced. */
export async function writeArtifacts(
  directory: string,
  service: string,
  artifacts: readonly Artifact[],
): Promise<void> {
  await mkdir(directory, { recursive: true });
  // After an interruption a folder without a manifest does not pass for a package.
  await rm(path.join(directory, MANIFEST), { force: true });
  const functions: z.infer<typeof Manifest>['functions'] = {};
  for (const { key, zip, digest } of artifacts) {
    await writeFile(path.join(directory, `${key}.zip`), zip);
    functions[key] = { file: `${key}.zip`, digest };
  }
  await writeFile(path.join(directory, MANIFEST), `${JSON.stringify({ service, functions }, null, 2)}\n`);
}

/**
 * Reads a package back.
 * @throws DeployError when it is not a package of this service, lacks a function or was changed
 */
export async function readArtifacts(
  directory: string,
  service: string,
  functions: readonly Source[],
): Promise<Artifact[]> {
  const manifest = await readManifest(directory);
  if (manifest.service !== service) {
    throw new DeployError([`${directory} is a package of service ${manifest.service}, not of ${service}`]);
  }
  return Promise.all(
    functions.map(async ({ key }) => {
      const entry = manifest.functions[key];
      if (entry === undefined) throw new DeployError([`${directory} has no code of ${key}: package again`]);
      const file = path.join(directory, path.basename(entry.file));
      const zip = await readFile(file).catch(() => {
        throw new DeployError([`${file} cannot be read: package again`]);
      });
      const digest = digestOf(zip);
      if (digest !== entry.digest)
        throw new DeployError([`${file} does not match ${MANIFEST}: package again`]);
      return { key, zip, digest };
    }),
  );
}

async function readManifest(directory: string): Promise<z.infer<typeof Manifest>> {
  const file = path.join(directory, MANIFEST);
  const text = await readFile(file, 'utf8').catch(() => {
    throw new DeployError([
      `${file} cannot be read: make a package with \`npm run package -- --package ${directory}\``,
    ]);
  });
  try {
    return Manifest.parse(JSON.parse(text));
  } catch {
    throw new DeployError([`${file} is not the manifest of a package`]);
  }
}

function digestOf(zip: Buffer): string {
  return createHash('sha512').update(zip).digest('hex');
}
