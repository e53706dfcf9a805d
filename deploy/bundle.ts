import path from 'node:path';
import type { Metafile, Plugin } from 'esbuild';
import { ZipFile } from 'yazl';

const ROOT = path.resolve(__dirname, '..');

/** The functions of this service. Each is one file in `functions/`. */
export const FUNCTION_NAMES = ['create', 'cancel', 'query', 'on-upload', 'on-finish'] as const;
export type FunctionName = (typeof FUNCTION_NAMES)[number];

/** One function as FunctionGraph runs it. */
export interface Bundle {
  /** CommonJS, minified; the handler is `index.handler`. */
  code: Buffer;
  /** The code does not refer to it: a map that the runtime loads makes every cold start slower. */
  sourceMap: Buffer;
  metafile: Metafile;
}

/**
 * Bundles one function for Node.js 20. The bytes depend only on the sources.
 * @param plugins more plugins of esbuild, for variants in benchmarks
 */
export async function bundleFunction(name: FunctionName, plugins: Plugin[] = []): Promise<Bundle> {
  const [bundle] = await bundleFunctions([name], plugins);
  if (bundle === undefined) throw new Error(`esbuild made nothing of functions/${name}.ts`);
  return bundle;
}

/**
 * Bundles functions, in the order of `names`. Each gets its own bundle, but esbuild reads shared sources only once: that takes
 * a third of the time. They share one metafile.
 */
export async function bundleFunctions(
  names: readonly FunctionName[],
  plugins: Plugin[] = [],
): Promise<Bundle[]> {
  const { build } = await import('esbuild');
  const { outputFiles, metafile } = await build({
    entryPoints: names.map((name) => ({ in: name, out: name })),
    // esbuild writes no files here; the map names the sources relative to this folder.
    outdir: ROOT,
    absWorkingDir: ROOT,
    // The map must not depend on where node_modules really is.
    preserveSymlinks: true,
    bundle: true,
    plugins: [handlerAsExport, ...plugins],
    minify: true,
    // Smaller: fields that a constructor sets are not declared again.
    tsconfigRaw: { compilerOptions: { useDefineForClassFields: false, strict: true } },
    // One character beyond Latin-1 makes V8 keep the whole source with two bytes for each character.
    charset: 'ascii',
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    // Read only after a failure, for stack traces with the sources (shared/core/stack.ts).
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

/** Assigns the export directly: that saves the helpers of esbuild that turn a module into CommonJS. */
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

/** Makes the zip for the upload: `index.js` in its root, and its map. The same code gives the same bytes everywhere. */
export function zipFunction(code: Buffer, sourceMap?: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const zip = new ZipFile();
    // DOS times have no time zone: the same local date gives the same bytes on every machine.
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
