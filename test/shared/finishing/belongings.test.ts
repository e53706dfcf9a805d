import { objectsOfVideo, tasksOfVideo } from '../../../shared/finishing/belongings';
import type { CannedAnswer } from '../services-double';
import { ServicesDouble } from '../services-double';

const services = new ServicesDouble();
beforeAll(() => services.start());
afterAll(() => services.stop());
beforeEach(() => {
  jest.spyOn(process.stdout, 'write').mockReturnValue(true);
  services.calls.length = 0;
});
afterEach(() => jest.restoreAllMocks());

const VIDEO = { bucket: 'videos', key: 'a.mp4' };
const FOLDER = '.mpc-snapshots/claims/folder/';
const claim = { state: 'accepted', claimed_at_ms: 1, claim: 'c'.repeat(40), task_id: '1', etag: 'e' };
const task = {
  task_id: '1',
  status: 'SUCCEEDED',
  output: { bucket: 'snapshots', object: 'snapshots/a.mp4/' },
  thumbnail_info: [{ pic_name: '0.jpg' }, { pic_name: '12.jpg' }],
};

function list(keys: readonly string[], isTruncated = false): CannedAnswer {
  const contents = keys.map(
    (key) =>
      `<Contents><Key>${encodeURIComponent(key)}</Key><LastModified>2026-11-23T08:00:00Z</LastModified></Contents>`,
  );
  return { body: `<R><IsTruncated>${isTruncated}</IsTruncated>${contents.join('')}</R>` };
}

/** A bucket of snapshots with these objects; of uploads the bucket holds these. */
function buckets(
  snapshots: Record<string, unknown>,
  uploads: readonly string[] = [],
  isTruncated = false,
): void {
  services.answer = ({ url = '' }) => {
    const { pathname, searchParams } = new URL(url, 'http://obs');
    const [bucket, ...rest] = decodeURIComponent(pathname).slice(1).split('/');
    const key = rest.join('/');
    const isSnapshots = bucket === 'snapshots';
    if (key !== '') {
      const value = snapshots[key];
      return value === undefined
        ? { status: 404, body: '<Error><Code>NoSuchKey</Code></Error>' }
        : { body: JSON.stringify(value) };
    }
    const prefix = (searchParams.get('prefix') ?? '').replace(/claims\/[0-9a-f]{40}\//, 'claims/folder/');
    const keys = isSnapshots ? Object.keys(snapshots) : uploads;
    return list(
      keys.filter((one) => one.startsWith(prefix) && !one.slice(prefix.length).includes('/')),
      isTruncated && !isSnapshots,
    );
  };
}

const settled = {
  [`${FOLDER}c.json`]: claim,
  [`${FOLDER}c.result.json`]: { task },
  'snapshots/a.mp4/0.jpg': 0,
  'snapshots/a.mp4/12.jpg': 0,
  'snapshots/a.mp4/13.jpg': 0,
  'snapshots/a.mp4/storyboard.vtt': 0,
  'snapshots/a.mp4/sprite-2.jpg': 0,
  'snapshots/a.mp4/sprite.txt': 0,
  'snapshots/a.mp4/deeper/0.jpg': 0,
};

async function belongings(changes: Record<string, string> = {}) {
  const invocation = services.invocation(changes);
  return objectsOfVideo(VIDEO, await tasksOfVideo(VIDEO, invocation), invocation);
}

test('a video owns what its tasks name, and the files beside, in its own directory', async () => {
  buckets(settled);
  expect(await belongings()).toEqual({
    keys: [
      'snapshots/a.mp4/0.jpg',
      'snapshots/a.mp4/12.jpg',
      'snapshots/a.mp4/storyboard.vtt',
      'snapshots/a.mp4/sprite-2.jpg',
    ],
    shared: [],
  });
});

test('a directory whose index names a task of somebody else, or none, is left alone', async () => {
  const recorded = { '.mpc-snapshots/tasks/2.json': { result: 'of somebody else' } };
  for (const index of [{ task_id: '2' }, { other: 1 }, 'no index']) {
    buckets({ ...settled, ...recorded, 'snapshots/a.mp4/snapshots.json': index });
    expect(await belongings()).toEqual({ keys: [], shared: ['snapshots/a.mp4'] });
  }
});

test('an index that names a task without a record is left of a video that was removed, and belongs to nobody else', async () => {
  buckets({ ...settled, 'snapshots/a.mp4/snapshots.json': { task_id: '2' } });
  const { keys, shared } = await belongings();
  expect(shared).toEqual([]);
  expect(keys).toContain('snapshots/a.mp4/snapshots.json');
});

test('what a caller wrote elsewhere belongs to the caller', async () => {
  const elsewhere = { ...task, output: { bucket: 'snapshots', object: 'gallery' } };
  buckets({ ...settled, [`${FOLDER}c.result.json`]: { task: elsewhere }, 'gallery/0.jpg': 0 });
  expect(await belongings()).toEqual({ keys: [], shared: [] });
});

test('if more keys begin like the video’s than can be read, another video may be among them', async () => {
  const stem = { ...task, output: { bucket: 'snapshots', object: 'snapshots/a' } };
  buckets({ [`${FOLDER}c.json`]: claim, [`${FOLDER}c.result.json`]: { task: stem } }, ['a.b.mp4'], true);
  expect(await belongings({ OUTPUT_DIRECTORY: 'snapshots/{stem}' })).toMatchObject({
    shared: ['snapshots/a'],
  });
});
