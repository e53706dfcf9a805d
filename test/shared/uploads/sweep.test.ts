import { ARCHIVE, InstallationDouble, returned, VIDEOS } from '../../model/installation-double';

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

test('an upload is left to its event for 20 seconds', async () => {
  const service = new InstallationDouble();
  service.upload('a.mp4');
  await service.time.pass(19_000);
  expect(returned(await service.sweep())).toMatchObject({ started: 0 });
  await service.time.pass(2_000);
  expect(returned(await service.sweep())).toMatchObject({ started: 1 });
});

test('a dry run says what it would start and starts nothing', async () => {
  const service = new InstallationDouble();
  service.upload('a.mp4');
  await service.time.pass(2 * MINUTE_MS);
  const report = returned(await service.sweep({ dry_run: true }));
  expect(JSON.stringify(report.would_start)).toContain('a.mp4');
  expect(service.cloud.creates).toHaveLength(0);
});

describe('an upload that has not changed since the last clean pass', () => {
  const HOUR_MS = 60 * MINUTE_MS;
  const settled = async () => {
    const service = new InstallationDouble();
    for (let number = 0; number < 40; number++) await service.deliver([service.upload(`${number}.mp4`)]);
    await service.time.pass(2 * MINUTE_MS);
    expect(returned(await service.sweep())).toMatchObject({ already_started: 40, complete: true });
    await service.time.pass(2 * HOUR_MS);
    await service.sweep();
    return service;
  };

  test('is not read again, and a lost event is still found', async () => {
    const service = await settled();
    await service.time.pass(MINUTE_MS);
    expect(returned(await service.sweep())).toMatchObject({ looked_at: 0, complete: true });
    service.upload('lost.mp4');
    await service.time.pass(2 * MINUTE_MS);
    expect(returned(await service.sweep())).toMatchObject({ looked_at: 1, started: 1, complete: true });
  });

  test('is read when a person asks for a whole pass', async () => {
    const service = await settled();
    expect(returned(await service.sweep({ whole: true }))).toMatchObject({ already_started: 40 });
    expect(returned(await service.sweep())).toMatchObject({ already_started: 0 });
  });

  test('is read when the settings of captures change', async () => {
    const service = await settled();
    const stored = service.cloud.buckets.get('snapshots')?.get('.mpc-snapshots/sweep.json');
    service.cloud.put(
      'snapshots',
      '.mpc-snapshots/sweep.json',
      JSON.stringify({ ...JSON.parse(stored?.body ?? '{}'), settings: 'others' }),
    );
    expect(returned(await service.sweep())).toMatchObject({ already_started: 40 });
  });

  test('is read once a week, a part in every pass', async () => {
    const service = await settled();
    let most = 0;
    let sum = 0;
    for (let hours = 0; hours < 7 * 24; hours += 6) {
      await service.time.pass(6 * HOUR_MS);
      const { already_started } = returned(await service.sweep());
      most = Math.max(most, Number(already_started));
      sum += Number(already_started);
    }
    expect(sum).toBeGreaterThanOrEqual(40);
    expect(sum).toBeLessThanOrEqual(42);
    expect(most).toBeLessThan(10);
  });

  test('a bucket that could not be listed is read again from where it was clean', async () => {
    const service = await settled();
    service.upload('lost.mp4');
    const videos = service.cloud.buckets.get(VIDEOS);
    if (videos === undefined) throw new Error('no bucket');
    service.cloud.buckets.delete(VIDEOS);
    for (let hours = 0; hours < 4; hours++) {
      await service.time.pass(HOUR_MS);
      expect(returned(await service.sweep())).toMatchObject({ failed: 1, started: 0 });
    }
    service.cloud.buckets.set(VIDEOS, videos);
    await service.sweep();
    expect(service.tasksOf('lost.mp4')).toHaveLength(1);
  });
});
