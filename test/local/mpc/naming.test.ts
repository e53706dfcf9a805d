import fc from 'fast-check';
import {
  directoryOf,
  keyIn,
  PastTheEnd,
  planPictures,
  type Sampling,
  tarName,
} from '../../../local/mpc/naming';

const time = (intervalSeconds: number, startSeconds = 0, durationSeconds = 0): Sampling => ({
  type: 'TIME',
  intervalSeconds,
  startSeconds,
  durationSeconds,
});
const dots = (...seconds: number[]): Sampling => ({ type: 'DOTS', seconds });
const dotsMs = (...milliseconds: number[]): Sampling => ({ type: 'DOTS_MS', milliseconds });

function plan(sampling: Sampling, durationMs: number, fileName?: string): Record<string, unknown> {
  const pictures = planPictures(sampling, durationMs, fileName, 'FAILED');
  return Object.fromEntries(pictures.map(({ name, point }) => [name, point]));
}

describe('TIME', () => {
  test.each<[string, Sampling, number, Record<string, unknown>]>([
    [
      'the documented example: 20 s, every 11 s',
      time(11),
      20_000,
      { '0.jpg': 0, '11.jpg': 11_000, '20.jpg': 'last' },
    ],
    ['an interval that hits the end', time(10), 20_000, { '0.jpg': 0, '10.jpg': 10_000, '20.jpg': 'last' }],
    [
      'a fraction of a second at the end',
      time(11),
      20_400,
      { '0.jpg': 0, '11.jpg': 11_000, '20.jpg': 'last' },
    ],
    ['an interval in the last second', time(10), 20_400, { '0.jpg': 0, '10.jpg': 10_000, '20.jpg': 20_000 }],
    ['an interval longer than the video', time(100), 7_960, { '0.jpg': 0, '7.jpg': 'last' }],
    ['less than a second of video', time(12), 640, { '0.jpg': 0 }],
    ['a start', time(10, 5), 20_000, { '5.jpg': 5_000, '15.jpg': 15_000, '20.jpg': 'last' }],
    ['a window', time(2, 3, 5), 20_000, { '3.jpg': 3_000, '5.jpg': 5_000, '7.jpg': 7_000, '8.jpg': 8_000 }],
    [
      'a window that the interval fills',
      time(5, 5, 10),
      20_000,
      { '5.jpg': 5e3, '10.jpg': 10e3, '15.jpg': 15e3 },
    ],
    [
      'a window that reaches past the end',
      time(10, 5, 60),
      20_000,
      { '5.jpg': 5e3, '15.jpg': 15e3, '20.jpg': 'last' },
    ],
    [
      'a window that ends with the video',
      time(10, 0, 20),
      20_000,
      { '0.jpg': 0, '10.jpg': 10e3, '20.jpg': 'last' },
    ],
    ['a start at the very end', time(10, 20), 20_000, { '20.jpg': 'last' }],
  ])('%s', (_, sampling, durationMs, expected) => {
    expect(plan(sampling, durationMs)).toEqual(expected);
    expect(Object.keys(plan(sampling, durationMs))).toHaveLength(Object.keys(expected).length);
  });

  test('appends the second to output_filename, even to a single picture', () => {
    expect(plan(time(10), 20_000, 'output_filename')).toEqual({
      'output_filename_0.jpg': 0,
      'output_filename_10.jpg': 10_000,
      'output_filename_20.jpg': 'last',
    });
    expect(plan(time(10), 500, 'frame')).toEqual({ 'frame_0.jpg': 0 });
  });

  test('a start past the end fails', () => {
    expect(() => plan(time(10, 21), 20_000)).toThrow(PastTheEnd);
    expect(planPictures(time(10, 21), 20_000, undefined, 'clamped')).toEqual([
      { name: '20.jpg', point: 'last' },
    ]);
  });
});

describe('DOTS and DOTS_MS', () => {
  test.each<[string, Sampling, string | undefined, Record<string, unknown>]>([
    [
      'points are named by second, first and last frame are not added',
      dots(9, 5),
      undefined,
      { '9.jpg': 9e3, '5.jpg': 5e3 },
    ],
    ['one point gets the given name', dots(2), 'photo', { 'photo.jpg': 2_000 }],
    ['several points append the second', dots(1, 3), 'photo', { 'photo_1.jpg': 1_000, 'photo_3.jpg': 3_000 }],
    ['an extension is not doubled', dots(2), 'photo.jpg', { 'photo.jpg': 2_000 }],
    ['the extension stays at the end', dots(1, 3), 'a.b.JPEG', { 'a.b_1.JPEG': 1_000, 'a.b_3.JPEG': 3_000 }],
    ['another extension is part of the name', dots(2), 'photo.png', { 'photo.png.jpg': 2_000 }],
    ['a repeated point gives one picture', dots(4, 4), undefined, { '4.jpg': 4_000 }],
    ['milliseconds name a DOTS_MS picture', dotsMs(1500), undefined, { '1500.jpg': 1_500 }],
    ['a DOTS_MS picture gets the given name', dotsMs(1500), 'cover', { 'cover.jpg': 1_500 }],
    ['the exact end gives the last frame', dots(20), undefined, { '20.jpg': 'last' }],
  ])('%s', (_, sampling, fileName, expected) => {
    expect(plan(sampling, 20_000, fileName)).toEqual(expected);
  });

  test('the order of the points is kept', () => {
    expect(planPictures(dots(9, 5), 20_000, undefined, 'FAILED').map(({ name }) => name)).toEqual([
      '9.jpg',
      '5.jpg',
    ]);
  });

  test('a point past the end fails, or gives the last frame under its own name', () => {
    expect(() => plan(dots(1, 21), 20_000)).toThrow(
      'Time point 21 s is behind the end of the video (20000 ms).',
    );
    expect(() => plan(dotsMs(20_001), 20_000)).toThrow('Time point 20001 ms');
    expect(planPictures(dots(1, 21), 20_000, undefined, 'clamped')).toEqual([
      { name: '1.jpg', point: 1_000 },
      { name: '21.jpg', point: 'last' },
    ]);
  });
});

describe('for every TIME request', () => {
  const anyRequest = fc.record({
    interval: fc.integer({ min: 1, max: 100 }),
    start: fc.integer({ min: 0, max: 500 }),
    window: fc.integer({ min: 0, max: 500 }),
    durationMs: fc.integer({ min: 1, max: 1_000_000 }),
  });
  const milliseconds = (point: number | 'last', durationMs: number) =>
    point === 'last' ? durationMs : point;

  test('names are unique and contain the second of their moment', () => {
    fc.assert(
      fc.property(anyRequest, ({ interval, start, window, durationMs }) => {
        fc.pre(start * 1000 <= durationMs);
        const pictures = planPictures(time(interval, start, window), durationMs, undefined, 'FAILED');
        expect(new Set(pictures.map(({ name }) => name)).size).toBe(pictures.length);
        for (const { name, point } of pictures) {
          expect(name).toBe(`${Math.floor(milliseconds(point, durationMs) / 1000)}.jpg`);
        }
      }),
    );
  });

  test('moments grow, start at start_time, are never further apart than the interval and reach the end of the window', () => {
    fc.assert(
      fc.property(anyRequest, ({ interval, start, window, durationMs }) => {
        fc.pre(start * 1000 <= durationMs);
        const pictures = planPictures(time(interval, start, window), durationMs, undefined, 'FAILED');
        const moments = pictures.map(({ point }) => milliseconds(point, durationMs));
        expect(moments[0]).toBe(pictures[0]!.point === 'last' ? durationMs : start * 1000);
        for (const [index, moment] of moments.slice(1).entries()) {
          expect(moment).toBeGreaterThan(moments[index]!);
          expect(moment - moments[index]!).toBeLessThanOrEqual(interval * 1000);
        }
        const end = window === 0 ? durationMs : Math.min(durationMs, (start + window) * 1000);
        expect(Math.floor(moments.at(-1)! / 1000)).toBe(Math.floor(end / 1000));
      }),
    );
  });
});

test('an archive is named by output_filename, else by the id of the task', () => {
  expect(tarName('album', '1000001')).toBe('album.tar');
  expect(tarName('album.tar', '1000001')).toBe('album.tar');
  expect(tarName(undefined, '1000001')).toBe('1000001.tar');
});

test('directories lose their outer slashes; the empty one is the root of the bucket', () => {
  expect(directoryOf('/out/a/')).toBe('out/a');
  expect(keyIn(directoryOf('out'), '0.jpg')).toBe('out/0.jpg');
  expect(keyIn(directoryOf('/'), '0.jpg')).toBe('0.jpg');
});
