import type ObsClient from 'esdk-obs-nodejs';
import { md5 } from '../../md5';
import { bodyOf, bytesOf, Obs, REGION, randomBytes, STYLES } from './obs-fixture';

describe.each(STYLES)("the vendor's client in %s", (style) => {
  const Bucket = 'videos';
  let obs: Obs;
  let client: ObsClient;

  beforeEach(async () => {
    obs = await Obs.start();
    client = obs.client(style);
    expect((await client.createBucket({ Bucket })).CommonMsg.Status).toBe(200);
  });
  afterEach(async () => {
    client.close();
    await obs.close();
  });

  async function put(Key: string, bytes: Buffer | string, more: Record<string, unknown> = {}) {
    return client.putObject({ Bucket, Key, ...bodyOf(bytes), ...more });
  }

  async function get(Key: string, more: Record<string, unknown> = {}): Promise<Buffer> {
    const { CommonMsg, InterfaceResult } = await client.getObject({
      Bucket,
      Key,
      SaveAsStream: true,
      ...more,
    });
    expect(CommonMsg).toMatchObject({ Status: expect.any(Number), Code: '' });
    return bytesOf(InterfaceResult.Content);
  }

  test('creates, finds, lists and deletes buckets', async () => {
    await client.createBucket({ Bucket: 'another', Location: REGION });
    expect((await client.createBucket({ Bucket })).CommonMsg.Status).toBe(200);
    expect((await client.headBucket({ Bucket })).CommonMsg.Status).toBe(200);
    expect((await client.headBucket({ Bucket: 'missing' })).CommonMsg).toMatchObject({
      Status: 404,
      Code: 'NoSuchBucket',
    });
    const { Buckets } = (await client.listBuckets()).InterfaceResult;
    expect(Buckets.map(({ BucketName, Location }) => [BucketName, Location])).toEqual([
      ['another', REGION],
      ['videos', REGION],
    ]);
    expect((await client.getBucketLocation({ Bucket })).InterfaceResult.Location).toBe(REGION);

    await put('a.txt', 'a');
    expect((await client.deleteBucket({ Bucket })).CommonMsg).toMatchObject({
      Status: 409,
      Code: 'BucketNotEmpty',
    });
    await client.deleteObject({ Bucket, Key: 'a.txt' });
    expect((await client.deleteBucket({ Bucket })).CommonMsg.Status).toBe(204);
    expect((await client.headBucket({ Bucket })).CommonMsg.Status).toBe(404);
  });

  test('refuses a bucket name that breaks the rules, and one in another region', async () => {
    expect((await client.createBucket({ Bucket: 'my..bucket' })).CommonMsg).toMatchObject({
      Status: 400,
      Code: 'InvalidBucketName',
    });
    expect(
      (await client.createBucket({ Bucket: 'elsewhere', Location: 'eu-west-101' })).CommonMsg,
    ).toMatchObject({
      Status: 400,
      Code: 'InvalidLocationConstraint',
    });
  });

  test('stores an object with its type, metadata and content headers and returns them', async () => {
    const bytes = randomBytes(100_000);
    const stored = await put('clips/a.mp4', bytes, {
      Metadata: { origin: 'camera-1' },
      CacheControl: 'max-age=60',
      ContentDisposition: 'attachment',
    });
    expect(stored.CommonMsg.Status).toBe(200);
    expect(stored.InterfaceResult.ETag).toBe(`"${md5(bytes)}"`);

    expect(await get('clips/a.mp4')).toEqual(bytes);
    const { InterfaceResult: head } = await client.getObjectMetadata({ Bucket, Key: 'clips/a.mp4' });
    expect(head).toMatchObject({
      ETag: `"${md5(bytes)}"`,
      ContentType: 'video/mp4',
      ContentLength: '100000',
      CacheControl: 'max-age=60',
      ContentDisposition: 'attachment',
      Metadata: { origin: 'camera-1' },
    });
    expect(head.RequestId).toMatch(/^[0-9a-f]{32}$/);
    expect(Math.abs(Date.parse(head.LastModified) - Date.now())).toBeLessThan(60_000);
  });

  test('stores an empty object', async () => {
    expect((await put('empty', '')).CommonMsg.Status).toBe(200);
    expect(await get('empty')).toHaveLength(0);
  });

  test('reports missing buckets and objects by code, even if an answer has no body', async () => {
    const missing = { Status: 404, Code: 'NoSuchKey' };
    expect((await client.getObject({ Bucket, Key: 'x', SaveAsStream: true })).CommonMsg).toMatchObject(
      missing,
    );
    expect((await client.getObjectMetadata({ Bucket, Key: 'x' })).CommonMsg).toMatchObject(missing);
    expect((await client.deleteObject({ Bucket, Key: 'x' })).CommonMsg.Status).toBe(204);
    expect((await client.putObject({ Bucket: 'nowhere', Key: 'x', ...bodyOf('x') })).CommonMsg).toMatchObject(
      {
        Status: 404,
        Code: 'NoSuchBucket',
      },
    );
  });

  test('refuses a body that does not match Content-MD5', async () => {
    expect((await put('a', 'abc', { ContentMD5: md5('abc', 'base64') })).CommonMsg.Status).toBe(200);
    expect((await put('b', 'abc', { ContentMD5: md5('abd', 'base64') })).CommonMsg).toMatchObject({
      Status: 400,
      Code: 'BadDigest',
    });
    expect((await put('b', 'abc', { ContentMD5: 'c2hvcnQ=' })).CommonMsg).toMatchObject({
      Status: 400,
      Code: 'InvalidDigest',
    });
    expect(obs.store.head(Bucket, 'b')).toBeUndefined();
  });

  test('reads ranges', async () => {
    await put('digits', '0123456789');
    expect((await get('digits', { Range: 'bytes=2-4' })).toString()).toBe('234');
    expect((await get('digits', { Range: 'bytes=7-' })).toString()).toBe('789');
    expect((await get('digits', { Range: 'bytes=-3' })).toString()).toBe('789');
    expect((await get('digits', { Range: 'bytes=8-99' })).toString()).toBe('89');
    const refused = await client.getObject({ Bucket, Key: 'digits', Range: 'bytes=10-', SaveAsStream: true });
    expect(refused.CommonMsg).toMatchObject({ Status: 416, Code: 'InvalidRange' });
  });

  test('keeps odd keys apart and intact', async () => {
    const keys = [
      'a b/c+d%25.txt',
      'a//b',
      '中 文/é 🎬.mp4',
      'q\'uo"te&<x>=?#;:@$,~*()!.txt',
      '%41',
      'A',
      '..',
      'a/../b',
      'trailing/',
    ];
    for (const key of keys) {
      expect((await put(key, key)).CommonMsg.Status).toBe(200);
    }
    for (const key of keys) expect((await get(key)).toString()).toBe(key);
    const { Contents } = (await client.listObjects({ Bucket })).InterfaceResult;
    const inByteOrder = [...keys].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    expect(Contents.map(({ Key }) => Key)).toEqual(inByteOrder);
    const encoded = (await client.listObjects({ Bucket, EncodingType: 'url' })).InterfaceResult;
    expect(encoded.Contents.map(({ Key }) => Key)).toEqual(inByteOrder);
    for (const key of keys) await client.deleteObject({ Bucket, Key: key });
    expect(obs.store.list(Bucket).objects).toEqual([]);
  });

  test('reads a full page of 1,000 objects', async () => {
    for (let number = 0; number < 1000; number++)
      await obs.store.put(Bucket, `${number}`, Buffer.from('x'), {});
    const { Contents } = (await client.listObjects({ Bucket })).InterfaceResult;
    expect([Contents.length, Contents[0]?.ETag]).toEqual([1000, `"${md5('x')}"`]);
  });

  test('lists by prefix and delimiter, page by page', async () => {
    for (const key of ['a.txt', 'b/1', 'b/2', 'b/c/3', 'd/4', 'e.txt']) await put(key, key);
    const pages: string[][] = [];
    let Marker: string | undefined;
    do {
      const { InterfaceResult } = await client.listObjects({ Bucket, Delimiter: '/', MaxKeys: 2, Marker });
      pages.push([
        ...InterfaceResult.Contents.map(({ Key }) => Key),
        ...InterfaceResult.CommonPrefixes.map(({ Prefix }) => Prefix),
      ]);
      Marker = InterfaceResult.IsTruncated === 'true' ? InterfaceResult.NextMarker : undefined;
    } while (Marker !== undefined);
    expect(pages).toEqual([
      ['a.txt', 'b/'],
      ['e.txt', 'd/'],
    ]);

    const { InterfaceResult } = await client.listObjects({ Bucket, Prefix: 'b/', Delimiter: '/' });
    expect(InterfaceResult.Contents).toMatchObject([
      { Key: 'b/1', Size: '3', ETag: `"${md5('b/1')}"` },
      { Key: 'b/2', Size: '3' },
    ]);
    expect(InterfaceResult.CommonPrefixes.map(({ Prefix }) => Prefix)).toEqual(['b/c/']);
    expect(InterfaceResult.IsTruncated).toBe('false');
  });

  test('deletes many objects at once', async () => {
    for (const key of ['a', 'b & c', 'd']) await put(key, key);
    const Objects = [{ Key: 'a' }, { Key: 'b & c' }, { Key: 'never there' }];
    const { CommonMsg, InterfaceResult } = await client.deleteObjects({ Bucket, Quiet: false, Objects });
    expect(CommonMsg.Status).toBe(200);
    expect(InterfaceResult.Deleteds.map(({ Key }) => Key)).toEqual(['a', 'b & c', 'never there']);
    expect(obs.store.list(Bucket).objects.map(({ key }) => key)).toEqual(['d']);
    const quiet = await client.deleteObjects({ Bucket, Quiet: true, Objects: [{ Key: 'd' }] });
    expect(quiet.InterfaceResult.Deleteds ?? []).toEqual([]);
    expect(obs.store.list(Bucket).objects).toEqual([]);
  });

  test('copies an object with its own or new metadata, on conditions', async () => {
    const Key = 'a b/中.txt';
    await put(Key, 'content', { Metadata: { from: 'here' }, ContentType: 'text/x-one' });
    const CopySource = `${Bucket}/${Key}`;
    const copied = await client.copyObject({ Bucket, Key: 'copy', CopySource });
    expect(copied.CommonMsg.Status).toBe(200);
    expect(copied.InterfaceResult.ETag).toBe(`"${md5('content')}"`);
    expect(obs.store.head(Bucket, 'copy')).toMatchObject({
      contentType: 'text/x-one',
      metadata: { from: 'here' },
    });

    const replaced = { Metadata: { from: 'there' }, ContentType: 'text/x-two', MetadataDirective: 'REPLACE' };
    await client.copyObject({ Bucket, Key: 'copy', CopySource, ...replaced });
    expect(obs.store.head(Bucket, 'copy')).toMatchObject({
      contentType: 'text/x-two',
      metadata: { from: 'there' },
    });

    const refused = await client.copyObject({ Bucket, Key: 'copy', CopySource, CopySourceIfMatch: '"0"' });
    expect(refused.CommonMsg).toMatchObject({ Status: 412, Code: 'PreconditionFailed' });
    const missing = await client.copyObject({ Bucket, Key: 'copy', CopySource: `${Bucket}/missing` });
    expect(missing.CommonMsg).toMatchObject({ Status: 404, Code: 'NoSuchKey' });
    expect(obs.events.map(({ eventName }) => eventName)).toEqual([
      'ObjectCreated:Put',
      'ObjectCreated:Copy',
      'ObjectCreated:Copy',
    ]);
  });

  describe('uploads in parts:', () => {
    const Key = 'big file.bin';
    const large = randomBytes(100 * 1024);
    const small = randomBytes(10);
    let UploadId: string;

    beforeEach(async () => {
      const begun = await client.initiateMultipartUpload({
        Bucket,
        Key,
        Metadata: { a: 'b' },
        ContentType: 'x/y',
      });
      UploadId = begun.InterfaceResult.UploadId;
    });

    async function uploadPart(
      PartNumber: number,
      bytes: Buffer,
    ): Promise<{ PartNumber: number; ETag: string }> {
      const { CommonMsg, InterfaceResult } = await client.uploadPart({
        Bucket,
        Key,
        UploadId,
        PartNumber,
        ...bodyOf(bytes),
      });
      expect(CommonMsg.Status).toBe(200);
      return { PartNumber, ETag: InterfaceResult.ETag };
    }

    test('joins the parts in order under an ETag with their number', async () => {
      const parts = [
        await uploadPart(2, small),
        await uploadPart(1, small),
        await uploadPart(1, large),
      ].slice(0);
      const listed = (await client.listParts({ Bucket, Key, UploadId })).InterfaceResult;
      expect(listed.Parts.map(({ PartNumber, Size }) => [PartNumber, Size])).toEqual([
        ['1', '102400'],
        ['2', '10'],
      ]);
      const Parts = [parts[2], parts[0]];
      const completed = await client.completeMultipartUpload({ Bucket, Key, UploadId, Parts });
      expect(completed.CommonMsg.Status).toBe(200);
      const digests = Buffer.concat([large, small].map((bytes) => Buffer.from(md5(bytes), 'hex')));
      expect(completed.InterfaceResult).toMatchObject({ Bucket, Key, ETag: `"${md5(digests)}-2"` });
      expect(await get(Key)).toEqual(Buffer.concat([large, small]));
      expect(obs.store.head(Bucket, Key)).toMatchObject({ contentType: 'x/y', metadata: { a: 'b' } });
      expect(obs.events).toMatchObject([
        {
          eventName: 'ObjectCreated:CompleteMultipartUpload',
          key: Key,
          sizeBytes: 102_410,
          etag: `${md5(digests)}-2`,
        },
      ]);
      const again = await client.completeMultipartUpload({ Bucket, Key, UploadId, Parts });
      expect(again.CommonMsg).toMatchObject({ Status: 404, Code: 'NoSuchUpload' });
    });

    test('refuses wrong order, unknown parts, and parts below 100 KB except the last', async () => {
      const one = await uploadPart(1, large.subarray(1));
      const two = await uploadPart(2, large);
      const complete = async (Parts: unknown[]) =>
        (await client.completeMultipartUpload({ Bucket, Key, UploadId, Parts })).CommonMsg;
      expect(await complete([two, one])).toMatchObject({ Status: 400, Code: 'InvalidPartOrder' });
      expect(await complete([{ ...one, ETag: two.ETag }])).toMatchObject({
        Status: 400,
        Code: 'InvalidPart',
      });
      expect(await complete([two, { PartNumber: 3, ETag: one.ETag }])).toMatchObject({ Code: 'InvalidPart' });
      expect(await complete([one, two])).toMatchObject({ Status: 400, Code: 'EntityTooSmall' });
      expect(obs.store.head(Bucket, Key)).toBeUndefined();
      expect(await complete([two])).toMatchObject({ Status: 200 });
    });

    test('lists and aborts unfinished uploads', async () => {
      await uploadPart(1, small);
      const other = await client.initiateMultipartUpload({ Bucket, Key: 'dir/other' });
      const all = (await client.listMultipartUploads({ Bucket })).InterfaceResult;
      expect(all.Uploads).toMatchObject([{ Key, UploadId }, { Key: 'dir/other' }]);
      const page = (await client.listMultipartUploads({ Bucket, MaxUploads: 1 })).InterfaceResult;
      expect(page.Uploads).toHaveLength(1);
      const { NextKeyMarker: KeyMarker } = page;
      const rest = (await client.listMultipartUploads({ Bucket, KeyMarker, Delimiter: '/' })).InterfaceResult;
      expect(rest.CommonPrefixes.map(({ Prefix }) => Prefix)).toEqual(['dir/']);

      expect((await client.deleteBucket({ Bucket })).CommonMsg.Code).toBe('BucketNotEmpty');
      expect((await client.abortMultipartUpload({ Bucket, Key, UploadId })).CommonMsg.Status).toBe(204);
      const gone = await client.uploadPart({ Bucket, Key, UploadId, PartNumber: 1, ...bodyOf(small) });
      expect(gone.CommonMsg).toMatchObject({ Status: 404, Code: 'NoSuchUpload' });
      await client.abortMultipartUpload({
        Bucket,
        Key: 'dir/other',
        UploadId: other.InterfaceResult.UploadId,
      });
      expect((await client.deleteBucket({ Bucket })).CommonMsg.Status).toBe(204);
    });
  });

  test('keeps the CORS rules of a bucket', async () => {
    expect((await client.getBucketCors({ Bucket })).CommonMsg).toMatchObject({
      Status: 404,
      Code: 'NoSuchCORSConfiguration',
    });
    const rule = {
      ID: 'site',
      AllowedMethod: ['GET', 'HEAD'],
      AllowedOrigin: ['https://*.example.com'],
      AllowedHeader: ['*'],
      ExposeHeader: ['etag'],
      MaxAgeSeconds: '100',
    };
    expect((await client.setBucketCors({ Bucket, CorsRules: [rule] })).CommonMsg.Status).toBe(200);
    expect((await client.getBucketCors({ Bucket })).InterfaceResult.CorsRules).toEqual([rule]);
    expect((await client.deleteBucketCors({ Bucket })).CommonMsg.Status).toBe(204);
    expect((await client.getBucketCors({ Bucket })).CommonMsg.Status).toBe(404);
  });

  test('gets a plain error for an operation that is not implemented', async () => {
    expect((await client.getBucketPolicy({ Bucket })).CommonMsg).toMatchObject({
      Status: 501,
      Code: 'NotImplemented',
    });
    expect((await put('a', 'a', { ACL: 'public-read' })).CommonMsg).toMatchObject({
      Status: 501,
      Code: 'NotImplemented',
    });
  });

  test('uses temporary URLs to upload and to download', async () => {
    const Key = 'a b/中+%.txt';
    const upload = client.createSignedUrlSync({
      Method: 'PUT',
      Bucket,
      Key,
      Headers: { 'Content-Type': 'text/x-signed' },
    });
    const target = upload.SignedUrl.replace(/^http:\/\/[^/]+/, '');
    const { Host } = upload.ActualSignedRequestHeaders;
    const send = (contentType: string) =>
      obs.raw('PUT', target, { headers: { host: Host, 'content-type': contentType }, body: 'by url' });
    expect(await send('text/x-other')).toMatchObject({ status: 403 });
    expect(await send('text/x-signed')).toMatchObject({ status: 200 });

    const { SignedUrl, ActualSignedRequestHeaders } = client.createSignedUrlSync({
      Method: 'GET',
      Bucket,
      Key,
      QueryParams: { 'response-content-disposition': 'attachment; filename="中.txt"' },
    });
    const download = await obs.raw('GET', SignedUrl.replace(/^http:\/\/[^/]+/, ''), {
      headers: { host: ActualSignedRequestHeaders.Host },
    });
    expect(download).toMatchObject({
      status: 200,
      body: 'by url',
      headers: { 'content-type': 'text/x-signed' },
    });
    expect(Buffer.from(download.headers['content-disposition'] ?? '', 'latin1').toString()).toBe(
      'attachment; filename="中.txt"',
    );
  });
});
