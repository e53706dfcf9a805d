import { startCloud } from '../local/cloud';

/** Time and memory of a start of the local cloud with a data directory. Printed as one line of JSON. */
export interface Restart {
  /** From the first instruction of the process until the last port listens. */
  startMs: number;
  residentMb: number;
  /** A listing of 1,000 keys: the first page, one from the middle, one of a folder with a delimiter. */
  listMs: { first: number; middle: number; folder: number };
}

/** Arguments: the data directory, the bucket, a key from the middle, and a folder. */
async function main([dataDirectory = '', bucket = '', middle = '', folder = '']: readonly string[]) {
  const cloud = await startCloud({ port: 0, dataDirectory });
  const startMs = performance.now();
  const residentMb = process.memoryUsage.rss() / 1024 / 1024;
  const listMs = (query: Parameters<typeof cloud.store.list>[1]): number => {
    const began = performance.now();
    cloud.store.list(bucket, query);
    return performance.now() - began;
  };
  const restart: Restart = {
    startMs,
    residentMb,
    listMs: {
      first: listMs({}),
      middle: listMs({ marker: middle }),
      folder: listMs({ prefix: folder, delimiter: '/' }),
    },
  };
  console.log(JSON.stringify(restart));
  await cloud.close();
}

main(process.argv.slice(2)).catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
