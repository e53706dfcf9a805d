import { DEFAULT_BEHAVIOUR, type ObsBehaviour } from '../../../local/obs/behaviour';
import { md5 } from '../../md5';
import { Obs } from './obs-fixture';

const bucket = 'videos';
let obs: Obs;

async function start(behaviour: Partial<ObsBehaviour>): Promise<void> {
  obs = await Obs.start({ behaviour });
  await obs.store.createBucket(bucket);
}
afterEach(() => obs.close());

const CONDITIONS = [
  [{ 'if-none-match': '*' }, 412, 'PreconditionFailed'],
  [{ 'x-obs-forbid-overwrite': 'true' }, 409, 'ObjectAlreadyExists'],
] as [Record<string, string>, number, string][];

test('the defaults are the readings that promise a client least', async () => {
  await start({});
  expect(DEFAULT_BEHAVIOUR).toEqual({
    encodeEventKeys: true,
    notificationShape: 'obs',
    pathStyle: 'accepted',
    conditionalWrites: 'ignored',
    apiVersion: '3.0',
    signatureRegion: 'checked',
    s3Checksums: 'unknown',
  });
});

describe.each(CONDITIONS)('a write with %j', (headers, status, code) => {
  const put = (body: string) => obs.signed('PUT', { bucket, key: 'lock' }, { headers, body });

  test('replaces an object by default', async () => {
    await start({});
    expect([(await put('first')).status, (await put('second')).status]).toEqual([200, 200]);
    expect(obs.store.head(bucket, 'lock')?.etag).toBe(md5('second'));
  });

  test('is refused when conditional writes are honoured and there is an object', async () => {
    await start({ conditionalWrites: 'honoured' });
    expect((await put('first')).status).toBe(200);
    expect(await put('second')).toMatchObject({ status, headers: { 'x-obs-error-code': code } });
    expect(obs.store.head(bucket, 'lock')?.etag).toBe(md5('first'));
    expect(obs.events).toHaveLength(1);
    const overwritten = await obs.signed('PUT', { bucket, key: 'lock' }, { body: 'third' });
    expect(overwritten.status).toBe(200);
  });

  test('succeeds for one of many at the same moment when honoured', async () => {
    await start({ conditionalWrites: 'honoured' });
    const answers = await Promise.all(Array.from({ length: 50 }, (_, writer) => put(`writer ${writer}`)));
    expect(answers.filter((answer) => answer.status === 200)).toHaveLength(1);
    expect(answers.filter((answer) => answer.status === status)).toHaveLength(49);
  });

  test('by copy and by multipart upload is refused as well when honoured', async () => {
    await start({ conditionalWrites: 'honoured' });
    const existing = await obs.store.put(bucket, 'lock', Buffer.from('first'));
    const copyHeaders = { ...headers, 'x-obs-copy-source': '/videos/lock' };
    const copy = await obs.signed('PUT', { bucket, key: 'lock' }, { headers: copyHeaders });
    expect(copy).toMatchObject({ status, headers: { 'x-obs-error-code': code } });

    const upload = await obs.store.startUpload(bucket, 'lock', {});
    const { etag } = await obs.store.putPart(upload, 1, Buffer.from('part'));
    const body = `<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>${etag}</ETag></Part></CompleteMultipartUpload>`;
    const query = { uploadId: upload.uploadId };
    const completed = await obs.signed('POST', { bucket, key: 'lock', query }, { headers, body });
    expect(completed).toMatchObject({ status, headers: { 'x-obs-error-code': code } });
    expect(obs.store.head(bucket, 'lock')).toEqual(existing);
    expect(obs.store.uploads(bucket)).toHaveLength(1);
  });
});

test('other conditions for writing have no effect even when honoured', async () => {
  await start({ conditionalWrites: 'honoured' });
  await obs.store.put(bucket, 'a', Buffer.from('a'));
  for (const headers of [{ 'if-none-match': `"${md5('a')}"` }, { 'x-obs-forbid-overwrite': 'false' }]) {
    const answer = await obs.signed('PUT', { bucket, key: 'a' }, { headers: headers as never, body: 'a' });
    expect(answer.status).toBe(200);
  }
});

describe('a bucket in the path', () => {
  const byPath = () => obs.client('path style, AWS dialect');
  const byHost = () => obs.client('virtual host, OBS dialect');

  test('is accepted by default', async () => {
    await start({});
    expect((await byPath().headBucket({ Bucket: bucket })).CommonMsg.Status).toBe(200);
  });

  test('is refused when only host names are accepted, whatever is asked for', async () => {
    await start({ pathStyle: 'refused' });
    const { CommonMsg } = await byPath().listObjects({ Bucket: bucket });
    expect(CommonMsg).toMatchObject({ Status: 403, Code: 'VirtualHostDomainRequired' });
    expect(await obs.raw('HEAD', `/${bucket}?apiversion`)).toMatchObject({ status: 403 });
    expect(await obs.raw('GET', `/${bucket}/key`)).toMatchObject({
      status: 403,
      headers: { 'x-obs-error-code': 'VirtualHostDomainRequired' },
    });
    expect((await byPath().listBuckets()).CommonMsg.Status).toBe(200);
    expect((await byHost().listObjects({ Bucket: bucket })).CommonMsg.Status).toBe(200);
  });
});

test.each([
  ['is 3.0 by default', {}, '3.0'],
  ['may be left out', { apiVersion: 'unannounced' }, undefined],
] as const)('the version of the API %s', async (_name, behaviour, expected) => {
  await start(behaviour);
  const { status, headers } = await obs.raw('HEAD', '/?apiversion', {
    headers: { host: `${bucket}.obs.localhost` },
  });
  expect([status, headers['x-obs-api']]).toEqual([200, expected]);
});
