import type { CloudAnswer } from '../../model/cloud-double';
import type { Fate, Outcome } from '../../model/functions-double';
import {
  InstallationDouble,
  returned,
  SNAPSHOTS,
  sweepUntilSettled,
  VIDEOS,
} from '../../model/installation-double';

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;

/** MPC answers the next create call like this, and does nothing. */
function answerCreate(service: InstallationDouble, answer: CloudAnswer): void {
  const handle = service.cloud.handle.bind(service.cloud);
  service.cloud.handle = (request) => {
    if (request.method !== 'POST') return handle(request);
    service.cloud.handle = handle;
    return answer;
  };
}

const refusal = (status: number): CloudAnswer => ({
  status,
  body: JSON.stringify({ error_code: 'MPC.10202', error_msg: 'no' }),
});
const linesOf = (service: InstallationDouble, event: string) =>
  service.functions.logLines.map((line) => JSON.parse(line)).filter((line) => line.event === event);

describe('a half-written claim', () => {
  test('is completed with its own task, not with those of others', async () => {
    const service = new InstallationDouble();
    const records = ['a.mp4', 'b.mp4', 'c.mp4'].map((key) => service.upload(key));
    for (const record of records) await service.deliver([record], { create: 'reset-after' });
    expect(returned(await service.deliver([records[1]]))).toMatchObject({
      records: [{ skipped: 'already_started', task_id: '2' }],
    });
  });

  test('with several tasks is completed with the first of them, and the log says so', async () => {
    const service = new InstallationDouble();
    const record = service.upload('a.mp4');
    await service.deliver([record], { create: 'reset-after' });
    const [task] = service.cloud.tasks.splice(0);
    if (task === undefined) throw new Error('no task');
    for (const id of [12, 10, 9, 11]) service.cloud.tasks.push({ ...task, id });
    expect(returned(await service.deliver([record]))).toMatchObject({ records: [{ task_id: '9' }] });
    expect(linesOf(service, 'claim.duplicates')).toMatchObject([
      { level: 'error', claim: expect.stringMatching(/^[0-9a-f]{40}$/), task_ids: ['9', '10', '11', '12'] },
    ]);
  });

  test('with one task says nothing of several', async () => {
    const service = new InstallationDouble();
    const record = service.upload('a.mp4');
    await service.deliver([record], { create: 'reset-after' });
    await service.deliver([record]);
    expect(linesOf(service, 'claim.duplicates')).toEqual([]);
  });

  test('without a task is left alone for 75 s, and then abandoned', async () => {
    const service = new InstallationDouble();
    const record = service.upload('a.mp4');
    await service.deliver([record], { create: 'reset-before' });
    await service.time.pass(74 * SECOND_MS);
    expect(await service.deliver([record])).toMatchObject({
      message: expect.stringContaining('a.mp4 (claim_not_settled)'),
    });
    await service.time.pass(SECOND_MS);
    expect(returned(await service.deliver([record]))).toMatchObject({ records: [{ started: '1' }] });
    expect(linesOf(service, 'claim.abandoned')).toMatchObject([{ key: 'a.mp4' }]);
  });

  test('names no task of its video', async () => {
    const service = new InstallationDouble();
    await service.deliver([service.upload('a.mp4')], { create: 'reset-before' });
    const before = service.cloud.mpcCalls;
    const query = { httpMethod: 'GET', path: '/snapshots', queryStringParameters: { object: 'a.mp4' } };
    const answer = returned(await service.functions.invoke('query', query)) as { body: string };
    expect(JSON.parse(answer.body)).toMatchObject({ task_array: [] });
    expect(service.cloud.mpcCalls).toBe(before);
  });

  test('is what remains when the answer cannot be written down, and the task is not lost', async () => {
    const service = new InstallationDouble();
    const record = service.upload('a.mp4');
    const fates: Fate[] = [...Array<Fate>(7).fill('ok'), ...Array<Fate>(4).fill('throttled')];
    expect(returned(await service.deliver([record], fates))).toMatchObject({ records: [{ started: '1' }] });
    expect(linesOf(service, 'claim.not_written')).toMatchObject([
      { level: 'warn', failure: 'refused', service: 'OBS', claim: expect.any(String) },
    ]);
    await sweepUntilSettled(service);
    expect(service.cloud.creates).toHaveLength(1);
  });
});

describe('an accepted claim', () => {
  test('is enough: MPC is not asked, and may have forgotten the task', async () => {
    const service = new InstallationDouble();
    const record = service.upload('a.mp4');
    await service.deliver([record]);
    service.cloud.tasks.splice(0);
    const before = service.cloud.mpcCalls;
    expect(returned(await service.deliver([record]))).toMatchObject({
      records: [{ skipped: 'already_started', task_id: '1' }],
    });
    expect(service.cloud.mpcCalls).toBe(before);
  });
});

describe('a call that MPC provably did not carry out', () => {
  const secondTry = async (service: InstallationDouble, record: unknown): Promise<Outcome> => {
    await service.time.pass(20 * SECOND_MS);
    return service.deliver([record]);
  };

  test.each([400, 403, 404])('frees the claim at once after status %i', async (status) => {
    const service = new InstallationDouble();
    const record = service.upload('a.mp4');
    answerCreate(service, refusal(status));
    expect((await service.deliver([record])).kind).toBe('failed');
    const before = service.cloud.mpcCalls;
    expect(returned(await secondTry(service, record))).toMatchObject({ records: [{ started: '1' }] });
    // Nothing had to be looked up.
    expect(service.cloud.mpcCalls - before).toBe(1);
  });

  test('frees the claim at once when the quota is used up: the upload waits for its turn', async () => {
    const service = new InstallationDouble();
    const record = service.upload('a.mp4');
    answerCreate(service, refusal(429));
    expect(returned(await service.deliver([record]))).toMatchObject({ records: [{ deferred: 'no_turn' }] });
    await service.time.pass(30 * SECOND_MS);
    expect(returned(await service.sweep())).toMatchObject({ started: 1 });
    expect(service.cloud.creates).toHaveLength(1);
  });

  test('frees the claim when the call never left', async () => {
    const service = new InstallationDouble();
    const record = service.upload('a.mp4');
    const fates: Fate[] = [...Array<Fate>(6).fill('ok'), ...Array<Fate>(4).fill('refused-connection')];
    expect((await service.deliver([record], fates)).kind).toBe('failed');
    expect(returned(await secondTry(service, record))).toMatchObject({ records: [{ started: '1' }] });
  });

  test.each([408, 500, 503])('is not certain after status %i: the claim stays', async (status) => {
    const service = new InstallationDouble();
    const record = service.upload('a.mp4');
    answerCreate(service, refusal(status));
    expect((await service.deliver([record])).kind).toBe('failed');
    expect(await secondTry(service, record)).toMatchObject({
      message: expect.stringContaining('claim_not_settled'),
    });
  });

  test('is not certain after an answer that names no task', async () => {
    const service = new InstallationDouble();
    const record = service.upload('a.mp4');
    answerCreate(service, { status: 202, body: '{}' });
    expect(await service.deliver([record])).toMatchObject({
      message: expect.stringContaining('(unavailable)'),
    });
    expect(linesOf(service, 'upload.failed')).toMatchObject([
      { message: 'MPC is not available: its answer has no task_id' },
    ]);
    expect(await secondTry(service, record)).toMatchObject({
      message: expect.stringContaining('claim_not_settled'),
    });
  });

  test('is not sent again at once, because the rate limit would not count it', async () => {
    const service = new InstallationDouble();
    await service.deliver([service.upload('a.mp4')], { create: 'throttled' });
    expect(service.cloud.creates).toHaveLength(0);
    expect(service.cloud.tasks).toHaveLength(0);
  });
});

describe('an Idempotency-Key', () => {
  const headers = { 'idempotency-key': 'key' };
  const body = (object = 'a.mp4') => ({ input: { bucket: VIDEOS, object } });
  const answered = (outcome: Outcome) =>
    returned(outcome) as { statusCode: number; headers: object; body: string };

  test('with another body is 422', async () => {
    const service = new InstallationDouble();
    expect(answered(await service.create(body(), headers)).statusCode).toBe(202);
    const other = answered(await service.create(body('b.mp4'), headers));
    expect([other.statusCode, JSON.parse(other.body)]).toMatchObject([
      422,
      {
        error_code: 'IDEMPOTENCY.0422',
        error_msg: 'this Idempotency-Key was used for another request; use a new one',
      },
    ]);
    expect(answered(await service.create(body(), headers)).statusCode).toBe(202);
    expect(service.cloud.tasks).toHaveLength(1);
  });

  test('is free again after a refusal, for another body too', async () => {
    const service = new InstallationDouble();
    answerCreate(service, refusal(400));
    expect(answered(await service.create(body(), headers)).statusCode).toBe(400);
    expect(answered(await service.create(body('b.mp4'), headers)).statusCode).toBe(202);
  });

  test('in use is 409 with the seconds that are left, and free after them', async () => {
    const service = new InstallationDouble();
    await service.create(body(), headers, { create: 'reset-before' });
    await service.time.pass(10 * SECOND_MS);
    expect(answered(await service.create(body(), headers))).toMatchObject({
      statusCode: 409,
      headers: { 'retry-after': '65' },
    });
    await service.time.pass(65 * SECOND_MS);
    expect(answered(await service.create(body(), headers)).statusCode).toBe(202);
  });

  test('gives the picture of a synchronous task whose answer was lost, once it is there', async () => {
    const service = new InstallationDouble();
    const again = async () => answered(await service.create({ ...body(), sync: 1 }, headers));
    await service.create({ ...body(), sync: 1 }, headers, { create: 'reset-after' });
    const [task] = service.cloud.tasks;
    if (task === undefined) throw new Error('no task');
    task.status = 'PROCESSING';
    for (let attempt = 0; attempt < 2; attempt++) {
      expect(await again()).toMatchObject({ statusCode: 409, headers: { 'retry-after': '1' } });
    }
    task.status = 'SUCCEEDED';
    for (let attempt = 0; attempt < 2; attempt++) {
      const { statusCode, body: text } = await again();
      expect([statusCode, JSON.parse(text)]).toMatchObject([
        202,
        { task_id: '1', status: 'SUCCEEDED', output_file_name: '0.jpg', output: { bucket: SNAPSHOTS } },
      ]);
    }
    expect(service.cloud.creates).toHaveLength(1);
  });

  test('can be used again after a refusal by the quota', async () => {
    const service = new InstallationDouble();
    answerCreate(service, refusal(429));
    expect(answered(await service.create(body(), headers)).statusCode).toBe(202);
  });
});

describe('a task without a claim', () => {
  test('is found by its record, however many tasks its video has', async () => {
    const service = new InstallationDouble();
    for (let count = 0; count < 22; count++) {
      await service.create({ input: { bucket: VIDEOS, object: 'a.mp4' } });
      await service.time.pass(SECOND_MS);
    }
    await service.create({ input: { bucket: VIDEOS, object: 'b.mp4' } });
    // What is not a record among them is passed over.
    const records = service.cloud.buckets.get(SNAPSHOTS);
    const [first = ''] = records?.keys() ?? [];
    service.cloud.put(SNAPSHOTS, `${first}.txt`, 'no record');
    service.cloud.put(SNAPSHOTS, `${first}.claimed`, '{"state":"claimed","claimed_at_ms":1}');
    await service.time.pass(120 * MINUTE_MS);
    expect(returned(await service.cleanUp())).toMatchObject({ seen: 23, cancelled: 23, not_ours: 0 });
  });
});

describe('a call', () => {
  test('goes to the port of the endpoint’s protocol where it names none', async () => {
    const service = new InstallationDouble({
      userData: { MPC_ENDPOINT: 'https://mpc.example.com', OBS_ENDPOINT: 'http://[::1]' },
    });
    const addresses = new Set<string | undefined>();
    const handle = service.cloud.handle.bind(service.cloud);
    service.cloud.handle = (request) => {
      addresses.add(request.address);
      return handle(request);
    };
    expect(returned(await service.deliver([service.upload('a.mp4')]))).toMatchObject({
      records: [{ started: '1' }],
    });
    expect([...addresses].sort()).toEqual(['::1:80', 'mpc.example.com:443']);
  });

  test.each(['http', 'https'])('by %s that broke after it left is not repeated', async (protocol) => {
    const service = new InstallationDouble({ userData: { MPC_ENDPOINT: `${protocol}://mpc` } });
    const record = service.upload('a.mp4');
    expect((await service.deliver([record], { create: 'reset-after' })).kind).toBe('failed');
    expect(service.cloud.creates).toHaveLength(1);
    await sweepUntilSettled(service);
    expect(service.cloud.creates).toHaveLength(1);
  });

  test('that only reads is repeated when no answer comes', async () => {
    const service = new InstallationDouble();
    const delivered = service.deliver([service.upload('a.mp4')], ['ok', 'hang-before']);
    expect(returned(await delivered)).toMatchObject({ records: [{ started: '1' }] });
  });
});
