import path from 'node:path';
import { makeClip } from '../test/clip';
import { HD_CLIP, pointsOf, UHD_CLIP } from './capture';
import type { Round } from './capture-load-program';
import { ROOT, runNode } from './process';
import type { Goal, Series, Suite, Table } from './suite';

const PROGRAM = path.join(ROOT, 'bench', 'capture-load-program.ts');
const TASKS = 4;
const PICTURES = 20;
const ROUNDS = 3;

/** Four tasks at once: how they share the processor, and how much memory they take together. Needs Linux's /proc. */
export const captureLoad: Suite = {
  name: 'capture load',
  about: `${TASKS} tasks of ${PICTURES} pictures of 640 px, all started at the same moment.`,
  async run() {
    const tables: Table[] = [];
    const goals: Goal[] = [];
    for (const clip of [HD_CLIP, UHD_CLIP]) {
      const name = `${clip.height}p`;
      const points = pointsOf(clip.seconds * 1000, PICTURES);
      const filePath = await makeClip(clip);
      const rounds: Round[] = [];
      for (let round = 0; round < ROUNDS; round++) {
        const args = ['--import', 'tsx', PROGRAM, String(TASKS), filePath, JSON.stringify(points)];
        rounds.push((await runNode(args)) as Round);
      }
      const of = (title: string, value: (round: Round) => number): Series => ({
        name: title,
        values: rounds.map(value),
      });
      tables.push(
        {
          title: `${name}: time since the start`,
          unit: 'ms',
          series: [
            of('first picture of the task that waits longest', ({ firstFrameMs }) =>
              Math.max(...firstFrameMs),
            ),
            of('end of the first task', ({ endMs }) => Math.min(...endMs)),
            of('end of the last task', ({ endMs }) => Math.max(...endMs)),
          ],
        },
        {
          title: `${name}: most memory`,
          unit: 'MB',
          note: '“Resident” is the number that ps shows, with the pages of Node.js and FFmpeg that all workers share. In the sum, shared pages count once.',
          series: [
            of('largest worker, resident', ({ workerMb }) => workerMb),
            of('workers and the process of the pool, sum', ({ allMb }) => allMb),
            of('largest worker, when all videos are closed', ({ workerAfterMb }) => workerAfterMb),
          ],
        },
      );
      goals.push(
        {
          text: `${name}: largest process, MB resident`,
          measured: Math.max(...rounds.map(({ workerMb }) => workerMb)),
          atMost: 250,
        },
        {
          text: `${name}: all processes, MB`,
          measured: Math.max(...rounds.map(({ allMb }) => allMb)),
          atMost: 250,
        },
      );
    }
    return { tables, goals };
  },
};
