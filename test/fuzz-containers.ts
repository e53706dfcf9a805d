/** `npm run fuzz:containers`: hostile files for ten minutes; `-- --minutes 1 --seed 7` for other ones. Linux only. */

import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { fuzzContainers } from './local/mpc/capture/container-fuzz';

const MAX_WORKER_MB = 512;
const FOLDER = path.resolve(__dirname, '..', '.build', 'fuzz-containers');

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { minutes: { type: 'string' }, seed: { type: 'string' } } });
  const minutes = Number(values.minutes ?? 10);
  const seed = Number(values.seed ?? Date.now() % 1e9);
  mkdirSync(FOLDER, { recursive: true });
  console.log(`${minutes} minutes, seed ${seed}; files that are faults go to ${FOLDER}`);
  const report = await fuzzContainers({ seed, durationMs: minutes * 60_000, keepIn: FOLDER });
  console.log(JSON.stringify(report, undefined, 2));
  if (report.faults.length > 0 || report.peakMb > MAX_WORKER_MB) process.exitCode = 1;
}

void main();
