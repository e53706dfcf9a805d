import { Growth } from '../../../bench/growth/growing-cloud';
import { InstallationDouble, returned, SNAPSHOTS } from '../../model/installation-double';

const MINUTE_MS = 60_000;
const records = (service: InstallationDouble) =>
  [...(service.cloud.buckets.get(SNAPSHOTS)?.keys() ?? [])].filter((key) => /\/(waiting|later)\//.test(key));

test('an event that has to wait succeeds at once, is remembered, and is started by the sweep', async () => {
  const service = new InstallationDouble({ userData: { MPC_REQUESTS_PER_MINUTE: '2' } });
  const events = ['a', 'b', 'c'].map((name) => service.upload(`${name}.mp4`));
  const before = service.time.nowMs;
  expect(returned(await service.deliver(events))).toMatchObject({
    records: [{ started: '1' }, { started: '2' }, { deferred: 'no_turn' }],
  });
  expect(service.time.nowMs).toBe(before);
  expect(records(service)).toHaveLength(1);
  await service.time.pass(2 * MINUTE_MS);
  expect(returned(await service.sweep())).toMatchObject({ started: 1, failed: 0 });
  expect(records(service)).toEqual([]);
});

test('an event that has to wait is looked up when its turn comes, whatever its key means', async () => {
  const service = new InstallationDouble({ userData: { MPC_REQUESTS_PER_MINUTE: '1' } });
  const keys = ['a+b/encoded.mp4', 'a b/encoded.mp4', 'c d/plain.mp4', 'gone/e+f.mp4'];
  await service.deliver([service.upload('first.mp4'), service.upload('second.mp4')]);
  const events = keys.map((key) => service.upload(key));
  service.cloud.buckets.get('videos')?.delete('gone/e+f.mp4');
  // Of the last one the key comes as it is: decoded it means another object, which is not there.
  const asItIs = { ...Object(service.upload('as/it+is.mp4')) };
  asItIs.s3 = { ...asItIs.s3, object: { ...asItIs.s3.object, key: 'as/it+is.mp4' } };
  let looks = 0;
  const serve = service.cloud.handle.bind(service.cloud);
  service.cloud.handle = (request) => {
    if (request.method === 'GET') looks += 1;
    return serve(request);
  };
  expect(returned(await service.deliver([...events, asItIs]))).toMatchObject({
    records: Array(5).fill({ deferred: 'no_turn' }),
  });
  expect(looks).toBe(0);
  for (let minute = 0; minute < 20; minute++) {
    await service.time.pass(MINUTE_MS + 1000);
    await service.sweep();
  }
  const captured = ['first.mp4', 'second.mp4', ...keys.slice(0, 3), 'as/it+is.mp4'];
  expect(service.cloud.tasks.map(({ body }) => body.input.object).sort()).toEqual(captured.sort());
  expect(records(service)).toEqual([]);
});

test('two deferred events whose keys may mean the same two objects make one task for each object', async () => {
  const service = new InstallationDouble({ userData: { MPC_REQUESTS_PER_MINUTE: '20' } });
  for (let number = 0; number < 21; number++) await service.deliver([service.upload(`busy/${number}.mp4`)]);
  const keys = ['a+b/one.mp4', 'a b/one.mp4'];
  for (const key of keys) service.upload(key);
  // Each event may mean either of them: one comes encoded, one as it is.
  const events = keys.map((key) => {
    const event = { ...Object(service.upload(key)) };
    event.s3 = { ...event.s3, object: { ...event.s3.object, key: 'a+b/one.mp4' } };
    return event;
  });
  await service.deliver(events);
  for (let minute = 0; minute < 5; minute++) {
    await service.time.pass(MINUTE_MS + 1000);
    await service.sweep();
  }
  for (const key of keys) expect(service.tasksOf(key)).toHaveLength(1);
});

test('an event that can neither be started nor remembered fails, so that it comes again', async () => {
  const service = new InstallationDouble({ userData: { MPC_REQUESTS_PER_MINUTE: '1' } });
  await service.deliver([service.upload('a.mp4'), service.upload('b.mp4')]);
  const outcome = await service.deliver([service.upload('c.mp4')], Array(8).fill('error-before'));
  expect(outcome).toMatchObject({ kind: 'failed', message: expect.stringContaining('c.mp4') });
});

test('new events go behind uploads that wait, but not for ever if no sweep runs', async () => {
  const service = new InstallationDouble({ userData: { MPC_REQUESTS_PER_MINUTE: '1' } });
  await service.deliver([service.upload('a.mp4'), service.upload('b.mp4')]);
  for (const [seconds, outcome] of [
    [55, 'deferred'],
    [55, 'deferred'],
    [55, 'started'],
  ] as const) {
    await service.time.pass(seconds * 1000);
    const report = returned(await service.deliver([service.upload(`${service.time.nowMs}.mp4`)]));
    expect(report).toMatchObject({ records: [{ [outcome]: expect.anything() }] });
  }
});

test('an upload of a quiet folder in the middle of a burst is started within two minutes, with and without its event', async () => {
  const service = new InstallationDouble({ userData: { MAX_UNFINISHED_TASKS: '100000' } });
  for (let number = 0; number < 600; number++) {
    await service.deliver([service.upload(`busy/${number}.mp4`)]);
  }
  await service.time.pass(MINUTE_MS);
  await service.sweep();
  await service.deliver([service.upload('quiet/with-event.mp4')]);
  service.upload('silent/without-event.mp4');
  for (let minute = 0; minute < 2; minute++) {
    await service.time.pass(MINUTE_MS);
    await service.sweep();
  }
  expect(service.tasksOf('quiet/with-event.mp4')).toHaveLength(1);
  expect(service.tasksOf('silent/without-event.mp4')).toHaveLength(1);
  expect(service.tasksOf('busy/599.mp4')).toHaveLength(0);
});

test.each(['with events', 'without events'])(
  'a burst %s gets tasks as fast as the pace allows',
  async (kind) => {
    const service = new InstallationDouble({ userData: { MAX_UNFINISHED_TASKS: '100000' } });
    const uploads = 400;
    for (let number = 0; number < uploads; number++) {
      const event = service.upload(`${number % 7}/${number}.mp4`);
      if (kind === 'with events') await service.deliver([event]);
    }
    const began = service.time.nowMs;
    while (service.cloud.tasks.length < uploads) {
      await service.time.pass(MINUTE_MS - 100);
      await service.sweep();
      if (service.time.nowMs > began + 20 * MINUTE_MS) break;
    }
    expect(new Set(service.cloud.tasks.map(({ body }) => body.input.object)).size).toBe(uploads);
    expect(service.cloud.tasks).toHaveLength(uploads);
    // Five minutes at 80 a minute; the first sweep is a minute late.
    expect((service.time.nowMs - began) / MINUTE_MS).toBeLessThan(8);
    expect(records(service)).toEqual([]);
  },
);

test('a burst gets tasks as fast as the pace allows when calls take their time', async () => {
  const growth = new Growth({});
  const began = growth.time.nowMs;
  const uploads = 640;
  const events = Array.from({ length: uploads }, (_, number) => ({
    afterMs: number,
    make: () => ({ Records: [growth.upload(`busy/${number}.mp4`)] }),
  }));
  await growth.live(events, 'queued', () => growth.cloud.tasks.length >= uploads);
  // Eight minutes at 80 a minute, of which the first 80 have tasks at once.
  expect((growth.time.nowMs - began) / MINUTE_MS).toBeLessThan(8.8);
});

test('an upload that MPC refuses permanently is counted and named, costs nothing before its next try, and is started when its cause is fixed', async () => {
  const service = new InstallationDouble();
  const serve = service.cloud.handle.bind(service.cloud);
  let isRefused = true;
  let looks = 0;
  service.cloud.handle = (request) => {
    if (request.path.includes('/claims/')) looks += 1;
    return isRefused && request.method === 'POST'
      ? { status: 400, body: '{"error_code":"MPC.10202"}' }
      : serve(request);
  };
  service.upload('broken.mp4');
  await service.time.pass(2 * MINUTE_MS);
  let report = returned(await service.sweep());
  for (let minute = 0; minute < 40; minute++) {
    await service.time.pass(MINUTE_MS);
    report = returned(await service.sweep());
  }
  expect(report).toMatchObject({ refused: 1, started: 0 });
  expect(returned(await service.sweep({ dry_run: true })).refused_uploads).toEqual([
    { bucket: 'videos', key: 'broken.mp4', again_at: expect.stringMatching(/^2026-11-23T\d\d:\d\d:\d\d/) },
  ]);
  looks = 0;
  await service.sweep();
  expect(looks).toBe(0);
  isRefused = false;
  for (let hour = 0; hour < 25 && service.cloud.tasks.length === 0; hour++) {
    await service.time.pass(60 * MINUTE_MS);
    report = returned(await service.sweep());
  }
  expect(service.tasksOf('broken.mp4')).toHaveLength(1);
  expect(records(service)).toEqual([]);
  expect(returned(await service.sweep())).toMatchObject({ refused: 0 });
});
