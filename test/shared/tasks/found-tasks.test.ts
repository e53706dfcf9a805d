import { forgetFound, listFound, noteFound } from '../../../shared/tasks/found-tasks';
import { filesIn, linesOf, MINUTE_MS, NOTIFIED, receive } from '../../functions/finishing';
import { AS_THE_LOCAL_CLOUD, CloudDouble } from '../../model/cloud-double';
import type { Fates } from '../../model/functions-double';
import { InstallationDouble, SNAPSHOTS, VIDEOS } from '../../model/installation-double';
import { ServicesDouble } from '../services-double';

const create = (service: InstallationDouble, headers: Record<string, string>, fates: Fates = []) =>
  service.create({ input: { bucket: VIDEOS, object: 'api.mp4' } }, headers, fates);

/** A task whose caller got no answer. It ends before the caller asks again, `laterMs` after the first call. */
async function foundLate(laterMs: number): Promise<InstallationDouble> {
  const service = new InstallationDouble({ userData: NOTIFIED });
  const headers = { 'idempotency-key': 'k' };
  await create(service, headers, { create: 'reset-after' });
  service.cloud.end(1);
  await service.notify('1');
  for (let passedMs = 0; passedMs < laterMs; passedMs += MINUTE_MS) {
    await service.time.pass(MINUTE_MS);
    await service.finish();
  }
  await create(service, headers);
  return service;
}

test.each([3, 30, 600])(
  'a task that is found %i min after it was made is finished and notified once',
  async (minutes) => {
    const service = await foundLate(minutes * MINUTE_MS);
    const received = receive(service, 204);
    for (let run = 0; run < 3; run++) {
      await service.time.pass(MINUTE_MS);
      await service.finish();
    }
    expect(service.cloud.tasks).toHaveLength(1);
    expect(received).toHaveLength(1);
    expect(linesOf(service, 'task.finished')).toHaveLength(1);
    expect(filesIn(service, 'snapshots/api.mp4')).toContain('snapshots.json');
    expect(filesIn(service, '.mpc-snapshots/found')).toEqual([]);
  },
);

test('tasks that were found late are noted in a folder of their own until they are forgotten', async () => {
  const services = new ServicesDouble();
  await services.start();
  try {
    const cloud = new CloudDouble([SNAPSHOTS], { ...AS_THE_LOCAL_CLOUD, now: Date.now });
    services.serve(cloud);
    cloud.put(SNAPSHOTS, '.mpc-snapshots/pace.json', '{}');
    for (const id of ['7', '8']) await noteFound(id, services.invocation());
    const { lastModifiedMs } = cloud.buckets.get(SNAPSHOTS)?.get('.mpc-snapshots/found/7.json') ?? {};
    const listed = await listFound(services.invocation());
    expect(listed.map(({ taskId }) => taskId)).toEqual(['7', '8']);
    expect(listed[0]?.notedMs).toBe(lastModifiedMs);
    await forgetFound('7', services.invocation());
    expect((await listFound(services.invocation())).map(({ taskId }) => taskId)).toEqual(['8']);
  } finally {
    services.stop();
  }
});
