import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Metafile, Plugin } from 'esbuild';
import { ZipFile } from 'yazl';
import { PACKAGE_FOLDER } from '../package-folder';

const ROOT = path.resolve(__dirname, '..');

/** The functions of this service: each is one file in `functions/`. */
export const FUNCTION_NAMES = ['create', 'cancel', 'query', 'on-upload', 'on-finish'] as const;
export type FunctionName = (typeof FUNCTION_NAMES)[number];

/** One function as FunctionGraph runs it. */
export interface Bundle {
  /** CommonJS, minified; the handler is `index.handler`. */
  code: Buffer;
  /** The code does not name it: a map that the runtime finds makes every cold start slower. */
  sourceMap: Buffer;
  metafile: Metafile;
}

/**
 * Bundles one function for Node.js 20. The bytes depend on the sources alone.
 * @param plugins further plugins of esbuild, for variants that are measured
 */
export async function bundleFunction(name: FunctionName, plugins: Plugin[] = []): Promise<Bundle> {
  const [bundle] = await bundleFunctions([name], plugins);
  if (bundle === undefined) throw new Error(`esbuild made nothing of functions/${name}.ts`);
  return bundle;
}

/**
 * Bundles functions in the order of their names: each for itself, but what they share is read once, which takes a
 * third of the time. The metafile is that of all.
 */
export async function bundleFunctions(
  names: readonly FunctionName[],
  plugins: Plugin[] = [],
): Promise<Bundle[]> {
  const { build } = await import('esbuild');
  const { outputFiles, metafile } = await build({
    entryPoints: names.map((name) => ({ in: name, out: name })),
    // Nothing is written; the map names the sources from here.
    outdir: ROOT,
    absWorkingDir: ROOT,
    // The map names packages as the project does, wherever its node_modules really lies.
    preserveSymlinks: true,
    bundle: true,
    plugins: [handlerAsExport, ...plugins],
    minify: true,
    // Fields that a constructor sets are not declared once more.
    tsconfigRaw: { compilerOptions: { useDefineForClassFields: false, strict: true } },
    charset: 'utf8',
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    // Read when something has failed, so that a stack trace in a log names the sources (shared/core/stack.ts).
    sourcemap: 'external',
    sourcesContent: false,
    metafile: true,
    write: false,
    logLevel: 'silent',
    logOverride: { 'commonjs-variable-in-esm': 'silent' },
  });
  const file = (name: string): Buffer =>
    Buffer.from(outputFiles.find(({ path: file }) => path.basename(file) === name)?.contents ?? []);
  return names.map((name) => ({ code: file(`${name}.js`), sourceMap: file(`${name}.js.map`), metafile }));
}

/** Assigning the export by hand saves the helpers that would otherwise turn a module into CommonJS. */
const handlerAsExport: Plugin = {
  name: 'handler-as-export',
  setup(build) {
    build.onResolve({ filter: /./ }, ({ kind, path }) =>
      kind === 'entry-point' ? { path, namespace: 'handler' } : undefined,
    );
    build.onLoad({ filter: /./, namespace: 'handler' }, ({ path: name }) => ({
      contents: `import { handler } from './functions/${name}'; module.exports = { handler };`,
      resolveDir: ROOT,
      loader: 'ts',
    }));
  },
};

/** The code of one function: bundled now, or as the package has it. */
export async function functionCode(name: FunctionName): Promise<Buffer> {
  if (PACKAGE_FOLDER !== undefined) return readFile(path.join(PACKAGE_FOLDER, 'functions', `${name}.js`));
  return (await bundleFunction(name)).code;
}

/** Makes the zip that is uploaded: `index.js` in its root, its map beside it. The same code gives the same bytes anywhere. */
export function zipFunction(code: Buffer, sourceMap?: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const zip = new ZipFile();
    // DOS times know no time zone: the same local date is the same bytes on every machine.
    const entry = { mtime: new Date(1980, 0, 1), mode: 0o100644, forceDosTimestamp: true };
    zip.addBuffer(code, 'index.js', entry);
    if (sourceMap !== undefined) zip.addBuffer(sourceMap, 'index.js.map', entry);
    zip.end();
    const chunks: Buffer[] = [];
    zip.outputStream.on('data', (chunk: Buffer) => chunks.push(chunk));
    zip.outputStream.on('error', reject);
    zip.outputStream.on('end', () => resolve(Buffer.concat(chunks)));
  });
}
