import { createHash, createHmac } from 'node:crypto';
import { AKSKSigner } from '@huaweicloud/huaweicloud-sdk-core/auth/AKSKSigner';
import type { ReceivedRequest } from '../../../local/iam/canonical-request';
import { diagnoseSignature } from '../../../local/iam/signature-doctor';

const SECRET_KEY = 'secret-key';
const NOW_MS = Date.UTC(2026, 10, 23, 12);
const DATE = '20261123T120000Z';
const MINUTE = 60_000;
const EMPTY_SHA256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
/** SHA-256 of `{}`, as in a refusal that was published. */
const BRACES_SHA256 = '44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a';

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

interface Signed {
  method?: string;
  rawUrl?: string;
  headers?: Record<string, string>;
  body?: string;
  /** Lines of the canonical request: method, path, query, headers…, hash. Those of a right one where unset. */
  line?: { method?: string; path?: string; query?: string; headers?: string[]; hash?: string };
  signedHeaders?: string;
  accessKey?: string;
  secretKey?: string;
}

/**
 * A request, and the canonical request that its client signed, made by the
 * documented rules and no code of the project.
 */
function signed(what: Signed): { request: ReceivedRequest; canonicalRequest: string } {
  const { method = 'GET', rawUrl = '/v1/p/thumbnails', body = '', line = {} } = what;
  const headers: Record<string, string> = { host: 'mpc.example.com', 'x-sdk-date': DATE, ...what.headers };
  const signedHeaders = what.signedHeaders ?? Object.keys(headers).sort().join(';');
  const canonicalRequest = [
    line.method ?? method,
    line.path ?? '/v1/p/thumbnails/',
    line.query ?? '',
    ...(line.headers ?? signedHeaders.split(';').map((name) => `${name}:${headers[name]?.trim()}`)),
    '',
    signedHeaders,
    line.hash ?? sha256(body),
  ].join('\n');
  const stringToSign = ['SDK-HMAC-SHA256', headers['x-sdk-date'], sha256(canonicalRequest)].join('\n');
  const signature = createHmac('sha256', what.secretKey ?? SECRET_KEY)
    .update(stringToSign)
    .digest('hex');
  const authorization = `SDK-HMAC-SHA256 Access=${what.accessKey ?? 'AK'}, SignedHeaders=${signedHeaders}, Signature=${signature}`;
  return {
    request: { method, rawUrl, headers: { ...headers, authorization }, body: Buffer.from(body) },
    canonicalRequest,
  };
}

const diagnose = (input: Parameters<typeof diagnoseSignature>[0], nowMs = NOW_MS) =>
  diagnoseSignature(input, { secretKey: SECRET_KEY, nowMs });

describe('a correct signature', () => {
  test.each<[string, Signed]>([
    ['without a query', {}],
    ['with a query', { rawUrl: '/v1/p/thumbnails?b=x%20y&a=1', line: { query: 'a=1&b=x%20y' } }],
    ['with a body', { method: 'POST', body: '{"a":1}' }],
    [
      'with blanks around a header that the client trimmed',
      { headers: { 'content-type': ' application/json ' } },
    ],
  ])('%s is accepted', (_, what) => {
    expect(diagnose({ request: signed(what).request })).toEqual({
      isRight: true,
      explanation: 'The signature is right.',
    });
  });

  test("of the vendor's signer is accepted", () => {
    const headers = AKSKSigner.sign(
      {
        method: 'POST',
        endpoint: 'https://mpc.example.com/v1/p/thumbnails',
        headers: { 'content-type': 'application/json', 'X-Sdk-Date': DATE },
        queryParams: { task_id: ['30', '4'], status: 'a b' },
        data: { a: 1 },
      } as never,
      { getAk: () => 'AK', getSk: () => SECRET_KEY } as never,
    ) as Record<string, string>;
    const request = {
      method: 'POST',
      rawUrl: '/v1/p/thumbnails?status=a%20b&task_id=4&task_id=30',
      headers: Object.fromEntries(
        Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]),
      ),
      body: Buffer.from('{"a":1}'),
    };
    expect(diagnose({ request })).toMatchObject({ isRight: true });
  });
});

const URL_WITH_QUERY = '/v1/p/thumbnails?b=x%20y&a=1';

/** Name of the cause, the request with what its client signed, and line and explanation that are expected. */
const MISTAKES: [name: string, what: Signed, line: number, explanation: RegExp][] = [
  ['a missing trailing slash', { line: { path: '/v1/p/thumbnails' } }, 2, /trailing slash is missing/],
  [
    'a path that was not encoded',
    { rawUrl: '/v1/p/a%20b', line: { path: '/v1/p/a b/' } },
    2,
    /encoding of the path/,
  ],
  [
    'a path that was encoded twice',
    { rawUrl: '/v1/p/a%20b', line: { path: '/v1/p/a%2520b/' } },
    2,
    /path is encoded twice/,
  ],
  [
    'a query in the order of the URL',
    { rawUrl: URL_WITH_QUERY, line: { query: 'b=x%20y&a=1' } },
    3,
    /order of the query/,
  ],
  [
    'a query with + for a blank',
    { rawUrl: URL_WITH_QUERY, line: { query: 'a=1&b=x+y' } },
    3,
    /encoding of the query/,
  ],
  [
    'a query that was not encoded',
    { rawUrl: URL_WITH_QUERY, line: { query: 'a=1&b=x y' } },
    3,
    /encoding of the query/,
  ],
  ['a query that was not signed', { rawUrl: URL_WITH_QUERY, line: { query: '' } }, 3, /query is not signed/],
  [
    'a host without the port',
    {
      headers: { host: '127.0.0.1:4002' },
      line: { headers: ['host:127.0.0.1', `x-sdk-date:${DATE}`] },
    },
    4,
    /port in the host header/,
  ],
  [
    'a header that was not trimmed',
    {
      headers: { 'content-type': ' application/json' },
      line: {
        headers: ['content-type: application/json', 'host:mpc.example.com', `x-sdk-date:${DATE}`],
      },
    },
    4,
    /content-type is not trimmed/,
  ],
  [
    'a body {} that is not sent',
    { method: 'DELETE', line: { hash: BRACES_SHA256 } },
    8,
    /signed the body \{\} and sent none/,
  ],
  [
    'a body that was not signed',
    { method: 'POST', body: '{"a":1}', line: { hash: EMPTY_SHA256 } },
    8,
    /signed no body/,
  ],
  [
    'other bytes of the same JSON',
    { method: 'POST', body: '{"a": 1}', line: { hash: sha256('{"a":1}') } },
    8,
    /bytes of the body differ/,
  ],
  [
    'a hash in capitals',
    { method: 'POST', body: 'x', line: { hash: sha256('x').toUpperCase() } },
    8,
    /lower-case digits/,
  ],
  ['a method in small letters', { line: { method: 'get' } }, 1, /capitals/],
  [
    'two mistakes at once, of which the first line is reported',
    {
      method: 'POST',
      rawUrl: URL_WITH_QUERY,
      body: '{"a":1}',
      line: { path: '/v1/p/thumbnails', query: 'b=x%20y&a=1' },
    },
    2,
    /trailing slash/,
  ],
];

describe.each(MISTAKES)('%s', (_name, what, line, explanation) => {
  const { request, canonicalRequest } = signed(what);
  const right = signed({ ...what, line: {} }).canonicalRequest;
  const expected = { isRight: false, explanation: expect.stringMatching(explanation) };

  test('is found from the request alone', () => {
    const diagnosis = diagnose({ request });
    expect(diagnosis).toMatchObject({ ...expected, difference: { line } });
    expect(diagnosis.difference!.client).toBe(canonicalRequest.split('\n')[line - 1]);
  });

  test('is found from the request and what its client signed', () => {
    expect(diagnose({ request, canonicalRequest })).toMatchObject({ ...expected, difference: { line } });
  });

  test('is found from the refusal and what the client signed', () => {
    // What a gateway would print: the right lines for path and query come from the case itself.
    const gateway = diagnose({ request, canonicalRequest }).difference!.gateway;
    const lines = right.split('\n');
    lines[line - 1] = gateway;
    const refusal = `Incorrect IAM authentication information: verify aksk signature fail, canonicalRequest:${lines.join('|')}`;
    const pipes = canonicalRequest.replaceAll('\n', '|');
    for (const given of [canonicalRequest, pipes]) {
      const diagnosis = diagnose({ refusal, canonicalRequest: given });
      expect(diagnosis).toMatchObject({ isRight: false, difference: { line, gateway } });
    }
  });
});

describe('causes outside the canonical request', () => {
  test('a clock that is wrong by more than 15 minutes is found', () => {
    const { request } = signed({});
    expect(diagnose({ request }, NOW_MS + 15 * MINUTE)).toMatchObject({ isRight: true });
    expect(diagnose({ request }, NOW_MS + 16 * MINUTE)).toEqual({
      isRight: false,
      explanation: expect.stringContaining('signed 16 min before it arrived'),
    });
    expect(diagnose({ request }, NOW_MS - 20 * MINUTE).explanation).toContain('20 min after it arrived');
  });

  test('a refusal that speaks of the time is explained', () => {
    const refusal =
      'Incorrect app authentication information: signature expired, signature time:20230527T000431Z,server time:20230527T020608Z';
    expect(diagnose({ refusal }).explanation).toContain('signed 122 min before it arrived');
  });

  test.each([
    'Incorrect IAM authentication information: ak AKX not exist',
    'Incorrect IAM authentication information: Get secretKey failed,ak:AKX,err:ak not exist',
    'Incorrect app authentication information: app not found, appkey AKX',
  ])('a refusal that speaks of the key is explained: %s', (refusal) => {
    expect(diagnose({ refusal }).explanation).toContain('does not know the access key AKX');
  });

  test('another secret key is found', () => {
    const { request, canonicalRequest } = signed({ secretKey: 'other' });
    expect(diagnose({ request }).explanation).toContain('secret key is probably not that of AK');
    expect(diagnose({ request, canonicalRequest }).explanation).toContain('agree on the canonical request');
  });

  test.each<[string, Signed, RegExp]>([
    ['the host is not signed', { signedHeaders: 'x-sdk-date' }, /header host is not signed/],
    ['the date is not signed', { signedHeaders: 'host' }, /header x-sdk-date is not signed/],
    [
      'a temporary key comes without its token',
      { accessKey: 'HST3ABC' },
      /HST3ABC is a temporary one: send its security token/,
    ],
    [
      'the security token is not signed',
      { headers: { 'x-security-token': 't' }, signedHeaders: 'host;x-sdk-date' },
      /x-security-token is sent but not signed/,
    ],
    [
      'a header is signed, but not sent',
      { signedHeaders: 'host;x-extra;x-sdk-date' },
      /x-extra is signed but not sent/,
    ],
    [
      'the date is no date',
      { headers: { 'x-sdk-date': 'today' } },
      /X-Sdk-Date must be a UTC time .*"today"/,
    ],
    [
      'the hash that is sent is not that of the body',
      { body: 'x', headers: { 'x-sdk-content-sha256': EMPTY_SHA256 }, line: { hash: EMPTY_SHA256 } },
      /X-Sdk-Content-Sha256: .*signed no body/,
    ],
  ])('%s', (_, what, explanation) => {
    expect(diagnose({ request: signed(what).request })).toMatchObject({
      isRight: false,
      explanation: expect.stringMatching(explanation),
    });
  });

  test.each([
    [undefined, /no Authorization header/],
    ['Bearer x', /must read/],
    ['SDK-HMAC-SHA256 Access=AK, SignedHeaders=host, Signature=abc', /64 lower-case/],
  ])('the Authorization header is %j', (authorization, explanation) => {
    const { request } = signed({});
    const headers = { ...request.headers, authorization };
    expect(diagnose({ request: { ...request, headers } }).explanation).toMatch(explanation);
  });

  test('too little information is reported', () => {
    expect(diagnose({}).explanation).toContain('give the request itself');
    expect(
      diagnose({ refusal: `verify fail, canonicalRequest:GET|/||host:h||host|${EMPTY_SHA256}` }).explanation,
    ).toContain('Give what the client signed');
    expect(diagnose({ canonicalRequest: 'GET' }).explanation).toContain('fewer than six lines');
  });
});

test('a header that a proxy changed is recognised from the refusal', () => {
  const { canonicalRequest } = signed({ headers: { 'x-project-id': 'p' } });
  const refusal = `x, canonicalRequest:${canonicalRequest.replace('x-project-id:p', 'x-project-id:q').replaceAll('\n', '|')}`;
  expect(diagnose({ refusal, canonicalRequest })).toEqual({
    isRight: false,
    explanation: expect.stringContaining('header x-project-id was changed after signing'),
    difference: {
      line: 5,
      client: 'x-project-id:p',
      gateway: 'x-project-id:q',
      explanation: expect.any(String),
    },
  });
});
