import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { type Browser, chromium } from 'playwright-core';
import { devDependencies } from '../../package.json';

const FOLDER = path.join(tmpdir(), `mpc-snapshots-chromium-${devDependencies['@sparticuz/chromium']}`);
/** The package's own fonts first, so that pictures of pages look alike on every machine. */
const FONTS = `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir>${FOLDER}/fonts</dir>
  <dir>/usr/share/fonts</dir>
  <cachedir>${FOLDER}/fonts-cache</cachedir>
  <alias><family>system-ui</family><prefer><family>Open Sans</family></prefer></alias>
</fontconfig>
`;

/**
 * A browser without a window. The package brings its own arguments for small sandboxes; they are not used, because
 * some of them switch off what is tested here: the same-origin policy and CORS.
 */
export async function launchBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: await unpackedChromium(),
    args: [
      // Root, as in containers, cannot have a sandbox.
      '--no-sandbox',
      '--no-zygote',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-quic',
      '--disable-sync',
      '--font-render-hinting=none',
    ],
    env: { ...process.env, FONTCONFIG_FILE: path.join(FOLDER, 'fonts.conf') },
  });
}

/** Unpacks the browser once for each version, in a way that no process ever sees half of it. */
async function unpackedChromium(): Promise<string> {
  const file = path.join(FOLDER, 'chromium');
  if (existsSync(file)) return file;
  const partial = await mkdtemp(`${FOLDER}-`);
  // In a process of its own: TMPDIR alone decides where it unpacks.
  const program = "require('@sparticuz/chromium').executablePath()";
  await promisify(execFile)(process.execPath, ['-e', program], {
    cwd: __dirname,
    env: { ...process.env, TMPDIR: partial },
  });
  await writeFile(path.join(partial, 'fonts.conf'), FONTS);
  // Whoever comes second finds it done.
  await rename(partial, FOLDER).catch(() => rm(partial, { recursive: true, force: true }));
  return file;
}
