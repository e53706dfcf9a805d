import { InstallationDouble, returned } from '../../model/installation-double';

const SECOND_MS = 1000;

test('a half-written claim whose call MPC accepted late is completed after one read of its list', async () => {
  const service = new InstallationDouble();
  const record = service.upload('a.mp4');
  await service.deliver([record], { create: 'late' });
  await service.time.pass(60 * SECOND_MS);
  const before = service.cloud.mpcCalls;
  expect(returned(await service.deliver([record]))).toMatchObject({
    records: [{ skipped: 'already_started', task_id: '1' }],
  });
  expect(service.cloud.mpcCalls - before).toBe(1);
});

test('half-written claims of about the same time share one read of MPC’s list', async () => {
  const service = new InstallationDouble();
  const records = ['a.mp4', 'b.mp4'].map((key) => service.upload(key));
  for (const record of records) await service.deliver([record], { create: 'late' });
  await service.time.pass(60 * SECOND_MS);
  const before = service.cloud.mpcCalls;
  expect(returned(await service.deliver(records))).toMatchObject({
    records: [
      { skipped: 'already_started', task_id: '1' },
      { skipped: 'already_started', task_id: '2' },
    ],
  });
  expect(service.cloud.mpcCalls - before).toBe(1);
});

test('what was read before a call could arrive proves nothing', async () => {
  const service = new InstallationDouble();
  const record = service.upload('a.mp4');
  await service.deliver([record], { create: 'late' });
  // The same instance reads the list while the call is still on its way.
  await service.time.pass(40 * SECOND_MS);
  returned(await service.sweep());
  await service.time.pass(55 * SECOND_MS);
  expect(returned(await service.deliver([record]))).toMatchObject({
    records: [{ skipped: 'already_started', task_id: '1' }],
  });
  expect(service.cloud.tasks).toHaveLength(1);
});

test('a task at the border of two reads counts once', async () => {
  const service = new InstallationDouble();
  await service.sweep();
  const place = { bucket: 'others', object: 'x' };
  for (let id = 1; id <= 400; id++) {
    const user_data = JSON.stringify({ 'mpc-snapshots': { claim: `claim ${id}` } });
    service.cloud.tasks.push({
      id,
      status: 'SUCCEEDED',
      createdAtMs: service.time.nowMs + id * SECOND_MS,
      arrivedAtMs: service.time.nowMs,
      accessKey: 'theirs',
      body: { input: place, output: place, user_data },
    });
  }
  for (let sweeps = 0; sweeps < 8; sweeps++) {
    await service.time.pass(60 * SECOND_MS);
    expect(returned(await service.sweep())).toMatchObject({ duplicates: [] });
  }
});

describe('after an outage of MPC that left many half-written claims', () => {
  const MINUTE_MS = 60 * SECOND_MS;
  const UPLOADS = 12;

  /** A list with 20 tasks of others in each minute, and uploads whose calls MPC never got. */
  async function outage(): Promise<InstallationDouble> {
    const service = new InstallationDouble({ userData: { MAX_UNFINISHED_TASKS: '100000' } });
    const startMs = service.time.nowMs;
    const place = { bucket: 'others', object: 'x' };
    for (let id = 10_001; id < 11_200; id++)
      service.cloud.tasks.push({
        id,
        status: 'SUCCEEDED',
        createdAtMs: startMs + (id - 10_500) * 3 * SECOND_MS,
        arrivedAtMs: startMs,
        accessKey: 'theirs',
        body: { input: place, output: place },
      });
    for (let upload = 0; upload < UPLOADS; upload++) {
      await service.deliver([service.upload(`${upload}.mp4`)], { create: 'crash-before' });
      await service.time.pass(20 * SECOND_MS);
    }
    return service;
  }

  /** Counts reads of the list by time. */
  function watchReads(service: InstallationDouble): () => number {
    const handle = service.cloud.handle.bind(service.cloud);
    let reads = 0;
    service.cloud.handle = (request) => {
      if (request.method === 'GET' && request.path.includes('start_time=')) reads++;
      return handle(request);
    };
    return () => reads;
  }

  async function sweepsUntilStarted(service: InstallationDouble, everyMs: number): Promise<number> {
    const reads = watchReads(service);
    for (let sweeps = 1; sweeps < 100; sweeps++) {
      await service.time.pass(everyMs);
      const before = reads();
      returned(await service.sweep());
      expect(reads() - before).toBeLessThanOrEqual(5);
      const isStarted = (_: unknown, upload: number) => service.tasksOf(`${upload}.mp4`).length === 1;
      if (Array.from({ length: UPLOADS }, isStarted).every(Boolean)) return sweeps;
    }
    throw new Error('not started');
  }

  test('all claims share what is read of MPC’s list: as many sweeps as one claim alone would need', async () => {
    const service = await outage();
    // 45 minutes of the list are 900 tasks on nine pages or a few more, beside the look for duplicates.
    expect(await sweepsUntilStarted(service, MINUTE_MS)).toBeLessThanOrEqual(10);
  });

  test('the searches come to an end even if each sweep runs in a new instance', async () => {
    const service = await outage();
    expect(await sweepsUntilStarted(service, 2 * MINUTE_MS)).toBeLessThan(40);
  });
});

test.each([
  { readMs: SECOND_MS, tasksPerMinute: 60 },
  { readMs: 3.5 * SECOND_MS, tasksPerMinute: 10 },
])(
  'while MPC takes $readMs ms for a page of a list with $tasksPerMinute tasks a minute, sweeps go on and settle the claims',
  async ({ readMs, tasksPerMinute }) => {
    const isRead = (path: string) => path.includes('start_time=');
    const service = new InstallationDouble({
      userData: { MAX_UNFINISHED_TASKS: '100000' },
      answerMs: ({ path }) => (isRead(path) ? readMs : 0),
    });
    const place = { bucket: 'others', object: 'x' };
    for (let id = 10_000; id < 10_000 + 90 * tasksPerMinute; id++)
      service.cloud.tasks.push({
        id,
        status: 'SUCCEEDED',
        createdAtMs: service.time.nowMs + ((id - 10_000) / tasksPerMinute - 20) * 60 * SECOND_MS,
        arrivedAtMs: service.time.nowMs,
        accessKey: 'theirs',
        body: { input: place, output: place },
      });
    const keys = ['a.mp4', 'b.mp4'];
    for (const key of keys) await service.deliver([service.upload(key)], { create: 'crash-before' });
    const counts = () => keys.map((key) => service.tasksOf(key).length);
    for (let sweeps = 0; sweeps < 30 && counts().includes(0); sweeps++) {
      await service.time.pass(60 * SECOND_MS);
      const { failed } = returned(await service.sweep());
      expect(failed).toBeGreaterThanOrEqual(0);
    }
    expect(counts()).toEqual([1, 1]);
  },
);
