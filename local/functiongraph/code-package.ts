import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { mkdir, mkdtemp } from 'node:fs/promises';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import * as yauzl from 'yauzl';
import { FunctionGraphError } from './errors';

const MAX_ZIP_BYTES = 50 * 1024 * 1024;
const MAX_UNPACKED_BYTES = 1500 * 1024 * 1024;

/** An unpacked code package. */
export interface CodePackage {
  /** The folder that becomes the current directory of instances; the code is in `code/` below it. */
  functionRoot: string;
  codeRoot: string;
  /** SHA-512 of the zip in hexadecimal digits. Which bytes the cloud hashes is undocumented. */
  digest: string;
  sizeBytes: number;
}

/**
 * Unpacks an uploaded zip into a new folder below `directory`, with the platform's layout: `opt/function/code`.
 *
 * @param base64 the zip as the management API receives it (`func_code.file`)
 * @throws FunctionGraphError FSS.1071 above 50 MB, FSS.1011 for anything that is not an intact zip
 */
export async function unpackCode(base64: string, directory: string): Promise<CodePackage> {
  const zip = Buffer.from(base64, 'base64');
  if (zip.length > MAX_ZIP_BYTES) {
    throw new FunctionGraphError(
      'FSS.1071',
      `func_code.file holds ${zip.length} bytes; a zip in the request body may hold ${MAX_ZIP_BYTES} bytes: leave out what the function does not need`,
    );
  }
  const root = await mkdtemp(path.join(directory, 'code-'));
  const functionRoot = path.join(root, 'opt', 'function');
  const codeRoot = path.join(functionRoot, 'code');
  await mkdir(codeRoot, { recursive: true });
  try {
    await extract(zip, codeRoot);
  } catch (error) {
    if (error instanceof FunctionGraphError) throw error;
    throw new FunctionGraphError(
      'FSS.1011',
      `func_code.file is not an intact base64-encoded zip: ${(error as Error).message}`,
    );
  }
  const digest = createHash('sha512').update(zip).digest('hex');
  return { functionRoot, codeRoot, digest, sizeBytes: zip.length };
}

async function extract(zip: Buffer, codeRoot: string): Promise<void> {
  let unpackedBytes = 0;
  // yauzl itself refuses absolute names and names that leave the folder with `..`.
  for await (const { entry, archive } of entriesOf(zip)) {
    unpackedBytes += entry.uncompressedSize;
    if (unpackedBytes > MAX_UNPACKED_BYTES) {
      throw new FunctionGraphError(
        'FSS.1011',
        `func_code.file unpacks to more than ${MAX_UNPACKED_BYTES} bytes`,
      );
    }
    const target = path.join(codeRoot, entry.fileName);
    if (entry.fileName.endsWith('/')) {
      await mkdir(target, { recursive: true });
      continue;
    }
    await mkdir(path.dirname(target), { recursive: true });
    // Everything becomes a plain file: a symbolic link could lead out of the folder.
    const mode = ((entry.externalFileAttributes >>> 16) & 0o111) === 0 ? 0o644 : 0o755;
    const content = await promisify<yauzl.Entry, Readable>(archive.openReadStream.bind(archive))(entry);
    await pipeline(content, createWriteStream(target, { mode }));
  }
}

async function* entriesOf(zip: Buffer): AsyncGenerator<{ entry: yauzl.Entry; archive: yauzl.ZipFile }> {
  const open = promisify<Buffer, yauzl.Options, yauzl.ZipFile>(yauzl.fromBuffer);
  const archive = await open(zip, { lazyEntries: true, strictFileNames: true });
  for (let read = 0; read < archive.entryCount; read += 1) {
    const next = once(archive, 'entry');
    archive.readEntry();
    const [entry] = (await next) as [yauzl.Entry];
    yield { entry, archive };
  }
}
