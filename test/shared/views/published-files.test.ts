import {
  answered,
  filesIn,
  jsonOf,
  MINUTE_MS,
  NOTIFIED,
  receive,
  textOf,
  withTask,
} from '../../functions/finishing';
import type { Fate } from '../../model/functions-double';
import { VIDEOS } from '../../model/installation-double';

describe('files beside the pictures', () => {
  test('are a track, a storyboard, a cover and an index with relative addresses', async () => {
    const service = await withTask();
    service.cloud.end(1);
    await service.finish();
    expect(filesIn(service, 'snapshots/a.mp4')).toEqual([
      '0.jpg',
      'poster.jpg',
      'snapshots.json',
      'storyboard.json',
      'storyboard.vtt',
    ]);
    expect(textOf(service, 'snapshots/a.mp4/storyboard.vtt')).toBe(
      'WEBVTT\n\n00:00:00.000 --> 00:00:01.000\n0.jpg\n',
    );
    expect(textOf(service, 'snapshots/a.mp4/poster.jpg')).toBe('1 0.jpg');
    expect(jsonOf(service, 'snapshots/a.mp4/storyboard.json')).toEqual([
      { url: '0.jpg', startTime: 0, endTime: 1 },
    ]);
    expect(jsonOf(service, 'snapshots/a.mp4/snapshots.json')).toEqual({
      video: { bucket: VIDEOS, key: 'a.mp4', etag: service.cloud.buckets.get(VIDEOS)?.get('a.mp4')?.etag },
      task_id: '1',
      create_time: '20261123080000',
      end_time: '20261123080000',
      pictures: [{ name: '0.jpg', url: '0.jpg', time: 0, end_time: 1, size_bytes: 7 }],
      track: 'storyboard.vtt',
      storyboard: 'storyboard.json',
      poster: 'poster.jpg',
    });
  });

  test('name whole addresses below PUBLIC_URL, as answers do', async () => {
    const service = await withTask({ PUBLIC_URL: 'https://cdn.example.com/' });
    service.cloud.end(1);
    await service.finish();
    const address = 'https://cdn.example.com/snapshots/a.mp4/0.jpg';
    expect(textOf(service, 'snapshots/a.mp4/storyboard.vtt')).toContain(`\n${address}\n`);
    expect(answered(await service.query({}, '1')).body.thumbnail_info).toMatchObject([{ url: address }]);
  });

  test.each([
    ['none', []],
    ['vtt', ['storyboard.vtt']],
    ['index,poster', ['poster.jpg', 'snapshots.json']],
  ])('are those that PUBLISH names: %s', async (PUBLISH, names) => {
    const service = await withTask({ PUBLISH });
    service.cloud.end(1);
    await service.finish();
    expect(filesIn(service, 'snapshots/a.mp4')).toEqual(['0.jpg', ...names]);
  });

  test.each(['sprite-1.jpg', 'poster.jpg'])('never take the place of a picture: %s', async (name) => {
    const service = await withTask({ PUBLISH: 'poster,sprite,index' });
    service.cloud.pictures = () => [name];
    service.cloud.end(1);
    if (name === 'poster.jpg') service.userData.PUBLISH = 'poster,index';
    await service.finish();
    expect(textOf(service, `snapshots/a.mp4/${name}`)).toBe(`1 ${name}`);
    expect(jsonOf(service, 'snapshots/a.mp4/snapshots.json')).toMatchObject({ pictures: [{ name }] });
  });

  test('are not written for a task that failed', async () => {
    const service = await withTask();
    service.cloud.end(1, 'FAILED');
    await service.finish();
    expect(filesIn(service, 'snapshots/a.mp4')).toEqual([]);
  });

  test('stay those of the newer task when the older one ends last', async () => {
    const service = await withTask();
    await service.time.pass(1000);
    await service.deliver([service.upload('a.mp4', 'a newer version')]);
    service.cloud.end(2);
    await service.notify('2');
    service.cloud.end(1);
    await service.notify('1');
    expect(jsonOf(service, 'snapshots/a.mp4/snapshots.json')).toMatchObject({ task_id: '2' });
  });

  test.each(['vtt', 'poster,storyboard'])(
    'stay those of the newer task also when PUBLISH has no index: %s',
    async (PUBLISH) => {
      const service = await withTask({ PUBLISH });
      await service.time.pass(1000);
      await service.deliver([service.upload('a.mp4', 'a newer version')]);
      service.cloud.pictures = (id) => [`${id}.jpg`];
      service.cloud.end(2);
      await service.notify('2');
      const files = () => filesIn(service, 'snapshots/a.mp4').filter((name) => !/^[12][.]jpg$/.test(name));
      const texts = () => files().map((name) => textOf(service, `snapshots/a.mp4/${name}`));
      const ofNewer = texts();
      expect(ofNewer.join()).toContain('2.jpg');
      service.cloud.end(1);
      await service.notify('1');
      expect(texts()).toEqual(ofNewer);
    },
  );

  test('are those of the newer task if both ended before the first run, whichever call is slow', async () => {
    for (let call = 0; call < 24; call++) {
      const service = await withTask();
      await service.time.pass(1000);
      await service.deliver([service.upload('a.mp4', 'a newer version')]);
      service.cloud.end(1);
      service.cloud.end(2);
      await service.finish([...Array<Fate>(call).fill('ok'), 'slow']);
      expect(jsonOf(service, 'snapshots/a.mp4/snapshots.json')).toMatchObject({ task_id: '2' });
    }
  });

  test('are the same after a complete run, whatever failed at which call before', async () => {
    const clean = await withTask(NOTIFIED);
    receive(clean, 204);
    clean.cloud.end(1);
    await clean.finish();
    const wanted = filesIn(clean, 'snapshots/a.mp4').map((name) => textOf(clean, `snapshots/a.mp4/${name}`));
    const fates: Fate[] = ['crash-before', 'crash-after', 'error-before', 'reset-after'];
    for (const fate of fates) {
      for (let call = 0; call < 20; call++) {
        const service = await withTask(NOTIFIED);
        const received = receive(service, 204);
        service.cloud.end(1);
        await service.notify('1', [...Array<Fate>(call).fill('ok'), fate]);
        await service.time.pass(MINUTE_MS);
        await service.finish();
        await service.time.pass(MINUTE_MS);
        await service.finish();
        const files = filesIn(service, 'snapshots/a.mp4').map((name) =>
          textOf(service, `snapshots/a.mp4/${name}`),
        );
        expect({ fate, call, files }).toEqual({ fate, call, files: wanted });
        expect(new Set(received.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
        expect(filesIn(service, '.mpc-snapshots/notices')).toEqual([]);
      }
    }
  });
});
