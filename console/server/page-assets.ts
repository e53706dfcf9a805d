import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { PACKAGE_FOLDER } from '../../package-folder';

/** A file of the console page. */
export interface PageAsset {
  /** For `Content-Type`. */
  type: string;
  body: Buffer;
  /** True when the name carries a hash of the content, so that it may be kept for ever. */
  isImmutable: boolean;
}

const FOLDER = path.join(__dirname, '..', 'page');
const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.json': 'application/json',
};

/** These need no build: the frame of the page is on the screen while its program is still being bundled. */
const PLAIN_FILES: Readonly<Record<string, () => string>> = {
  '': () => path.join(FOLDER, 'index.html'),
  'icon.svg': () => path.join(FOLDER, 'icon.svg'),
  // The player's symbols; its package exports the program and the style sheet only.
  'player.svg': () => path.join(path.dirname(require.resolve('plyr')), 'plyr.svg'),
  api: () => path.join(FOLDER, 'api.html'),
  'openapi.json': () => path.join(__dirname, '..', '..', 'docs', 'openapi.json'),
  // 1.7 MB that are loaded only for the description of the API.
  'swagger-ui.js': () => require.resolve('swagger-ui-dist/swagger-ui-bundle.js'),
  'swagger-ui.css': () => require.resolve('swagger-ui-dist/swagger-ui.css'),
};

let bundle: Promise<ReadonlyMap<string, PageAsset>> | undefined;

/**
 * A file of the page by its name relative to `/_console/`; the empty name is the page itself.
 * The program is bundled at the first request, and kept.
 *
 * @returns undefined when there is no such file
 */
export async function pageAsset(name: string): Promise<PageAsset | undefined> {
  if (PACKAGE_FOLDER !== undefined) return packedAsset(name, path.join(PACKAGE_FOLDER, 'dist', 'page'));
  const file = plainFile(name);
  // The page asks for its program next.
  if (name === '') pageBundle().catch(() => {});
  if (file !== undefined) return { type: typeOf(file), body: await readFile(file), isImmutable: false };
  if (!/^[\w-]+\.(js|css)$/.test(name)) return undefined;
  return (await pageBundle()).get(name);
}

/** The files of the package under their names, pages with `.html`. */
async function packedAsset(name: string, folder: string): Promise<PageAsset | undefined> {
  if (!/^[\w-]*(\.\w+)?$/.test(name)) return undefined;
  const file = path.join(folder, packedName(name));
  const body = await readFile(file).catch(() => undefined);
  return body && { type: typeOf(file), body, isImmutable: name.startsWith('chunk-') };
}

function packedName(name: string): string {
  return name === '' ? 'index.html' : name.includes('.') ? name : `${name}.html`;
}

/** Every file of the page under the name that it has in the package. */
export async function allPageAssets(): Promise<Map<string, PageAsset>> {
  const names = [...Object.keys(PLAIN_FILES), ...(await pageBundle()).keys()];
  const assets = new Map<string, PageAsset>();
  for (const name of names) {
    const asset = await pageAsset(name);
    if (asset === undefined) throw new Error(`the page's file ${name} is not there: npm ci`);
    assets.set(packedName(name), asset);
  }
  return assets;
}

/** @returns undefined also where the package that has it is not installed; the page then says so */
function plainFile(name: string): string | undefined {
  const find = Object.hasOwn(PLAIN_FILES, name) ? PLAIN_FILES[name] : undefined;
  try {
    return find?.();
  } catch {
    return undefined;
  }
}

/**
 * What the page may load: its own programs and style sheets, pictures and
 * videos from OBS, nothing inline and nothing else.
 *
 * @param obsOrigins scheme, host and port of each address under which OBS hands out objects
 */
export function contentSecurityPolicy(obsOrigins: readonly string[]): string {
  const obs = obsOrigins.join(' ');
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    `img-src 'self' data: ${obs}`,
    `media-src 'self' ${obs}`,
    `connect-src 'self' ${obs}`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}

function pageBundle(): Promise<ReadonlyMap<string, PageAsset>> {
  bundle ??= bundlePage().catch((error: unknown) => {
    // The next request tries again: the sources may have changed meanwhile.
    bundle = undefined;
    throw error;
  });
  return bundle;
}

async function bundlePage(): Promise<ReadonlyMap<string, PageAsset>> {
  const { build } = await import('esbuild');
  const result = await build({
    entryPoints: {
      main: path.join(FOLDER, 'main.tsx'),
      'api-reference': path.join(FOLDER, 'api-reference.ts'),
      page: path.join(FOLDER, 'styles', 'page.css'),
      api: path.join(FOLDER, 'styles', 'api.css'),
      player: path.join(FOLDER, 'styles', 'player.css'),
    },
    outdir: FOLDER,
    entryNames: '[name]',
    chunkNames: 'chunk-[hash]',
    bundle: true,
    splitting: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    jsx: 'automatic',
    jsxImportSource: 'preact',
    write: false,
    logLevel: 'silent',
  });
  return new Map(
    result.outputFiles.map(({ path: file, contents }) => {
      const name = path.basename(file);
      const asset = {
        type: typeOf(file),
        body: Buffer.from(contents),
        isImmutable: name.startsWith('chunk-'),
      };
      return [name, asset];
    }),
  );
}

function typeOf(file: string): string {
  return TYPES[path.extname(file)] ?? 'application/octet-stream';
}
