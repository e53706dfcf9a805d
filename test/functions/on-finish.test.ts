import { answered, MINUTE_MS, withTask } from '../functions/finishing';
import { InstallationDouble, VIDEOS } from '../model/installation-double';

describe('when MPC cannot be asked', () => {
  test('a video’s tasks are answered as they were last known, with the time and when to ask again', async () => {
    const service = await withTask();
    service.cloud.throttledUntilMs = service.time.nowMs + MINUTE_MS;
    const { status, headers, body } = answered(await service.query({ object: 'a.mp4' }));
    expect(status).toBe(200);
    expect(headers['retry-after']).toMatch(/^\d+$/);
    expect(body).toMatchObject({
      as_of: '2026-11-23T08:00:00.000Z',
      task_array: [{ task_id: '1', status: 'WAITING', input: { bucket: VIDEOS, object: 'a.mp4' } }],
    });
  });

  test('a task that has ended is answered as always', async () => {
    const service = await withTask();
    service.cloud.end(1);
    await service.finish();
    service.cloud.throttledUntilMs = service.time.nowMs + MINUTE_MS;
    expect(answered(await service.query({}, '1')).body).not.toHaveProperty('as_of');
    expect(answered(await service.query({ object: 'a.mp4' }))).toMatchObject({ status: 200 });
  });

  test('an unknown task is refused, with the time until the next try', async () => {
    const service = await withTask();
    service.cloud.throttledUntilMs = service.time.nowMs + MINUTE_MS;
    expect(answered(await service.query({}, '1'))).toMatchObject({
      status: 429,
      headers: { 'retry-after': '60' },
    });
  });
});

test('an event of another kind is refused with a clear message', async () => {
  const service = new InstallationDouble();
  expect(await service.functions.invoke('on-finish', {})).toMatchObject({
    message: expect.stringContaining('not an event of SMN or a timer'),
  });
});
