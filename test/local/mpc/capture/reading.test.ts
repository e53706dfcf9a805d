import { readFileSync, statSync } from 'node:fs';
import fc from 'fast-check';
import { CapturePool } from '../../../../local/mpc/capture/capture-pool';
import type { CapturePoint } from '../../../../local/mpc/capture/worker-messages';
import { WorkerProcess } from '../../../../local/mpc/capture/worker-process';
import { type ClipOptions, makeClip } from '../../../clip';
import { readFrameTimeMs } from '../../../read-frame-time';
import { testOnLinux } from '../../../test-on-linux';
import { captureFile } from './capture-file';

const SMALL = { width: 320, height: 180 };

const CLIPS: [name: string, options: ClipOptions][] = [
  ['long groups of pictures', { ...SMALL, seconds: 20, gopFrames: 250, bFrames: 3 }],
  [
    'open groups of pictures in MPEG-TS',
    { ...SMALL, seconds: 6, openGop: true, gopFrames: 25, container: 'mpegts' },
  ],
  ['VP9', { ...SMALL, seconds: 5, codec: 'vp9' }],
];

test.each(CLIPS)(
  'a prediction about the next point changes no picture, right or wrong: %s',
  async (_, options) => {
    const filePath = await makeClip(options);
    const lastMs = options.seconds * 1000 - 40;
    const moment = fc.oneof(fc.integer({ min: 0, max: lastMs + 39 }), fc.constant<CapturePoint>('last'));
    const worker = new WorkerProcess({ timeoutMs: 60_000, memoryBytes: 512 * 1024 * 1024 });
    let video = 0;
    try {
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.tuple(moment, fc.option(moment, { nil: undefined })), { minLength: 2, maxLength: 6 }),
          async (points) => {
            video++;
            for (const [index, [point, nextPoint]] of points.entries()) {
              let shownMs: number | undefined;
              const turn = { size: 'source' as const, point: { index, point }, nextPoint };
              await worker.run({ type: 'capture', video: { id: video, filePath }, turn }, (output) => {
                if (output.type === 'frame') shownMs = readFrameTimeMs(Buffer.from(output.frame.jpeg));
              });
              expect(shownMs).toBe(point === 'last' ? lastMs : Math.floor(point / 40) * 40);
            }
            worker.closeVideo(video);
          },
        ),
        { numRuns: 15 },
      );
    } finally {
      worker.kill();
      await worker.exited;
    }
  },
);

testOnLinux('of a large file only the ranges around the points are read', async () => {
  const filePath = await makeClip({ width: 640, height: 360, seconds: 40, gopFrames: 50, detailed: true });
  const pool = new CapturePool({ workers: 1 });
  try {
    await pool.warmUp();
    const readBytes = () =>
      Number(/^rchar: (\d+)/m.exec(readFileSync(`/proc/${pool.workerPids[0]}/io`, 'utf8'))?.[1]);
    const before = readBytes();
    await captureFile(pool, { filePath, points: [5000, 35_000], size: 'source' }, () => {});
    const share = (readBytes() - before) / statSync(filePath).size;
    expect(share).toBeGreaterThan(0.01);
    expect(share).toBeLessThan(0.2);
  } finally {
    await pool.close();
  }
});
