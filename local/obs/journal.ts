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
import * as z from 'zod';
import { NOTIFICATION_EVENTS } from './notification';

const corsRule = z.object({
  id: z.string().exactOptional(),
  allowedMethods: z.array(z.string()),
  allowedOrigins: z.array(z.string()),
  allowedHeaders: z.array(z.string()),
  exposeHeaders: z.array(z.string()),
  maxAgeSeconds: z.number().exactOptional(),
});

const notification = z.object({
  id: z.string(),
  functionUrn: z.string(),
  events: z.array(z.enum(NOTIFICATION_EVENTS)),
  /** Empty: every key. */
  prefix: z.string(),
  suffix: z.string(),
});

/** What a client says about an object when it starts to upload it. */
const description = {
  contentType: z.string(),
  metadata: z.record(z.string(), z.string()),
  contentHeaders: z.record(z.string(), z.string()),
};

const journalEntry = z.discriminatedUnion('is', [
  z.object({ is: z.literal('bucket'), bucket: z.string(), createdMs: z.number() }),
  z.object({ is: z.literal('bucket-deleted'), bucket: z.string() }),
  z.object({ is: z.literal('cors'), bucket: z.string(), rules: z.array(corsRule) }),
  z.object({ is: z.literal('notifications'), bucket: z.string(), notifications: z.array(notification) }),
  z.object({
    is: z.literal('object'),
    bucket: z.string(),
    key: z.string(),
    file: z.string(),
    sizeBytes: z.number(),
    etag: z.string(),
    lastModifiedMs: z.number(),
    /** The multipart upload that this object completes. */
    uploadId: z.string().exactOptional(),
    ...description,
  }),
  z.object({ is: z.literal('object-deleted'), bucket: z.string(), key: z.string() }),
  z.object({
    is: z.literal('upload'),
    uploadId: z.string(),
    bucket: z.string(),
    key: z.string(),
    initiatedMs: z.number(),
    ...description,
  }),
  z.object({ is: z.literal('upload-aborted'), uploadId: z.string() }),
  z.object({
    is: z.literal('part'),
    uploadId: z.string(),
    partNumber: z.number(),
    file: z.string(),
    sizeBytes: z.number(),
    etag: z.string(),
    lastModifiedMs: z.number(),
  }),
]);

/** One committed change; the state of the store is what its journal says. */
export type JournalEntry = z.infer<typeof journalEntry>;
export type CorsRule = z.infer<typeof corsRule>;
/** Which events of a bucket go to which function. */
export type Notification = z.infer<typeof notification>;
export type ObjectEntry = Extract<JournalEntry, { is: 'object' }>;

/**
 * The entries of a journal file, oldest first. A last line without an end was never acknowledged to anybody: a process
 * died while writing it, and it is dropped. Throws when any other line cannot be read.
 */
export function readJournal(file: string): JournalEntry[] {
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, 'utf8').split('\n');
  lines.pop();
  return lines.map((line, index) => {
    try {
      return journalEntry.parse(JSON.parse(line));
    } catch (cause) {
      throw new Error(`${file}: line ${index + 1} is not a journal entry; restore or delete the file`, {
        cause,
      });
    }
  });
}

/**
 * An append-only JSONL file. `append` returns after the operating system has taken the line, so that a killed process
 * loses nothing that it acknowledged; it is synchronous, so that a commit is one step for everybody in this process.
 */
export class Journal {
  readonly #descriptor: number;
  #sizeBytes: number;

  /** Starts the file anew with these entries; the old one stays until the new one is complete. */
  constructor(file: string, entries: Iterable<JournalEntry>) {
    const text = Array.from(entries, (entry) => `${JSON.stringify(entry)}\n`).join('');
    writeFileSync(`${file}.new`, text);
    renameSync(`${file}.new`, file);
    this.#descriptor = openSync(file, 'a');
    this.#sizeBytes = Buffer.byteLength(text);
  }

  append(entry: JournalEntry): void {
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

  close(): void {
    closeSync(this.#descriptor);
  }
}
