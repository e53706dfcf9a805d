import type { Task } from '../../../shared/cloud/mpc';
import { duplicatesReadSince, readTasks, tasksOfClaim } from '../../../shared/tasks/claim-search';
import { AS_THE_LOCAL_CLOUD, CloudDouble } from '../../model/cloud-double';
import { ServicesDouble } from '../services-double';

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const DAY_MS = 24 * 60 * MINUTE_MS;

const services = new ServicesDouble();
let cloud: CloudDouble;
/** A full quarter of an hour. Each test has a day of its own: the module keeps what the others have read. */
let startMs = Date.UTC(2026, 10, 1, 8);
let nowMs: number;

beforeAll(() => services.start());
beforeEach(() => {
  startMs += DAY_MS;
  at(120 * MINUTE_MS);
  jest.spyOn(Date, 'now').mockImplementation(() => nowMs);
  jest.spyOn(process.stdout, 'write').mockReturnValue(true);
  cloud = new CloudDouble([], { ...AS_THE_LOCAL_CLOUD, now: Date.now });
  services.serve(cloud);
  services.calls.splice(0);
});
afterEach(() => void jest.restoreAllMocks());
afterAll(() => services.stop());

/** So long after the full quarter of an hour it is now. */
const at = (ms: number) => {
  nowMs = startMs + ms;
};
const CLAIMED_MS = 7 * MINUTE_MS + 30 * SECOND_MS;
const FROM_MS = 6 * MINUTE_MS;
const UNTIL_MS = 31 * MINUTE_MS + 15 * SECOND_MS;
const WINDOW_MS = UNTIL_MS + 15 * MINUTE_MS;

type Status = CloudDouble['tasks'][number]['status'];
const add = (id: number, atMs: number, claim?: string, status: Status = 'WAITING') =>
  cloud.tasks.push({
    id,
    status,
    createdAtMs: startMs + atMs,
    arrivedAtMs: startMs + atMs,
    accessKey: '',
    body: {
      input: { bucket: 'videos', object: 'a.mp4' },
      output: { bucket: 'snapshots', object: 'a.mp4' },
      ...(claim !== undefined && { user_data: JSON.stringify({ 'mpc-snapshots': { claim } }) }),
    },
  });
/** The windows that were read, from and until so long after the full quarter of an hour, ms. */
const windows = () =>
  services.calls.map((call) =>
    ['start_time', 'end_time'].map((name) => {
      const time = new URL(`http://mpc${call.split(' ')[1]}`).searchParams.get(name) ?? '';
      return Date.parse(time.replace(/(....)(..)(..)(..)(..)(..)/, '$1-$2-$3T$4:$5:$6Z')) - startMs;
    }),
  );
const read = (fromMs: number, untilMs: number, calls = 5, invocation = services.invocation()) =>
  readTasks(startMs + fromMs, startMs + untilMs, untilMs - fromMs, invocation, { calls });
/** Searches for a claim of CLAIMED_MS; times in the result are relative to the full quarter of an hour. */
const search = async (
  claim: string,
  {
    calls = 5,
    fits = (_: Task): boolean => true,
    soughtToMs = undefined as number | undefined,
    windowMs = 0,
  } = {},
) => {
  const invocation = { ...services.invocation(), searches: { calls, last: Promise.resolve() } };
  const progress = {
    sought_to_ms: soughtToMs === undefined ? undefined : startMs + soughtToMs,
    window_ms: windowMs,
  };
  const { tasks, leftMs, rest } = await tasksOfClaim(claim, startMs + CLAIMED_MS, fits, progress, invocation);
  return {
    ids: tasks.map(({ task_id }) => task_id),
    leftMs,
    rest: rest && [(rest.sought_to_ms ?? 0) - startMs, rest.window_ms],
  };
};

describe('the search for the task of a claim', () => {
  test('reads from shortly before the claim until long after it, then what comes before', async () => {
    expect(await search('none')).toEqual({ ids: [], leftMs: 0, rest: undefined });
    expect(windows()).toEqual([
      [FROM_MS, UNTIL_MS],
      [-15 * MINUTE_MS, FROM_MS],
    ]);
  });

  test('ends with the part in which the task is', async () => {
    add(1, 8 * MINUTE_MS, 'mine');
    expect(await search('mine')).toEqual({ ids: ['1'], leftMs: 0, rest: undefined });
    expect(windows()).toHaveLength(1);
  });

  test('passes over tasks that only name the claim', async () => {
    add(1, 8 * MINUTE_MS, 'mine');
    add(2, 8 * MINUTE_MS, 'mine');
    add(3, 8 * MINUTE_MS, 'another');
    const fits = ({ task_id }: Task) => task_id === '2';
    expect(await search('mine', { fits })).toMatchObject({ ids: ['2'] });
  });

  test('does not read what comes before while the call may still arrive', async () => {
    at(CLAIMED_MS + 70 * SECOND_MS);
    expect(await search('none')).toEqual({ ids: [], leftMs: 5 * SECOND_MS, rest: undefined });
    expect(windows()).toEqual([[FROM_MS, UNTIL_MS]]);
    // Read at this very moment, it counts.
    add(1, 8 * MINUTE_MS, 'mine');
    await read(FROM_MS, UNTIL_MS);
    expect(await search('mine')).toMatchObject({ ids: ['1'], leftMs: 5 * SECOND_MS });
    expect(windows()).toHaveLength(2);
  });

  test('says without a call left where the next one goes on', async () => {
    expect(await search('none', { calls: 0 })).toEqual({ ids: [], leftMs: 0, rest: [FROM_MS, WINDOW_MS] });
    const progress = { calls: 1, soughtToMs: 10 * MINUTE_MS, windowMs: MINUTE_MS };
    expect(await search('none', progress)).toMatchObject({ rest: [11 * MINUTE_MS, 2 * MINUTE_MS] });
    expect(windows()).toEqual([[10 * MINUTE_MS, 11 * MINUTE_MS]]);
  });

  test('reads only what no other one has read', async () => {
    await read(10 * MINUTE_MS, 12 * MINUTE_MS);
    await search('none');
    expect(windows().slice(1)).toEqual([
      [FROM_MS, 10 * MINUTE_MS],
      [12 * MINUTE_MS, UNTIL_MS],
      [-15 * MINUTE_MS, FROM_MS],
    ]);
    await search('none');
    expect(windows()).toHaveLength(4);
  });

  test('needs no call for a task that another one has read', async () => {
    add(1, 8 * MINUTE_MS, 'mine');
    await read(7 * MINUTE_MS, 9 * MINUTE_MS);
    await read(20 * MINUTE_MS, 21 * MINUTE_MS);
    expect(await search('mine')).toMatchObject({ ids: ['1'], leftMs: 0 });
    expect(windows()).toHaveLength(2);
  });

  test('does not take a task as it was before the call could no longer arrive', async () => {
    add(1, 8 * MINUTE_MS, 'mine');
    at(9 * MINUTE_MS - 30 * SECOND_MS);
    await read(FROM_MS, UNTIL_MS);
    at(120 * MINUTE_MS);
    expect(await search('mine', { calls: 0 })).toEqual({
      ids: [],
      leftMs: 0,
      rest: [FROM_MS, WINDOW_MS],
    });
  });

  test('begins anew when the instance has read very many parts', async () => {
    add(1, 8 * MINUTE_MS, 'mine');
    await read(FROM_MS, UNTIL_MS);
    const invocation = services.invocation();
    for (let part = 0; part < 201; part++) await read(0, 1, 0, invocation);
    expect(await search('mine', { calls: 0 })).toEqual({ ids: [], leftMs: 0, rest: [FROM_MS, WINDOW_MS] });
  });

  test('goes on after one that failed', async () => {
    const invocation = services.invocation();
    services.answer = () => ({ status: 400, body: '{}' });
    const find = () => tasksOfClaim('mine', startMs + CLAIMED_MS, () => true, {}, invocation);
    const failed = find();
    const next = failed.catch(() => {
      add(1, 8 * MINUTE_MS, 'mine');
      services.serve(cloud);
    });
    await expect(failed).rejects.toMatchObject({ status: 400 });
    await next;
    expect((await find()).tasks).toHaveLength(1);
  });
});

test('several tasks of a claim that were read since a time are duplicates, cancelled ones are not', async () => {
  add(1, MINUTE_MS, 'twice');
  add(2, 2 * MINUTE_MS, 'twice', 'SUCCEEDED');
  add(3, MINUTE_MS, 'once');
  add(4, MINUTE_MS, 'once', 'CANCELED');
  add(5, MINUTE_MS);
  add(6, MINUTE_MS);
  await read(0, 5 * MINUTE_MS);
  // A task at the border of two parts counts once.
  await read(0, MINUTE_MS);
  const duplicates = duplicatesReadSince(nowMs).map(({ claim, task_ids }) => [claim, [...task_ids].sort()]);
  expect(duplicates).toEqual([['twice', ['1', '2']]]);
  expect(duplicatesReadSince(nowMs + 1)).toEqual([]);
});
