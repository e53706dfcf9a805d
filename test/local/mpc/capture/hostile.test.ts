import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { CaptureError, CapturePool } from '../../../../local/mpc/capture/capture-pool';
import { type ClipOptions, makeClip } from '../../../clip';
import { testOnLinux } from '../../../test-on-linux';
import { captureFile } from './capture-file';

const ROUND_MS = 20_000;
const MAX_WORKER_MB = 512;
const CLIPS: ClipOptions[] = [
  { seconds: 1 },
  { seconds: 1, container: 'mkv' },
  { seconds: 1, container: 'mpegts' },
  { seconds: 1, container: 'avi', codec: 'mpeg4' },
  { seconds: 1, container: 'flv' },
  { seconds: 1, codec: 'vp9' },
];

/** The largest number of all: a size of 2^63 - 1 bytes, or as many of something. */
const HUGE = Buffer.from('7fffffffffffffff', 'hex');

testOnLinux(
  'damaged containers of all kinds bring no worker down, and none beyond its memory',
  async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'hostile-test-'));
    const pool = new CapturePool({ workers: 1 });
    let seed = 20_261_127;
    const random = (below: number) => {
      seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fffffff;
      return Math.floor((seed / 0x80000000) * below);
    };
    try {
      await pool.warmUp();
      const [pid] = pool.workerPids;
      const clips: Buffer[] = [];
      for (const clip of CLIPS) clips.push(readFileSync(await makeClip({ width: 160, height: 90, ...clip })));
      const filePath = path.join(folder, 'hostile.mp4');
      for (const endMs = performance.now() + ROUND_MS; performance.now() < endMs; ) {
        let bytes = Buffer.from(clips[random(clips.length)]!);
        // Headers are where it hurts: half of the changes fall on the first and the last 4 KB.
        const place = () => {
          const near = random(Math.min(4096, bytes.length));
          return [near, bytes.length - 1 - near, random(bytes.length), random(bytes.length)][random(4)]!;
        };
        for (let change = random(8); change >= 0; change--) {
          const at = place();
          if (random(3) > 0) bytes[at] = random(256);
          else if (random(2) > 0) HUGE.copy(bytes, at);
          else bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + random(200))]);
        }
        writeFileSync(filePath, bytes);
        const outcome = await captureFile(
          pool,
          { filePath, points: [0, 500, 'last'], size: 'source' },
          () => {},
        ).catch((error: unknown) => error);
        if (outcome === undefined) continue;
        expect(outcome).toBeInstanceOf(CaptureError);
        expect(['unreadable', 'past_the_end', 'no_video_stream']).toContain((outcome as CaptureError).reason);
      }
      expect(pool.workerPids).toEqual([pid]);
      const peakKb = Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
      expect(peakKb / 1024).toBeLessThan(MAX_WORKER_MB);
    } finally {
      await pool.close();
      rmSync(folder, { recursive: true });
    }
  },
  120_000,
);
