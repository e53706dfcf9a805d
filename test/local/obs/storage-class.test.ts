import {
  CopyObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { ObjectStore } from '../../../local/obs/object-store';
import { Obs, REGION } from './obs-fixture';

describe('an archived object', () => {
  const target = { Bucket: 'videos', Key: 'a.mp4' };
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
    await s3.send(new PutObjectCommand({ ...target, Body: 'content', StorageClass: 'GLACIER' }));
  });
  afterEach(async () => {
    s3.destroy();
    await obs.close();
  });

  test('is listed and read with HEAD with its class, in the words of either dialect', async () => {
    expect(await s3.send(new HeadObjectCommand(target))).toMatchObject({
      StorageClass: 'GLACIER',
      ContentLength: 7,
    });
    expect((await s3.send(new ListObjectsV2Command({ Bucket: 'videos' }))).Contents).toMatchObject([
      { StorageClass: 'GLACIER' },
    ]);
    const head = await obs.signed('HEAD', { bucket: 'videos', key: 'a.mp4' });
    expect(head.headers['x-obs-storage-class']).toBe('COLD');
    expect((await obs.signed('GET', { bucket: 'videos' })).body).toContain(
      '<StorageClass>COLD</StorageClass>',
    );
  });

  test('is neither read nor copied: 403 InvalidObjectState', async () => {
    for (const command of [
      new GetObjectCommand(target),
      new CopyObjectCommand({ ...target, Key: 'copy', CopySource: 'videos/a.mp4' }),
    ]) {
      await expect(s3.send(command as GetObjectCommand)).rejects.toMatchObject({
        name: 'InvalidObjectState',
        $metadata: { httpStatusCode: 403 },
      });
    }
  });

  test('stays archived when the store is opened again, until it is written again', async () => {
    await obs.store.close();
    const again = await ObjectStore.open(obs.directory);
    expect(again.head('videos', 'a.mp4')?.storageClass).toBe('COLD');
    await again.put('videos', 'a.mp4', Buffer.from('new'));
    expect(again.head('videos', 'a.mp4')?.storageClass).toBeUndefined();
    await again.close();
  });

  test('is what a bucket of class COLD makes of a write without a class, also after a restart, and a multipart upload', async () => {
    const headers = { 'x-obs-storage-class': 'COLD' };
    expect((await obs.signed('PUT', { bucket: 'archive' }, { headers })).status).toBe(200);
    expect((await obs.signed('GET', { bucket: 'archive', special: 'storageClass' })).body).toMatch(
      /<StorageClass[^>]*>COLD<\/StorageClass>$/,
    );
    expect((await obs.signed('HEAD', { bucket: 'archive' })).headers['x-obs-storage-class']).toBe('COLD');
    const put = (Key: string, StorageClass?: 'STANDARD') =>
      s3.send(new PutObjectCommand({ Bucket: 'archive', Key, Body: 'x', StorageClass }));
    await put('plain');
    await put('named', 'STANDARD');
    await s3.send(new CopyObjectCommand({ Bucket: 'archive', Key: 'copy', CopySource: 'archive/named' }));
    const upload = await obs.store.startUpload('archive', 'parts', {});
    await obs.store.putPart(upload, 1, Buffer.from('part'));
    await obs.store.completeUpload(upload, [...upload.parts.values()]);
    await obs.store.close();
    const again = await ObjectStore.open(obs.directory);
    const classes = ['plain', 'named', 'copy', 'parts'].map(
      (key) => again.head('archive', key)?.storageClass,
    );
    expect(classes).toEqual(['COLD', undefined, 'COLD', 'COLD']);
    await again.setStorageClass('archive', 'STANDARD');
    await again.put('archive', 'later', Buffer.from('x'));
    expect(again.head('archive', 'later')?.storageClass).toBeUndefined();
    expect(again.head('archive', 'plain')?.storageClass).toBe('COLD');
    await again.close();
  });

  test('of a class that is not known is refused', async () => {
    const headers = { 'x-obs-storage-class': 'FROZEN' };
    const answer = await obs.signed('PUT', { bucket: 'videos', key: 'b' }, { headers, body: 'x' });
    expect([answer.status, answer.headers['x-obs-error-code']]).toEqual([400, 'InvalidStorageClass']);
  });
});
