import { InstallationDouble, returned, SNAPSHOTS, uploadRecord } from '../../model/installation-double';

const outcome = async (service: InstallationDouble, record: unknown) =>
  (returned(await service.deliver([record])).records as unknown[])[0];

test('an upload starts one task, for pictures in the directory of its own', async () => {
  const service = new InstallationDouble();
  const record = service.upload('a/b.mp4');
  expect(await outcome(service, record)).toMatchObject({ started: '1' });
  expect(service.cloud.tasks[0]?.body).toMatchObject({
    input: { object: 'a/b.mp4' },
    output: { bucket: SNAPSHOTS, object: 'snapshots/a/b.mp4' },
    original_dir: 1,
  });
  expect(await outcome(service, record)).toMatchObject({ skipped: 'already_started', task_id: '1' });
});

test('the same key with another content is another upload', async () => {
  const service = new InstallationDouble();
  await service.deliver([service.upload('a.mp4', 'one')]);
  expect(await outcome(service, service.upload('a.mp4', 'two'))).toMatchObject({ started: '2' });
});

test('an upload that is not to be captured says why, and does not hide the others', async () => {
  const service = new InstallationDouble();
  const records = ['a.txt', 'b.mp4'].map((key) => service.upload(key));
  expect(returned(await service.deliver(records))).toMatchObject({
    records: [{ skipped: 'not_a_video' }, { started: '1' }],
  });
});

test('an event of a deleted video makes no task, whether it has an ETag or not', async () => {
  const service = new InstallationDouble();
  const { etag } = service.cloud.put('videos', 'a.mp4', 'one');
  service.cloud.buckets.get('videos')?.delete('a.mp4');
  for (const known of [etag, ''])
    expect(await outcome(service, uploadRecord('videos', 'a.mp4', known))).toMatchObject({ skipped: 'gone' });
  expect(service.cloud.creates).toHaveLength(0);
});

test('an upload that MPC refuses because its quota is used up keeps its place in line, and is started in the next minute', async () => {
  const service = new InstallationDouble();
  const first = service.upload('a.mp4');
  const deferred = returned(await service.deliver([first], { create: 'throttled' }));
  expect(deferred).toMatchObject({ records: [{ deferred: 'no_turn' }] });
  await service.time.pass(60_000);
  expect(returned(await service.sweep())).toMatchObject({ started: 1, failed: 0 });
  expect(service.tasksOf('a.mp4')).toHaveLength(1);
});
