import { ARCHIVE, InstallationDouble, returned, SNAPSHOTS, VIDEOS } from '../model/installation-double';
import { endAll, filesIn, linesOf, MINUTE_MS } from './finishing';

// Whoever may write to the snapshot bucket can replace a record. That costs what the record held, and nothing else.

const recordsFolder = '.mpc-snapshots';
/** More than the functions read of an answer. */
const TOO_LARGE = JSON.stringify({ text: 'x'.repeat(9 * 1024 * 1024) });

async function run(service: InstallationDouble, minutes: number): Promise<void> {
  for (let minute = 0; minute < minutes; minute++) {
    await service.time.pass(61_000);
    returned(await service.sweep());
    returned(await service.cleanUp());
    endAll(service);
    returned(await service.finish());
  }
}

describe('a record that is too large', () => {
  test.each(['pace.json', 'sweep.json', 'backfill.json', 'finish.json', 'removal.json'])(
    'stops neither uploads nor what comes after them: %s',
    async (name) => {
      const service = new InstallationDouble({ userData: { ON_REMOVAL: 'delete' } });
      service.cloud.put(SNAPSHOTS, `${recordsFolder}/${name}`, TOO_LARGE);
      await service.deliver([service.upload('a.mp4')]);
      service.upload('without-event.mp4');
      await run(service, 5);
      for (const key of ['a.mp4', 'without-event.mp4']) {
        expect(service.tasksOf(key)).toHaveLength(1);
        expect(filesIn(service, `snapshots/${key}`)).toContain('snapshots.json');
      }
      expect(linesOf(service, 'finish.failed')).toEqual([]);
      expect(linesOf(service, 'removal.failed')).toEqual([]);
    },
  );

  test('of an upload starts nothing, and leads to the task', async () => {
    const service = new InstallationDouble();
    const record = service.upload('a.mp4');
    await service.deliver([record]);
    for (const key of [...(service.cloud.buckets.get(SNAPSHOTS)?.keys() ?? [])])
      if (key.includes('/claims/')) service.cloud.put(SNAPSHOTS, key, TOO_LARGE);
    await service.time.pass(MINUTE_MS);
    expect(returned(await service.deliver([record]))).toMatchObject({ records: [{ task_id: '1' }] });
    expect(service.cloud.creates).toHaveLength(1);
  });
});

describe('another bucket', () => {
  /** What was asked of OBS, as the host or the first part of the path. */
  function bucketsAskedBy(service: InstallationDouble): Set<string> {
    const asked = new Set<string>();
    const handle = service.cloud.handle.bind(service.cloud);
    service.cloud.handle = (request) => {
      const [, bucket = ''] = request.path.split(/[/?]/);
      if (request.address === '127.0.0.1:80') asked.add(bucket);
      return handle(request);
    };
    return asked;
  }
  const own = [VIDEOS, ARCHIVE, SNAPSHOTS];
  const request = { id: 'b', prefix: '', videos: 1 };
  const state = { id: 'b', began_ms: 1, updated_ms: 1, videos: 0, started: 0, already_started: 0, failed: 0 };

  test.each(['somebody-elses', 'evil.example/#'])(
    'in the record of the sweep is not read, and the pass begins anew: %s',
    async (bucket) => {
      const service = new InstallationDouble();
      returned(await service.sweep());
      const key = `${recordsFolder}/sweep.json`;
      const ranges = [{ bucket, pages: 0 }];
      const stored = JSON.parse(service.cloud.buckets.get(SNAPSHOTS)?.get(key)?.body ?? '');
      const damaged = { ...stored, ranges, backfill: { ...state, ranges } };
      service.cloud.put(SNAPSHOTS, key, JSON.stringify(damaged));
      service.cloud.put(SNAPSHOTS, `${recordsFolder}/backfill.json`, JSON.stringify(request));
      service.upload('without-event.mp4');
      const asked = bucketsAskedBy(service);
      await run(service, 4);
      expect(own).toEqual(expect.arrayContaining([...asked]));
      expect(service.tasksOf('without-event.mp4')).toHaveLength(1);
    },
  );

  test('that the settings no longer name is not read by a backfill that began before', async () => {
    const service = new InstallationDouble();
    returned(await service.sweep());
    const key = `${recordsFolder}/sweep.json`;
    const stored = JSON.parse(service.cloud.buckets.get(SNAPSHOTS)?.get(key)?.body ?? '');
    const ranges = [{ bucket: ARCHIVE, pages: 0 }];
    service.cloud.put(SNAPSHOTS, key, JSON.stringify({ ...stored, backfill: { ...state, ranges } }));
    service.cloud.put(SNAPSHOTS, `${recordsFolder}/backfill.json`, JSON.stringify(request));
    service.userData.UPLOAD_BUCKETS = VIDEOS;
    const asked = bucketsAskedBy(service);
    await run(service, 3);
    expect([...asked].sort()).toEqual([SNAPSHOTS, VIDEOS]);
  });
});
