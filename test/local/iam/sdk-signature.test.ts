import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, request as httpRequest, type Server } from 'node:http';
import { AKSKSigner } from '@huaweicloud/huaweicloud-sdk-core/auth/AKSKSigner';
import { closeServer, listen, readBody, sendJson } from '../../../local/http-server';
import { type AccessKey, Credentials } from '../../../local/iam/credentials';
import { verifySdkSignature } from '../../../local/iam/sdk-signature';

const KEY: AccessKey = { accessKey: 'AKTEST', secretKey: 'SKTEST', projectId: 'project' };
const SIGNED_AT_MS = Date.UTC(2026, 10, 23, 12);
const MINUTE_MS = 60_000;

let serverTimeMs: number;
let credentials: Credentials;
let server: Server;
let host: string;
beforeEach(async () => {
  serverTimeMs = SIGNED_AT_MS;
  credentials = new Credentials(KEY, () => serverTimeMs);
  // Answers with the verdict on whatever it receives.
  server = createServer(async (message, response) => {
    const { method = '', url: rawUrl = '', headers } = message;
    const received = { method, rawUrl, headers, body: await readBody(message, 1_000_000) };
    const verdict = verifySdkSignature(received, credentials, () => serverTimeMs);
    sendJson(response, 200, verdict.ok ? { ok: true, accessKey: verdict.key.accessKey } : verdict);
  });
  host = `127.0.0.1:${await listen(server, 0)}`;
});
afterEach(() => closeServer(server));

interface Request {
  method: string;
  /** As it goes over the wire. */
  path: string;
  headers: Record<string, string>;
  body?: string;
}

interface Wanted {
  method?: string;
  /** Decoded. */
  path?: string;
  query?: Record<string, string | string[]>;
  data?: unknown;
  headers?: Record<string, string>;
  key?: AccessKey;
}

/** A request as the vendor's SDK makes it: signed over decoded parts, sent percent-encoded. */
function signed(wanted: Wanted = {}): Request {
  const { method = 'GET', path = '/v1/project/thumbnails', query = {}, data, key = KEY } = wanted;
  const headers = AKSKSigner.sign(
    {
      method,
      endpoint: `http://${host}${path}`,
      headers: {
        'X-Sdk-Date': '20261123T120000Z',
        'content-type': 'application/json',
        ...(key.securityToken !== undefined && { 'X-Security-Token': key.securityToken }),
        ...wanted.headers,
      },
      queryParams: structuredClone(query),
      data,
    } as never,
    { getAk: () => key.accessKey, getSk: () => key.secretKey } as never,
  ) as Record<string, string>;
  const parameters = Object.entries(query).flatMap(([name, values]) =>
    [values].flat().map((value) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`),
  );
  return {
    method,
    path: encodeURI(path) + (parameters.length === 0 ? '' : `?${parameters.join('&')}`),
    headers,
    ...(data !== undefined && { body: JSON.stringify(data) }),
  };
}

async function verdictOn({ method, path, headers, body }: Request) {
  const sent = httpRequest(`http://${host}`, { method, path, headers });
  sent.end(body);
  const [response] = await once(sent, 'response');
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk);
  return JSON.parse(Buffer.concat(chunks).toString()) as {
    ok: boolean;
    accessKey?: string;
    reason?: string;
    canonicalRequest?: string;
  };
}

const reasonFor = async (request: Request) => (await verdictOn(request)).reason;

/** The same request with other headers; an empty text takes a header away. */
function withHeaders(request: Request, changes: Record<string, string>): Request {
  const headers = Object.entries({ ...request.headers, ...changes }).filter(([, value]) => value !== '');
  return { ...request, headers: Object.fromEntries(headers) };
}

describe("a request that the vendor's signer signed is accepted", () => {
  test.each<[string, Wanted]>([
    ['without a body', {}],
    ['with a body', { method: 'POST', data: { user_data: 'Grüße 中 & more' } }],
    ['with a query', { query: { page: '0', size: '10', status: 'WAITING' } }],
    ['with a repeated parameter', { query: { task_id: ['30', '4', '100'] } }],
    ['with an odd query', { query: { 'a b': "x+y=z&ü/~*'()", empty: '' } }],
    ['with a colon in the path', { path: '/v2/project/fgs/functions/urn:fss:r:p:function:default:f:latest' }],
    ['with letters beyond ASCII in the path', { path: '/v1/größe/中' }],
    ['to the root', { path: '/' }],
    ['with further signed headers', { headers: { 'X-Project-Id': 'project', 'X-Custom': 'a, b' } }],
  ])('%s', async (_, wanted) => {
    expect(await verdictOn(signed(wanted))).toEqual({ ok: true, accessKey: 'AKTEST' });
  });

  test('with a temporary key and its token', async () => {
    const key = credentials.temporaryKeyOf('agency');
    expect(await verdictOn(signed({ key }))).toEqual({ ok: true, accessKey: key.accessKey });
  });

  test.each([15, -15])('when the clocks differ by exactly %d minutes', async (minutes) => {
    serverTimeMs += minutes * MINUTE_MS;
    expect(await verdictOn(signed())).toMatchObject({ ok: true });
  });

  test('with headers that are not signed', async () => {
    expect(await verdictOn(withHeaders(signed(), { 'x-added': 'on the way' }))).toMatchObject({ ok: true });
  });
});

describe('X-Sdk-Content-Sha256', () => {
  const upload = (hash: string): Request => ({
    ...signed({ method: 'PUT', headers: { 'X-Sdk-Content-Sha256': hash } }),
    body: 'bytes that are no JSON',
  });

  test('may replace the body when it is its hash', async () => {
    const hash = createHash('sha256').update('bytes that are no JSON').digest('hex');
    expect(await verdictOn(upload(hash))).toMatchObject({ ok: true });
  });

  test('may say that the body is not signed', async () => {
    expect(await verdictOn(upload('UNSIGNED-PAYLOAD'))).toMatchObject({ ok: true });
  });

  test('is refused when it is the hash of something else', async () => {
    const hash = createHash('sha256').update('other bytes').digest('hex');
    expect(await reasonFor(upload(hash))).toBe('x-sdk-content-sha256 is not the hash of the body');
  });

  test('cannot be added to exclude the body from the signature', async () => {
    const request = signed({ method: 'POST', data: { a: 1 } });
    const changed = withHeaders(request, { 'x-sdk-content-sha256': 'UNSIGNED-PAYLOAD' });
    expect(await reasonFor({ ...changed, body: '{"a":2}' })).toMatch(/^verify aksk signature fail/);
  });
});

describe('a request is refused', () => {
  test('without a signature', async () => {
    expect(await reasonFor(withHeaders(signed(), { Authorization: '' }))).toBe('no authorization header');
  });

  test.each([
    'SDK-HMAC-SHA256',
    'SDK-HMAC-SHA256 Access=AKTEST, SignedHeaders=host;x-sdk-date, Signature=abc',
    `AWS4-HMAC-SHA256 Access=AKTEST, SignedHeaders=host;x-sdk-date, Signature=${'0'.repeat(64)}`,
  ])('with the authorization %s', async (Authorization) => {
    expect(await reasonFor(withHeaders(signed(), { Authorization }))).toBe(
      'authorization header is malformed',
    );
  });

  test('with an access key that was never issued', async () => {
    expect(await reasonFor(signed({ key: { ...KEY, accessKey: 'NOBODY' } }))).toBe('ak NOBODY not exist');
  });

  test.each(['', '2026-11-23T12:00:00Z', '20261123120000'])('with the date "%s"', async (date) => {
    expect(await reasonFor(withHeaders(signed(), { 'X-Sdk-Date': date }))).toBe(
      'x-sdk-date is missing or malformed',
    );
  });

  test.each([
    [15, '20261123T121501Z'],
    [-15, '20261123T114459Z'],
  ])('a second after the clocks differ by %d minutes, with both times', async (minutes, serverTime) => {
    serverTimeMs += minutes * MINUTE_MS + Math.sign(minutes) * 1000;
    expect(await reasonFor(signed())).toBe(
      `calc aksk signature fail:signature expired, signature time:20261123T120000Z,server time:${serverTime}`,
    );
  });

  test.each(['host', 'x-sdk-date'])('when %s is not among the signed headers', async (name) => {
    const request = signed();
    const Authorization = request.headers.Authorization!.replace(new RegExp(`${name};|;${name}`), '');
    expect(Authorization).not.toBe(request.headers.Authorization);
    expect(await reasonFor(withHeaders(request, { Authorization }))).toBe(`header ${name} is not signed`);
  });

  test('with a temporary key whose token is missing, another one or not signed', async () => {
    const { securityToken, ...withoutToken } = credentials.temporaryKeyOf('agency');
    const reason = 'security token is missing, not signed or not the one issued with the ak';
    const bare = signed({ key: withoutToken });
    expect(await reasonFor(bare)).toBe(reason);
    expect(await reasonFor(signed({ key: { ...withoutToken, securityToken: 'another' } }))).toBe(reason);
    expect(await reasonFor(withHeaders(bare, { 'X-Security-Token': securityToken! }))).toBe(reason);
  });

  test('with a temporary key that has expired', async () => {
    const key = credentials.temporaryKeyOf('agency');
    serverTimeMs += 24 * 60 * MINUTE_MS;
    const late = signed({ key, headers: { 'X-Sdk-Date': '20261124T120000Z' } });
    expect(await reasonFor(late)).toBe('security token has expired');
  });

  test('with another secret key, and the answer shows what was signed', async () => {
    const verdict = await verdictOn(
      signed({ key: { ...KEY, secretKey: 'another' }, query: { task_id: ['30', '4'] } }),
    );
    const canonicalRequest = [
      'GET',
      '/v1/project/thumbnails/',
      'task_id=30&task_id=4',
      'content-type:application/json',
      `host:${host}`,
      'x-sdk-date:20261123T120000Z',
      '',
      'content-type;host;x-sdk-date',
      'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
    ].join('\n');
    expect(verdict).toEqual({
      ok: false,
      reason: `verify aksk signature fail, canonicalRequest:${canonicalRequest.replaceAll('\n', '|')}`,
      canonicalRequest,
    });
  });

  test.each<[string, (request: Request) => Request]>([
    ['method', (request) => ({ ...request, method: 'PUT' })],
    ['path', (request) => ({ ...request, path: request.path.replace('thumbnails', 'transcodings') })],
    ['query', (request) => ({ ...request, path: `${request.path}?page=1` })],
    ['body', (request) => ({ ...request, body: '{"a":2}' })],
    ['signed header', (request) => withHeaders(request, { 'content-type': 'text/plain' })],
    ['host', (request) => withHeaders(request, { host: 'mpc.cn-north-4.myhuaweicloud.com' })],
  ])('when its %s was changed after it was signed', async (_, change) => {
    const request = signed({ method: 'POST', data: { a: 1 } });
    expect(await verdictOn(request)).toMatchObject({ ok: true });
    expect(await reasonFor(change(request))).toMatch(/^verify aksk signature fail/);
  });
});
