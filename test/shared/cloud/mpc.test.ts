import {
  cancelTask,
  createTask,
  listTasks,
  mpcTime,
  tasksMatching,
  timeOfMpc,
} from '../../../shared/cloud/mpc';
import { ServicesDouble } from '../services-double';

const services = new ServicesDouble();
beforeAll(() => services.start());
afterAll(() => services.stop());
beforeEach(() => {
  services.calls.length = 0;
  jest.spyOn(process.stdout, 'write').mockReturnValue(true);
});
afterEach(() => void jest.restoreAllMocks());

const listOf = (tasks: object[], truncated = false) => ({
  body: JSON.stringify({ task_array: tasks, is_truncated: truncated ? 1 : 0, total: tasks.length }),
});

test('ids and times are strings, however MPC prints them, and unknown fields are passed on', async () => {
  services.answer = () =>
    listOf([{ task_id: 7, status: 'WAITING', create_time: 20261123000000, new: { a: 1 } }]);
  const { tasks } = await listTasks([], services.invocation());
  expect(tasks).toEqual([{ task_id: '7', status: 'WAITING', create_time: '20261123000000', new: { a: 1 } }]);
});

test('an id that MPC does not know is left out', async () => {
  services.answer = () => listOf([{ task_id: '7', status: 'NO_TASK' }]);
  expect((await listTasks([['task_id', '7']], services.invocation())).tasks).toEqual([]);
});

test.each([0, 1])('all pages are read, the first one being %i', async (first) => {
  const pages = [['1'], ['2'], ['3']].map((ids) => ids.map((task_id) => ({ task_id, status: 'WAITING' })));
  services.answer = ({ url = '' }) => {
    const page = Math.max(Number(/page=(\d+)/.exec(url)?.[1]) - first, 0);
    return listOf(pages[page] ?? [], page < pages.length - 1);
  };
  const budget = { calls: 10 };
  const { tasks } = await tasksMatching([['status', 'WAITING']], services.invocation(), budget);
  expect(tasks.map(({ task_id }) => task_id)).toEqual(['1', '2', '3']);
});

test('a refusal names its code and no secret', async () => {
  services.answer = () => ({
    status: 401,
    headers: { 'x-request-id': 'r1' },
    body: JSON.stringify({ error_code: 'APIGW.0301', error_msg: 'ak TEMPORARYACCESSKEY not exist' }),
  });
  await expect(listTasks([], services.invocation())).rejects.toMatchObject({
    service: 'MPC',
    status: 401,
    code: 'APIGW.0301',
    message: 'ak *** not exist',
    requestId: 'r1',
  });
});

test('an answer of unknown form counts as no answer, and the task may exist', async () => {
  services.answer = () => ({ status: 202, body: '[]x' });
  const place = { bucket: 'videos', location: 'ap-southeast-3', object: 'a.mp4' };
  const body = { input: place, output: { ...place, object: 'out' }, thumbnail_para: {} };
  await expect(createTask(body, services.invocation())).rejects.toMatchObject({ mayHaveArrived: true });
  expect(services.calls).toHaveLength(1);
});

test('a task whose first cancellation lost its answer counts as cancelled', async () => {
  services.answer = ({ method }) => {
    if (method === 'GET') return listOf([{ task_id: '7', status: 'CANCELED' }]);
    if (services.calls.length === 1) return { status: 500 };
    return { status: 400, body: JSON.stringify({ error_code: 'MPC.10212', error_msg: 'no' }) };
  };
  await cancelTask('7', services.invocation());
  expect(services.calls.map((call) => call.split(' ')[0])).toEqual(['DELETE', 'DELETE', 'GET']);
});

test('the log has how often MPC was called, and nothing of a call that came too late to leave', async () => {
  const logged = () =>
    jest.mocked(process.stdout.write).mock.calls.flatMap(([line]) => {
      const { event, operation, status, attempts } = JSON.parse(String(line));
      return event === 'mpc.called' ? [{ operation, status, attempts }] : [];
    });
  services.answer = () => (services.calls.length === 1 ? { status: 500 } : listOf([]));
  await listTasks([], services.invocation());
  await expect(listTasks([], { ...services.invocation(), deadlineMs: Date.now() })).rejects.toThrow('MPC');
  expect(services.calls).toHaveLength(2);
  expect(logged()).toEqual([{ operation: 'list', status: 200, attempts: 2 }]);
});

test('times are printed as MPC prints them', () => {
  expect(mpcTime(Date.UTC(2026, 10, 3, 4, 5, 6, 789))).toBe('20261103040506');
});

test.each([
  ['20261123192025', Date.UTC(2026, 10, 23, 19, 20, 25)],
  ['20261332000000', undefined],
  ['2026', undefined],
  ['', undefined],
  [undefined, undefined],
])('the time %j of MPC is %j', (time, timeMs) => {
  expect(timeOfMpc(time)).toBe(timeMs);
});
