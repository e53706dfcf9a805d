import { createHash, randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetBucketLocationCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListBucketsCommand,
  ListMultipartUploadsCommand,
  ListObjectsCommand,
  ListObjectsV2Command,
  ListPartsCommand,
  PutObjectCommand,
  S3Client,
  type S3ClientConfig,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import type { AccessKey } from '../../../local/iam/credentials';
import type { ObsBehaviour } from '../../../local/obs/behaviour';
import { bytesOf, Obs, REGION } from './obs-fixture';

const STYLES = ['virtual host', 'path'] as const;
const Bucket = 'videos';
const KEY = "uploads/a b+c/ü%2F(1)!'*.mp4";

let obs: Obs;
const clients: S3Client[] = [];
afterEach(async () => {
  for (const client of clients.splice(0)) client.destroy();
  await obs.close();
});

async function start(behaviour: Partial<ObsBehaviour> = {}): Promise<void> {
  obs = await Obs.start({ behaviour });
  await obs.store.createBucket(Bucket);
}

/** The SDK with what OBS needs: no checksums that nobody asked for. */
function clientOf(
  style: (typeof STYLES)[number],
  config: S3ClientConfig = {},
  key: AccessKey = obs.credentials.permanent,
): S3Client {
  const client = new S3Client({
    region: REGION,
    endpoint: `http://${style === 'path' ? '127.0.0.1' : 'obs.localhost'}:${obs.port}`,
    forcePathStyle: style === 'path',
    credentials: {
      accessKeyId: key.accessKey,
      secretAccessKey: key.secretKey,
      ...(key.securityToken !== undefined && { sessionToken: key.securityToken }),
    },
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: { httpAgent: obs.agent },
    maxAttempts: 1,
    ...config,
  });
  clients.push(client);
  return client;
}

/** DeleteObjects needs Content-MD5, which the SDK no longer computes. */
function addContentMd5(client: S3Client): void {
  client.middlewareStack.add(
    (next) => (args) => {
      const request = args.request as { body?: string; headers: Record<string, string> };
      request.headers['content-md5'] = createHash('md5')
        .update(request.body ?? '')
        .digest('base64');
      return next(args);
    },
    { step: 'build', name: 'content-md5' },
  );
}

const contentOf = async (body: unknown) => bytesOf(body as AsyncIterable<unknown>);

describe.each(STYLES)('the SDK of AWS, buckets in the %s,', (style) => {
  beforeEach(() => start());

  test('creates, finds, lists and deletes buckets', async () => {
    const s3 = clientOf(style);
    await s3.send(new CreateBucketCommand({ Bucket: 'another' }));
    await s3.send(
      new CreateBucketCommand({
        Bucket: 'third',
        CreateBucketConfiguration: { LocationConstraint: REGION as never },
      }),
    );
    await s3.send(new HeadBucketCommand({ Bucket: 'another' }));
    expect((await s3.send(new GetBucketLocationCommand({ Bucket }))).LocationConstraint).toBe(REGION);
    const { Buckets } = await s3.send(new ListBucketsCommand({}));
    expect(Buckets?.map(({ Name }) => Name)).toEqual(['another', 'third', Bucket]);
    expect(Buckets?.[0]?.CreationDate).toBeInstanceOf(Date);
    await s3.send(new DeleteBucketCommand({ Bucket: 'another' }));
    await expect(s3.send(new HeadBucketCommand({ Bucket: 'another' }))).rejects.toMatchObject({
      name: 'NotFound',
    });
    await expect(s3.send(new ListObjectsV2Command({ Bucket: 'another' }))).rejects.toMatchObject({
      name: 'NoSuchBucket',
      $metadata: { httpStatusCode: 404, requestId: expect.any(String) },
    });
  });

  test('puts, heads, gets, copies and deletes objects whose keys hold anything', async () => {
    const s3 = clientOf(style);
    const content = randomBytes(70_000);
    const { ETag } = await s3.send(
      new PutObjectCommand({
        Bucket,
        Key: KEY,
        Body: content,
        ContentType: 'video/mp4',
        CacheControl: 'max-age=60',
        Metadata: { owner: 'me' },
        ACL: 'private',
      }),
    );
    const etag = `"${createHash('md5').update(content).digest('hex')}"`;
    expect(ETag).toBe(etag);
    expect(await s3.send(new HeadObjectCommand({ Bucket, Key: KEY }))).toMatchObject({
      ETag: etag,
      ContentLength: 70_000,
      ContentType: 'video/mp4',
      CacheControl: 'max-age=60',
      Metadata: { owner: 'me' },
    });
    const ranged = await s3.send(new GetObjectCommand({ Bucket, Key: KEY, Range: 'bytes=5-9' }));
    expect(await contentOf(ranged.Body)).toEqual(content.subarray(5, 10));
    const copied = await s3.send(
      new CopyObjectCommand({
        Bucket,
        Key: 'copy',
        CopySource: encodeURIComponent(`${Bucket}/${KEY}`),
        MetadataDirective: 'REPLACE',
        Metadata: { owner: 'you' },
      }),
    );
    expect(copied.CopyObjectResult).toMatchObject({ ETag: etag, LastModified: expect.any(Date) });
    const whole = await s3.send(new GetObjectCommand({ Bucket, Key: 'copy' }));
    expect(whole.Metadata).toEqual({ owner: 'you' });
    expect(await contentOf(whole.Body)).toEqual(content);
    await s3.send(new DeleteObjectCommand({ Bucket, Key: KEY }));
    await expect(s3.send(new GetObjectCommand({ Bucket, Key: KEY }))).rejects.toMatchObject({
      name: 'NoSuchKey',
      $metadata: { httpStatusCode: 404 },
    });
    await expect(s3.send(new HeadObjectCommand({ Bucket, Key: KEY }))).rejects.toMatchObject({
      name: 'NotFound',
    });
  });

  test('lists by both versions, page by page, with names that XML cannot hold', async () => {
    const s3 = clientOf(style);
    const keys = ['a/1', 'a/2', 'b/\u0001', 'c & <d>'];
    for (const key of keys) await obs.store.put(Bucket, key, Buffer.from('x'));
    const found: (string | undefined)[] = [];
    let ContinuationToken: string | undefined;
    do {
      const page = await s3.send(
        new ListObjectsV2Command({
          Bucket,
          MaxKeys: 1,
          EncodingType: 'url',
          ...(ContinuationToken && { ContinuationToken }),
        }),
      );
      found.push(...(page.Contents ?? []).map(({ Key }) => decodeURIComponent(Key ?? '')));
      ContinuationToken = page.NextContinuationToken;
    } while (ContinuationToken !== undefined);
    expect(found).toEqual(keys);
    const grouped = await s3.send(new ListObjectsCommand({ Bucket, Delimiter: '/', Prefix: '' }));
    expect(grouped.CommonPrefixes?.map(({ Prefix }) => Prefix)).toEqual(['a/', 'b/']);
    expect(grouped.Contents).toMatchObject([
      { Key: 'c & <d>', Size: 1, ETag: expect.stringMatching(/^"\w{32}"$/) },
    ]);
  });

  test('deletes many objects at once, if it sends Content-MD5', async () => {
    for (const key of ['a', 'b & c', 'd']) await obs.store.put(Bucket, key, Buffer.from('x'));
    const command = () =>
      new DeleteObjectsCommand({ Bucket, Delete: { Objects: [{ Key: 'a' }, { Key: 'b & c' }] } });
    await expect(clientOf(style).send(command())).rejects.toMatchObject({ name: 'MissingRequiredHeader' });
    const s3 = clientOf(style);
    addContentMd5(s3);
    const { Deleted } = await s3.send(command());
    expect(Deleted).toEqual([{ Key: 'a' }, { Key: 'b & c' }]);
    expect(obs.store.list(Bucket).objects.map(({ key }) => key)).toEqual(['d']);
  });

  test('uploads in parts, lists them, completes and aborts', async () => {
    const s3 = clientOf(style);
    const target = { Bucket, Key: KEY };
    const { UploadId } = await s3.send(
      new CreateMultipartUploadCommand({ ...target, ContentType: 'video/mp4', Metadata: { a: 'b' } }),
    );
    const parts = [randomBytes(200_000), randomBytes(50)];
    const Parts: { PartNumber: number; ETag: string | undefined }[] = [];
    for (const [index, Body] of parts.entries()) {
      const PartNumber = index + 1;
      const { ETag } = await s3.send(new UploadPartCommand({ ...target, UploadId, PartNumber, Body }));
      Parts.push({ PartNumber, ETag });
    }
    expect((await s3.send(new ListMultipartUploadsCommand({ Bucket }))).Uploads).toMatchObject([
      { UploadId, Key: KEY },
    ]);
    expect((await s3.send(new ListPartsCommand({ ...target, UploadId }))).Parts).toMatchObject(
      Parts.map((part, index) => ({ ...part, Size: parts[index]?.length })),
    );
    const completed = await s3.send(
      new CompleteMultipartUploadCommand({ ...target, UploadId, MultipartUpload: { Parts } }),
    );
    expect(completed).toMatchObject({ Bucket, Key: KEY, ETag: expect.stringMatching(/^"\w{32}-2"$/) });
    const { Body, ContentType, Metadata } = await s3.send(new GetObjectCommand(target));
    expect([ContentType, Metadata]).toEqual(['video/mp4', { a: 'b' }]);
    expect(await contentOf(Body)).toEqual(Buffer.concat(parts));

    const another = await s3.send(new CreateMultipartUploadCommand(target));
    await s3.send(new AbortMultipartUploadCommand({ ...target, UploadId: another.UploadId }));
    await expect(
      s3.send(new ListPartsCommand({ ...target, UploadId: another.UploadId })),
    ).rejects.toMatchObject({
      name: 'NoSuchUpload',
    });
  });

  test('hands out URLs that put and get until they expire, and no other object', async () => {
    const s3 = clientOf(style);
    const get = (url: string) => {
      const { pathname, search, host } = new URL(url);
      return { path: pathname + search, headers: { host } };
    };
    const put = get(
      await getSignedUrl(s3, new PutObjectCommand({ Bucket, Key: KEY, ContentType: 'video/mp4' }), {
        expiresIn: 900,
      }),
    );
    const headers = { ...put.headers, 'content-type': 'video/mp4' };
    expect((await obs.raw('PUT', put.path, { headers, body: 'content' })).status).toBe(200);
    const url = get(await getSignedUrl(s3, new GetObjectCommand({ Bucket, Key: KEY }), { expiresIn: 900 }));
    expect(await obs.raw('GET', url.path, { headers: url.headers })).toMatchObject({
      status: 200,
      body: 'content',
      headers: { 'content-type': 'video/mp4' },
    });
    const other = await obs.raw('GET', url.path.replace('.mp4', '.mp3'), { headers: url.headers });
    expect([other.status, other.headers['x-amz-error-code']]).toEqual([403, 'SignatureDoesNotMatch']);
    expect((await obs.raw('DELETE', url.path, { headers: url.headers })).status).toBe(403);
  });

  test('works with a temporary key, in headers and in a URL', async () => {
    const key = obs.credentials.temporaryKeyOf('agency');
    const s3 = clientOf(style, {}, key);
    await s3.send(new PutObjectCommand({ Bucket, Key: 'a', Body: 'content' }));
    const { pathname, search, host } = new URL(
      await getSignedUrl(s3, new GetObjectCommand({ Bucket, Key: 'a' }), { expiresIn: 900 }),
    );
    expect(await obs.raw('GET', pathname + search, { headers: { host } })).toMatchObject({ body: 'content' });
  });

  test('uploads a stream of unknown length with lib-storage', async () => {
    const s3 = clientOf(style);
    const content = randomBytes(6 * 1024 * 1024);
    const Body = Readable.from([content.subarray(0, 1_000_000), content.subarray(1_000_000)]);
    await new Upload({ client: s3, params: { Bucket, Key: 'stream', Body } }).done();
    const { Body: stored } = await s3.send(new GetObjectCommand({ Bucket, Key: 'stream' }));
    expect(
      createHash('md5')
        .update(await contentOf(stored))
        .digest('hex'),
    ).toBe(createHash('md5').update(content).digest('hex'));
  });
});

test('with its own defaults the SDK of AWS puts a stream as users of OBS see it: XAmzContentSHA256Mismatch', async () => {
  await start();
  const s3 = clientOf('virtual host', { requestChecksumCalculation: 'WHEN_SUPPORTED' });
  const Body = Readable.from([Buffer.from('content')]);
  await expect(
    s3.send(new PutObjectCommand({ Bucket, Key: 'a', Body, ContentLength: 7 })),
  ).rejects.toMatchObject({ name: 'XAmzContentSHA256Mismatch', $metadata: { httpStatusCode: 400 } });
  expect(obs.store.head(Bucket, 'a')).toBeUndefined();
});

test.each(['CRC32', 'CRC32C', 'CRC64NVME', 'SHA1', 'SHA256'] as const)(
  'where checksums are verified, the SDK of AWS puts bytes and streams with %s, and what is stored is the content',
  async (ChecksumAlgorithm) => {
    await start({ s3Checksums: 'verified' });
    const s3 = clientOf('virtual host', { requestChecksumCalculation: 'WHEN_SUPPORTED' });
    const content = randomBytes(200_000);
    await s3.send(new PutObjectCommand({ Bucket, Key: 'bytes', Body: content, ChecksumAlgorithm }));
    await s3.send(
      new PutObjectCommand({
        Bucket,
        Key: 'stream',
        Body: Readable.from([content.subarray(0, 70_001), content.subarray(70_001)]),
        ContentLength: content.length,
        ChecksumAlgorithm,
      }),
    );
    const etag = createHash('md5').update(content).digest('hex');
    for (const key of ['bytes', 'stream']) {
      expect(obs.store.head(Bucket, key)).toMatchObject({ etag, sizeBytes: 200_000, contentHeaders: {} });
    }
  },
);

test('a client with another clock or region gets an error that says which', async () => {
  await start();
  const late = clientOf('virtual host', { systemClockOffset: -20 * 60_000 });
  await expect(late.send(new HeadBucketCommand({ Bucket }))).rejects.toMatchObject({
    $metadata: { httpStatusCode: 403 },
  });
  const elsewhere = clientOf('virtual host', { region: 'eu-west-1' });
  await expect(elsewhere.send(new ListObjectsV2Command({ Bucket }))).rejects.toMatchObject({
    name: 'AuthorizationHeaderMalformed',
    message: expect.stringContaining(`expecting '${REGION}'`),
  });
});
