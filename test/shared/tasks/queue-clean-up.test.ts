import { FATES, type Fate } from '../../model/functions-double';
import {
  InstallationDouble,
  returned,
  SNAPSHOTS,
  sweepUntilSettled,
  VIDEOS,
} from '../../model/installation-double';

const HOUR_MS = 3_600_000;
const statuses = (service: InstallationDouble) => service.cloud.tasks.map(({ status }) => status);

test('what has waited for longer than the limit is cancelled, what is younger is left alone', async () => {
  const service = new InstallationDouble({ userData: { QUEUE_LIMIT_MINUTES: '60' } });
  await service.deliver([service.upload('old.mp4')]);
  await service.time.pass(HOUR_MS);
  await service.deliver([service.upload('young.mp4')]);
  expect(returned(await service.cleanUp())).toMatchObject({ seen: 1, cancelled: 1 });
  expect(statuses(service)).toEqual(['CANCELED', 'WAITING']);
});

test('a task of somebody else is cancelled only when asked for', async () => {
  const service = new InstallationDouble();
  await service.deliver([service.upload('a.mp4')]);
  const [task] = service.cloud.tasks;
  if (task === undefined) throw new Error('no task');
  const place = { bucket: VIDEOS, location: 'ap-southeast-3', object: 'theirs.mp4' };
  const { user_data: _, ...theirs } = task.body;
  task.body = { ...theirs, input: place, output: { ...place, bucket: SNAPSHOTS } };
  await service.time.pass(24 * HOUR_MS);
  expect(returned(await service.cleanUp())).toMatchObject({ not_ours: 1, cancelled: 0 });
  expect(returned(await service.cleanUp({ include_foreign_tasks: true }))).toMatchObject({ cancelled: 1 });
});

describe('what the clean-up takes out of the queue', () => {
  test('is started again automatically, and what a person cancels is not', async () => {
    const service = new InstallationDouble();
    await service.deliver([service.upload('a.mp4'), service.upload('b.mp4')]);
    await service.functions.invoke('cancel', { httpMethod: 'DELETE', path: '/snapshots/2' });
    await service.time.pass(HOUR_MS);
    expect(returned(await service.cleanUp())).toMatchObject({ cancelled: 1 });
    await sweepUntilSettled(service);
    expect(statuses(service)).toEqual(['CANCELED', 'CANCELED', 'WAITING']);
    expect(service.tasksOf('a.mp4').map(({ id }) => id)).toEqual([1, 3]);
  });

  test.each(FATES.flatMap((fate) => [1, 2, 3, 4, 5, 6].map((call) => [fate, call] as const)))(
    'is started again and never twice: %s at its call %i',
    async (fate, call) => {
      const service = new InstallationDouble();
      await service.deliver([service.upload('a.mp4')]);
      await service.time.pass(HOUR_MS);
      await service.cleanUp({}, [...Array<Fate>(call - 1).fill('ok'), fate]);
      await service.time.pass(2 * 60_000);
      await service.sweep();
      await service.cleanUp();
      await sweepUntilSettled(service);
      expect(statuses(service).sort()).toEqual(['CANCELED', 'WAITING']);
    },
  );

  test('but starts to run in the meantime, keeps its task', async () => {
    const service = new InstallationDouble();
    await service.deliver([service.upload('a.mp4')]);
    await service.time.pass(HOUR_MS);
    await service.cleanUp({}, ['ok', 'ok', 'ok', 'crash-before']);
    service.cloud.end(1);
    await sweepUntilSettled(service);
    expect(statuses(service)).toEqual(['SUCCEEDED']);
  });
});

test.each([5, 10, 30, 80, 200])(
  'no upload of a burst is lost when MPC does %i tasks a minute: what waits too long is started again',
  async (tasksPerMinute) => {
    const service = new InstallationDouble({
      tasksPerMinute,
      userData: { QUEUE_LIMIT_MINUTES: '6', MAX_UNFINISHED_TASKS: '60' },
    });
    const uploads = 150;
    for (let i = 0; i < uploads; i++) service.upload(`${i}.mp4`);
    const captured = () =>
      service.cloud.tasks.flatMap(({ status, body }) => (status === 'SUCCEEDED' ? body.input.object : []));
    let most = 0;
    for (let minute = 0; minute < 200 && captured().length < uploads; minute++) {
      await service.time.pass(60_000);
      await service.sweep();
      if (minute % 10 === 0) await service.cleanUp();
      service.cloud.runTasks();
      const unfinished = service.cloud.tasks.filter(({ status }) => /WAITING|PROCESSING/.test(status));
      most = Math.max(most, unfinished.length);
    }
    expect(new Set(captured()).size).toBe(uploads);
    expect(captured()).toHaveLength(uploads);
    expect(most).toBeLessThanOrEqual(60);
  },
);
