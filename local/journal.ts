import {
  closeSync,
  existsSync,
  ftruncateSync,
  openSync,
  readFileSync,
  renameSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import type * as z from 'zod';

/**
 * The entries of a journal file, oldest first. A last line without an end was never acknowledged to anybody: a process
 * died while writing it, and it is dropped.
 * @throws Error when any other line cannot be read
 */
export function readJournal<Entry>(file: string, schema: z.ZodType<Entry>): Entry[] {
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, 'utf8').split('\n');
  lines.pop();
  return lines.map((line, index) => {
    try {
      return schema.parse(JSON.parse(line));
    } catch (cause) {
      throw new Error(
        `${file}: line ${index + 1} is not a journal entry; remove the line, or restore or delete the file`,
        {
          cause,
        },
      );
    }
  });
}

/**
 * An append-only JSONL file. `append` returns after the operating system has taken the line, so that a killed process
 * loses nothing that it acknowledged; it is synchronous, so that a commit is one step for everybody in this process.
 */
export class Journal<Entry> {
  readonly #descriptor: number;
  #sizeBytes: number;
  #isClosed = false;

  /** Starts the file anew with these entries; the old one stays until the new one is complete. */
  constructor(file: string, entries: Iterable<Entry>) {
    const text = Array.from(entries, (entry) => `${JSON.stringify(entry)}\n`).join('');
    writeFileSync(`${file}.new`, text);
    renameSync(`${file}.new`, file);
    this.#descriptor = openSync(file, 'a');
    this.#sizeBytes = Buffer.byteLength(text);
  }

  /** @throws Error when the operating system does not take the line; the file then is as it was */
  append(entry: Entry): void {
    const line = Buffer.from(`${JSON.stringify(entry)}\n`);
    try {
      let written = 0;
      while (written < line.length) written += writeSync(this.#descriptor, line, written);
    } catch (error) {
      // Half a line in the middle would make every later line unreadable.
      ftruncateSync(this.#descriptor, this.#sizeBytes);
      throw error;
    }
    this.#sizeBytes += line.length;
  }

  /** Gives the file back. A second time it does nothing. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    closeSync(this.#descriptor);
  }
}
