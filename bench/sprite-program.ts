import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { makeSprite } from '../shared/views/sprite';

/** The time and memory of one process that combines the pictures of a folder. Printed as one line of JSON. */
export interface SpriteCost {
  processorMs: number;
  /** Peak memory of the process, including Node.js itself. */
  residentMb: number;
  sheetBytes: number;
}

const SPRITE_WIDTH_PX = 160;

/** Arguments: the folder, and how many pictures `0.jpg`, `1.jpg`, … it has. */
async function main([folder = '', count]: readonly string[]): Promise<void> {
  const images = Array.from({ length: Number(count) }, (_, index) => ({
    url: `${index}.jpg`,
    startTime: index,
  }));
  let sheetBytes = 0;
  const started = process.cpuUsage();
  await makeSprite(
    images,
    SPRITE_WIDTH_PX,
    ({ url }) => readFile(path.join(folder, url)),
    async (_name, jpeg) => {
      sheetBytes += jpeg.length;
    },
  );
  const { user, system } = process.cpuUsage(started);
  const cost: SpriteCost = {
    processorMs: (user + system) / 1000,
    residentMb: process.resourceUsage().maxRSS / 1024,
    sheetBytes,
  };
  console.log(JSON.stringify(cost));
}

main(process.argv.slice(2)).catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
