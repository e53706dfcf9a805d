import { createHmac } from 'node:crypto';
import type { OutgoingHttpHeaders } from 'node:http';
import fc from 'fast-check';
import type { AccessKey } from '../../../local/iam/credentials';
import { temporaryUrl } from '../../../local/obs/signature';
import { bodyOf, Obs, PERMANENT_KEY, type RawAnswer, STYLES, type Style } from './obs-fixture';

const MINUTE_MS = 60_000;
const DAY_SECONDS = 86_400;

let obs: Obs;
afterEach(() => obs.close());

/** What the server signed, as its refusal tells. */
function stringToSignIn({ body }: RawAnswer): string {
  const text = /<StringToSign>(.*)<\/StringToSign>/s.exec(body)?.[1] ?? '';
  return text.replaceAll('&amp;', '&');
}

// The tables of the OBS API reference, "Authentication of signature in a header", examples of StringToSign.
describe('the string to sign of the OBS dialect is that of the documents for', () => {
  const date = 'Sat, 12 Oct 2015 08:12:38 GMT';
  const own = 'Tue, 15 Oct 2015 07:20:09 GMT';
  const token = 'YwkaRTbdY8g7q....';
  const host = 'bucket.obs.localhost';

  test.each<[name: string, method: string, rawPath: string, headers: OutgoingHttpHeaders, expected: string]>([
    ['obtaining an object', 'GET', '/object.txt', { date }, `GET\n\n\n${date}\n/bucket/object.txt`],
    [
      'uploading with a temporary key',
      'PUT',
      '/object.txt',
      {
        'user-agent': 'curl/7.15.5',
        'x-obs-date': own,
        'x-obs-security-token': token,
        'content-type': 'text/plain',
      },
      `PUT\n\ntext/plain\n\nx-obs-date:${own}\nx-obs-security-token:${token}\n/bucket/object.txt`,
    ],
    [
      'uploading with header fields',
      'PUT',
      '/object.txt',
      { date: 'Mon, 14 Oct 2015 12:08:34 GMT', 'x-obs-acl': 'public-read', 'content-type': 'text/plain' },
      'PUT\n\ntext/plain\nMon, 14 Oct 2015 12:08:34 GMT\nx-obs-acl:public-read\n/bucket/object.txt',
    ],
    ['obtaining an ACL', 'GET', '/object.txt?acl', { date }, `GET\n\n\n${date}\n/bucket/object.txt?acl`],
    [
      'uploading with Content-MD5',
      'PUT',
      '/object.txt',
      { 'x-obs-date': own, 'content-md5': 'I5pU0r4+sgO9Emgl1KMQUg==' },
      `PUT\nI5pU0r4+sgO9Emgl1KMQUg==\n\n\nx-obs-date:${own}\n/bucket/object.txt`,
    ],
    [
      'a date in both headers',
      'GET',
      '/object.txt',
      { date, 'x-obs-date': date },
      `GET\n\n\n\nx-obs-date:${date}\n/bucket/object.txt`,
    ],
    [
      'repeated header fields and needless spaces',
      'GET',
      '/',
      { date, 'x-obs-meta-name': ['  name1', 'name2'] },
      `GET\n\n\n${date}\nx-obs-meta-name:name1,name2\n/bucket/`,
    ],
    [
      'parameters that belong to the resource, sorted and decoded',
      'GET',
      '/object-test?versionId=xxx&response-content-type=text%2Fplain&prefix=no&versionId=second',
      { date },
      `GET\n\n\n${date}\n/bucket/object-test?response-content-type=text/plain&versionId=xxx`,
    ],
  ])('%s', async (_name, method, rawPath, headers, expected) => {
    const sentAt = Date.parse(String(headers.date ?? headers['x-obs-date']));
    const securityToken = 'x-obs-security-token' in headers ? token : undefined;
    const key = { ...PERMANENT_KEY, ...(securityToken !== undefined && { securityToken }) };
    obs = await Obs.start({ clock: () => sentAt, key });
    const authorization = `OBS ${key.accessKey}:bm90IHRoZSBzaWduYXR1cmU=`;
    const answer = await obs.raw(method, rawPath, { headers: { ...headers, host, authorization } });
    expect(answer).toMatchObject({ status: 403, headers: { 'x-obs-error-code': 'SignatureDoesNotMatch' } });
    expect(stringToSignIn(answer)).toBe(expected);
  });

  // "Authentication of signature in a URL", examples of StringToSign.
  test.each([
    ['a temporary URL', undefined, '/examplebucket/objectkey'],
    [
      'a temporary URL with a security token',
      token,
      `/examplebucket/objectkey?x-obs-security-token=${token}`,
    ],
  ])('%s', async (_name, securityToken, resource) => {
    const key = { ...PERMANENT_KEY, ...(securityToken !== undefined && { securityToken }) };
    obs = await Obs.start({ clock: () => 1532779000_000, key });
    const parameters = [
      `AccessKeyId=${key.accessKey}`,
      'Expires=1532779451',
      'Signature=0Akylf43Bm3mD1bh2rM3dmVp1Bo%3D',
      ...(securityToken === undefined ? [] : [`x-obs-security-token=${securityToken}`]),
    ];
    const answer = await obs.raw('GET', `/objectkey?${parameters.join('&')}`, {
      headers: { host: 'examplebucket.obs.localhost' },
    });
    expect(answer.headers['x-obs-error-code']).toBe('SignatureDoesNotMatch');
    expect(stringToSignIn(answer)).toBe(`GET\n\n\n1532779451\n${resource}`);
  });
});

// No document says what becomes of these.
test.each([
  ['the key is signed as it was sent', '/a%7Eb~%c3%A9', '/bucket/a%7Eb~%c3%A9'],
  ['a plus in the key is a plus', '/a+b', '/bucket/a+b'],
  [
    'a plus in the query is a space',
    '/a?response-content-type=a+b%2Bc',
    '/bucket/a?response-content-type=a b+c',
  ],
])('in the string to sign %s', async (_name, rawPath, resource) => {
  obs = await Obs.start();
  const date = new Date().toUTCString();
  const authorization = `OBS ${PERMANENT_KEY.accessKey}:bm90IHRoZSBzaWduYXR1cmU=`;
  const answer = await obs.raw('GET', rawPath, {
    headers: { host: 'bucket.obs.localhost', date, authorization },
  });
  expect(stringToSignIn(answer)).toBe(`GET\n\n\n${date}\n${resource}`);
});

describe('of a request that is signed in its header and in its URL', () => {
  const host = 'bucket.obs.localhost';
  const date = new Date().toUTCString();
  const signature = createHmac('sha1', PERMANENT_KEY.secretKey)
    .update(`GET\n\n\n${date}\n/bucket/a+b`)
    .digest('base64');

  beforeEach(async () => {
    obs = await Obs.start();
    await obs.store.createBucket('bucket');
    await obs.store.put('bucket', 'a+b', Buffer.from('content'));
  });

  test('the header counts when it is right', async () => {
    const authorization = `OBS ${PERMANENT_KEY.accessKey}:${signature}`;
    const url = `/a+b?AccessKeyId=${PERMANENT_KEY.accessKey}&Expires=1&Signature=wrong`;
    expect(await obs.raw('GET', url, { headers: { host, date, authorization } })).toMatchObject({
      status: 200,
      body: 'content',
    });
  });

  test('the header counts when it is wrong', async () => {
    const url = new URL(
      temporaryUrl({
        endpoint: `http://obs.localhost:${obs.port}`,
        bucket: 'bucket',
        key: 'a+b',
        method: 'GET',
        accessKey: PERMANENT_KEY,
        expiresAtSeconds: Math.floor(Date.now() / 1000) + 60,
      }),
    );
    const send = (headers: OutgoingHttpHeaders) =>
      obs.raw('GET', url.pathname + url.search, { headers: { host: url.host, ...headers } });
    expect((await send({})).status).toBe(200);
    const authorization = `OBS ${PERMANENT_KEY.accessKey}:wrong`;
    expect(await send({ date, authorization })).toMatchObject({
      status: 403,
      headers: { 'x-obs-error-code': 'SignatureDoesNotMatch' },
    });
  });
});

// Amazon S3 user guide, "Signing and authenticating REST requests": examples with their signatures.
describe('the published signatures of AWS version 2 are accepted for', () => {
  const key: AccessKey = {
    accessKey: 'AKIAIOSFODNN7EXAMPLE',
    secretKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
    projectId: 'p',
  };

  test.each([
    [
      'an object',
      'GET',
      '/photos/puppy.jpg',
      'johnsmith',
      'Tue, 27 Mar 2007 19:36:42 +0000',
      {},
      'bWq2s1WEIj+Ydj0vQ697zp+IXMU=',
      404,
    ],
    [
      'an upload',
      'PUT',
      '/photos/puppy.jpg',
      'johnsmith',
      'Tue, 27 Mar 2007 21:15:45 +0000',
      { 'content-type': 'image/jpeg' },
      'MyyxeRY7whkBe+bq8fHCL/2kKUg=',
      404,
    ],
    [
      'a list',
      'GET',
      '/?prefix=photos&max-keys=50&marker=puppy',
      'johnsmith',
      'Tue, 27 Mar 2007 19:42:41 +0000',
      {},
      'htDYFYduRNen8P9ZfE/s9SuKy0U=',
      404,
    ],
    [
      'an ACL',
      'GET',
      '/?acl',
      'johnsmith',
      'Tue, 27 Mar 2007 19:44:46 +0000',
      {},
      'c2WLPFtWHVgbEmeEG93a4cG37dM=',
      501,
    ],
    [
      'many headers',
      'PUT',
      '/db-backup.dat.gz',
      'static.johnsmith.net',
      'Tue, 27 Mar 2007 21:06:08 +0000',
      {
        'x-amz-acl': 'public-read',
        'content-type': 'application/x-download',
        'Content-MD5': '4gJE4saaMU4BqNR0kLY+lw==',
        'X-Amz-Meta-ReviewedBy': ['joe@johnsmith.net', 'jane@johnsmith.net'],
        'X-Amz-Meta-FileChecksum': '0x02661779',
        'X-Amz-Meta-ChecksumAlgorithm': 'crc32',
      },
      'ilyl83RwaSoYIEdixDQcA4OnAnc=',
      501,
    ],
    [
      'all buckets',
      'GET',
      '/',
      undefined,
      'Wed, 28 Mar 2007 01:29:59 +0000',
      {},
      'qGdzdERIC03wnaRNKh6OqZehG9s=',
      200,
    ],
    [
      'an encoded key in path style',
      'GET',
      '/dictionary/fran%C3%A7ais/pr%c3%a9f%c3%a8re',
      undefined,
      'Wed, 28 Mar 2007 01:49:49 +0000',
      {},
      'DNEZGsoieTZ92F3bUfSPQcbGmlM=',
      404,
    ],
  ])('%s', async (_name, method, rawPath, bucket, date, headers, signature, status) => {
    obs = await Obs.start({ clock: () => Date.parse(date), key });
    const host = bucket === undefined ? 'obs.localhost' : `${bucket}.obs.localhost`;
    const authorization = `AWS ${key.accessKey}:${signature}`;
    const answer = await obs.raw(method, rawPath, { headers: { ...headers, host, date, authorization } });
    expect({ status: answer.status, id: answer.headers['x-amz-request-id'] }).toEqual({
      status,
      id: answer.headers['x-obs-request-id'],
    });
    const tampered = await obs.raw('DELETE', rawPath, { headers: { ...headers, host, date, authorization } });
    expect(tampered).toMatchObject({ status: 403, headers: { 'x-amz-error-code': 'SignatureDoesNotMatch' } });
  });

  test('a URL', async () => {
    obs = await Obs.start({ clock: () => 1175139000_000, key });
    const url = `/photos/puppy.jpg?AWSAccessKeyId=${key.accessKey}&Expires=1175139620&Signature=NpgCjnDzrM%2BWFzoENXmpNDUsSn8%3D`;
    const headers = { host: 'johnsmith.obs.localhost' };
    expect(await obs.raw('GET', url, { headers })).toMatchObject({
      status: 404,
      headers: { 'x-amz-error-code': 'NoSuchBucket' },
    });
    expect((await obs.raw('GET', url.replace('puppy', 'kitten'), { headers })).status).toBe(403);
  });
});

describe.each(STYLES)('a request of the vendor client in %s is refused', (style) => {
  let serverTimeOffsetMs: number;

  beforeEach(async () => {
    serverTimeOffsetMs = 0;
    obs = await Obs.start({ clock: () => Date.now() + serverTimeOffsetMs });
    await obs.store.createBucket('bucket');
  });

  const headBucket = async (key?: AccessKey) =>
    (await obs.client(style, key).headBucket({ Bucket: 'bucket' })).CommonMsg;

  test('with an access key that was never issued', async () => {
    expect(await headBucket({ ...PERMANENT_KEY, accessKey: 'UNKNOWN' })).toMatchObject({
      Status: 403,
      Code: 'InvalidAccessKeyId',
    });
  });

  test('with another secret key', async () => {
    expect(await headBucket({ ...PERMANENT_KEY, secretKey: 'wrong' })).toMatchObject({
      Status: 403,
      Code: 'SignatureDoesNotMatch',
    });
  });

  test.each([16, -16])(
    'when the clocks differ by %d minutes, but not by one minute less than 15',
    async (minutes) => {
      serverTimeOffsetMs = minutes * MINUTE_MS;
      expect(await headBucket()).toMatchObject({ Status: 403, Code: 'RequestTimeTooSkewed' });
      serverTimeOffsetMs = Math.sign(minutes) * 14 * MINUTE_MS;
      expect(await headBucket()).toMatchObject({ Status: 200 });
    },
  );

  test('with a temporary key without its token, with another token, or after its end', async () => {
    const key = obs.credentials.temporaryKeyOf('agency');
    expect(await headBucket(key)).toMatchObject({ Status: 200 });
    const { securityToken: _, ...withoutToken } = key;
    const refusal = { Status: 403, Code: 'InvalidAccessKeyId' };
    expect(await headBucket(withoutToken)).toMatchObject(refusal);
    expect(await headBucket({ ...key, securityToken: 'another' })).toMatchObject(refusal);
    expect(await headBucket({ ...PERMANENT_KEY, securityToken: 'another' })).toMatchObject(refusal);

    const client = obs.client(style, key);
    const upload = await client.putObject({ Bucket: 'bucket', Key: 'a', ...bodyOf('a') });
    expect(upload.CommonMsg.Status).toBe(200);
    const download = async () => {
      const { SignedUrl, ActualSignedRequestHeaders } = client.createSignedUrlSync({
        Method: 'GET',
        Bucket: 'bucket',
        Key: 'a',
        Expires: 3 * DAY_SECONDS,
      });
      const target = SignedUrl.replace(/^http:\/\/[^/]+/, '');
      return obs.raw('GET', target, { headers: { host: ActualSignedRequestHeaders.Host } });
    };
    expect(await download()).toMatchObject({ status: 200, body: 'a' });
    serverTimeOffsetMs = 25 * 60 * MINUTE_MS;
    expect(await download()).toMatchObject({ status: 403 });
  });

  test.each([
    ['when its URL has expired', 60, 61_000, 'Request has expired'],
    ['when its URL would last longer than 20 years', 20 * 366 * DAY_SECONDS, 0, '20 years'],
  ])('%s', async (_name, Expires, laterMs, message) => {
    await obs.store.put('bucket', 'a', Buffer.from('a'));
    const { SignedUrl, ActualSignedRequestHeaders } = obs
      .client(style)
      .createSignedUrlSync({ Method: 'GET', Bucket: 'bucket', Key: 'a', Expires });
    serverTimeOffsetMs = laterMs;
    const answer = await obs.raw('GET', SignedUrl.replace(/^http:\/\/[^/]+/, ''), {
      headers: { host: ActualSignedRequestHeaders.Host },
    });
    expect(answer.status).toBe(403);
    expect(answer.body).toContain('<Code>AccessDenied</Code>');
    expect(answer.body).toContain(message);
  });
});

describe('a temporary URL of the local cloud', () => {
  const key = fc
    .string({ unit: 'binary', minLength: 1, maxLength: 30 })
    .filter((text) => !/[\0\ud800-\udfff]/u.test(text));

  test.each(STYLES)('has the signature that the vendor client gives in %s', async (style: Style) => {
    obs = await Obs.start();
    const client = obs.client(style);
    const endpoint = `http://${style.startsWith('virtual') ? 'obs.localhost' : '127.0.0.1'}:${obs.port}`;
    fc.assert(
      fc.property(key, fc.constantFrom('GET', 'PUT', 'HEAD'), fc.boolean(), (Key, Method, hasType) => {
        const contentType = hasType ? 'video/mp4' : undefined;
        const theirs = client.createSignedUrlSync({
          Method,
          Bucket: 'bucket',
          Key,
          Headers: hasType ? { 'Content-Type': 'video/mp4' } : {},
        }).SignedUrl;
        const theirUrl = new URL(theirs);
        const ours = temporaryUrl({
          endpoint,
          bucket: 'bucket',
          key: Key,
          method: Method,
          accessKey: PERMANENT_KEY,
          expiresAtSeconds: Number(theirUrl.searchParams.get('Expires')),
          ...(contentType !== undefined && { contentType }),
        });
        expect(ours.split('?')[0]).toBe(theirs.split('?')[0]);
        expect(new URL(ours).searchParams.get('Signature')).toBe(theirUrl.searchParams.get('Signature'));
      }),
      { numRuns: 500 },
    );
  });

  test.each(['127.0.0.1', 'obs.localhost'])('downloads from %s, with a temporary key too', async (name) => {
    obs = await Obs.start();
    await obs.store.createBucket('bucket');
    await obs.store.put('bucket', 'a b/中.txt', Buffer.from('content'));
    for (const accessKey of [PERMANENT_KEY, obs.credentials.temporaryKeyOf('agency')]) {
      const url = temporaryUrl({
        endpoint: `http://${name}:${obs.port}`,
        bucket: 'bucket',
        key: 'a b/中.txt',
        method: 'GET',
        accessKey,
        expiresAtSeconds: Math.floor(Date.now() / 1000) + 60,
      });
      const { host, pathname, search } = new URL(url);
      expect(await obs.raw('GET', pathname + search, { headers: { host } })).toMatchObject({
        status: 200,
        body: 'content',
      });
    }
  });
});

test('a request without a signature is refused, whatever it asks for', async () => {
  obs = await Obs.start();
  await obs.store.createBucket('bucket');
  await obs.store.put('bucket', 'a', Buffer.from('a'));
  for (const [method, target] of [
    ['GET', '/'],
    ['GET', '/bucket'],
    ['GET', '/bucket/a'],
    ['PUT', '/bucket/b'],
    ['GET', '/bucket?policy'],
  ] as const) {
    const answer = await obs.raw(method, target);
    expect(answer).toMatchObject({ status: 403, headers: { 'x-obs-error-code': 'AccessDenied' } });
  }
});
