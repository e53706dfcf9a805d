import { createReadStream } from 'node:fs';
import { text } from 'node:stream/consumers';
import { renderObjectEvents } from '../../local/obs/events';
import type { ObjectEvent } from '../../local/obs/object-store';
import { until } from '../wait';
import { LocalService } from './local-service';
import { type Fate, MpcProxy } from './mpc-proxy';

let service: LocalService;
let proxy: MpcProxy;

const onUpload = () => service.cloud.functiongraph.functions().find(({ name }) => name === 'on-upload')!;
let eventTriggers: ReturnType<typeof onUpload>['triggers'];

/** How long on-upload may run. Its instances start anew. */
function setTimeoutSeconds(seconds: number): void {
  const { configuration, pool } = onUpload();
  configuration.timeout = seconds;
  pool.retire();
}

beforeAll(async () => {
  const started = await MpcProxy.start();
  proxy = started.proxy;
  // Nothing is captured: only which tasks there are matters.
  service = await LocalService.start({
    mpc: { parallelTasks: 0, callsPerMinute: 10_000 },
    functiongraph: { behaviour: { asyncRetryDelayMs: 50 } },
  });
  proxy.forwardTo(service.cloud.addresses.mpc);
  // Events are delivered by hand.
  eventTriggers = onUpload().triggers.splice(0);
  service.setUserData({ MPC_ENDPOINT: started.address, MPC_REQUESTS_PER_MINUTE: '10000' });
}, 30_000);
afterAll(async () => {
  await service.stop();
  await proxy.stop();
});

const tasksOf = (key: string) => service.cloud.mpc.tasks.list().filter(({ input }) => input.object === key);

const eventOf = (key: string, etag = ''): ObjectEvent => ({
  eventName: 'ObjectCreated:Put',
  bucket: service.cloud.uploadBucket,
  key,
  sizeBytes: 9,
  etag,
  sequencer: '000000000000000000000000000000A1',
  timeMs: Date.now(),
  requestId: 'b27e6cbff1f6865c83111f130a982f56',
  sourceIp: '127.0.0.1',
});
async function upload(key: string, content: string): Promise<void> {
  await service.cloud.store.put(service.cloud.uploadBucket, key, Buffer.from(content));
}

/** The event of each; what is not there yet is uploaded. */
async function deliver(...keys: string[]) {
  const { store, uploadBucket, region } = service.cloud;
  for (const key of keys) if (store.head(uploadBucket, key) === undefined) await upload(key, 'a video');
  const events = keys.map((key) => eventOf(key, store.head(uploadBucket, key)?.etag));
  return service.invoke('on-upload', renderObjectEvents('s3', events, region));
}

interface Records {
  records: { started?: string; skipped?: string; task_id?: string; failed?: string }[];
}

/** The claim of a key as it stands in the snapshot bucket. */
async function claimOf(key: string): Promise<{ objectKey: string; claim: Record<string, unknown> }> {
  const { store, snapshotBucket } = service.cloud;
  for (const object of store.list(snapshotBucket, { prefix: '.mpc-snapshots/claims/' }).objects) {
    const claim = JSON.parse(await text(createReadStream(object.filePath)));
    if (claim.key === key) return { objectKey: object.key, claim };
  }
  throw new Error(`no claim of ${key}`);
}

async function rewriteClaim(key: string, changes: Record<string, unknown>): Promise<void> {
  const { objectKey, claim } = await claimOf(key);
  const body = Buffer.from(JSON.stringify({ ...claim, ...changes }));
  await service.cloud.store.put(service.cloud.snapshotBucket, objectKey, body);
}

const ageClaim = (key: string) => rewriteClaim(key, { claimed_at_ms: Date.now() - 76_000 });

describe('one upload, one task', () => {
  test.each<[string, Fate[]]>([
    ['nothing goes wrong', []],
    ['the call is lost before MPC has it', ['lost-before']],
    ['the answer is lost after MPC has accepted', ['lost-after']],
    ['MPC fails before accepting', [500]],
    ['MPC fails after accepting', ['500-after']],
  ])('when %s', async (name, fates) => {
    const key = `fates/${name}.mp4`;
    proxy.fates.push(...fates);
    if ((await deliver(key)).isError) {
      // Time passes: a claim that is unsettled for long may be taken over.
      await ageClaim(key);
      expect((await deliver(key)).isError).toBe(false);
    }
    expect(proxy.fates).toEqual([]);
    expect(tasksOf(key)).toHaveLength(1);
    const { claim } = await claimOf(key);
    expect(claim).toMatchObject({ state: 'accepted', task_id: tasksOf(key)[0]?.id });
  });

  test('when the quota refuses, nothing is sent until it is free again', async () => {
    setTimeoutSeconds(6);
    proxy.fates.push(429);
    const before = proxy.creates;
    const { json: refused } = await deliver('quota.mp4');
    expect((refused as Records).records).toMatchObject([{ deferred: 'no_turn' }]);
    expect((await claimOf('quota.mp4')).claim).toMatchObject({ state: 'released' });
    const { json } = await deliver('quota.mp4', 'quota-2.mp4');
    expect((json as Records).records).toMatchObject([{ deferred: 'no_turn' }, { deferred: 'no_turn' }]);
    expect(proxy.creates).toBe(before + 1);
    // Another instance does not know; by then the quota is free.
    setTimeoutSeconds(60);
    for (const { pool } of service.cloud.functiongraph.functions()) pool.retire();
    expect((await deliver('quota.mp4')).isError).toBe(false);
    expect(tasksOf('quota.mp4')).toHaveLength(1);
  });

  test('a claim whose task was never written down is completed from MPC’s list', async () => {
    await deliver('half.mp4');
    await rewriteClaim('half.mp4', { state: 'claimed', task_id: undefined, answer: undefined });
    const { json } = await deliver('half.mp4');
    expect((json as Records).records).toMatchObject([
      { skipped: 'already_started', task_id: tasksOf('half.mp4')[0]?.id },
    ]);
    expect(tasksOf('half.mp4')).toHaveLength(1);
    expect((await claimOf('half.mp4')).claim).toMatchObject({ state: 'accepted' });
  });

  test('a fresh claim without a task is left alone, and an old one is taken over', async () => {
    proxy.fates.push('lost-before');
    expect((await deliver('lost.mp4')).isError).toBe(true);
    expect((await deliver('lost.mp4')).body).toContain('lost.mp4 (claim_not_settled)');
    expect(tasksOf('lost.mp4')).toHaveLength(0);
    await ageClaim('lost.mp4');
    expect(((await deliver('lost.mp4')).json as Records).records[0]?.started).toBeDefined();
    expect(tasksOf('lost.mp4')).toHaveLength(1);
  });

  test('another version of the video is another upload', async () => {
    await deliver('new.mp4');
    await upload('new.mp4', 'another video');
    await deliver('new.mp4');
    expect(tasksOf('new.mp4')).toHaveLength(2);
  });

  test('two instances at the same time make at most two tasks into one directory, and the sweep says so', async () => {
    await deliver('twice.mp4');
    const { objectKey } = await claimOf('twice.mp4');
    // As if the second instance had read before the first one wrote.
    await service.cloud.store.delete(service.cloud.snapshotBucket, objectKey);
    await deliver('twice.mp4');
    const tasks = tasksOf('twice.mp4');
    expect(tasks).toHaveLength(2);
    expect(new Set(tasks.map(({ output }) => output.object)).size).toBe(1);
    const { json } = await service.invoke('on-upload', { trigger_type: 'TIMER', user_event: '' });
    expect(json).toMatchObject({
      duplicates: [{ task_ids: expect.arrayContaining(tasks.map(({ id }) => id)) }],
    });
  });
});

test('an event that the platform gives up on is kept where a person can see it, with the reason', async () => {
  proxy.fates.push(...Array<Fate>(4).fill(500));
  onUpload().triggers.push(...eventTriggers);
  await service.upload('given-up.mp4', Buffer.from('a video'));
  const { store, snapshotBucket } = service.cloud;
  const failed = await until(
    () => store.list(snapshotBucket, { prefix: '.mpc-snapshots/failed-events/' }).objects[0],
  );
  const message = await text(createReadStream(failed.filePath));
  expect(message).toContain('given-up.mp4');
  expect(message).toContain('captures could not be started');
  proxy.fates.length = 0;
  onUpload().triggers.splice(0);
});

describe('the pace', () => {
  test('is kept within an invocation, and what is left over is remembered for the sweep', async () => {
    service.setUserData({ MPC_REQUESTS_PER_MINUTE: '5' });
    setTimeoutSeconds(6);
    await service.cloud.store.delete(service.cloud.snapshotBucket, '.mpc-snapshots/pace.json');
    const before = proxy.creates;
    const keys = [1, 2, 3, 4, 5, 6, 7].map((number) => `pace/${number}.mp4`);
    const { records } = (await deliver(...keys)).json as Records;
    expect(records.filter((record) => 'deferred' in record)).toMatchObject([
      { key: 'pace/6.mp4', deferred: 'no_turn' },
      { key: 'pace/7.mp4', deferred: 'no_turn' },
    ]);
    const remembered = service.cloud.store.list(service.cloud.snapshotBucket, {
      prefix: '.mpc-snapshots/waiting/',
    });
    expect(remembered.objects.length).toBeGreaterThanOrEqual(2);
    expect(proxy.creates - before).toBe(5);
  });

  test('is kept by the next instance too, which knows nothing of what the one before it sent', async () => {
    for (const { pool } of service.cloud.functiongraph.functions()) pool.retire();
    const before = proxy.creates;
    const { records } = (await deliver('pace/8.mp4')).json as Records;
    expect(records).toMatchObject([{ deferred: 'no_turn' }]);
    expect(proxy.creates).toBe(before);
  });
});

describe('the sweep', () => {
  const sweep = async (options: object = {}) =>
    (
      await service.invoke('on-upload', {
        trigger_type: 'TIMER',
        trigger_name: 'sweep',
        user_event: JSON.stringify(options),
      })
    ).json;
  const objects = [`lost/1 ä+%'"<&.mp4`, 'lost/2.MOV'];

  beforeAll(async () => {
    service.setUserData({ MPC_REQUESTS_PER_MINUTE: '10000' });
    setTimeoutSeconds(60);
    const { store, snapshotBucket, uploadBucket } = service.cloud;
    for (const { key } of store.list(snapshotBucket, { prefix: '.mpc-snapshots/waiting/' }).objects)
      await store.delete(snapshotBucket, key);
    for (const { key } of store.list(uploadBucket).objects) await store.delete(uploadBucket, key);
    for (const key of [...objects, 'lost/no-video.txt', 'lost/fresh.mp4'])
      await service.upload(key, Buffer.from('a video'));
    await service.upload('lost/empty.mp4', Buffer.alloc(0));
    for (const key of [...objects, 'lost/no-video.txt', 'lost/empty.mp4']) {
      service.cloud.store.head(service.cloud.uploadBucket, key)!.lastModifiedMs -= 120_000;
    }
  });

  test('says in a dry run what it would start, and starts nothing', async () => {
    expect(await sweep({ dry_run: true })).toMatchObject({
      looked_at: 2,
      started: 2,
      would_start: objects,
      complete: true,
    });
    for (const key of objects) expect(tasksOf(key)).toHaveLength(0);
  });

  test('starts uploads without a task, and nothing else', async () => {
    expect(await sweep()).toMatchObject({ looked_at: 2, started: 2, failed: 0, complete: true });
    for (const key of objects) expect(tasksOf(key)).toHaveLength(1);
    for (const key of ['lost/no-video.txt', 'lost/fresh.mp4', 'lost/empty.mp4'])
      expect(tasksOf(key)).toHaveLength(0);
  });

  test('may run again, and no upload gets two tasks', async () => {
    expect(await sweep()).toMatchObject({ looked_at: 2, already_started: 2, started: 0, complete: true });
  });
});

describe('Idempotency-Key', () => {
  const create = (key: string, object = 'keys/a.mp4') =>
    service.call('POST', '/snapshots', { input: { bucket: 'videos', object } }, { 'idempotency-key': key });

  test('the same key and body give the same task', async () => {
    const first = await create('key-1');
    expect(first.status).toBe(202);
    expect(await create('key-1')).toMatchObject({ status: 202, body: { task_id: first.body.task_id } });
    expect(tasksOf('keys/a.mp4')).toHaveLength(1);
  });

  test('another body under the same key is 422', async () => {
    await create('key-2');
    expect((await create('key-2', 'keys/b.mp4')).status).toBe(422);
  });

  test('a task whose answer was lost is found again', async () => {
    proxy.fates.push('lost-after');
    expect((await create('key-3', 'keys/c.mp4')).status).toBe(502);
    expect((await create('key-3', 'keys/c.mp4')).status).toBe(202);
    expect(tasksOf('keys/c.mp4')).toHaveLength(1);
  });

  test('a key whose call still runs is 409 with the time until the next try', async () => {
    proxy.fates.push('lost-before');
    await create('key-4', 'keys/d.mp4');
    const answer = await create('key-4', 'keys/d.mp4');
    expect(answer.status).toBe(409);
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
  });

  test('refusals are not remembered', async () => {
    proxy.fates.push(429, 429, 429, 429);
    expect((await create('key-5', 'keys/e.mp4')).status).toBe(429);
    expect((await create('key-5', 'keys/another.mp4')).status).toBe(202);
    expect(
      (await service.call('POST', '/snapshots', { input: {} }, { 'idempotency-key': 'key-6' })).status,
    ).toBe(400);
    expect((await create('key-6', 'keys/f.mp4')).status).toBe(202);
  });

  test('the caller’s user_data survives', async () => {
    const body = { input: { bucket: 'videos', object: 'keys/g.mp4' }, user_data: 'order 66' };
    const { body: created } = await service.call('POST', '/snapshots', body, { 'idempotency-key': 'key-7' });
    expect((await service.call('GET', `/snapshots/${created.task_id}`)).body).toMatchObject({
      user_data: 'order 66',
    });
  });
});

const cleanUp = async (options: object = {}) =>
  (await service.invoke('cancel', { trigger_type: 'TIMER', user_event: JSON.stringify(options) })).json;

test('the clean-up leaves tasks alone that this installation did not create, unless include_foreign_tasks is set', async () => {
  await deliver('mine.mp4');
  const [mine] = tasksOf('mine.mp4');
  const foreign = service.cloud.mpc.tasks.add({
    ...mine!,
    input: { ...mine!.input, object: 'foreign.mp4' },
    userData: 'somebody else’s',
  });
  for (const task of service.cloud.mpc.tasks.list()) {
    task.createdAtMs = task === foreign || task === mine ? Date.now() - 3 * 3_600_000 : Date.now();
  }
  expect(await cleanUp()).toEqual({ seen: 2, cancelled: 1, too_late: 0, not_ours: 1, failed: 0 });
  expect([mine?.status, foreign.status]).toEqual(['CANCELED', 'WAITING']);
  expect(await cleanUp({ include_foreign_tasks: true })).toMatchObject({ seen: 1, cancelled: 1 });
});

test('include_foreign_tasks wins over its old name everybodys, which still works alone', async () => {
  await deliver('named.mp4');
  const foreign = service.cloud.mpc.tasks.add({ ...tasksOf('named.mp4')[0]!, userData: 'somebody else’s' });
  foreign.createdAtMs = Date.now() - 3 * 3_600_000;
  expect(await cleanUp({ include_foreign_tasks: false, everybodys: true })).toMatchObject({
    cancelled: 0,
    not_ours: 1,
  });
  expect(await cleanUp({ everybodys: true })).toMatchObject({ cancelled: 1, not_ours: 0 });
  expect(foreign.status).toBe('CANCELED');
});
