import type { Task } from '../../../shared/cloud/mpc';
import { claimKey } from '../../../shared/tasks/claim-record';
import {
  isOwnTask,
  isRecordedTask,
  isRecordKey,
  isResultKey,
  keepResult,
  keepResults,
  keptResult,
  ownTasks,
  readResult,
  resultKeyOf,
} from '../../../shared/tasks/results';
import { answered, withTask } from '../../functions/finishing';
import { AS_THE_LOCAL_CLOUD, CloudDouble } from '../../model/cloud-double';
import { SNAPSHOTS, VIDEOS } from '../../model/installation-double';
import { ServicesDouble } from '../services-double';

describe('a task that has ended', () => {
  test.each(['SUCCEEDED', 'FAILED', 'CANCELED'] as const)(
    'as %s is answered by id and by key without MPC, also when MPC has forgotten it',
    async (status) => {
      const service = await withTask();
      service.cloud.end(1, status);
      await service.finish();
      service.cloud.tasks.splice(0);
      const calls = service.cloud.mpcCalls;
      expect(answered(await service.query({}, '1'))).toMatchObject({
        status: 200,
        body: { task_id: '1', status },
      });
      expect(answered(await service.query({ object: 'a.mp4' })).body).toMatchObject({
        task_array: [{ task_id: '1', status }],
      });
      expect(service.cloud.mpcCalls).toBe(calls);
    },
  );

  test('is kept by the read that sees its end first', async () => {
    const service = await withTask();
    service.cloud.end(1);
    await service.query({}, '1');
    const calls = service.cloud.mpcCalls;
    await service.query({}, '1');
    await service.query({ object: 'a.mp4' });
    expect(service.cloud.mpcCalls).toBe(calls);
  });

  test('takes two calls to OBS to be read, by id and by key', async () => {
    const service = await withTask();
    service.cloud.end(1);
    await service.finish();
    const handle = service.cloud.handle.bind(service.cloud);
    let calls = 0;
    service.cloud.handle = (request) => {
      calls++;
      return handle(request);
    };
    await service.query({ format: 'vtt' }, '1');
    expect(calls).toBe(2);
    await service.query({ object: 'a.mp4', bucket: VIDEOS });
    expect(calls).toBe(4);
  });
});

describe('the record of a task', () => {
  const services = new ServicesDouble();
  let cloud: CloudDouble;

  beforeAll(() => services.start());
  beforeEach(() => {
    cloud = new CloudDouble([VIDEOS, SNAPSHOTS], { ...AS_THE_LOCAL_CLOUD, now: Date.now });
    services.serve(cloud);
    services.calls.splice(0);
  });
  afterEach(() => void jest.restoreAllMocks());
  afterAll(() => services.stop());

  const VIDEO = { bucket: VIDEOS, key: 'a.mp4' };
  const keyOf = (name: string) => claimKey(VIDEO, name);
  const put = (key: string, value: unknown) => cloud.put(SNAPSHOTS, key, JSON.stringify(value));
  const record = (name: string, more: object = {}) =>
    put(keyOf(name), { state: 'accepted', claimed_at_ms: 1, task_id: '7', ...more });
  const stored = (key: string) =>
    JSON.parse(cloud.buckets.get(SNAPSHOTS)?.get(key)?.body ?? 'null') as unknown;
  const keys = () => [...(cloud.buckets.get(SNAPSHOTS)?.keys() ?? [])];
  const task = (more: Partial<Task> = {}): Task => ({
    task_id: '7',
    status: 'SUCCEEDED',
    input: { bucket: VIDEOS, object: 'a.mp4' },
    output: { bucket: SNAPSHOTS, object: 'by-hand' },
    user_data: JSON.stringify({ 'mpc-snapshots': { claim: 'c' } }),
    ...more,
  });
  const isRecorded = (one = task()) => isRecordedTask(one, services.invocation());

  test.each([
    ['that of its claim', 'c', {}],
    ['one with its id', '7', {}],
    ['that of a claim whose call was never answered', 'c', { state: 'claimed', task_id: undefined }],
    ['that of a claim of this stage', 'c', { folder: 'snapshots/' }],
  ])('is %s', async (_, name, more) => {
    record(name, more);
    expect(await isRecorded()).toBe(true);
  });

  test.each([
    ['one that names another task', 'c', { task_id: '8' }],
    ['one of a claim that names another task', 'c', { state: 'claimed', task_id: '8' }],
    ['that of a released claim', 'c', { state: 'released', task_id: undefined }],
    ['one that names no task', 'c', { task_id: undefined }],
    ['that of another stage', 'c', { folder: 'others/' }],
    ['one that cannot be read', 'c', { state: 'lost' }],
  ])('is not %s', async (_, name, more) => {
    record(name, more);
    expect(await isRecorded()).toBe(false);
    expect(await isRecorded(task({ user_data: undefined }))).toBe(false);
  });

  test('is that of a later attempt if the first one leads there, and no record leads back to itself', async () => {
    record('c', { state: 'released', task_id: undefined, next: 2 });
    record('c.2');
    await keepResult(task(), services.invocation());
    expect(keys().slice(2)).toEqual([keyOf('c.2.result'), '.mpc-snapshots/tasks/7.json']);
    record('c.2', { state: 'released', task_id: undefined, next: 2 });
    expect(await isRecorded()).toBe(false);
  });

  test('is looked for under its two names only, and never outside the folder of its video', async () => {
    record('c', { task_id: '8' });
    await isRecorded();
    expect(services.calls.map((call) => call.split('?')[0])).toEqual([
      `GET /snapshots/${keyOf('c')}`,
      `GET /snapshots/${keyOf('7')}`,
    ]);
    for (const claim of [undefined, 'a/b', '../c', 'c/..'])
      await isRecorded(task({ user_data: JSON.stringify({ 'mpc-snapshots': { claim } }) }));
    expect(services.calls.slice(2).map((call) => call.split('?')[0])).toEqual(
      Array(4).fill(`GET /snapshots/${keyOf('7')}`),
    );
  });

  test('is not looked for if the task reads no video of this installation', async () => {
    for (const input of [
      { bucket: 'elsewhere', object: 'a.mp4' },
      { object: 'a.mp4' },
      { bucket: VIDEOS },
      undefined,
    ])
      expect(await isRecorded(task({ input }))).toBe(false);
    expect(services.calls).toEqual([]);
  });

  test('gets the result beside it, and a pointer from the id leads there', async () => {
    record('c', { etag: 'e', folder: 'snapshots/' });
    const kept = { task: task(), etag: 'e' };
    expect(await keepResult(task(), services.invocation())).toEqual(kept);
    expect(stored(keyOf('c.result'))).toEqual({ ...kept, folder: 'snapshots/' });
    expect(stored('.mpc-snapshots/tasks/7.json')).toEqual({ result: keyOf('c.result') });
    expect(await keptResult('7', services.invocation())).toEqual(kept);
    expect(await readResult(keyOf('c.result'), services.invocation())).toEqual(kept);
  });

  test('that is missing or of another stage gets no result', async () => {
    expect(await keepResult(task(), services.invocation())).toBeUndefined();
    record('c', { folder: 'others/' });
    expect(await keepResult(task(), services.invocation())).toBeUndefined();
    expect(keys()).toEqual([keyOf('c')]);
  });

  test.each([
    ['is gone', undefined],
    ['holds no task', { etag: 'e' }],
    ['is of another stage', { task: task(), folder: 'others/' }],
  ])('has no result if that %s', async (_, result) => {
    put('.mpc-snapshots/tasks/7.json', { result: keyOf('c.result') });
    if (result) put(keyOf('c.result'), result);
    expect(await keptResult('7', services.invocation())).toBeUndefined();
    expect(await keptResult('8', services.invocation())).toBeUndefined();
  });

  test('decides whose a task outside the stage’s folder is, and only then it is read', async () => {
    const isOwn = (one: Task) => isOwnTask(one, services.invocation());
    const elsewhere = { bucket: 'elsewhere', object: 'a.mp4' };
    expect(await isOwn(task({ input: elsewhere }))).toBe(false);
    expect(await isOwn(task({ output: { bucket: SNAPSHOTS, object: 'snapshots/a.mp4' } }))).toBe(true);
    expect(services.calls).toEqual([]);
    expect(await isOwn(task())).toBe(true);
    record('c', { folder: 'others/' });
    expect(await isOwn(task())).toBe(false);
    record('c', { folder: 'snapshots/' });
    expect(await isOwn(task())).toBe(true);
  });

  test('of each of many tasks is looked at, and the own ones stay in order', async () => {
    const tasks = Array.from({ length: 35 }, (_, number) =>
      task({
        task_id: String(number),
        user_data: undefined,
        output: { bucket: number % 3 === 0 ? 'elsewhere' : SNAPSHOTS, object: 'by-hand' },
      }),
    );
    const own = await ownTasks(tasks, services.invocation());
    expect(own.map(({ task_id }) => Number(task_id))).toEqual(
      tasks.map((_, number) => number).filter((number) => number % 3 > 0),
    );
  });

  test('gets results of ended tasks only, and the log names a task whose result was not kept', async () => {
    for (const id of ['1', '2', '3']) record(id, { task_id: id });
    const [running, ended, failing] = (['PROCESSING', 'FAILED', 'SUCCEEDED'] as const).map((status, index) =>
      task({ task_id: String(index + 1), status, user_data: undefined }),
    );
    if (!running || !ended || !failing) throw new Error('no tasks');
    await keepResults([running, ended], services.invocation());
    expect(keys().slice(3)).toEqual([keyOf('2.result'), '.mpc-snapshots/tasks/2.json']);
    services.answer = () => ({ status: 403, body: '<Error><Code>AccessDenied</Code></Error>' });
    const log = jest.spyOn(process.stdout, 'write').mockReturnValue(true);
    await keepResults([failing], services.invocation());
    expect(JSON.parse(String(log.mock.lastCall?.[0]))).toMatchObject({
      level: 'warn',
      event: 'result.not_kept',
      task_id: '3',
      service_status: 403,
    });
  });

  test.each([
    ['a/b.json', 'a/b.result.json'],
    ['a.json/b.json', 'a.json/b.result.json'],
  ])('with the key %s has its result at %s', (key, expected) => {
    expect(resultKeyOf(key)).toBe(expected);
    expect([key, expected].map(isRecordKey)).toEqual([true, false]);
    expect([key, expected].map(isResultKey)).toEqual([false, true]);
  });

  test.each(['a/b.removed', 'a/b.json.txt'])('and its result are not at the key %s', (key) => {
    expect([isRecordKey(key), isResultKey(key)]).toEqual([false, false]);
  });
});
