import { InstallationDouble, returned, SNAPSHOTS, VIDEOS } from '../../model/installation-double';

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
