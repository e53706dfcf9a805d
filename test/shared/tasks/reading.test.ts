import { answered, MINUTE_MS, withTask } from '../../functions/finishing';

describe('readers of tasks that have not ended', () => {
  test('ask MPC only as often in a minute as they may, and learn when to try again', async () => {
    const service = await withTask({ MPC_READS_PER_MINUTE: '3' });
    const before = service.cloud.mpcCalls;
    const statuses = [];
    for (let read = 0; read < 5; read++) statuses.push(answered(await service.query({}, '1')).status);
    expect(statuses).toEqual([200, 200, 200, 429, 429]);
    expect(service.cloud.mpcCalls - before).toBe(3);
    expect(answered(await service.query({}, '1')).headers['retry-after']).toBe('60');
  });

  test('are answered with what is known of a video', async () => {
    const service = await withTask({ MPC_READS_PER_MINUTE: '1' });
    expect(answered(await service.query({ object: 'a.mp4' })).body).not.toHaveProperty('as_of');
    expect(answered(await service.query({ object: 'a.mp4' }))).toMatchObject({
      status: 200,
      body: { as_of: expect.any(String), task_array: [{ task_id: '1' }] },
    });
  });

  test('may ask again when the minute is over', async () => {
    const service = await withTask({ MPC_READS_PER_MINUTE: '1' });
    await service.query({}, '1');
    await service.time.pass(MINUTE_MS / 2);
    // The instance must not be reclaimed meanwhile.
    await service.query({}, '1');
    await service.time.pass(MINUTE_MS / 2);
    expect(answered(await service.query({}, '1')).status).toBe(200);
  });

  test('never keep uploads from being captured', async () => {
    const service = await withTask({ MPC_READS_PER_MINUTE: '2' });
    for (let read = 0; read < 10; read++) await service.query({}, '1');
    const before = service.cloud.tasks.length;
    await service.deliver([service.upload('b.mp4')]);
    expect(service.cloud.tasks).toHaveLength(before + 1);
  });
});
