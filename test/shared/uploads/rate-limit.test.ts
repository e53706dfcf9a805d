import type { Invocation } from '../../../shared/installation/invocation';
import { AS_THE_LOCAL_CLOUD, CloudDouble } from '../../model/cloud-double';
import { InstallationDouble, SNAPSHOTS } from '../../model/installation-double';
import { ServicesDouble } from '../services-double';

test('no more calls than the limit reach MPC in any minute, and all of them do in the end', async () => {
  const service = new InstallationDouble({ userData: { MPC_REQUESTS_PER_MINUTE: '3' } });
  const waiting = Array.from({ length: 8 }, (_, number) => service.upload(`${number}.mp4`));
  await service.deliver(waiting);
  for (let run = 0; run < 20; run++) {
    await service.time.pass(20_000);
    await service.sweep();
  }
  const times = service.cloud.creates.map(({ atMs }) => atMs).sort((a, b) => a - b);
  expect(times).toHaveLength(8);
  for (const [index, atMs] of times.slice(3).entries()) {
    expect(atMs - (times[index] ?? 0)).toBeGreaterThanOrEqual(60_000);
  }
});

test('a write of a reservation that arrives after its repetition does not undo the next one', async () => {
  const service = new InstallationDouble({ userData: { MPC_REQUESTS_PER_MINUTE: '3' } });
  const records = Array.from({ length: 5 }, (_, number) => service.upload(`${number}.mp4`));
  await service.deliver(records.slice(0, 1));
  // The first attempt of the reservation's write lands 10 s after it was given up, when it has been repeated.
  await service.deliver(records.slice(1, 3), ['ok', 'ok', 'ok', 'slower']);
  await service.time.pass(10_000);
  // A new instance knows what is written down.
  service.close();
  await service.deliver(records.slice(3));
  for (let run = 0; run < 20; run++) {
    await service.time.pass(20_000);
    await service.sweep();
  }
  const times = service.cloud.creates.map(({ atMs }) => atMs).sort((a, b) => a - b);
  expect(times).toHaveLength(5);
  for (const [index, atMs] of times.slice(3).entries()) {
    expect(atMs - (times[index] ?? 0)).toBeGreaterThanOrEqual(60_000);
  }
});

describe('a permit', () => {
  const START_MS = Date.UTC(2026, 10, 23, 8);
  const PACE = '.mpc-snapshots/pace.json';
  const services = new ServicesDouble();
  let cloud: CloudDouble;

  beforeAll(() => services.start());
  beforeEach(() => {
    jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask'], now: START_MS });
    cloud = new CloudDouble([SNAPSHOTS], { ...AS_THE_LOCAL_CLOUD, now: Date.now });
    services.serve(cloud);
    services.calls.splice(0);
    jest.spyOn(process.stdout, 'write').mockReturnValue(true);
  });
  afterEach(() => {
    jest.useRealTimers();
    jest.restoreAllMocks();
  });
  afterAll(() => services.stop());

  /** A process that knows nothing of others. */
  function newInstance(limit: number, deadlineMs = Number.POSITIVE_INFINITY) {
    let loaded: typeof import('../../../shared/uploads/rate-limit') | undefined;
    jest.isolateModules(() => {
      loaded = require('../../../shared/uploads/rate-limit');
    });
    if (loaded === undefined) throw new Error('not loaded');
    const { acquirePermit, pause } = loaded;
    const invocation: Invocation = {
      ...services.invocation({ MPC_REQUESTS_PER_MINUTE: String(limit), LOG_LEVEL: 'debug' }),
      deadlineMs,
      endMs: deadlineMs,
    };
    const take = (isBehind = false) => acquirePermit(0, false, invocation, isBehind);
    /** How many permits are free now; one more than the limit stands for any number. Their calls were answered at once. */
    const takeAll = async (isBehind = false) => {
      for (let count = 0; count <= limit; count++) {
        const release = await take(isBehind);
        if (release === undefined) return count;
        release();
      }
      return limit + 1;
    };
    const wait = (reserveMs: number) => acquirePermit(reserveMs, true, invocation, false);
    return { take, takeAll, wait, pause };
  }
  const at = (ms: number) => jest.setSystemTime(START_MS + ms);
  const lots = () =>
    JSON.parse(cloud.buckets.get(SNAPSHOTS)?.get(PACE)?.body ?? '{}').lots?.map(
      ({ calls, until_ms }: { calls: number; until_ms: number }) => [calls, until_ms - START_MS],
    );
  const putLots = (...written: [calls: number, untilMs: number][]) => {
    const stored = written.map(([calls, untilMs]) => ({ calls, until_ms: START_MS + untilMs }));
    cloud.put(SNAPSHOTS, PACE, JSON.stringify({ lots: stored }));
  };

  test.each([
    [80, 10],
    [200, 10],
    [20, 3],
    [3, 1],
  ])('of a limit of %i is one of %i that are written down before', async (limit, reserved) => {
    expect(await newInstance(limit).take()).toBeDefined();
    // Ten seconds to use it, and 75 s until its call has arrived or never will.
    expect(lots()).toEqual([[reserved, 85_000]]);
  });

  test('that is not the last of its reservation costs no write, and each reservation says how the ones before ended', async () => {
    const { take } = newInstance(80);
    const releases = await Promise.all(Array.from({ length: 10 }, () => take()));
    expect(services.calls).toHaveLength(2);
    at(1_000);
    for (const release of releases) release?.();
    const unanswered = await take();
    expect(lots()).toEqual([
      [10, 1_000],
      [10, 86_000],
    ]);
    at(10_999);
    await take();
    expect(services.calls).toHaveLength(3);
    at(11_000);
    await take();
    expect(lots()).toEqual([
      [10, 1_000],
      [2, 85_999],
      [10, 96_000],
    ]);
    unanswered?.();
    at(62_000);
    await take();
    expect(lots()[0]).toEqual([2, 85_999]);
  });

  test('is free again a minute after the answer, or after the last moment at which a call without one can arrive', async () => {
    const { take, takeAll } = newInstance(3);
    await take();
    expect(await takeAll()).toBe(2);
    at(60_099);
    expect(await takeAll()).toBe(0);
    at(60_100);
    expect(await takeAll()).toBe(2);
    at(75_000 + 60_099);
    expect(await takeAll()).toBe(2);
    at(75_000 + 60_100);
    expect(await takeAll()).toBe(1);
  });

  test('is waited for if the invocation has the time that its caller needs afterwards', async () => {
    const { takeAll, wait } = newInstance(1, START_MS + 65_100);
    await takeAll();
    expect(await wait(5_001)).toBeUndefined();
    const permit = wait(5_000);
    let isGiven = false;
    void permit.then(() => {
      isGiven = true;
    });
    const settle = () => new Promise((resolve) => setImmediate(resolve));
    await settle();
    await jest.advanceTimersByTimeAsync(60_099);
    await settle();
    expect(isGiven).toBe(false);
    await jest.advanceTimersByTimeAsync(1);
    expect(await permit).toBeDefined();
    const [line] = jest.mocked(process.stdout.write).mock.lastCall ?? [];
    expect(JSON.parse(String(line))).toMatchObject({ event: 'pace.waiting', wait_ms: 60_100 });
  });

  test('that another instance reserved is in use until its call has certainly arrived', async () => {
    await newInstance(1).take();
    const { takeAll } = newInstance(1);
    at(85_000 + 60_999);
    expect(await takeAll()).toBe(0);
    at(85_000 + 61_000);
    expect(await takeAll()).toBe(1);
  });

  test('is given as those of other instances become free, the earliest first', async () => {
    putLots([2, -1_000], [1, -30_000], [1, -61_000]);
    const { takeAll } = newInstance(3);
    expect(await takeAll()).toBe(0);
    at(30_999);
    expect(await takeAll()).toBe(0);
    at(31_000);
    expect(await takeAll()).toBe(1);
    expect(lots()).toEqual([
      [2, -1_000],
      [1, 116_000],
    ]);
    at(59_999);
    expect(await takeAll()).toBe(0);
    at(60_000);
    expect(await takeAll()).toBe(2);
  });

  test('is waited for until the first is free, and not at all if that takes too long', async () => {
    putLots([2, -1_000], [1, -30_000]);
    const permit = newInstance(3, START_MS + 32_000).wait(1_000);
    while (services.calls.length < 1) await new Promise((resolve) => setImmediate(resolve));
    for (let step = 0; step < 31; step++) {
      await new Promise((resolve) => setImmediate(resolve));
      await jest.advanceTimersByTimeAsync(1_000);
    }
    expect(await permit).toBeDefined();
    at(0);
    putLots([5, -1_000], [1, -30_000], [3, 0]);
    expect(await newInstance(3, START_MS + 61_000).wait(1)).toBeUndefined();
  });

  test('is not given while more are in use than the limit, which may have become smaller', async () => {
    putLots([5, -1_000], [1, -30_000], [3, 0]);
    const { takeAll } = newInstance(3);
    at(60_999);
    expect(await takeAll()).toBe(0);
    at(61_000);
    expect(await takeAll()).toBe(3);
  });

  test.each(['{"lots":[', '{}', '{"lots":[{"calls":1}]}'])(
    'is not given while a record such as %s may stand for all of them, and the next instance knows until when',
    async (body) => {
      cloud.put(SNAPSHOTS, PACE, body);
      expect(await newInstance(4).take()).toBeUndefined();
      expect(lots()).toEqual([[4, 85_000]]);
      const { takeAll } = newInstance(4);
      at(85_000 + 60_999);
      expect(await takeAll()).toBe(0);
      at(85_000 + 61_000);
      expect(await takeAll()).toBe(4);
    },
  );

  test('is not kept back for ever by a record from the future', async () => {
    putLots([1, 1_000_000_000]);
    const { takeAll } = newInstance(1);
    expect(await takeAll()).toBe(0);
    at(85_000 + 61_000);
    expect(await takeAll()).toBe(1);
  });

  test('is not given during a pause, which lasts ten minutes at most, and which a shorter one does not end', async () => {
    const { takeAll, pause } = newInstance(1);
    pause(5);
    pause(1);
    at(4_999);
    expect(await takeAll()).toBe(0);
    at(5_000);
    expect(await takeAll()).toBe(1);
    pause(3_600);
    at(604_999);
    expect(await takeAll()).toBe(0);
    at(605_000);
    expect(await takeAll()).toBe(1);
  });

  test('is given ten seconds after a reservation could not be written: OBS may still carry it out', async () => {
    const { take, takeAll } = newInstance(1);
    const { answer } = services;
    services.answer = (request, body) =>
      request.method === 'PUT'
        ? { status: 403, body: '<Error><Code>AccessDenied</Code></Error>' }
        : answer(request, body);
    await expect(take()).rejects.toMatchObject({ service: 'OBS', status: 403 });
    services.answer = answer;
    at(9_999);
    expect(await takeAll()).toBe(0);
    at(10_000);
    expect(await takeAll()).toBe(1);
  });

  test('of the next reservation is given ten seconds after the last one had to be written twice', async () => {
    const { take, takeAll } = newInstance(8);
    await take();
    const { answer } = services;
    let isFirst = true;
    services.answer = (request, body) => {
      if (!isFirst || request.method !== 'PUT') return answer(request, body);
      isFirst = false;
      return { status: 503, body: '' };
    };
    const second = take();
    while (services.calls.length < 3) await new Promise((resolve) => setImmediate(resolve));
    while (services.calls.length < 4) {
      await jest.advanceTimersByTimeAsync(100);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(await second).toBeDefined();
    const writtenMs = Date.now() - START_MS;
    at(writtenMs + 9_000);
    expect(await takeAll()).toBe(0);
    at(writtenMs + 10_000);
    expect(await takeAll()).toBe(6);
  });

  test.each([
    [80, 70],
    [8, 7],
    [3, 3],
  ])('of a limit of %i is one of %i for work behind others', async (limit, most) => {
    const { takeAll } = newInstance(limit);
    expect(await takeAll(true)).toBe(most);
    expect(await takeAll()).toBe(limit - most);
  });
});
