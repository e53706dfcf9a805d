import * as z from 'zod/mini';
import { ErrorAnswer, StoryboardAnswer, TaskAnswer, TaskListAnswer } from '../../../shared/api/answers';

const task = { task_id: '1000001', status: 'WAITING' };

test('MPC may add fields to a task and to its pictures', () => {
  const shown = { ...task, new: 1, thumbnail_info: [{ pic_name: '0.jpg', time: null, new: 1 }] };
  expect(z.parse(TaskAnswer, shown)).toEqual(shown);
});

test.each([
  [TaskAnswer, { ...task, status: 'DONE' }],
  [TaskAnswer, { status: 'WAITING' }],
  [TaskAnswer, { ...task, thumbnail_info: [{ time: 0 }] }],
  [TaskListAnswer, { task_array: [task], is_truncated: true, total: 1 }],
  [StoryboardAnswer, [{ startTime: 0 }]],
  [ErrorAnswer, { error_code: 'MPC.10202', error_msg: 'no' }],
])('case %#: the description refuses what the API never answers', (schema, value) => {
  expect(z.safeParse(schema as z.ZodMiniType, value).success).toBe(false);
});
