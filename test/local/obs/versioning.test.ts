import { createHash } from 'node:crypto';
import {
  CopyObjectCommand,
  DeleteObjectCommand,
  GetBucketVersioningCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { renderObjectEvents } from '../../../local/obs/events';
import { ObjectStore } from '../../../local/obs/object-store';
import { Obs, REGION } from './obs-fixture';

const BUCKET = { Bucket: 'videos' };
const A = { ...BUCKET, Key: 'a.mp4' };
const configured = (status: string) => ({
  body: `<VersioningConfiguration><Status>${status}</Status></VersioningConfiguration>`,
});
let obs: Obs;
let s3: S3Client;

beforeEach(async () => {
  obs = await Obs.start();
  await obs.store.createBucket('videos');
  const { accessKey, secretKey } = obs.credentials.permanent;
  s3 = new S3Client({
    region: REGION,
    endpoint: `http://127.0.0.1:${obs.port}`,
    forcePathStyle: true,
    credentials: { accessKeyId: accessKey, secretAccessKey: secretKey },
    requestChecksumCalculation: 'WHEN_REQUIRED',
  });
});
afterEach(async () => {
  s3.destroy();
  await obs.close();
});

const set = (status: 'Enabled' | 'Suspended') =>
  s3.send(new PutBucketVersioningCommand({ ...BUCKET, VersioningConfiguration: { Status: status } }));
const put = async (content: string, key = 'a.mp4') =>
  (await s3.send(new PutObjectCommand({ ...BUCKET, Key: key, Body: content }))).VersionId;
const textOf = async (VersionId?: string) =>
  (await s3.send(new GetObjectCommand({ ...A, VersionId }))).Body?.transformToString();
/** What is listed: key, version, and what it is. */
async function listed(more: object = {}) {
  const { Versions = [], DeleteMarkers = [] } = await s3.send(
    new ListObjectVersionsCommand({ ...BUCKET, ...more }),
  );
  return [
    ...Versions.map(({ Key, VersionId, IsLatest }) => [Key, VersionId, IsLatest ? 'latest' : 'old']),
    ...DeleteMarkers.map(({ Key, VersionId, IsLatest }) => [
      Key,
      VersionId,
      IsLatest ? 'marker' : 'old marker',
    ]),
  ];
}

test('the status of a bucket is none, Enabled or Suspended, in the words of either dialect', async () => {
  expect((await s3.send(new GetBucketVersioningCommand(BUCKET))).Status).toBeUndefined();
  for (const status of ['Enabled', 'Suspended']) {
    expect(
      (await obs.signed('PUT', { bucket: 'videos', special: 'versioning' }, configured(status))).status,
    ).toBe(200);
    expect((await s3.send(new GetBucketVersioningCommand(BUCKET))).Status).toBe(status);
    const told = await obs.signed('GET', { bucket: 'videos', special: 'versioning' });
    expect(told.body).toContain(`<Status>${status}</Status>`);
  }
  const wrong = await obs.signed('PUT', { bucket: 'videos', special: 'versioning' }, configured('Disabled'));
  expect([wrong.status, wrong.headers['x-obs-error-code']]).toEqual([400, 'MalformedXML']);
});

test('a bucket without versioning knows only the version null', async () => {
  expect(await put('one')).toBeUndefined();
  expect(await textOf('null')).toBe('one');
  await expect(textOf('G1')).rejects.toMatchObject({
    name: 'NoSuchVersion',
    $metadata: { httpStatusCode: 404 },
  });
  expect(await listed()).toEqual([['a.mp4', 'null', 'latest']]);
  const deleted = await s3.send(new DeleteObjectCommand(A));
  expect([deleted.VersionId, deleted.DeleteMarker]).toEqual([undefined, undefined]);
  expect(await listed()).toEqual([]);
});

describe('while versioning is enabled', () => {
  test('each write makes a new version, and the object from before is the version null', async () => {
    await put('zero');
    await set('Enabled');
    const ids = [await put('one'), await put('two')];
    expect(new Set(ids).size).toBe(2);
    expect(await Promise.all(['null', ...ids, undefined].map(textOf))).toEqual(['zero', 'one', 'two', 'two']);
    expect(await listed()).toEqual([
      ['a.mp4', ids[1], 'latest'],
      ['a.mp4', ids[0], 'old'],
      ['a.mp4', 'null', 'old'],
    ]);
    const head = await s3.send(new HeadObjectCommand({ ...A, VersionId: ids[0]! }));
    expect([head.VersionId, head.ContentLength]).toEqual([ids[0], 3]);
    const seen = await obs.signed('HEAD', { bucket: 'videos', key: 'a.mp4' });
    expect(seen.headers['x-obs-version-id']).toBe(ids[1]);
    expect((await s3.send(new ListObjectsV2Command(BUCKET))).Contents).toMatchObject([
      { Key: 'a.mp4', Size: 3 },
    ]);
  });

  test('a deletion sets a marker: the object counts as deleted, its versions stay, and without the marker it is back', async () => {
    await set('Enabled');
    const id = await put('one');
    const gone = await obs.signed('DELETE', { bucket: 'videos', key: 'a.mp4' });
    const marker = String(gone.headers['x-obs-version-id']);
    expect([gone.status, gone.headers['x-obs-delete-marker']]).toEqual([204, 'true']);
    const missing = await obs.signed('GET', { bucket: 'videos', key: 'a.mp4' });
    expect([
      missing.status,
      missing.headers['x-obs-error-code'],
      missing.headers['x-obs-delete-marker'],
    ]).toEqual([404, 'NoSuchKey', 'true']);
    await expect(textOf(marker)).rejects.toMatchObject({
      name: 'MethodNotAllowed',
      $metadata: { httpStatusCode: 405 },
    });
    expect(await textOf(id)).toBe('one');
    expect((await s3.send(new ListObjectsV2Command(BUCKET))).KeyCount).toBe(0);
    expect(await listed()).toEqual([
      ['a.mp4', id, 'old'],
      ['a.mp4', marker, 'marker'],
    ]);
    const back = await s3.send(new DeleteObjectCommand({ ...A, VersionId: marker }));
    expect(back).toMatchObject({ VersionId: marker, DeleteMarker: true });
    expect(await textOf()).toBe('one');
  });

  test('a deletion with a version deletes that version permanently, one by one or many at once', async () => {
    await set('Enabled');
    const [one, two, three] = [await put('one'), await put('two'), await put('three')];
    expect(await s3.send(new DeleteObjectCommand({ ...A, VersionId: three! }))).toMatchObject({
      VersionId: three,
    });
    expect(await textOf()).toBe('two');
    const names = [two, undefined, 'G0'].map(
      (id) => `<Key>a.mp4</Key>${id ? `<VersionId>${id}</VersionId>` : ''}`,
    );
    const body = `<Delete>${names.map((name) => `<Object>${name}</Object>`).join('')}</Delete>`;
    const headers = { 'content-md5': createHash('md5').update(body).digest('base64') };
    const answer = await obs.signed('POST', { bucket: 'videos', special: 'delete' }, { headers, body });
    const deleted = answer.body.match(/<Deleted>.*?<\/Deleted>/g) ?? [];
    expect(deleted[0]).toContain(`<VersionId>${two}</VersionId>`);
    expect(deleted[1]).toMatch(/<DeleteMarker>true<.*<DeleteMarkerVersionId>G[0-9A-F]{31}</);
    expect(deleted[2]).toBe('<Deleted><Key>a.mp4</Key><VersionId>G0</VersionId></Deleted>');
    expect(await textOf(one)).toBe('one');
    await expect(obs.store.deleteBucket('videos')).rejects.toMatchObject({ code: 'BucketNotEmpty' });
    for (const [, VersionId] of await listed())
      await s3.send(new DeleteObjectCommand({ ...A, VersionId: String(VersionId) }));
    expect(await listed()).toEqual([]);
    await obs.store.deleteBucket('videos');
  });

  test('a copy reads the version that it names', async () => {
    await set('Enabled');
    const one = await put('one');
    await put('two');
    const copied = await s3.send(
      new CopyObjectCommand({ ...BUCKET, Key: 'copy', CopySource: `videos/a.mp4?versionId=${one}` }),
    );
    expect(copied.CopySourceVersionId).toBe(one);
    const copy = await s3.send(
      new GetObjectCommand({ ...BUCKET, Key: 'copy', VersionId: copied.VersionId! }),
    );
    expect(await copy.Body?.transformToString()).toBe('one');
  });

  test('versions are listed page by page, with prefix and delimiter', async () => {
    await set('Enabled');
    for (const key of ['a', 'b/1', 'b/2', 'c'])
      for (const content of ['1', '2', '3']) await put(content, key);
    await s3.send(new DeleteObjectCommand({ ...BUCKET, Key: 'a' }));
    const all: string[] = [];
    let from = {};
    for (let pages = 1; ; pages++) {
      const page = await s3.send(new ListObjectVersionsCommand({ ...BUCKET, MaxKeys: 2, ...from }));
      all.push(
        ...[...(page.DeleteMarkers ?? []), ...(page.Versions ?? [])].map(
          ({ Key, VersionId }) => `${Key} ${VersionId}`,
        ),
      );
      if (!page.IsTruncated) {
        expect(pages).toBe(7);
        break;
      }
      from = { KeyMarker: page.NextKeyMarker, VersionIdMarker: page.NextVersionIdMarker };
    }
    expect(all).toHaveLength(13);
    expect(new Set(all).size).toBe(13);
    const grouped = await s3.send(new ListObjectVersionsCommand({ ...BUCKET, Delimiter: '/' }));
    expect(grouped.CommonPrefixes).toEqual([{ Prefix: 'b/' }]);
    expect(grouped.Versions?.map(({ Key }) => Key)).toEqual(['a', 'a', 'a', 'c', 'c', 'c']);
    expect(
      (await s3.send(new ListObjectVersionsCommand({ ...BUCKET, Prefix: 'b/1' }))).Versions,
    ).toHaveLength(3);
  });
});

test('while versioning is suspended a write replaces the version null, and a deletion sets a marker of it', async () => {
  await set('Enabled');
  const kept = await put('kept');
  await set('Suspended');
  expect([await put('one'), await put('two')]).toEqual([undefined, undefined]);
  expect(await listed()).toEqual([
    ['a.mp4', 'null', 'latest'],
    ['a.mp4', kept, 'old'],
  ]);
  expect(await s3.send(new DeleteObjectCommand(A))).toMatchObject({ DeleteMarker: true, VersionId: 'null' });
  expect(await listed()).toEqual([
    ['a.mp4', kept, 'old'],
    ['a.mp4', 'null', 'marker'],
  ]);
  expect(await textOf(kept)).toBe('kept');
});

test('events name the version, and distinguish a marker from a permanent deletion', async () => {
  await set('Enabled');
  const id = await put('one');
  await s3.send(new DeleteObjectCommand(A));
  await s3.send(new DeleteObjectCommand({ ...A, VersionId: id! }));
  await new Promise(setImmediate);
  expect(obs.events.map(({ eventName, versionId }) => [eventName, versionId])).toEqual([
    ['ObjectCreated:Put', id],
    ['ObjectRemoved:DeleteMarkerCreated', expect.stringMatching(/^G[0-9A-F]{31}$/)],
    ['ObjectRemoved:Delete', id],
  ]);
  for (const shape of ['s3', 'obs', 'eventgrid'] as const)
    expect(JSON.stringify(renderObjectEvents(shape, obs.events.slice(0, 1), REGION))).toContain(
      `"versionId":"${id}"`,
    );
});

test('versions, markers and the status survive a restart', async () => {
  await set('Enabled');
  const one = await put('one');
  await put('two');
  await s3.send(new DeleteObjectCommand(A));
  await set('Suspended');
  await put('null of b', 'b.mp4');
  const before = obs.store.listVersions('videos');
  await obs.store.close();
  for (const _ of ['first', 'second']) {
    const again = await ObjectStore.open(obs.directory);
    expect(again.listVersions('videos')).toEqual(before);
    expect(again.versioning('videos')).toBe('Suspended');
    expect(again.list('videos').objects.map(({ key }) => key)).toEqual(['b.mp4']);
    expect(again.version('videos', 'a.mp4', one)).toMatchObject({ sizeBytes: 3 });
    await again.close();
  }
});
