import {
  DELETE,
  endAll,
  filesIn,
  linesOf,
  NOTIFIED,
  objectsOf,
  receive,
  withVideos,
} from '../../functions/finishing';
import {
  ARCHIVE,
  InstallationDouble,
  removalRecord,
  returned,
  SNAPSHOTS,
  VIDEOS,
} from '../../model/installation-double';

const MINUTE_MS = 60_000;
const WEEK_MS = 7 * 24 * 60 * MINUTE_MS;

const removalOf = (report: Record<string, unknown>) => report.removal as Record<string, unknown>;
/** Of one video: what is neither a record of the whole installation. */
const left = (service: InstallationDouble) =>
  [...objectsOf(service).keys()].filter(
    (key) => !/^\.mpc-snapshots\/(pace|sweep|finish|removal)\.json$/.test(key),
  );

test('when a video is deleted, its pictures, files and records are deleted, and nothing else', async () => {
  const service = await withVideos(['a.mp4', 'b.mp4', 'a.mp4/c.mp4']);
  service.cloud.put(SNAPSHOTS, 'snapshots/a.mp4/notes.txt', 'mine');
  const before = left(service);
  expect(before).toContain('snapshots/a.mp4/storyboard.vtt');
  const report = returned(await service.deliver([service.remove('a.mp4')]));
  expect(report).toEqual({ records: [{ bucket: VIDEOS, key: 'a.mp4', noted: 'removal' }] });
  expect(removalOf(returned(await service.finish()))).toMatchObject({
    videos: 1,
    by_event: 1,
    by_look: 0,
    objects: 5,
    records: 2,
    failed: 0,
  });
  const after = left(service);
  expect(filesIn(service, 'snapshots/a.mp4')).toEqual(
    ['0.jpg', 'poster.jpg', 'snapshots.json', 'storyboard.json', 'storyboard.vtt']
      .map((name) => `c.mp4/${name}`)
      .concat('notes.txt'),
  );
  expect(before.filter((key) => !after.includes(key))).toHaveLength(5 + 2 + 2);
  expect(after.filter((key) => !before.includes(key))).toEqual([]);
  expect(linesOf(service, 'video.removed')).toEqual([
    expect.objectContaining({ key: 'a.mp4', objects: 5, records: 2, shared: [] }),
  ]);
});

test('without ON_REMOVAL=delete nothing is removed, whatever events say', async () => {
  const service = await withVideos(['a.mp4'], { ON_REMOVAL: 'keep' });
  const before = left(service);
  expect(returned(await service.deliver([service.remove('a.mp4')]))).toMatchObject({
    records: [{ skipped: 'not_a_creation' }],
  });
  await service.time.pass(WEEK_MS);
  expect(returned(await service.finish([], { whole: true }))).not.toHaveProperty('removal');
  expect(left(service)).toEqual(before);
});

test('removing an old version, or an event of a video that is back, removes nothing', async () => {
  const service = await withVideos(['a.mp4']);
  const before = left(service);
  await service.deliver([removalRecord(VIDEOS, 'a.mp4')]);
  expect(removalOf(returned(await service.finish()))).toMatchObject({
    videos: 0,
    kept: { video_is_there: 1, task_at_work: 0, out_of_time: 0 },
  });
  expect(left(service)).toEqual(before);
});

test.each([
  ['a removal of FunctionGraph’s trigger', { Records: [removalRecord(VIDEOS, 'a b.mp4')] }],
  [
    'a delete marker',
    { Records: [removalRecord(VIDEOS, 'a b.mp4', 's3:ObjectRemoved:DeleteMarkerCreated')] },
  ],
  [
    'a notification of OBS',
    {
      Records: [
        {
          eventName: 'ObjectRemoved:Delete',
          obs: { bucket: { name: VIDEOS }, object: { key: 'a+b.mp4', versionId: 'G001' } },
        },
      ],
    },
  ],
  [
    'a CloudEvent of EventGrid',
    {
      specversion: '1.0',
      type: 'OBS:DWR:ObjectRemoved:DeleteMarkerCreated',
      data: {
        eventName: 'ObjectRemoved:DeleteMarkerCreated',
        obs: { bucket: { name: VIDEOS }, object: { key: 'a b.mp4' } },
      },
    },
  ],
])('%s reports a deleted video', async (_, event) => {
  const service = await withVideos(['a b.mp4']);
  service.remove('a b.mp4');
  returned(await service.functions.invoke('on-upload', event));
  await service.finish();
  expect(left(service)).toEqual([]);
});

test.each(['notes.txt', 'snapshots/a.mp4/0.jpg'])('the removal of %s is not that of a video', async (key) => {
  const service = await withVideos([], { SNAPSHOT_BUCKET: VIDEOS });
  const { records } = returned(await service.deliver([removalRecord(VIDEOS, key)]));
  for (const record of records as object[]) {
    expect(record).toMatchObject({ skipped: expect.stringMatching(/^(not_a_video|own_output)$/) });
  }
  expect(left(service)).toEqual([]);
});

test('a removal without an event is found within a week, and at once on request', async () => {
  for (const passes of [[WEEK_MS], Array<number>(8).fill(WEEK_MS / 7), [0]]) {
    const service = await withVideos(['a.mp4', 'b.mp4', 'c.mp4']);
    service.remove('a.mp4');
    service.remove('c.mp4');
    let found = 0;
    for (const ms of passes) {
      await service.time.pass(ms);
      const report = removalOf(returned(await service.finish([], ms === 0 ? { whole: true } : {})));
      found += Number(report.by_look);
    }
    expect(found).toBe(2);
    expect(left(service).filter((key) => key.startsWith('snapshots/'))).toHaveLength(5);
    expect(left(service)).toHaveLength(5 + 4);
  }
});

test('a dry run says what would be removed and removes nothing, also where nothing is ever removed', async () => {
  for (const ON_REMOVAL of ['keep', 'delete']) {
    const service = await withVideos(['a.mp4', 'b.mp4'], { ON_REMOVAL });
    service.remove('a.mp4');
    const before = left(service);
    expect(returned(await service.finish([], { dry_run: true })).removal).toEqual({
      looked_at: 2,
      videos: 1,
      objects: 5,
      records: 2,
      shared_directories: 0,
      would_remove: [{ bucket: VIDEOS, key: 'a.mp4', objects: 5, records: 2 }],
      complete: true,
    });
    expect(left(service)).toEqual(before);
  }
});

test('a waiting task is taken out of MPC’s queue, and the removal waits for a running one', async () => {
  const service = new InstallationDouble({
    userData: DELETE,
    taskTimes: [{ waitsMs: 90_000, runsMs: 90_000 }],
  });
  const events = ['runs.mp4', 'waits.mp4'].map((key, at) => ({ key, at }));
  await service.deliver([service.upload('runs.mp4')]);
  await service.time.pass(100_000);
  await service.deliver([service.upload('waits.mp4')]);
  for (const { key } of events) await service.deliver([service.remove(key)]);
  expect(removalOf(returned(await service.finish()))).toMatchObject({ videos: 1, kept: { task_at_work: 1 } });
  expect(service.tasksOf('waits.mp4')).toMatchObject([{ status: 'CANCELED' }]);
  await service.time.pass(3 * MINUTE_MS);
  expect(removalOf(returned(await service.finish()))).toMatchObject({ videos: 1, kept: { task_at_work: 0 } });
  // MPC's answer names one picture; the double's running tasks make another one, which no task of the video names.
  expect(left(service)).toEqual(['snapshots/runs.mp4/1.jpg']);
});

test('a notice about a deleted video is not sent', async () => {
  const service = new InstallationDouble({ userData: { ...DELETE, ...NOTIFIED } });
  const received = receive(service, 503);
  await service.deliver([service.upload('a.mp4')]);
  endAll(service);
  await service.finish();
  expect(received).toHaveLength(1);
  await service.deliver([service.remove('a.mp4')]);
  await service.finish();
  expect(left(service)).toEqual([]);
});

test('pictures in the directory of two videos are deleted with the last of them', async () => {
  const [a, b, c] = [[VIDEOS, 'a.mp4'] as const, [VIDEOS, 'a.mov'] as const, [ARCHIVE, 'a.mp4'] as const];
  // The files name the task of the video that was captured last, whichever goes first.
  for (const [userData, one, two] of [
    [{ OUTPUT_DIRECTORY: 'snapshots/{stem}' }, a, b],
    [{ OUTPUT_DIRECTORY: 'snapshots/{stem}' }, b, a],
    [{}, a, c],
    [{}, c, a],
  ] as const) {
    const service = await withVideos([], userData);
    for (const [bucket, key] of [a, one === c || two === c ? c : b]) {
      await service.deliver([service.upload(key, `${bucket}${key}`, bucket)]);
      endAll(service);
      await service.finish();
    }
    const pictures = left(service).filter((key) => key.startsWith('snapshots/'));
    await service.deliver([service.remove(one[1], one[0])]);
    expect(removalOf(returned(await service.finish()))).toMatchObject({ videos: 1, shared_directories: 1 });
    expect(left(service).filter((key) => key.startsWith('snapshots/'))).toEqual(pictures);
    await service.deliver([service.remove(two[1], two[0])]);
    expect(removalOf(returned(await service.finish()))).toMatchObject({ videos: 1, shared_directories: 0 });
    expect(left(service)).toEqual([]);
  }
});

test('pictures of a task that MPC has forgotten are deleted by the names that MPC gives', async () => {
  const service = new InstallationDouble({ userData: DELETE });
  await service.deliver([service.upload('a.mp4')]);
  endAll(service);
  service.cloud.tasks.length = 0;
  service.cloud.put(SNAPSHOTS, 'snapshots/a.mp4/notes.txt', 'mine');
  await service.deliver([service.remove('a.mp4')]);
  await service.finish();
  expect(left(service)).toEqual(['snapshots/a.mp4/notes.txt']);
});

test('a note about a video that is not one any more, or that never had a task, removes nothing', async () => {
  const service = await withVideos([]);
  await service.deliver([service.upload('a.mp4', 'a', ARCHIVE)]);
  endAll(service);
  await service.finish();
  const before = left(service);
  await service.deliver([service.remove('a.mp4', ARCHIVE), service.remove('never.mp4')]);
  service.userData.UPLOAD_BUCKETS = VIDEOS;
  for (const options of [{}, { whole: true }])
    expect(removalOf(returned(await service.finish([], options)))).toMatchObject({
      videos: 0,
      looked_at: 0,
      failed: 0,
    });
  expect(left(service)).toEqual(before);
});

test('a video whose key has become one of the pictures’ is not removed', async () => {
  const service = await withVideos([], { SNAPSHOT_BUCKET: VIDEOS });
  await service.deliver([service.upload('later/a.mp4')]);
  endAll(service);
  await service.finish();
  await service.deliver([service.remove('later/a.mp4')]);
  const keys = () =>
    [...(service.cloud.buckets.get(VIDEOS)?.keys() ?? [])].filter((key) => key.endsWith('.jpg'));
  const before = keys();
  expect(before).toHaveLength(2);
  service.userData.OUTPUT_DIRECTORY = 'later/{key}';
  expect(removalOf(returned(await service.finish()))).toMatchObject({ videos: 0, failed: 0 });
  expect(keys()).toEqual(before);
});

test('a record that lies in the folder of another video leads to no removal', async () => {
  const service = await withVideos([]);
  const record = JSON.stringify({ state: 'released', claimed_at_ms: 1, bucket: VIDEOS, key: 'gone.mp4' });
  service.cloud.put(SNAPSHOTS, `.mpc-snapshots/claims/${'0'.repeat(40)}/x.json`, record);
  expect(removalOf(returned(await service.finish([], { whole: true })))).toMatchObject({ looked_at: 0 });
});

test('a removal waits for a call that may still arrive, and a failure of MPC is one', async () => {
  const service = await withVideos([]);
  await service.deliver([service.upload('a.mp4')], { create: 'reset-before' });
  await service.deliver([service.upload('refused.mp4')], { create: 'throttled' });
  await service.deliver([service.remove('a.mp4'), service.remove('refused.mp4')]);
  expect(removalOf(returned(await service.finish()))).toMatchObject({
    videos: 1,
    kept: { task_at_work: 1 },
    failed: 0,
  });
  // Nothing says any more that the video is being removed.
  expect(left(service).filter((key) => !key.endsWith('.json'))).toEqual([]);
  await service.time.pass(1);
  service.cloud.throttledUntilMs = service.time.nowMs + MINUTE_MS;
  expect(removalOf(returned(await service.finish()))).toMatchObject({ kept: { task_at_work: 0 }, failed: 1 });
  await service.time.pass(2 * MINUTE_MS);
  expect(removalOf(returned(await service.finish()))).toMatchObject({ videos: 1, failed: 0 });
  expect(left(service)).toEqual([]);
});

test('a video that comes back while it is removed is captured again: its claims are released before', async () => {
  const service = await withVideos(['a.mp4']);
  await service.deliver([service.remove('a.mp4')]);
  const claim = left(service).find((key) => /claims\/.*(?<!result)\.json$/.test(key)) ?? '';
  const handle = service.cloud.handle.bind(service.cloud);
  const seen: unknown[] = [];
  service.cloud.handle = (request) => {
    if (request.method === 'DELETE' && request.path.includes('/0.jpg')) {
      seen.push(JSON.parse(objectsOf(service).get(claim)?.body ?? '{}').state);
      seen.push(
        left(service).filter((key) => !key.endsWith('.json') && key.startsWith('.mpc-snapshots/')).length,
      );
      service.upload('a.mp4');
    }
    return handle(request);
  };
  expect(removalOf(returned(await service.finish()))).toMatchObject({ videos: 1 });
  expect(seen).toEqual(['released', 1]);
  expect(left(service)).toEqual([expect.stringMatching(/^\.mpc-snapshots\/waiting\//)]);
  await service.sweep();
  expect(service.tasksOf('a.mp4')).toHaveLength(2);
});

test('a removal without the time for all is continued, and its claims are deleted last', async () => {
  const service = await withVideos(['a.mp4']);
  await service.deliver([service.remove('a.mp4')]);
  const handle = service.cloud.handle.bind(service.cloud);
  service.cloud.handle = (request) => {
    if (request.method === 'DELETE') service.time.nowMs += 8_000;
    return handle(request);
  };
  expect(removalOf(returned(await service.finish()))).toMatchObject({
    videos: 0,
    kept: { out_of_time: 1 },
    failed: 0,
  });
  expect(left(service).filter((key) => /claims\/.*\.json$/.test(key))).toHaveLength(2);
  service.cloud.handle = handle;
  expect(removalOf(returned(await service.finish()))).toMatchObject({ videos: 1 });
  expect(left(service)).toEqual([]);
});

test('a mark that is written late, after the removal, goes with the check of all videos', async () => {
  const service = await withVideos(['a.mp4']);
  await service.deliver([service.remove('a.mp4')]);
  const handle = service.cloud.handle.bind(service.cloud);
  const marks: Parameters<typeof handle>[0][] = [];
  service.cloud.handle = (request) => {
    if (request.method === 'PUT' && request.path.includes('/being-removed')) marks.push(request);
    return handle(request);
  };
  await service.finish();
  expect(left(service)).toEqual([]);
  for (const mark of marks) handle(mark);
  expect(left(service)).toHaveLength(1);
  service.cloud.handle = handle;
  await service.finish([], { whole: true });
  expect(left(service)).toEqual([]);
});

test('the check of all videos goes once round from where the weekly one is', async () => {
  const service = await withVideos(['a.mp4', 'b.mp4', 'c.mp4', 'd.mp4', 'e.mp4', 'f.mp4']);
  const lookedAt = async (options: object) =>
    Number(removalOf(returned(await service.finish([], options))).looked_at);
  await lookedAt({});
  await service.time.pass(WEEK_MS / 2);
  const half = await lookedAt({});
  expect([0 < half, half < 6]).toEqual([true, true]);
  expect(await lookedAt({ whole: true })).toBe(6);
  await service.time.pass(5 * WEEK_MS);
  expect(await lookedAt({})).toBe(6);
});

test('a video that comes back soon after its removal gets a task of its own, even if nobody knows whether the call arrived', async () => {
  const service = await withVideos(['a.mp4']);
  await service.deliver([service.remove('a.mp4')]);
  await service.finish();
  await service.deliver([service.upload('a.mp4')], { create: 'crash-before' });
  for (let round = 0; round < 3; round++) {
    await service.time.pass(5 * MINUTE_MS);
    await service.sweep();
    endAll(service);
    await service.finish();
  }
  expect(service.tasksOf('a.mp4')).toHaveLength(2);
  expect(filesIn(service, 'snapshots/a.mp4')).toContain('0.jpg');
});
