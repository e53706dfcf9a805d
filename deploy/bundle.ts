import path from 'node:path';
import { transform } from '@swc/core';
import { build, type Metafile, type Plugin } from 'esbuild';
import { ZipFile } from 'yazl';

const ROOT = path.resolve(__dirname, '..');

/** The functions of this service: each is one file in `functions/`. */
export const FUNCTION_NAMES = ['create', 'cancel', 'query', 'on-upload'] as const;
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
 * Long names of fields that never leave the process: of `Invocation`, `Settings`, `Credentials`,
 * errors, requests on their way. In a bundle they become short ones, which is 5 % of its bytes. What is
 * sent, received or logged is in snake_case and not among them.
 */
export const INTERNAL_FIELDS =
  'settings|credentials|projectId|deadlineMs|securityToken|accessKey|secretKey|snapshotBucket|uploadBuckets|uploadPrefix|uploadSuffixes|' +
  'outputDirectory|mpcEndpoint|obsEndpoint|mpcRequestsPerMinute|urlTtlSeconds|queueLimitMinutes|logLevel|retryAfterSeconds|mayHaveArrived|' +
  'areCredentialsRejected|objectKey|expiresAtSeconds|pathPrefix|isOptional|isTruncated|thumbnailPara|lastModifiedMs|sizeBytes|' +
  'attempts|requestId|contentType|region|capture|endpoint|repeat|shape|userData|note|parameters|asOfMs|extra';

/** Bundles one function for Node.js 20. The bytes depend on the sources alone. */
export function bundleFunction(name: FunctionName): Promise<Bundle> {
  return bundleWith(name, []);
}

/**
 * Bundles with further plugins of esbuild.
 * @param internalFields which fields get short names, with `|` between them
 */
export async function bundleWith(
  name: FunctionName,
  plugins: Plugin[],
  internalFields = INTERNAL_FIELDS,
): Promise<Bundle> {
  const result = await build({
    // Assigning the export by hand saves the helpers that would otherwise turn a module into CommonJS.
    stdin: {
      contents: `import { handler } from './functions/${name}'; module.exports = { handler };`,
      resolveDir: ROOT,
      sourcefile: 'index.ts',
    },
    // Schemas are written in zod; what they use of it is small. A combinator
    // that the subset does not have must not become `undefined`.
    alias: { 'zod/mini': './shared/zod-subset.ts' },
    logOverride: { 'commonjs-variable-in-esm': 'silent', 'import-is-undefined': 'error' },
    outfile: path.join(ROOT, '.build', 'index.js'),
    absWorkingDir: ROOT,
    bundle: true,
    plugins,
    minify: true,
    charset: 'utf8',
    mangleProps: new RegExp(`^(${internalFields})$`),
    // Fields that only repeat a constructor's parameters are left out.
    tsconfigRaw: { compilerOptions: { useDefineForClassFields: false, verbatimModuleSyntax: true } },
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    sourcemap: 'external',
    metafile: true,
    write: false,
    logLevel: 'silent',
  });
  const file = (ending: string): string =>
    result.outputFiles.find(({ path: name }) => name.endsWith(ending))?.text ?? '';
  // A second minifier takes off what the first leaves: 4 % of the bytes (bench/README.md).
  const { code, map = '' } = await transform(file('.js'), {
    swcrc: false,
    isModule: false,
    minify: true,
    jsc: {
      target: 'es2022',
      minify: {
        compress: { ecma: 2022, toplevel: true, passes: 3, unsafe_arrows: true },
        mangle: { toplevel: true },
        format: { asciiOnly: false },
      },
    },
    inputSourceMap: file('.js.map'),
    sourceMaps: true,
  });
  return { code: Buffer.from(code), sourceMap: Buffer.from(map), metafile: result.metafile };
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
