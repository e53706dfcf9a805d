import { spawn } from 'node:child_process';
import { ROOT } from './process';
import { type Suite, seriesOf, takeTurns } from './suite';

const ROUNDS = 3;

/** `npm start` as typed, until the frames of the sample video are on the screen. */
export const start: Suite = {
  name: 'start',
  about: 'From typing `npm start` to the frames of the sample video on the screen.',
  async run() {
    const samples = await takeTurns(
      [{ name: 'npm start → frames of the sample', measure: startToFrames }],
      ROUNDS,
    );
    return {
      tables: [{ title: 'from typing to frames', unit: 'ms', series: seriesOf(samples, (ms) => ms) }],
    };
  },
};

async function startToFrames(): Promise<number> {
  const startedAt = performance.now();
  let durationMs = Number.NaN;
  await new Promise<void>((resolve, reject) => {
    const child = spawn('npm', ['start', '--silent', '--', '--once', '--port', '0'], { cwd: ROOT });
    child.stdout.on('data', (chunk: Buffer) => {
      if (chunk.toString().includes(' frames, ')) durationMs = performance.now() - startedAt;
    });
    child.on('exit', (code) =>
      code === 0 ? resolve() : reject(new Error(`npm start ended with exit code ${code}`)),
    );
  });
  return durationMs;
}
