import {
  closeSync,
  existsSync,
  fstatSync,
  ftruncateSync,
  openSync,
  readSync,
  renameSync,
  writeSync,
} from 'node:fs';
import type * as z from 'zod';

/** Bytes that are read or written at once: a journal of a million objects is larger than the longest string. */
const CHUNK_BYTES = 4 * 1024 * 1024;

/**
 * The entries of a journal file, oldest first. A last line without a line end is dropped: the process died while it
 * wrote the line, so nobody got an acknowledgement.
 * @throws Error if any other line cannot be read
 */
export function* readJournal<Entry>(file: string, schema: z.ZodType<Entry>): Generator<Entry> {
  let number = 0;
  for (const line of linesOf(file)) {
    number++;
    try {
      yield schema.parse(JSON.parse(line));
    } catch (cause) {
      throw new Error(
        `${file}: line ${number} is not a journal entry; remove the line, or restore or delete the file`,
        { cause },
      );
    }
  }
}

/** The lines of a file, without an incomplete last one. None if the file is missing. */
function* linesOf(file: string): Generator<string> {
  if (!existsSync(file)) return;
  const descriptor = openSync(file, 'r');
  try {
    const chunk = Buffer.alloc(CHUNK_BYTES);
    let rest: Buffer = Buffer.alloc(0);
    for (;;) {
      const read = readSync(descriptor, chunk);
      if (read === 0) return;
      // Cut at the ends of lines, never within a character.
      const bytes = Buffer.concat([rest, chunk.subarray(0, read)]);
      const end = bytes.lastIndexOf(0x0a) + 1;
      rest = bytes.subarray(end);
      if (end > 0) yield* bytes.toString('utf8', 0, end - 1).split('\n');
    }
  } finally {
    closeSync(descriptor);
  }
}

/**
 * An append-only JSONL file. `append` returns after the operating system has taken the line, so a killed process loses
 * nothing that it acknowledged. It is synchronous, so that a commit is one step for this process.
 */
export class Journal<Entry> {
  readonly #descriptor: number;
  #sizeBytes: number;
  #isClosed = false;

  /**
   * Rewrites the file with these entries; the old file stays until the new one is complete. Without entries the file stays
   * as it is, but for an incomplete last line.
   */
  constructor(file: string, entries?: Iterable<Entry>) {
    if (entries === undefined) this.#sizeBytes = cutIncompleteLine(file);
    else {
      this.#sizeBytes = writeLines(`${file}.new`, entries);
      renameSync(`${file}.new`, file);
    }
    this.#descriptor = openSync(file, 'a');
  }

  /** @throws Error if the operating system does not take the line; the file is then unchanged */
  append(entry: Entry): void {
    const line = Buffer.from(`${JSON.stringify(entry)}\n`);
    try {
      writeAll(this.#descriptor, line);
    } catch (error) {
      // Half a line in the middle would make all later lines unreadable.
      ftruncateSync(this.#descriptor, this.#sizeBytes);
      throw error;
    }
    this.#sizeBytes += line.length;
  }

  /** Closes the file. A second call does nothing. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    closeSync(this.#descriptor);
  }
}

/** @returns the size of the file afterwards, bytes */
function cutIncompleteLine(file: string): number {
  const descriptor = openSync(file, 'a+');
  try {
    const chunk = Buffer.alloc(CHUNK_BYTES);
    let sizeBytes = fstatSync(descriptor).size;
    for (let isCut = false; sizeBytes > 0 && !isCut; ) {
      const from = Math.max(0, sizeBytes - CHUNK_BYTES);
      const read = readSync(descriptor, chunk, 0, sizeBytes - from, from);
      const end = chunk.subarray(0, read).lastIndexOf(0x0a) + 1;
      isCut = end > 0;
      sizeBytes = from + end;
    }
    ftruncateSync(descriptor, sizeBytes);
    return sizeBytes;
  } finally {
    closeSync(descriptor);
  }
}

/** @returns the size of the file, bytes */
function writeLines(file: string, entries: Iterable<unknown>): number {
  const descriptor = openSync(file, 'w');
  let sizeBytes = 0;
  let text = '';
  const flush = () => {
    const bytes = Buffer.from(text);
    writeAll(descriptor, bytes);
    sizeBytes += bytes.length;
    text = '';
  };
  try {
    for (const entry of entries) {
      text += `${JSON.stringify(entry)}\n`;
      if (text.length >= CHUNK_BYTES) flush();
    }
    flush();
    return sizeBytes;
  } finally {
    closeSync(descriptor);
  }
}

/** The operating system may write less than it is given. */
function writeAll(descriptor: number, bytes: Buffer): void {
  let written = 0;
  while (written < bytes.length) written += writeSync(descriptor, bytes, written);
}
