import { createHash } from 'node:crypto';
import { DEFAULT_BEHAVIOUR, type ObsBehaviour } from '../../../local/obs/behaviour';
import { type AwsSigning, awsHeaders } from './aws-signer';
import { Obs, PERMANENT_KEY, REGION } from './obs-fixture';

const MINUTE_MS = 60_000;
const NOW_MS = Date.UTC(2026, 10, 23, 12);
const HOST = 'videos.obs.localhost';
const KEY = PERMANENT_KEY;

let obs: Obs;
afterEach(() => obs.close());

async function start(behaviour: Partial<ObsBehaviour> = {}): Promise<void> {
  obs = await Obs.start({ clock: () => NOW_MS, behaviour });
  await obs.store.createBucket('videos');
}

/** Puts an object `a` and tells what came of it. */
async function put(
  signing: Partial<AwsSigning> = {},
  { headers = {}, body = 'content' }: { headers?: Record<string, string>; body?: string } = {},
) {
  const bodyHash = signing.bodyHash ?? createHash('sha256').update(body).digest('hex');
  const signed = awsHeaders('PUT', '/a', HOST, headers, { key: KEY, timeMs: NOW_MS, ...signing, bodyHash });
  return obs.raw('PUT', '/a', { headers: signed, body });
}

const codeOf = ({ body }: { body: string }) => /<Code>(.*?)<\/Code>/.exec(body)?.[1];

test('a correct signature is accepted, and the answer has the form of S3', async () => {
  await start();
  const answer = await put();
  expect(answer).toMatchObject({ status: 200, headers: { 'x-amz-request-id': expect.any(String) } });
  expect(obs.store.head('videos', 'a')?.sizeBytes).toBe(7);
});

test.each<[name: string, signing: Partial<AwsSigning>, status: number, code: string]>([
  ['an unknown access key', { key: { ...KEY, accessKey: 'NOBODY' } }, 403, 'InvalidAccessKeyId'],
  ['another secret key', { key: { ...KEY, secretKey: 'x' } }, 403, 'SignatureDoesNotMatch'],
  ['a clock 16 minutes behind', { timeMs: NOW_MS - 16 * MINUTE_MS }, 403, 'RequestTimeTooSkewed'],
  ['a clock 16 minutes ahead', { timeMs: NOW_MS + 16 * MINUTE_MS }, 403, 'RequestTimeTooSkewed'],
  ['another region', { region: 'us-east-1' }, 400, 'AuthorizationHeaderMalformed'],
  ['no region', { region: '' }, 400, 'MissingRegion'],
  ['another service', { service: 'obs' }, 400, 'AuthorizationHeaderMalformed'],
  ['a signing key that is 8 days old', { day: '20261115' }, 403, 'SignatureDoesNotMatch'],
  ['a signing key of tomorrow', { day: '20261124' }, 403, 'SignatureDoesNotMatch'],
  ['a header of the protocol that is not signed', { unsigned: ['x-amz-date'] }, 403, 'AccessDenied'],
  ['the host not signed', { unsigned: ['host'] }, 403, 'AccessDenied'],
  ['the hash of another body', { bodyHash: 'a'.repeat(64) }, 400, 'XAmzContentSHA256Mismatch'],
  ['something that is not a hash', { bodyHash: 'none' }, 400, 'InvalidArgument'],
  [
    'a security token with a permanent key',
    { key: { ...KEY, securityToken: 'token' } },
    403,
    'InvalidAccessKeyId',
  ],
])('%s is refused, and nothing is stored', async (_, signing, status, code) => {
  await start();
  const answer = await put(signing);
  expect([answer.status, codeOf(answer)]).toEqual([status, code]);
  expect(obs.store.head('videos', 'a')).toBeUndefined();
});

test('a clock 14 minutes away and a signing key of the last 7 days are accepted', async () => {
  await start();
  for (const signing of [
    { timeMs: NOW_MS - 14 * MINUTE_MS },
    { timeMs: NOW_MS + 14 * MINUTE_MS },
    { day: '20261116' },
  ]) {
    expect((await put(signing)).status).toBe(200);
  }
});

test('a wrong region is answered with the right one, and accepted where the switch says so', async () => {
  await start();
  expect((await put({ region: 'eu-west-1' })).body).toContain(`<Region>${REGION}</Region>`);
  await obs.close();
  await start({ signatureRegion: 'any' });
  expect((await put({ region: 'eu-west-1' })).status).toBe(200);
});

test('a temporary key needs its token, signed', async () => {
  await start();
  const key = obs.credentials.temporaryKeyOf('agency');
  expect((await put({ key })).status).toBe(200);
  const { securityToken: _, ...withoutToken } = key;
  expect(codeOf(await put({ key: withoutToken }))).toBe('InvalidAccessKeyId');
  expect(codeOf(await put({ key: { ...key, securityToken: 'another' } }))).toBe('InvalidAccessKeyId');
  expect(codeOf(await put({ key, unsigned: ['x-amz-security-token'] }))).toBe('AccessDenied');
});

test.each([
  ['AWS4-HMAC-SHA256 nonsense', 'AuthorizationHeaderMalformed'],
  ['AWS4-HMAC-SHA256 Credential=a/b, SignedHeaders=host, Signature=00', 'AuthorizationHeaderMalformed'],
])('the header %s is refused with a fitting error', async (authorization, code) => {
  await start();
  const answer = await obs.raw('GET', '/a', { headers: { host: HOST, authorization } });
  expect([answer.status, codeOf(answer)]).toEqual([400, code]);
});

test('a request without the hash of its body is refused', async () => {
  await start();
  const { 'x-amz-content-sha256': _, ...headers } = awsHeaders(
    'GET',
    '/',
    HOST,
    {},
    { key: KEY, timeMs: NOW_MS },
  );
  const signedHeaders = 'SignedHeaders=host;x-amz-date';
  const authorization = String(headers.authorization).replace(/SignedHeaders=[^,]+/, signedHeaders);
  const answer = await obs.raw('GET', '/', { headers: { ...headers, authorization } });
  expect([answer.status, codeOf(answer)]).toEqual([400, 'MissingRequiredHeader']);
});

describe('a body in chunks without signatures', () => {
  const STREAMING = { bodyHash: 'STREAMING-UNSIGNED-PAYLOAD-TRAILER' };
  // CRC-32 of "123456789" is cbf43926.
  const chunked = (crc32: string, length = '9') => ({
    headers: {
      'content-encoding': 'gzip,aws-chunked',
      'x-amz-decoded-content-length': length,
      'x-amz-trailer': 'x-amz-checksum-crc32',
    },
    body: `4\r\n1234\r\n5\r\n56789\r\n0\r\nx-amz-checksum-crc32:${crc32}\r\n\r\n`,
  });

  test('with a trailing checksum is refused by default, as users of OBS report', async () => {
    await start();
    expect(DEFAULT_BEHAVIOUR.s3Checksums).toBe('unknown');
    const answer = await put(STREAMING, chunked('y/Q5Jg=='));
    expect([answer.status, codeOf(answer)]).toEqual([400, 'XAmzContentSHA256Mismatch']);
  });

  test('is stored as its content where the switch says so, without aws-chunked in its encoding', async () => {
    await start({ s3Checksums: 'verified' });
    expect((await put(STREAMING, chunked('y/Q5Jg=='))).status).toBe(200);
    expect(obs.store.head('videos', 'a')).toMatchObject({
      sizeBytes: 9,
      etag: '25f9e794323b453885f5181f1b624d0b',
      contentHeaders: { 'content-encoding': 'gzip' },
    });
  });

  test.each([
    ['another checksum', chunked('AAAAAA=='), 400, 'BadDigest'],
    ['another length', chunked('y/Q5Jg==', '8'), 400, 'IncompleteBody'],
    ['no length', chunked('y/Q5Jg==', ''), 411, 'MissingContentLength'],
    ['no chunks', { ...chunked(''), body: 'content\r\n' }, 400, 'InvalidRequest'],
    ['no end', { ...chunked(''), body: '4\r\n1234\r\n' }, 400, 'IncompleteBody'],
    ['no checksum', { ...chunked(''), body: '9\r\n123456789\r\n0\r\n\r\n' }, 400, 'InvalidRequest'],
    [
      'a trailer that is not a checksum',
      { ...chunked(''), headers: { ...chunked('').headers, 'x-amz-trailer': 'x-amz-meta-a' } },
      400,
      'InvalidRequest',
    ],
  ])('with %s is refused, and nothing is stored', async (_, sent, status, code) => {
    await start({ s3Checksums: 'verified' });
    const answer = await put(STREAMING, sent);
    expect([answer.status, codeOf(answer)]).toEqual([status, code]);
    expect(obs.store.head('videos', 'a')).toBeUndefined();
  });
});

test.each([
  ['crc32', 'y/Q5Jg=='],
  ['crc32c', '4waSgw=='],
  ['crc64nvme', 'rosUhgp5mIg='],
  ['sha1', '98O8HYCOBHMq32eZZczDTKeuNEE='],
  ['sha256', 'FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU='],
])(
  'a checksum in a header is ignored by default, and verified where the switch says so: %s',
  async (name, right) => {
    const send = async (value: string) =>
      codeOf(await put({}, { headers: { [`x-amz-checksum-${name}`]: value }, body: '123456789' }));
    await start();
    expect([await send('AAAAAA=='), await send(right)]).toEqual([undefined, undefined]);
    await obs.close();
    await start({ s3Checksums: 'verified' });
    expect([await send('AAAAAA=='), await send(right)]).toEqual(['BadDigest', undefined]);
  },
);

test('a large body with a wrong hash is answered, and the connection stays usable', async () => {
  await start();
  const body = 'x'.repeat(3_000_000);
  expect(codeOf(await put({ bodyHash: 'b'.repeat(64) }, { body }))).toBe('XAmzContentSHA256Mismatch');
  expect((await put({}, { body })).status).toBe(200);
});

describe('a presigned URL', () => {
  const signedUrl = (query: Record<string, string>): string => {
    // What a URL signs is computed by the SDK in the tests of the clients; here only what comes before that is looked at.
    const parameters = {
      'X-Amz-Algorithm': 'AWS4-HMAC-SHA256',
      'X-Amz-Credential': `${KEY.accessKey}/20261123/${REGION}/s3/aws4_request`,
      'X-Amz-Date': '20261123T115900Z',
      'X-Amz-Expires': '60',
      'X-Amz-SignedHeaders': 'host',
      'X-Amz-Signature': '0'.repeat(64),
      ...query,
    };
    return `/a?${new URLSearchParams(parameters)}`;
  };

  test.each<[name: string, query: Record<string, string>, status: number, code: string, message: RegExp]>([
    ['that has expired', {}, 403, 'AccessDenied', /Request has expired/],
    ['of tomorrow', { 'X-Amz-Date': '20261124T120000Z' }, 403, 'AccessDenied', /not yet valid/],
    [
      'for longer than 7 days',
      { 'X-Amz-Expires': '604801' },
      400,
      'AuthorizationQueryParametersError',
      /604800/,
    ],
    ['for no time', { 'X-Amz-Expires': '0' }, 400, 'AuthorizationQueryParametersError', /604800/],
    ['without a date', { 'X-Amz-Date': '' }, 400, 'AuthorizationQueryParametersError', /X-Amz-Date/],
    [
      'without a credential',
      { 'X-Amz-Credential': '' },
      400,
      'AuthorizationQueryParametersError',
      /requires/,
    ],
    [
      'of another region',
      { 'X-Amz-Credential': `${KEY.accessKey}/20261123/r/s3/aws4_request` },
      400,
      'AuthorizationQueryParametersError',
      /expecting 'cn-north-4'/,
    ],
    ['with another signature', { 'X-Amz-Expires': '900' }, 403, 'SignatureDoesNotMatch', /does not match/],
  ])('%s is refused', async (_, query, status, code, message) => {
    await start();
    const answer = await obs.raw('GET', signedUrl(query), { headers: { host: HOST } });
    expect([answer.status, codeOf(answer)]).toEqual([status, code]);
    expect(answer.body).toMatch(message);
  });
});
