import { createServer } from 'node:http';
import fc from 'fast-check';
import * as z from 'zod/mini';
import { closeServer, listen } from '../../../local/http-server';
import { type Invocation, openInvocation } from '../../../shared/installation/invocation';
import { type BucketPass, bucketPassShape, goOnWithPass } from '../../../shared/uploads/bucket-pass';
import { AS_THE_LOCAL_CLOUD, CloudDouble } from '../../model/cloud-double';
import { functionContext, userData } from '../function-context';

const BUCKETS = ['videos', 'archive'] as const;

let cloud: CloudDouble;
let atOnce = 0;
let mostAtOnce = 0;
/** No call is answered before so many are there. */
let waitFor = 0;
/** Bucket and marker of each page that was listed. */
const pages: [bucket: string, marker: string | null][] = [];
/** Size of the last answer for each path and marker. */
const answeredBytes = new Map<string, number>();
/** Is added to the query of each call. */
let more = '';
const server = createServer(async (request, response) => {
  request.resume();
  atOnce += 1;
  mostAtOnce = Math.max(mostAtOnce, atOnce);
  do await new Promise(setImmediate);
  while (mostAtOnce < waitFor);
  atOnce -= 1;
  const { method = '', url = '', headers } = request;
  const { pathname, searchParams } = new URL(url, 'http://obs');
  pages.push([pathname.split('/')[1] ?? '', searchParams.get('marker')]);
  const path = url + more;
  const answer = cloud.handle({ method, path, headers: headers as Record<string, string>, body: '' });
  answeredBytes.set(`${pathname} ${searchParams.get('marker')}`, Buffer.byteLength(answer.body));
  response.writeHead(answer.status, answer.headers).end(answer.body);
});
let invocation: Invocation;

beforeAll(async () => {
  const OBS_ENDPOINT = `http://127.0.0.1:${await listen(server, 0)}`;
  invocation = openInvocation(
    functionContext({ ...userData, UPLOAD_BUCKETS: BUCKETS.join(','), OBS_ENDPOINT, LOG_LEVEL: 'error' }),
  );
  // A property takes longer than an invocation may.
  invocation = { ...invocation, deadlineMs: Number.MAX_SAFE_INTEGER };
});
beforeEach(() => {
  jest.spyOn(process.stderr, 'write').mockReturnValue(true);
  pages.splice(0);
  more = '';
  waitFor = 0;
});
afterEach(() => jest.restoreAllMocks());
afterAll(() => closeServer(server));

function startCloud(keys: readonly (readonly [bucket: string, key: string])[]): void {
  cloud = new CloudDouble([...BUCKETS], { ...AS_THE_LOCAL_CLOUD, now: Date.now });
  for (const [bucket, key] of keys) cloud.put(bucket, key, '');
}

/**
 * Goes through all of it.
 * @param stops how many objects of the first groups are done before the visitor stops
 * @returns every key that was looked at, as often as it was
 */
async function passThrough(pass: BucketPass, groupsInARun = Number.POSITIVE_INFINITY, stops: number[] = []) {
  const seen: string[] = [];
  let runs = 0;
  for (let isDone = false; !isDone; runs += 1) {
    let groups = 0;
    // What is remembered is remembered as JSON.
    const kept = z.parse(z.object(bucketPassShape), JSON.parse(JSON.stringify(pass)));
    Object.assign(pass, { ranges: undefined, marks: undefined }, kept);
    isDone = await goOnWithPass(
      pass,
      '',
      {
        isOver: () => groups >= groupsInARun,
        isWanted: () => true,
        lookAt: async (uploads) => {
          groups += 1;
          const done = Math.min(stops.shift() ?? uploads.length, uploads.length);
          seen.push(...uploads.slice(0, done).map(({ bucket, key }) => `${bucket} ${key}`));
          return done;
        },
        bucketNotListed: () => {},
      },
      invocation,
    );
  }
  return { seen, runs };
}

const key = fc.oneof(
  fc.constantFrom('a', 'a/', 'a/b', 'ﬀ.mp4', '𝒜.mp4', '\uffee', '~'),
  fc.stringMatching(/^[a-z]{1,3}$/),
);
const place = fc.tuple(fc.constantFrom(...BUCKETS), key);

test('every key is read once, wherever marks are and however often the pass is interrupted', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(place, { selector: String, maxLength: 60 }),
      fc.array(place, { maxLength: 12 }),
      fc.integer({ min: 1, max: 4 }),
      fc.array(fc.nat(8), { maxLength: 12 }),
      async (keys, marks, groupsInARun, stops) => {
        startCloud(keys);
        const pass: BucketPass = { marks: marks.map(([bucket, key]) => ({ bucket, key })) };
        const { seen } = await passThrough(pass, groupsInARun, stops);
        expect(seen.sort()).toEqual(keys.map((one) => one.join(' ')).sort());
        expect(pass.ranges).toBeUndefined();
      },
    ),
    { numRuns: 100 },
  );
});

test('the notes of one pass let the next one list many pages side by side, and every key is read once', async () => {
  const count = 3_500;
  more = '&max-keys=100';
  startCloud(
    Array.from({ length: count }, (_, index) => ['videos', String(index).padStart(6, '0')] as const),
  );
  const pass: BucketPass = {};
  for (const parallel of [false, true]) {
    mostAtOnce = 0;
    // Each bucket has ranges of its own.
    waitFor = parallel ? 4 : 2;
    const { seen } = await passThrough(pass);
    expect(new Set(seen).size).toBe(count);
    expect(seen).toHaveLength(count);
    expect(mostAtOnce).toBe(waitFor);
    expect(pass.marks?.length).toBe(2);
  }
});

test('of objects with long keys a page has fewer, so that ten pages fit into memory, and every key is read once', async () => {
  const keys = Array.from(
    { length: 1200 },
    (_, index) => `${String(index).padStart(6, '0')}${'中'.repeat(338)}`,
  );
  startCloud(keys.map((key) => ['videos', key] as const));
  answeredBytes.clear();
  const { seen } = await passThrough({});
  expect(seen).toEqual(keys.map((key) => `videos ${key}`));
  expect(Math.max(...answeredBytes.values())).toBeLessThan(1_500_000);
  expect(pages.length).toBeLessThan(20);
});

test('each run that lists a page makes progress, however slow listings are', async () => {
  const keys = Array.from({ length: 20 }, (_, index) => `${String(index).padStart(2, '0')}.mp4`);
  startCloud(keys.map((key) => ['videos', key] as const));
  const pass: BucketPass = {};
  const seen: string[] = [];
  for (let run = 0, isDone = false; !isDone; run += 1) {
    expect(run).toBeLessThan(keys.length);
    let listings = 0;
    const visitor = {
      // The time is up as soon as one page is there.
      isOver: () => listings++ > 0,
      isWanted: () => true,
      lookAt: async (uploads: readonly { key: string }[]) => {
        seen.push(...uploads.map(({ key }) => key));
        return uploads.length;
      },
      bucketNotListed: () => {},
    };
    isDone = await goOnWithPass(pass, '', visitor, invocation);
  }
  expect(seen).toEqual(keys);
});

test('a missing bucket is reported once, and the others are read', async () => {
  startCloud([['archive', 'b.mp4']]);
  cloud.buckets.delete('videos');
  const marks = ['a', 'm', 'x'].map((key) => ({ bucket: 'videos', key }));
  const pass: BucketPass = { marks };
  let times = 0;
  const seen: string[] = [];
  const isDone = await goOnWithPass(
    pass,
    '',
    {
      isOver: () => false,
      isWanted: () => true,
      lookAt: async (uploads) => {
        seen.push(...uploads.map(({ key }) => key));
        return uploads.length;
      },
      bucketNotListed: () => void times++,
    },
    invocation,
  );
  expect({ isDone, times, seen, has_gap: pass.has_gap }).toEqual({
    isDone: true,
    times: 1,
    seen: ['b.mp4'],
    has_gap: 1,
  });
});

test('a range that is held up holds up the pass: no other range is begun', async () => {
  const keys = Array.from({ length: 40 }, (_, index) => String(index).padStart(2, '0'));
  startCloud(keys.map((key) => ['videos', key] as const));
  const pass: BucketPass = { marks: keys.map((key) => ({ bucket: 'videos', key })) };
  let groups = 0;
  const visitor = {
    isOver: () => false,
    isWanted: () => true,
    lookAt: async () => {
      groups += 1;
      return 0;
    },
    bucketNotListed: () => {},
  };
  expect(await goOnWithPass(pass, '', visitor, invocation)).toBe(false);
  // Only those that were already listed.
  expect(groups).toBeLessThanOrEqual(10);
  expect((await passThrough(pass)).seen).toHaveLength(keys.length);
});

describe('in one run', () => {
  const mark = (key: string, bucket = 'videos') => ({ bucket, key });
  const names = (count: number) =>
    Array.from({ length: count }, (_, index) => String(index).padStart(3, '0'));
  const visit = async (pass: BucketPass, isOver = false) => {
    const seen: string[] = [];
    const isDone = await goOnWithPass(
      pass,
      '',
      {
        isOver: () => isOver,
        isWanted: ({ key }) => !key.startsWith('-'),
        lookAt: async (uploads) => seen.push(...uploads.map(({ key }) => key)),
        bucketNotListed: () => {},
      },
      invocation,
    );
    return { isDone, seen };
  };

  test('a pass begins with the ranges between the marks of each bucket, in the order of OBS', async () => {
    startCloud([['videos', 'a']]);
    // In UTF-16 the last two come the other way round.
    const pass: BucketPass = { marks: ['ﬀ', 'b', '𝒜'].map((key) => mark(key)).concat(mark('c', 'archive')) };
    expect(await visit(pass, true)).toEqual({ isDone: false, seen: [] });
    expect(pass).toEqual({
      ranges: [
        { bucket: 'videos', until: 'b', pages: 0 },
        { bucket: 'videos', marker: 'b', until: 'ﬀ', pages: 0 },
        { bucket: 'videos', marker: 'ﬀ', until: '𝒜', pages: 0 },
        { bucket: 'videos', marker: '𝒜', pages: 0 },
        { bucket: 'archive', until: 'c', pages: 0 },
        { bucket: 'archive', marker: 'c', pages: 0 },
      ],
      marks: [],
    });
    expect(pages).toEqual([]);
  });

  test('only wanted objects are looked at, and no page is listed behind the end of a range', async () => {
    more = '&max-keys=2';
    startCloud(['-', '0', '1', '2', '3', '4', '5'].map((key) => ['videos', key] as const));
    for (const [until, expected] of [
      // A page ends with the range, or goes beyond it, or has nothing of it.
      ['0', [null]],
      ['1', [null, '0']],
      ['1a', [null, '0']],
      ['+', [null]],
      [undefined, [null, '0', '2', '4']],
    ] as const) {
      pages.splice(0);
      const { isDone, seen } = await visit({ ranges: [{ bucket: 'videos', until, pages: 0 }] });
      expect(isDone).toBe(true);
      expect(seen).toEqual(['0', '1', '2', '3', '4', '5'].filter((key) => key <= (until ?? '~')));
      expect(pages.map(([, marker]) => marker)).toEqual(expected);
    }
  });

  test('a mark is noted after sixteen pages, and at the end of a range after more than eight', async () => {
    more = '&max-keys=2';
    startCloud(['a', 'b', 'c'].map((key) => ['videos', key] as const));
    for (const [before, until, expected] of [
      [14, undefined, []],
      [15, undefined, ['b']],
      [6, 'c', []],
      [7, 'c', ['c']],
      // After a mark the pages are counted anew.
      [15, 'c', ['b']],
      [30, undefined, ['b']],
      [30, 'c', ['b']],
    ] as const) {
      const pass: BucketPass = { ranges: [{ bucket: 'videos', until, pages: before }] };
      await visit(pass);
      expect({ before, marks: pass.marks }).toEqual({ before, marks: expected.map((key) => mark(key)) });
    }
  });

  test('of more than 128 marks every second one is kept when the pass ends, until they are no more', async () => {
    startCloud([]);
    for (const [count, step] of [
      [128, 1],
      [129, 2],
      [600, 8],
    ] as const) {
      const keys = names(count);
      const pass: BucketPass = {
        ranges: [{ bucket: 'videos', pages: 0 }],
        marks: keys.toReversed().map((key) => mark(key)),
      };
      await visit(pass, true);
      expect(pass.marks).toHaveLength(count);
      await visit(pass);
      const kept = [...(pass.marks ?? [])].map(({ key }) => key).sort();
      expect(kept).toEqual(keys.filter((_, at) => (at + 1) % step === 0));
    }
  });

  test('a bucket that cannot be listed is asked for no further range, and the log names it', async () => {
    startCloud([]);
    cloud.buckets.delete('videos');
    await visit({ marks: names(30).map((key) => mark(key)) });
    expect(pages.filter(([bucket]) => bucket === 'videos')).toHaveLength(10);
    const [line] = jest.mocked(process.stderr.write).mock.lastCall ?? [];
    expect(JSON.parse(String(line))).toMatchObject({
      level: 'error',
      event: 'sweep.bucket_not_listed',
      bucket: 'videos',
      service_error_code: 'NoSuchBucket',
    });
  });
});
