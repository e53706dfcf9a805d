import { ARCHIVE, InstallationDouble, returned } from '../../model/installation-double';

const MINUTE_MS = 60_000;

test('uploads whose event was lost are started, in every bucket, and only once', async () => {
  const service = new InstallationDouble();
  service.upload('a.mp4');
  service.upload('b.mp4', 'b', ARCHIVE);
  service.upload('c.txt');
  await service.time.pass(2 * MINUTE_MS);
  expect(returned(await service.sweep())).toMatchObject({ looked_at: 2, started: 2, complete: true });
  expect(returned(await service.sweep())).toMatchObject({ started: 0, already_started: 2 });
});

test('an upload whose event is probably on its way is left to it', async () => {
  const service = new InstallationDouble();
  service.upload('a.mp4');
  await service.time.pass(MINUTE_MS / 2);
  expect(returned(await service.sweep())).toMatchObject({ started: 0 });
});

test('a dry run says what it would start and starts nothing', async () => {
  const service = new InstallationDouble();
  service.upload('a.mp4');
  await service.time.pass(2 * MINUTE_MS);
  const report = returned(await service.sweep({ dry_run: true }));
  expect(JSON.stringify(report.would_start)).toContain('a.mp4');
  expect(service.cloud.creates).toHaveLength(0);
});
