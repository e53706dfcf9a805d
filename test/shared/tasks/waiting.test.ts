import {
  forget,
  inLine,
  inTurn,
  isFoundLate,
  listLater,
  listWaiting,
  readWaiting,
  remember,
  rememberForLater,
  type Waiting,
} from '../../../shared/tasks/waiting';
import { AS_THE_LOCAL_CLOUD, CloudDouble } from '../../model/cloud-double';
import { InstallationDouble, returned, SNAPSHOTS, VIDEOS } from '../../model/installation-double';
import { ServicesDouble } from '../services-double';

const waiting = (folder: string, sinceMs: number, more: Partial<Waiting> = {}): Waiting => ({
  folder,
  sinceMs,
  id: `${folder}${sinceMs}`,
  ...more,
});
const ids = (line: readonly Waiting[]) => line.map(({ id }) => id);

test('folders take turns, starting after the last one, and the oldest upload of each comes first', () => {
  const line = [
    waiting('a', 3),
    waiting('a', 1),
    waiting('a', 2),
    waiting('b', 9),
    waiting('c', 5),
    waiting('c', 4),
  ];
  expect(ids(inTurn(line))).toEqual(['a1', 'b9', 'c4', 'a2', 'c5', 'a3']);
  expect(ids(inTurn(line, 'a'))).toEqual(['b9', 'c4', 'a1', 'c5', 'a2', 'a3']);
  expect(ids(inTurn(line, 'c'))).toEqual(['a1', 'b9', 'c4', 'a2', 'c5', 'a3']);
  expect(ids(inTurn([waiting('a', 1), waiting('0', 1)]))).toEqual(['01', 'a1']);
});

test('uploads of the same time keep their order', () => {
  for (const more of [{}, { recordKey: 'r' }]) {
    const line = ['x', 'y', 'z'].map((id) => waiting('a', 1, { id, ...more }));
    expect(ids(inTurn(line))).toEqual(['x', 'y', 'z']);
  }
});

test('an upload with several records is in line once', () => {
  const line = [
    waiting('a', 2, { id: 'x' }),
    waiting('a', 1, { id: 'x', recordKey: 'r' }),
    waiting('', 3, { id: 'x' }),
  ];
  expect(inTurn(line)).toEqual([waiting('a', 1, { id: 'x', recordKey: 'r' })]);
  const sameTime = [
    waiting('a', 1, { id: 'x' }),
    waiting('a', 1, { id: 'x', recordKey: 'r' }),
    waiting('b', 1, { id: 'x' }),
  ];
  expect(inTurn(sameTime)).toEqual([waiting('a', 1, { id: 'x', recordKey: 'r' })]);
});

describe('the record of a waiting upload', () => {
  const RECORDS = '.mpc-snapshots/';
  const MINUTE_MS = 60_000;
  const services = new ServicesDouble();
  let cloud: CloudDouble;
  const records = () => [...(cloud.buckets.get(SNAPSHOTS)?.keys() ?? [])];
  const put = (name: string, value: unknown = { bucket: VIDEOS, key: 'a.mp4' }) =>
    cloud.put(SNAPSHOTS, `${RECORDS}${name}.json`, JSON.stringify(value));

  beforeAll(() => services.start());
  beforeEach(() => {
    cloud = new CloudDouble([VIDEOS, SNAPSHOTS], { ...AS_THE_LOCAL_CLOUD, now: Date.now });
    services.serve(cloud);
    services.calls.splice(0);
  });
  afterEach(() => void jest.restoreAllMocks());
  afterAll(() => services.stop());

  test('lies in the folder of its bucket and of the first part of its key after UPLOAD_PREFIX', () => {
    const invocation = services.invocation({ UPLOAD_PREFIX: 'uploads/' });
    const placeOf = (key: string, bucket = VIDEOS) => inLine({ bucket, key }, 1, invocation);
    const { folder, id } = placeOf('uploads/a/1.mp4');
    expect([folder, id]).toEqual([
      expect.stringMatching(/^[0-9a-f]{12}$/),
      expect.stringMatching(/^[0-9a-f]{40}$/),
    ]);
    expect(placeOf('uploads/a/b/2.mp4').folder).toBe(folder);
    expect(placeOf('uploads/a/1.mp4', 'archive').folder).not.toBe(folder);
    expect(placeOf('uploads/ab/1.mp4').folder).not.toBe(folder);
    expect(placeOf('uploads/a').folder).not.toBe(folder);
    expect(placeOf('uploads/a').folder).toBe(placeOf('uploads/b').folder);
    expect(new Set([id, placeOf('uploads/a/2.mp4').id, placeOf('uploads/a/1.mp4', 'archive').id]).size).toBe(
      3,
    );
    const late = inLine({ bucket: VIDEOS, key: 'uploads/a/1.mp4' }, 1, invocation, true);
    expect(late).toMatchObject({ folder: `~${folder}`, id });
    expect([isFoundLate(late), isFoundLate(placeOf('uploads/a/1.mp4'))]).toEqual([true, false]);
  });

  test('is written once, gives its place in line by its name, and is read back', async () => {
    const invocation = services.invocation();
    const upload = { bucket: VIDEOS, key: 'a b.mp4', otherKey: 'a+b.mp4' };
    await remember(waiting('f', 1_795_000_000_000, { id: 'x', upload }), invocation);
    await remember(waiting('f', -5, { id: 'y', upload }), invocation);
    expect(records()).toEqual([
      `${RECORDS}waiting/f/1795000000000-x.json`,
      `${RECORDS}waiting/f/0000000000000-y.json`,
    ]);
    expect(await readWaiting(`${RECORDS}waiting/f/1795000000000-x.json`, invocation)).toEqual(upload);
    await remember(waiting('f', 2, { upload, recordKey: 'has one' }), invocation);
    await remember(waiting('f', 3), invocation);
    expect(records()).toHaveLength(2);
  });

  test('that is gone or cannot be read names no upload', async () => {
    expect(await readWaiting(`${RECORDS}waiting/f/1-x.json`, services.invocation())).toBeUndefined();
    put('waiting/f/1-x', { bucket: VIDEOS });
    expect(await readWaiting(`${RECORDS}waiting/f/1-x.json`, services.invocation())).toBeUndefined();
  });

  test('of a failed upload names the minute of the next try, four minutes later, or when MPC may be asked again', async () => {
    const invocation = services.invocation();
    const before = Date.now();
    const recordKey = await rememberForLater({ bucket: VIDEOS, key: 'a.mp4' }, invocation);
    const after = Date.now();
    const [, againMs] = /later\/[0-9a-f]{40}\.(\d+)\.json$/.exec(recordKey) ?? [];
    expect(Number(againMs) % MINUTE_MS).toBe(0);
    expect(Number(againMs)).toBeGreaterThanOrEqual(before + 4 * MINUTE_MS);
    expect(Number(againMs)).toBeLessThan(after + 5 * MINUTE_MS);
    const refused = await rememberForLater({ bucket: VIDEOS, key: 'a.mp4' }, invocation, 1_795_000_000_001);
    expect(refused).toMatch(/later\/[0-9a-f]{40}\.1795000000001\.refused\.json$/);
    expect(records()).toEqual([recordKey, refused]);
  });

  test('of a failed upload is due at its time, and those that MPC refuses for good are counted', async () => {
    const invocation = services.invocation();
    const later = Date.now() + 60 * MINUTE_MS;
    put('later/a.1.refused');
    put('later/b.2');
    put(`later/c.${later}.refused`);
    put(`later/d.${later}`);
    const { lastModifiedMs } = put('later/e.3');
    const listed = await listLater(undefined, invocation);
    expect(listed.due.map(({ id, recordKey, folder }) => [id, recordKey, folder])).toEqual([
      ['a', `${RECORDS}later/a.1.refused.json`, ''],
      ['b', `${RECORDS}later/b.2.json`, ''],
      ['e', `${RECORDS}later/e.3.json`, ''],
    ]);
    expect(listed.due.at(-1)?.sinceMs).toBe(lastModifiedMs);
    expect([...listed.ids]).toEqual(['a', 'b', 'c', 'd', 'e']);
    expect(listed.refused).toEqual([
      { recordKey: `${RECORDS}later/a.1.refused.json`, dueMs: 1 },
      { recordKey: `${RECORDS}later/c.${later}.refused.json`, dueMs: later },
    ]);
    expect(listed.marker).toBeUndefined();
    services.serve(cloud, '&max-keys=2');
    const { marker } = await listLater(undefined, invocation);
    expect([...(await listLater(marker, invocation)).ids]).toEqual(['c', 'd']);
  });

  test('is deleted, and if it cannot be, the log says so', async () => {
    put('waiting/f/1-x');
    put('waiting/f/2-y');
    await forget(`${RECORDS}waiting/f/1-x.json`, services.invocation());
    expect(records()).toEqual([`${RECORDS}waiting/f/2-y.json`]);
    cloud.mayDelete = false;
    const log = jest.spyOn(process.stdout, 'write').mockReturnValue(true);
    await forget(`${RECORDS}waiting/f/2-y.json`, services.invocation());
    expect(JSON.parse(String(log.mock.lastCall?.[0] ?? '{}'))).toMatchObject({
      event: 'sweep.not_forgotten',
      key: `${RECORDS}waiting/f/2-y.json`,
      level: 'warn',
      failure: 'credentials_rejected',
    });
  });

  test('is listed folder by folder, first those behind the last one, and old uploads at the end', async () => {
    for (const name of ['b/0000000000004-w', 'a/0000000000003-x', '~a/0000000000002-y', 'a/0000000000001-z'])
      put(`waiting/${name}`);
    const idsAfter = async (folder?: string) => ids(await listWaiting(folder, services.invocation()));
    const [first] = await listWaiting(undefined, services.invocation());
    expect(first).toEqual({
      folder: 'a',
      sinceMs: 1,
      id: 'z',
      recordKey: `${RECORDS}waiting/a/0000000000001-z.json`,
    });
    for (const more of ['', '&max-keys=1']) {
      services.serve(cloud, more);
      expect(await idsAfter()).toEqual(['z', 'x', 'w', 'y']);
      expect(await idsAfter('a')).toEqual(['w', 'z', 'x', 'y']);
      expect(await idsAfter('b')).toEqual(['z', 'x', 'w', 'y']);
    }
  });

  test('is listed in twenty calls, and the next run begins with other folders', async () => {
    for (let number = 10; number < 60; number++) put(`waiting/${number}/0000000000001-${number}`);
    services.serve(cloud, '&max-keys=2');
    const numbers = (from: number, to: number) =>
      Array.from({ length: to - from }, (_, index) => String(from + index));
    expect(ids(await listWaiting(undefined, services.invocation()))).toEqual(numbers(10, 50));
    expect(services.calls).toHaveLength(20);
    const next = ids(await listWaiting('49', services.invocation()));
    expect(next.slice(0, 10)).toEqual(numbers(50, 60));
    expect(next.slice(10)).toEqual(numbers(10, 40));
    expect(services.calls).toHaveLength(40);
  });

  test('is known for ten thousand uploads of a folder, and the next folder is listed without the rest', async () => {
    for (let number = 0; number < 13_000; number++)
      put(`waiting/a/${String(number).padStart(13, '0')}-${number}`);
    put('waiting/b/0000000000001-new');
    const listed = ids(await listWaiting(undefined, services.invocation()));
    expect(listed).toHaveLength(10_001);
    expect(listed.slice(9_999)).toEqual(['9999', 'new']);
    // Thirteen thousand in pages of a thousand would take two more; the last one lists the old uploads.
    expect(services.calls).toHaveLength(13);
  });
});

test('however many old videos wait, a new upload is found and comes first', async () => {
  const service = new InstallationDouble({ userData: { MPC_REQUESTS_PER_MINUTE: '1' } });
  const put = (name: string, value: unknown) =>
    service.cloud.put(SNAPSHOTS, `.mpc-snapshots/${name}.json`, JSON.stringify(value));
  returned(await service.sweep());
  // It is the turn of what is behind all folders: those before them are listed last.
  const stored = service.cloud.buckets.get(SNAPSHOTS)?.get('.mpc-snapshots/sweep.json')?.body ?? '{}';
  put('sweep', { ...JSON.parse(stored), folder: 'f'.repeat(12) });
  service.upload('old.mp4');
  for (let number = 0; number < 10_500; number++)
    put(`waiting/~${'ab'[number % 2]?.repeat(12)}/${1_000_000_000_000 + number}-${number}`, {
      bucket: VIDEOS,
      key: 'old.mp4',
    });
  service.upload('new.mp4');
  put(`waiting/888888888888/${service.time.nowMs}-new`, { bucket: VIDEOS, key: 'new.mp4' });
  await service.sweep();
  expect(service.cloud.tasks.map(({ body }) => body.input.object)).toEqual(['new.mp4']);
});
