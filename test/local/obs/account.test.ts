import { isAllowed } from '../../../local/iam/rights';
import { Obs, PERMANENT_KEY, STYLES } from './obs-fixture';

let obs: Obs | undefined;
afterEach(() => obs?.close());

test('a key may do what it was not denied, and each right is checked with the name of its bucket or object', async () => {
  const asked: string[] = [];
  obs = await Obs.start({
    key: { ...PERMANENT_KEY, denied: ['obs:bucket:Create*', 'obs:object:PutObject'] },
    isAllowed: (key, action, resource) => {
      asked.push(`${action} ${resource}`);
      return isAllowed(key, action);
    },
  });
  await obs.store.createBucket('there');
  const client = obs.client(STYLES[0]);
  const status = async (call: Promise<{ CommonMsg: { Status: number; Code?: string } }>) => {
    const { Status, Code } = (await call).CommonMsg;
    return `${Status} ${Code ?? ''}`.trim();
  };
  expect(await status(client.createBucket({ Bucket: 'new' }))).toBe('403 AccessDenied');
  expect(await status(client.listObjects({ Bucket: 'there' }))).toBe('200');
  expect(await status(client.getObject({ Bucket: 'there', Key: 'a/b.mp4' }))).toBe('404 NoSuchKey');
  expect(await status(client.initiateMultipartUpload({ Bucket: 'there', Key: 'c' }))).toBe(
    '403 AccessDenied',
  );
  expect(asked).toEqual([
    'obs:bucket:CreateBucket bucket:new',
    'obs:bucket:ListBucket bucket:there',
    'obs:object:GetObject object:there/a/b.mp4',
    'obs:object:PutObject object:there/c',
  ]);
  expect(obs.store.hasBucket('new')).toBe(false);
});

test('a bucket of another account is not shown, and its name cannot be used', async () => {
  obs = await Obs.start({ bucketsOfOthers: ['theirs'] });
  const client = obs.client(STYLES[0]);
  expect((await client.createBucket({ Bucket: 'theirs' })).CommonMsg).toMatchObject({
    Status: 409,
    Code: 'BucketAlreadyExists',
  });
  expect((await client.listObjects({ Bucket: 'theirs' })).CommonMsg).toMatchObject({
    Status: 403,
    Code: 'AccessDenied',
  });
});

test('an account has 100 buckets at most', async () => {
  obs = await Obs.start();
  for (let number = 0; number < 100; number += 1) await obs.store.createBucket(`bucket-${number}`);
  const client = obs.client(STYLES[0]);
  expect((await client.createBucket({ Bucket: 'one-more' })).CommonMsg).toMatchObject({
    Status: 400,
    Code: 'TooManyBuckets',
  });
  expect((await client.createBucket({ Bucket: 'bucket-1' })).CommonMsg.Status).toBe(200);
});
