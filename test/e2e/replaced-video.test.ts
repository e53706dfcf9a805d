import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { decode } from 'jpeg-js';
import { FunctionGraphError } from '../../local/functiongraph/errors';
import { renderObjectEvents } from '../../local/obs/events';
import { makeClip } from '../clip';
import { parseWebVtt } from '../parse-web-vtt';
import { readFrameTimeMs } from '../read-frame-time';
import { until } from '../wait';
import { LocalService } from './local-service';

/** How long after the upload the video is replaced: its task waits, runs, or has ended. */
const DELAYS_MS = [0, 150, 500, 1000, 2000];
/** Slow to capture: its later pictures would come after those of the new one, were the tasks to run at one time. */
const OLD = {
  seconds: 12,
  width: 1920,
  height: 1080,
  gopFrames: 300,
  background: [200, 0, 0] as [number, number, number],
};
const NEW = { seconds: 8, background: [0, 0, 200] as [number, number, number] };

let service: LocalService;
let older: Buffer;
let newer: Buffer;
const etagOf = (clip: Buffer) => createHash('md5').update(clip).digest('hex');

beforeAll(async () => {
  [older, newer] = await Promise.all([readFile(await makeClip(OLD)), readFile(await makeClip(NEW))]);
  service = await LocalService.start({
    mpc: { callsPerMinute: 10_000, parallelTasks: 20, behaviour: { queueDelayMs: 300 } },
  });
}, 90_000);
afterAll(() => service.stop());

/** Invokes a function that has one instance; undefined while that is busy. */
async function invokeIfFree(functionName: string, event: unknown) {
  try {
    return await service.invoke(functionName, event);
  } catch (error) {
    if (error instanceof FunctionGraphError && error.errorCode === 'FSS.0429') return undefined;
    throw error;
  }
}

/** Uploads a video, and another one in its place. */
async function replaceAfter(key: string, delayMs: number): Promise<void> {
  await service.upload(key, older);
  await pause(delayMs);
  await service.upload(key, newer);
}

/** The task of the new version, when it has ended: the event comes until it has one, as the platform and the sweep see to. */
async function taskOfNewVersion(key: string) {
  const { store, uploadBucket, region } = service.cloud;
  const { sizeBytes, etag } = store.head(uploadBucket, key)!;
  expect(etag).toBe(etagOf(newer));
  const object = { bucket: uploadBucket, key, sizeBytes, etag };
  const origin = { requestId: 'b27e6cbff1f6865c83111f130a982f56', sourceIp: '127.0.0.1' };
  const again = renderObjectEvents(
    'obs',
    [{ ...object, ...origin, eventName: 'ObjectCreated:Put', sequencer: 'A1', timeMs: Date.now() }],
    region,
  );
  const taskId = await until(
    async () => {
      const result = await invokeIfFree('on-upload', again);
      if (result === undefined || result.isError) return undefined;
      const { records } = result.json as { records: { started?: string; task_id?: string }[] };
      return records[0]?.started ?? records[0]?.task_id;
    },
    { timeoutMs: 60_000, what: `a task for the new version of ${key}` },
  );
  const atWork = () =>
    service.cloud.mpc.tasks
      .list()
      .filter(({ input, status }) => input.object === key && ['WAITING', 'PROCESSING'].includes(status));
  await until(() => atWork().length === 0, { timeoutMs: 60_000, what: `no task of ${key} is at work` });
  return until(
    async () => {
      const { body } = await service.call<{ status: string; output: { object: string } }>(
        'GET',
        `/snapshots/${taskId}`,
      );
      return body.status === 'SUCCEEDED' ? body : undefined;
    },
    { timeoutMs: 60_000, what: `task ${taskId} of ${key} has succeeded` },
  );
}

const bytesOf = async (key: string) =>
  readFile(service.cloud.store.head(service.cloud.snapshotBucket, key)?.filePath ?? key);
const filesIn = (directory: string) =>
  service.cloud.store
    .list(service.cloud.snapshotBucket, { prefix: `${directory}/` })
    .objects.map(({ key }) => key.slice(directory.length + 1));

/** What a picture shows: of which clip, and which moment. */
async function shownBy(key: string): Promise<{ clip: string; timeMs: number }> {
  const jpeg = await bytesOf(key);
  const [red = 0, , blue = 0] = decode(jpeg, { useTArray: true }).data;
  return { clip: red > blue ? 'old' : 'new', timeMs: readFrameTimeMs(jpeg) };
}

interface Index {
  video: { etag: string };
  pictures: { name: string; time: number }[];
}

/** What lies in the index when on-finish is done with the new version. */
function indexOfNewVersion(directory: string): Promise<Index> {
  return until(
    async () => {
      await invokeIfFree('on-finish', { trigger_type: 'TIMER', user_event: '' });
      const index = await bytesOf(`${directory}/snapshots.json`).catch(() => undefined);
      const read: Index | undefined = index && JSON.parse(String(index));
      return read?.video.etag === etagOf(newer) ? read : undefined;
    },
    { timeoutMs: 60_000, what: `the index of ${directory} is that of the new version` },
  );
}

// 25 frames a second: the last frame of 8 s begins at 7.96 s.
const NEW_FRAMES = [
  ['0.jpg', { clip: 'new', timeMs: 0 }],
  ['5.jpg', { clip: 'new', timeMs: 5000 }],
  ['8.jpg', { clip: 'new', timeMs: 7960 }],
];

describe.each(['snapshots/{key}', 'snapshots/{key}/{etag}'])('in the directory %s', (layout) => {
  const keyOf = (delayMs: number) => `${layout.length}/after-${delayMs}.mp4`;
  beforeAll(async () => {
    service.setUserData({
      OUTPUT_DIRECTORY: layout,
      MPC_REQUESTS_PER_MINUTE: '10000',
      ON_REMOVAL: 'delete',
    });
    await Promise.all(DELAYS_MS.map((delayMs) => replaceAfter(keyOf(delayMs), delayMs)));
  }, 60_000);

  test.each(DELAYS_MS)(
    'a video that is replaced after %d ms ends with pictures, cover and track of its new version',
    async (delayMs) => {
      const { output } = await taskOfNewVersion(keyOf(delayMs));
      const directory = layout.replace('{key}', keyOf(delayMs)).replace('{etag}', etagOf(newer));
      expect(output.object).toBe(directory);
      const index = await indexOfNewVersion(directory);
      expect(
        await Promise.all(
          index.pictures.map(async ({ name }) => [name, await shownBy(`${directory}/${name}`)]),
        ),
      ).toEqual(NEW_FRAMES);
      expect(await shownBy(`${directory}/poster.jpg`)).toMatchObject({ clip: 'new' });
      const cues = parseWebVtt(String(await bytesOf(`${directory}/storyboard.vtt`)));
      const shown = cues.map(async ({ startTime, text }) => [
        startTime,
        await shownBy(`${directory}/${text}`),
      ]);
      expect(await Promise.all(shown)).toEqual([
        [0, { clip: 'new', timeMs: 0 }],
        [5, { clip: 'new', timeMs: 5000 }],
        [8, { clip: 'new', timeMs: 7960 }],
      ]);
      // What the old version had behind the end of the new one goes with it.
      const isLeft = (name: string) =>
        /^\d+\.jpg$/.test(name) && !index.pictures.some((picture) => picture.name === name);
      await until(
        async () => {
          await invokeIfFree('on-finish', { trigger_type: 'TIMER', user_event: '' });
          return !filesIn(directory).some(isLeft);
        },
        { timeoutMs: 60_000, what: `only pictures of the new version lie in ${directory}` },
      );
    },
    120_000,
  );
});
