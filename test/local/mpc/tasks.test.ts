import { execFileSync } from 'node:child_process';
import { CaptureError } from '../../../local/mpc/capture/capture-error';
import { TaskBook } from '../../../local/mpc/task-book';
import { closeFixtures, MpcFixture, REGION, request, type ScriptedVideo } from './mpc-fixture';

afterEach(closeFixtures);

describe('a task', () => {
  test('goes from WAITING over PROCESSING to SUCCEEDED and stores its pictures', async () => {
    const fixture = await MpcFixture.open();
    const states: string[] = [];
    fixture.mpc.tasks.onChange(({ status, pictures }) => states.push(`${status} ${pictures.length}`));
    const id = await fixture.accepted(request({ user_data: 'claim-1' }));
    fixture.nowMs += 2_000;
    expect(await fixture.ended(id)).toEqual({
      task_id: id,
      status: 'SUCCEEDED',
      create_time: '20261123120000',
      end_time: expect.stringMatching(/^2026112312000[02]$/),
      input: { bucket: 'uploads', location: REGION, object: 'movie.mp4' },
      output: { bucket: 'snapshots', location: REGION, object: 'out' },
      user_data: 'claim-1',
      thumbnail_info: [{ pic_name: '0.jpg' }, { pic_name: '11.jpg' }, { pic_name: '20.jpg' }],
    });
    expect(states).toEqual([
      'WAITING 0',
      'PROCESSING 0',
      'PROCESSING 1',
      'PROCESSING 2',
      'PROCESSING 3',
      'SUCCEEDED 3',
    ]);
    expect(fixture.keys()).toEqual(['out/0.jpg', 'out/11.jpg', 'out/20.jpg']);
  });

  test('shows each picture as soon as it is stored', async () => {
    const fixture = await MpcFixture.open();
    const seen: string[][] = [];
    fixture.mpc.tasks.onChange(({ status }) => {
      if (status === 'PROCESSING') seen.push(fixture.keys());
    });
    await fixture.ended(await fixture.accepted(request()));
    expect(seen).toEqual([
      [],
      ['out/0.jpg'],
      ['out/0.jpg', 'out/11.jpg'],
      ['out/0.jpg', 'out/11.jpg', 'out/20.jpg'],
    ]);
  });

  test('onChange can be stopped', async () => {
    const fixture = await MpcFixture.open();
    const listener = jest.fn();
    fixture.mpc.tasks.onChange(listener)();
    await fixture.ended(await fixture.accepted(request()));
    expect(listener).not.toHaveBeenCalled();
  });

  test('gets a random directory unless original_dir is 1', async () => {
    const fixture = await MpcFixture.open();
    const first = await fixture.ended(await fixture.accepted(request({ original_dir: 0 })));
    const { original_dir: _, ...withoutFlag } = request();
    const second = await fixture.ended(await fixture.accepted(withoutFlag));
    for (const task of [first, second]) {
      expect(task.output.object).toMatch(/^out\/[0-9a-f]{32}$/);
      expect(fixture.keys()).toContain(`${task.output.object}/20.jpg`);
    }
    expect(first.output.object).not.toBe(second.output.object);
  });

  test('names the one picture of a single point', async () => {
    const fixture = await MpcFixture.open();
    const task = await fixture.ended(
      await fixture.accepted(request({}, { type: 'DOTS', dots: [2], output_filename: 'photo' })),
    );
    expect(task.output_file_name).toBe('photo.jpg');
    expect(task.thumbnail_info).toEqual([{ pic_name: 'photo.jpg' }]);
  });

  test.each([
    ['/movie.mp4', 'movie.mp4'],
    ['/slash.mp4', '/slash.mp4'],
  ])('finds the input %s as the object %s', async (named, key) => {
    const fixture = await MpcFixture.open();
    await fixture.upload(key, { durationMs: 5_000 });
    const task = await fixture.ended(
      await fixture.accepted(request({ input: { ...request().input, object: named } })),
    );
    expect(task.status).toBe('SUCCEEDED');
  });

  test('packs its pictures into one archive when tar is 0', async () => {
    const fixture = await MpcFixture.open();
    const task = await fixture.ended(
      await fixture.accepted(request({ tar: 0 }, { output_filename: 'album' })),
    );
    expect(task).toMatchObject({
      status: 'SUCCEEDED',
      output_file_name: 'album.tar',
      thumbnail_info: [{ pic_name: '0.jpg' }, { pic_name: '11.jpg' }, { pic_name: '20.jpg' }],
    });
    expect(fixture.keys()).toEqual(['out/album.tar']);
    const archive = fixture.object('out/album.tar');
    const names = execFileSync('tar', ['-tf', '-'], { input: archive, encoding: 'utf8' });
    expect(names).toBe('0.jpg\n11.jpg\n20.jpg\n');
    const content = execFileSync('tar', ['-xOf', '-', '11.jpg'], { input: archive, encoding: 'utf8' });
    expect(JSON.parse(content).presentationMs).toBe(11_000);
    // The format ends with two blocks of zeros.
    expect(archive.subarray(-1024)).toEqual(Buffer.alloc(1024));
  });

  test('takes the length of the video from its last frame when the header has none', async () => {
    const fixture = await MpcFixture.open();
    await fixture.upload('live.ts', { lastFrameMs: 12_960 });
    const input = { ...request().input, object: 'live.ts' };
    const task = await fixture.ended(await fixture.accepted(request({ input })));
    expect(task.thumbnail_info).toEqual([
      { pic_name: '0.jpg' },
      { pic_name: '11.jpg' },
      // The last of 25 frames a second begins at 12.96 s and ends at 13 s.
      { pic_name: '13.jpg' },
    ]);
  });
});

describe('a task fails, and says why, when', () => {
  test.each<[string, ScriptedVideo | string | undefined, Record<string, unknown>, string]>([
    [
      'the input does not exist',
      undefined,
      {},
      'The input file in.mp4 does not exist in the bucket uploads.',
    ],
    ['there is no video in it', { audioOnly: true }, {}, 'The file has no video stream.'],
    ['it is damaged', 'not a video', {}, 'The file is not a video.'],
    [
      'a point is past the end',
      { durationMs: 5_000 },
      { type: 'DOTS', dots: [6] },
      'Time point 6 s is behind the end of the video (5000 ms).',
    ],
    [
      'start_time is past the end',
      { durationMs: 5_000 },
      { start_time: 6 },
      'start_time 6 s is behind the end of the video (5000 ms).',
    ],
  ])('%s', async (_, video, para, description) => {
    const fixture = await MpcFixture.open();
    if (video !== undefined) await fixture.upload('in.mp4', video);
    const body = request({ input: { ...request().input, object: 'in.mp4' } }, para);
    expect(await fixture.ended(await fixture.accepted(body))).toMatchObject({
      status: 'FAILED',
      description,
      end_time: '20261123120000',
      thumbnail_info: [],
    });
  });

  test('the input is archived', async () => {
    const fixture = await MpcFixture.open();
    await fixture.store.put('uploads', 'in.mp4', Buffer.from('video'), { storageClass: 'COLD' });
    const body = request({ input: { ...request().input, object: 'in.mp4' } });
    expect(await fixture.ended(await fixture.accepted(body))).toMatchObject({
      status: 'FAILED',
      description:
        'The input file in.mp4 in the bucket uploads is archived (InvalidObjectState): restore it first.',
    });
  });

  test.each([1, 0])('the pictures cannot be stored (tar=%d)', async (tar) => {
    const fixture = await MpcFixture.open();
    fixture.store.put = async () => {
      throw new Error('the disk is full');
    };
    expect(await fixture.ended(await fixture.accepted(request({ tar })))).toMatchObject({
      status: 'FAILED',
      description: 'System error. the disk is full',
      thumbnail_info: [],
    });
  });
});

describe('a task whose', () => {
  test('archive cannot be stored fails, and its capture ends although nobody reads its bytes', async () => {
    const fixture = await MpcFixture.open();
    const captured = jest.spyOn(fixture.capture, 'capture');
    fixture.capture.jpegBytes = 100_000;
    fixture.store.put = async () => {
      throw new Error('the disk is full');
    };
    const task = await fixture.ended(await fixture.accepted(request({ tar: 0 })));
    expect(task).toMatchObject({ status: 'FAILED', description: 'System error. the disk is full' });
    await expect(captured.mock.results[0]!.value).rejects.toThrow('the disk is full');
  });

  test('header states too much names the last picture after the end of the pictures', async () => {
    const fixture = await MpcFixture.open();
    await fixture.upload('uploads/cut.mp4', { durationMs: 10_000, lastFrameMs: 3960 });
    const cut = { ...request().input, object: 'uploads/cut.mp4' };
    const task = await fixture.ended(
      await fixture.accepted(request({ input: cut, thumbnail_para: { type: 'TIME', time: 20 } })),
    );
    const names = task.thumbnail_info.map(({ pic_name }: { pic_name: string }) => pic_name);
    expect(names).toEqual(['0.jpg', '4.jpg']);
    expect(task.description).toMatch(/^the pictures end at 4\.0 s, where the file states 10\.0 s/);
  });

  test.each<[string, object, string[]]>([
    ['an interval', { type: 'TIME', time: 1 }, ['0.jpg', '1.jpg', '2.jpg', '3.jpg', '4.jpg']],
    ['a point', { type: 'DOTS', dots: [3] }, ['3.jpg']],
  ])('header states too little is captured to the end of its pictures: %s', async (_, para, expected) => {
    const fixture = await MpcFixture.open();
    await fixture.upload('uploads/short.webm', { durationMs: 2000, lastFrameMs: 3960 });
    const input = { ...request().input, object: 'uploads/short.webm' };
    const task = await fixture.ended(await fixture.accepted(request({ input, thumbnail_para: para })));
    const names = task.thumbnail_info.map(({ pic_name }: { pic_name: string }) => pic_name);
    expect(names).toEqual(expected);
    expect(task.description).toBe('the pictures go on to 4.0 s, where the file states 2.0 s');
  });

  test('header states thousands of years is measured, and fails only if its frames say the same', async () => {
    const fixture = await MpcFixture.open();
    const para = { thumbnail_para: { type: 'TIME', time: 1 } };
    const take = async (object: string) => {
      const input = { ...request().input, object };
      return fixture.ended(await fixture.accepted(request({ input, ...para })));
    };
    await fixture.upload('uploads/long.webm', { durationMs: 17_179_869_184_000, lastFrameMs: 1960 });
    expect(await take('uploads/long.webm')).toMatchObject({
      status: 'SUCCEEDED',
      thumbnail_info: [{ pic_name: '0.jpg' }, { pic_name: '1.jpg' }, { pic_name: '2.jpg' }],
    });
    await fixture.upload('uploads/longer.webm', { durationMs: 17_179_869_184_000 });
    expect(await take('uploads/longer.webm')).toMatchObject({
      status: 'FAILED',
      description: expect.stringMatching(/more than 100000 pictures/),
    });
  });

  test('header states too much starts over, and keeps no picture of the attempt before', async () => {
    const fixture = await MpcFixture.open();
    const { capture } = fixture;
    await fixture.upload('uploads/cut.mp4', { durationMs: 10_000, lastFrameMs: 3960 });
    const whole = capture.capture.bind(capture);
    let attempts = 0;
    capture.capture = async (filePath, job, onFrame, signal) => {
      if (job.points.length > 1 && ++attempts === 1) {
        // Two workers: the one with the later half is quicker than the one that finds the end.
        const jpeg = Buffer.from('x');
        await onFrame({ index: job.points.length - 2, presentationMs: 6000, width: 1, height: 1, jpeg });
        throw new CaptureError('past_the_end', 'the point 10000 ms is past the end of the video at 4000 ms');
      }
      await whole(filePath, job, onFrame, signal);
    };
    const task = await fixture.ended(
      await fixture.accepted(
        request({
          input: { ...request().input, object: 'uploads/cut.mp4' },
          thumbnail_para: { type: 'TIME', time: 2 },
        }),
      ),
    );
    expect(task.status).toBe('SUCCEEDED');
    const names = task.thumbnail_info.map(({ pic_name }: { pic_name: string }) => pic_name);
    expect(names).toEqual(['0.jpg', '2.jpg', '4.jpg']);
    const { output } = task;
    expect(fixture.store.head(output.bucket, `${output.object}/8.jpg`)).toBeUndefined();
    expect(task.description).toBe(
      'the pictures end at 4.0 s, where the file states 10.0 s: it was cut off, or its sound goes on longer',
    );
  });

  test('pictures are partly damaged says so', async () => {
    const fixture = await MpcFixture.open();
    const { capture } = fixture;
    const whole = capture.capture.bind(capture);
    capture.capture = (filePath, job, onFrame, signal) =>
      whole(
        filePath,
        job,
        (frame) => onFrame({ ...frame, notes: ['some pictures are damaged in the file'] }),
        signal,
      );
    const task = await fixture.ended(await fixture.accepted(request()));
    expect(task).toMatchObject({ status: 'SUCCEEDED', description: 'some pictures are damaged in the file' });
  });

  test('capture fails while a picture is being stored ends after that picture', async () => {
    const fixture = await MpcFixture.open();
    const { capture } = fixture;
    const events: string[] = [];
    const { put } = fixture.store;
    fixture.store.put = async (...object) => {
      await new Promise(setImmediate);
      const stored = await put.apply(fixture.store, object);
      events.push('stored');
      return stored;
    };
    capture.capture = async (_filePath, _job, onFrame) => {
      void onFrame({ index: 0, presentationMs: 0, width: 1, height: 1, jpeg: Buffer.from('x') });
      throw new CaptureError('crashed', 'The worker is gone.');
    };
    fixture.mpc.tasks.onChange(({ status }) => events.push(status));
    const task = await fixture.ended(await fixture.accepted(request()));
    expect(task).toMatchObject({ status: 'FAILED', description: 'The worker is gone.' });
    expect(events).toEqual(['WAITING', 'PROCESSING', 'stored', 'PROCESSING', 'FAILED']);
  });
});

describe('the queue', () => {
  test('starts the oldest tasks first, only so many at a time', async () => {
    const fixture = await MpcFixture.open({ parallelTasks: 2 });
    fixture.capture.hold();
    const ids: string[] = [];
    for (let i = 0; i < 4; i++) ids.push(await fixture.accepted(request()));
    const states = async () =>
      (await fixture.list({ task_id: ids })).body.task_array.map(({ status }: { status: string }) => status);
    expect(await states()).toEqual(['PROCESSING', 'PROCESSING', 'WAITING', 'WAITING']);
    const started = ids.slice(0, 2);
    fixture.mpc.tasks.onChange(({ id, status, pictures }) => {
      if (status === 'PROCESSING' && pictures.length === 0) started.push(id);
    });
    fixture.capture.release();
    for (const id of ids) expect((await fixture.ended(id)).status).toBe('SUCCEEDED');
    expect(started).toEqual(ids);
  });

  test('goes on after a task that failed', async () => {
    const fixture = await MpcFixture.open({ parallelTasks: 1 });
    await fixture.upload('bad.mp4', 'not a video');
    const bad = await fixture.accepted(request({ input: { ...request().input, object: 'bad.mp4' } }));
    const good = await fixture.accepted(request());
    expect((await fixture.ended(bad)).status).toBe('FAILED');
    expect((await fixture.ended(good)).status).toBe('SUCCEEDED');
  });
});

describe('cancel', () => {
  test('answers 204 without a body while the task waits, and the task never runs', async () => {
    const fixture = await MpcFixture.open({ parallelTasks: 1 });
    fixture.capture.hold();
    const running = await fixture.accepted(request());
    const waiting = await fixture.accepted(request());
    const answer = await fixture.cancel(waiting);
    expect([answer.status, answer.body]).toEqual([204, undefined]);
    fixture.capture.release();
    await fixture.ended(running);
    expect(await fixture.one(waiting)).toMatchObject({
      status: 'CANCELED',
      end_time: '20261123120000',
      thumbnail_info: [],
    });
    expect(fixture.capture.started).toHaveLength(1);
  });

  test('is refused when the task runs, has ended or was cancelled', async () => {
    const fixture = await MpcFixture.open({ parallelTasks: 1 });
    const refused = { error_code: 'MPC.10212', error_msg: 'Operation failed.' };
    fixture.capture.hold();
    const running = await fixture.accepted(request());
    const waiting = await fixture.accepted(request());
    expect(await fixture.cancel(running)).toMatchObject({ status: 400, body: refused });
    expect((await fixture.cancel(waiting)).status).toBe(204);
    expect(await fixture.cancel(waiting)).toMatchObject({ status: 400, body: refused });
    fixture.capture.release();
    expect((await fixture.ended(running)).status).toBe('SUCCEEDED');
    expect(await fixture.cancel(running)).toMatchObject({ status: 400, body: refused });
  });

  test('races with the start: one of them wins, and the state says which', async () => {
    const fixture = await MpcFixture.open({ parallelTasks: 1 });
    for (let round = 0; round < 10; round++) {
      const first = await fixture.accepted(request());
      const second = await fixture.accepted(request());
      const [answer] = await Promise.all([fixture.cancel(second), fixture.ended(first)]);
      const { status } = await fixture.ended(second);
      expect([answer.status, status]).toEqual(answer.status === 204 ? [204, 'CANCELED'] : [400, 'SUCCEEDED']);
    }
  });

  test('of an unknown task is refused with MPC.10211', async () => {
    const fixture = await MpcFixture.open();
    const answer = await fixture.cancel('210744');
    expect(answer.status).toBe(403);
    expect(answer.body).toEqual({ error_code: 'MPC.10211', error_msg: 'The task does not exist.' });
  });

  test.each<[string, Record<string, string | string[]>]>([
    ['no id', {}],
    ['an empty id', { task_id: '' }],
    ['two ids', { task_id: ['1', '2'] }],
    ['17 characters', { task_id: '1'.repeat(17) }],
  ])('with %s is refused with MPC.10202', async (_, query) => {
    const fixture = await MpcFixture.open();
    const answer = await fixture.call('DELETE', { query });
    expect([answer.status, answer.body.error_code]).toEqual([400, 'MPC.10202']);
  });
});

test('states only move forward', () => {
  const book = new TaskBook();
  const task = book.add({
    status: 'WAITING',
    createdAtMs: 0,
    input: request().input,
    output: request().output,
    sampling: { type: 'DOTS', seconds: [1] },
    size: { width: 0, height: 0, maxLength: 0 },
    tar: false,
  });
  expect(() => book.succeed(task, 1, {})).toThrow('only PROCESSING can become SUCCEEDED');
  book.cancel(task, 1);
  expect(() => book.start(task)).toThrow('only WAITING can become PROCESSING');
});
