import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { build } from 'esbuild';
import { CapturePool } from '../local/mpc/capture/capture-pool';
import { makeClip } from '../test/clip';
import { ROOT, runNode, withFolder } from './process';
import type { SpriteCost } from './sprite-program';
import type { Suite } from './suite';

const PICTURES = 100;
const ROUNDS = 5;
const SIZE = { width: 480, height: 270 };

/** The cost of a full sheet for the function that makes it. */
export const sprite: Suite = {
  name: 'sprite',
  about: `A sprite of ${PICTURES} pictures of ${SIZE.width} px, each time in a fresh process.`,
  run: () =>
    withFolder(async (folder) => {
      await capturePictures(folder);
      const program = path.join(folder, 'sprite-program.cjs');
      await build({
        entryPoints: [path.join(ROOT, 'bench', 'sprite-program.ts')],
        outfile: program,
        bundle: true,
        platform: 'node',
        logLevel: 'warning',
      });
      const costs: SpriteCost[] = [];
      for (let round = 0; round < ROUNDS; round++)
        costs.push((await runNode([program, folder, String(PICTURES)])) as SpriteCost);
      const processorMs = costs.map((cost) => cost.processorMs);
      const residentMb = costs.map((cost) => cost.residentMb);
      const sheetKb = costs.map((cost) => cost.sheetBytes / 1000);
      return {
        tables: [
          { title: 'processor time', unit: 'ms', series: [{ name: 'the sprite', values: processorMs }] },
          {
            title: 'most memory, Node.js included',
            unit: 'MB',
            series: [{ name: 'the process', values: residentMb }],
          },
          { title: 'size', unit: 'KB', series: [{ name: 'the sheet', values: sheetKb }] },
        ],
        goals: [
          { text: 'processor time, ms', measured: Math.max(...processorMs), atMost: 10_000 },
          { text: 'memory, MB', measured: Math.max(...residentMb), atMost: 256 },
        ],
      };
    }),
};

/** Real pictures: they take less to decode than noise. */
async function capturePictures(folder: string): Promise<void> {
  const clip = await makeClip({ seconds: PICTURES, width: 960, height: 540, detailed: true });
  const pool = new CapturePool();
  try {
    const video = await pool.open(clip);
    const points = Array.from({ length: PICTURES }, (_, index) => index * 1000);
    const written: Promise<void>[] = [];
    await video.capture({ points, size: SIZE }, ({ jpeg }) => {
      written.push(writeFile(path.join(folder, `${written.length}.jpg`), jpeg));
    });
    await Promise.all(written);
  } finally {
    await pool.close();
  }
}
