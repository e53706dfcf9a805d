/**
 * Runs some tasks at once with a pool of its own. Prints when they had their pictures, and the memory. It is a separate
 * program, so that the benchmark's own modules do not count. Arguments: number of tasks, path of the video, points.
 */

import { setTimeout } from 'node:timers/promises';
import { CapturePool } from '../local/mpc/capture/capture-pool';
import { memoryMb } from './process';

export interface Round {
  /** Times since the start, one for each task. */
  firstFrameMs: number[];
  endMs: number[];
  /** Most memory of one worker, of all processes together, and of one worker at the end. */
  workerMb: number;
  allMb: number;
  workerAfterMb: number;
}

async function main(tasks: number, filePath: string, points: readonly number[]): Promise<void> {
  const pool = new CapturePool();
  await pool.warmUp();
  const round: Round = { firstFrameMs: [], endMs: [], workerMb: 0, allMb: 0, workerAfterMb: 0 };
  const startedAt = performance.now();
  const capture = async () => {
    const video = await pool.open(filePath);
    let isFirst = true;
    await video.capture({ points, size: { maxLength: 640 } }, () => {
      if (isFirst) round.firstFrameMs.push(performance.now() - startedAt);
      isFirst = false;
    });
    video.close();
    round.endMs.push(performance.now() - startedAt);
  };
  const all = Promise.all(Array.from({ length: tasks }, capture));
  while (round.endMs.length < tasks) {
    const workers = pool.workerPids.map(memoryMb);
    const sum = [...workers, memoryMb(process.pid)].reduce(
      (total, { proportional }) => total + proportional,
      0,
    );
    round.workerMb = Math.max(round.workerMb, ...workers.map(({ resident }) => resident));
    round.allMb = Math.max(round.allMb, sum);
    await Promise.race([all, setTimeout(50)]);
  }
  // Workers do not confirm that a video is closed.
  await setTimeout(500);
  round.workerAfterMb = Math.max(...pool.workerPids.map((pid) => memoryMb(pid).resident));
  await pool.close();
  console.log(JSON.stringify(round));
}

const [tasks = '', filePath = '', points = ''] = process.argv.slice(2);
void main(Number(tasks), filePath, JSON.parse(points));
