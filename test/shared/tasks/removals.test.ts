import { claimsFolder } from '../../../shared/tasks/claim-record';
import { InstallationDouble, returned, SNAPSHOTS, VIDEOS } from '../../model/installation-double';

const MINUTE_MS = 60_000;

test('a video is not captured while it is being removed, and a forgotten mark blocks nothing', async () => {
  const service = new InstallationDouble();
  const event = service.upload('a.mp4');
  service.cloud.put(SNAPSHOTS, `${claimsFolder(VIDEOS, 'a.mp4')}being-removed`, '{}');
  expect(await service.deliver([event])).toMatchObject({
    kind: 'failed',
    message: expect.stringContaining('claim_not_settled'),
  });
  await service.time.pass(11 * MINUTE_MS);
  expect(returned(await service.deliver([event]))).toMatchObject({ records: [{ started: '1' }] });
});
