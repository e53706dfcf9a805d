import { jsonOf, withTask } from '../../functions/finishing';

test('a finished task is recorded under its id, with the files beside its pictures', async () => {
  const service = await withTask({ PUBLISH: 'vtt,index' });
  service.cloud.end(1);
  await service.notify('1');
  expect(jsonOf(service, '.mpc-snapshots/finished/1.json')).toEqual({
    status: 'SUCCEEDED',
    files: expect.arrayContaining(['storyboard.vtt', 'snapshots.json']),
  });
});
