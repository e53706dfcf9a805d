import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { md5 } from '../../../md5';
import { bodyOf, bytesOf, randomBytes } from '../obs-fixture';
import { answers, newBucket, stored, type Vendor, type VendorCall } from './vendor-call';

async function read({ client, Bucket }: Vendor, Key: string, more: object = {}): Promise<string> {
  // Without SaveAsStream the client decodes every body as UTF-8 text.
  const { InterfaceResult } = await client.getObject({ Bucket, Key, SaveAsStream: true, ...more });
  return (await bytesOf(InterfaceResult.Content)).toString('latin1');
}

/** A call that needs an object. */
function onObject(
  method: string,
  parameters: (vendor: Vendor, Key: string) => object,
  Status: number,
  Code = '',
): VendorCall {
  const [name] = answers(method, () => ({}), Status, Code);
  return [
    name,
    async (vendor) => {
      const Key = await stored(vendor);
      const { CommonMsg } = await vendor.call(method, {
        Bucket: vendor.Bucket,
        Key,
        ...parameters(vendor, Key),
      });
      expect(CommonMsg).toMatchObject({ Status, Code });
    },
  ];
}

const named = (what: string, [name, run]: VendorCall): VendorCall => [`${name}: ${what}`, run];

async function filled(vendor: Vendor): Promise<string> {
  const Bucket = await newBucket(vendor);
  for (const key of ['a b', 'dir/1', 'dir/2', '中+%<&>'])
    await vendor.obs.store.put(Bucket, key, Buffer.from('x'));
  return Bucket;
}

export const OBJECT_CALLS: readonly VendorCall[] = [
  [
    'putObject: a stream, with metadata and content headers',
    async (vendor) => {
      const bytes = randomBytes(300_000);
      const Key = await stored(vendor, bytes, {
        ContentType: 'video/mp4',
        Metadata: { origin: 'camera-1' },
        CacheControl: 'no-cache',
      });
      expect(vendor.obs.store.head(vendor.Bucket, Key)).toMatchObject({
        etag: md5(bytes),
        contentType: 'video/mp4',
        metadata: { origin: 'camera-1' },
        contentHeaders: { 'cache-control': 'no-cache' },
      });
    },
  ],
  named(
    'text',
    answers('putObject', () => ({ Key: 'text', Body: 'text 中' }), 200),
  ),
  named(
    'nothing',
    answers('putObject', () => ({ Key: 'empty', ...bodyOf('') }), 200),
  ),
  named(
    'private',
    answers('putObject', () => ({ Key: 'private', ...bodyOf('x'), ACL: 'private' }), 200),
  ),
  answers('putObject', () => ({ Key: 'public', ...bodyOf('x'), ACL: 'public-read' }), 501, 'NotImplemented'),
  [
    'putObject: a file, which the client sends in chunks',
    async (vendor) => {
      const SourceFile = path.join(vendor.folder, 'source');
      await writeFile(SourceFile, 'from a file');
      const { CommonMsg } = await vendor.call('putObject', {
        Bucket: vendor.Bucket,
        Key: 'file',
        SourceFile,
      });
      expect(CommonMsg.Status).toBe(200);
      expect(await read(vendor, 'file')).toBe('from a file');
    },
  ],
  named(
    'its digest',
    answers('putObject', () => ({ Key: 'md5', ...bodyOf('abc'), ContentMD5: md5('abc', 'base64') }), 200),
  ),
  answers(
    'putObject',
    () => ({ Key: 'md5', ...bodyOf('abc'), ContentMD5: md5('x', 'base64') }),
    400,
    'BadDigest',
  ),
  answers('putObject', () => ({ Bucket: 'missing', Key: 'a', ...bodyOf('x') }), 404, 'NoSuchBucket'),
  answers('putObject', () => ({ Key: 'x'.repeat(1025), ...bodyOf('x') }), 400, 'KeyTooLongError'),
  answers(
    'putObject',
    () => ({ Key: 'a', ...bodyOf('x'), Metadata: { a: 'x'.repeat(9000) } }),
    400,
    'MetadataTooLarge',
  ),
  [
    'getObject: as a stream',
    async (vendor) => {
      const bytes = randomBytes(300_000);
      expect(await read(vendor, await stored(vendor, bytes))).toBe(bytes.toString('latin1'));
    },
  ],
  [
    'getObject: as text',
    async (vendor) => {
      const Key = await stored(vendor, 'some text');
      const { InterfaceResult } = await vendor.call('getObject', { Bucket: vendor.Bucket, Key });
      expect(String(InterfaceResult.Content)).toBe('some text');
    },
  ],
  [
    'getObject: into a file',
    async (vendor) => {
      const Key = await stored(vendor, 'to a file');
      const SaveAsFile = path.join(vendor.folder, 'saved');
      await vendor.call('getObject', { Bucket: vendor.Bucket, Key, SaveAsFile });
      expect(await readFile(SaveAsFile, 'utf8')).toBe('to a file');
    },
  ],
  [
    'getObject: a range',
    async (vendor) => {
      const Key = await stored(vendor, '0123456789');
      expect(await read(vendor, Key, { Range: 'bytes=2-4' })).toBe('234');
    },
  ],
  onObject('getObject', () => ({ Range: 'bytes=100-', SaveAsStream: true }), 416, 'InvalidRange'),
  // The client percent-encodes quotation marks in conditions: ETags go without.
  onObject('getObject', () => ({ IfMatch: md5('content'), SaveAsStream: true }), 200),
  onObject('getObject', () => ({ IfMatch: '0', SaveAsStream: true }), 412, 'PreconditionFailed'),
  onObject('getObject', () => ({ IfNoneMatch: md5('content'), SaveAsStream: true }), 304),
  named(
    'unmodified',
    onObject('getObject', () => ({ IfModifiedSince: new Date().toUTCString(), SaveAsStream: true }), 304),
  ),
  named(
    'modified',
    onObject(
      'getObject',
      () => ({ IfUnmodifiedSince: new Date(0).toUTCString(), SaveAsStream: true }),
      412,
      'PreconditionFailed',
    ),
  ),
  [
    'getObject: with other headers',
    async (vendor) => {
      const Key = await stored(vendor);
      const { InterfaceResult } = await vendor.call('getObject', {
        Bucket: vendor.Bucket,
        Key,
        ResponseContentType: 'text/x-other',
        ResponseCacheControl: 'max-age=1',
      });
      expect(InterfaceResult).toMatchObject({ ContentType: 'text/x-other', CacheControl: 'max-age=1' });
    },
  ],
  answers('getObject', () => ({ Key: 'missing' }), 404, 'NoSuchKey'),
  [
    'getObjectMetadata',
    async (vendor) => {
      // The client percent-encodes values and does not decode them.
      const Key = await stored(vendor, 'content', { Metadata: { place: 'a%b 中' } });
      const { InterfaceResult } = await vendor.call('getObjectMetadata', { Bucket: vendor.Bucket, Key });
      expect(InterfaceResult).toMatchObject({
        ETag: `"${md5('content')}"`,
        ContentLength: '7',
        Metadata: { place: 'a%25b %E4%B8%AD' },
      });
    },
  ],
  answers('getObjectMetadata', () => ({ Key: 'missing' }), 404, 'NoSuchKey'),
  onObject('deleteObject', () => ({}), 204),
  named(
    'nothing',
    answers('deleteObject', () => ({ Key: 'missing' }), 204),
  ),
  [
    'deleteObjects',
    async (vendor) => {
      const Bucket = await filled(vendor);
      // The client leaves `<` in keys unescaped, unless it is told to encode them.
      const Objects = ['a b', '中+%&', 'missing'].map((Key) => ({ Key }));
      const { InterfaceResult } = await vendor.call('deleteObjects', { Bucket, Objects });
      expect(InterfaceResult.Deleteds.map(({ Key }) => Key)).toEqual(['a b', '中+%&', 'missing']);
      expect(vendor.obs.store.list(Bucket).objects).toHaveLength(3);
    },
  ],
  [
    'deleteObjects: quietly',
    async (vendor) => {
      const Bucket = await filled(vendor);
      const Objects = [{ Key: 'dir/1' }];
      const { InterfaceResult } = await vendor.call('deleteObjects', { Bucket, Quiet: true, Objects });
      // From an empty document the client reads no list at all.
      expect(InterfaceResult.Deleteds).toBeUndefined();
      expect(vendor.obs.store.head(Bucket, 'dir/1')).toBeUndefined();
    },
  ],
  [
    'copyObject',
    async (vendor) => {
      const from = await stored(vendor, 'content', { Metadata: { a: 'b' } });
      const { Bucket } = vendor;
      const { InterfaceResult } = await vendor.call('copyObject', {
        Bucket,
        Key: 'copy',
        CopySource: `${Bucket}/${from}`,
      });
      expect(InterfaceResult.ETag).toBe(`"${md5('content')}"`);
      expect(vendor.obs.store.head(Bucket, 'copy')?.metadata).toEqual({ a: 'b' });
    },
  ],
  [
    'copyObject: with other metadata',
    async (vendor) => {
      const { Bucket } = vendor;
      const CopySource = `${Bucket}/${await stored(vendor, 'content', { Metadata: { a: 'b' } })}`;
      const replaced = { MetadataDirective: 'REPLACE', Metadata: { c: 'd' }, ContentType: 'x/y' };
      await vendor.call('copyObject', { Bucket, Key: 'replaced', CopySource, ...replaced });
      expect(vendor.obs.store.head(Bucket, 'replaced')).toMatchObject({
        metadata: { c: 'd' },
        contentType: 'x/y',
      });
    },
  ],
  onObject(
    'copyObject',
    ({ Bucket }, key) => ({ Key: 'to', CopySource: `${Bucket}/${key}`, CopySourceIfMatch: '0' }),
    412,
    'PreconditionFailed',
  ),
  answers('copyObject', ({ Bucket }) => ({ Key: 'to', CopySource: `${Bucket}/missing` }), 404, 'NoSuchKey'),
  [
    'listObjects',
    async (vendor) => {
      const Bucket = await filled(vendor);
      const { InterfaceResult } = await vendor.call('listObjects', { Bucket });
      expect(InterfaceResult.Contents.map(({ Key }) => Key)).toEqual(['a b', 'dir/1', 'dir/2', '中+%<&>']);
    },
  ],
  [
    'listObjects: by prefix and delimiter',
    async (vendor) => {
      const Bucket = await filled(vendor);
      const { InterfaceResult } = await vendor.call('listObjects', { Bucket, Prefix: 'd', Delimiter: '/' });
      expect(InterfaceResult.CommonPrefixes.map(({ Prefix }) => Prefix)).toEqual(['dir/']);
    },
  ],
  [
    'listObjects: page by page',
    async (vendor) => {
      const Bucket = await filled(vendor);
      const keys: string[] = [];
      for (let Marker: string | undefined = ''; Marker !== undefined; ) {
        const { InterfaceResult } = await vendor.call('listObjects', { Bucket, MaxKeys: 2, Marker });
        keys.push(...InterfaceResult.Contents.map(({ Key }) => Key));
        Marker = InterfaceResult.IsTruncated === 'true' ? keys.at(-1) : undefined;
      }
      expect(keys).toEqual(['a b', 'dir/1', 'dir/2', '中+%<&>']);
    },
  ],
  answers('listObjects', () => ({ Bucket: 'missing' }), 404, 'NoSuchBucket'),
];
