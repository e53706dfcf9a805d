import fc from 'fast-check';
import {
  canonicalQuery,
  canonicalRequest,
  canonicalUri,
  encode,
  headersToSign,
  obsStringToSign,
  signedHeaderNames,
  signObsUrl,
  signRequest,
  stringToSign,
  type UnsignedRequest,
} from '../../shared/signing';

const { AKSKSigner } = require('@huaweicloud/huaweicloud-sdk-core/auth/AKSKSigner');
const ObsClient = require('esdk-obs-nodejs');

const RUNS = 2_000;
const credentials = {
  accessKey: 'QTWAOYTTINDUT2QVKYUC',
  secretKey: 'MFyfvK41ba2giqM7Uio6PznpdUKGpownRZlmVmHc',
};

describe('SDK-HMAC-SHA256', () => {
  test('a request without a query has an empty line for it', () => {
    const request: UnsignedRequest = { method: 'GET', host: 'h', path: '/p' };
    expect(canonicalRequest(request, { host: 'h' }, 'host').split('\n').slice(0, 4)).toEqual([
      'GET',
      '/p/',
      '',
      'host:h',
    ]);
  });

  // API Gateway developer guide, "AK/SK signing and authentication algorithm": the worked example.
  const published: UnsignedRequest = {
    method: 'GET',
    host: 'service.region.example.com',
    path: '/v1/77b6a44cba5143ab91d13ab9a8ff44fd/vpcs',
    query: [
      ['marker', '13551d6b-755d-4757-b956-536f674975c0'],
      ['limit', '2'],
    ],
    headers: { 'Content-Type': 'application/json' },
  };
  const publishedTimeMs = Date.UTC(2019, 10, 15, 3, 36, 55);

  test('each stage gives what the published example shows', () => {
    const headers = headersToSign(published, credentials, '20191115T033655Z');
    const names = signedHeaderNames(headers);
    expect(names).toBe('content-type;host;x-sdk-date');
    expect(canonicalUri(published.path)).toBe('/v1/77b6a44cba5143ab91d13ab9a8ff44fd/vpcs/');
    expect(canonicalQuery(published.query ?? [])).toBe('limit=2&marker=13551d6b-755d-4757-b956-536f674975c0');
    expect(stringToSign('20191115T033655Z', canonicalRequest(published, headers, names))).toBe(
      'SDK-HMAC-SHA256\n20191115T033655Z\nb25362e603ee30f4f25e7858e8a7160fd36e803bb2dfe206278659d71a9bcd7a',
    );
    expect(signRequest(published, credentials, publishedTimeMs).authorization).toBe(
      'SDK-HMAC-SHA256 Access=QTWAOYTTINDUT2QVKYUC, SignedHeaders=content-type;host;x-sdk-date, ' +
        'Signature=7be6668032f70418fcc22abc52071e57aff61b84a1d2381bb430d6870f4f6ebe',
    );
  });

  const text = fc.string({ unit: 'grapheme', maxLength: 20 });
  // Characters that the vendor's signer encodes a second time in paths are left to the published rule below.
  const pathSegment = fc.stringMatching(/^[A-Za-z0-9._~\-!*()@:,;=+$&]{1,12}$/);

  test('every signature equals that of the vendor’s signer', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('GET', 'POST', 'PUT', 'DELETE') as fc.Arbitrary<UnsignedRequest['method']>,
        fc.array(pathSegment, { minLength: 1, maxLength: 4 }),
        fc.uniqueArray(fc.tuple(text, fc.array(text, { minLength: 1, maxLength: 3 })), {
          selector: ([name]) => name,
          maxLength: 4,
        }),
        fc.option(fc.dictionary(text, fc.oneof(text, fc.integer(), fc.boolean())), { nil: undefined }),
        fc.option(fc.stringMatching(/^[A-Za-z0-9+/=]{1,60}$/), { nil: undefined }),
        fc.date({ min: new Date(0), max: new Date('2099-12-31'), noInvalidDate: true }),
        (method, segments, parameters, data, token, time) => {
          const path = `/${segments.join('/')}`;
          const dateHeader = `${time.toISOString().slice(0, 19).replace(/[-:]/g, '')}Z`;
          const vendorHeaders = AKSKSigner.sign(
            {
              method,
              endpoint: `https://mpc.example.com:8443${path}`,
              headers: {
                'content-type': 'application/json',
                'X-Project-Id': 'p1',
                'X-Sdk-Date': dateHeader,
                ...(token !== undefined && { 'X-Security-Token': token }),
              },
              queryParams: Object.fromEntries(parameters.map(([name, values]) => [name, [...values]])),
              data,
            },
            { getAk: () => 'ak', getSk: () => 'sk' },
          );
          const ours = signRequest(
            {
              method,
              host: 'mpc.example.com:8443',
              path,
              query: parameters.flatMap(([name, values]) => values.map((value) => [name, value] as const)),
              headers: { 'content-type': 'application/json', 'x-project-id': 'p1' },
              ...(data !== undefined && { body: JSON.stringify(data) }),
            },
            { accessKey: 'ak', secretKey: 'sk', ...(token !== undefined && { securityToken: token }) },
            time.getTime(),
          );
          expect(ours.authorization).toBe(vendorHeaders.Authorization);
        },
      ),
      { numRuns: RUNS },
    );
  });

  test('a path is encoded once, whatever it holds', () => {
    expect(canonicalUri("/a b/c'd/{e}")).toBe('/a%20b/c%27d/%7Be%7D/');
  });

  test('a header is signed without the spaces around its value, as it arrives', () => {
    const headers = headersToSign({ ...published, headers: { 'X-Language': ' en-us ' } }, credentials, 'd');
    expect(headers['x-language']).toBe('en-us');
  });

  test('the security token is sent and signed', () => {
    const signed = signRequest(published, { ...credentials, securityToken: 'the-token' }, publishedTimeMs);
    expect(signed['x-security-token']).toBe('the-token');
    expect(signed.authorization).toContain('SignedHeaders=content-type;host;x-sdk-date;x-security-token,');
  });

  test('the caller’s query is left as it was', () => {
    const query = Object.freeze([Object.freeze(['b', '2'] as const), Object.freeze(['a', '1'] as const)]);
    expect(canonicalQuery(query)).toBe('a=1&b=2');
  });

  test('encoding keeps only unreserved characters and survives broken Unicode', () => {
    expect(encode("AZaz09-_.~ !'()*/?&=+%中😀")).toBe(
      'AZaz09-_.~%20%21%27%28%29%2A%2F%3F%26%3D%2B%25%E4%B8%AD%F0%9F%98%80',
    );
    expect(encode('\ud800')).toBe('%EF%BF%BD');
  });
});

const OBS_HEADERS = ['x-obs-forbid-overwrite', 'x-obs-copy-source', 'x-obs-metadata-directive', 'x-obs-acl'];

describe('temporary OBS URLs', () => {
  test('the text to sign is the documented one', () => {
    // OBS API reference, "Authentication of a signature in a URL", the examples of its tables.
    const request = {
      method: 'GET',
      bucket: 'examplebucket',
      key: 'objectkey',
      expiresAtSeconds: 1532779451,
    } as const;
    expect(obsStringToSign(request)).toBe('GET\n\n\n1532779451\n/examplebucket/objectkey');
    expect(obsStringToSign(request, 'YwkaRTbdY8g7q....')).toBe(
      'GET\n\n\n1532779451\n/examplebucket/objectkey?x-obs-security-token=YwkaRTbdY8g7q....',
    );
  });

  test('every URL carries the signature of the vendor’s client', () => {
    const key = fc
      .string({ unit: 'grapheme', minLength: 1, maxLength: 30 })
      .map((text) => text.replace(/^\/+/, '') || 'k');
    fc.assert(
      fc.property(
        fc.constantFrom('GET', 'PUT', 'DELETE') as fc.Arbitrary<'GET' | 'PUT' | 'DELETE'>,
        key,
        fc.option(fc.stringMatching(/^[A-Za-z0-9+/=]{1,60}$/), { nil: undefined }),
        fc.option(fc.constantFrom('application/json', 'video/mp4'), { nil: undefined }),
        fc.option(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 }), { nil: undefined }),
        fc.dictionary(fc.constantFrom(...OBS_HEADERS), fc.stringMatching(/^[\w/.%=-]{1,30}$/)),
        (method, objectKey, token, contentType, prefix, obsHeaders) => {
          const client = new ObsClient({
            access_key_id: 'ak',
            secret_access_key: 'sk',
            security_token: token,
            server: 'https://obs.region.example.com',
            signature: 'obs',
          });
          const vendorUrl = new URL(
            client.createSignedUrlSync({
              Method: method,
              Bucket: 'bucket-1',
              Key: objectKey,
              Expires: 3600,
              Headers: {
                ...obsHeaders,
                ...(contentType !== undefined && { 'Content-Type': contentType }),
              },
              QueryParams: prefix === undefined ? {} : { prefix },
            }).SignedUrl,
          );
          const { origin, path } = signObsUrl(
            {
              method,
              endpoint: 'https://obs.region.example.com',
              bucket: 'bucket-1',
              key: objectKey,
              // The vendor's client takes the time of the clock: its own choice is signed again.
              expiresAtSeconds: Number(vendorUrl.searchParams.get('Expires')),
              ...(contentType !== undefined && { contentType }),
              obsHeaders,
              ...(prefix !== undefined && { parameters: { prefix } }),
            },
            { accessKey: 'ak', secretKey: 'sk', ...(token !== undefined && { securityToken: token }) },
          );
          const ourUrl = new URL(origin + path);
          for (const name of ['AccessKeyId', 'Expires', 'Signature', 'x-obs-security-token', 'prefix']) {
            expect([name, ourUrl.searchParams.get(name)]).toEqual([name, vendorUrl.searchParams.get(name)]);
          }
          expect(ourUrl.pathname).toBe(vendorUrl.pathname);
          expect(ourUrl.host).toBe(vendorUrl.host);
        },
      ),
      { numRuns: RUNS },
    );
  });

  test.each(['obs.region1', '1obs.example.com', 'v2.obs.example.com'])(
    'an endpoint %s with digits in its name is not taken for an IP address',
    (host) => {
      const request = {
        method: 'GET',
        endpoint: `https://${host}`,
        bucket: 'b-1',
        key: 'a',
        expiresAtSeconds: 1,
      } as const;
      expect(signObsUrl(request, credentials).origin).toBe(`https://b-1.${host}`);
    },
  );

  test('an endpoint that is an IPv6 address is addressed by path', () => {
    const request = {
      method: 'GET',
      endpoint: 'http://[::1]:4001',
      bucket: 'b-1',
      key: 'a',
      expiresAtSeconds: 1,
    } as const;
    expect(signObsUrl(request, credentials).origin).toBe('http://[::1]:4001');
  });

  test('an endpoint that is an IP address is addressed by path', () => {
    const url = signObsUrl(
      { method: 'GET', endpoint: 'http://127.0.0.1:4001', bucket: 'b-1', key: 'a b/c', expiresAtSeconds: 1 },
      credentials,
    );
    expect(url.origin).toBe('http://127.0.0.1:4001');
    expect(url.path.startsWith('/b-1/a%20b/c?AccessKeyId=')).toBe(true);
  });
});
