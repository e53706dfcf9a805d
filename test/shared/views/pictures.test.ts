import type { Task } from '../../../shared/cloud/mpc';
import { openInvocation } from '../../../shared/installation/invocation';
import { parseCreateRequest } from '../../../shared/tasks/create-request';
import { withNote, withNoteIfNeeded } from '../../../shared/tasks/task-note';
import {
  expectedPictures,
  pictureOfSyncTask,
  timeInNameSeconds,
  withPictures,
} from '../../../shared/views/pictures';
import { functionContext, settingsWith } from '../function-context';

const invocation = openInvocation(functionContext());

// MPC API reference, "Querying snapshot tasks": the example of the answer, ids and times already read as text.
const task: Task = {
  task_id: '7684',
  status: 'SUCCEEDED',
  create_time: '20201118121333',
  end_time: '20201118121336',
  input: { bucket: 'videos', location: 'region1', object: 'ts/22.ts' },
  output: { bucket: 'snapshots', location: 'region1', object: 'out_gamma/thumbnails/query_02' },
  thumbnail_info: [{ pic_name: '9.jpg' }, { pic_name: '5.jpg' }],
};

const requestFor = (thumbnail_para: object, user_data?: string, sync?: 0 | 1) =>
  parseCreateRequest(
    { input: { bucket: 'videos', object: 'a.mp4' }, thumbnail_para, user_data, sync },
    settingsWith(),
  );
const create = (...request: Parameters<typeof requestFor>) => withNoteIfNeeded(requestFor(...request));

describe('the pictures of a task', () => {
  test('carry their moment and come in its order', () => {
    const { thumbnail_info } = withPictures(task, invocation);
    expect(thumbnail_info?.map(({ pic_name, time }) => [pic_name, time])).toEqual([
      ['5.jpg', 5],
      ['9.jpg', 9],
    ]);
  });

  test('carry a temporary address in the directory that MPC reports', () => {
    const url = new URL(withPictures(task, invocation).thumbnail_info?.[0]?.url ?? '');
    expect(url.host).toBe('snapshots.obs.ap-southeast-3.myhuaweicloud.com');
    expect(url.pathname).toBe('/out_gamma/thumbnails/query_02/5.jpg');
    expect(url.searchParams.get('AccessKeyId')).toBe('TEMPORARYACCESSKEY');
    expect(url.searchParams.get('x-obs-security-token')).toBe('temporary-security-token');
  });

  test.each(['/dir/', 'dir/', '/dir', 'dir'])('have one slash between %s and the name', (object) => {
    const [picture] =
      withPictures({ ...task, output: { ...task.output, object } }, invocation).thumbnail_info ?? [];
    expect(new URL(picture?.url ?? '').pathname).toBe('/dir/5.jpg');
  });

  test('have no address in a bucket that is not this service’s', () => {
    const foreign = withPictures(
      { ...task, output: { ...task.output, bucket: 'somebody-elses' } },
      invocation,
    );
    expect(foreign.thumbnail_info?.[0]).toEqual({ pic_name: '5.jpg', time: 5, end_time: 9 });
  });

  test.each(['..', '.', 'a/../../b'])(
    'have no address that a browser would take for another one: %s',
    (name) => {
      const odd = {
        ...task,
        output: { bucket: 'snapshots', object: '' },
        thumbnail_info: [{ pic_name: name }],
      };
      expect(withPictures(odd, invocation).thumbnail_info).toEqual([{ pic_name: name, time: null }]);
    },
  );

  test.each(['7684.tar', 'All.TAR'])('have no address of their own inside an archive: %s', (archive) => {
    const packed = withPictures({ ...task, output_file_name: archive }, invocation);
    expect(packed.thumbnail_info?.[0]).toEqual({ pic_name: '5.jpg', time: 5, end_time: 9 });
  });

  test('stand for the video until the next one, the last frame of a whole video for less than a second', () => {
    const ends = (user_data?: string) =>
      withPictures({ ...task, user_data }, invocation).thumbnail_info?.map(({ end_time }) => end_time);
    expect(ends()).toEqual([9, undefined]);
    const uploads = (thumbnail_para: object) =>
      withNote(requestFor(thumbnail_para), { claim: 'claim' }).user_data;
    expect(ends(uploads({ type: 'TIME', time: 4 }))).toEqual([9, 10]);
    expect(ends(uploads({ type: 'TIME', time: 4, duration: 9 }))).toEqual([9, undefined]);
    expect(ends(uploads({ type: 'DOTS', dots: [5, 9] }))).toEqual([9, undefined]);
  });

  test.each([
    ['0.jpg', 0],
    ['99999999999.jpg', null],
    ['12.jpg', 12],
    ['cover_10.jpg', 10],
    ['a_b_7.JPG', 7],
    ['cover.jpg', null],
    ['cover7.jpg', null],
  ])('%s shows second %p', (name, seconds) => {
    expect(timeInNameSeconds(name)).toBe(seconds);
  });
});

describe('the moment of a single picture', () => {
  const listed = (userData: string | undefined, name: string) =>
    withPictures({ ...task, user_data: userData, thumbnail_info: [{ pic_name: name }] }, invocation);

  test('is known although its name says nothing', () => {
    const body = create({ type: 'DOTS', dots: [42], output_filename: 'cover' });
    expect(listed(body.user_data, 'cover.jpg').thumbnail_info?.[0]?.time).toBe(42);
  });

  test('is known although its name looks like another second', () => {
    const body = create({ type: 'DOTS', dots: [42], output_filename: 'scene_7' });
    expect(listed(body.user_data, 'scene_7.jpg').thumbnail_info?.[0]?.time).toBe(42);
  });

  test('is known to the millisecond', () => {
    const body = create({ type: 'DOTS_MS', dots_ms: [1500] }, undefined, 1);
    expect(listed(body.user_data, '1500.jpg').thumbnail_info?.[0]?.time).toBe(1.5);
  });

  test('leaves the caller’s own user_data as it was', () => {
    const body = create({ type: 'DOTS', dots: [42], output_filename: 'cover' }, 'order 66');
    expect(listed(body.user_data, 'cover.jpg').user_data).toBe('order 66');
    expect(create({ type: 'TIME', time: 5 }, 'order 66').user_data).toBe('order 66');
  });

  test('gives way to user_data that leaves no room', () => {
    const userData = 'x'.repeat(65_535);
    expect(create({ type: 'DOTS', dots: [42], output_filename: 'cover' }, userData).user_data).toBe(userData);
  });

  test('is in the answer to a synchronous task', () => {
    const body = create({ type: 'DOTS_MS', dots_ms: [1500] }, undefined, 1);
    const picture = pictureOfSyncTask(
      { output: { bucket: 'snapshots', object: 'made/by/mpc/' }, output_file_name: '1500.jpg' },
      body,
      invocation,
    );
    expect(picture).toMatchObject({ pic_name: '1500.jpg', time: 1.5 });
    expect(new URL(picture?.url ?? '').pathname).toBe('/made/by/mpc/1500.jpg');
  });
});

test('a dry run predicts MPC’s names', () => {
  expect(expectedPictures({ type: 'DOTS', dots: [1, 3, 5] }).names).toEqual(['1.jpg', '3.jpg', '5.jpg']);
  expect(
    expectedPictures({ type: 'DOTS', dots: [10, 20], output_filename: 'output_filename' }).names,
  ).toEqual(['output_filename_10.jpg', 'output_filename_20.jpg']);
  expect(expectedPictures({ type: 'DOTS', dots: [2], output_filename: 'photo' }).names).toEqual([
    'photo.jpg',
  ]);
  expect(expectedPictures({ type: 'TIME', time: 11 }).names).toEqual(['0.jpg', '11.jpg']);
});
