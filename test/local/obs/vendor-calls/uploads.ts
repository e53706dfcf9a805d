import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { md5 } from '../../../md5';
import { bodyOf, randomBytes } from '../obs-fixture';
import { answers, newBucket, stored, type Vendor, type VendorCall } from './vendor-call';

const PART_BYTES = 100 * 1024;

async function begun(
  { client, Bucket }: Vendor,
  Key: string,
): Promise<{ Bucket: string; Key: string; UploadId: string }> {
  const { InterfaceResult } = await client.initiateMultipartUpload({ Bucket, Key, ContentType: 'x/y' });
  return { Bucket, Key, UploadId: InterfaceResult.UploadId };
}

async function sent(vendor: Vendor, upload: object, PartNumber: number, bytes: Buffer) {
  const { InterfaceResult } = await vendor.call('uploadPart', { ...upload, PartNumber, ...bodyOf(bytes) });
  expect(InterfaceResult.ETag).toBe(`"${md5(bytes)}"`);
  return { PartNumber, ETag: InterfaceResult.ETag };
}

/** Path and query of a URL; to a bucket's own host the client writes no path at all. */
const target = (signedUrl: string) => signedUrl.replace(/^http:\/\/[^/?]+\/?/, '/');

async function bySignedUrl(
  { obs, client, Bucket }: Vendor,
  parameters: Parameters<Vendor['client']['createSignedUrlSync']>[0],
  body?: string,
) {
  const { SignedUrl, ActualSignedRequestHeaders } = client.createSignedUrlSync({ Bucket, ...parameters });
  const headers = { ...ActualSignedRequestHeaders };
  return obs.raw(parameters.Method, target(SignedUrl), { headers, ...(body !== undefined && { body }) });
}

export const UPLOAD_CALLS: readonly VendorCall[] = [
  [
    'initiateMultipartUpload, uploadPart, listParts, completeMultipartUpload',
    async (vendor) => {
      const bytes = [randomBytes(PART_BYTES), randomBytes(10)] as const;
      const upload = await begun(vendor, 'parts/a b.bin');
      const Parts = [await sent(vendor, upload, 1, bytes[0]), await sent(vendor, upload, 2, bytes[1])];
      const listed = await vendor.call('listParts', upload);
      expect(listed.InterfaceResult.Parts.map(({ Size }) => Size)).toEqual(['102400', '10']);
      const { CommonMsg } = await vendor.call('completeMultipartUpload', { ...upload, Parts });
      expect(CommonMsg.Status).toBe(200);
      const { filePath, contentType } = vendor.obs.store.head(vendor.Bucket, upload.Key)!;
      expect(contentType).toBe('x/y');
      expect(await readFile(filePath)).toEqual(Buffer.concat(bytes));
    },
  ],
  [
    'uploadPart: a stretch of a file',
    async (vendor) => {
      const SourceFile = path.join(vendor.folder, 'stretch');
      await writeFile(SourceFile, '0123456789');
      const upload = await begun(vendor, 'parts/stretch');
      const range = { PartNumber: 1, SourceFile, Offset: 2, PartSize: 3 };
      const { InterfaceResult } = await vendor.call('uploadPart', { ...upload, ...range });
      expect(InterfaceResult.ETag).toBe(`"${md5('234')}"`);
    },
  ],
  answers(
    'uploadPart',
    () => ({ Key: 'a', UploadId: 'none', PartNumber: 1, ...bodyOf('x') }),
    404,
    'NoSuchUpload',
  ),
  [
    'completeMultipartUpload → 400 EntityTooSmall, InvalidPart, InvalidPartOrder',
    async (vendor) => {
      const upload = await begun(vendor, 'parts/refused');
      const one = await sent(vendor, upload, 1, Buffer.from('small'));
      const two = await sent(vendor, upload, 2, Buffer.from('last'));
      const codeOf = async (Parts: object[]) =>
        (await vendor.call('completeMultipartUpload', { ...upload, Parts })).CommonMsg.Code;
      expect(await codeOf([one, two])).toBe('EntityTooSmall');
      expect(await codeOf([{ ...one, ETag: two.ETag }])).toBe('InvalidPart');
      expect(await codeOf([two, one])).toBe('InvalidPartOrder');
    },
  ],
  [
    'abortMultipartUpload → 204',
    async (vendor) => {
      const upload = await begun(vendor, 'parts/aborted');
      expect((await vendor.call('abortMultipartUpload', upload)).CommonMsg.Status).toBe(204);
      expect((await vendor.call('listParts', upload)).CommonMsg.Code).toBe('NoSuchUpload');
    },
  ],
  [
    'listMultipartUploads',
    async (vendor) => {
      const Bucket = await newBucket(vendor);
      const { UploadId } = await begun({ ...vendor, Bucket }, 'dir/a');
      const { InterfaceResult } = await vendor.call('listMultipartUploads', { Bucket });
      expect(InterfaceResult.Uploads).toMatchObject([{ Key: 'dir/a', UploadId }]);
    },
  ],
  [
    'uploadFile, downloadFile',
    async (vendor) => {
      const bytes = randomBytes(3 * PART_BYTES);
      const UploadFile = path.join(vendor.folder, 'whole');
      await writeFile(UploadFile, bytes);
      const file = { Bucket: vendor.Bucket, Key: 'whole', PartSize: PART_BYTES };
      const uploaded = await vendor.call('uploadFile', { ...file, UploadFile });
      expect(uploaded.CommonMsg.Status).toBe(200);
      expect(vendor.obs.store.head(vendor.Bucket, 'whole')?.etag).toMatch(/-3$/);
      const DownloadFile = path.join(vendor.folder, 'whole.downloaded');
      await vendor.call('downloadFile', { ...file, DownloadFile });
      expect(await readFile(DownloadFile)).toEqual(bytes);
    },
  ],
  [
    'uploadFile: broken off and resumed',
    async (vendor) => {
      const bytes = randomBytes(3 * PART_BYTES);
      const UploadFile = path.join(vendor.folder, 'resumed');
      await writeFile(UploadFile, bytes);
      const before = vendor.obs.log.length;
      const file = {
        Bucket: vendor.Bucket,
        Key: 'resumed',
        UploadFile,
        PartSize: PART_BYTES,
        TaskNum: 1,
        EnableCheckpoint: true,
        // The default checkpoint file lies beside the file.
        CheckpointFile: path.join(vendor.folder, 'resumed.record'),
      };
      let cancel = () => {};
      const broken = vendor.call('uploadFile', {
        ...file,
        ResumeCallback: (resume: { cancel(): void }) => {
          cancel = () => resume.cancel();
        },
        ProgressCallback: (sentBytes: number) => {
          if (sentBytes > PART_BYTES) cancel();
        },
      });
      await expect(broken).rejects.toBeDefined();
      expect(vendor.obs.store.uploads(vendor.Bucket).filter(({ key }) => key === 'resumed')).toHaveLength(1);
      expect((await vendor.call('uploadFile', file)).CommonMsg.Status).toBe(200);
      expect(await readFile(vendor.obs.store.head(vendor.Bucket, 'resumed')!.filePath)).toEqual(bytes);
      const initiated = vendor.obs.log
        .slice(before)
        .filter(({ method, path }) => method === 'POST' && path.endsWith('/resumed'));
      // One to begin, one to complete.
      expect(initiated).toHaveLength(2);
    },
  ],
  [
    'downloadFile: on a condition that does not hold',
    async (vendor) => {
      const Key = await stored(vendor, randomBytes(1000));
      const DownloadFile = path.join(vendor.folder, 'changed');
      const request = { Bucket: vendor.Bucket, Key, DownloadFile, EnableCheckpoint: true };
      await vendor.call('downloadFile', request);
      await expect(vendor.call('downloadFile', { ...request, IfMatch: '"0"' })).rejects.toBeDefined();
    },
  ],
  [
    'createSignedUrlSync: PUT, GET, HEAD and DELETE',
    async (vendor) => {
      const Key = "signed/a b/中+%~'()!*";
      const Headers = { 'Content-Type': 'text/x-signed' };
      expect((await bySignedUrl(vendor, { Method: 'PUT', Key, Headers }, 'by url')).status).toBe(200);
      expect((await bySignedUrl(vendor, { Method: 'GET', Key })).body).toBe('by url');
      expect((await bySignedUrl(vendor, { Method: 'HEAD', Key })).headers['content-length']).toBe('6');
      expect((await bySignedUrl(vendor, { Method: 'DELETE', Key })).status).toBe(204);
    },
  ],
  [
    'createSignedUrlSync: other headers in the answer',
    async (vendor) => {
      const Key = await stored(vendor);
      const QueryParams = { 'response-content-disposition': 'attachment; filename="a b.txt"' };
      const { headers } = await bySignedUrl(vendor, { Method: 'GET', Key, QueryParams });
      expect(headers['content-disposition']).toBe('attachment; filename="a b.txt"');
    },
  ],
  [
    'createSignedUrlSync: a listing',
    async (vendor) => {
      const { status, body } = await bySignedUrl(vendor, { Method: 'GET', QueryParams: { prefix: 'none' } });
      expect(status).toBe(200);
      expect(body).toContain('<ListBucketResult');
    },
  ],
  [
    'createSignedUrlSync: for another method → 403 SignatureDoesNotMatch',
    async (vendor) => {
      const { client, obs, Bucket } = vendor;
      const { SignedUrl, ActualSignedRequestHeaders } = client.createSignedUrlSync({
        Method: 'GET',
        Bucket,
        Key: 'a',
      });
      const headers = { ...ActualSignedRequestHeaders };
      const { status, body } = await obs.raw('DELETE', target(SignedUrl), { headers });
      expect(status).toBe(403);
      expect(body).toContain('<Code>SignatureDoesNotMatch</Code>');
    },
  ],
  [
    'createSignedUrlSync: too late → 403 AccessDenied',
    async (vendor) => {
      const { SignedUrl, ActualSignedRequestHeaders } = vendor.client.createSignedUrlSync({
        Method: 'GET',
        Bucket: vendor.Bucket,
        Key: 'a',
        Expires: 60,
      });
      const { status, body } = await vendor.after(61, () =>
        vendor.obs.raw('GET', target(SignedUrl), { headers: { ...ActualSignedRequestHeaders } }),
      );
      expect(status).toBe(403);
      expect(body).toContain('<Code>AccessDenied</Code>');
    },
  ],
  [
    'headBucket: with a wrong secret → 403 SignatureDoesNotMatch',
    async ({ clientWith, Bucket }) => {
      const { CommonMsg } = await clientWith({ secret_access_key: 'wrong' }).headBucket({ Bucket });
      expect(CommonMsg).toMatchObject({ Status: 403, Code: 'SignatureDoesNotMatch' });
    },
  ],
  [
    'headBucket: with an unknown key → 403 InvalidAccessKeyId',
    async ({ clientWith, Bucket }) => {
      const { CommonMsg } = await clientWith({ access_key_id: 'UNKNOWN' }).headBucket({ Bucket });
      expect(CommonMsg).toMatchObject({ Status: 403, Code: 'InvalidAccessKeyId' });
    },
  ],
  [
    'headBucket: with a foreign token → 403 InvalidAccessKeyId',
    async ({ clientWith, Bucket }) => {
      const { CommonMsg } = await clientWith({ security_token: 'foreign' }).headBucket({ Bucket });
      expect(CommonMsg).toMatchObject({ Status: 403, Code: 'InvalidAccessKeyId' });
    },
  ],
];
