import { startDeployedCloud } from '../../../local/commands/deployed-cloud';
import { waitForOutcome } from '../../../local/commands/wait-for-outcome';

test('an upload whose event is lost is followed by the task that something else starts for it', async () => {
  const cloud = await startDeployedCloud({ port: 0, faults: { shares: { drop: 1 }, seed: 1 } });
  try {
    const key = 'uploads/a.mp4';
    const outcome = waitForOutcome(key, cloud, () => {});
    await cloud.store.put(cloud.uploadBucket, key, Buffer.from('no video'));
    const created = await fetch(`${cloud.addresses.gateway}/snapshots`, {
      method: 'POST',
      body: JSON.stringify({ input: { bucket: cloud.uploadBucket, object: key } }),
    });
    const { task_id: taskId } = (await created.json()) as { task_id: string };
    expect(await outcome).toMatchObject({ kind: 'failed', taskId });
  } finally {
    await cloud.close();
  }
});
