import { closeFixtures, MpcFixture, request } from './mpc-fixture';

afterEach(closeFixtures);

/** Five tasks, one a minute from 12:00:00; the queue stands still. */
async function fiveTasks(): Promise<{ fixture: MpcFixture; ids: string[] }> {
  const fixture = await MpcFixture.open({ parallelTasks: 0 });
  const ids: string[] = [];
  for (let i = 0; i < 5; i++) {
    ids.push(await fixture.accepted(request()));
    fixture.nowMs += 60_000;
  }
  return { fixture, ids };
}

async function idsOf(fixture: MpcFixture, query: Record<string, string | string[]>): Promise<string[]> {
  const { status, body } = await fixture.list(query);
  expect(status).toBe(200);
  return body.task_array.map(({ task_id }: { task_id: string }) => task_id);
}

describe('by id', () => {
  test('finds the tasks whose ids are repeated in the query, in that order', async () => {
    const { fixture, ids } = await fiveTasks();
    const query = { task_id: [ids[3]!, ids[0]!] };
    const { body } = await fixture.list(query);
    expect(body).toMatchObject({ is_truncated: 0, total: 2 });
    expect(await idsOf(fixture, query)).toEqual([ids[3], ids[0]]);
  });

  test('a comma does not separate ids', async () => {
    const { fixture } = await fiveTasks();
    expect(await idsOf(fixture, { task_id: '100,101' })).toEqual([]);
  });

  test('ignores times and pages, even wrong ones', async () => {
    const { fixture, ids } = await fiveTasks();
    const ignored = { start_time: 'soon', end_time: '20000101000000', page: '7', size: '1000' };
    expect(await idsOf(fixture, { task_id: ids.slice(0, 2), ...ignored })).toEqual(ids.slice(0, 2));
  });

  test('a status still filters', async () => {
    const { fixture, ids } = await fiveTasks();
    await fixture.cancel(ids[0]!);
    expect(await idsOf(fixture, { task_id: ids.slice(0, 2), status: 'CANCELED' })).toEqual([ids[0]]);
  });

  test('an id that is given twice is answered once', async () => {
    const { fixture, ids } = await fiveTasks();
    expect(await idsOf(fixture, { task_id: [ids[0]!, ids[0]!] })).toEqual([ids[0]]);
  });

  test('ten ids are accepted, and eleven are not', async () => {
    const { fixture } = await fiveTasks();
    const ids = (count: number) => Array.from({ length: count }, (_, i) => String(i + 1));
    expect(await idsOf(fixture, { task_id: ids(10) })).toEqual([]);
    expect((await fixture.list({ task_id: ids(11) })).body.error_code).toBe('MPC.10202');
  });
});

describe('by page', () => {
  test('the default is the first ten, newest first', async () => {
    const { fixture, ids } = await fiveTasks();
    const { body } = await fixture.list();
    expect(body).toMatchObject({ is_truncated: 0, total: 5 });
    expect(await idsOf(fixture, {})).toEqual(ids.toReversed());
    for (let i = 0; i < 6; i++) await fixture.accepted(request());
    const more = await fixture.list();
    expect(more.body).toMatchObject({ is_truncated: 1, total: 11 });
    expect(more.body.task_array).toHaveLength(10);
  });

  test('pages follow each other, and is_truncated says whether there are more', async () => {
    const { fixture, ids } = await fiveTasks();
    const pages: [string[], number][] = [];
    for (const page of ['0', '1', '2', '3']) {
      const query = { page, size: '2' };
      pages.push([await idsOf(fixture, query), (await fixture.list(query)).body.is_truncated]);
    }
    expect(pages).toEqual([
      [[ids[4], ids[3]], 1],
      [[ids[2], ids[1]], 1],
      [[ids[0]], 0],
      [[], 0],
    ]);
  });

  test('a full last page is not truncated', async () => {
    const { fixture } = await fiveTasks();
    expect((await fixture.list({ size: '5' })).body.is_truncated).toBe(0);
  });

  test('no tasks give an empty list', async () => {
    const fixture = await MpcFixture.open();
    expect((await fixture.list()).body).toEqual({ task_array: [], is_truncated: 0, total: 0 });
  });
});

describe('by status and time', () => {
  test('a status selects its tasks', async () => {
    const { fixture, ids } = await fiveTasks();
    await fixture.cancel(ids[1]!);
    expect(await idsOf(fixture, { status: 'CANCELED' })).toEqual([ids[1]]);
    expect(await idsOf(fixture, { status: 'FAILED' })).toEqual([]);
  });

  test('times are UTC, compared with the creation, both ends included', async () => {
    const { fixture, ids } = await fiveTasks();
    const window = { start_time: '20261123120100', end_time: '20261123120300' };
    expect(await idsOf(fixture, window)).toEqual([ids[3], ids[2], ids[1]]);
    expect(await idsOf(fixture, { start_time: '20261123120301' })).toEqual([ids[4]]);
    expect(await idsOf(fixture, { end_time: '20261123115959' })).toEqual([]);
  });

  test('a fraction of a second does not hide a task from its own create_time', async () => {
    const fixture = await MpcFixture.open();
    fixture.nowMs += 700;
    const id = await fixture.accepted(request());
    const time = (await fixture.one(id)).create_time;
    expect(await idsOf(fixture, { start_time: time, end_time: time })).toEqual([id]);
  });
});

test.each<Record<string, string>>([
  { status: 'NO_TASK' },
  { status: 'succeeded' },
  { start_time: '2026-11-23' },
  { start_time: '20261323000000' },
  { end_time: '20260230000000' },
  { page: '-1' },
  { page: '50001' },
  { page: 'one' },
  { size: '0' },
  { size: '101' },
  { size: '' },
])('%j is refused with MPC.10202', async (query) => {
  const fixture = await MpcFixture.open();
  const answer = await fixture.list(query);
  expect(answer.status).toBe(400);
  expect(answer.body.error_code).toBe('MPC.10202');
  expect(fixture.log.at(-1)!.detail).toContain(Object.keys(query)[0]);
});
