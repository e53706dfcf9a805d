import { linesOf, NOTIFIED, objectsOf, receive, withTask } from '../../functions/finishing';
import { VIDEOS } from '../../model/installation-double';

describe('a task that has ended', () => {
  test('that this service did not create is left alone', async () => {
    const service = await withTask();
    const [task] = service.cloud.tasks;
    if (task === undefined) throw new Error('no task');
    const foreign = {
      ...task,
      id: 2,
      body: { ...task.body, input: { bucket: VIDEOS, object: 'other.mp4' } },
    };
    service.cloud.tasks.push(foreign);
    service.cloud.end(2);
    const before = [...objectsOf(service).keys()];
    await service.notify('2');
    expect([...objectsOf(service).keys()]).toEqual(before);
  });

  test('is finished once, however often it is notified', async () => {
    const service = await withTask(NOTIFIED);
    const received = receive(service, 204);
    service.cloud.end(1);
    for (let round = 0; round < 3; round++) {
      await service.notify('1');
      await service.finish();
    }
    expect(received).toHaveLength(1);
    expect(linesOf(service, 'task.finished')).toHaveLength(1);
  });
});
