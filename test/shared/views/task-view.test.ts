import type { Task } from '../../../shared/cloud/mpc';
import { openInvocation } from '../../../shared/installation/invocation';
import { showTask } from '../../../shared/views/task-view';
import { functionContext, userData } from '../function-context';

const invocation = openInvocation(functionContext({ ...userData, URL_TTL_SECONDS: '1000' }));
const task = (more: Partial<Task> = {}): Task => ({
  task_id: '1',
  status: 'SUCCEEDED',
  output: { bucket: 'snapshots', location: 'ap-southeast-3', object: 'dir' },
  thumbnail_info: [{ pic_name: '0.jpg' }, { pic_name: '5.jpg' }],
  ...more,
});

test.each([
  ['json', 'application/json', 'private, max-age=100'],
  ['storyboard', 'application/json', 'private, max-age=100'],
  ['vtt', 'text/vtt', 'private, max-age=100'],
  ['html', 'text/html; charset=utf-8', 'private, max-age=100'],
] as const)(
  'as %s a task is %s, cached for a tenth of its addresses’ lifetime',
  async (format, type, cache) => {
    const { statusCode, headers } = await showTask(task(), format, invocation);
    expect([statusCode, headers['content-type'], headers['cache-control']]).toEqual([200, type, cache]);
  },
);

test('an unfinished task is not cached', async () => {
  const { headers } = await showTask(task({ status: 'PROCESSING' }), 'vtt', invocation);
  expect(headers['cache-control']).toBe('no-store');
});

test('the cover redirects to the address of a picture', async () => {
  const one = task({ thumbnail_info: [{ pic_name: '0.jpg' }] });
  const { statusCode, headers } = await showTask(one, 'poster', invocation);
  expect([statusCode, headers.location]).toEqual([302, expect.stringContaining('/dir/0.jpg')]);
});

test.each<[Partial<Task>, string, number | undefined]>([
  [{ status: 'FAILED', description: 'no video' }, 'The task has failed: no video', undefined],
  [{ status: 'CANCELED' }, 'The task was cancelled', undefined],
  [{ status: 'WAITING', thumbnail_info: [] }, 'The task has no picture yet: it is WAITING', 3],
  [{ thumbnail_info: [] }, 'The task has no picture', undefined],
  [{ output: { bucket: 'theirs', object: 'dir' } }, 'not a bucket of this service', undefined],
])('a task %j has no cover, and says why', async (more, message, retryAfterSeconds) => {
  const shown = showTask(task(more), 'poster', invocation);
  await expect(shown).rejects.toMatchObject({
    message: expect.stringContaining(message),
    retryAfterSeconds,
  });
});

test.each(['html', 'vtt', 'storyboard'] as const)(
  'as %s a long film with the worst key stays below 6 MB',
  async (format) => {
    const object = '"'.repeat(740);
    const long = openInvocation({ ...functionContext(userData), getSecurityToken: () => '+'.repeat(3000) });
    const film = task({
      input: { bucket: 'videos', object },
      output: { bucket: 'snapshots', object },
      thumbnail_info: Array.from({ length: 1000 }, (_, second) => ({ pic_name: `${second}.jpg` })),
    });
    const { body } = await showTask(film, format, long);
    expect(Buffer.byteLength(JSON.stringify({ body }))).toBeLessThan(6_000_000);
    expect(body).toContain('/0.jpg');
  },
);
