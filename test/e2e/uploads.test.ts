import { readFile } from 'node:fs/promises';
import type { Task } from '../../client/src';
import { renderObjectEvents } from '../../local/obs/events';
import type { ObjectEvent } from '../../local/obs/object-store';
import { makeClip } from '../clip';
import { readFrameTimeMs } from '../read-frame-time';
import { until } from '../wait';
import { download, fetchDescribed, LocalService } from './local-service';

let service: LocalService;
let clip: Buffer;

beforeAll(async () => {
  clip = await readFile(await makeClip({ seconds: 12 }));
  service = await LocalService.start({ mpc: { callsPerMinute: 10_000 } });
}, 60_000);
afterAll(() => service.stop());

/** An event of an object, as OBS would send it; another ETag makes it another upload. */
const eventOf = (key: string, etag: string, bucket = service.cloud.uploadBucket): ObjectEvent => ({
  eventName: 'ObjectCreated:Put',
  bucket,
  key,
  sizeBytes: clip.length,
  etag,
  sequencer: '000000000000000000000000000000A1',
  timeMs: Date.now(),
  requestId: 'b27e6cbff1f6865c83111f130a982f56',
  sourceIp: '127.0.0.1',
});

test('an uploaded video becomes frames, and each shows the moment that its name says', async () => {
  await service.upload('uploads/holiday.mp4', clip);
  const task = await service.finalTaskOf('uploads/holiday.mp4');
  expect(task.status).toBe('SUCCEEDED');
  expect(task.output).toMatchObject({ bucket: 'snapshots', object: 'snapshots/uploads/holiday.mp4' });
  expect(task.thumbnail_info?.map(({ pic_name, time }) => [pic_name, time])).toEqual([
    ['0.jpg', 0],
    ['5.jpg', 5],
    ['10.jpg', 10],
    ['12.jpg', 12],
  ]);
  const shown = await Promise.all(
    (task.thumbnail_info ?? []).map(async ({ url }) => readFrameTimeMs(await download(url))),
  );
  // 25 frames a second: the last frame of 12 s begins at 11.96 s.
  expect(shown).toEqual([0, 5000, 10_000, 11_960]);
});

test.each([
  'uploads/中文 视频.mp4',
  'uploads/a+b & c=d.mp4',
  'uploads/100% done #1?.mp4',
  'uploads/emoji 😀 é.mp4',
  'uploads/quo\'te"s.mp4',
  'UPPER.MP4',
  'no-folder.mov',
  'deep/er/and/deep er/x.MkV',
  `uploads/${'long '.repeat(190)}.mp4`,
])('the key %s is captured', async (key) => {
  await service.upload(key, clip);
  const task = await service.finalTaskOf(key);
  expect(task).toMatchObject({ status: 'SUCCEEDED' });
  expect(task.thumbnail_info).toHaveLength(4);
  expect(readFrameTimeMs(await download(task.thumbnail_info?.[1]?.url))).toBe(5000);
});

describe('events', () => {
  const key = 'events/a b+c/中.mp4';
  beforeAll(async () => {
    await service.upload(key, clip);
    await service.finalTaskOf(key);
  });
  /** The video is another version from now on, of which no event tells. */
  const becomes = (etag: string) => {
    service.cloud.store.head(service.cloud.uploadBucket, key)!.etag = etag;
  };

  test.each(['s3', 'obs', 'eventgrid'] as const)(
    'the %s shape starts a capture of its key',
    async (shape) => {
      becomes(`etag-${shape}`);
      const event = renderObjectEvents(shape, [eventOf(key, `etag-${shape}`)], service.cloud.region);
      const { isError, json } = await service.invoke('on-upload', event);
      expect(isError).toBe(false);
      expect(json).toEqual({ records: [{ bucket: 'videos', key, started: expect.stringMatching(/^\d+$/) }] });
      const { started } = (json as { records: { started: string }[] }).records[0]!;
      expect((await service.finalTask(started)).status).toBe('SUCCEEDED');
    },
  );

  test('an EventGrid key that is not encoded is used unchanged', async () => {
    becomes('raw');
    const event = renderObjectEvents('eventgrid', [eventOf(key, 'raw')], service.cloud.region, {
      encodeKeys: false,
    });
    const { json } = await service.invoke('on-upload', event);
    expect(json).toMatchObject({ records: [{ key, started: expect.anything() }] });
    await service.finalTask((json as { records: { started: string }[] }).records[0]!.started);
  });

  test('every record of a batch has its own outcome', async () => {
    becomes('batch-2');
    const event = renderObjectEvents(
      'obs',
      [
        eventOf(key, 'batch-1'),
        { ...eventOf('note.txt', 'x') },
        { ...eventOf('empty.mp4', 'x'), sizeBytes: 0 },
        eventOf('a.mp4', 'x', 'not-ours'),
        eventOf('snapshots/uploads/a.mp4/0.jpg', 'x', 'snapshots'),
        { ...eventOf(key, 'x'), eventName: 'ObjectRemoved:Delete' },
        eventOf(key, 'batch-2'),
      ],
      service.cloud.region,
    ) as { Records: unknown[] };
    event.Records.splice(1, 0, { broken: true });
    const { json } = await service.invoke('on-upload', event);
    const outcomes = (json as { records: { skipped?: string; started?: string }[] }).records;
    expect(outcomes.map(({ skipped }) => skipped)).toEqual([
      undefined,
      'unreadable_record',
      'not_a_video',
      'empty',
      'bucket_not_allowed',
      'own_output',
      'not_a_creation',
      'already_started',
    ]);
    // The event of an older version means the video as it is now.
    expect(outcomes[0]?.started).toBeDefined();
    await service.finalTask(outcomes[0]!.started!);
  });

  test('the same event twice makes one task', async () => {
    becomes('twice');
    const event = renderObjectEvents('s3', [eventOf(key, 'twice')], service.cloud.region);
    const first = (await service.invoke('on-upload', event)).json as { records: { started: string }[] };
    const second = (await service.invoke('on-upload', event)).json;
    expect(second).toEqual({
      records: [{ bucket: 'videos', key, skipped: 'already_started', task_id: first.records[0]?.started }],
    });
  });

  test('an event that is not from OBS makes the invocation fail with a clear message', async () => {
    const { isError, body } = await service.invoke('on-upload', { hello: 'world' });
    expect(isError).toBe(true);
    expect(body).toContain('not an OBS event');
  });
});

test('snapshots never start a capture', async () => {
  const started = () =>
    service.invocations.filter(
      ({ functionName, state }) => functionName === 'on-upload' && state === 'succeeded',
    ).length;
  const before = started();
  await service.upload('uploads/once.mp4', clip);
  await service.finalTaskOf('uploads/once.mp4');
  await service.upload('snapshots/inside.mp4', clip, service.cloud.snapshotBucket);
  expect(started()).toBe(before + 1);
});

describe('a file that is not a video', () => {
  test.each([
    ['broken.mp4', Buffer.from('this is not a video at all'.repeat(100)), /video/i],
    ['cut.mp4', undefined, /video/i],
  ])('%s ends in a failed task that says why', async (name, content, reason) => {
    await service.upload(`bad/${name}`, content ?? clip.subarray(0, clip.length / 2));
    const task = await service.finalTaskOf(`bad/${name}`);
    expect(task.status).toBe('FAILED');
    expect(task.description).toMatch(reason);
    expect(task.thumbnail_info ?? []).toEqual([]);
  });

  test('a file with sound only ends in a failed task', async () => {
    const sound = await readFile(await makeClip({ seconds: 2, audioOnly: true, audioSeconds: 2 }));
    await service.upload('bad/sound.mp4', sound);
    expect((await service.finalTaskOf('bad/sound.mp4')).status).toBe('FAILED');
  });

  test('an empty file starts nothing', async () => {
    const before = service.invocations.length;
    await service.upload('bad/empty.mp4', Buffer.alloc(0));
    const { outcome } = await until(() =>
      service.invocations
        .slice(before)
        .find(({ state, event }) => state === 'succeeded' && event.includes('empty.mp4')),
    );
    expect(JSON.parse(outcome?.body ?? '')).toMatchObject({ records: [{ skipped: 'empty' }] });
    expect(await service.taskOf('bad/empty.mp4')).toBeUndefined();
  });
});

describe('in a bucket that keeps versions', () => {
  const key = 'versions/a.mp4';
  beforeAll(() => service.cloud.store.setVersioning(service.cloud.uploadBucket, 'Enabled'));
  afterAll(() => service.cloud.store.setVersioning(service.cloud.uploadBucket, 'Suspended'));

  test('the newest version is captured, and the one before it stays', async () => {
    const { store, uploadBucket } = service.cloud;
    await service.upload(key, clip);
    expect(await service.finalTaskOf(key)).toMatchObject({ status: 'SUCCEEDED' });
    const { versionId } = store.head(uploadBucket, key)!;
    await service.upload(key, Buffer.concat([clip, Buffer.from('free')]));
    expect(store.version(uploadBucket, key, versionId)?.versionId).toBe(versionId);
    await until(
      async () => {
        const { body } = await service.call<{ task_array: { status: string }[] }>(
          'GET',
          `/snapshots?object=${key}`,
        );
        return body.task_array.filter(({ status }) => status === 'SUCCEEDED').length === 2;
      },
      { timeoutMs: 60_000, what: 'both versions have a task that succeeded' },
    );
  });

  test('a delete marker counts as a deleted video: a late event makes no task', async () => {
    const { store, uploadBucket, region } = service.cloud;
    const { etag } = store.head(uploadBucket, key)!;
    await store.delete(uploadBucket, key);
    const event = renderObjectEvents('obs', [{ ...eventOf(key, etag), versionId: 'G1' }], region);
    const { json } = await service.invoke('on-upload', event);
    expect(json).toMatchObject({ records: [{ key, skipped: 'gone' }] });
    const marker = store.version(uploadBucket, key)!;
    await store.delete(uploadBucket, key, { versionId: marker.versionId });
    expect(store.head(uploadBucket, key)?.etag).toBe(etag);
  });
});

describe('with several captures', () => {
  const TRACK = { name: 'track', prefix: 'two/', thumbnail_para: { type: 'TIME', time: 4, max_length: 240 } };
  const cover = (second: number) => ({
    name: 'cover',
    prefix: 'two/',
    thumbnail_para: { type: 'DOTS', dots: [second] },
    directory: 'covers/{key}',
  });
  const use = (...captures: unknown[]) =>
    service.setUserData({ CAPTURE: '', CAPTURES: JSON.stringify(captures) });
  const tasksOf = async (key: string, capture: string) => {
    const path = `/snapshots?object=${encodeURIComponent(key)}&capture=${capture}`;
    const { body } = await service.call<{ task_array: Task[] }>('GET', path);
    return body.task_array;
  };
  const succeeded = (key: string, capture: string, count = 1) =>
    until(async () => {
      const tasks = await tasksOf(key, capture);
      return tasks.filter(({ status }) => status === 'SUCCEEDED').length === count ? tasks : undefined;
    });

  test('an upload becomes a track and a cover, each requested by its name, and only a changed capture is made again', async () => {
    use(TRACK, cover(3));
    await service.upload('two/film.mp4', clip);
    const [track] = await succeeded('two/film.mp4', 'track');
    const [first] = await succeeded('two/film.mp4', 'cover');
    expect(track).toMatchObject({ capture: 'track', output: { object: 'snapshots/two/film.mp4/track' } });
    expect(track?.thumbnail_info?.map(({ time }) => time)).toEqual([0, 4, 8, 12]);
    expect(first).toMatchObject({ capture: 'cover', output: { object: 'covers/two/film.mp4' } });
    expect(first?.thumbnail_info?.map(({ time }) => time)).toEqual([3]);
    const of = (format: string) =>
      fetchDescribed(`${service.cloud.addresses.gateway}/snapshots?object=two%2Ffilm.mp4&format=${format}`, {
        redirect: 'manual',
      });
    expect((await of('poster')).headers.get('location')).toContain('/covers/two/film.mp4/');
    expect(await (await of('vtt')).text()).toContain('/snapshots/two/film.mp4/track/');

    use(TRACK, cover(7));
    service.cloud.store.head(service.cloud.uploadBucket, 'two/film.mp4')!.lastModifiedMs -= 120_000;
    const { json } = await service.invoke('on-upload', { trigger_type: 'TIMER', user_event: '' });
    expect(json).toMatchObject({ started: 1, failed: 0 });
    const covers = await succeeded('two/film.mp4', 'cover', 2);
    expect(covers[0]?.thumbnail_info?.map(({ time }) => time)).toEqual([7]);
    expect(await tasksOf('two/film.mp4', 'track')).toHaveLength(1);
  }, 60_000);
});
