import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { CaptureError, CapturePool } from '../../../../local/mpc/capture/capture-pool';
import { type ClipOptions, makeClip } from '../../../clip';
import { captureFile } from './capture-file';
import { craftedFiles, damaged, seededRandom, withOddBoxes } from './hostile-files';

const TIMEOUT_MS = 10_000;

const CLIPS: ClipOptions[] = [
  { seconds: 1 },
  { seconds: 1, muxerOptions: { movflags: 'frag_keyframe+empty_moov' } },
  { seconds: 1, container: 'mkv' },
  { seconds: 1, container: 'mpegts' },
  { seconds: 1, container: 'avi', codec: 'mpeg4' },
  { seconds: 1, container: 'flv' },
  { seconds: 1, codec: 'vp9' },
  { seconds: 1, codec: 'mpeg2', container: 'vob' },
];

/** What came of many hostile files. */
export interface FuzzReport {
  files: number;
  /** How many ended in which way; `captured` for those that gave pictures. */
  endings: Record<string, number>;
  /** Which files took more memory than there is. */
  tooLarge: string[];
  /** The most memory that a worker took, in MB of 2^20 bytes. */
  peakMb: number;
  slowestMs: number;
  /** Files that brought a worker down, or ended in a way that has no words; kept where the paths say. */
  faults: string[];
}

/**
 * Has hostile files captured, one after the other: first the crafted ones, then damaged ones of all containers until
 * the time is over. Beside them lies a pipe that nobody writes to: whoever opened it would not come back in time.
 *
 * @param options.keepIn files that are faults are kept there
 */
export async function fuzzContainers(options: {
  seed: number;
  durationMs: number;
  keepIn?: string;
}): Promise<FuzzReport> {
  const folder = mkdtempSync(path.join(tmpdir(), 'container-fuzz-'));
  const pool = new CapturePool({ workers: 1, timeoutMs: TIMEOUT_MS });
  const random = seededRandom(options.seed);
  const report: FuzzReport = { files: 0, endings: {}, tooLarge: [], peakMb: 0, slowestMs: 0, faults: [] };
  const decoy = path.join(folder, 'decoy.mp4');
  const filePath = path.join(folder, 'hostile.mp4');
  const look = setInterval(() => {
    report.peakMb = Math.max(report.peakMb, ...pool.workerPids.map(peakMbOf));
  }, 10);
  try {
    execFileSync('mkfifo', [decoy]);
    const clips: Buffer[] = [];
    for (const clip of CLIPS) clips.push(readFileSync(await makeClip({ width: 160, height: 90, ...clip })));
    const [mp4 = Buffer.alloc(0)] = clips;
    const endMs = performance.now() + options.durationMs;

    const attempt = async (name: string, bytes: Buffer) => {
      writeFileSync(filePath, bytes);
      const startMs = performance.now();
      const points = [0, 500, 'last' as const];
      const error = await captureFile(pool, { filePath, points, size: 'source' }, () => {}).catch(
        (failure: unknown) => failure,
      );
      const tookMs = performance.now() - startMs;
      report.files++;
      const ending =
        error === undefined ? 'captured' : error instanceof CaptureError ? error.reason : 'unknown';
      report.endings[ending] = (report.endings[ending] ?? 0) + 1;
      if (ending === 'too_large') report.tooLarge.push(name);
      report.slowestMs = Math.max(report.slowestMs, tookMs);
      if (ending !== 'crashed' && ending !== 'unknown' && ending !== 'timed_out') return;
      report.faults.push(`${name}: ${String(error)}`);
      if (options.keepIn !== undefined)
        writeFileSync(path.join(options.keepIn, `fault-${report.files}`), bytes);
    };

    await pool.warmUp();
    for (const [name, bytes] of Object.entries(craftedFiles({ mp4, decoy }))) await attempt(name, bytes);
    while (performance.now() < endMs) {
      const which = random(clips.length + 1);
      const clip = clips[which];
      if (clip === undefined) await attempt('odd boxes', withOddBoxes(mp4, random));
      else await attempt(`damage of clip ${which}`, damaged(clip, random));
    }
    return report;
  } finally {
    clearInterval(look);
    await pool.close();
    rmSync(folder, { recursive: true });
  }
}

/** The most memory that a process took until now; 0 when it is gone. */
function peakMbOf(pid: number): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'latin1');
    return Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024;
  } catch {
    return 0;
  }
}
