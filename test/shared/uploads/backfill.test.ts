import { type BackfillRequest, goOnWithBackfill } from '../../../shared/uploads/backfill';
import { AS_THE_LOCAL_CLOUD, CloudDouble } from '../../model/cloud-double';
import { ARCHIVE, InstallationDouble, returned, SNAPSHOTS, VIDEOS } from '../../model/installation-double';
import { ServicesDouble } from '../services-double';

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

/** An installation whose sweep has seen everything, with the claims of a library taken away: as if it had not. */
async function withLibrary(
  keys: readonly string[],
  userData: Record<string, string> = {},
): Promise<InstallationDouble> {
  const service = new InstallationDouble({ userData: { MAX_UNFINISHED_TASKS: '100000', ...userData } });
  await service.time.pass(MINUTE_MS);
  returned(await service.sweep());
  for (const key of keys) service.upload(key);
  await service.time.pass(2 * DAY_MS);
  // A pass that was clean a moment ago does not look at what is older.
  const progress = JSON.parse(objects(service).get('.mpc-snapshots/sweep.json')?.body ?? '{}');
  put(service, 'sweep', { ...progress, clean_ms: service.time.nowMs });
  return service;
}

const objects = (service: InstallationDouble) =>
  service.cloud.buckets.get(SNAPSHOTS) ?? new Map<string, { body: string }>();
const put = (service: InstallationDouble, name: string, value: unknown) =>
  service.cloud.put(SNAPSHOTS, `.mpc-snapshots/${name}.json`, JSON.stringify(value));
const ask = (service: InstallationDouble, wanted: { prefix?: string; capture?: string; id?: string } = {}) =>
  put(service, 'backfill', { id: '1', prefix: '', videos: 0, ...wanted });
const stateOf = (service: InstallationDouble) =>
  JSON.parse(objects(service).get('.mpc-snapshots/sweep.json')?.body ?? '{}').backfill;
const keysOf = (service: InstallationDouble) => service.cloud.tasks.map(({ body }) => body.input.object);
const numbered = (count: number, folder = '') => Array.from({ length: count }, (_, n) => `${folder}${n}.mp4`);

async function untilItEnds(service: InstallationDouble): Promise<number> {
  for (let minute = 1; minute < 60; minute++) {
    await service.time.pass(MINUTE_MS);
    returned(await service.sweep());
    if (stateOf(service)?.ended_ms !== undefined) return minute;
  }
  throw new Error(`no end: ${JSON.stringify(stateOf(service))}`);
}

test('the sweep starts a requested backfill, at the pace, once, and counts it', async () => {
  const service = await withLibrary(numbered(200));
  service.cloud.put(ARCHIVE, 'old.mov', 'old');
  await service.time.pass(2 * MINUTE_MS);
  const before = service.cloud.tasks.length;
  ask(service);
  // 70 a minute.
  expect(await untilItEnds(service)).toBeLessThanOrEqual(4);
  expect(service.cloud.tasks.length - before).toBeGreaterThanOrEqual(200);
  expect(new Set(keysOf(service)).size).toBe(201);
  expect(keysOf(service)).toHaveLength(201);
  const state = stateOf(service);
  expect(state).toMatchObject({ id: '1', videos: 201, failed: 0 });
  expect(state.started + state.already_started).toBe(201);
  expect(state.counted).toBeUndefined();
  // The same again does nothing, another one finds nothing to do.
  await service.sweep();
  expect(stateOf(service)).toEqual(state);
  ask(service, { id: '2' });
  await untilItEnds(service);
  expect(stateOf(service)).toMatchObject({ id: '2', videos: 201, started: 0, already_started: 201 });
});

test('a backfill needs its record, and ends when the record is deleted', async () => {
  const service = await withLibrary(numbered(300));
  await service.sweep();
  expect(service.cloud.tasks).toHaveLength(0);
  ask(service);
  await service.time.pass(MINUTE_MS);
  await service.sweep();
  const started = service.cloud.tasks.length;
  expect(started).toBeGreaterThan(0);
  expect(started).toBeLessThanOrEqual(70);
  service.cloud.buckets.get(SNAPSHOTS)?.delete('.mpc-snapshots/backfill.json');
  await service.time.pass(MINUTE_MS);
  await service.sweep();
  expect(service.cloud.tasks).toHaveLength(started);
});

test('a backfill can be limited to a prefix and a capture', async () => {
  const CAPTURES = JSON.stringify([
    { name: 'track', thumbnail_para: { type: 'TIME', time: 10 } },
    { name: 'cover', prefix: 'a/', thumbnail_para: { type: 'DOTS', dots: [3] } },
  ]);
  const service = await withLibrary(['a/1.mp4', 'a/2.mp4', 'b/1.mp4'], { CAPTURES });
  ask(service, { prefix: 'a/', capture: 'cover' });
  await untilItEnds(service);
  expect(service.cloud.tasks.map(({ body }) => body.output.object)).toEqual([
    'snapshots/a/1.mp4/cover',
    'snapshots/a/2.mp4/cover',
  ]);
  expect(stateOf(service)).toMatchObject({ videos: 2, started: 2 });
});

test('an upload that comes during a backfill is started at once, and one that waits comes first', async () => {
  const service = await withLibrary(numbered(400, 'films/'));
  ask(service);
  await service.time.pass(MINUTE_MS);
  await service.sweep();
  const before = service.time.nowMs;
  const live = Array.from({ length: 8 }, (_, n) => service.upload(`films/new-${n}.mp4`));
  const { records } = returned(await service.deliver(live)) as { records: { started?: string }[] };
  expect(records.filter(({ started }) => started !== undefined)).toHaveLength(8);
  expect(service.time.nowMs).toBe(before);
  // More than there is room for: the next sweep starts them before anything else.
  const burst = Array.from({ length: 30 }, (_, n) => service.upload(`films/burst-${n}.mp4`));
  await service.deliver(burst);
  const tasks = service.cloud.tasks.length;
  await service.time.pass(MINUTE_MS);
  await service.sweep();
  const next = keysOf(service).slice(tasks);
  expect(next.length).toBeGreaterThan(28);
  expect(next.slice(0, 28).every((key) => key.startsWith('films/burst-'))).toBe(true);
});

test('a backfill that breaks off at any call continues, and makes no second task', async () => {
  for (let at = 0; at < 40; at += 3) {
    const service = await withLibrary(numbered(12));
    ask(service);
    await service.time.pass(MINUTE_MS);
    const fate = (['crash-after', 'error-before', 'hang-after'] as const)[at % 3] ?? 'crash-after';
    await service.sweep({}, [...Array(at).fill('ok'), fate]);
    await untilItEnds(service);
    for (let minute = 0; minute < 8; minute++) {
      await service.time.pass(MINUTE_MS);
      await service.sweep();
    }
    expect({ at, keys: keysOf(service).sort() }).toEqual({ at, keys: numbered(12).sort() });
    expect(stateOf(service)).toMatchObject({ videos: 12 });
  }
});

test('old videos that the sweep finds without a request come behind new ones of the same folder', async () => {
  const service = new InstallationDouble({ userData: { MAX_UNFINISHED_TASKS: '100000' } });
  for (const key of numbered(300, 'films/')) service.upload(key);
  await service.time.pass(2 * DAY_MS);
  await service.sweep();
  const burst = Array.from({ length: 30 }, (_, n) => service.upload(`films/new-${n}.mp4`));
  await service.deliver(burst);
  const tasks = service.cloud.tasks.length;
  await service.time.pass(MINUTE_MS);
  await service.sweep();
  const news = keysOf(service).filter((key) => key.startsWith('films/new-'));
  expect(news).toHaveLength(30);
  expect(
    keysOf(service)
      .slice(tasks, tasks + 20)
      .every((key) => key.startsWith('films/new-')),
  ).toBe(true);
  for (let minute = 0; minute < 8; minute++) {
    await service.time.pass(MINUTE_MS);
    await service.sweep();
  }
  expect(new Set(keysOf(service)).size).toBe(330);
  expect(keysOf(service)).toHaveLength(330);
  expect([...objects(service).keys()].filter((key) => key.includes('/waiting/'))).toEqual([]);
  expect(service.cloud.buckets.get(VIDEOS)?.size).toBe(330);
});

describe('one run', () => {
  const AN_HOUR_MS = 60 * MINUTE_MS;
  const services = new ServicesDouble();
  let cloud: CloudDouble;
  /** How old the objects are that are put now. */
  let ageMs: number;
  let log: jest.SpiedFunction<typeof process.stdout.write>;

  beforeAll(() => services.start());
  beforeEach(() => {
    ageMs = AN_HOUR_MS;
    cloud = new CloudDouble([VIDEOS, SNAPSHOTS], { ...AS_THE_LOCAL_CLOUD, now: () => Date.now() - ageMs });
    services.serve(cloud);
    services.calls.splice(0);
    log = jest.spyOn(process.stdout, 'write').mockReturnValue(true);
    jest.spyOn(process.stderr, 'write').mockReturnValue(true);
  });
  afterEach(() => void jest.restoreAllMocks());
  afterAll(() => services.stop());

  interface Run {
    request?: Partial<BackfillRequest>;
    stored?: unknown;
    marks?: { bucket: string; key: string }[];
    userData?: Record<string, string>;
    secondsLeft?: number;
  }
  const run = ({ request, stored, marks, userData, secondsLeft = 30 }: Run = {}) => {
    const invocation = services.invocation({
      MPC_REQUESTS_PER_MINUTE: '1000',
      MAX_UNFINISHED_TASKS: '100000',
      ...userData,
    });
    const deadlineMs = Date.now() + secondsLeft * 1000;
    const asked = { id: '1', prefix: '', videos: 0, ...request };
    return goOnWithBackfill(asked, stored, marks, { ...invocation, deadlineMs });
  };
  const videos = (...keys: string[]) => {
    for (const key of keys) cloud.put(VIDEOS, key, key);
  };
  const started = () => cloud.tasks.map(({ body }) => body.input.object).sort();
  const listed = () => services.calls.filter((call) => call.startsWith(`GET /${VIDEOS}/?`));
  const BEGUN = {
    id: '1',
    began_ms: 5,
    updated_ms: 6,
    videos: 10,
    started: 20,
    already_started: 30,
    failed: 40,
  };

  test('counts on from what is known of this backfill, and from nothing for another one or an unreadable record', async () => {
    videos('a.mp4', 'b.mp4');
    const before = Date.now();
    const first = await run();
    expect(first).toEqual({
      id: '1',
      began_ms: expect.any(Number),
      updated_ms: expect.any(Number),
      ended_ms: first.updated_ms,
      videos: 2,
      started: 2,
      already_started: 0,
      failed: 0,
    });
    expect([before <= first.began_ms, first.began_ms <= first.updated_ms]).toEqual([true, true]);
    expect(
      log.mock.calls
        .map(([line]) => JSON.parse(String(line)))
        .filter(({ event }) => event === 'sweep.started'),
    ).toHaveLength(2);
    expect(await run({ stored: BEGUN })).toMatchObject({
      began_ms: 5,
      videos: 12,
      started: 20,
      already_started: 32,
      failed: 40,
    });
    for (const stored of [{ ...BEGUN, id: '2' }, { ...BEGUN, videos: 'many' }, { id: '1' }, undefined])
      expect(await run({ stored })).toMatchObject({ videos: 2, started: 0, already_started: 2, failed: 0 });
  });

  test('of a backfill that has ended does nothing', async () => {
    videos('a.mp4');
    const stored = { ...BEGUN, ended_ms: 7 };
    expect(await run({ stored })).toEqual(stored);
    expect(services.calls).toEqual([]);
  });

  test('captures what was asked for and belongs to the uploads, even if UPLOAD_PREFIX has changed since', async () => {
    videos('uploads/a/1.mp4', 'uploads/b/2.mp4', 'films/3.mp4');
    const userData = { UPLOAD_PREFIX: 'uploads/' };
    expect(await run({ request: { prefix: 'films/' }, userData })).toMatchObject({ videos: 0, started: 0 });
    await run({ request: { prefix: 'uploads/a/' }, userData });
    expect(started()).toEqual(['uploads/a/1.mp4']);
    await run({ request: { prefix: '' }, userData });
    expect(started()).toEqual(['uploads/a/1.mp4', 'uploads/b/2.mp4']);
  });

  test('counts videos with the capture that was asked for, and starts only what they lack', async () => {
    videos('a/1.mp4', 'b/2.mp4');
    const CAPTURES = JSON.stringify([
      { name: 'track', thumbnail_para: { type: 'TIME', time: 10 } },
      { name: 'cover', prefix: 'a/', thumbnail_para: { type: 'DOTS', dots: [3] } },
    ]);
    const userData = { CAPTURES };
    expect(await run({ request: { capture: 'cover' }, userData })).toMatchObject({ videos: 1, started: 1 });
    expect(await run({ userData })).toMatchObject({ videos: 2, started: 2, already_started: 1 });
    expect(started()).toEqual(['a/1.mp4', 'a/1.mp4', 'b/2.mp4']);
    services.calls.splice(0);
    expect(await run({ userData })).toMatchObject({ videos: 2, started: 0, already_started: 3 });
    // A page, and a read for each capture.
    expect(services.calls).toHaveLength(4);
  });

  test('captures no pictures of its own', async () => {
    videos('a.mp4', 'snapshots/b.mp4');
    expect(await run({ userData: { SNAPSHOT_BUCKET: VIDEOS } })).toMatchObject({ videos: 1, started: 1 });
    expect(started()).toEqual(['a.mp4']);
  });

  test('without time for a capture lists nothing, and notes the ranges that the sweep’s marks make', async () => {
    videos('a.mp4', 'z.mp4');
    const marks = [{ bucket: VIDEOS, key: 'm' }];
    const state = await run({ marks, secondsLeft: 2.9 });
    expect(listed()).toEqual([]);
    expect(state).toMatchObject({
      ranges: [{ until: 'm' }, { marker: 'm' }],
      marks: [],
      counted: [],
      videos: 0,
    });
    expect(state.ended_ms).toBeUndefined();
    const end = await run({ stored: JSON.parse(JSON.stringify(state)) });
    expect(listed()).toHaveLength(2);
    expect(end).toMatchObject({ videos: 2, started: 2 });
    expect(end.ended_ms).toBeDefined();
    for (const name of ['ranges', 'marks', 'counted']) expect(end).not.toHaveProperty(name);
  });

  test('counts a bucket that cannot be listed as a failure', async () => {
    videos('a.mp4');
    const userData = { UPLOAD_BUCKETS: `gone,${VIDEOS}` };
    expect(await run({ userData })).toMatchObject({ videos: 1, started: 1, failed: 1 });
  });

  test('leaves videos of the last 20 seconds to their events', async () => {
    ageMs = 19_000;
    videos('young.mp4');
    ageMs = 21_000;
    videos('older.mp4');
    expect(await run()).toMatchObject({ videos: 2, started: 1 });
    expect(started()).toEqual(['older.mp4']);
  });

  test('remembers a video that MPC refuses', async () => {
    videos('a.mp4');
    const { answer } = services;
    services.answer = (request, body) =>
      request.method === 'POST' && request.url?.includes('/thumbnails')
        ? { status: 400, body: JSON.stringify({ error_code: 'MPC.10002', error_msg: 'no' }) }
        : answer(request, body);
    expect(await run()).toMatchObject({ videos: 1, started: 0, failed: 1 });
    const records = [...(cloud.buckets.get(SNAPSHOTS)?.keys() ?? [])];
    expect(records.filter((key) => key.includes('/later/'))).toHaveLength(1);
  });

  test('stops at the first video that has no turn, and later ones of its group are counted once', async () => {
    videos('a.mp4', 'c.mp4', 'e.mp4');
    await run();
    videos('b.mp4', 'd.mp4');
    const isFull = { MAX_UNFINISHED_TASKS: '1' };
    const kept = async (stored: unknown, userData = {}) =>
      JSON.parse(JSON.stringify(await run({ stored, userData })));
    const first = await kept(undefined, isFull);
    expect(first).toMatchObject({ videos: 3, started: 0, already_started: 3, failed: 0 });
    expect(first).toMatchObject({
      counted: [`${VIDEOS}/c.mp4`, `${VIDEOS}/e.mp4`],
      ranges: [{ marker: 'a.mp4' }],
    });
    await run({ request: { prefix: 'b' } });
    const second = await kept(first, isFull);
    expect(second).toMatchObject({ videos: 4, already_started: 4 });
    expect(second).toMatchObject({ counted: [`${VIDEOS}/e.mp4`], ranges: [{ marker: 'c.mp4' }] });
    const last = await kept(second);
    expect(last).toMatchObject({ videos: 5, started: 1, already_started: 4, ended_ms: expect.any(Number) });
    expect(last).not.toHaveProperty('counted');
    expect(started()).toEqual(['a.mp4', 'b.mp4', 'c.mp4', 'd.mp4', 'e.mp4']);
  });
});
