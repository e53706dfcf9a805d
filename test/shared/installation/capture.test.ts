import { asyncIssues, thumbnailParaSchema } from '../../../shared/installation/capture';
import { check } from '../../../shared/validation';

test.each([
  { type: 'TIME', time: 5 },
  { dots: [] },
  { type: 'DOTS', dots: [0, 10] },
  { width: 96, height: 0, max_length: 240 },
])('uploads may capture %j', (para) => {
  const { data } = check(thumbnailParaSchema(), para);
  expect(data).toEqual(para);
  expect(data && asyncIssues(data)).toEqual([]);
});

test.each([
  [{ time: 101 }, 'time'],
  [{ width: 95 }, 'width'],
  [{ output_filename: 'a/b' }, 'output_filename'],
  [{ unknown: 1 }, 'unknown'],
  [{ type: 'DOTS', dots: Array.from({ length: 11 }, (_, dot) => dot) }, 'thumbnail_para.dots'],
  [{ type: 'DOTS_MS', dots_ms: [1] }, 'thumbnail_para.type'],
])('uploads may not capture %j', (para, path) => {
  const { data, details } = check(thumbnailParaSchema(), para);
  expect(details ?? asyncIssues(data)).toEqual([{ path, message: expect.any(String) }]);
});
