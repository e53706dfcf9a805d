/** Writes objects into the store at argv[2] until it is killed, and prints every key once it is acknowledged. */
import { randomBytes } from 'node:crypto';
import { writeSync } from 'node:fs';
import { Readable } from 'node:stream';
import { ObjectStore } from '../../../local/obs/object-store';

async function write(): Promise<void> {
  const store = await ObjectStore.open(process.argv[2] ?? '');
  await store.createBucket('bucket');
  await Promise.all(
    Array.from({ length: 8 }, async (_, writer) => {
      for (let number = 0; ; number++) {
        const body = Readable.from([randomBytes(20_000), randomBytes(20_000)]);
        // Half of the writes overwrite one key over and over again.
        const key = number % 2 === 0 ? `${writer}/${number}` : `${writer}/same`;
        const { etag } = await store.put('bucket', key, body);
        writeSync(1, `${JSON.stringify({ key, etag })}\n`);
      }
    }),
  );
}

void write();
