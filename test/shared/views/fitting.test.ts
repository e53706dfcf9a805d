import type { Task } from '../../../shared/cloud/mpc';
import { openInvocation } from '../../../shared/installation/invocation';
import { withPicturesThatFit } from '../../../shared/views/fitting';
import { functionContext } from '../function-context';

const MAX_ANSWER_BYTES = 6_000_000;
const invocation = openInvocation({
  ...functionContext({ REGION: 'ap-southeast-3', UPLOAD_BUCKETS: 'videos', SNAPSHOT_BUCKET: 'snapshots' }),
  getSecurityToken: () => 'T'.repeat(2400),
});
const film = (id: number, pictures: number): Task => ({
  task_id: String(id),
  status: 'SUCCEEDED',
  input: { bucket: 'videos', object: `${id}.mp4` },
  output: { bucket: 'snapshots', object: `snapshots/${id}.mp4` },
  thumbnail_info: Array.from({ length: pictures }, (_, number) => ({ pic_name: `${number}.jpg` })),
});
const answerBytes = (value: unknown) => Buffer.byteLength(JSON.stringify({ body: JSON.stringify(value) }));

test.each([
  [1, 10_801],
  [10, 361],
  [100, 361],
])(
  '%i tasks of %i pictures with real tokens stay below 6 MB, and each says how many there are',
  (count, pictures) => {
    const tasks = Array.from({ length: count }, (_, id) => film(id, pictures));
    const shown = withPicturesThatFit(tasks, 'all', invocation);
    expect(answerBytes(shown)).toBeLessThan(MAX_ANSWER_BYTES);
    for (const { thumbnail_info = [], pictures_total } of shown) {
      expect(thumbnail_info.length).toBeGreaterThan(0);
      expect(thumbnail_info.length).toBeLessThan(pictures);
      expect(pictures_total).toBe(pictures);
    }
  },
);

test.each([
  ['all', 1, 36_000, 4600],
  ['all', 100, 3600, 4600],
  ['first', 1, 36_000, 1],
  ['none', 1, 36_000, 0],
] as const)(
  'of pictures=%s, %i tasks of %i pictures make at most %i addresses',
  (listed, count, pictures, most) => {
    let made = 0;
    const credentials = {
      ...invocation.credentials,
      // Each address contains it.
      get securityToken() {
        made++;
        return 'T'.repeat(2400);
      },
    };
    const tasks = Array.from({ length: count }, (_, id) => film(id, pictures));
    const shown = withPicturesThatFit(tasks, listed, { ...invocation, credentials });
    for (const { pictures_total } of shown) expect(pictures_total).toBe(pictures);
    expect(made).toBeLessThanOrEqual(most);
  },
);

test('what fits is left unchanged', () => {
  const [shown] = withPicturesThatFit([film(1, 361)], 'all', invocation);
  expect(shown?.thumbnail_info).toHaveLength(361);
  expect(shown).not.toHaveProperty('pictures_total');
});

test.each([
  ['none', 0],
  ['first', 1],
] as const)('of pictures=%s each task has %i', (listed, count) => {
  const [shown] = withPicturesThatFit([film(1, 20)], listed, invocation);
  expect(shown?.thumbnail_info).toHaveLength(count);
  expect(shown?.pictures_total).toBe(20);
});

test('tasks with too much data of their own are listed without it, and say how much it is', () => {
  // A control character takes seven bytes in an answer.
  const tasks = Array.from({ length: 40 }, (_, id) => ({
    ...film(id, 3),
    user_data: '\u0001'.repeat(65_535),
  }));
  const shown = withPicturesThatFit([...tasks, { ...film(40, 3), user_data: 'short' }], 'all', invocation);
  expect(answerBytes(shown)).toBeLessThan(MAX_ANSWER_BYTES);
  for (const task of shown.slice(0, 40)) {
    expect(task).toMatchObject({ user_data_characters: 65_535, thumbnail_info: { length: 3 } });
    expect(task).not.toHaveProperty('user_data');
  }
  expect(shown[40]).toMatchObject({ user_data: 'short' });
  expect(shown[40]).not.toHaveProperty('user_data_characters');
  const [one] = withPicturesThatFit(tasks.slice(0, 1), 'all', invocation);
  expect(one?.user_data).toHaveLength(65_535);
});
