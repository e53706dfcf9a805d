import { request as httpRequest } from 'node:http';
import { parseOrigins } from '../../../local/apig/page-guard';
import { type Cloud, startCloud } from '../../../local/cloud';
import { UsageError } from '../../../local/usage-error';

const PAGE = 'http://localhost:3000';
const HOSTILE = 'https://evil.example.com';

let cloud: Cloud;
beforeAll(async () => {
  cloud = await startCloud({ port: 0, origins: [PAGE] });
});
afterAll(() => cloud.close());

/** `fetch` sets neither Host nor what browsers say of themselves. */
function ask(
  method: string,
  path: string,
  headers: Record<string, string>,
  at = cloud.addresses.gateway,
): Promise<{ status: number; headers: Record<string, unknown>; body: string }> {
  return new Promise((resolve, reject) => {
    const sent = httpRequest(`${at}/`, { method, path, headers }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text) => {
        body += text;
      });
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body }),
      );
    });
    sent.on('error', reject).end();
  });
}

const own = () => new URL(cloud.addresses.gateway).host;

// What is admitted goes on to the gateway, which has no API here: 404.
test.each<[name: string, status: number, method: string, headers: Record<string, string>]>([
  ['a client that is no browser', 404, 'POST', {}],
  ['the page that the developer named', 404, 'POST', { origin: PAGE, 'sec-fetch-site': 'same-site' }],
  ['a picture on that page', 404, 'GET', { referer: `${PAGE}/list`, 'sec-fetch-site': 'cross-site' }],
  [
    'a link on any page',
    404,
    'GET',
    { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' },
  ],
  ['a page of another origin', 403, 'POST', { origin: HOSTILE }],
  ['its form or text/plain', 403, 'POST', { origin: HOSTILE, 'content-type': 'text/plain' }],
  ['a sandboxed page', 403, 'POST', { origin: 'null' }],
  ['a page on another port of this machine', 403, 'POST', { origin: 'http://localhost:3001' }],
  ['a script or picture on a page of another origin', 403, 'GET', { 'sec-fetch-site': 'cross-site' }],
  ['a form in an old browser', 403, 'POST', { referer: `${HOSTILE}/form`, 'content-type': 'text/plain' }],
  ['a picture in an old browser', 403, 'GET', { referer: `${HOSTILE}/page` }],
  [
    'a frame on a page of another origin',
    403,
    'GET',
    { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'iframe' },
  ],
  ['another name for this machine', 403, 'GET', { host: 'evil.example.com' }],
  [
    'such a name with our port',
    403,
    'GET',
    { host: 'evil.example.com:4000', origin: 'http://evil.example.com:4000' },
  ],
  ['a name that begins like ours', 403, 'GET', { host: 'localhost.evil.example.com' }],
  ['the sub-domain of a group', 404, 'GET', { host: 'group.localhost:4000' }],
])('the local API answers %s with %d', async (_, status, method, headers) => {
  const answer = await ask(method, '/snapshots', headers);
  expect(answer.status).toBe(status);
  if (status === 403) {
    expect(JSON.parse(answer.body)).toMatchObject({
      error_code: 'APIG.0304',
      request_id: expect.any(String),
    });
    expect(answer.headers['access-control-allow-origin']).toBeUndefined();
  }
});

test('its own page may ask', async () => {
  expect((await ask('GET', '/snapshots', { origin: cloud.addresses.gateway, host: own() })).status).toBe(404);
});

test.each(['/v3/auth/tokens', '/v3.0/OS-AGENCY/agencies', '/v1.0/apigw/api-groups/a'])(
  'services that share the address also refuse other pages: %s',
  async (path) => {
    expect((await ask('GET', path, { origin: HOSTILE })).status).toBe(403);
  },
);

describe('a page upload of', () => {
  const preflight = (bucket: string, origin: string, method: string) =>
    ask(
      'OPTIONS',
      `/${bucket}/a`,
      {
        origin,
        'access-control-request-method': method,
        'access-control-request-headers': 'content-type,x-amz-date',
      },
      cloud.addresses.obs,
    );

  test('the named page is accepted, and may read the ETag', async () => {
    for (const method of ['PUT', 'POST', 'GET']) {
      const { status, headers } = await preflight(cloud.uploadBucket, PAGE, method);
      expect([status, headers['access-control-allow-origin']]).toEqual([200, PAGE]);
      expect(headers['access-control-expose-headers']).toContain('ETag');
    }
  });

  test('another page is refused', async () => {
    expect((await preflight(cloud.uploadBucket, HOSTILE, 'PUT')).status).toBe(403);
    expect((await preflight(cloud.snapshotBucket, HOSTILE, 'PUT')).status).toBe(403);
    expect((await preflight(cloud.snapshotBucket, PAGE, 'PUT')).status).toBe(403);
  });

  test('players of any page may read what a signed address gives them', async () => {
    const { status, headers } = await preflight(cloud.snapshotBucket, HOSTILE, 'GET');
    expect([status, headers['access-control-allow-origin']]).toEqual([200, HOSTILE]);
  });
});

test('a path that consists of slashes is not an error of the gateway', async () => {
  for (const path of ['//', '////', '//\\', '/%']) {
    expect((await ask('GET', path, {})).status).toBeLessThan(500);
  }
});

test.each(['*', 'localhost:3000', 'ftp://a', 'http://localhost:3000/page', 'http://u:p@h', ''])(
  'the origin %p is refused with an example',
  (text) => {
    expect(() => parseOrigins([text])).toThrow(UsageError);
    expect(() => parseOrigins([text])).toThrow('such as http://localhost:3000');
  },
);

test('origins are accepted with or without a slash at the end', () => {
  expect(parseOrigins(['http://localhost:3000/', 'https://a.example.com'])).toEqual([
    'http://localhost:3000',
    'https://a.example.com',
  ]);
});
