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
  /** Kept apart from the code: a map that the runtime finds makes every cold start slower. */
  sourceMap: Buffer;
  metafile: Metafile;
}

/**
 * Bundles one function for Node.js 20. The bytes depend on the sources alone.
 * @param plugins further plugins of esbuild, for variants that are measured
 */
export async function bundleFunction(name: FunctionName, plugins: Plugin[] = []): Promise<Bundle> {
  const { build } = await import('esbuild');
  const result = await build({
    // Assigning the export by hand saves the helpers that would otherwise turn a module into CommonJS.
    stdin: {
      contents: `import { handler } from './functions/${name}'; module.exports = { handler };`,
      resolveDir: ROOT,
      sourcefile: 'index.ts',
    },
    logOverride: { 'commonjs-variable-in-esm': 'silent' },
    outfile: path.join(ROOT, '.build', 'index.js'),
    absWorkingDir: ROOT,
    bundle: true,
    plugins,
    minify: true,
    // Functions keep their names, so that a stack trace in a log can be read without the map.
    keepNames: true,
    charset: 'utf8',
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    sourcemap: 'external',
    metafile: true,
    write: false,
    logLevel: 'silent',
  });
  const file = (ending: string): Buffer =>
    Buffer.from(result.outputFiles.find(({ path: name }) => name.endsWith(ending))?.contents ?? []);
  return { code: file('.js'), sourceMap: file('.js.map'), metafile: result.metafile };
}

/** The code of one function: bundled now, or as the package has it. */
export async function functionCode(name: FunctionName): Promise<Buffer> {
  if (PACKAGE_FOLDER !== undefined) return readFile(path.join(PACKAGE_FOLDER, 'functions', `${name}.js`));
  return (await bundleFunction(name)).code;
}

/** Makes the zip that is uploaded: `index.js` in its root. The same code gives the same bytes anywhere. */
export function zipFunction(code: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const zip = new ZipFile();
    // DOS times know no time zone: the same local date is the same bytes on every machine.
    zip.addBuffer(code, 'index.js', { mtime: new Date(1980, 0, 1), mode: 0o100644, forceDosTimestamp: true });
    zip.end();
    const chunks: Buffer[] = [];
    zip.outputStream.on('data', (chunk: Buffer) => chunks.push(chunk));
    zip.outputStream.on('error', reject);
    zip.outputStream.on('end', () => resolve(Buffer.concat(chunks)));
  });
}
