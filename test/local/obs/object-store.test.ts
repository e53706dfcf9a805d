import { spawn } from 'node:child_process';
import { pbkdf2 } from 'node:crypto';
import { appendFile, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { type ObjectEvent, ObjectStore } from '../../../local/obs/object-store';
import { md5 } from '../../md5';
import { until } from '../../wait';
import { randomBytes } from './obs-fixture';

let directory: string;
let store: ObjectStore;

beforeEach(async () => {
  directory = await mkdtemp(path.join(os.tmpdir(), 'obs-store-'));
  store = await ObjectStore.open(directory);
  await store.createBucket('bucket');
});
afterEach(async () => {
  await store.close();
  await rm(directory, { recursive: true });
});

async function reopen(): Promise<void> {
  await store.close();
  store = await ObjectStore.open(directory);
}

const journal = () => path.join(directory, 'journal.jsonl');
const dataFiles = () => readdir(path.join(directory, 'objects'));

describe('after the store is opened again, it has', () => {
  test('buckets, rules, objects and unfinished uploads', async () => {
    const rule = { allowedMethods: ['GET'], allowedOrigins: ['*'], allowedHeaders: [], exposeHeaders: [] };
    await store.setCors('bucket', [rule]);
    await store.createBucket('deleted');
    await store.deleteBucket('deleted');
    await store.put('bucket', 'a', Buffer.from('old'));
    const object = await store.put('bucket', 'a', Buffer.from('new'), {
      contentType: 'video/mp4',
      metadata: { a: 'b' },
      contentHeaders: { 'cache-control': 'no-cache' },
    });
    await store.put('bucket', 'b', Buffer.from('b'));
    await store.delete('bucket', 'b');
    const upload = await store.startUpload('bucket', 'c', { contentType: 'x/y' });
    await store.putPart(upload, 1, Buffer.from('old part'));
    await store.putPart(upload, 1, Buffer.from('part'));

    for (let times = 0; times < 2; times++) {
      await reopen();
      expect(store.buckets().map(({ name }) => name)).toEqual(['bucket']);
      expect(store.cors('bucket')).toEqual([rule]);
      expect(store.list('bucket').objects).toEqual([object]);
      expect(await readFile(object.filePath, 'utf8')).toBe('new');
      expect(store.uploads('bucket')).toEqual([upload]);
      expect(await dataFiles()).toHaveLength(2);
    }
    const joined = await store.completeUpload(upload, [
      ...store.upload('bucket', 'c', upload.uploadId).parts.values(),
    ]);
    await reopen();
    expect(store.uploads('bucket')).toEqual([]);
    expect(store.head('bucket', 'c')).toEqual(joined);
    expect(await readFile(joined.filePath, 'utf8')).toBe('part');
    expect(await dataFiles()).toHaveLength(2);
  });

  test('every object that was acknowledged before the process was killed', async () => {
    await store.close();
    const writer = spawn(
      process.execPath,
      ['--require', 'tsx/cjs', path.join(__dirname, 'store-writer.ts'), directory],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    const exited = new Promise((resolve) => writer.once('close', resolve));
    const acknowledged: { key: string; etag: string }[] = [];
    createInterface(writer.stdout).on('line', (line) => {
      acknowledged.push(JSON.parse(line));
      if (acknowledged.length === 300) writer.kill('SIGKILL');
    });
    await exited;
    expect(acknowledged.length).toBeGreaterThanOrEqual(300);

    store = await ObjectStore.open(directory);
    const latest = new Map(acknowledged.map(({ key, etag }) => [key, etag]));
    for (const { key, etag } of acknowledged) {
      const object = store.head('bucket', key)!;
      expect(md5(await readFile(object.filePath))).toBe(object.etag);
      // A key that was written again may hold a write whose acknowledgement died with the process, but no earlier one.
      if (etag !== latest.get(key)) expect(object.etag).not.toBe(etag);
      else if (!key.endsWith('/same')) expect(object.etag).toBe(etag);
    }
    const { objects } = store.list('bucket', { maxKeys: 100_000 });
    expect((await dataFiles()).sort()).toEqual(objects.map(({ filePath }) => path.basename(filePath)).sort());
    expect(await readdir(path.join(directory, 'incoming'))).toEqual([]);
  });

  test('all but a last line of the journal that was torn off', async () => {
    await store.put('bucket', 'a', Buffer.from('a'));
    await store.close();
    await appendFile(journal(), '{"is":"object","bucket":"bucket","key":"to');
    store = await ObjectStore.open(directory);
    expect(store.list('bucket').objects.map(({ key }) => key)).toEqual(['a']);
    await store.put('bucket', 'b', Buffer.from('b'));
    await reopen();
    expect(store.list('bucket').objects.map(({ key }) => key)).toEqual(['a', 'b']);
  });

  test('without files that belong to nothing', async () => {
    await store.put('bucket', 'a', Buffer.from('a'));
    await writeFile(path.join(directory, 'objects', 'orphan'), 'x');
    await writeFile(path.join(directory, 'incoming', 'half'), 'x');
    await store.close();
    // A killed process does not say that it closed the store.
    await rm(path.join(directory, 'closed'));
    store = await ObjectStore.open(directory);
    expect(await dataFiles()).toEqual([path.basename(store.head('bucket', 'a')!.filePath)]);
    expect(await readdir(path.join(directory, 'incoming'))).toEqual([]);
  });

  test('and a journal that is as long as it must be stays as it is, one that is much longer is rewritten', async () => {
    const lines = async () => (await readFile(journal(), 'utf8')).split('\n').length - 1;
    await store.put('bucket', 'a', Buffer.from('a'));
    const { ino } = await stat(journal());
    await reopen();
    expect((await stat(journal())).ino).toBe(ino);
    for (let round = 0; round < 10; round++) await store.put('bucket', 'a', Buffer.from(String(round)));
    expect(await lines()).toBe(12);
    await reopen();
    expect(await lines()).toBe(2);
    expect(store.list('bucket').objects.map(({ key }) => key)).toEqual(['a']);
  });

  test('but a journal that is damaged elsewhere is refused by line', async () => {
    await store.close();
    const text = await readFile(journal(), 'utf8');
    await writeFile(journal(), `${text}{"is":"nonsense"}\n`);
    await expect(ObjectStore.open(directory)).rejects.toThrow('line 2 is not a journal entry');
    await writeFile(journal(), text);
    store = await ObjectStore.open(directory);
  });
});

describe('writes', () => {
  test('of one key at the same time leave one of them, whole', async () => {
    const bodies = Array.from({ length: 20 }, () => randomBytes(50_000));
    const events: ObjectEvent[] = [];
    store.onObjectEvent((event) => events.push(event));
    const written = await Promise.all(
      bodies.map((body) =>
        store.put('bucket', 'same', Readable.from([body.subarray(0, 9), body.subarray(9)])),
      ),
    );
    const object = store.head('bucket', 'same')!;
    expect(written).toContainEqual(object);
    expect(md5(await readFile(object.filePath))).toBe(object.etag);
    expect(events.map(({ etag }) => etag).sort()).toEqual(bodies.map((body) => md5(body)).sort());
    expect(events.at(-1)?.etag).toBe(object.etag);
    expect(events.map(({ sequencer }) => sequencer)).toEqual(events.map(({ sequencer }) => sequencer).sort());
    expect(await dataFiles()).toHaveLength(1);
  });

  test('that fail change nothing', async () => {
    await store.put('bucket', 'a', Buffer.from('before'));
    const events: ObjectEvent[] = [];
    store.onObjectEvent((event) => events.push(event));
    const broken = Readable.from(
      (async function* () {
        yield Buffer.from('half');
        throw new Error('source broke');
      })(),
    );
    await expect(store.put('bucket', 'a', broken)).rejects.toThrow('source broke');
    await expect(
      store.put('bucket', 'a', Buffer.from('x'), { contentMd5: md5('y', 'base64') }),
    ).rejects.toThrow('Content-MD5');
    await expect(store.put('missing', 'a', Buffer.from('x'))).rejects.toMatchObject({ code: 'NoSuchBucket' });
    await expect(store.put('bucket', '', Buffer.from('x'))).rejects.toMatchObject({
      code: 'InvalidArgument',
    });
    expect(await readFile(store.head('bucket', 'a')!.filePath, 'utf8')).toBe('before');
    expect(await readdir(path.join(directory, 'incoming'))).toEqual([]);
    expect(events).toEqual([]);
  });

  test('that break off while their file is still being opened leave none behind', async () => {
    const broken = Readable.from(
      (async function* () {
        yield Buffer.from('half');
        throw new Error('source broke');
      })(),
    );
    // Node opens files on its four threads; as long as these are busy, a file is not there yet.
    const busy = Array.from({ length: 4 }, () => promisify(pbkdf2)('', '', 100_000, 64, 'sha512'));
    await expect(store.put('bucket', 'a', broken)).rejects.toThrow('source broke');
    await Promise.all(busy);
    expect(await readdir(path.join(directory, 'incoming'))).toEqual([]);
  });

  test('into a bucket or an upload that went away meanwhile are refused', async () => {
    const body = new Readable({ read: () => undefined });
    const putting = store.put('bucket', 'a', body);
    body.push('half');
    await store.deleteBucket('bucket');
    body.push(null);
    await expect(putting).rejects.toMatchObject({ code: 'NoSuchBucket' });

    await store.createBucket('bucket');
    const upload = await store.startUpload('bucket', 'a', {});
    const part = new Readable({ read: () => undefined });
    const uploading = store.putPart(upload, 1, part);
    await store.abortUpload(upload);
    part.push(null);
    await expect(uploading).rejects.toMatchObject({ code: 'NoSuchUpload' });
    expect(await dataFiles()).toEqual([]);
  });

  test('of a multipart upload are completed once', async () => {
    const upload = await store.startUpload('bucket', 'a', {});
    const part = await store.putPart(upload, 1, randomBytes(500_000));
    const results = await Promise.allSettled([1, 2, 3].map(() => store.completeUpload(upload, [part])));
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    for (const result of results) {
      if (result.status === 'rejected') expect(result.reason).toMatchObject({ code: 'NoSuchUpload' });
    }
    expect(await dataFiles()).toHaveLength(1);
  });
});

describe('events', () => {
  test('report every write in this process until the listener unsubscribes', async () => {
    const events: ObjectEvent[] = [];
    const stop = store.onObjectEvent((event) => events.push(event));
    await store.put('bucket', 'a', Buffer.from('abc'), { requestId: 'r1', sourceIp: '10.0.0.1' });
    await store.put('bucket', 'b', Buffer.from('b'), { eventName: 'ObjectCreated:Post' });
    expect(await store.delete('bucket', 'a')).toEqual({ isMarker: false });
    expect(await store.delete('bucket', 'a')).toBeUndefined();
    await until(() => events.length === 3);
    stop();
    await store.put('bucket', 'c', Buffer.from('c'));
    expect(events).toMatchObject([
      {
        eventName: 'ObjectCreated:Put',
        key: 'a',
        sizeBytes: 3,
        etag: md5('abc'),
        requestId: 'r1',
        sourceIp: '10.0.0.1',
      },
      { eventName: 'ObjectCreated:Post', key: 'b' },
      { eventName: 'ObjectRemoved:Delete', key: 'a' },
    ]);
    expect(events[2]).not.toHaveProperty('etag');
    for (const { sequencer } of events) expect(sequencer).toMatch(/^[0-9A-F]{32}$/);
  });

  test('have sequencers that go on growing after the store was opened again', async () => {
    const sequencers: string[] = [];
    for (let times = 0; times < 3; times++) {
      store.onObjectEvent(({ sequencer }) => sequencers.push(sequencer));
      await store.put('bucket', 'a', Buffer.from('a'));
      await until(() => sequencers.length === times + 1);
      await reopen();
    }
    expect([...sequencers].sort()).toEqual(sequencers);
    expect(new Set(sequencers).size).toBe(3);
  });
});

describe('listing', () => {
  test('is sorted by UTF-8 bytes, which is not the order of JavaScript', async () => {
    const keys = ['a', 'Z', '\u{1f3ac}', '\uffee', 'é', '中', 'a/', 'a!'];
    for (const key of keys) await store.put('bucket', key, Buffer.alloc(0));
    const listed = store.list('bucket').objects.map(({ key }) => key);
    expect(listed).toEqual(['Z', 'a', 'a!', 'a/', 'é', '中', '\uffee', '\u{1f3ac}']);
  });

  test('the example of the documents: a delimiter inside names groups them', async () => {
    for (const key of ['abcd', 'abcde', 'bbcde']) await store.put('bucket', key, Buffer.alloc(0));
    expect(store.list('bucket', { delimiter: 'd', prefix: 'a' }).commonPrefixes).toEqual(['abcd']);
    expect(store.list('bucket', { delimiter: 'd' }).commonPrefixes).toEqual(['abcd', 'bbcd']);
  });

  test('after a key does not repeat the common prefix that covers the key', async () => {
    for (const key of ['a', 'b/1', 'b/2', 'c']) await store.put('bucket', key, Buffer.alloc(0));
    const { objects, commonPrefixes } = store.list('bucket', { delimiter: '/', marker: 'b/1' });
    expect([objects.map(({ key }) => key), commonPrefixes]).toEqual([['c'], []]);
  });

  test('page by page finds the same as all at once, whatever keys there are', async () => {
    const key = fc.string({
      unit: fc.constantFrom('a', 'b', '/', '中', '\u{1f3ac}', '\uffee'),
      minLength: 1,
      maxLength: 5,
    });
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(key, { maxLength: 20 }),
        fc.constantFrom('', 'a', 'a/', '中'),
        fc.constantFrom('', '/'),
        fc.integer({ min: 1, max: 5 }),
        async (keys, prefix, delimiter, maxKeys) => {
          const bucket = `b${randomBytes(8).toString('hex')}`;
          await store.createBucket(bucket);
          for (const name of keys) await store.put(bucket, name, Buffer.alloc(0));
          const names = new Set<string>();
          for (const name of keys.filter((candidate) => candidate.startsWith(prefix))) {
            const cut = delimiter === '' ? -1 : name.indexOf(delimiter, prefix.length);
            names.add(cut === -1 ? name : name.slice(0, cut + 1));
          }
          const expected = [...names].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));

          const listed: string[] = [];
          let marker: string | undefined;
          do {
            const page = store.list(bucket, { prefix, delimiter, maxKeys, marker });
            const found = [...page.objects.map((object) => object.key), ...page.commonPrefixes];
            expect(found.length).toBeLessThanOrEqual(maxKeys);
            expect(page.isTruncated).toBe(page.nextMarker !== undefined);
            listed.push(...found.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))));
            marker = page.nextMarker;
          } while (marker !== undefined);
          expect(listed).toEqual(expected);
        },
      ),
      { numRuns: 60 },
    );
  });
});

test.each([
  ['ab', false],
  ['abc', true],
  ['a'.repeat(63), true],
  ['a'.repeat(64), false],
  ['my-bucket.v1', true],
  ['My-bucket', false],
  ['my_bucket', false],
  ['-bucket', false],
  ['bucket-', false],
  ['.bucket', false],
  ['bucket.', false],
  ['my..bucket', false],
  ['my-.bucket', false],
  ['my.-bucket', false],
  ['192.168.1.1', false],
  ['1.bucket', true],
])('the bucket name %s is allowed: %s', async (name, isAllowed) => {
  const created = store.createBucket(name);
  if (isAllowed) await expect(created).resolves.toBeUndefined();
  else await expect(created).rejects.toMatchObject({ code: 'InvalidBucketName' });
});
