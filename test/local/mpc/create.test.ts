import { closeFixtures, MpcFixture, REGION, request, syncRequest } from './mpc-fixture';

afterEach(closeFixtures);

/** Sends a body that must be refused as an invalid parameter; resolves with what was wrong. */
async function refusal(fixture: MpcFixture, body: unknown): Promise<string> {
  const answer = await fixture.create(body);
  expect(answer.status).toBe(400);
  expect(answer.body).toEqual({ error_code: 'MPC.10202', error_msg: 'Invalid request parameter.' });
  return fixture.log.at(-1)!.detail!;
}

describe('requests that are valid', () => {
  test.each<[string, unknown]>([
    [
      'a request of a public client',
      {
        input: { bucket: 'uploads', location: REGION, object: 'movie.mp4' },
        output: { bucket: 'snapshots', location: REGION, object: 'mp/v/2025/10/31/' },
        sync: 0,
        original_dir: 1,
        thumbnail_para: {
          type: 'TIME',
          time: 1,
          start_time: 0,
          duration: 10,
          format: 1,
          output_filename: 'ID',
        },
      },
    ],
    ['the smallest request', { ...request(), thumbnail_para: {} }],
    [
      'all fields filled whatever the type',
      request({}, { type: 'DOTS', dots: [5], time: 10, start_time: 1, duration: 1 }),
    ],
    ['ten points', request({}, { type: 'DOTS', dots: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9] })],
    ['more than ten points of another type', request({}, { dots: Array(11).fill(1) })],
    ['the limits of TIME', request({}, { time: 100, start_time: 0, duration: 2147483647 })],
    ['the limits of sizes', request({}, { width: 3840, height: 2160, max_length: 3840 })],
    ['adapting sizes', request({}, { width: 0, height: 0, max_length: 0 })],
    ['the smallest size', request({}, { width: 97, height: 97 })],
    ['a longest side below the reference range', request({}, { max_length: 1 })],
    ['black frame fields', request({}, { amount: 100, threshold: 255 })],
    ['user data of 65,535 characters', request({ user_data: 'u'.repeat(65_535) })],
    ['an output name of 256 characters', request({}, { output_filename: 'n'.repeat(256) })],
    [
      'an output file name, which has no effect',
      request({ output: { ...request().output, file_name: 'f.jpg' } }),
    ],
    [
      'fields that MPC does not know',
      { ...request({ project_id: 'p', tenant: {} }, { percent: 10, aspect_ratio: 1 }) },
    ],
    ['output in the root of the bucket', request({ output: { ...request().output, object: '' } })],
  ])('%s', async (_, body) => {
    const fixture = await MpcFixture.open();
    const answer = await fixture.create(body);
    expect(answer.status).toBe(202);
    expect(answer.body).toEqual({ task_id: expect.stringMatching(/^\d{1,16}$/) });
  });

  test('Content-Type may carry a charset', async () => {
    const fixture = await MpcFixture.open();
    const call = { body: request(), contentType: 'application/json;charset=UTF-8' };
    expect((await fixture.call('POST', call)).status).toBe(202);
  });
});

describe('requests that are refused with MPC.10202', () => {
  test.each<[string, unknown]>([
    ['input', { ...request(), input: undefined }],
    ['output', { ...request(), output: undefined }],
    ['thumbnail_para', { ...request(), thumbnail_para: undefined }],
    ['input.bucket', request({ input: { location: REGION, object: 'movie.mp4' } })],
    ['input.bucket', request({ input: { bucket: 'b'.repeat(65), location: REGION, object: 'movie.mp4' } })],
    ['input.location', request({ input: { bucket: 'uploads', object: 'movie.mp4' } })],
    ['input.object', request({ input: { bucket: 'uploads', location: REGION } })],
    ['input.object', request({ input: { bucket: 'uploads', location: REGION, object: 'folder/' } })],
    ['output.object', request({ output: { bucket: 'snapshots', location: REGION } })],
    ['output.file_name', request({ output: { ...request().output, file_name: 'f'.repeat(181) } })],
    ['user_data', request({ user_data: 'u'.repeat(65_536) })],
    ['user_data', request({ user_data: 7 })],
    ['tar', request({ tar: 2 })],
    ['sync', request({ sync: true })],
    ['original_dir', request({ original_dir: -1 })],
    ['thumbnail_para.type', request({}, { type: 'PERCENT' })],
    ['thumbnail_para.time', request({}, { time: 0 })],
    ['thumbnail_para.time', request({}, { time: 101 })],
    ['thumbnail_para.time', request({}, { time: 1.5 })],
    ['thumbnail_para.time', request({}, { time: '10' })],
    ['thumbnail_para.start_time', request({}, { start_time: -1 })],
    ['thumbnail_para.duration', request({}, { duration: 'ToEND' })],
    ['thumbnail_para.duration', request({}, { duration: 2147483648 })],
    ['thumbnail_para.output_filename', request({}, { output_filename: 'n'.repeat(257) })],
    ['thumbnail_para.format', request({}, { format: 2 })],
    ['thumbnail_para.width', request({}, { width: 95 })],
    ['thumbnail_para.width', request({}, { width: 3841 })],
    ['thumbnail_para.height', request({}, { height: 2161 })],
    ['thumbnail_para.max_length', request({}, { max_length: 3841 })],
    ['thumbnail_para.amount', request({}, { amount: 0 })],
    ['thumbnail_para.amount', request({}, { amount: 101 })],
    ['thumbnail_para.threshold', request({}, { threshold: 256 })],
    ['thumbnail_para.dots', request({}, { type: 'DOTS' })],
    ['thumbnail_para.dots', request({}, { type: 'DOTS', dots: [] })],
    ['thumbnail_para.dots', request({}, { type: 'DOTS', dots: Array.from({ length: 11 }, (_, i) => i) })],
    ['thumbnail_para.dots.0', request({}, { type: 'DOTS', dots: [-1] })],
    ['thumbnail_para.dots.0', request({}, { type: 'DOTS', dots: [0.5] })],
    ['thumbnail_para.type', request({}, { type: 'DOTS_MS', dots_ms: [1000] })],
    ['thumbnail_para.type', syncRequest({ type: 'TIME' })],
    ['thumbnail_para.dots', syncRequest({ type: 'DOTS', dots: [1, 2] })],
    ['thumbnail_para.dots_ms', syncRequest({ type: 'DOTS_MS', dots_ms: [1, 2] })],
    ['thumbnail_para.dots_ms', syncRequest({ type: 'DOTS_MS' })],
    ['body', []],
  ])('%s', async (field, body) => {
    const fixture = await MpcFixture.open();
    expect(await refusal(fixture, body)).toMatch(new RegExp(`^${field.replaceAll('.', '\\.')}: `));
    expect(fixture.mpc.tasks.list()).toEqual([]);
  });

  test('a body that is not JSON', async () => {
    const fixture = await MpcFixture.open();
    const answer = await fixture.call('POST', { rawBody: '{"input":' });
    expect([answer.status, answer.body.error_code]).toEqual([400, 'MPC.10202']);
  });

  test('the header x-local-detail names every wrong field', async () => {
    const fixture = await MpcFixture.open();
    const answer = await fixture.create(request({ tar: 7 }, { time: 101 }));
    expect(answer.headers.get('x-local-detail')).toMatch(/^thumbnail_para\.time: .*; tar: /);
  });
});

test.each(['text/plain', 'application/jsonp'])(
  'content type %s is refused with MPC.10205',
  async (contentType) => {
    const fixture = await MpcFixture.open();
    const answer = await fixture.call('POST', { body: request(), contentType });
    expect(answer.status).toBe(400);
    expect(answer.body).toEqual({
      error_code: 'MPC.10205',
      error_msg: 'Incorrect request content type.',
    });
  },
);

test.each<[string, unknown]>([
  ['an input in another region', request({ input: { ...request().input, location: 'cn-east-3' } })],
  ['an output in another region', request({ output: { ...request().output, location: 'cn-east-3' } })],
  ['an unknown input bucket', request({ input: { ...request().input, bucket: 'nobody' } })],
  ['an unknown output bucket', request({ output: { ...request().output, bucket: 'nobody' } })],
  [
    'a missing input of a synchronous request',
    { ...syncRequest(), input: { ...request().input, object: 'no.mp4' } },
  ],
])('%s is refused with MPC.10209', async (_, body) => {
  const fixture = await MpcFixture.open();
  const answer = await fixture.create(body);
  expect(answer.status).toBe(403);
  expect(answer.body).toEqual({ error_code: 'MPC.10209', error_msg: 'Invalid input or output OBS path.' });
});

describe('synchronous requests', () => {
  test('answer after the picture is stored, and say where', async () => {
    const fixture = await MpcFixture.open();
    const answer = await fixture.create(
      syncRequest({ type: 'DOTS_MS', dots_ms: [1500], output_filename: 'cover', max_length: 360 }),
    );
    expect(answer.status).toBe(202);
    expect(answer.body).toEqual({
      task_id: expect.any(String),
      status: 'SUCCEEDED',
      output: { bucket: 'snapshots', location: REGION, object: 'out' },
      output_file_name: 'cover.jpg',
      thumbnail_time: '1500',
    });
    const picture = JSON.parse(fixture.object('out/cover.jpg').toString());
    expect(picture).toEqual({ presentationMs: 1500, size: { maxLength: 360 } });
  });

  test('thumbnail_time of DOTS is in seconds', async () => {
    const fixture = await MpcFixture.open();
    const { body } = await fixture.create(syncRequest({ type: 'DOTS', dots: [2] }));
    expect([body.output_file_name, body.thumbnail_time]).toEqual(['2.jpg', '2']);
  });

  test('do not wait for queued tasks', async () => {
    const fixture = await MpcFixture.open({ parallelTasks: 0 });
    const queued = await fixture.accepted(request());
    expect((await fixture.create(syncRequest())).body.status).toBe('SUCCEEDED');
    expect((await fixture.one(queued)).status).toBe('WAITING');
  });

  test('are listed like other tasks', async () => {
    const fixture = await MpcFixture.open();
    const { body } = await fixture.create(syncRequest());
    expect(await fixture.one(body.task_id)).toMatchObject({
      status: 'SUCCEEDED',
      output_file_name: '2.jpg',
      thumbnail_info: [{ pic_name: '2.jpg' }],
    });
  });
});
