import { type Begun, wasReplacedSince } from '../../../shared/tasks/versions';
import { InstallationDouble, returned, sweepUntilSettled, VIDEOS } from '../../model/installation-double';

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const FAST = [{ waitsMs: SECOND_MS, runsMs: SECOND_MS }];
const pictures = (service: InstallationDouble, directory = 'snapshots/a.mp4') => {
  service.cloud.runTasks();
  const stored = service.cloud.buckets.get('snapshots');
  return [0, 1].map((picture) => stored?.get(`${directory}/${picture}.jpg`)?.body);
};

describe('a version counts as replaced', () => {
  const other: Begun = {
    claim: 'b'.repeat(40),
    etag: 'b',
    state: 'accepted',
    claimed_at_ms: 2,
    isUpload: true,
  };

  test.each<[boolean, string, Partial<Begun>]>([
    [true, 'by another one that was captured later', {}],
    [true, 'by one whose record does not say which it is', { etag: undefined }],
    [false, 'not by one that was captured earlier', { claimed_at_ms: 1 }],
    [false, 'not by one whose capture was given up', { state: 'released' }],
    [false, 'not by another capture of itself', { etag: 'a' }],
    [false, 'not by a task of a caller', { isUpload: false }],
  ])('%s: %s', (is, _, changes) => {
    expect(wasReplacedSince(1, 'a', [{ ...other, ...changes }])).toBe(is);
  });
});

describe('a video that is replaced', () => {
  test('takes the task of its old version out of the queue, and is captured at once', async () => {
    const service = new InstallationDouble();
    await service.deliver([service.upload('a.mp4', 'old')]);
    await service.time.pass(150);
    expect(returned(await service.deliver([service.upload('a.mp4', 'new')]))).toMatchObject({
      records: [{ started: '2' }],
    });
    expect(service.cloud.tasks.map(({ status }) => status)).toEqual(['CANCELED', 'WAITING']);
  });

  test('is not lost when its first version is back, and the answer to its second task fails', async () => {
    const service = new InstallationDouble();
    await service.deliver([service.upload('a.mp4', 'one')]);
    await service.time.pass(SECOND_MS);
    await service.deliver([service.upload('a.mp4', 'two')]);
    await service.time.pass(SECOND_MS);
    const event = service.upload('a.mp4', 'one');
    expect((await service.deliver([event], { create: 'error-before' })).kind).toBe('failed');
    await sweepUntilSettled(service).catch(() => {});
    await sweepUntilSettled(service);
    expect(service.cloud.tasks.map(({ status }) => status)).toEqual(['CANCELED', 'CANCELED', 'WAITING']);
  });

  test('waits for a task of its old version that runs, and ends with its own pictures', async () => {
    const service = new InstallationDouble({ taskTimes: [{ waitsMs: 0, runsMs: 10 * MINUTE_MS }] });
    await service.deliver([service.upload('a.mp4', 'old')]);
    await service.time.pass(150);
    const outcome = await service.deliver([service.upload('a.mp4', 'new')]);
    expect(outcome).toMatchObject({ message: expect.stringContaining('a.mp4 (older_task_at_work)') });
    await sweepUntilSettled(service).catch(() => {});
    await sweepUntilSettled(service);
    await service.time.pass(20 * MINUTE_MS);
    expect(pictures(service)).toEqual(['new', 'new']);
    expect(service.tasksOf('a.mp4')).toHaveLength(2);
  });

  test('waits for a task that a caller created into its directory, and does not cancel it', async () => {
    const service = new InstallationDouble();
    service.upload('a.mp4', 'old');
    await service.create({ input: { bucket: VIDEOS, object: 'a.mp4' } });
    const record = service.upload('a.mp4', 'new');
    expect((await service.deliver([record])).kind).toBe('failed');
    expect(service.cloud.tasks.map(({ status }) => status)).toEqual(['WAITING']);
  });

  test('does not wait for a task that a caller created elsewhere', async () => {
    const service = new InstallationDouble();
    service.upload('a.mp4');
    const output = { bucket: 'snapshots', object: 'by-hand' };
    await service.create({ input: { bucket: VIDEOS, object: 'a.mp4' }, output });
    expect(returned(await service.deliver([service.upload('a.mp4')]))).toMatchObject({
      records: [{ started: '2' }],
    });
  });

  test('by its earlier version is captured again', async () => {
    const service = new InstallationDouble({ taskTimes: FAST });
    const old = service.upload('a.mp4', 'old');
    await service.deliver([old]);
    await service.time.pass(MINUTE_MS);
    await service.deliver([service.upload('a.mp4', 'new')]);
    await service.time.pass(MINUTE_MS);
    expect(pictures(service)).toEqual(['new', 'new']);
    service.upload('a.mp4', 'old');
    expect(returned(await service.deliver([old, old]))).toMatchObject({
      records: [{ started: '3' }, { skipped: 'already_started', task_id: '3' }],
    });
    await service.time.pass(MINUTE_MS);
    expect(pictures(service)).toEqual(['old', 'old']);
    await sweepUntilSettled(service);
    expect(service.tasksOf('a.mp4')).toHaveLength(3);
  });

  test('whose old event comes late is captured in its current version', async () => {
    const service = new InstallationDouble({ taskTimes: FAST });
    const old = service.upload('a.mp4', 'old');
    const now = service.upload('a.mp4', 'new');
    expect(returned(await service.deliver([old, now]))).toMatchObject({
      records: [{ started: '1' }, { skipped: 'already_started', task_id: '1' }],
    });
  });

  test('by the same content long after its capture is not captured again', async () => {
    const service = new InstallationDouble({ taskTimes: FAST });
    await service.deliver([service.upload('a.mp4')]);
    await service.time.pass(120 * MINUTE_MS);
    service.upload('a.mp4');
    await sweepUntilSettled(service);
    expect(service.tasksOf('a.mp4')).toHaveLength(1);
  });
});
