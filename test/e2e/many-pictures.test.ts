import { readFileSync } from 'node:fs';
import path from 'node:path';
import { claimKey } from '../../shared/tasks/claim-record';
import { until } from '../wait';
import { LocalService } from './local-service';

/** A film of ten hours with a picture of each second. */
const PICTURES = 36_000;
const names = Array.from({ length: PICTURES }, (_, second) => ({ pic_name: `${second}.jpg` }));

let service: LocalService;
beforeAll(async () => {
  service = await LocalService.start({}, { ON_REMOVAL: 'delete' });
}, 60_000);
afterAll(() => service.stop());

/** Puts the records of ended tasks of callers where the functions keep them. Each has a directory of its own, or that of the video. */
async function keepTasks(key: string, count: number, directory?: string): Promise<void> {
  const { uploadBucket: bucket, snapshotBucket } = service.cloud;
  const put = (name: string, value: unknown) =>
    service.upload(name, Buffer.from(JSON.stringify(value)), snapshotBucket);
  for (let id = 9_000_000; id < 9_000_000 + count; id++) {
    const task_id = String(id);
    const folder = 'snapshots/';
    const task = {
      task_id,
      status: 'SUCCEEDED',
      create_time: '20261129000000',
      end_time: '20261129010000',
      input: { bucket, object: key },
      output: { bucket: snapshotBucket, object: directory ?? `snapshots/${key}/${id}` },
      thumbnail_info: names,
    };
    const record = { state: 'accepted', claimed_at_ms: 1, task_id, claim: task_id, folder };
    await put(claimKey({ bucket, key }, task_id), record);
    await put(claimKey({ bucket, key }, `${task_id}.result`), { task, folder });
  }
}

test.each([1, 20])(
  '%i tasks with 36,000 pictures each can be read in every form',
  async (count) => {
    const key = `${count}.mp4`;
    await keepTasks(key, count);
    for (const more of [
      '',
      '&pictures=none',
      '&pictures=first',
      '&size=1',
      '&format=storyboard',
      '&format=html',
    ]) {
      const answer = await fetch(`${service.cloud.addresses.gateway}/snapshots?object=${key}${more}`);
      expect({ more, status: answer.status }).toEqual({ more, status: 200 });
      if (more.startsWith('&format')) continue;
      const { task_array, total } = (await answer.json()) as {
        total: number;
        task_array: { pictures_total: number }[];
      };
      expect(total).toBe(count);
      for (const { pictures_total } of task_array) expect(pictures_total).toBe(PICTURES);
    }
    const track = await fetch(`${service.cloud.addresses.gateway}/snapshots?object=${key}&format=vtt`);
    // The track covers the whole film, though the list has only a part of its pictures.
    expect(await track.text()).toMatch(/\n09:59:\d\d\.000 --> /);
  },
  120_000,
);

test('a video with sixty such tasks of callers beside its own is finished', async () => {
  const key = 'v.mp4';
  const video = readFileSync(path.join(__dirname, '..', '..', 'tools/sample-video/sample.mp4'));
  await keepTasks(key, 60, `snapshots/${key}`);
  await service.upload(key, video);
  const isFinished = () =>
    service.invocations.find(
      ({ functionName, outcome }) => functionName === 'on-finish' && outcome?.body.includes('"finished":1'),
    );
  await until(isFinished, { timeoutMs: 60_000 });
  const failed = service.invocations.filter(
    ({ functionName, outcome }) => functionName === 'on-finish' && outcome?.isError,
  );
  expect(failed).toEqual([]);
}, 120_000);
