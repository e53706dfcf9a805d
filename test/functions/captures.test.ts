import {
  InstallationDouble,
  returned,
  SNAPSHOTS,
  sweepUntilSettled,
  VIDEOS,
} from '../model/installation-double';
import { answered, filesIn, jsonOf, NOTIFIED, receive } from './finishing';

const MINUTE_MS = 60_000;
const TRACK = { name: 'track', thumbnail_para: { type: 'TIME', time: 10 } };
const COVER = { name: 'cover', thumbnail_para: { type: 'DOTS', dots: [3] } };
const listOf = (...captures: unknown[]) => JSON.stringify(captures);
const of = (captures: string, more: Record<string, string> = {}) =>
  new InstallationDouble({ userData: { CAPTURES: captures, ...more } });
const recordsOf = async (service: InstallationDouble, ...events: unknown[]) =>
  returned(await service.deliver(events)).records;
const placesOf = (service: InstallationDouble, key: string) =>
  service.tasksOf(key).map(({ id, body }) => `${id} ${body.output.object}`);

describe('with several captures an upload', () => {
  test('becomes one task for each matching capture, in its own directory, and no second one', async () => {
    const service = of(listOf(TRACK, { ...COVER, prefix: 'films/' }));
    const film = service.upload('films/a.mp4');
    expect(await recordsOf(service, film)).toMatchObject([
      { key: 'films/a.mp4', capture: 'track', started: '1' },
      { key: 'films/a.mp4', capture: 'cover', started: '2' },
    ]);
    expect(await recordsOf(service, service.upload('b.mp4'))).toMatchObject([
      { capture: 'track', started: '3' },
    ]);
    expect(service.cloud.tasks.map(({ body }) => body)).toMatchObject([
      { output: { object: 'snapshots/films/a.mp4/track' }, thumbnail_para: TRACK.thumbnail_para },
      { output: { object: 'snapshots/films/a.mp4/cover' }, thumbnail_para: COVER.thumbnail_para },
      { output: { object: 'snapshots/b.mp4/track' } },
    ]);
    expect(await recordsOf(service, film)).toMatchObject([
      { capture: 'track', skipped: 'already_started', task_id: '1' },
      { capture: 'cover', skipped: 'already_started', task_id: '2' },
    ]);
  });

  test('asks MPC nothing about the tasks of its other captures', async () => {
    const service = of(listOf(TRACK, COVER));
    await service.deliver([service.upload('a.mp4')]);
    expect(service.cloud.mpcCalls).toBe(2);
  });

  test('that matches none says so', async () => {
    const service = of(listOf({ ...COVER, prefix: 'films/' }));
    expect(await recordsOf(service, service.upload('a.mp4'))).toMatchObject([{ skipped: 'no_capture' }]);
  });

  test('counts once for each capture in the pace, and the sweep starts the rest', async () => {
    const service = of(listOf(TRACK, COVER), { MPC_REQUESTS_PER_MINUTE: '3' });
    const events = ['a.mp4', 'b.mp4'].map((key) => service.upload(key));
    expect(await recordsOf(service, ...events)).toMatchObject([
      { started: '1' },
      { started: '2' },
      { capture: 'track', started: '3' },
      { capture: 'cover', deferred: 'no_turn' },
    ]);
    await service.time.pass(2 * MINUTE_MS);
    expect(returned(await service.sweep())).toMatchObject({ started: 1, already_started: 3, looked_at: 4 });
    expect(placesOf(service, 'b.mp4')).toEqual(['3 snapshots/b.mp4/track', '4 snapshots/b.mp4/cover']);
  });

  test('gets the other captures if MPC refuses one', async () => {
    const service = of(listOf(TRACK, COVER));
    const outcome = await service.deliver([service.upload('a.mp4')], { create: 'error-before' });
    expect(outcome).toMatchObject({ kind: 'failed', message: expect.stringContaining('1 of 2') });
    expect(placesOf(service, 'a.mp4')).toEqual(['1 snapshots/a.mp4/cover']);
    await sweepUntilSettled(service);
    expect(placesOf(service, 'a.mp4')).toEqual(['1 snapshots/a.mp4/cover', '2 snapshots/a.mp4/track']);
  });

  test('that is replaced is captured again by each', async () => {
    const service = of(listOf(TRACK, COVER));
    await service.deliver([service.upload('a.mp4', 'one')]);
    await service.time.pass(1000);
    expect(await recordsOf(service, service.upload('a.mp4', 'two'))).toMatchObject([
      { started: '3' },
      { started: '4' },
    ]);
    expect(service.tasksOf('a.mp4').map(({ status }) => status)).toEqual([
      'CANCELED',
      'CANCELED',
      'WAITING',
      'WAITING',
    ]);
  });
});

test('a changed capture is made again for all videos, and the others are not', async () => {
  const service = of(listOf(TRACK, COVER));
  for (const key of ['a.mp4', 'b.mp4']) await service.deliver([service.upload(key)]);
  await sweepUntilSettled(service);
  for (const { id } of service.cloud.tasks) service.cloud.end(id);
  service.userData.CAPTURES = listOf(
    { ...TRACK, name: 'track' },
    { ...COVER, thumbnail_para: { type: 'DOTS', dots: [7] } },
  );
  await sweepUntilSettled(service);
  expect([...placesOf(service, 'a.mp4'), ...placesOf(service, 'b.mp4')].sort()).toEqual([
    '1 snapshots/a.mp4/track',
    '2 snapshots/a.mp4/cover',
    '3 snapshots/b.mp4/track',
    '4 snapshots/b.mp4/cover',
    '5 snapshots/a.mp4/cover',
    '6 snapshots/b.mp4/cover',
  ]);
});

test('what CAPTURE has captured is not captured again by an equal capture into the same directory', async () => {
  const service = new InstallationDouble({ userData: { CAPTURE: JSON.stringify(TRACK.thumbnail_para) } });
  await service.deliver([service.upload('a.mp4')]);
  expect(placesOf(service, 'a.mp4')).toEqual(['1 snapshots/a.mp4']);
  delete service.userData.CAPTURE;
  service.userData.CAPTURES = listOf(
    { ...TRACK, directory: 'snapshots/{key}' },
    { ...COVER, directory: 'covers/{key}' },
  );
  await sweepUntilSettled(service);
  expect(placesOf(service, 'a.mp4')).toEqual(['1 snapshots/a.mp4', '2 covers/a.mp4']);
  const { body } = answered(await service.query({ object: 'a.mp4', capture: 'track' }));
  expect(body).toMatchObject({ task_array: [{ task_id: '1', capture: 'track' }] });
});

describe('a video with several captures', () => {
  const finished = async (more: Record<string, string> = {}) => {
    const service = of(listOf(TRACK, COVER), more);
    await service.deliver([service.upload('a.mp4')]);
    for (const { id } of service.cloud.tasks) service.cloud.end(id);
    await service.finish();
    return service;
  };
  const idsOf = (answer: unknown) =>
    (answer as { task_array: { task_id: string; capture?: string }[] }).task_array.map(
      ({ task_id, capture }) => `${task_id} ${capture}`,
    );

  test('is answered with all its tasks, or with those of the capture that is named', async () => {
    const service = await finished();
    const list = async (parameters: Record<string, string>) =>
      idsOf(answered(await service.query({ object: 'a.mp4', ...parameters })).body).sort();
    expect(await list({})).toEqual(['1 track', '2 cover']);
    expect(await list({ capture: 'track' })).toEqual(['1 track']);
    expect(await list({ capture: 'cover' })).toEqual(['2 cover']);
    expect(answered(await service.query({}, '2')).body).toMatchObject({ capture: 'cover' });
  });

  test('has its cover from the capture with one picture, and its track from the other', async () => {
    const service = await finished();
    const poster = returned(await service.query({ object: 'a.mp4', format: 'poster' }));
    expect(poster).toMatchObject({
      statusCode: 302,
      headers: { location: expect.stringContaining('/a.mp4/cover/') },
    });
    const storyboard = answered(await service.query({ object: 'a.mp4', format: 'storyboard' }));
    expect(JSON.stringify(storyboard.body)).toContain('/a.mp4/track/');
    const named = answered(await service.query({ object: 'a.mp4', format: 'storyboard', capture: 'cover' }));
    expect(JSON.stringify(named.body)).toContain('/a.mp4/cover/');
  });

  test('gets no track from another capture, and shows the older one until there is a new one', async () => {
    const service = of(listOf({ ...TRACK, suffixes: ['.mov'] }, COVER));
    returned(await service.create({ input: { bucket: VIDEOS, object: 'a.mov' } }));
    service.cloud.end(1);
    expect(answered(await service.query({ object: 'a.mov', format: 'storyboard' }))).toMatchObject({
      status: 200,
    });
    const named = answered(await service.query({ object: 'a.mov', format: 'storyboard', capture: 'track' }));
    expect(named).toMatchObject({
      status: 404,
      body: { error_msg: expect.stringContaining('no task of capture track: a.mov') },
    });
    await service.deliver([service.upload('a.mov')]);
    expect(answered(await service.query({ object: 'a.mov', format: 'storyboard' }))).toMatchObject({
      status: 200,
      body: [],
    });
  });

  test('has files and an index for each, and a notice that names the capture', async () => {
    const service = of(listOf(TRACK, COVER), NOTIFIED);
    const notices = receive(service);
    await service.deliver([service.upload('a.mp4')]);
    for (const { id } of service.cloud.tasks) service.cloud.end(id);
    await service.finish();
    for (const capture of ['track', 'cover']) {
      expect(filesIn(service, `snapshots/a.mp4/${capture}`)).toContain('poster.jpg');
      expect(jsonOf(service, `snapshots/a.mp4/${capture}/snapshots.json`)).toMatchObject({ capture });
    }
    expect(notices.map(({ body }) => JSON.parse(body).data.capture).sort()).toEqual(['cover', 'track']);
    expect(service.cloud.buckets.get(SNAPSHOTS)?.has('snapshots/a.mp4/snapshots.json')).toBe(false);
  });

  test.each([
    [{ object: 'a.mp4', capture: 'tracks' }, 'capture must be one of track, cover, got "tracks"'],
    [{ capture: 'track' }, 'capture must come with object=…'],
  ])('with the query %j is refused with a clear message', async (parameters, message) => {
    const service = of(listOf(TRACK, COVER));
    const { status, body } = answered(await service.query(parameters));
    expect({ status, message: (body as { error_msg: string }).error_msg }).toEqual({
      status: 400,
      message: `Invalid request parameter: ${message}`,
    });
  });
});

test('the parameter capture is refused if there is only CAPTURE', async () => {
  const service = new InstallationDouble();
  expect(answered(await service.query({ object: 'a.mp4', capture: 'track' }))).toMatchObject({
    status: 400,
    body: {
      error_msg: expect.stringContaining('capture must be left out: CAPTURES is not set, got "track"'),
    },
  });
});

test('a capture is recognised whatever version its directory is named after', async () => {
  const service = of(
    listOf({ ...TRACK, directory: 'tracks/{etag}/{key}' }, { ...COVER, directory: 'covers/{key}-{etag}' }),
  );
  await service.deliver([service.upload('a.mp4')]);
  const { body } = answered(await service.query({ object: 'a.mp4' }));
  expect(
    (body as { task_array: { capture: string }[] }).task_array.map(({ capture }) => capture).sort(),
  ).toEqual(['cover', 'track']);
});

describe('what a caller captured in the directory of a capture', () => {
  const service = of(
    listOf({ ...TRACK, directory: 'snapshots/{key}' }, { ...COVER, directory: 'covers/{key}' }),
  );
  const first = (task_array: { task_id: string }[]) => task_array.map(({ task_id }) => task_id);
  const ask = async (parameters: Record<string, string>) =>
    answered(await service.query({ object: 'a.mp4', ...parameters })).body;
  beforeAll(async () => {
    await service.deliver([service.upload('a.mp4')]);
    for (const { id } of service.cloud.tasks) service.cloud.end(id);
    await service.finish();
    for (let count = 0; count < 25; count++) {
      await service.time.pass(1000);
      returned(await service.create({ input: { bucket: VIDEOS, object: 'a.mp4' } }));
      // Without original_dir MPC adds a directory of its own.
      const { id, body } = service.cloud.tasks.at(-1) ?? { id: 0, body: { output: { object: '' } } };
      body.output.object += `/random-${id}`;
      service.cloud.end(id);
    }
    await service.finish();
  });

  test('is not taken for that capture', async () => {
    expect(first((await ask({ capture: 'track' })).task_array)).toEqual(['1']);
    const { body } = answered(await service.query({}, '27'));
    expect(body).not.toHaveProperty('capture');
    expect(JSON.stringify(await ask({ format: 'storyboard' }))).toContain('/snapshots/a.mp4/0.jpg');
  });

  test('hides nothing, however much it is, and the answer says what was left out', async () => {
    expect(first((await ask({ capture: 'cover' })).task_array)).toEqual(['2']);
    const { task_array, is_truncated, total } = await ask({});
    expect(first(task_array).slice(0, 2)).toEqual(['27', '26']);
    expect(first(task_array).slice(-2)).toEqual(['2', '1']);
    expect({ is_truncated, total }).toEqual({ is_truncated: 1, total: 27 });
  });
});

test.each(['tracks/{etag}-track/{key}', 'tracks/{key}/{etag}/of/{etag}'])(
  'a capture whose directory is %s is recognised',
  async (directory) => {
    const service = of(listOf({ ...TRACK, directory }));
    await service.deliver([service.upload('a.mp4')]);
    const { body } = answered(await service.query({ object: 'a.mp4', capture: 'track' }));
    expect(body).toMatchObject({ total: 1, task_array: [{ task_id: '1', capture: 'track' }] });
  },
);
