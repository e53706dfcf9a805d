import { InstallationDouble, returned, VIDEOS } from '../../model/installation-double';

const MINUTE_MS = 60_000;

function installation(userData: Record<string, string> = {}): InstallationDouble {
  return new InstallationDouble({ userData: { MAX_UNFINISHED_TASKS: '8', ...userData } });
}

test('nothing is started while MPC has the maximum of unfinished tasks, and everything once MPC has worked', async () => {
  const service = installation();
  for (let i = 0; i < 20; i++) service.upload(`${i}.mp4`);
  for (let run = 0; run < 4; run++) {
    await service.time.pass(5 * MINUTE_MS);
    await service.sweep();
    expect(service.cloud.tasks).toHaveLength(8);
  }
  for (const { id } of service.cloud.tasks.slice(0, 5)) service.cloud.end(id);
  await service.time.pass(5 * MINUTE_MS);
  await service.sweep();
  expect(service.cloud.tasks).toHaveLength(13);
  for (const { id } of service.cloud.tasks) service.cloud.end(id);
  await service.time.pass(5 * MINUTE_MS);
  await service.sweep();
  expect(service.cloud.tasks).toHaveLength(20);
});

test('tasks of somebody else delay nothing', async () => {
  const service = installation();
  for (let i = 0; i < 8; i++) {
    await service.deliver([service.upload(`${i}.mp4`)]);
    const body = service.cloud.tasks.at(-1)?.body;
    if (body !== undefined) {
      body.input = { ...body.input, bucket: 'theirs' };
      delete body.user_data;
    }
  }
  await service.time.pass(2 * MINUTE_MS);
  expect(returned(await service.deliver([service.upload('ours.mp4')]))).toMatchObject({
    records: [{ started: '9' }],
  });
});

test.each([{}, { user_data: 'mine' }])(
  'tasks of callers delay no upload, with or without an Idempotency-Key: %j',
  async (more) => {
    const service = installation();
    for (let i = 0; i < 10; i++) {
      const body = {
        input: { bucket: VIDEOS, location: 'ap-southeast-3', object: `${i}.mp4` },
        thumbnail_para: { type: 'DOTS', dots: [1] },
        ...more,
      };
      await service.create(body, i % 2 === 0 ? { 'idempotency-key': String(i) } : {});
    }
    expect(service.cloud.tasks).toHaveLength(10);
    for (let i = 0; i < 8; i++) {
      await service.sweep();
      await service.deliver([service.upload(`upload-${i}.mp4`)]);
      await service.time.pass(MINUTE_MS);
      expect(service.cloud.tasks).toHaveLength(11 + i);
    }
    await service.sweep();
    expect(returned(await service.deliver([service.upload('too many.mp4')]))).toMatchObject({
      records: [{ deferred: 'mpc_is_full' }],
    });
  },
);

test('a single upload asks MPC for nothing but its task', async () => {
  const service = installation();
  await service.deliver([service.upload('a.mp4')]);
  expect(service.cloud.mpcCalls).toBe(1);
});
