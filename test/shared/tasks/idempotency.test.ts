import { MAX_USER_DATA_CHARACTERS } from '../../../shared/validation';
import { InstallationDouble, returned, VIDEOS } from '../../model/installation-double';

const body = (more: object = {}) => ({ input: { bucket: VIDEOS, object: 'a.mp4' }, ...more });
const answerOf = async (service: InstallationDouble, key: string, more: object = {}) => {
  const { statusCode, body: text } = returned(await service.create(body(more), { 'idempotency-key': key }));
  return { status: statusCode, ...JSON.parse(String(text)) };
};

test('one key is one task, another key another', async () => {
  const service = new InstallationDouble();
  const first = await answerOf(service, 'one');
  expect(await answerOf(service, 'one')).toMatchObject({ status: 202, task_id: first.task_id });
  expect((await answerOf(service, 'two')).task_id).not.toBe(first.task_id);
  expect(service.cloud.creates).toHaveLength(2);
});

test.each(['', 'ü', 'a\nb', 'x'.repeat(256)])('the key %j is refused', async (key) => {
  const service = new InstallationDouble();
  expect(await answerOf(service, key)).toMatchObject({
    status: 400,
    details: [{ path: 'Idempotency-Key' }],
  });
  expect(service.cloud.creates).toHaveLength(0);
});

test('data of the caller must leave room for the claim', async () => {
  const service = new InstallationDouble();
  expect(await answerOf(service, 'one', { user_data: 'x'.repeat(MAX_USER_DATA_CHARACTERS) })).toMatchObject({
    status: 400,
    details: [{ path: 'user_data' }],
  });
});
