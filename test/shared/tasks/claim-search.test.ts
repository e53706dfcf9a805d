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
