import { InstallationDouble, returned, VIDEOS } from '../../model/installation-double';

const tasksOfVideo = async (service: InstallationDouble, object: string) => {
  const event = { httpMethod: 'GET', path: '/snapshots', queryStringParameters: { object } };
  const { body } = returned(await service.functions.invoke('query', event));
  return JSON.parse(String(body)).task_array.map(({ task_id }: { task_id: string }) => task_id);
};

test('tasks that were created without a claim are found by their video, the last one first', async () => {
  const service = new InstallationDouble();
  for (const object of ['a.mp4', 'b.mp4', 'a.mp4']) {
    returned(await service.create({ input: { bucket: VIDEOS, object } }));
    await service.time.pass(1000);
  }
  expect(await tasksOfVideo(service, 'a.mp4')).toEqual(['3', '1']);
  expect(await tasksOfVideo(service, 'b.mp4')).toEqual(['2']);
  expect(await tasksOfVideo(service, 'c.mp4')).toEqual([]);
});
