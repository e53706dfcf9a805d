import { formatDuration, formatRelative } from '../../console/page/format';
import { taskView } from '../../console/sources/local/task-view';

const NOW_MS = Date.UTC(2026, 10, 28, 12);
const [SECOND_MS, MINUTE_MS, HOUR_MS, DAY_MS] = [1000, 60_000, 3_600_000, 86_400_000];

test.each([
  [0, 'now'],
  [-9 * SECOND_MS, 'now'],
  [-29 * SECOND_MS, '20 s ago'],
  [-59 * SECOND_MS, '50 s ago'],
  [-61 * SECOND_MS, '1 min ago'],
  [-59 * MINUTE_MS, '59 min ago'],
  [-23 * HOUR_MS, '23 h ago'],
  [-6 * DAY_MS, '6 d ago'],
  [12 * SECOND_MS, 'in 12 s'],
  [5 * MINUTE_MS, 'in 5 min'],
])('a moment %d ms from now is "%s"', (distanceMs, text) => {
  expect(formatRelative(NOW_MS + distanceMs, NOW_MS)).toBe(text);
});

test('a moment in another week is shown as a day', () => {
  expect(formatRelative(NOW_MS - 30 * DAY_MS, NOW_MS)).toMatch(/^29 Oct, \d\d:\d\d:\d\d$/);
});

test('a duration that rounds up to a second is shown in seconds', () => {
  expect([formatDuration(999.4), formatDuration(999.6)]).toEqual(['999 ms', '1.0 s']);
});

test('a task has the name of its capture, where the functions gave it one', () => {
  const place = { bucket: 'videos', location: 'r', object: 'a.mp4' };
  const task = {
    id: '1',
    status: 'WAITING' as const,
    createdAtMs: 0,
    input: place,
    output: place,
    pictures: [],
    sampling: { type: 'DOTS' as const, seconds: [1] },
    size: { width: 0, height: 0, maxLength: 0 },
    tar: false,
  };
  const captureIn = (userData?: string) =>
    taskView({ ...task, ...(userData !== undefined && { userData }) }, undefined).capture;
  expect(captureIn('{"mpc-snapshots":{"claim":"c","capture":"cover"}}')).toBe('cover');
  expect([captureIn(), captureIn('mine'), captureIn('{"capture":"mine"}')]).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
});
