import { answered, withTask } from '../../functions/finishing';
import { VIDEOS } from '../../model/installation-double';

describe('a task that has ended', () => {
  test.each(['SUCCEEDED', 'FAILED', 'CANCELED'] as const)(
    'as %s is answered by id and by key without MPC, also when MPC has forgotten it',
    async (status) => {
      const service = await withTask();
      service.cloud.end(1, status);
      await service.finish();
      service.cloud.tasks.splice(0);
      const calls = service.cloud.mpcCalls;
      expect(answered(await service.query({}, '1'))).toMatchObject({
        status: 200,
        body: { task_id: '1', status },
      });
      expect(answered(await service.query({ object: 'a.mp4' })).body).toMatchObject({
        task_array: [{ task_id: '1', status }],
      });
      expect(service.cloud.mpcCalls).toBe(calls);
    },
  );

  test('is kept by the read that sees its end first', async () => {
    const service = await withTask();
    service.cloud.end(1);
    await service.query({}, '1');
    const calls = service.cloud.mpcCalls;
    await service.query({}, '1');
    await service.query({ object: 'a.mp4' });
    expect(service.cloud.mpcCalls).toBe(calls);
  });

  test('takes two calls to OBS to be read, by id and by key', async () => {
    const service = await withTask();
    service.cloud.end(1);
    await service.finish();
    const handle = service.cloud.handle.bind(service.cloud);
    let calls = 0;
    service.cloud.handle = (request) => {
      calls++;
      return handle(request);
    };
    await service.query({ format: 'vtt' }, '1');
    expect(calls).toBe(2);
    await service.query({ object: 'a.mp4', bucket: VIDEOS });
    expect(calls).toBe(4);
  });
});
