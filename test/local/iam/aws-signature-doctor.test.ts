import { createHash } from 'node:crypto';
import { diagnoseSignature } from '../../../local/iam/signature-doctor';
import { type AwsSigning, awsHeaders } from '../obs/aws-signer';
import { Obs, PERMANENT_KEY, REGION } from '../obs/obs-fixture';

const NOW_MS = Date.UTC(2026, 10, 23, 12);
const HOST = 'videos.obs.localhost';
const BODY = Buffer.from('content');
const HASH = createHash('sha256').update(BODY).digest('hex');
const SECRET = { secretKey: PERMANENT_KEY.secretKey, nowMs: NOW_MS };

/** A request that is sent to `sent` and was signed for `signed`. */
function requestOf(
  sent: { path: string; method?: string; host?: string },
  signing: Partial<AwsSigning> = {},
  signed: { path?: string; method?: string; host?: string } = {},
) {
  const method = sent.method ?? 'PUT';
  const headers = awsHeaders(
    signed.method ?? method,
    signed.path ?? sent.path,
    signed.host ?? sent.host ?? HOST,
    {},
    { key: PERMANENT_KEY, timeMs: NOW_MS, bodyHash: HASH, ...signing },
  );
  return {
    method,
    rawUrl: sent.path,
    headers: { ...headers, host: sent.host ?? HOST },
    body: BODY,
  };
}

const diagnose = (request: ReturnType<typeof requestOf>) => diagnoseSignature({ request }, SECRET);

test('a correct signature is reported as correct', () => {
  expect(diagnose(requestOf({ path: '/a%20b?list-type=2' }, {}, { path: '/a%20b?list-type=2' }))).toEqual({
    isRight: true,
    explanation: 'The signature is right.',
  });
});

test.each<[name: string, request: ReturnType<typeof requestOf>, explanation: RegExp]>([
  [
    'the bucket in the signed path',
    requestOf({ path: '/a' }, {}, { path: '/videos/a' }),
    /sign the path exactly as it is sent/,
  ],
  [
    'the bucket missing in the signed path',
    requestOf({ path: '/videos/a', host: '127.0.0.1' }, {}, { path: '/a' }),
    /sign the path exactly as it is sent/,
  ],
  ['a path that is encoded twice', requestOf({ path: '/a%20b' }, {}, { path: '/a%2520b' }), /encoded twice/],
  [
    'the port missing in the host',
    requestOf({ path: '/a', host: `${HOST}:4001` }, {}, { host: HOST }),
    /port in the host/,
  ],
  ['parameters not sorted', requestOf({ path: '/?b=1&a=2' }), /order of the query/],
  [
    'another secret key',
    requestOf({ path: '/a' }, { key: { ...PERMANENT_KEY, secretKey: 'x' } }),
    /secret key is probably not that/,
  ],
  ['an old clock', requestOf({ path: '/a' }, { timeMs: NOW_MS - 3600_000 }), /signed 60 min before/],
  ['another body', { ...requestOf({ path: '/a' }), body: Buffer.from('other') }, /bytes of the body differ/],
  [
    'a header that is not signed',
    requestOf({ path: '/a' }, { unsigned: ['x-amz-date'] }),
    /not signed: x-amz-date/,
  ],
  [
    'a trailing checksum',
    requestOf({ path: '/a' }, { bodyHash: 'STREAMING-UNSIGNED-PAYLOAD-TRAILER' }),
    /WHEN_REQUIRED/,
  ],
])('%s is found', (_, request, explanation) => {
  const diagnosis = diagnose(request);
  expect(diagnosis.isRight).toBe(false);
  expect(diagnosis.explanation).toMatch(explanation);
});

test('a signature that cannot be read is reported with the form that it needs', () => {
  const request = {
    method: 'GET',
    rawUrl: '/',
    headers: { authorization: 'AWS4-HMAC-SHA256 x' },
    body: BODY,
  };
  expect(diagnoseSignature({ request }, SECRET).explanation).toMatch(/Credential=AccessKeyID/);
});

describe('from the answer of OBS alone', () => {
  let obs: Obs;
  beforeEach(async () => {
    obs = await Obs.start({ clock: () => NOW_MS });
    await obs.store.createBucket('videos');
  });
  afterEach(() => obs.close());

  const explain = async (signing: Partial<AwsSigning>, canonicalRequest?: string) => {
    const headers = awsHeaders(
      'PUT',
      '/a',
      HOST,
      {},
      { key: PERMANENT_KEY, timeMs: NOW_MS, bodyHash: HASH, ...signing },
    );
    const { body: refusal } = await obs.raw('PUT', '/a', { headers, body: BODY });
    return diagnoseSignature(
      { refusal, ...(canonicalRequest !== undefined && { canonicalRequest }) },
      { secretKey: '', nowMs: NOW_MS },
    ).explanation;
  };

  test.each<[name: string, signing: Partial<AwsSigning>, explanation: RegExp]>([
    ['another region', { region: 'us-east-1' }, new RegExp(`Set the region of the client to '${REGION}'`)],
    ['another clock', { timeMs: NOW_MS - 3600_000 }, /signed 60 min before/],
    ['an unknown key', { key: { ...PERMANENT_KEY, accessKey: 'AK' } }, /does not know the access key AK/],
    ['another body', { bodyHash: 'a'.repeat(64) }, /bytes of the body differ/],
    ['a trailing checksum', { bodyHash: 'STREAMING-UNSIGNED-PAYLOAD-TRAILER' }, /WHEN_REQUIRED/],
    ['headers that are not signed', { unsigned: ['x-amz-date'] }, /not signed: x-amz-date/],
  ])('%s is explained', async (_, signing, explanation) => {
    expect(await explain(signing)).toMatch(explanation);
  });

  test('the canonical request in it is compared with that of the client', async () => {
    const client = ['PUT', '/b', '', `host:${HOST}`, '', 'host', HASH].join('\n');
    const key = { ...PERMANENT_KEY, secretKey: 'x' };
    expect(await explain({ key }, client)).toMatch(/^The path differs/);
    expect(await explain({ key })).toMatch(/Give what the client signed/);
  });
});
