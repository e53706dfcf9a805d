import { digest } from '../../shared/installation/records';
import type { CloudAnswer } from '../model/cloud-double';
import type { Outcome } from '../model/functions-double';
import {
  InstallationDouble,
  returned,
  SNAPSHOTS,
  sweepUntilSettled,
  uploadRecord,
  VIDEOS,
} from '../model/installation-double';
import { postEvent } from './installation';

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const HEADERS = { 'idempotency-key': 'key' };

const body = (object = 'a.mp4', more: object = {}) => ({ input: { bucket: VIDEOS, object }, ...more });
const answered = (outcome: Outcome) => {
  const {
    statusCode,
    body: text,
    headers,
  } = returned(outcome) as {
    statusCode: number;
    body: string;
    headers: Record<string, string>;
  };
  return { statusCode, headers, body: text === '' ? {} : JSON.parse(text) };
};
const get = (service: InstallationDouble, path: string, query: Record<string, string> = {}) =>
  service.functions.invoke('query', { httpMethod: 'GET', path, queryStringParameters: query });
const del = (service: InstallationDouble, id: string) =>
  service.functions.invoke('cancel', { httpMethod: 'DELETE', path: `/snapshots/${id}` });
/** A task that somebody else of the account created. */
function foreignTask(service: InstallationDouble, changes: object = {}) {
  const input = { bucket: 'somebody-elses', object: 'secret.mp4' };
  const task = {
    id: service.cloud.tasks.length + 1,
    status: 'WAITING' as const,
    createdAtMs: service.time.nowMs,
    arrivedAtMs: service.time.nowMs,
    accessKey: 'theirs',
    body: { input, output: { bucket: 'somebody-elses', object: 'out' }, ...changes },
  };
  service.cloud.tasks.push(task);
  return task;
}
const claimKeys = (service: InstallationDouble) =>
  [...(service.cloud.buckets.get(SNAPSHOTS)?.keys() ?? [])].filter((key) => key.includes('/claims/'));

describe('with conditional writes honoured', () => {
  const honoured = () => new InstallationDouble({ conditionalWrites: 'honoured' });
  const orders = Array.from({ length: 64 }, (_, number) =>
    [...number.toString(2).padStart(6, '0')].map((bit) => bit === '1'),
  );

  test('two instances with one event make one task, in whatever order their calls come', async () => {
    for (const order of orders) {
      const service = honoured();
      const events = { Records: [service.upload('a.mp4')] };
      await service.functions.invokeBoth('on-upload', [events, events], order);
      await sweepUntilSettled(service);
      expect(service.tasksOf('a.mp4')).toHaveLength(1);
    }
  });

  test('two first calls with one Idempotency-Key make one task, and both find it', async () => {
    for (const order of orders) {
      const service = honoured();
      const event = postEvent(JSON.stringify(body()), { headers: HEADERS });
      const both = await service.functions.invokeBoth('create', [event, event], order);
      const statuses = both.map((one) => answered(one).statusCode).sort();
      expect([
        [202, 202],
        [202, 409],
      ]).toContainEqual(statuses);
      await service.time.pass(2 * SECOND_MS);
      expect(answered(await service.create(body(), HEADERS))).toMatchObject({
        statusCode: 202,
        body: { task_id: '1' },
      });
      expect(service.cloud.creates).toHaveLength(1);
    }
  });

  test.each(['reset-after', 'error-after'] as const)(
    'a write whose answer is lost (%s) is recognised as our own',
    async (fate) => {
      const service = honoured();
      const fates = ['ok', 'ok', 'ok', 'ok', 'ok', fate] as const;
      expect(returned(await service.deliver([service.upload('a.mp4')], fates))).toMatchObject({
        records: [{ started: '1' }],
      });
    },
  );

  test('one of two instances repeats a call that MPC refused or never received', async () => {
    const service = honoured();
    const record = service.upload('a.mp4');
    await service.deliver([record], { create: 'reset-before' });
    await service.time.pass(2 * MINUTE_MS);
    const events = { Records: [record] };
    await service.functions.invokeBoth('on-upload', [events, events], [true, false, true, false]);
    await sweepUntilSettled(service);
    expect(service.tasksOf('a.mp4')).toHaveLength(1);
  });
});

describe('an upload that MPC refuses permanently', () => {
  const refuse = (service: InstallationDouble) => {
    const handle = service.cloud.handle.bind(service.cloud);
    let calls = 0;
    service.cloud.handle = (request): CloudAnswer => {
      if (request.method !== 'POST') return handle(request);
      calls++;
      return { status: 400, body: '{"error_code":"MPC.10202","error_msg":"no"}' };
    };
    return () => {
      service.cloud.handle = handle;
      return calls;
    };
  };

  test('takes a few calls a day, and is captured when MPC accepts it', async () => {
    const service = new InstallationDouble();
    const stop = refuse(service);
    service.upload('a.mp4');
    for (let round = 0; round < 3 * 24; round++) {
      await service.time.pass(20 * MINUTE_MS);
      returned(await service.sweep());
    }
    expect(stop()).toBeLessThanOrEqual(11);
    for (let round = 0; round < 3 * 24; round++) {
      await service.time.pass(20 * MINUTE_MS);
      returned(await service.sweep());
    }
    expect(service.tasksOf('a.mp4')).toHaveLength(1);
  });
});

describe('a damaged record', () => {
  test.each([
    '',
    '{"state":"acc',
    '{"state":"lost"}',
    '[]',
    'null',
    '{"state":"accepted","claimed_at_ms":1795867200000}',
  ])('of an upload starts nothing, and leads to the task: %j', async (damaged) => {
    const service = new InstallationDouble();
    const record = service.upload('a.mp4');
    await service.deliver([record]);
    const [claim = ''] = claimKeys(service);
    service.cloud.put(SNAPSHOTS, claim, damaged);
    expect(returned(await service.deliver([record]))).toMatchObject({
      records: [{ skipped: 'already_started', task_id: '1' }],
    });
    expect(service.cloud.creates).toHaveLength(1);
  });

  test('without a task in MPC’s list starts nothing, and the log names the record', async () => {
    const service = new InstallationDouble();
    const record = service.upload('a.mp4');
    await service.deliver([record]);
    service.cloud.tasks.splice(0);
    const [claim = ''] = claimKeys(service);
    service.cloud.put(SNAPSHOTS, claim, '{"state":"acc');
    await service.time.pass(10 * MINUTE_MS);
    expect(await service.deliver([record])).toMatchObject({
      message: expect.stringContaining('a.mp4 (claim_damaged)'),
    });
    expect(service.cloud.creates).toHaveLength(1);
    expect(service.functions.logLines.join('\n')).toMatch(
      /"claim\.damaged".*"record":"\.mpc-snapshots\/claims/,
    );
  });

  test('of an Idempotency-Key is 409 and starts nothing', async () => {
    const service = new InstallationDouble();
    await service.create(body(), HEADERS);
    service.cloud.tasks.splice(0);
    for (const key of service.cloud.buckets.get(SNAPSHOTS)?.keys() ?? [])
      if (key.includes('/requests/')) service.cloud.put(SNAPSHOTS, key, '{"sta');
    await service.time.pass(10 * MINUTE_MS);
    expect(answered(await service.create(body(), HEADERS)).statusCode).toBe(409);
    expect(service.cloud.creates).toHaveLength(1);
  });

  test('of the pace counts as used up, but not for ever', async () => {
    const service = new InstallationDouble();
    service.cloud.put(SNAPSHOTS, '.mpc-snapshots/pace.json', '{"lots":[');
    const record = service.upload('a.mp4');
    expect(returned(await service.deliver([record]))).toMatchObject({ records: [{ deferred: 'no_turn' }] });
    expect(service.cloud.creates).toHaveLength(0);
    await sweepUntilSettled(service);
    expect(service.tasksOf('a.mp4')).toHaveLength(1);
  });
});

describe('a task of somebody else', () => {
  test('is 404 for every caller, and cannot be cancelled', async () => {
    const service = new InstallationDouble();
    const { id } = foreignTask(service);
    expect(answered(await get(service, `/snapshots/${id}`)).statusCode).toBe(404);
    expect(answered(await del(service, String(id)))).toMatchObject({
      statusCode: 404,
      body: { error_code: 'MPC.10211' },
    });
    expect(service.cloud.tasks[0]?.status).toBe('WAITING');
    expect(answered(await get(service, '/snapshots')).body).toMatchObject({ task_array: [] });
    expect(answered(await get(service, '/snapshots', { task_id: String(id) })).body).toMatchObject({
      task_array: [],
    });
  });

  test.each(['uploads', '/uploads/films'])(
    'is 404 too if it writes from an upload bucket to where uploads are captured: %j',
    async (object) => {
      const service = new InstallationDouble({ userData: { UPLOAD_PREFIX: 'uploads/' } });
      const input = { bucket: VIDEOS, object: 'uploads/a.mp4' };
      const { id } = foreignTask(service, { input, output: { bucket: VIDEOS, object } });
      const path = `/snapshots/${id}`;
      const statuses = [answered(await get(service, path)), answered(await del(service, String(id)))];
      expect(statuses.map(({ statusCode }) => statusCode)).toEqual([404, 404]);
    },
  );

  test('does not hide our own tasks', async () => {
    const service = new InstallationDouble();
    await service.create(body());
    foreignTask(service);
    expect(answered(await get(service, '/snapshots')).body.task_array).toMatchObject([{ task_id: '1' }]);
    expect(answered(await del(service, '1')).statusCode).toBe(204);
  });

  test('is not what a task of ours is that MPC has forgotten: MPC says why it cannot be cancelled', async () => {
    const service = new InstallationDouble();
    await service.create(body());
    service.cloud.end(1);
    await service.functions.invoke('on-finish', { trigger_type: 'TIMER', user_event: '' });
    service.cloud.tasks.length = 0;
    expect(answered(await del(service, '1'))).toMatchObject({
      statusCode: 403,
      body: { error_code: 'MPC.10211' },
    });
    expect(answered(await del(service, '2')).statusCode).toBe(404);
  });
});

describe('of two stages that share both buckets, each with its folder,', () => {
  /** What one of them started for an upload, what its caller created, and what that put elsewhere. */
  async function twoStages() {
    const service = new InstallationDouble({ userData: { UPLOAD_PREFIX: 'ours/' } });
    const theirs = service.stageBeside({
      UPLOAD_PREFIX: 'theirs/',
      OUTPUT_DIRECTORY: 'pictures-of-theirs/{key}',
    });
    const create = (object: string, more: object = {}) =>
      theirs.invoke('create', postEvent(JSON.stringify(body(object, more)), { headers: {} }));
    await theirs.invoke('on-upload', { Records: [service.upload('theirs/a.mp4')] });
    await create('theirs/b.mp4');
    await create('theirs/c.mp4', { output: { bucket: SNAPSHOTS, object: 'by-hand' } });
    expect(service.cloud.tasks.map(({ body: { output } }) => output.object)).toEqual([
      'pictures-of-theirs/theirs/a.mp4',
      'pictures-of-theirs/theirs/b.mp4',
      'by-hand',
    ]);
    return { service, theirs };
  }
  const KEYS = ['theirs/a.mp4', 'theirs/b.mp4', 'theirs/c.mp4'];
  const statusOf = async (service: InstallationDouble, name: 'query' | 'cancel', id: string) => {
    const httpMethod = name === 'query' ? 'GET' : 'DELETE';
    const event = { httpMethod, path: `/snapshots/${id}` };
    return answered(await service.functions.invoke(name, event)).statusCode;
  };

  test.each(['WAITING', 'SUCCEEDED'] as const)(
    'neither sees, lists or cancels what the other started (%s)',
    async (status) => {
      const { service, theirs } = await twoStages();
      if (status === 'SUCCEEDED') {
        for (const { id } of service.cloud.tasks) service.cloud.end(id);
        await theirs.invoke('on-finish', { trigger_type: 'TIMER', user_event: '' });
      }
      for (const id of ['1', '2', '3']) {
        expect(await statusOf(service, 'query', id)).toBe(404);
        expect(await statusOf(service, 'cancel', id)).toBe(404);
      }
      expect(answered(await get(service, '/snapshots')).body.task_array).toEqual([]);
      expect(answered(await get(service, '/snapshots', { task_id: '1,2,3' })).body.task_array).toEqual([]);
      for (const object of KEYS)
        expect(answered(await get(service, '/snapshots', { object })).body.task_array).toEqual([]);
      expect(service.cloud.tasks.map((task) => task.status)).toEqual([status, status, status]);
      // The stage itself sees all of them.
      const own = async (path: string, query = {}) =>
        answered(await theirs.invoke('query', { httpMethod: 'GET', path, queryStringParameters: query }));
      for (const id of ['1', '2', '3']) expect((await own(`/snapshots/${id}`)).statusCode).toBe(200);
      expect((await own('/snapshots')).body.task_array).toHaveLength(3);
      for (const object of KEYS)
        expect((await own('/snapshots', { object })).body.task_array).toHaveLength(1);
    },
  );

  test('neither finishes nor clears away what the other started', async () => {
    const { service } = await twoStages();
    for (const task of service.cloud.tasks) task.createdAtMs -= 3 * 60 * MINUTE_MS;
    expect(returned(await service.cleanUp())).toMatchObject({ seen: 3, cancelled: 0, not_ours: 3 });
    for (const { id } of service.cloud.tasks) service.cloud.end(id);
    for (const id of ['1', '2', '3'])
      expect(returned(await service.notify(id))).toMatchObject({ finished: 0 });
  });
});

describe('a note', () => {
  const forged = (claim: string) => JSON.stringify({ 'mpc-snapshots': { claim, time_ms: 999_000 } });

  test('that a caller sends is theirs and is never read as ours', async () => {
    const service = new InstallationDouble();
    const record = service.upload('a.mp4');
    await service.deliver([record]);
    const [claim = ''] = claimKeys(service).map((key) => /([0-9a-f]{40})\.json$/.exec(key)?.[1] ?? '');
    const created = answered(await service.create(body('a.mp4', { user_data: forged(claim) })));
    expect(created.statusCode).toBe(202);
    expect(answered(await get(service, `/snapshots/${created.body.task_id}`)).body).toMatchObject({
      user_data: forged(claim),
    });
    await service.time.pass(5 * MINUTE_MS);
    expect(returned(await service.sweep())).toMatchObject({ doubled: [] });
  });

  test('that a caller sends and that leaves no room is refused', async () => {
    const service = new InstallationDouble();
    const user_data = JSON.stringify({ 'mpc-snapshots': {}, user_data: 'x'.repeat(65_480) });
    expect(answered(await service.create(body('a.mp4', { user_data })))).toMatchObject({
      statusCode: 400,
      body: { details: [{ path: 'user_data' }] },
    });
  });

  test.each([
    ['another video', { input: { bucket: VIDEOS, object: 'b.mp4' } }],
    ['another directory', { output: { bucket: SNAPSHOTS, object: 'elsewhere' } }],
  ])('with our claim on a task of %s completes nothing', async (_, changes) => {
    const service = new InstallationDouble();
    const record = service.upload('a.mp4');
    await service.deliver([record], { create: 'reset-before' });
    const [claim = ''] = claimKeys(service).map((key) => /([0-9a-f]{40})\.json$/.exec(key)?.[1] ?? '');
    foreignTask(service, {
      input: { bucket: VIDEOS, object: 'a.mp4' },
      output: { bucket: SNAPSHOTS, object: 'snapshots/a.mp4' },
      user_data: forged(claim),
      ...changes,
    });
    await service.time.pass(2 * MINUTE_MS);
    expect(returned(await service.deliver([record]))).toMatchObject({ records: [{ started: '2' }] });
  });
});

describe('an Idempotency-Key', () => {
  const signed = (accessKey: string) => ({
    ...HEADERS,
    authorization: `SDK-HMAC-SHA256 Access=${accessKey}, SignedHeaders=host;x-sdk-date, Signature=00`,
  });

  test('gives the same task after settings with the defaults have changed, and for fields in another order', async () => {
    const service = new InstallationDouble();
    const idOf = async (request: object) => answered(await service.create(request, HEADERS)).body.task_id;
    const input = { bucket: VIDEOS, object: 'a.mp4' };
    expect(await idOf({ input, user_data: 'x' })).toBe('1');
    service.userData.CAPTURE = '{"type":"TIME","time":20}';
    service.userData.OUTPUT_DIRECTORY = 'others/{key}';
    await service.time.pass(2 * MINUTE_MS);
    expect(await idOf({ user_data: 'x', input })).toBe('1');
    expect(answered(await service.create({ input }, HEADERS)).statusCode).toBe(422);
    expect(service.cloud.creates).toHaveLength(1);
  });

  test('that an earlier version recorded, with the defaults, gives the same task', async () => {
    const service = new InstallationDouble();
    await service.create(body(), HEADERS);
    const event = postEvent(JSON.stringify(body()), { queryStringParameters: { dry_run: 'true' } });
    const { request } = answered(await service.functions.invoke('create', event)).body;
    for (const [key, { body: text }] of service.cloud.buckets.get(SNAPSHOTS) ?? [])
      if (key.includes('/requests/')) {
        const record = { ...JSON.parse(text), fingerprint: digest(JSON.stringify(request)) };
        service.cloud.put(SNAPSHOTS, key, JSON.stringify(record));
      }
    expect(answered(await service.create(body(), HEADERS)).body).toEqual({ task_id: '1' });
    expect(answered(await service.create(body('b.mp4'), HEADERS)).statusCode).toBe(422);
    expect(service.cloud.creates).toHaveLength(1);
  });

  test('belongs to its caller if the gateway has authenticated the caller', async () => {
    const service = new InstallationDouble();
    const idOf = async (headers: Record<string, string>, object: string) => {
      const { statusCode, body: told } = answered(await service.create(body(object), headers));
      return [statusCode, told.task_id];
    };
    expect(await idOf(signed('a'), 'a.mp4')).toEqual([202, '1']);
    expect(await idOf(signed('b'), 'b.mp4')).toEqual([202, '2']);
    expect(await idOf({ ...HEADERS, 'x-apig-appcode': 'code' }, 'c.mp4')).toEqual([202, '3']);
    expect(await idOf(signed('a'), 'a.mp4')).toEqual([202, '1']);
    expect((await idOf(signed('a'), 'b.mp4'))[0]).toBe(422);
  });

  test.each([
    ['a token', { 'x-auth-token': 'mine' }, {}],
    ['an app code', { 'x-apig-appcode': 'mine' }, {}],
    [
      'a signature of their own in front',
      {},
      {
        authorization: 'SDK-HMAC-SHA256 X-Access=victim, Access=mine, SignedHeaders=host, Signature=00',
      },
    ],
  ])('cannot be used by a caller who signs in with %s and sends another’s name', async (_, own, instead) => {
    const service = new InstallationDouble();
    await service.create(body(), signed('victim'));
    const { statusCode, body: told } = answered(
      await service.create(body(), { ...signed('victim'), ...instead, ...own }),
    );
    expect([statusCode, told.task_id]).toEqual([202, '2']);
  });

  test('is shared by all callers if keys are temporary or nobody signs', async () => {
    const service = new InstallationDouble();
    await service.create(body(), HEADERS);
    const temporary = { ...signed('temporary'), 'x-security-token': 'token' };
    expect(answered(await service.create(body(), temporary)).body).toMatchObject({ task_id: '1' });
  });
});

describe('an event whose key may be encoded or not', () => {
  test.each([
    ['encoded', true],
    ['plain', false],
  ])('means the existing object, when keys come %s', async (_, encoded) => {
    const service = new InstallationDouble();
    for (const key of ['a b.mp4', 'a+b.mp4', '50%25.mp4', '50%.mp4']) {
      service.upload(key, `content of ${key}`);
      const etag = service.cloud.buckets.get(VIDEOS)?.get(key)?.etag ?? '';
      const told = encoded ? encodeURIComponent(key).replaceAll('%20', '+') : key;
      const record = uploadRecord(VIDEOS, 'x', etag) as { s3: { object: { key: string } } };
      record.s3.object.key = told;
      expect(returned(await service.deliver([record]))).toMatchObject({ records: [{ key, started: /./ }] });
    }
    for (const key of ['a b.mp4', 'a+b.mp4', '50%25.mp4', '50%.mp4'])
      expect(service.tasksOf(key)).toHaveLength(1);
  });
});

describe('MPC’s list', () => {
  const crowd = (service: InstallationDouble, count: number, everyMs: number) => {
    const startMs = service.time.nowMs;
    for (let number = 0; number < count; number++)
      foreignTask(service).createdAtMs = startMs + number * everyMs;
  };

  test('of any length is read by each sweep in a few calls, and the next sweep continues', async () => {
    const service = new InstallationDouble();
    await service.sweep();
    crowd(service, 1_500, 250);
    await service.time.pass(30 * MINUTE_MS);
    const markOf = () => {
      const text = service.cloud.buckets.get(SNAPSHOTS)?.get('.mpc-snapshots/sweep.json')?.body;
      return JSON.parse(text ?? '{}').duplicates_until_ms as number;
    };
    for (let round = 0; markOf() < service.time.nowMs - 18 * MINUTE_MS; round++) {
      expect(round).toBeLessThan(200);
      const [mark, calls] = [markOf(), service.cloud.mpcCalls];
      returned(await service.sweep());
      expect(service.cloud.mpcCalls - calls).toBeLessThanOrEqual(5);
      expect(markOf()).toBeGreaterThan(mark);
    }
  });

  /** Answers pages of more tasks than this with more than a function takes. */
  const limitPages = (service: InstallationDouble, most: number) => {
    const handle = service.cloud.handle.bind(service.cloud);
    service.cloud.handle = (request) => {
      const size = Number(/[?&]size=(\d+)/.exec(request.path)?.[1] ?? 0);
      const answer = handle(request);
      const count = Object(JSON.parse(answer.body.startsWith('{') ? answer.body : '{}')).task_array?.length;
      return size > most && count > most ? { ...answer, body: ' '.repeat(8 * 1024 * 1024 + 1) } : answer;
    };
  };

  test('whose pages are too large is read in smaller ones, and a half-written claim is completed', async () => {
    const service = new InstallationDouble();
    crowd(service, 300, 200);
    const record = service.upload('a.mp4');
    await service.deliver([record], { create: 'crash-after' });
    limitPages(service, 40);
    await sweepUntilSettled(service);
    expect(service.tasksOf('a.mp4')).toHaveLength(1);
  });

  test('is searched in a few tries, however little of it the earlier tries covered', async () => {
    const service = new InstallationDouble();
    const record = service.upload('a.mp4');
    await service.deliver([record], { create: 'crash-before' });
    await service.time.pass(2 * 60 * MINUTE_MS);
    const records = service.cloud.buckets.get(SNAPSHOTS);
    const [claim = ''] = [...(records?.keys() ?? [])].filter(
      (key) => key.includes('/claims/') && key.endsWith('.json'),
    );
    const half = JSON.parse(records?.get(claim)?.body ?? '{}');
    expect(half.state).toBe('claimed');
    service.cloud.put(SNAPSHOTS, claim, JSON.stringify({ ...half, window_ms: 510 }));
    for (let tries = 0; service.tasksOf('a.mp4').length === 0; tries++) {
      expect(tries).toBeLessThan(6);
      await service.deliver([record]);
      await service.time.pass(4 * MINUTE_MS);
    }
  });

  test('with a page too large for a caller is 400, and the error says what to change', async () => {
    const service = new InstallationDouble();
    crowd(service, 100, 200);
    await service.time.pass(MINUTE_MS);
    limitPages(service, 40);
    expect(answered(await get(service, '/snapshots', { size: '100' }))).toMatchObject({
      statusCode: 400,
      body: { details: [{ path: 'size' }] },
    });
    expect(answered(await get(service, '/snapshots', { size: '40' })).statusCode).toBe(200);
  });

  test('full of tasks of somebody else hides no old task of ours from the clean-up', async () => {
    const service = new InstallationDouble();
    await service.deliver([service.upload('a.mp4')]);
    crowd(service, 3_000, 10);
    await service.time.pass(3 * 60 * MINUTE_MS);
    for (let run = 0; run < 30 && service.cloud.tasks[0]?.status === 'WAITING'; run++) {
      const before = service.cloud.mpcCalls;
      returned(await service.cleanUp());
      expect(service.cloud.mpcCalls - before).toBeLessThanOrEqual(6);
      await service.time.pass(MINUTE_MS);
    }
    expect(service.cloud.tasks[0]?.status).toBe('CANCELED');
  });
});

test('the newest of any number of a video’s tasks are found', async () => {
  const service = new InstallationDouble();
  await service.deliver([service.upload('a.mp4')]);
  const [claim = ''] = claimKeys(service);
  const folder = claim.slice(0, claim.lastIndexOf('/') + 1);
  for (let id = 100; id < 1_300; id++)
    service.cloud.put(
      SNAPSHOTS,
      `${folder}${id}.json`,
      JSON.stringify({ state: 'accepted', claimed_at_ms: 1 }),
    );
  for (let count = 0; count < 3; count++) {
    await service.time.pass(SECOND_MS);
    await service.create(body());
  }
  const { body: found } = answered(await get(service, '/snapshots', { object: 'a.mp4' }));
  expect(found.task_array.map((task: { task_id: string }) => task.task_id)).toEqual(['4', '3', '2', '1']);
});

describe('a synchronous capture', () => {
  const sync = { sync: 1 as const };

  test('may take the function’s whole time', async () => {
    const service = new InstallationDouble();
    const handle = service.functions.invoke('create', postEvent(JSON.stringify(body('a.mp4', sync))), {
      create: 'slower',
    });
    expect(answered(await handle)).toMatchObject({ statusCode: 202, body: { output_file_name: '0.jpg' } });
  });

  test.each([
    [
      {},
      /^MPC did not answer in time; the task may exist: look for it with GET \/snapshots\?start_time=\d{14} /,
    ],
    [
      HEADERS,
      /^MPC did not answer in time; the task may exist: repeat the request with the same Idempotency-Key/,
    ],
  ])('that takes longer says that the task may exist and how to find it: %j', async (headers, told) => {
    const service = new InstallationDouble();
    const first = answered(await service.create(body('a.mp4', sync), headers, { create: 'hang-after' }));
    expect(first).toMatchObject({ statusCode: 504, body: { error_msg: expect.stringMatching(told) } });
    const since = /start_time=(\d{14})/.exec(first.body.error_msg)?.[1];
    const again =
      since === undefined
        ? answered(await service.create(body('a.mp4', sync), headers)).body.task_id
        : answered(await get(service, '/snapshots', { start_time: since })).body.task_array[0].task_id;
    expect(again).toBe('1');
    expect(service.cloud.creates).toHaveLength(1);
  });
});

test.each(['1', 'TRUE', 'yes', ''])(
  'dry_run=%j is neither true nor false, and creates nothing',
  async (dry_run) => {
    const service = new InstallationDouble();
    const event = postEvent(JSON.stringify(body()), { queryStringParameters: { dry_run } });
    expect(answered(await service.functions.invoke('create', event))).toMatchObject({
      statusCode: 400,
      body: { error_msg: `Invalid request parameter: dry_run must be one of true, false, got "${dry_run}"` },
    });
    expect(service.cloud.creates).toHaveLength(0);
  },
);

test('a video shows loose pictures if it has some, even if newer ones are packed', async () => {
  const service = new InstallationDouble();
  await service.deliver([service.upload('a.mp4')]);
  await service.time.pass(SECOND_MS);
  await service.create(body('a.mp4', { tar: 0 }));
  for (const id of [1, 2]) service.cloud.end(id);
  const shown = answered(await get(service, '/snapshots', { object: 'a.mp4', format: 'storyboard' }));
  expect(shown.statusCode).toBe(200);
});

test.each([{ 'dry-run': 'true' }, { DRY_RUN: 'true' }, { dryRun: 'true', dry_run: 'false' }, { '': '1' }])(
  'a misspelt parameter creates and cancels nothing: %j',
  async (parameters) => {
    const service = new InstallationDouble();
    await service.create(body());
    const event = (more: object) => ({
      ...postEvent(JSON.stringify(body())),
      queryStringParameters: parameters,
      ...more,
    });
    for (const [name, more] of [
      ['create', {}],
      ['cancel', { httpMethod: 'DELETE', path: '/snapshots/1' }],
    ] as const) {
      const { statusCode, body: told } = answered(await service.functions.invoke(name, event(more)));
      expect([statusCode, told.error_msg]).toEqual([400, expect.stringContaining('is not a known field')]);
    }
    expect(service.cloud.tasks).toMatchObject([{ status: 'WAITING' }]);
  },
);

test('a list of a video’s tasks has pages, and can be narrowed to a time and to ids', async () => {
  const service = new InstallationDouble();
  const times = [];
  for (let number = 0; number < 5; number++) {
    times.push(new Date(service.time.nowMs).toISOString().replace(/\D/g, '').slice(0, 14));
    await service.create(body());
    await service.time.pass(2 * SECOND_MS);
  }
  const list = async (query: Record<string, string>) => {
    const { task_array, is_truncated, total } = answered(
      await get(service, '/snapshots', { object: 'a.mp4', ...query }),
    ).body;
    return [task_array.map(({ task_id }: { task_id: string }) => task_id).join(), is_truncated, total];
  };
  expect(await list({})).toEqual(['5,4,3,2,1', 0, 5]);
  expect(await list({ size: '2' })).toEqual(['5,4', 1, 5]);
  expect(await list({ size: '2', page: '2' })).toEqual(['1', 0, 5]);
  expect(await list({ page: '1' })).toEqual(['', 0, 5]);
  expect(await list({ start_time: times[1] ?? '', end_time: times[3] ?? '' })).toEqual(['4,3,2', 0, 3]);
  expect(await list({ task_id: '2,9,4', size: '1' })).toEqual(['4', 1, 2]);
});

test('whoever reads the pages of a video’s tasks comes to an end, however many tasks are not read', async () => {
  const service = new InstallationDouble();
  for (let number = 0; number < 25; number++) {
    await service.create(body());
    await service.time.pass(SECOND_MS);
  }
  const pages = [];
  for (let page = 0, isTruncated = 1; isTruncated === 1 && page < 9; page++) {
    const query = { object: 'a.mp4', size: '15', page: String(page) };
    const { body: told } = answered(await get(service, '/snapshots', query));
    pages.push(told.task_array.length);
    isTruncated = told.is_truncated;
  }
  expect(pages).toEqual([15, 5, 0]);
});

test('a list of a video’s tasks can be narrowed to a status', async () => {
  const service = new InstallationDouble();
  await service.deliver([service.upload('a.mp4')]);
  await service.time.pass(SECOND_MS);
  await service.create(body());
  service.cloud.end(1);
  const ids = async (status: string) =>
    answered(await get(service, '/snapshots', { object: 'a.mp4', status })).body.task_array.map(
      ({ task_id }: { task_id: string }) => task_id,
    );
  expect([await ids('SUCCEEDED'), await ids('WAITING'), await ids('FAILED')]).toEqual([['1'], ['2'], []]);
});
