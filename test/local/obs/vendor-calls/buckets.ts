import { bodyOf, REGION } from '../obs-fixture';
import { answers, newBucket, stored, type VendorCall } from './vendor-call';

const cors = {
  ID: 'site',
  AllowedMethod: ['GET', 'PUT'],
  AllowedOrigin: ['https://*.example.com'],
  AllowedHeader: ['*'],
  ExposeHeader: ['etag'],
  MaxAgeSeconds: '100',
};
const preflight = {
  Origin: 'https://www.example.com',
  AccessControlRequestMethods: ['PUT'],
  AccessControlRequestHeaders: ['content-type'],
};
const notification = {
  ID: 'uploads',
  Filter: {
    FilterRules: [
      { Name: 'prefix', Value: 'in/' },
      { Name: 'suffix', Value: '.mp4' },
    ],
  },
  FunctionGraph: `urn:fss:${REGION}:0123456789abcdef0123456789abcdef:function:default:on-upload:latest`,
  Event: ['ObjectCreated:*'],
};

export const BUCKET_CALLS: readonly VendorCall[] = [
  [
    'listBuckets',
    async ({ client, Bucket }) => {
      const { CommonMsg, InterfaceResult } = await client.listBuckets();
      expect(CommonMsg.Status).toBe(200);
      expect(InterfaceResult.Buckets).toContainEqual(
        expect.objectContaining({ BucketName: Bucket, Location: REGION }),
      );
    },
  ],
  answers('createBucket', () => ({ Bucket: 'made-by-the-table', Location: REGION }), 200),
  [
    'createBucket again → 200',
    async (vendor) => {
      const { CommonMsg } = await vendor.client.createBucket({ Bucket: vendor.Bucket });
      expect(CommonMsg.Status).toBe(200);
    },
  ],
  answers('createBucket', () => ({ Bucket: 'my..bucket' }), 400, 'InvalidBucketName'),
  answers(
    'createBucket',
    () => ({ Bucket: 'far-away', Location: 'eu-west-101' }),
    400,
    'InvalidLocationConstraint',
  ),
  answers('headBucket', () => ({}), 200),
  answers('headBucket', () => ({ Bucket: 'missing' }), 404, 'NoSuchBucket'),
  answers('getBucketMetadata', () => ({}), 200),
  [
    'getBucketLocation',
    async ({ client, Bucket }) => {
      const { InterfaceResult } = await client.getBucketLocation({ Bucket });
      expect(InterfaceResult.Location).toBe(REGION);
    },
  ],
  [
    'deleteBucket → 204',
    async (vendor) => {
      const Bucket = await newBucket(vendor);
      expect((await vendor.client.deleteBucket({ Bucket })).CommonMsg.Status).toBe(204);
      expect(vendor.obs.store.hasBucket(Bucket)).toBe(false);
    },
  ],
  [
    'deleteBucket → 409 BucketNotEmpty',
    async (vendor) => {
      await stored(vendor);
      const { CommonMsg } = await vendor.client.deleteBucket({ Bucket: vendor.Bucket });
      expect(CommonMsg).toMatchObject({ Status: 409, Code: 'BucketNotEmpty' });
    },
  ],
  [
    'setBucketCors, getBucketCors, deleteBucketCors',
    async (vendor) => {
      const Bucket = await newBucket(vendor);
      expect((await vendor.call('setBucketCors', { Bucket, CorsRules: [cors] })).CommonMsg.Status).toBe(200);
      expect((await vendor.call('getBucketCors', { Bucket })).InterfaceResult.CorsRules).toEqual([cors]);
      expect((await vendor.call('deleteBucketCors', { Bucket })).CommonMsg.Status).toBe(204);
    },
  ],
  answers('getBucketCors', () => ({}), 404, 'NoSuchCORSConfiguration'),
  [
    'optionsBucket → 200',
    async (vendor) => {
      const Bucket = await newBucket(vendor);
      await vendor.call('setBucketCors', { Bucket, CorsRules: [cors] });
      const { CommonMsg, InterfaceResult } = await vendor.call('optionsBucket', { Bucket, ...preflight });
      expect(CommonMsg.Status).toBe(200);
      expect(InterfaceResult).toMatchObject({
        AllowOrigin: 'https://www.example.com',
        AllowMethod: 'GET, PUT',
      });
    },
  ],
  [
    'optionsObject → 200',
    async (vendor) => {
      const Bucket = await newBucket(vendor);
      await vendor.call('setBucketCors', { Bucket, CorsRules: [cors] });
      const { CommonMsg } = await vendor.call('optionsObject', { Bucket, Key: 'a', ...preflight });
      expect(CommonMsg.Status).toBe(200);
    },
  ],
  answers('optionsObject', () => ({ Key: 'a', ...preflight }), 403, 'AccessForbidden'),
  [
    'setBucketLifecycleConfiguration, getBucketLifecycleConfiguration, deleteBucketLifecycleConfiguration',
    async (vendor) => {
      const Bucket = await newBucket(vendor);
      const Rules = [
        { ID: 'old', Prefix: 'a/', Status: 'Enabled', Expiration: { Days: '30' } },
        { ID: 'cold', Prefix: 'b/', Status: 'Disabled', Expiration: { Days: '1' } },
      ];
      const set = await vendor.call('setBucketLifecycleConfiguration', { Bucket, Rules });
      expect(set.CommonMsg.Status).toBe(200);
      const { InterfaceResult } = await vendor.call('getBucketLifecycleConfiguration', { Bucket });
      expect(InterfaceResult.Rules).toMatchObject(Rules);
      const gone = await vendor.call('deleteBucketLifecycleConfiguration', { Bucket });
      expect(gone.CommonMsg.Status).toBe(204);
      expect(vendor.obs.store.lifecycle(Bucket)).toEqual([]);
    },
  ],
  answers('getBucketLifecycleConfiguration', () => ({}), 404, 'NoSuchLifecycleConfiguration'),
  answers(
    'setBucketLifecycleConfiguration',
    () => ({ Rules: [{ ID: 'a', Prefix: 'a/', Status: 'Enabled', Expiration: { Days: '0' } }] }),
    400,
    'MalformedXML',
  ),
  answers(
    'setBucketLifecycleConfiguration',
    () => ({
      Rules: ['a/', 'b/'].map((Prefix) => ({
        ID: 'twice',
        Prefix,
        Status: 'Enabled',
        Expiration: { Days: '1' },
      })),
    }),
    400,
    'InvalidArgument',
  ),
  [
    'setBucketNotification, getBucketNotification, and none again',
    async (vendor) => {
      const Bucket = await newBucket(vendor);
      const set = (...FunctionGraphConfigurations: object[]) =>
        vendor.call('setBucketNotification', { Bucket, FunctionGraphConfigurations });
      const get = async () => (await vendor.call('getBucketNotification', { Bucket })).InterfaceResult;
      // From an empty document the client reads no list at all.
      expect(await get()).not.toHaveProperty('FunctionGraphConfigurations');
      expect((await set(notification)).CommonMsg.Status).toBe(200);
      // Each dialect has its own spelling of events, and the client hands it through.
      expect(await get()).toMatchObject({
        FunctionGraphConfigurations: [
          { ...notification, Event: [expect.stringMatching(/^(s3:)?ObjectCreated:\*$/)] },
        ],
      });
      expect((await set()).CommonMsg.Status).toBe(200);
      expect(vendor.obs.store.notifications(Bucket)).toEqual([]);
    },
  ],
  answers(
    'setBucketNotification',
    () => ({ FunctionGraphConfigurations: [notification, { ...notification, ID: 'twice' }] }),
    400,
    'InvalidArgument',
  ),
  answers(
    'setBucketNotification',
    () => ({
      TopicConfigurations: [{ ID: 'a', Topic: 'urn:smn:x:y:z', Event: ['ObjectCreated:*'] }],
    }),
    501,
    'NotImplemented',
  ),
  [
    'setBucketStoragePolicy, getBucketStoragePolicy',
    async (vendor) => {
      const Bucket = await newBucket(vendor);
      const classOf = async () => {
        const { InterfaceResult } = await vendor.call('getBucketStoragePolicy', { Bucket });
        return (InterfaceResult as unknown as { StorageClass: string }).StorageClass;
      };
      const before = await classOf();
      await vendor.call('setBucketStoragePolicy', { Bucket, StorageClass: 'COLD' });
      expect([before, await classOf()]).toEqual(['STANDARD', expect.stringMatching(/^(COLD|GLACIER)$/)]);
    },
  ],
  [
    'setBucketVersioningConfiguration, getBucketVersioningConfiguration, listVersions',
    async (vendor) => {
      const Bucket = await newBucket(vendor);
      const call = async (method: string, parameters: object = {}) => {
        const { CommonMsg, InterfaceResult } = await vendor.call(method, { Bucket, ...parameters });
        expect({ method, Status: CommonMsg.Status }).toEqual({ method, Status: 200 });
        return InterfaceResult;
      };
      await call('setBucketVersioningConfiguration', { VersionStatus: 'Enabled' });
      expect(await call('getBucketVersioningConfiguration')).toMatchObject({ VersionStatus: 'Enabled' });
      for (const text of ['one', 'two']) await call('putObject', { Key: 'a', ...bodyOf(text) });
      const { Versions } = (await call('listVersions')) as unknown as { Versions: { IsLatest: string }[] };
      expect(Versions.map(({ IsLatest }) => IsLatest)).toEqual(['true', 'false']);
    },
  ],
];
