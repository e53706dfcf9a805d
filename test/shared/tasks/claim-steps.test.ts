import type { CreateTaskBody } from '../../../shared/cloud/mpc';
import { type ClaimRequest, claimKey } from '../../../shared/tasks/claim-record';
import {
  ClaimDamaged,
  ClaimInFlight,
  ClaimOfAnotherRequest,
  cancelToStartAgain,
  createClaimedTask,
  findClaim,
  uploadClaim,
} from '../../../shared/tasks/claims';
import { AS_THE_LOCAL_CLOUD, CloudDouble, type CloudDoubleOptions } from '../../model/cloud-double';
import { settingsWith } from '../function-context';
import { ServicesDouble } from '../services-double';

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const VIDEO = { bucket: 'videos', key: 'a.mp4' };
const OUTPUT = { bucket: 'snapshots', object: 'snapshots/a.mp4' };
const location = 'ap-southeast-3';
const BODY = {
  input: { bucket: 'videos', location, object: 'a.mp4' },
  output: { ...OUTPUT, location },
  thumbnail_para: { type: 'DOTS' as const, dots: [1] },
};

const services = new ServicesDouble();
let cloud: CloudDouble;
let nowMs: number;
let tests = 0;
let logged: Record<string, unknown>[];
/** Each test has a claim and a time of its own: the instance keeps what it has read of MPC's list. */
let claim: ClaimRequest;

const begin = (options: Partial<CloudDoubleOptions> = {}) => {
  cloud = new CloudDouble(['videos', 'snapshots'], { ...AS_THE_LOCAL_CLOUD, now: Date.now, ...options });
  services.serve(cloud);
};
beforeAll(() => services.start());
beforeEach(() => {
  nowMs = Date.UTC(2026, 10, 1, 8) + ++tests * 24 * HOUR_MS;
  const id = `claim-${tests}`;
  claim = { ...VIDEO, id, objectKey: claimKey(VIDEO, id), etag: 'e', lastModifiedMs: 5, output: OUTPUT };
  jest.spyOn(Date, 'now').mockImplementation(() => nowMs);
  logged = [];
  const keep = (line: unknown) => logged.push(JSON.parse(String(line))) > 0;
  for (const stream of [process.stdout, process.stderr]) jest.spyOn(stream, 'write').mockImplementation(keep);
  begin();
  services.calls.splice(0);
});
afterEach(() => void jest.restoreAllMocks());
afterAll(() => services.stop());

const keyOf = (attempt = 0) => claim.objectKey.replace(/json$/, attempt === 0 ? 'json' : `${attempt}.json`);
const put = (record: object, attempt = 0) => cloud.put('snapshots', keyOf(attempt), JSON.stringify(record));
const stored = (attempt = 0) => {
  const object = cloud.buckets.get('snapshots')?.get(keyOf(attempt));
  return object && JSON.parse(object.body);
};
const claimed = (more: object = {}) => ({ state: 'claimed', claimed_at_ms: nowMs, owner: 'me', ...more });
const find = (changes: Partial<ClaimRequest> = {}) =>
  findClaim({ ...claim, ...changes }, services.invocation());
const create = (attempt = 0, refusals = 0, release?: () => void, body: CreateTaskBody = BODY) =>
  createClaimedTask(claim, body, { attempt, refusals, notBeforeMs: 0 }, services.invocation(), release);
/** MPC has a task with the note of the claim. */
const add = (id: number, status: CloudDouble['tasks'][number]['status'] = 'WAITING', note: object = {}) =>
  cloud.tasks.push({
    id,
    status,
    createdAtMs: nowMs,
    arrivedAtMs: nowMs,
    accessKey: '',
    body: {
      ...BODY,
      user_data: JSON.stringify({ 'mpc-snapshots': { claim: claim.id, owner: 'me', ...note } }),
    },
  });
const answerCreate = (status: number, body: object = { error_code: 'MPC.1', error_msg: 'no' }) => {
  const { answer } = services;
  services.answer = (request, sent) =>
    request.method === 'POST' ? { status, body: JSON.stringify(body) } : answer(request, sent);
};
const events = (event: string) => logged.filter((line) => line.event === event);
const methods = () =>
  services.calls.map((call) => `${call.split(' ')[0]} ${/thumbnails/.test(call) ? 'MPC' : 'OBS'}`);

describe('the claim of an upload', () => {
  const upload = { ...VIDEO, etag: 'e', lastModifiedMs: 5 };
  const settings = settingsWith();
  const capture = {
    name: 'a',
    thumbnailPara: BODY.thumbnail_para,
    directory: settings.outputDirectory,
  } as unknown as Parameters<typeof uploadClaim>[1];
  const idOf = (changes: object, captured: object = {}, round?: number) =>
    uploadClaim({ ...upload, ...changes }, { ...capture, ...captured }, settings, round).id;

  test('is another one for another object, version, picture, directory or round, and not for another name', () => {
    const first = idOf({});
    expect(first).toMatch(/^[0-9a-f]{40}$/);
    expect(idOf({}, { name: 'b' })).toBe(first);
    expect(idOf({ lastModifiedMs: 6 }, {}, 0)).toBe(first);
    const ids = [
      first,
      idOf({ bucket: 'archive' }),
      idOf({ key: 'b.mp4' }),
      idOf({ etag: 'f' }),
      idOf({}, { thumbnailPara: { type: 'DOTS', dots: [2] } }),
      idOf({}, { directory: 'elsewhere/{key}' }),
      idOf({}, {}, 1),
      idOf({}, {}, 2),
    ];
    expect(new Set(ids).size).toBe(ids.length);
  });

  test('has its record in the folder of its video, and its pictures in its directory', () => {
    expect(uploadClaim(upload, capture, settings)).toMatchObject({
      ...upload,
      capture: 'a',
      objectKey: expect.stringMatching(/^\.mpc-snapshots\/claims\/[0-9a-f]{40}\/[0-9a-f]{40}\.json$/),
      output: OUTPUT,
    });
  });
});

describe('what is begun', () => {
  test('is written down first, then that MPC has accepted it', async () => {
    let first: unknown;
    const { answer } = services;
    services.answer = (request, sent) => {
      if (request.method === 'POST') first = stored();
      return answer(request, sent);
    };
    claim = { ...claim, fingerprint: 'f', capture: 'c' };
    expect(await create()).toMatchObject({ task: { task_id: '1' }, isNew: true });
    const common = {
      claimed_at_ms: nowMs,
      last_modified_ms: 5,
      directory: 'snapshots/a.mp4',
      claim: claim.id,
      ...VIDEO,
      etag: 'e',
      fingerprint: 'f',
      folder: 'snapshots/',
    };
    const owner = expect.stringMatching(/^[0-9a-f]{8}$/);
    expect(first).toEqual({ ...common, state: 'claimed', owner });
    expect(stored()).toEqual({ ...common, state: 'accepted', task_id: '1', answer: { task_id: '1' } });
    const { owner: written } = first as { owner: string };
    expect(JSON.parse(cloud.tasks[0]?.body.user_data ?? '')).toEqual({
      'mpc-snapshots': { claim: claim.id, owner: written, capture: 'c' },
    });
    expect(methods()).toEqual(['PUT OBS', 'POST MPC', 'PUT OBS']);
    for (const event of ['claim.claimed', 'claim.accepted'])
      expect(events(event)).toMatchObject([{ level: 'info', claim: claim.id, ...VIDEO }]);
    expect(events('claim.accepted')).toMatchObject([{ task_id: '1' }]);
    expect(await find()).toMatchObject({
      task: { task_id: '1' },
      record: { claimed_at_ms: nowMs, last_modified_ms: 5 },
    });
  });

  test('again has a record of its own, and the first one says where it is', async () => {
    for (const attempt of [0, 1, 2]) put({ state: 'released', claimed_at_ms: 1 }, attempt);
    await create(3);
    expect(stored(0)).toMatchObject({ state: 'released', claimed_at_ms: nowMs, next: 3 });
    expect(stored(3)).toMatchObject({ state: 'accepted', task_id: '1' });
    services.calls.splice(0);
    expect(await find()).toMatchObject({ task: { task_id: '1' } });
    expect(services.calls).toHaveLength(2);
  });

  test.each([
    ['claimed', { state: 'claimed' }],
    ['released', { state: 'released' }],
  ])('by another invocation at the same time and is %s is in flight', async (_, record) => {
    begin({ conditionalWrites: 'honoured' });
    put({ ...record, claimed_at_ms: nowMs });
    const release = jest.fn();
    await expect(create(0, 0, release)).rejects.toBeInstanceOf(ClaimInFlight);
    expect(release).toHaveBeenCalledTimes(1);
    expect(cloud.creates).toHaveLength(0);
  });

  test('by another invocation at the same time and is released can be tried in a second', async () => {
    begin({ conditionalWrites: 'honoured' });
    put({ state: 'released', claimed_at_ms: nowMs });
    await expect(create()).rejects.toMatchObject({
      message: 'the claim is in flight',
      retryAfterSeconds: 1,
    });
  });

  test('by another invocation at the same time and cannot be read is in flight', async () => {
    begin({ conditionalWrites: 'honoured' });
    cloud.put('snapshots', keyOf(), 'no JSON');
    await expect(create()).rejects.toBeInstanceOf(ClaimInFlight);
  });

  test('by this invocation, which learned of it at the second try, goes on', async () => {
    begin({ conditionalWrites: 'honoured' });
    const { answer } = services;
    services.answer = (request, sent) => {
      services.answer = answer;
      return { ...answer(request, sent), status: 503 };
    };
    expect(await create()).toMatchObject({ task: { task_id: '1' }, isNew: true });
  });

  test('is not lost when the answer cannot be written down, and the log says so', async () => {
    const { answer } = services;
    services.answer = (request, sent) =>
      request.method === 'PUT' && sent.includes('accepted') ? { status: 403 } : answer(request, sent);
    expect(await create()).toMatchObject({ task: { task_id: '1' }, isNew: true });
    expect(stored()).toMatchObject({ state: 'claimed' });
    expect(events('claim.not_written')).toMatchObject([
      { level: 'warn', claim: claim.id, failure: 'refused', service: 'OBS' },
    ]);
  });

  test('by another invocation at the same time gives its task', async () => {
    begin({ conditionalWrites: 'honoured' });
    put({ state: 'accepted', claimed_at_ms: nowMs, task_id: '7' });
    expect(await create()).toEqual({ task: { task_id: '7' }, isNew: false });
  });
});

describe('a call to MPC', () => {
  test.each([
    [400, 0, { refusals: 1, waitsMs: 0 }],
    [400, 1, { refusals: 2, waitsMs: 10 * MINUTE_MS }],
    [400, 2, { refusals: 3, waitsMs: 20 * MINUTE_MS }],
    [400, 20, { refusals: 21, waitsMs: 24 * HOUR_MS }],
    [429, 0, { refusals: undefined, waitsMs: undefined }],
    [429, 3, { refusals: 3, waitsMs: undefined }],
    [401, 3, { refusals: 3, waitsMs: undefined }],
  ])('that is refused with %i after %i refusals frees the claim: %j', async (status, before, expected) => {
    const code = status === 401 ? 'APIGW.0301' : 'MPC.1';
    answerCreate(status, { error_code: code, error_msg: 'no' });
    const release = jest.fn();
    await expect(create(0, before, release)).rejects.toMatchObject({ status });
    const { state, refusals, not_before_ms } = stored();
    const waitsMs = not_before_ms === undefined ? undefined : not_before_ms - nowMs;
    expect({ state, refusals, waitsMs }).toEqual({ state: 'released', ...expected });
    expect(release).toHaveBeenCalledTimes(1);
    expect(await find()).toEqual({
      free: { attempt: 1, refusals: refusals ?? 0, notBeforeMs: not_before_ms ?? 0 },
    });
  });

  test('that needs no permit and is refused frees the claim', async () => {
    answerCreate(400);
    await expect(create()).rejects.toMatchObject({ status: 400 });
    expect(stored()).toMatchObject({ state: 'released', refusals: 1 });
  });

  test.each([
    [undefined, { status: 429 }],
    // Its answer may come later, but no request leaves later.
    [1 as const, { service: 'MPC', message: expect.stringContaining('MPC') }],
  ])('that is refused 20 s after its claim is not sent again, sync: %p', async (sync, expected) => {
    const invocation = { ...services.invocation(), deadlineMs: nowMs + MINUTE_MS };
    const { answer } = services;
    services.answer = (request, sent) => {
      if (request.method !== 'POST') return answer(request, sent);
      nowMs += 20 * SECOND_MS;
      return { status: 429, body: '{}' };
    };
    const free = { attempt: 0, refusals: 0, notBeforeMs: 0 };
    const call = createClaimedTask(claim, { ...BODY, sync }, free, invocation);
    await expect(call).rejects.toMatchObject(expected);
    if (sync === 1) await expect(call).rejects.not.toHaveProperty('status');
    expect(methods().filter((method) => method === 'POST MPC')).toHaveLength(1);
  });

  test.each([408, 500, 503])('that failed with status %i frees the permit, not the claim', async (status) => {
    answerCreate(status);
    const release = jest.fn();
    await expect(create(0, 0, release)).rejects.toMatchObject({ status });
    expect(stored()).toMatchObject({ state: 'claimed' });
    expect(release).toHaveBeenCalledTimes(1);
  });

  test('whose answer names no task frees the permit, not the claim', async () => {
    answerCreate(202, {});
    const release = jest.fn();
    await expect(create(0, 0, release)).rejects.toMatchObject({
      message: expect.stringContaining('task_id'),
    });
    expect(stored()).toMatchObject({ state: 'claimed' });
    expect(release).toHaveBeenCalledTimes(1);
  });

  test('that is synchronous needs no id', async () => {
    begin({ syncTaskId: false });
    const { task } = await create(0, 0, undefined, { ...BODY, sync: 1 });
    expect(task).toMatchObject({ output_file_name: '0.jpg' });
    expect(await find()).toMatchObject({ task: { output_file_name: '0.jpg' } });
  });
});

describe('a half-written claim', () => {
  test('is completed with the first of its tasks', async () => {
    put(claimed());
    for (const id of [10, 9, 11]) add(id);
    nowMs += 2 * MINUTE_MS;
    expect(await find()).toMatchObject({ task: { task_id: '9', status: 'WAITING' } });
    expect(stored()).toMatchObject({
      state: 'accepted',
      claimed_at_ms: nowMs - 2 * MINUTE_MS,
      task_id: '9',
      answer: {
        task_id: '9',
        status: 'WAITING',
        create_time: expect.stringMatching(/^\d{14}$/),
        output: OUTPUT,
      },
    });
    expect([...(cloud.buckets.get('snapshots')?.keys() ?? [])]).toContain('.mpc-snapshots/found/9.json');
    expect(events('claim.duplicates')).toMatchObject([
      { level: 'error', claim: claim.id, task_ids: ['9', '10', '11'] },
    ]);
  });

  test.each([
    ['another owner', { owner: 'other' }, {}],
    ['another claim', { claim: 'other' }, {}],
    ['another video', {}, { key: 'b.mp4' }],
    ['another bucket', {}, { bucket: 'archive' }],
    ['another directory', {}, { output: { ...OUTPUT, object: 'elsewhere' } }],
  ])('is not completed with a task of %s, and is given up in the end', async (_, note, changes) => {
    put(claimed());
    add(1, 'WAITING', note);
    nowMs += 2 * MINUTE_MS;
    expect(await find(changes)).toEqual({ free: { attempt: 1, refusals: 0, notBeforeMs: 0 } });
    expect(events('claim.abandoned')).toMatchObject([{ claim: claim.id }]);
    expect(events('claim.duplicates')).toEqual([]);
  });

  test('without an output is completed with a task into any directory', async () => {
    put(claimed());
    add(1);
    nowMs += 2 * MINUTE_MS;
    expect(await find({ output: undefined })).toMatchObject({ task: { task_id: '1' } });
    expect(events('claim.duplicates')).toEqual([]);
  });

  test.each([
    [0, 'CANCELED', { task: { task_id: '1' } }],
    [1, 'CANCELED', { free: { attempt: 2 } }],
    [1, 'WAITING', { task: { task_id: '1' } }],
  ] as const)('of attempt %i with a task that is %s: %j', async (attempt, status, expected) => {
    if (attempt === 1) put({ state: 'released', claimed_at_ms: 1 });
    put(claimed(), attempt);
    add(1, status);
    nowMs += 2 * MINUTE_MS;
    expect(await find()).toMatchObject(expected);
  });

  test('whose call may still arrive is in flight, for the seconds that are left', async () => {
    put(claimed());
    nowMs += 74 * SECOND_MS - 1;
    await expect(find()).rejects.toMatchObject({ retryAfterSeconds: 2 });
    expect(stored()).toMatchObject({ state: 'claimed', owner: 'me' });
  });

  test('for which no list call is left says how far the search came', async () => {
    put(claimed());
    nowMs += 2 * MINUTE_MS;
    const invocation = services.invocation();
    invocation.searches.calls = 0;
    await expect(findClaim(claim, invocation)).rejects.toMatchObject({ retryAfterSeconds: 60 });
    expect(stored()).toMatchObject({
      state: 'claimed',
      owner: 'me',
      sought_to_ms: expect.any(Number),
      window_ms: expect.any(Number),
    });
  });

  test('is over when a later attempt has been made', async () => {
    put(claimed());
    put({ state: 'accepted', claimed_at_ms: nowMs, task_id: '7' }, 1);
    nowMs += 75 * SECOND_MS;
    expect(await find()).toMatchObject({ task: { task_id: '7' } });
    expect(methods()).toEqual(['GET OBS', 'GET OBS', 'GET OBS']);
  });

  test('of another request stands in the way until a later attempt has been made', async () => {
    put(claimed({ fingerprint: 'one' }));
    await expect(find({ fingerprint: 'two' })).rejects.toThrow('the claim was made for another request');
    nowMs += 75 * SECOND_MS;
    await expect(find({ fingerprint: 'two' })).rejects.toBeInstanceOf(ClaimOfAnotherRequest);
    put({ state: 'accepted', claimed_at_ms: nowMs, task_id: '7', fingerprint: 'two' }, 1);
    expect(await find({ fingerprint: 'two' })).toMatchObject({ task: { task_id: '7' } });
  });
});

describe('a record that cannot be read', () => {
  test.each(['no JSON', '{"state":"claimed"}', '{"state":"accepted","claimed_at_ms":1}'])(
    '%s: is as old as its object, and counts as damaged if MPC has no task of it',
    async (text) => {
      cloud.put('snapshots', keyOf(), text);
      nowMs += 74 * SECOND_MS;
      await expect(find({ fingerprint: 'f' })).rejects.toMatchObject({ retryAfterSeconds: 1 });
      expect(events('claim.damaged')).toEqual([]);
      nowMs += MINUTE_MS;
      const found = find();
      await expect(found).rejects.toBeInstanceOf(ClaimDamaged);
      await expect(found).rejects.toThrow('the claim cannot be read');
      expect(events('claim.damaged')).toMatchObject([
        { level: 'error', claim: claim.id, ...VIDEO, record: keyOf() },
      ]);
    },
  );

  test('is completed with the task that MPC has of it', async () => {
    cloud.put('snapshots', keyOf(), 'no JSON');
    add(1);
    nowMs += 2 * MINUTE_MS;
    expect(await find()).toMatchObject({ task: { task_id: '1' } });
    expect(stored()).toMatchObject({ state: 'accepted', task_id: '1' });
  });
});

describe('a claim whose task the clean-up was about to cancel', () => {
  const givenUp = () => ({ state: 'accepted', claimed_at_ms: 3, task_id: '1', answer: {}, giving_up: 1 });

  test('is in flight while the task waits', async () => {
    put(givenUp());
    add(1);
    await expect(find()).rejects.toMatchObject({ retryAfterSeconds: 60 });
    expect(services.calls.at(-1)).toContain('task_id=1');
    expect(stored()).toMatchObject({ giving_up: 1 });
  });

  test('is free when the task was cancelled', async () => {
    put(givenUp());
    add(1, 'CANCELED');
    expect(await find()).toMatchObject({ free: { attempt: 1 } });
    expect(stored()).toMatchObject({ state: 'released', claimed_at_ms: 3 });
    expect(stored()).not.toHaveProperty('task_id');
  });

  test('keeps a task that MPC has forgotten', async () => {
    put(givenUp());
    expect(await find()).toMatchObject({ task: { task_id: '1' } });
  });

  test.each(['PROCESSING', 'SUCCEEDED'] as const)('keeps a task that is %s', async (status) => {
    put(givenUp());
    add(1, status);
    expect(await find()).toMatchObject({ task: { task_id: '1' }, record: { claimed_at_ms: 3 } });
    expect(stored()).toMatchObject({ state: 'accepted', task_id: '1' });
    expect(stored()).not.toHaveProperty('giving_up');
  });
});

describe('a task that is cancelled so that its upload is started again', () => {
  const before = jest.fn(async () => {});
  const note = (owner = 'me') => JSON.stringify({ 'mpc-snapshots': { claim: claim.id, owner } });
  const cancel = (user_data = note()) => {
    before.mockClear();
    const task = { task_id: '1', status: 'WAITING', input: BODY.input, user_data };
    return cancelToStartAgain(task, claim.id, services.invocation(), before);
  };
  const accepted = (task_id: string) => ({ state: 'accepted', claimed_at_ms: 3, task_id, etag: 'e' });
  const status = () => cloud.tasks[0]?.status;
  beforeEach(() => void add(1));

  test('leaves a free claim, and its record says so before MPC is called', async () => {
    put({ ...accepted('1'), fingerprint: 'f' });
    const { answer } = services;
    let first: object = {};
    services.answer = (request, sent) => {
      if (request.method === 'DELETE') {
        expect(before).toHaveBeenCalledTimes(1);
        first = stored();
      }
      return answer(request, sent);
    };
    await cancel();
    expect(first).toMatchObject({
      ...accepted('1'),
      fingerprint: 'f',
      giving_up: 1,
      answer: { task_id: '1' },
    });
    expect(before).toHaveBeenCalledWith(expect.objectContaining(VIDEO));
    expect(stored()).toMatchObject({ state: 'released', claimed_at_ms: 3, etag: 'e', fingerprint: 'f' });
    expect(stored()).not.toHaveProperty('task_id');
    expect(status()).toBe('CANCELED');
  });

  test('keeps MPC’s answer in its record', async () => {
    put({ ...accepted('1'), answer: { task_id: '1', status: 'x' } });
    cloud.end(1);
    await expect(cancel()).rejects.toMatchObject({ status: 400 });
    expect(stored()).toMatchObject({ giving_up: 1, answer: { status: 'x' } });
  });

  test('is only cancelled where there is no record', async () => {
    await cancel();
    expect(methods()).toEqual(['GET OBS', 'DELETE MPC']);
    expect(before).not.toHaveBeenCalled();
  });

  test('is only cancelled where its record is released', async () => {
    put({ ...accepted('1'), state: 'released' });
    await cancel();
    expect(methods()).toEqual(['GET OBS', 'DELETE MPC']);
  });

  test('is looked for in later attempts', async () => {
    put({ ...accepted('7'), next: 3 });
    put(accepted('8'), 3);
    put(accepted('1'), 4);
    await cancel();
    expect(stored(4)).toMatchObject({ state: 'released' });
    expect(stored(3)).toMatchObject({ state: 'accepted', task_id: '8' });
    expect(status()).toBe('CANCELED');
  });

  test('is left alone while its call counts as in flight', async () => {
    put(claimed());
    nowMs += 75 * SECOND_MS - 1;
    await expect(cancel()).rejects.toMatchObject({ retryAfterSeconds: 60 });
    expect(status()).toBe('WAITING');
  });

  test('is taken for the one of a half-written record', async () => {
    put(claimed());
    nowMs += 75 * SECOND_MS;
    await cancel();
    expect(stored()).toMatchObject({ state: 'released' });
    expect(before).toHaveBeenCalledTimes(1);
  });

  test('is not taken for the one of a half-written record after which another attempt was made', async () => {
    put(claimed());
    put(accepted('1'), 1);
    nowMs += 75 * SECOND_MS;
    await cancel();
    expect(stored()).toMatchObject({ state: 'claimed' });
    expect(stored(1)).toMatchObject({ state: 'released' });
  });

  test.each([
    ['of another owner', () => claimed(), 'other'],
    ['that cannot be read', () => ({}), 'me'],
  ])('is not taken for the one of a record %s', async (_, record, owner) => {
    put(record());
    await cancel(note(owner));
    expect(before).not.toHaveBeenCalled();
    expect(status()).toBe('CANCELED');
  });
});
