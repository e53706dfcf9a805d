import type { MpcBehaviour } from '../../../local/mpc/behaviour';
import { until } from '../../wait';
import { closeFixtures, MpcFixture, request, syncRequest } from './mpc-fixture';

afterEach(closeFixtures);

const open = (behaviour: Partial<MpcBehaviour> = {}) => MpcFixture.open({ behaviour });

test.each([
  [undefined, 'string'],
  ['string', 'string'],
  ['number', 'number'],
] as const)('idsAs %s: ids are of type %s in every answer', async (idsAs, type) => {
  const fixture = await open({ ...(idsAs && { idsAs }), unknownId: 'NO_TASK' });
  const { body } = await fixture.create(request());
  const sync = await fixture.create(syncRequest());
  const listed = await fixture.list({ task_id: [String(body.task_id), '7'] });
  const ids = [
    body.task_id,
    sync.body.task_id,
    ...listed.body.task_array.map((t: { task_id: unknown }) => t.task_id),
  ];
  expect(ids.map((id) => typeof id)).toEqual(Array(4).fill(type));
});

test.each([
  [{}, '20261123120000'],
  [{ timesAs: 'number' }, 20261123120000],
] as const)('%j: times are %p', async (behaviour, expected) => {
  const fixture = await open(behaviour);
  const task = await fixture.ended(await fixture.accepted(request()));
  expect([task.create_time, task.end_time]).toEqual([expected, expected]);
});

test('the documented list example comes out with ids and times as numbers', async () => {
  const fixture = await open({ idsAs: 'number', timesAs: 'number' });
  const task = await fixture.ended(await fixture.accepted(request({}, { type: 'DOTS', dots: [9, 5] })));
  const { body } = await fixture.list({ task_id: String(task.task_id) });
  expect(body).toEqual({
    task_array: [
      {
        task_id: expect.any(Number),
        status: 'SUCCEEDED',
        create_time: 20261123120000,
        end_time: 20261123120000,
        input: { bucket: 'uploads', location: 'cn-north-4', object: 'movie.mp4' },
        output: { bucket: 'snapshots', location: 'cn-north-4', object: 'out' },
        thumbnail_info: [{ pic_name: '9.jpg' }, { pic_name: '5.jpg' }],
      },
    ],
    is_truncated: 0,
    total: 1,
  });
});

test('pictureOrder shuffled: another order, the same in every answer, with the same pictures', async () => {
  const fixture = await open({ pictureOrder: 'shuffled' });
  const id = await fixture.accepted(request({}, { time: 1 }));
  const names = async () =>
    (await fixture.ended(id)).thumbnail_info.map((p: { pic_name: string }) => p.pic_name);
  const captured = Array.from({ length: 21 }, (_, second) => `${second}.jpg`);
  expect(await names()).not.toEqual(captured);
  expect(await names()).toEqual(await names());
  expect((await names()).toSorted()).toEqual(captured.toSorted());
});

test.each([
  [{}, 'out'],
  [{ outputTrailingSlash: true }, 'out/'],
])('%j: output.object is %s', async (behaviour, expected) => {
  const fixture = await open(behaviour);
  const output = { ...request().output, object: 'out/' };
  const { body } = await fixture.create({ ...syncRequest(), output });
  expect(body.output.object).toBe(expected);
  expect((await fixture.one(body.task_id)).output.object).toBe(expected);
  expect(fixture.keys()).toEqual(['out/2.jpg']);
});

test.each([
  [{}, [1, 1, 0]],
  [{ firstPage: 1 }, [2, 2, 1]],
] as const)('%j: pages 0, 1, 2 of 3 tasks hold %j', async (behaviour, sizes) => {
  const fixture = await open(behaviour);
  for (let i = 0; i < 2 + sizes[2]; i++) await fixture.accepted(request());
  const lengths: number[] = [];
  for (const page of ['0', '1', '2']) {
    const size = sizes[2] === 1 ? '2' : '1';
    lengths.push((await fixture.list({ page, size })).body.task_array.length);
  }
  expect(lengths).toEqual(sizes);
});

test.each([
  [{}, []],
  [{ unknownId: 'NO_TASK' }, [{ task_id: '7', status: 'NO_TASK' }]],
] as const)('%j: an unknown id is answered by %j', async (behaviour, expected) => {
  const fixture = await open(behaviour);
  expect((await fixture.list({ task_id: '7' })).body.task_array).toEqual(expected);
});

test.each([
  [{}, 'FAILED', []],
  [{ dotPastEnd: 'clamped' }, 'SUCCEEDED', [{ pic_name: '1.jpg' }, { pic_name: '21.jpg' }]],
] as const)('%j: a point past the end is %s', async (behaviour, status, pictures) => {
  const fixture = await open(behaviour);
  const task = await fixture.ended(await fixture.accepted(request({}, { type: 'DOTS', dots: [1, 21] })));
  expect([task.status, task.thumbnail_info]).toEqual([status, pictures]);
});

test.each([
  [{}, 'FAILED'],
  [{ dotPastEnd: 'clamped' }, 'SUCCEEDED'],
] as const)('%j: points past the pictures of a file that states more are %s', async (behaviour, status) => {
  const fixture = await open(behaviour);
  await fixture.upload('uploads/cut.mp4', { durationMs: 10_000, lastFrameMs: 3960 });
  const input = { ...request().input, object: 'uploads/cut.mp4' };
  const points = { type: 'DOTS', dots: [1, 7, 10] };
  const task = await fixture.ended(await fixture.accepted(request({ input, thumbnail_para: points })));
  expect(task.status).toBe(status);
  if (status === 'SUCCEEDED') expect(fixture.keys()).toEqual(['out/1.jpg', 'out/10.jpg', 'out/7.jpg']);
});

test.each([
  [{}, 'source'],
  [{ sizeWithoutRule: 480 }, { maxLength: 480 }],
] as const)('%j: a request without a size gives pictures of %j', async (behaviour, size) => {
  const fixture = await open(behaviour);
  await fixture.create(syncRequest());
  expect(JSON.parse(fixture.object('out/2.jpg').toString()).size).toEqual(size);
});

test.each([
  [{}, 96, 202],
  [{}, 95, 400],
  [{ smallestSidePx: 97 }, 96, 400],
  [{ smallestSidePx: 97 }, 97, 202],
  [{ smallestSidePx: 1 }, 64, 202],
] as const)('%j: a width of %d px is answered by %d', async (behaviour, width, status) => {
  const fixture = await open(behaviour);
  expect((await fixture.create(request({}, { width, height: width }))).status).toBe(status);
});

test.each([
  [{}, 403],
  [{ unknownTaskStatus: 400 }, 400],
] as const)('%j: cancelling an unknown task is answered by %d', async (behaviour, status) => {
  const fixture = await open(behaviour);
  const answer = await fixture.cancel('7');
  expect([answer.status, answer.body.error_code]).toEqual([status, 'MPC.10211']);
});

test.each([
  [{}, 'MPC.10212'],
  [{ lateCancel: 'MPC.10202' }, 'MPC.10202'],
] as const)('%j: a cancel that comes too late is answered by %s', async (behaviour, code) => {
  const fixture = await open(behaviour);
  const id = await fixture.accepted(request());
  await fixture.ended(id);
  const answer = await fixture.cancel(id);
  expect([answer.status, answer.body.error_code]).toEqual([400, code]);
});

test('syncTaskId false: the answer to a synchronous request names no task', async () => {
  const fixture = await open({ syncTaskId: false });
  const { status, body } = await fixture.create(syncRequest());
  expect(status).toBe(202);
  expect(body).toEqual({
    status: 'SUCCEEDED',
    output: { bucket: 'snapshots', location: 'cn-north-4', object: 'out' },
    output_file_name: '2.jpg',
    thumbnail_time: '2',
  });
});

describe('syncFailure', () => {
  const cases: [string, string, object, number, string][] = [
    ['a damaged file', 'not a video', {}, 406, 'MPC.10063'],
    ['no video stream', '{"audioOnly":true}', {}, 406, 'MPC.10067'],
    ['a point behind the end', '{"durationMs":1000}', {}, 400, 'MPC.10202'],
  ];

  test.each(cases)('description: %s is answered by 202 and the reason', async (_, content) => {
    const fixture = await open();
    await fixture.upload('in.mp4', content);
    const answer = await fixture.create({
      ...syncRequest(),
      input: { ...request().input, object: 'in.mp4' },
    });
    expect(answer.status).toBe(202);
    expect(answer.body).toMatchObject({ status: 'FAILED', description: expect.stringMatching(/./) });
    expect(answer.body.output_file_name).toBeUndefined();
  });

  test.each(cases)('error: %s is answered by an error', async (_, content, __, status, code) => {
    const fixture = await open({ syncFailure: 'error' });
    await fixture.upload('in.mp4', content);
    const answer = await fixture.create({
      ...syncRequest(),
      input: { ...request().input, object: 'in.mp4' },
    });
    expect([answer.status, answer.body.error_code]).toEqual([status, code]);
  });
});

describe('queueDelayMs', () => {
  test('keeps a task cancellable for that long', async () => {
    const fixture = await open({ queueDelayMs: 3_600_000 });
    const id = await fixture.accepted(request());
    expect((await fixture.one(id)).status).toBe('WAITING');
    expect((await fixture.cancel(id)).status).toBe(204);
  });

  test('ends at some time', async () => {
    const fixture = await open({ queueDelayMs: 50 });
    const states: string[] = [];
    fixture.mpc.tasks.onChange(({ status }) => states.push(status));
    const id = await fixture.accepted(request());
    expect(states).toEqual(['WAITING']);
    await until(() => states.includes('SUCCEEDED'));
    expect((await fixture.one(id)).status).toBe('SUCCEEDED');
  });

  test('counts from the creation, also over a restart', async () => {
    const fixture = await open();
    await fixture.mpc.close();
    const directory = `${fixture.directory}/mpc`;
    await fixture.start({ directory, behaviour: { queueDelayMs: 60_000 } });
    const id = await fixture.accepted(request());
    await fixture.mpc.close();
    fixture.nowMs += 60_000;
    await fixture.start({ directory, behaviour: { queueDelayMs: 60_000 } });
    expect((await fixture.ended(id)).status).toBe('SUCCEEDED');
  });
});

describe('tasksPerMinute', () => {
  test('starts the first task at once and keeps the second one waiting', async () => {
    const fixture = await open({ tasksPerMinute: 1 });
    const [first, second] = [await fixture.accepted(request()), await fixture.accepted(request())];
    expect((await fixture.ended(first)).status).toBe('SUCCEEDED');
    expect((await fixture.one(second)).status).toBe('WAITING');
    expect((await fixture.cancel(second)).status).toBe(204);
  });

  test('starts the next task when its time has come', async () => {
    const fixture = await open({ tasksPerMinute: 600 });
    const ids = [await fixture.accepted(request()), await fixture.accepted(request())];
    for (const id of ids) expect((await fixture.ended(id)).status).toBe('SUCCEEDED');
  });
});

describe('picturesPerSecond', () => {
  test('delays pictures, and loses none', async () => {
    const fixture = await open({ picturesPerSecond: 100 });
    const fast = await open();
    const [slowTask, fastTask] = [
      await fixture.ended(await fixture.accepted(request())),
      await fast.ended(await fast.accepted(request())),
    ];
    expect(slowTask.thumbnail_info).toEqual(fastTask.thumbnail_info);
  });
});
