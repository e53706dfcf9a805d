import { readTaskNotifications } from '../../../shared/finishing/task-notification';
import { filesIn, NOTIFIED, receive, withTask } from '../../functions/finishing';

const event = (...messages: unknown[]) => ({
  record: messages.map((message) => ({
    smn: { message: typeof message === 'string' ? message : JSON.stringify(message) },
  })),
});
const ended = (task_id: unknown) => ({ event_type: 'ThumbnailComplete', thumbnail_info: { task_id } });

describe('a notification of MPC', () => {
  test('names tasks, each once, whether their ids are numbers or strings', () => {
    expect(readTaskNotifications(event(ended(17), ended('17'), ended('18')))).toEqual(['17', '18']);
  });

  test.each([
    'no JSON',
    { event_type: 'TranscodeComplete', thumbnail_info: { task_id: '1' } },
    { event_type: 'ThumbnailComplete' },
    ended('../../other'),
    ended({ $ne: 1 }),
  ])('that is %j names no task', (message) => {
    expect(readTaskNotifications(event(message))).toEqual([]);
  });

  test.each([undefined, {}, { record: 'x' }, { Records: [] }])('is not %j', (value) => {
    expect(readTaskNotifications(value)).toBeUndefined();
  });

  test('with false content starts nothing', async () => {
    const service = await withTask(NOTIFIED);
    const received = receive(service, 204);
    await service.notify('1');
    await service.notify('999');
    expect(received).toEqual([]);
    expect(filesIn(service, 'snapshots/a.mp4')).toEqual([]);
  });
});
