import { DELETE, MINUTE_MS } from '../../functions/finishing';
import type { StoredObject } from '../../model/cloud-double';
import { InstallationDouble, removalRecord, VIDEOS } from '../../model/installation-double';

test.each([
  ['its delete marker is deleted', true],
  ['its event and all others are lost', false],
])('a video that MPC did not find and that is back as it was gets its pictures: %s', async (_, isHeard) => {
  const service = new InstallationDouble({
    userData: DELETE,
    taskTimes: [{ waitsMs: MINUTE_MS, runsMs: 0 }],
  });
  await service.deliver([service.upload('a.mp4')]);
  const object = service.cloud.remove(VIDEOS, 'a.mp4');
  await service.time.pass(2 * MINUTE_MS);
  if (!isHeard) await service.finish();
  service.cloud.restore(VIDEOS, 'a.mp4', object as StoredObject);
  // The event of a delete marker is one of a removal.
  if (isHeard) await service.deliver([removalRecord(VIDEOS, 'a.mp4')]);
  for (let round = 0; round < 3; round++) {
    await service.finish();
    await service.sweep({ whole: true });
    await service.time.pass(2 * MINUTE_MS);
  }
  expect(service.tasksOf('a.mp4')).toMatchObject([{ status: 'FAILED' }, { status: 'SUCCEEDED' }]);
});
