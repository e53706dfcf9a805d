import { parseListRequest, parseViewRequest } from '../../../shared/tasks/list-request';
import type { InvalidRequest } from '../../../shared/validation';
import { settingsWith } from '../function-context';

const parse = (query: Record<string, string[]>) => parseListRequest(query, settingsWith());
const wrong = (query: Record<string, string[]>) => {
  try {
    parse(query);
  } catch (error) {
    return (error as InvalidRequest).details.map(({ path }) => path.split('.')[0]);
  }
  return [];
};

test('task ids may be repeated or joined by commas; of other parameters the last one counts', () => {
  expect(parse({ task_id: ['1,2', '3'], page: ['0', '2'] })).toMatchObject({
    task_id: ['1', '2', '3'],
    page: '2',
  });
});

test.each([
  [{ task_id: [Array.from({ length: 11 }, (_, id) => id).join(',')] }, 'task_id'],
  [{ task_id: ['a-b'] }, 'task_id'],
  [{ status: ['DONE'] }, 'status'],
  [{ start_time: ['2026-11-23'] }, 'start_time'],
  [{ end_time: ['20261399999999'] }, 'end_time'],
  [{ size: ['101'] }, 'size'],
  [{ wait: ['5'] }, 'wait'],
  [{ format: ['vtt'] }, 'format'],
  [{ bucket: ['another-bucket'] }, 'bucket'],
])('the query %j is refused, and the refusal names %s', (query, path) => {
  expect(wrong(query as Record<string, string[]>)).toEqual([path]);
});

test('a picture of a video’s newest task may be asked for by the video', () => {
  expect(parse({ object: ['a.mp4'], format: ['vtt'], bucket: ['videos'] })).toMatchObject({ format: 'vtt' });
});

test('one task may be waited for', () => {
  expect(parseViewRequest({ wait: ['900'], format: ['json'] })).toEqual({ wait: '900', format: 'json' });
  expect(() => parseViewRequest({ wait: ['901'] })).toThrow('900 s');
});
