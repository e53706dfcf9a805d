import type { Fate } from '../model/functions-double';
import {
  ARCHIVE,
  InstallationDouble,
  returned,
  SNAPSHOTS,
  sweepUntilSettled,
  uploadRecord,
  VIDEOS,
} from '../model/installation-double';
import { postEvent } from './installation';

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const DAY_MS = 24 * 60 * MINUTE_MS;

/** The calls of on-upload in an instance that has just started, up to the one that creates the task. */
const BEFORE_CREATE: readonly Fate[] = [
  'ok', // reads the pace
  'ok', // finds the object
  'ok', // reads the claim
  'ok', // lists what else was begun for the video
  'ok', // reserves calls
  'ok', // writes the claim
];

describe('one upload, one task', () => {
  test.each<Fate>(['late', 'hang-after', 'reset-after', 'crash-after', 'error-after'])(
    'a create call that ends as “%s” is not sent again while MPC may still accept it',
    async (fate) => {
      const service = new InstallationDouble({ listLagMs: 5 * SECOND_MS });
      const record = service.upload('a.mp4');
      expect((await service.deliver([record], { create: fate })).kind).not.toBe('returned');
      for (let second = 0; second < 120; second += 10) {
        await service.time.pass(10 * SECOND_MS);
        await service.deliver([record]);
      }
      expect(service.tasksOf('a.mp4')).toHaveLength(1);
      expect((await sweepUntilSettled(service)).at(-1)).toMatchObject({ already_started: 1, duplicates: [] });
      expect(service.cloud.creates).toHaveLength(1);
    },
  );

  test('a claim that took long to write is too old for a call to MPC', async () => {
    const service = new InstallationDouble();
    const slowly: Fate[] = [...BEFORE_CREATE.slice(0, -1), 'hang-after', 'hang-after', 'ok'];
    const outcome = await service.deliver([service.upload('a.mp4')], slowly);
    expect(outcome.kind).toBe('failed');
    expect(service.cloud.creates).toHaveLength(0);
    await sweepUntilSettled(service);
    expect(service.tasksOf('a.mp4')).toHaveLength(1);
  });

  test.each([-10, 10])(
    'a task whose answer was lost is found when MPC’s clock is %i minutes ahead',
    async (minutes) => {
      const service = new InstallationDouble({ clockAheadMs: minutes * MINUTE_MS });
      await service.deliver([service.upload('a.mp4')], { create: 'crash-after' });
      await sweepUntilSettled(service);
      expect(service.cloud.creates).toHaveLength(1);
    },
  );

  test.each([
    { firstPage: 0, numbers: false },
    { firstPage: 1, numbers: true },
  ] as const)('a task whose answer was lost is found on a later page of the list: %j', async (options) => {
    const userData = { MPC_REQUESTS_PER_MINUTE: '1000', MAX_UNFINISHED_TASKS: '1000' };
    const service = new InstallationDouble({ ...options, userData });
    await service.deliver([service.upload('a.mp4')], { create: 'crash-after' });
    const records = Array.from({ length: 250 }, (_, number) => service.upload(`${number}.mp4`));
    await service.deliver(records);
    await sweepUntilSettled(service);
    expect(service.tasksOf('a.mp4')).toHaveLength(1);
  });

  test('many half-written claims do not use up the quota with look-ups', async () => {
    const service = new InstallationDouble();
    for (let number = 0; number < 50; number++) {
      const record = service.upload(`${number}.mp4`);
      await service.deliver([record], { create: 'error-after' });
    }
    expect(service.cloud.tasks).toHaveLength(50);
    await service.time.pass(2 * MINUTE_MS);
    const before = service.cloud.mpcCalls;
    expect(returned(await service.sweep())).toMatchObject({ already_started: 50, failed: 0 });
    expect(service.cloud.mpcCalls - before).toBeLessThan(10);
  });

  test('an event without an ETag and the sweep mean the same upload', async () => {
    const service = new InstallationDouble();
    service.upload('a.mp4');
    expect(returned(await service.deliver([uploadRecord(VIDEOS, 'a.mp4', '')]))).toMatchObject({
      records: [{ started: '1' }],
    });
    await sweepUntilSettled(service);
    expect(service.tasksOf('a.mp4')).toHaveLength(1);
  });

  test('an event without an ETag whose object was deleted starts nothing', async () => {
    const service = new InstallationDouble();
    service.upload('a.mp4.mp4');
    expect(returned(await service.deliver([uploadRecord(VIDEOS, 'a.mp4', '')]))).toMatchObject({
      records: [{ skipped: 'gone' }],
    });
    expect(service.cloud.creates).toHaveLength(0);
  });

  test('each step logs a line that links claim, task and object', async () => {
    const service = new InstallationDouble();
    await service.deliver([service.upload('a.mp4')]);
    const lines = service.functions.logLines.map((line) => JSON.parse(line));
    const steps = lines.filter(({ event }) => /^(claim\.|mpc\.task_|upload\.)/.test(event));
    expect(steps.map(({ event }) => event)).toEqual([
      'claim.claimed',
      'mpc.task_created',
      'claim.accepted',
      'upload.processed',
    ]);
    const [{ claim }] = steps;
    expect(claim).toMatch(/^[0-9a-f]{40}$/);
    for (const step of steps) expect(step).toMatchObject({ request_id: 'request 1', key: 'a.mp4' });
    for (const index of [0, 2]) expect(steps[index]).toMatchObject({ claim });
    expect(steps.slice(1).map((step) => step.task_id ?? step.started)).toEqual(['1', '1', '1']);
  });
});

describe('an Idempotency-Key', () => {
  const body = { input: { bucket: VIDEOS, object: 'a.mp4' } };
  const headers = { 'idempotency-key': 'key' };

  test('gives the picture of a synchronous task again, even if MPC names no task', async () => {
    const service = new InstallationDouble({ syncTaskId: false });
    const first = returned(await service.create({ ...body, sync: 1 }, headers));
    expect(first.statusCode).toBe(202);
    expect(JSON.parse(String(first.body))).toMatchObject({ output_file_name: '0.jpg' });
    const second = returned(await service.create({ ...body, sync: 1 }, headers));
    expect(JSON.parse(String(second.body))).toMatchObject({ output_file_name: '0.jpg' });
    expect(service.cloud.creates).toHaveLength(1);
  });

  test('used by two first calls at the same moment makes at most two tasks with one output, and the sweep reports it', async () => {
    const service = new InstallationDouble();
    const event = postEvent(JSON.stringify(body), { headers });
    const answers = await service.functions.invokeBoth('create', [event, event], []);
    expect(answers.map((answer) => returned(answer).statusCode)).toEqual([202, 202]);
    const tasks = service.tasksOf('a.mp4');
    expect(tasks).toHaveLength(2);
    expect(new Set(tasks.map(({ body: { output } }) => output.object)).size).toBe(1);
    // From now on the key stands for one of them.
    const again = returned(await service.create(body, headers));
    expect(JSON.parse(String(again.body)).task_id).toMatch(/^[12]$/);
    expect(service.tasksOf('a.mp4')).toHaveLength(2);
    expect(returned(await service.sweep())).toMatchObject({
      duplicates: [{ task_ids: expect.arrayContaining(['1', '2']) }],
    });
  });
});

describe('the pace', () => {
  const PACE = { MPC_REQUESTS_PER_MINUTE: '1' };
  /** Events come again and sweeps go by until every upload has its task. */
  const deliverUntilStarted = async (service: InstallationDouble, ...records: unknown[]) => {
    for (let round = 0; round < 60; round++) {
      const outcome = await service.deliver(records);
      const told = outcome.kind === 'returned' ? JSON.stringify(outcome.value) : 'failed';
      if (!/failed|deferred/.test(told)) return;
      await service.time.pass(20 * SECOND_MS);
      await service.sweep();
    }
    throw new Error('not started');
  };

  test('counts a call from its end, because a slow call may have arrived late', async () => {
    const service = new InstallationDouble({ userData: PACE });
    await service.deliver([service.upload('a.mp4')], { create: 'slow' });
    const second = service.upload('b.mp4');
    await deliverUntilStarted(service, second);
    const [a = 0, b = 0] = service.cloud.creates.map(({ atMs }) => atMs);
    expect(b - a).toBeGreaterThanOrEqual(MINUTE_MS);
  });

  test.each(['slow', 'late'] as const)(
    'counts an abandoned call until it can no longer arrive (%s)',
    async (fate) => {
      const service = new InstallationDouble({ userData: PACE });
      // The claim is written at the second try, so that the call's time is up before it arrives.
      const fates: Fate[] = [...BEFORE_CREATE.slice(0, -1), 'hang-before', 'ok', fate];
      await service.deliver([service.upload('a.mp4')], fates);
      const second = service.upload('b.mp4');
      await deliverUntilStarted(service, second);
      const times = service.cloud.creates.map(({ atMs }) => atMs).sort((a, b) => a - b);
      const gaps = times.slice(1).map((atMs, index) => atMs - (times[index] ?? 0));
      expect(gaps.length).toBeGreaterThan(0);
      expect(Math.min(...gaps)).toBeGreaterThanOrEqual(MINUTE_MS);
    },
  );

  /** A call of the API takes the instance with it. */
  const endInstance = async (service: InstallationDouble) =>
    expect(
      (await service.create({ input: { bucket: VIDEOS, object: 'api.mp4' } }, {}, { create: 'crash-before' }))
        .kind,
    ).toBe('killed');
  /** Arrivals of the automatic side, in order, ms since the epoch. */
  const arrivals = (service: InstallationDouble) =>
    service.cloud.creates
      .filter(({ accessKey }) => service.functions.nameOf(accessKey) === 'on-upload')
      .map(({ atMs }) => atMs)
      .sort((a, b) => a - b);
  const mostInAMinute = (service: InstallationDouble) =>
    Math.max(
      ...arrivals(service).map(
        (from, _, all) => all.filter((atMs) => atMs >= from && atMs < from + MINUTE_MS).length,
      ),
    );

  test.each<[string, Fate, boolean]>([
    ['goes on', 'reset-late', false],
    ['is taken away', 'reset-late', true],
    ['dies with it', 'crash-late', false],
  ])('counts a call that MPC gets a minute after it left, when the instance %s', async (_, fate, isEnded) => {
    const service = new InstallationDouble({ userData: PACE });
    expect((await service.deliver([service.upload('a.mp4')], { create: fate })).kind).not.toBe('returned');
    if (isEnded) await endInstance(service);
    const second = service.upload('b.mp4');
    await deliverUntilStarted(service, second);
    expect(arrivals(service)).toHaveLength(2);
    expect(mostInAMinute(service)).toBe(1);
  });

  test('counts a call in flight after its instance reserved again and died', async () => {
    const service = new InstallationDouble({ userData: { MPC_REQUESTS_PER_MINUTE: '2' } });
    await service.deliver([service.upload('a.mp4')], { create: 'reset-late' });
    await service.time.pass(20 * SECOND_MS);
    returned(await service.deliver([service.upload('b.mp4')]));
    await endInstance(service);
    await service.time.pass(20 * SECOND_MS);
    const third = service.upload('c.mp4');
    await deliverUntilStarted(service, third);
    expect(arrivals(service)).toHaveLength(3);
    expect(mostInAMinute(service)).toBe(2);
  });

  test('is kept when an abandoned reservation is written late, over later ones', async () => {
    const service = new InstallationDouble({ userData: { MPC_REQUESTS_PER_MINUTE: '20' } });
    const upload = (from: number, count: number) =>
      Array.from({ length: count }, (_, number) => service.upload(`${from + number}.mp4`));
    const first = service.upload('0.mp4');
    // The look-up and the reservation take so long that the invocation ends before OBS has written its third try.
    const slowly: Fate[] = ['ok', 'hang-before', 'ok', 'hang-before', 'hang-before', 'ok', 'ok'];
    const outcome = await service.deliver([first], [...slowly, 'hang-before', 'hang-before', 'slow']);
    expect(outcome.kind).toBe('failed');
    // So long nothing leaves, so that the write can land.
    await service.time.pass(10 * SECOND_MS);
    await service.deliver([first, ...upload(1, 19)]);
    expect(arrivals(service)).toHaveLength(20);
    await service.time.pass(8 * SECOND_MS);
    await endInstance(service);
    const more = upload(20, 10);
    await deliverUntilStarted(service, ...more);
    expect(arrivals(service)).toHaveLength(30);
    expect(mostInAMinute(service)).toBeLessThanOrEqual(20);
  });

  test.each([2, 10, 80])(
    'lets single uploads start in new instances, at %i calls a minute',
    async (limit) => {
      const service = new InstallationDouble({ userData: { MPC_REQUESTS_PER_MINUTE: String(limit) } });
      for (const key of ['a.mp4', 'b.mp4', 'c.mp4', 'd.mp4']) {
        returned(await service.deliver([service.upload(key)]));
        // So long that the instance is taken away.
        await service.time.pass(65 * SECOND_MS);
      }
    },
  );

  test('delays a new instance for calls that were made, not for reserved ones', async () => {
    const service = new InstallationDouble({ userData: { MPC_REQUESTS_PER_MINUTE: '80' } });
    const upload = (from: number, count: number) =>
      Array.from({ length: count }, (_, number) => service.upload(`${from + number}.mp4`));
    returned(await service.deliver(upload(0, 80)));
    await endInstance(service);
    await service.time.pass(62 * SECOND_MS);
    const startedAtMs = service.time.nowMs;
    returned(await service.deliver(upload(80, 70)));
    expect(service.time.nowMs).toBe(startedAtMs);
  });

  test('is kept when an instance dies with a call that left late', async () => {
    const service = new InstallationDouble({ userData: PACE });
    const slowly: Fate[] = [...BEFORE_CREATE.slice(0, -1), 'hang-after', 'ok', 'crash-after'];
    expect((await service.deliver([service.upload('a.mp4')], slowly)).kind).toBe('killed');
    const second = service.upload('b.mp4');
    await deliverUntilStarted(service, second);
    const [a = 0, b = 0] = service.cloud.creates.map(({ atMs }) => atMs);
    expect(b - a).toBeGreaterThanOrEqual(MINUTE_MS);
  });

  test('is not stopped for ever by a reservation that ends in years', async () => {
    const service = new InstallationDouble();
    const lots = [{ calls: 80, until_ms: service.time.nowMs + 1000 * DAY_MS }];
    service.cloud.put(SNAPSHOTS, '.mpc-snapshots/pace.json', JSON.stringify({ lots }));
    const record = service.upload('a.mp4');
    for (let halfMinute = 0; halfMinute < 6; halfMinute++) {
      await service.deliver([record]);
      await service.time.pass(30 * SECOND_MS);
      await service.sweep();
    }
    expect(service.tasksOf('a.mp4')).toHaveLength(1);
  });

  test('is not stopped for ever by a Retry-After of days', async () => {
    const service = new InstallationDouble();
    service.cloud.throttledUntilMs = service.time.nowMs + 10 * DAY_MS;
    const record = service.upload('a.mp4');
    expect(returned(await service.deliver([record]))).toMatchObject({ records: [{ deferred: 'no_turn' }] });
    service.cloud.throttledUntilMs = 0;
    // Often enough for the instance to stay.
    for (let halfMinute = 0; halfMinute < 30; halfMinute++) {
      await service.time.pass(30 * SECOND_MS);
      await service.deliver([record]);
    }
    expect(service.tasksOf('a.mp4')).toHaveLength(1);
  });
});

describe('the sweep', () => {
  test('continues with the next bucket when one cannot be listed', async () => {
    const service = new InstallationDouble();
    service.cloud.buckets.delete(VIDEOS);
    service.upload('a.mp4', 'a', ARCHIVE);
    await service.time.pass(2 * MINUTE_MS);
    expect(returned(await service.sweep())).toMatchObject({ started: 1, failed: 1, complete: true });
    expect(service.tasksOf('a.mp4', ARCHIVE)).toHaveLength(1);
    expect(service.functions.logLines.join('\n')).toMatch(
      /"sweep\.bucket_not_listed".*"bucket":"videos".*"NoSuchBucket"/,
    );
  });

  test('reports a duplicate task later when MPC cannot be asked now', async () => {
    const service = new InstallationDouble();
    const record = service.upload('a.mp4');
    await service.deliver([record]);
    // As if a second instance had read before the first one wrote.
    for (const key of service.cloud.buckets.get(SNAPSHOTS)?.keys() ?? []) {
      if (key.includes('/claims/')) service.cloud.buckets.get(SNAPSHOTS)?.delete(key);
    }
    await service.deliver([record]);
    service.cloud.throttledUntilMs = service.time.nowMs + 30 * MINUTE_MS;
    for (let round = 0; round < 5; round++) {
      await service.time.pass(5 * MINUTE_MS);
      expect(returned(await service.sweep())).toMatchObject({ duplicates: [] });
    }
    service.cloud.throttledUntilMs = 0;
    expect(returned(await service.sweep())).toMatchObject({ duplicates: [{ task_ids: ['2', '1'] }] });
  });

  test('starts no capture of a key that an event would not', async () => {
    const service = new InstallationDouble();
    service.upload('a\n.mp4');
    await service.time.pass(2 * MINUTE_MS);
    expect(returned(await service.sweep())).toMatchObject({ looked_at: 0, started: 0 });
    expect(service.cloud.creates).toHaveLength(0);
  });

  test('starts an upload after the platform has given up on its event', async () => {
    const service = new InstallationDouble();
    const record = service.upload('a.mp4');
    for (let attempt = 0; attempt < 4; attempt++) {
      // Pace and object are looked for side by side, each with three repeats.
      const outcome = await service.deliver([record], Array(8).fill('error-before'));
      expect(outcome.kind).toBe('failed');
    }
    await sweepUntilSettled(service);
    expect(service.tasksOf('a.mp4')).toHaveLength(1);
  });
});

describe('the clean-up', () => {
  const old = async (service: InstallationDouble, count: number) => {
    const records = Array.from({ length: count }, (_, number) => service.upload(`${number}.mp4`));
    for (const record of records) await service.deliver([record]);
    await service.time.pass(2 * 60 * MINUTE_MS);
  };

  test('stops when the quota is used up, and the next run continues', async () => {
    const service = new InstallationDouble();
    await old(service, 6);
    // Lists the tasks, cancels two, and is refused as often as it asks again.
    // The list; for each task its record, word in it, word to the sweep, the call, word again.
    const fates: Fate[] = [...Array<Fate>(14).fill('ok'), ...Array<Fate>(4).fill('throttled')];
    const before = service.cloud.mpcCalls;
    expect(returned(await service.cleanUp({}, fates))).toMatchObject({ seen: 6, cancelled: 2, failed: 4 });
    // The last one looks whether the task was cancelled after all.
    expect(service.cloud.mpcCalls - before).toBe(4);
    expect(returned(await service.cleanUp())).toMatchObject({ seen: 4, cancelled: 4, failed: 0 });
  });

  test('leaves a task of unknown age alone', async () => {
    const service = new InstallationDouble();
    await old(service, 1);
    const handle = service.cloud.handle.bind(service.cloud);
    service.cloud.handle = (request) => {
      const answer = handle(request);
      return { ...answer, body: answer.body.replaceAll(/"create_time":"\d+",/g, '') };
    };
    expect(returned(await service.cleanUp())).toMatchObject({ seen: 0, cancelled: 0 });
  });
});
