import { type ChildProcess, execFile, fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { rename } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { promisify } from 'node:util';
import { childProgram } from '../local/child-program';
import { CapturePool, type PictureSize } from '../local/mpc/capture/capture-pool';
import { type ClipOptions, makeClip } from '../test/clip';
import type { FloorRequest } from './capture-floor';
import { runNode } from './process';
import { type Goal, medianOf, type Suite, seriesOf, type Table, takeTurns, type Variant } from './suite';

export const HD_CLIP: ClipOptions = {
  seconds: 60,
  frameRate: 30,
  width: 1920,
  height: 1080,
  // Ten seconds, the default of x264.
  gopFrames: 250,
  bFrames: 3,
  detailed: true,
  encoderOptions: { preset: 'superfast', crf: '30' },
};
export const UHD_CLIP: ClipOptions = {
  ...HD_CLIP,
  seconds: 10,
  width: 3840,
  height: 2160,
  gopFrames: 60,
  encoderOptions: { preset: 'superfast', crf: '36' },
};
const COUNTS = [1, 5, 20, 100];
const CORES = availableParallelism();
const OURS = 'capture pool, warm';
const FLOOR = 'floor, one process';
const FLOOR_ON_ALL = `floor, ${CORES} processes`;

/** Pictures of long and large videos, compared with the least possible decoding and with common practice. */
export const capture: Suite = {
  name: 'capture',
  about:
    'Full-size pictures at 1 to 100 moments of a video in warm processes: opening the file, decoding, JPEG.',
  async run() {
    const minute = await makeClip(HD_CLIP);
    const clips = [
      { name: '60 s of 1080p', filePath: minute, durationMs: 60_000, rounds: 5 },
      { name: '10 min of 1080p', filePath: await repeated(minute, 10), durationMs: 600_000, rounds: 3 },
      { name: '10 s of 4K', filePath: await makeClip(UHD_CLIP), durationMs: 10_000, rounds: 3 },
    ];
    const pool = new CapturePool();
    const floors = Array.from({ length: CORES }, () =>
      fork(childProgram('../bench/capture-floor.ts'), { execArgv: [] }),
    );
    const tables: Table[] = [];
    const goals: Goal[] = [];
    try {
      await pool.warmUp();
      for (const clip of clips) {
        for (const count of COUNTS) {
          const variants = variantsFor(
            { ...clip, points: pointsOf(clip.durationMs, count), size: 'source' },
            pool,
            floors,
          );
          const samples = await takeTurns(variants, clip.rounds);
          const title = `${clip.name}, ${count} ${count === 1 ? 'picture' : 'pictures'}`;
          const series = seriesOf(samples, (ms) => ms);
          tables.push({ title, unit: 'ms', series });
          const median = (name: string) => medianOf(series, name);
          const floor = Math.min(median(FLOOR), count > 1 ? median(FLOOR_ON_ALL) : Number.POSITIVE_INFINITY);
          goals.push({
            text: `${title}: time divided by that of the faster floor`,
            measured: median(OURS) / floor,
            atMost: 1.2,
          });
        }
      }
    } finally {
      for (const floor of floors) floor.kill();
      await pool.close();
    }
    return { tables, goals };
  },
};

interface Job {
  filePath: string;
  points: number[];
  size: PictureSize;
}

function variantsFor(job: Job, pool: CapturePool, floors: readonly ChildProcess[]): Variant<number>[] {
  const { points } = job;
  const shares = floors.map((_, place) => {
    const [from, to] = [place, place + 1].map((share) => Math.round((share * points.length) / floors.length));
    return points.slice(from, to);
  });
  const floorOn = async (parts: number[][], everything = false) => {
    const times = parts.map((part, place) => askFloor(floors[place], { ...job, points: part, everything }));
    return Math.max(...(await Promise.all(times)));
  };
  return [
    { name: FLOOR, measure: () => floorOn([points]) },
    ...(points.length > 1 ? [{ name: FLOOR_ON_ALL, measure: () => floorOn(shares) }] : []),
    { name: OURS, measure: () => timeOf(() => captureAll(pool, job)) },
    // What takes minutes is measured in one of the smaller tables only.
    ...((points.at(-1) ?? 0) < 60_000 && points.length === 5
      ? [
          { name: 'one process decodes everything', measure: () => floorOn([points], true) },
          {
            name: `one process for each picture, ${CORES} at a time`,
            measure: () => timeOf(() => oneProcessEach(job)),
          },
        ]
      : []),
  ];
}

async function captureAll(pool: CapturePool, { filePath, points, size }: Job): Promise<void> {
  const video = await pool.open(filePath);
  await video.capture({ points, size }, () => {});
  video.close();
}

async function askFloor(floor: ChildProcess | undefined, request: FloorRequest): Promise<number> {
  floor?.send(request);
  const [durationMs] = (await once(floor as ChildProcess, 'message')) as [number];
  return durationMs;
}

async function oneProcessEach({ filePath, points }: Job): Promise<void> {
  const engine = childProgram('../bench/bare-engine.ts');
  const left = [...points];
  const worker = async () => {
    for (let point = left.shift(); point !== undefined; point = left.shift()) {
      await runNode([engine, filePath, JSON.stringify([point])]);
    }
  };
  await Promise.all(Array.from({ length: CORES }, worker));
}

async function timeOf(work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
}

/** In the middle of equal parts, a little away from likely key frames. */
export function pointsOf(durationMs: number, count: number): number[] {
  return Array.from({ length: count }, (_, index) => ((index + 0.5) * durationMs) / count + 13);
}

async function repeated(clip: string, times: number): Promise<string> {
  const file = clip.replace(/(\.\w+)$/, `-x${times}$1`);
  if (existsSync(file)) return file;
  const partial = `${file}.${process.pid}`;
  await promisify(execFile)(process.execPath, [
    childProgram('../bench/repeat-clip.ts'),
    clip,
    partial,
    String(times),
  ]);
  await rename(partial, file);
  return file;
}
