import { createHash, randomUUID } from 'node:crypto';
import {
  createWriteStream,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { ObsError } from './errors';

/** A complete body on disk that belongs to no object yet. */
export interface ReceivedFile {
  /** Name of the file if it is kept. */
  name: string;
  sizeBytes: number;
  /** 32 hexadecimal digits. */
  md5: string;
}

/** The largest body of one request: 5 GB (OBS API reference, PutObject and UploadPart). */
export const MAX_BODY_BYTES = 5 * 1024 ** 3;

/** Data that arrives during a write to disk goes into the next write, up to this size. */
const WRITE_BUFFER_BYTES = 1024 ** 2;

/** Bodies on disk: `incoming/` while they arrive, `objects/` once they are complete. Files never change after that. */
export class DataFiles {
  readonly #incoming: string;
  readonly #objects: string;
  /** A file that exists while the store is closed. */
  readonly #closedMark: string;
  /** False if the last process was killed: it may have left files that belong to nothing. */
  readonly wasClosed: boolean;

  constructor(directory: string) {
    this.#incoming = path.join(directory, 'incoming');
    this.#objects = path.join(directory, 'objects');
    this.#closedMark = path.join(directory, 'closed');
    this.wasClosed = existsSync(this.#closedMark);
    rmSync(this.#closedMark, { force: true });
    // The bodies that were arriving when the last process ended were never acknowledged.
    rmSync(this.#incoming, { recursive: true, force: true });
    mkdirSync(this.#incoming, { recursive: true });
    mkdirSync(this.#objects, { recursive: true });
  }

  pathOf(name: string): string {
    return path.join(this.#objects, name);
  }

  /**
   * Streams a body to disk.
   *
   * @param contentMd5 base64, as in the header Content-MD5
   * @throws ObsError InvalidDigest, BadDigest or EntityTooLarge; then no file is left
   */
  async receive(body: Readable | Uint8Array, contentMd5?: string): Promise<ReceivedFile> {
    const expected = contentMd5 === undefined ? undefined : Buffer.from(contentMd5, 'base64').toString('hex');
    if (expected !== undefined && expected.length !== 32) {
      throw new ObsError('InvalidDigest', `Content-MD5 '${contentMd5}' is not the base64 form of 128 bits.`);
    }
    const name = randomUUID();
    const incoming = path.join(this.#incoming, name);
    const hash = createHash('md5');
    let sizeBytes = 0;
    async function* measured(chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>) {
      for await (const chunk of chunks) {
        hash.update(chunk);
        sizeBytes += chunk.length;
        if (sizeBytes > MAX_BODY_BYTES) {
          throw new ObsError(
            'EntityTooLarge',
            `The body exceeds ${MAX_BODY_BYTES} bytes: use a multipart upload.`,
          );
        }
        yield chunk;
      }
    }
    const file = createWriteStream(incoming, { flags: 'wx', highWaterMark: WRITE_BUFFER_BYTES });
    try {
      await pipeline(body instanceof Uint8Array ? [body] : body, measured, file);
      const md5 = hash.digest('hex');
      if (expected !== undefined && expected !== md5) {
        throw new ObsError('BadDigest', 'The Content-MD5 you specified does not match what OBS received.');
      }
      return { name, sizeBytes, md5 };
    } catch (error) {
      // A body may break off before the file is open. If the file were removed at once, it would appear afterwards.
      if (!file.closed) await new Promise<void>((resolve) => file.once('close', () => resolve()));
      rmSync(incoming, { force: true });
      throw error;
    }
  }

  /** Makes a received file permanent. */
  keep(name: string): void {
    renameSync(path.join(this.#incoming, name), this.pathOf(name));
  }

  /** Deletes a file, received or kept. */
  discard(name: string): void {
    rmSync(path.join(this.#incoming, name), { force: true });
    rmSync(this.pathOf(name), { force: true });
  }

  /** Notes that every file belongs to an object or a part. */
  close(): void {
    writeFileSync(this.#closedMark, '');
  }

  /** Deletes the files that no journal entry names: a process died between two steps of a commit. */
  discardAllBut(names: ReadonlySet<string>): void {
    for (const name of readdirSync(this.#objects)) {
      if (!names.has(name)) this.discard(name);
    }
  }
}
