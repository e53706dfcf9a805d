import { closeSync, mkdirSync, openSync } from 'node:fs';
import path from 'node:path';
import { Journal } from '../local/journal';
import type { JournalEntry } from '../local/obs/journal-entry';
import { ROOT, runNode, withFolder } from './process';
import type { Restart } from './restart-program';
import type { Suite } from './suite';

const OBJECTS = 1_000_000;
const FOLDERS = 1_000;
const ROUNDS = 4;
const BUCKET = 'videos';

/** The local cloud with a library of a million objects in its data directory. */
export const restart: Suite = {
  name: 'restart',
  about: `The local cloud starts with ${OBJECTS.toLocaleString('en')} objects in its data directory, each an empty file; the first listing also sorts all keys.`,
  run: () =>
    withFolder(async (folder) => {
      const dataDirectory = path.join(folder, 'data');
      writeLibrary(path.join(dataDirectory, 'obs'));
      const program = path.join(ROOT, 'bench', 'restart-program.ts');
      const restarts: Restart[] = [];
      for (let round = 0; round < ROUNDS; round++) {
        const args = [dataDirectory, BUCKET, keyOf(OBJECTS / 2), `${folderOf(FOLDERS / 2)}/`];
        restarts.push((await runNode(['--require', 'tsx/cjs', program, ...args])) as Restart);
      }
      const of = (name: string, value: (one: Restart) => number) => ({ name, values: restarts.map(value) });
      // The library was written without a store that could say that it was closed.
      const [afterKill, ...starts] = restarts.map(({ startMs }) => startMs);
      return {
        tables: [
          {
            title: 'first instruction to last port listening',
            unit: 'ms',
            series: [
              { name: 'after the store was closed', values: starts },
              {
                name: 'after a kill: it also looks for files that belong to nothing',
                values: [afterKill ?? Number.NaN],
              },
            ],
          },
          {
            title: 'memory when it listens',
            unit: 'MB',
            series: [of('the process', ({ residentMb }) => residentMb)],
          },
          {
            title: 'a listing of up to 1,000 keys',
            unit: 'ms',
            series: [
              of('the first page, as the first request', ({ listMs }) => listMs.first),
              of('a page from the middle', ({ listMs }) => listMs.middle),
              of('a folder, with a delimiter', ({ listMs }) => listMs.folder),
            ],
          },
        ],
        goals: [{ text: 'start, ms', measured: Math.max(...starts), atMost: 10_000 }],
      };
    }),
};

const folderOf = (number: number) => `uploads/${String(number).padStart(4, '0')}`;
const keyOf = (number: number) =>
  `${folderOf(number % FOLDERS)}/${String(number).padStart(7, '0')}-some-video.mp4`;

/** Writes the files as the store does, without a million requests. */
function writeLibrary(directory: string): void {
  const objects = path.join(directory, 'objects');
  mkdirSync(objects, { recursive: true });
  const createdMs = Date.UTC(2026, 0, 1);
  function* entries(): Generator<JournalEntry> {
    yield { is: 'bucket', bucket: BUCKET, createdMs };
    for (let number = 0; number < OBJECTS; number++) {
      const file = `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`;
      closeSync(openSync(path.join(objects, file), 'w'));
      yield {
        is: 'object',
        bucket: BUCKET,
        key: keyOf(number),
        file,
        sizeBytes: 0,
        etag: 'd41d8cd98f00b204e9800998ecf8427e',
        lastModifiedMs: createdMs + number,
        contentType: 'video/mp4',
        metadata: {},
        contentHeaders: {},
      };
    }
  }
  new Journal(path.join(directory, 'journal.jsonl'), entries()).close();
}
