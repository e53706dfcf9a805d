import { CaptureError, CapturePool, type Frame } from '../../../../local/mpc/capture/capture-pool';
import { CaptureTask, SharedVideo } from '../../../../local/mpc/capture/tasks';
import type { WorkerProcess } from '../../../../local/mpc/capture/worker-process';
import { makeClip } from '../../../clip';
import { readFrameTimeMs } from '../../../read-frame-time';
import { testOnLinux } from '../../../test-on-linux';
import { until } from '../../../wait';
import { captureFile, describeFile } from './capture-file';

const CLIP = { seconds: 12, width: 320, height: 180 };
const pools: CapturePool[] = [];
afterEach(() => {
  jest.restoreAllMocks();
  return Promise.all(pools.splice(0).map((pool) => pool.close()));
});

function newPool(options: {
  workers?: number;
  timeoutMs?: number;
  memoryBytes?: number;
  inARowMs?: number;
}): CapturePool {
  const pool = new CapturePool(options);
  pools.push(pool);
  return pool;
}

const everySecond = Array.from({ length: 12 }, (_, second) => second * 1000);
const manyPoints = Array.from({ length: 200 }, (_, index) => index * 59);

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

test('points may come in any order and twice, and frames are delivered in order of time', async () => {
  const pool = newPool({ workers: 1 });
  const points = [5000, 1000, 'last', 0, 5010, 1000] as const;
  const frames: Frame[] = [];
  await captureFile(pool, { filePath: await makeClip(CLIP), points, size: 'source' }, (frame) => {
    frames.push(frame);
  });
  expect(frames.map((frame) => frame.index)).toEqual([3, 1, 5, 0, 4, 2]);
  expect(frames.map((frame) => readFrameTimeMs(frame.jpeg))).toEqual([0, 1000, 1000, 5000, 5000, 11_960]);
  expect(frames.every((frame) => Buffer.isBuffer(frame.jpeg))).toBe(true);
});

test('a long list that workers share gives each point once, with its own frame', async () => {
  const pool = newPool({ workers: 3 });
  const shown: number[][] = manyPoints.map(() => []);
  await captureFile(pool, { filePath: await makeClip(CLIP), points: manyPoints, size: 'source' }, (frame) => {
    shown[frame.index]!.push(readFrameTimeMs(frame.jpeg));
  });
  expect(shown).toEqual(manyPoints.map((point) => [Math.floor(point / 40) * 40]));
  expect(pool.workerPids).toHaveLength(3);
});

test.each([
  ['far apart are shared by idle workers', [0, 11_000], 2],
  ['close together are left to one worker, which decodes what leads to them once', [0, 500, 1000, 1500], 1],
])('points %s', async (_, points, workers) => {
  const pool = newPool({ workers: 3 });
  await captureFile(pool, { filePath: await makeClip(CLIP), points, size: 'source' }, () => {});
  expect(pool.workerPids).toHaveLength(workers);
});

test('a list without points needs no work', async () => {
  const pool = newPool({ workers: 1 });
  await captureFile(pool, { filePath: await makeClip(CLIP), points: [], size: 'source' }, () => {
    throw new Error('there is no frame');
  });
});

test('warming up starts all workers', async () => {
  const pool = newPool({ workers: 2 });
  await pool.warmUp();
  expect(pool.workerPids).toHaveLength(2);
  const warm = pool.workerPids;
  await describeFile(pool, await makeClip(CLIP));
  expect(pool.workerPids).toEqual(warm);
});

test('each of four jobs sees its first frame before any of them is done', async () => {
  const pool = newPool({ workers: 2 });
  const filePath = await makeClip(CLIP);
  const events: string[] = [];
  await Promise.all(
    ['a', 'b', 'c', 'd'].map(async (name) => {
      await captureFile(pool, { filePath, points: manyPoints, size: 'source' }, (frame) => {
        if (frame.index === 0) events.push(`${name} first`);
      });
      events.push(`${name} done`);
    }),
  );
  const firstDone = events.findIndex((event) => event.endsWith('done'));
  expect(events.slice(0, firstDone).sort()).toEqual(['a first', 'b first', 'c first', 'd first']);
});

/**
 * How many pictures in a row came from the same one of two jobs that begin together, 24 points each, where each picture
 * takes 100 ms.
 */
async function runLengths(inARowMs: number, gopFrames: number): Promise<number[]> {
  const pool = newPool({ workers: 1, inARowMs });
  const filePath = await makeClip({ ...CLIP, gopFrames });
  const points = Array.from({ length: 24 }, (_, index) => index * 500);
  const videos = [await pool.open(filePath), await pool.open(filePath)];
  const lengths: number[] = [];
  let latest: unknown;
  let nowMs = 0;
  jest.spyOn(performance, 'now').mockImplementation(() => nowMs);
  await Promise.all(
    videos.map((video) =>
      video.capture({ points, size: 'source' }, () => {
        nowMs += 100;
        if (latest === video) lengths.push((lengths.pop() ?? 0) + 1);
        else lengths.push(1);
        latest = video;
      }),
    ),
  );
  return lengths;
}

test('after a first picture of each, jobs change where a group of pictures ends', async () => {
  // Four points are in each group. The second job goes on after its first picture, then the first one with its group.
  expect(await runLengths(Number.POSITIVE_INFINITY, 50)).toEqual([1, 4, 3, ...Array(10).fill(4)]);
});

test('a job gives way within a group of pictures after a while', async () => {
  expect(await runLengths(0, 50)).toEqual(Array(48).fill(1));
  expect(await runLengths(300, 10_000)).toEqual([1, ...Array(15).fill(3), 2]);
});

test('a first picture never waits for the end of another job’s group of pictures', async () => {
  const pool = newPool({ workers: 1, inARowMs: Number.POSITIVE_INFINITY });
  const filePath = await makeClip({ ...CLIP, gopFrames: 10_000 });
  const events: string[] = [];
  let late: Promise<void> | undefined;
  await captureFile(pool, { filePath, points: manyPoints, size: 'source' }, () => {
    events.push('long');
    late ??= captureFile(pool, { filePath, points: [0, 400], size: 'source' }, () => {
      events.push('late');
    });
  });
  await late;
  // One picture of the long job is running when the late one opens its file, and one when it asks for its first.
  expect(events.indexOf('late')).toBeLessThan(5);
});

test('a short job that comes later overtakes a long one', async () => {
  const pool = newPool({ workers: 1 });
  const filePath = await makeClip(CLIP);
  const done: string[] = [];
  let short: Promise<unknown> | undefined;
  await captureFile(pool, { filePath, points: manyPoints, size: 'source' }, () => {
    short ??= Promise.all([
      describeFile(pool, filePath).then(() => done.push('probe')),
      captureFile(pool, { filePath, points: [6000], size: 'source' }, () => {}).then(() =>
        done.push('short'),
      ),
    ]);
  });
  done.push('long');
  await short;
  expect(done.at(-1)).toBe('long');
  expect(done).toHaveLength(3);
});

test('a job whose frames are not taken does not hold up another one', async () => {
  const pool = newPool({ workers: 1 });
  const filePath = await makeClip(CLIP);
  let accept = () => {};
  const accepted = new Promise<void>((resolve) => {
    accept = resolve;
  });
  let calls = 0;
  const slow = captureFile(pool, { filePath, points: manyPoints, size: 'source' }, () => {
    calls++;
    return accepted;
  });
  await until(() => calls === 1);
  await captureFile(pool, { filePath, points: everySecond, size: 'source' }, () => {});
  expect(calls).toBe(1);
  accept();
  await slow;
  expect(calls).toBe(manyPoints.length);
});

test('frames that are not taken do not pile up: 8 wait, then the job gets no more turns', () => {
  const worker = {} as WorkerProcess;
  const task = new CaptureTask(
    new SharedVideo('/any'),
    { points: manyPoints, size: 'source' },
    () => new Promise(() => {}),
    () => {},
  );
  let made = 0;
  while (task.hasTurn) {
    const request = task.takeTurn(worker);
    if (request.type !== 'capture') throw new Error('not a capture request');
    const { index } = request.turn.point;
    task.receive({
      type: 'frame',
      frame: { index, presentationMs: 0, width: 1, height: 1, jpeg: Buffer.of() },
    });
    made++;
    task.endTurn(worker);
  }
  expect(made).toBe(8);
});

test('cancelling a job frees its worker even if the worker is stuck', async () => {
  const pool = newPool({ workers: 1 });
  const filePath = await makeClip(CLIP);
  const controller = new AbortController();
  const reason = new Error('no longer wanted');
  let framesAfter = 0;
  const job = captureFile(
    pool,
    { filePath, points: manyPoints, size: 'source' },
    () => {
      if (controller.signal.aborted) framesAfter++;
      const [pid = 0] = pool.workerPids;
      process.kill(pid, 'SIGSTOP');
      stuck = pid;
      controller.abort(reason);
    },
    controller.signal,
  );
  let stuck = 0;
  await expect(job).rejects.toBe(reason);
  const shown: number[] = [];
  await captureFile(pool, { filePath, points: [3000], size: 'source' }, (frame) => {
    shown.push(readFrameTimeMs(frame.jpeg));
  });
  expect(shown).toEqual([3000]);
  expect(framesAfter).toBe(0);
  await until(() => !isRunning(stuck));
});

test('a job that was cancelled before it began does nothing', async () => {
  const pool = newPool({ workers: 1 });
  const signal = AbortSignal.abort();
  await expect(describeFile(pool, '/nowhere', signal)).rejects.toMatchObject({ name: 'AbortError' });
  expect(pool.workerPids).toEqual([]);
});

test('a job that waits for its turn can be cancelled', async () => {
  const pool = newPool({ workers: 1 });
  const filePath = await makeClip(CLIP);
  const controller = new AbortController();
  const running = captureFile(pool, { filePath, points: everySecond, size: 'source' }, () => {});
  const waiting = captureFile(pool, { filePath, points: [0], size: 'source' }, () => {}, controller.signal);
  controller.abort();
  await expect(waiting).rejects.toMatchObject({ name: 'AbortError' });
  await running;
});

test('when a worker dies, only its current job fails', async () => {
  const pool = newPool({ workers: 2 });
  const filePath = await makeClip(CLIP);
  let killed = false;
  const points = [0, 1000, 2000, 3000, 4000, 5000, 6000];
  const victim = captureFile(pool, { filePath, points, size: 'source' }, () => {
    // Only the victim has begun: its worker is the only one.
    if (!killed) process.kill(pool.workerPids[0]!, 'SIGKILL');
    killed = true;
  });
  await until(() => killed);
  const times: number[] = [];
  const bystander = captureFile(pool, { filePath, points: everySecond, size: 'source' }, (frame) => {
    times.push(frame.presentationMs);
  });
  const error = await victim.catch((failure: unknown) => failure);
  expect(error).toBeInstanceOf(CaptureError);
  expect(error).toMatchObject({ reason: 'crashed', message: expect.stringContaining('SIGKILL') });
  await bystander;
  expect(times.sort((one, other) => one - other)).toEqual(everySecond);
});

test('an idle worker that dies is replaced', async () => {
  const pool = newPool({ workers: 1 });
  const filePath = await makeClip(CLIP);
  await describeFile(pool, filePath);
  process.kill(pool.workerPids[0]!, 'SIGKILL');
  await until(() => pool.workerPids.length === 0);
  await expect(describeFile(pool, filePath)).resolves.toMatchObject({ codec: 'h264' });
});

testOnLinux(
  'a worker that takes more memory than it may is killed, and the next job gets a fresh one',
  async () => {
    const pool = newPool({ workers: 1, memoryBytes: 150 * 1024 * 1024 });
    const large = await makeClip({ seconds: 0.04, width: 3840, height: 2160, background: [0, 0, 0] });
    await expect(
      captureFile(pool, { filePath: large, points: [0], size: 'source' }, () => {}),
    ).rejects.toMatchObject({
      reason: 'too_large',
      message: expect.stringContaining('more memory than the 150 MB of a worker'),
    });
    await expect(describeFile(pool, await makeClip(CLIP))).resolves.toMatchObject({ codec: 'h264' });
  },
);

test('a worker that gives no picture in time is killed, and the next job gets a fresh one', async () => {
  const pool = newPool({ workers: 1, timeoutMs: 3000 });
  const filePath = await makeClip(CLIP);
  await pool.warmUp();
  const [stuck = 0] = pool.workerPids;
  process.kill(stuck, 'SIGSTOP');
  await expect(describeFile(pool, filePath)).rejects.toMatchObject({
    reason: 'timed_out',
    message: expect.stringContaining('3 s'),
  });
  await until(() => !isRunning(stuck));
  await expect(describeFile(pool, filePath)).resolves.toMatchObject({ codec: 'h264' });
});

test('an error of the receiver of frames ends the job with that error', async () => {
  const pool = newPool({ workers: 1 });
  const filePath = await makeClip(CLIP);
  const full = new Error('disk full');
  let calls = 0;
  const job = captureFile(pool, { filePath, points: manyPoints, size: 'source' }, async () => {
    calls++;
    throw full;
  });
  await expect(job).rejects.toBe(full);
  await captureFile(pool, { filePath, points: [0], size: 'source' }, () => {});
  expect(calls).toBe(1);
});

test('closing ends jobs and processes, and nothing can be started after', async () => {
  const pool = newPool({ workers: 2 });
  const filePath = await makeClip(CLIP);
  await pool.warmUp();
  const pids = pool.workerPids;
  const job = captureFile(pool, { filePath, points: manyPoints, size: 'source' }, () => {});
  const failed = expect(job).rejects.toThrow('the capture pool was closed');
  await pool.close();
  await failed;
  expect(pids.filter(isRunning)).toEqual([]);
  await expect(describeFile(pool, filePath)).rejects.toThrow('the capture pool was closed');
});
