import { claimsFolder } from '../../../shared/tasks/claim-record';
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
  // The sweep looks whether it is the version that was captured.
  await service.sweep();
  expect(left(service)).toEqual(before);
  expect(service.tasksOf('a.mp4')).toHaveLength(1);
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

describe('where versions are kept', () => {
  /** The version that was there before, which keeps its time, and the event of a deletion with a version id. */
  const bringBack = (service: InstallationDouble, content: string) => {
    service.upload('a.mp4', content);
    const object = service.cloud.buckets.get(VIDEOS)?.get('a.mp4');
    if (object !== undefined) object.lastModifiedMs -= 30 * 24 * 60 * MINUTE_MS;
    return removalRecord(VIDEOS, 'a.mp4');
  };
  const afterAMinute = async (service: InstallationDouble) => {
    await service.finish();
    await service.time.pass(MINUTE_MS);
    await service.sweep();
    return service.tasksOf('a.mp4').length;
  };

  test('the older version is captured within a minute when the newest one is deleted', async () => {
    const service = await withVideos(['a.mp4']);
    await service.time.pass(60 * MINUTE_MS);
    await service.sweep();
    await service.deliver([service.upload('a.mp4', 'newer')]);
    endAll(service);
    await service.finish();
    expect(service.tasksOf('a.mp4')).toHaveLength(2);
    await service.deliver([bringBack(service, 'a.mp4')]);
    expect(await afterAMinute(service)).toBe(3);
    endAll(service);
    // Deleting a version that is not the newest changes nothing.
    await service.deliver([removalRecord(VIDEOS, 'a.mp4')]);
    expect(await afterAMinute(service)).toBe(3);
  });

  test('a video whose delete marker is deleted is captured within a minute', async () => {
    const service = await withVideos(['a.mp4']);
    await service.deliver([service.remove('a.mp4')]);
    await service.finish();
    expect(filesIn(service, 'snapshots/a.mp4')).toEqual([]);
    await service.time.pass(60 * MINUTE_MS);
    await service.sweep();
    await service.deliver([bringBack(service, 'a.mp4')]);
    expect(await afterAMinute(service)).toBe(2);
  });
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
    expect(removalOf(returned(await service.finish([], { dry_run: true })))).toMatchObject({
      videos: 1,
      shared_directories: 1,
    });
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
  // The refused upload waits for its turn: the sweep sees that its video is gone.
  returned(await service.sweep());
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

describe('one run', () => {
  type Call = Parameters<InstallationDouble['cloud']['handle']>[0];
  /** Happens before each call that is meant. */
  const beforeCalls = (
    service: InstallationDouble,
    isMeant: (text: string) => boolean,
    happens: () => void,
  ) => {
    const handle = service.cloud.handle.bind(service.cloud);
    service.cloud.handle = (request) => {
      if (isMeant(textOf(request))) happens();
      return handle(request);
    };
  };
  const textOf = ({ method, path }: Call) => `${method} ${decodeURIComponent(path)}`;
  const FIRST_PAGE = /^GET .*prefix=\.mpc-snapshots\/claims\/(&|$)/;
  const PAGE_OF_NOTES = /^GET .*prefix=\.mpc-snapshots\/removed\//;
  const ONE_CLAIM = /^GET \/snapshots\/\.mpc-snapshots\/claims\//;
  /** Puts records of videos that are gone or never were. @returns the names of their folders, in order */
  const withClaims = (service: InstallationDouble, count: number) => {
    const folders = Array.from({ length: count }, (_, number) => {
      const video = { bucket: VIDEOS, key: `${number}.mp4` };
      const folder = claimsFolder(video.bucket, video.key);
      const record = { state: 'released', claimed_at_ms: 1, ...video };
      service.cloud.put(SNAPSHOTS, `${folder}x.json`, JSON.stringify(record));
      return folder.split('/').at(-2) ?? '';
    });
    return folders.sort();
  };
  const progressOf = (service: InstallationDouble) =>
    JSON.parse(objectsOf(service).get('.mpc-snapshots/removal.json')?.body ?? '{}');
  const finish = async (service: InstallationDouble, options: object = {}) =>
    removalOf(returned(await service.finish([], options)));

  test.each([
    [25_000, { videos: 1, kept: { out_of_time: 0 } }],
    [25_001, { videos: 0, kept: { out_of_time: 1 } }],
  ])('of half a minute begins no video in the last five seconds: after %i ms', async (ms, expected) => {
    const service = await withVideos(['a.mp4']);
    await service.deliver([service.remove('a.mp4')]);
    beforeCalls(
      service,
      (call) => PAGE_OF_NOTES.test(call),
      () => {
        service.time.nowMs += ms;
      },
    );
    expect(await finish(service)).toMatchObject(expected);
  });

  test.each([
    [5_000, 3],
    [5_001, 0],
  ])(
    'looks at all videos for ten seconds, and at none in the last five: after %i ms',
    async (ms, expected) => {
      const service = new InstallationDouble({ userData: DELETE });
      // Of its records one names the video.
      for (const folder of withClaims(service, 3))
        for (const name of ['a', 'y'])
          service.cloud.put(SNAPSHOTS, `.mpc-snapshots/claims/${folder}/${name}.json`, '{}');
      beforeCalls(
        service,
        (call) => FIRST_PAGE.test(call),
        () => {
          service.time.nowMs += ms;
        },
      );
      expect(await finish(service, { whole: true })).toMatchObject({ looked_at: expected });
    },
  );

  test('that has no time for all videos is continued by the next one, which looks at the rest', async () => {
    const service = new InstallationDouble({ userData: DELETE });
    const folders = withClaims(service, 20);
    const placeOf = (at: number) => Number.parseInt(folders[at]?.slice(0, 8) ?? '', 16);
    const startMs = service.time.nowMs;
    const first = Math.floor((placeOf(1) + placeOf(2)) / 2);
    const progress = { place: first, done_until_ms: startMs };
    service.cloud.put(SNAPSHOTS, '.mpc-snapshots/removal.json', JSON.stringify(progress));
    let reads = 0;
    beforeCalls(
      service,
      (call) => ONE_CLAIM.test(call),
      () => {
        if (++reads === 16) service.time.nowMs += 6_000;
      },
    );
    expect(await finish(service, { whole: true })).toMatchObject({ looked_at: 16 });
    expect(progressOf(service)).toEqual({
      place: placeOf(18),
      done_until_ms: startMs - WEEK_MS + Math.floor(((placeOf(18) - first) / 2 ** 32) * WEEK_MS),
    });
    expect(await finish(service)).toMatchObject({ looked_at: 4 });
    expect(await finish(service)).toMatchObject({ looked_at: 0 });
  });

  test('lists the part of the records that is due, in pages, and looks at each video once', async () => {
    const service = new InstallationDouble({ userData: DELETE });
    const folders = withClaims(service, 6);
    for (let number = 0; number < 6; number++) service.upload(`${number}.mp4`);
    for (const folder of folders) {
      const key = `.mpc-snapshots/claims/${folder}/`;
      service.cloud.put(SNAPSHOTS, `${key}y.json`, objectsOf(service).get(`${key}x.json`)?.body ?? '');
    }
    expect(await finish(service)).toMatchObject({ looked_at: 0 });
    const handle = service.cloud.handle.bind(service.cloud);
    let pages = 0;
    service.cloud.handle = (request) => {
      if (!FIRST_PAGE.test(textOf(request))) return handle(request);
      pages += 1;
      return handle({ ...request, path: `${request.path}&max-keys=1` });
    };
    await service.time.pass(WEEK_MS / 2);
    const due = folders.filter((folder) => folder < '8').length;
    expect([0 < due, due < 6]).toEqual([true, true]);
    expect(await finish(service)).toMatchObject({ looked_at: due });
    // One page more shows where the part ends.
    expect(pages).toBe(2 * due + 1);
    expect(progressOf(service)).toEqual({ place: 2 ** 31, done_until_ms: service.time.nowMs });
    pages = 0;
    expect(await finish(service)).toMatchObject({ looked_at: 0 });
    expect(pages).toBe(0);
    await service.time.pass(WEEK_MS / 2);
    expect(await finish(service)).toMatchObject({ looked_at: 6 - due });
    expect(pages).toBe(2 * (6 - due));
    expect(progressOf(service)).toMatchObject({ place: 0 });
    // Beyond the end it goes on from the beginning.
    await service.time.pass(WEEK_MS / 2);
    await finish(service);
    await service.time.pass((WEEK_MS * 3) / 4);
    const again = folders.filter((folder) => folder < '4' || folder >= '8').length;
    expect(await finish(service)).toMatchObject({ looked_at: again });
    expect(progressOf(service)).toEqual({ place: 2 ** 30, done_until_ms: service.time.nowMs });
  });

  test('without changes names a hundred videos, and says where to go on if it has no time for all', async () => {
    const service = new InstallationDouble({ userData: DELETE });
    const folders = withClaims(service, 101);
    const all = await finish(service, { dry_run: true });
    expect(all).toMatchObject({ looked_at: 101, videos: 101, complete: true });
    expect(all.would_remove).toHaveLength(100);
    // It looks less closely at videos that are there.
    for (let number = 0; number < 101; number++) service.upload(`${number}.mp4`);
    const fromLast = folders.at(-1)?.slice(0, 8);
    // Places begin with zeros.
    const low = folders.filter((folder) => folder.startsWith('0'));
    expect(low.length).toBeGreaterThan(1);
    for (const [from, looked_at] of [
      ['', 101],
      ['no place', 101],
      [low[1]?.slice(0, 8), 100],
      [fromLast, 1],
      ['fffffffff', 0],
    ])
      expect(await finish(service, { dry_run: true, from })).toMatchObject({ looked_at, complete: true });
    let ms = 95_000;
    beforeCalls(
      service,
      (call) => FIRST_PAGE.test(call),
      () => {
        service.time.nowMs += ms;
      },
    );
    expect(await finish(service, { dry_run: true, from: fromLast })).toMatchObject({
      looked_at: 1,
      complete: true,
    });
    ms = 95_001;
    expect(await finish(service, { dry_run: true })).toMatchObject({
      looked_at: 0,
      complete: false,
      next: low[0]?.slice(0, 8),
    });
  });

  test('throws a note away that cannot be read, and tries again what could not be read', async () => {
    const service = await withVideos(['a.mp4']);
    await service.deliver([service.remove('a.mp4')]);
    const [note = ''] = left(service).filter((key) => key.includes('/removed/'));
    const unreadable = '.mpc-snapshots/removed/x.json';
    service.cloud.put(SNAPSHOTS, unreadable, '{}');
    const handle = service.cloud.handle.bind(service.cloud);
    service.cloud.handle = (request) =>
      textOf(request).startsWith(`GET /snapshots/${note}`)
        ? { status: 403, body: '<Error><Code>AccessDenied</Code></Error>' }
        : handle(request);
    expect(await finish(service)).toMatchObject({ videos: 0, failed: 1 });
    expect(objectsOf(service).has(unreadable)).toBe(false);
    expect(linesOf(service, 'video.not_removed')).toEqual([
      expect.objectContaining({ level: 'error', service_error_code: 'AccessDenied' }),
    ]);
    service.cloud.handle = (request) =>
      request.method === 'DELETE' ? { status: 403, body: '' } : handle(request);
    expect(await finish(service)).toMatchObject({ videos: 0, failed: 1 });
    expect(linesOf(service, 'video.not_removed').at(-1)).toMatchObject({ bucket: VIDEOS, key: 'a.mp4' });
    service.cloud.handle = handle;
    expect(await finish(service)).toMatchObject({ videos: 1, failed: 0 });
  });

  test('says in the log which videos it kept, and why', async () => {
    const service = await withVideos(['a.mp4']);
    await service.deliver([removalRecord(VIDEOS, 'a.mp4')]);
    await finish(service);
    expect(linesOf(service, 'video.kept')).toEqual([
      expect.objectContaining({ level: 'info', bucket: VIDEOS, key: 'a.mp4', reason: 'video_is_there' }),
    ]);
  });

  test('finds a video of which only a result is left', async () => {
    const service = await withVideos(['a.mp4']);
    service.remove('a.mp4');
    for (const key of left(service))
      if (/claims\/.*(?<!result)\.json$/.test(key)) objectsOf(service).delete(key);
    expect(await finish(service, { whole: true })).toMatchObject({ looked_at: 1, videos: 1 });
  });

  test('deletes the pictures first and the claims last, releases a claim once, and makes no other call', async () => {
    const service = await withVideos(['a.mp4']);
    await service.deliver([service.remove('a.mp4')]);
    // One that cannot be read holds nothing up.
    const [claim = ''] = left(service).filter((key) => /claims\/.*(?<!result)\.json$/.test(key));
    service.cloud.put(SNAPSHOTS, claim.replace(/[^/]*$/, `${'f'.repeat(40)}.json`), '{}');
    const calls: string[] = [];
    const handle = service.cloud.handle.bind(service.cloud);
    const startMs = service.time.nowMs;
    let pictures = 0;
    service.cloud.handle = (request) => {
      const call = textOf(request)
        .replace(/[?].*/, '')
        .replace('/snapshots/.mpc-snapshots/', '')
        .replace(claim.split('/').at(-2) ?? '', 'video')
        .replace(/[0-9a-f]{40}(?=\.)/, (name) => (claim.includes(name) ? 'claim' : 'other'));
      if (!/ (\/snapshots\/$|\/videos\/$|\/archive\/$|(finish|removal)\.json$)/.test(call)) calls.push(call);
      // No time is left.
      if (request.method === 'DELETE' && ++pictures === 5) service.time.nowMs = startMs + 30_000;
      return handle(request);
    };
    const reads = [
      'GET claims/video/claim.json',
      'GET claims/video/other.json',
      'GET claims/video/claim.result.json',
    ];
    const before = [
      expect.stringMatching(/^GET \/v1\/\w+\/thumbnails$/),
      expect.stringMatching(/^GET removed\//),
      'PUT claims/video/being-removed',
      ...reads,
      ...reads,
    ];
    expect(await finish(service)).toMatchObject({ videos: 0, kept: { out_of_time: 1 }, failed: 0 });
    const directory = '/snapshots/snapshots/a.mp4';
    expect(calls.splice(0)).toEqual([
      ...before,
      'GET claims/video/claim.json',
      'PUT claims/video/claim.json',
      'GET claims/video/other.json',
      'GET claims/video/claim.result.json',
      'GET finished/1.json',
      `GET ${directory}/snapshots.json`,
      ...['0.jpg', 'poster.jpg', 'snapshots.json', 'storyboard.json', 'storyboard.vtt'].map(
        (name) => `DELETE ${directory}/${name}`,
      ),
    ]);
    expect(await finish(service)).toMatchObject({ videos: 1, objects: 0, records: 3 });
    expect(calls).toEqual([
      ...before,
      'GET claims/video/claim.json',
      'GET claims/video/other.json',
      'GET claims/video/claim.result.json',
      'GET finished/1.json',
      'DELETE tasks/1.json',
      'DELETE finished/1.json',
      'DELETE claims/video/claim.result.json',
      'DELETE claims/video/claim.json',
      'DELETE claims/video/other.json',
      'DELETE claims/video/being-removed',
      expect.stringMatching(/^DELETE removed\//),
    ]);
  });
});
