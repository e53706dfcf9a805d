import {
  ARCHIVE,
  InstallationDouble,
  returned,
  sweepUntilSettled,
  VIDEOS,
} from '../model/installation-double';

const MINUTE_MS = 60_000;

test('the sweep starts uploads from before the installation, more than one listing holds: one task each, over several runs', async () => {
  const service = new InstallationDouble({
    userData: { MPC_REQUESTS_PER_MINUTE: '500', MAX_UNFINISHED_TASKS: '10000' },
  });
  for (let number = 0; number < 1300; number++) {
    service.upload(`old/${String(number).padStart(4, '0')}.mp4`, 'x', number % 10 > 0 ? VIDEOS : ARCHIVE);
  }
  const startedAtMs = service.time.nowMs;
  await service.time.pass(2 * MINUTE_MS);
  const first = returned(await service.sweep());
  expect(first).toMatchObject({ started: 500, complete: false });
  expect(service.time.nowMs - startedAtMs).toBeLessThanOrEqual(3 * MINUTE_MS);
  await sweepUntilSettled(service);
  expect(service.cloud.tasks).toHaveLength(1300);
  expect(
    new Set(service.cloud.tasks.map(({ body }) => `${body.input.bucket}/${body.input.object}`)).size,
  ).toBe(1300);
});

test('the clean-up handles part of a queue that is longer than it can list', async () => {
  const service = new InstallationDouble({ userData: { MAX_UNFINISHED_TASKS: '10000' } });
  await service.deliver([service.upload('a.mp4')]);
  await service.time.pass(120 * MINUTE_MS);
  const [task] = service.cloud.tasks;
  if (task === undefined) throw new Error('no task');
  for (let id = 2; id <= 10_100; id++) service.cloud.tasks.push({ ...task, id });
  const report = returned(await service.cleanUp());
  expect(Number(report.cancelled)).toBeGreaterThan(0);
});
