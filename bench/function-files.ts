import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { build } from 'esbuild';
import { bundleFunction, FUNCTION_NAMES } from '../deploy/bundle';

/**
 * Rivals are what a user would write otherwise; floors are what nothing with the same work can beat. Their files are in
 * `rivals/`.
 */
const RIVALS = [
  'sdk-core-create',
  'fetch-create',
  'undici-create',
  'constant-headers',
  'hashed-headers',
  'raw-socket',
  'empty',
] as const;

/** A function file, and the event for its calls. */
export interface FunctionFile {
  name: string;
  file: string;
  eventFile: string;
  sizeBytes: number;
}

const create = {
  httpMethod: 'POST',
  path: '/snapshots',
  headers: { 'Content-Type': 'application/json' },
  body: JSON.stringify({
    input: { bucket: 'videos', location: 'ap-southeast-3', object: 'uploads/sample.mp4' },
    output: { bucket: 'snapshots', location: 'ap-southeast-3', object: 'snapshots/uploads/sample.mp4' },
    thumbnail_para: { type: 'TIME', time: 10, max_length: 480 },
  }),
  isBase64Encoded: false,
};
/** A request for one of the tasks of services-program.ts. */
const task = (id: string) => ({
  path: `/snapshots/${id}`,
  pathParameters: { task_id: id },
  isBase64Encoded: false,
});
const upload = {
  Records: [
    {
      eventName: 'ObjectCreated:Put',
      s3: { bucket: { name: 'videos' }, object: { key: 'uploads%2Fsample.mp4', eTag: 'e1', size: 1000 } },
    },
  ],
};

/** The event for the calls of each of our functions. */
export const EVENTS = {
  create,
  cancel: { httpMethod: 'DELETE', ...task('1000002') },
  query: { httpMethod: 'GET', ...task('1000001') },
  'on-upload': upload,
  'on-finish': { trigger_type: 'TIMER', trigger_name: 'finish' },
};

/** Bundles our functions as for deployment, and the rivals in the same way. Writes an event for each. */
export async function writeFunctionFiles(folder: string): Promise<FunctionFile[]> {
  const files: FunctionFile[] = [];
  for (const name of RIVALS) files.push(await writeFunction(folder, name, await bundleRival(name), create));
  for (const name of FUNCTION_NAMES)
    files.push(await writeFunction(folder, name, (await bundleFunction(name)).code, EVENTS[name]));
  return files;
}

/** Writes one function and its event into the folder. */
export async function writeFunction(
  folder: string,
  name: string,
  code: Buffer,
  event: unknown,
): Promise<FunctionFile> {
  const file = path.join(folder, `${name}.js`);
  const eventFile = path.join(folder, `${name}.json`);
  await writeFile(file, code);
  await writeFile(eventFile, JSON.stringify(event));
  return { name, file, eventFile, sizeBytes: code.length };
}

async function bundleRival(name: (typeof RIVALS)[number]): Promise<Buffer> {
  const { outputFiles } = await build({
    entryPoints: [path.join(__dirname, 'rivals', `${name}.ts`)],
    bundle: true,
    minify: true,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    write: false,
    logLevel: 'silent',
  });
  return Buffer.from(outputFiles[0]?.contents ?? []);
}
