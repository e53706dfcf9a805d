import fc from 'fast-check';
import type { Task } from '../../../shared/cloud/mpc';
import { openInvocation } from '../../../shared/installation/invocation';
import { withPictures } from '../../../shared/views/pictures';
import { storyboard, webVtt } from '../../../shared/views/storyboard';
import { parseWebVtt } from '../../parse-web-vtt';
import { functionContext } from '../function-context';

const invocation = openInvocation(functionContext());

const taskWith = (names: readonly string[], more: Partial<Task> = {}): Task => ({
  task_id: '7684',
  status: 'SUCCEEDED',
  output: { bucket: 'snapshots', location: 'ap-southeast-3', object: 'dir' },
  thumbnail_info: names.map((pic_name) => ({ pic_name })),
  ...more,
});

/** The stretches of a task's track, each with the last part of its picture's path. */
const stretches = (task: Task, maxPictures?: number) =>
  parseWebVtt(
    webVtt(storyboard(withPictures(task, invocation, maxPictures === undefined ? {} : { maxPictures }))),
  ).map((cue) => [
    decodeURIComponent(new URL(cue.text).pathname).split('/').at(-1),
    cue.startTime,
    cue.endTime,
  ]);

const A_DAY = 86_400;
const toTheEnd = { user_data: '{"mpc-snapshots":{"claim":"c","to_end":1}}' };

describe('the preview track', () => {
  test('runs from each frame to the next, in whatever order MPC lists them', () => {
    expect(stretches(taskWith(['20.jpg', '0.jpg', '11.jpg'], toTheEnd))).toEqual([
      ['0.jpg', 0, 11],
      ['11.jpg', 11, 20],
      ['20.jpg', 20, 21],
    ]);
  });

  test('ends past any video if the length of the video is unknown', () => {
    expect(stretches(taskWith(['5.jpg', '9.jpg']))).toEqual([
      ['5.jpg', 5, 9],
      ['9.jpg', 9, 9 + A_DAY],
    ]);
  });

  test('reads the moments out of names with output_filename', () => {
    expect(stretches(taskWith(['a_b_10.jpg', 'a_b_0.jpg'], toTheEnd))).toEqual([
      ['a_b_0.jpg', 0, 10],
      ['a_b_10.jpg', 10, 11],
    ]);
  });

  test('of one frame is that frame, to the millisecond', () => {
    const user_data = '{"mpc-snapshots":{"time_ms":1500}}';
    expect(stretches(taskWith(['cover.jpg'], { user_data }))).toEqual([['cover.jpg', 1.5, 1.5 + A_DAY]]);
  });

  test('without frames is empty and valid', () => {
    expect(webVtt([])).toBe('WEBVTT\n');
    expect(stretches(taskWith([]))).toEqual([]);
    expect(stretches(taskWith([], { thumbnail_info: undefined }))).toEqual([]);
  });

  test('leaves out frames without a moment, and the first of two frames with one moment', () => {
    expect(stretches(taskWith(['cover.jpg', '0.jpg', 'a_5.jpg', 'b_5.jpg'], toTheEnd))).toEqual([
      ['0.jpg', 0, 5],
      ['b_5.jpg', 5, 6],
    ]);
  });

  test('of more frames than an answer can hold has every second, third, …', () => {
    const names = [...Array(2500).keys()].map((second) => `${second}.jpg`);
    const found = stretches(taskWith(names), 1000);
    expect(found).toHaveLength(834);
    expect(found.slice(0, 2)).toEqual([
      ['0.jpg', 0, 3],
      ['3.jpg', 3, 6],
    ]);
  });

  test('passes the W3C’s parser without a complaint, whatever the pictures and their folder are called', () => {
    const name = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 30 }),
      fc.nat({ max: 400_000 }).map((second) => `${second}.jpg`),
      fc
        .tuple(fc.string({ unit: 'grapheme', maxLength: 20 }), fc.nat())
        .map(([base, n]) => `${base}_${n}.jpg`),
      fc.constantFrom(
        '-->',
        '\n\n00:00:00.000 --> 00:00:01.000\nhttp://evil/_1.jpg',
        '99999999999999999999.jpg',
      ),
    );
    fc.assert(
      fc.property(
        fc.array(name, { maxLength: 20 }),
        fc.string({ unit: 'binary', maxLength: 40 }),
        (names, object) => {
          const task = taskWith(
            names.filter((text) => text.isWellFormed()),
            {
              output: { bucket: 'snapshots', object: object.toWellFormed() },
            },
          );
          const cues = parseWebVtt(webVtt(storyboard(withPictures(task, invocation))));
          cues.forEach((cue, index) => {
            expect(new URL(cue.text).host).toBe('snapshots.obs.ap-southeast-3.myhuaweicloud.com');
            expect(cue.endTime).toBeGreaterThan(cue.startTime);
            expect(cue.endTime).toBeLessThanOrEqual(cues[index + 1]?.startTime ?? Number.MAX_VALUE);
          });
        },
      ),
    );
  });
});

test('the storyboard has the fields that players read, and no end if the end is unknown', () => {
  const images = storyboard(withPictures(taskWith(['5.jpg', '9.jpg']), invocation));
  expect(images).toEqual([
    { url: expect.stringContaining('/dir/5.jpg?'), startTime: 5, endTime: 9 },
    { url: expect.stringContaining('/dir/9.jpg?'), startTime: 9 },
  ]);
});
