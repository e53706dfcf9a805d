import { readdir, stat } from 'node:fs/promises';
import http from 'node:http';
import { connect } from 'node:net';
import path from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { XMLParser } from 'fast-xml-parser';
import { md5 } from '../../md5';
import { until } from '../../wait';
import { bytesOf, Obs, REGION, randomBytes } from './obs-fixture';

const bucket = 'videos';
let obs: Obs;

beforeEach(async () => {
  obs = await Obs.start();
  await obs.store.createBucket(bucket);
});
afterEach(() => obs.close());

function parsed(xml: string): Record<string, Record<string, unknown>> {
  return new XMLParser({ parseTagValue: false }).parse(xml) as Record<string, Record<string, unknown>>;
}

function put(key: string, text: string) {
  return obs.store.put(bucket, key, Buffer.from(text));
}

describe('errors', () => {
  test('are XML documents without name space, with the code in the headers as well', async () => {
    const { status, headers, body } = await obs.signed('GET', { bucket, key: 'missing <&>' });
    expect(status).toBe(404);
    expect(headers['content-type']).toBe('application/xml');
    expect(headers['x-obs-error-code']).toBe('NoSuchKey');
    expect(body).toMatch(/^<\?xml version="1.0" encoding="UTF-8"\?><Error><Code>/);
    expect(parsed(body).Error).toMatchObject({
      Code: 'NoSuchKey',
      Message: 'The specified key does not exist.',
      Resource: '/videos/missing <&>',
      RequestId: headers['x-obs-request-id'],
      HostId: headers['x-obs-id-2'],
    });
  });

  test('of HEAD have no body, and the connection stays usable', async () => {
    const head = await obs.signed('HEAD', { bucket, key: 'missing' });
    expect(head).toMatchObject({ status: 404, body: '', headers: { 'x-obs-error-code': 'NoSuchKey' } });
    expect(await obs.signed('HEAD', { bucket })).toMatchObject({ status: 200, body: '' });
  });

  test('name operations that are not implemented', async () => {
    for (const [method, special] of [
      ['GET', 'policy'],
      ['PUT', 'policy'],
      ['GET', 'tagging'],
      ['PUT', 'tagging'],
    ] as const) {
      const answer = await obs.signed(method, { bucket, special });
      expect(answer).toMatchObject({ status: 501, headers: { 'x-obs-error-code': 'NotImplemented' } });
      expect(answer.body).toContain(`${method} bucket?${special}`);
    }
    const append = { bucket, key: 'a', query: { append: '', position: '0' } };
    expect(await obs.signed('POST', append, { body: 'x' })).toMatchObject({ status: 501 });
    const encrypted = { 'x-obs-server-side-encryption': 'kms' };
    expect(await obs.signed('PUT', { bucket, key: 'a' }, { headers: encrypted, body: 'x' })).toMatchObject({
      status: 501,
    });
    expect(obs.store.list(bucket).objects).toEqual([]);
  });

  test('answer paths that cannot be decoded', async () => {
    expect(await obs.raw('GET', '/videos/%E4%B8')).toMatchObject({
      status: 400,
      headers: { 'x-obs-error-code': 'InvalidURI' },
    });
  });
});

test('every answer carries a request id of its own, and every request is logged', async () => {
  await put('a b', 'a');
  const answers = [];
  for (const send of [
    () => obs.signed('GET', { bucket, key: 'a b' }),
    () => obs.raw('GET', '/'),
    () => obs.raw('OPTIONS', '/videos/a'),
  ]) {
    answers.push(await send());
    await until(() => obs.log.length === answers.length);
  }
  const ids = answers.map(({ headers }) => headers['x-obs-request-id']);
  expect(new Set(ids).size).toBe(3);
  expect(obs.log).toMatchObject([
    { method: 'GET', path: '/videos/a b', status: 200, requestId: ids[0] },
    { method: 'GET', path: '/', status: 403, errorCode: 'AccessDenied', requestId: ids[1] },
    { method: 'OPTIONS', path: '/videos/a', status: 400, errorCode: 'InvalidRequest', requestId: ids[2] },
  ]);
});

test('anybody may read the version of the API, with or without a bucket', async () => {
  const head = (host: string) => obs.raw('HEAD', '/?apiversion', { headers: { host } });
  expect(await head('obs.localhost')).toMatchObject({ status: 200, headers: { 'x-obs-api': '3.0' } });
  expect(await head('videos.obs.localhost')).toMatchObject({ status: 200, headers: { 'x-obs-api': '3.0' } });
  expect((await head('missing.obs.localhost')).status).toBe(404);
});

describe('uploads', () => {
  test('have a length or come in chunks', async () => {
    const text = 'x'.repeat(300_000);
    const chunked = await obs.signed(
      'PUT',
      { bucket, key: 'chunked' },
      { body: Readable.from([text, text]) },
    );
    expect(chunked).toMatchObject({ status: 200, headers: { etag: `"${md5(text + text)}"` } });
    expect(obs.store.head(bucket, 'chunked')).toMatchObject({ sizeBytes: 600_000 });
  });

  test('without a length and without chunks are refused', async () => {
    // The client of Node.js always sends one of them, so the request is written by hand.
    const answer = await sendWithoutLength('PUT', 'nothing');
    expect(answer).toMatch(/^HTTP\/1.1 411 /);
    expect(answer).toContain('<Code>MissingContentLength</Code>');
  });

  test('that break off leave nothing behind', async () => {
    const url = await signedUrl('PUT', 'broken');
    const request = http.request({
      ...url,
      method: 'PUT',
      headers: { host: url.hostHeader, 'content-length': 1000 },
    });
    request.on('error', () => undefined);
    request.write('only a part');
    await until(async () => (await incoming()).length === 1);
    request.destroy();
    await until(async () => (await incoming()).length === 0);
    await until(() => obs.log.length === 1);
    expect(obs.log).toMatchObject([{ status: 400, errorCode: 'IncompleteBody' }]);
    expect(obs.store.head(bucket, 'broken')).toBeUndefined();
    expect(obs.events).toEqual([]);
  });

  test('go to disk while they arrive', async () => {
    const url = await signedUrl('PUT', 'slow');
    const half = randomBytes(8 * 1024 * 1024);
    const body = new PassThrough();
    const status = new Promise((resolve) => {
      const request = http.request(
        { ...url, method: 'PUT', headers: { host: url.hostHeader } },
        (response) => {
          response.resume();
          resolve(response.statusCode);
        },
      );
      body.pipe(request);
    });
    body.write(half);
    await until(async () => {
      const [file] = await incoming();
      return file !== undefined && (await stat(file)).size === half.length;
    });
    expect(obs.store.head(bucket, 'slow')).toBeUndefined();
    body.end(half);
    expect(await status).toBe(200);
    expect(obs.store.head(bucket, 'slow')).toMatchObject({ etag: md5(Buffer.concat([half, half])) });
  });

  test('are refused with more than 8 KB of metadata or a key of more than 1,024 bytes', async () => {
    const headers = { 'x-obs-meta-a': 'x'.repeat(8 * 1024) };
    expect(await obs.signed('PUT', { bucket, key: 'a' }, { headers, body: 'a' })).toMatchObject({
      status: 400,
      headers: { 'x-obs-error-code': 'MetadataTooLarge' },
    });
    expect(await obs.signed('PUT', { bucket, key: `${'中'.repeat(341)}a` }, { body: 'a' })).toMatchObject({
      status: 200,
    });
    expect(await obs.signed('PUT', { bucket, key: `${'中'.repeat(341)}ab` }, { body: 'a' })).toMatchObject({
      status: 400,
      headers: { 'x-obs-error-code': 'KeyTooLongError' },
    });
  });

  test('overwrite, whatever conditions they carry: OBS documents none for writing', async () => {
    await put('lock', 'first');
    for (const headers of [{ 'if-none-match': '*' }, { 'x-obs-forbid-overwrite': 'true' }] as Record<
      string,
      string
    >[]) {
      const text = JSON.stringify(headers);
      expect((await obs.signed('PUT', { bucket, key: 'lock' }, { headers, body: text })).status).toBe(200);
      expect(obs.store.head(bucket, 'lock')?.etag).toBe(md5(text));
    }
  });

  test('get a type when they name none', async () => {
    await obs.signed('PUT', { bucket, key: 'a' }, { body: 'a' });
    expect((await obs.signed('GET', { bucket, key: 'a' })).headers['content-type']).toBe(
      'binary/octet-stream',
    );
  });

  test('tell the listeners who sent them', async () => {
    const { headers } = await obs.signed('PUT', { bucket, key: 'a' }, { body: 'abc' });
    const deleted = await obs.signed('DELETE', { bucket, key: 'a' });
    expect(obs.events).toMatchObject([
      {
        eventName: 'ObjectCreated:Put',
        bucket,
        key: 'a',
        sizeBytes: 3,
        etag: md5('abc'),
        requestId: headers['x-obs-request-id'],
        sourceIp: '127.0.0.1',
      },
      { eventName: 'ObjectRemoved:Delete', bucket, key: 'a', requestId: deleted.headers['x-obs-request-id'] },
    ]);
  });
});

describe('downloads', () => {
  test('answer conditions in the order of HTTP', async () => {
    await put('a', 'content');
    const get = async (headers: Record<string, string>) =>
      obs.signed('GET', { bucket, key: 'a' }, { headers });
    const etag = `"${md5('content')}"`;
    const before = new Date(Date.now() - 60_000).toUTCString();
    const after = new Date(Date.now() + 60_000).toUTCString();
    expect(await get({ 'if-match': etag, 'if-unmodified-since': before })).toMatchObject({ status: 200 });
    expect(await get({ 'if-match': '"0"' })).toMatchObject({ status: 412 });
    expect(await get({ 'if-unmodified-since': before })).toMatchObject({ status: 412 });
    expect(await get({ 'if-unmodified-since': after })).toMatchObject({ status: 200 });
    expect(await get({ 'if-none-match': `"0", ${etag}` })).toMatchObject({
      status: 304,
      body: '',
      headers: { etag },
    });
    expect(await get({ 'if-none-match': '"0"', 'if-modified-since': after })).toMatchObject({ status: 200 });
    expect(await get({ 'if-modified-since': after })).toMatchObject({ status: 304 });
    expect(await get({ 'if-modified-since': before })).toMatchObject({ status: 200 });
    expect(
      (await obs.signed('HEAD', { bucket, key: 'a' }, { headers: { 'if-none-match': etag } })).status,
    ).toBe(304);
  });

  test('of ranges say which bytes they hold', async () => {
    await put('a', '0123456789');
    const get = (range: string) => obs.signed('GET', { bucket, key: 'a' }, { headers: { range } });
    expect(await get('bytes=2-4')).toMatchObject({
      status: 206,
      body: '234',
      headers: { 'content-range': 'bytes 2-4/10', 'content-length': '3', 'accept-ranges': 'bytes' },
    });
    expect(await get('bytes=-99')).toMatchObject({
      status: 206,
      headers: { 'content-range': 'bytes 0-9/10' },
    });
    expect(await get('bytes=10-')).toMatchObject({ status: 416, headers: { 'content-range': 'bytes */10' } });
    expect(await get('bytes=-0')).toMatchObject({ status: 416 });
    expect(await get('bytes=4-2')).toMatchObject({ status: 200, body: '0123456789' });
    expect(await get('bytes=0-1,3-4')).toMatchObject({ status: 200, body: '0123456789' });
  });

  test('of a large object follow the same rules as of a small one', async () => {
    const content = '0123456789'.repeat(20_000);
    await put('large', content);
    const get = (headers: Record<string, string>) => obs.signed('GET', { bucket, key: 'large' }, { headers });
    expect((await get({})).body === content).toBe(true);
    expect(await get({ range: 'bytes=199998-' })).toMatchObject({
      status: 206,
      body: '89',
      headers: { 'content-range': 'bytes 199998-199999/200000', 'content-length': '2' },
    });
    expect(await get({ range: 'bytes=200000-' })).toMatchObject({ status: 416 });
    expect(await get({ 'if-none-match': `"${md5(content)}"` })).toMatchObject({ status: 304, body: '' });
  });

  test('have the headers that the URL asks for, unless no header can hold them', async () => {
    await put('a', 'content');
    const get = (query: Record<string, string>) => obs.signed('GET', { bucket, key: 'a', query });
    expect(
      await get({ 'response-content-type': 'text/x-asked', 'response-cache-control': 'no-store' }),
    ).toMatchObject({
      status: 200,
      headers: { 'content-type': 'text/x-asked', 'cache-control': 'no-store' },
    });
    expect(await get({ 'response-content-type': 'a\r\nx-evil: 1' })).toMatchObject({ status: 400 });
  });

  test('wait for a slow reader instead of filling memory', async () => {
    const sizeBytes = 64 * 1024 * 1024;
    await obs.store.put(bucket, 'large', Readable.from(repeated(randomBytes(1024 * 1024), 64)));
    const url = await signedUrl('GET', 'large');
    const served = new Promise<http.ServerResponse>((resolve) => {
      obs.server.once('request', (_request, response: http.ServerResponse) => resolve(response));
    });
    const response = await new Promise<http.IncomingMessage>((resolve) => {
      http.get({ ...url, headers: { host: url.hostHeader } }, resolve);
    });
    // Nobody reads yet: the server has to stop with little in its hands.
    const { writableLength } = await until(async () =>
      (await served).writableNeedDrain ? served : undefined,
    );
    expect(writableLength).toBeLessThan(1024 * 1024);
    let received = 0;
    for await (const chunk of response) received += (chunk as Buffer).length;
    expect(received).toBe(sizeBytes);
  });
});

describe('listing version 2', () => {
  const list = async (query: Record<string, string>) => {
    const answer = await obs.signed('GET', { bucket, query: { 'list-type': '2', ...query } });
    return { ...answer, result: parsed(answer.body).ListBucketResult };
  };

  test('counts, starts after a key and continues with an opaque token', async () => {
    for (const key of ['a', 'b/1', 'b/2', 'c']) await put(key, key);
    const { result: first } = await list({ 'max-keys': '2', delimiter: '/', 'fetch-owner': 'true' });
    expect(first).toMatchObject({
      Name: bucket,
      KeyCount: '2',
      MaxKeys: '2',
      IsTruncated: 'true',
      Contents: { Key: 'a', Owner: { ID: obs.credentials.permanent.projectId } },
      CommonPrefixes: { Prefix: 'b/' },
    });
    const token = String(first?.NextContinuationToken);
    const { result: second } = await list({ delimiter: '/', 'continuation-token': token });
    expect(second).toMatchObject({ KeyCount: '1', IsTruncated: 'false', Contents: { Key: 'c' } });
    expect(second?.Contents).not.toHaveProperty('Owner');
    const { result: after } = await list({ 'start-after': 'b/1', 'encoding-type': 'url' });
    expect(after).toMatchObject({ Contents: [{ Key: 'b/2' }, { Key: 'c' }] });
    expect(await list({ 'continuation-token': 'made up!' })).toMatchObject({ status: 400 });
  });
});

test('a listing holds at most 1,000 keys, whatever is asked for', async () => {
  for (let number = 0; number < 1001; number++) await put(`k${number}`, '');
  const ask = async (maxKeys: string) => obs.signed('GET', { bucket, query: { 'max-keys': maxKeys } });
  const { ListBucketResult } = parsed((await ask('5000')).body);
  expect(ListBucketResult).toMatchObject({ MaxKeys: '1000', IsTruncated: 'true' });
  expect(ListBucketResult?.Contents).toHaveLength(1000);
  expect(await ask('many')).toMatchObject({
    status: 400,
    headers: { 'x-obs-error-code': 'InvalidArgument' },
  });
});

test('a listing of no keys at all is empty and not truncated', async () => {
  await put('a', '');
  const { ListBucketResult } = parsed((await obs.signed('GET', { bucket, query: { 'max-keys': '0' } })).body);
  expect(ListBucketResult).toMatchObject({ MaxKeys: '0', IsTruncated: 'false' });
  for (const name of ['Contents', 'NextMarker']) expect(ListBucketResult).not.toHaveProperty(name);
});

test('with encoding-type=url a listing encodes names but not their slashes', async () => {
  await put('a/b c/中+', '');
  const ask = async (encodingType: string) =>
    obs.signed('GET', { bucket, query: { 'encoding-type': encodingType, prefix: 'a/b c', delimiter: '/' } });
  expect(parsed((await ask('url')).body).ListBucketResult).toMatchObject({
    Prefix: 'a/b%20c',
    Delimiter: '/',
    EncodingType: 'url',
    CommonPrefixes: { Prefix: 'a/b%20c/' },
  });
  expect((await ask('base64')).status).toBe(400);
});

test('deleting a missing object succeeds, and no listener is called', async () => {
  expect(await obs.signed('DELETE', { bucket, key: 'missing' })).toMatchObject({ status: 204, body: '' });
  await obs.signed('PUT', { bucket, key: 'a' }, { body: 'a' });
  expect(obs.events.map(({ key }) => key)).toEqual(['a']);
});

describe('documents in requests', () => {
  test('must be well-formed, of the right kind and announced by Content-MD5', async () => {
    const send = (body: string, contentMd5?: string) =>
      obs.signed(
        'POST',
        { bucket, special: 'delete' },
        { body, headers: contentMd5 === undefined ? {} : { 'content-md5': contentMd5 } },
      );
    const code = async (...parameters: Parameters<typeof send>) =>
      (await send(...parameters)).headers['x-obs-error-code'];
    const good = '<Delete><Object><Key>a</Key></Object></Delete>';
    expect(await code(good)).toBe('MissingRequiredHeader');
    expect(await code(good, md5('other', 'base64'))).toBe('BadDigest');
    for (const bad of ['', '<Delete><Object>', '<Other/>', '<Delete/>', 'no xml']) {
      expect(await code(bad, md5(bad, 'base64'))).toBe('MalformedXML');
    }
    expect((await send(good, md5(good, 'base64'))).status).toBe(200);
    const tooMany = `<Delete>${'<Object><Key>a</Key></Object>'.repeat(1001)}</Delete>`;
    expect(await code(tooMany, md5(tooMany, 'base64'))).toBe('MalformedXML');
  });

  test.each([
    [
      'external entities',
      '<!DOCTYPE Delete [<!ENTITY a SYSTEM "file:///etc/passwd">]><Delete><Object><Key>&a;</Key></Object></Delete>',
    ],
    ['60,000 levels', `<Delete>${'<a>'.repeat(60_000)}${'</a>'.repeat(60_000)}</Delete>`],
    ['60,000 levels that do not end', `<Delete>${'<a>'.repeat(60_000)}`],
    ['__proto__ as a name', '<Delete><__proto__><Key>a</Key></__proto__></Delete>'],
    ['__proto__ as the root', '<__proto__><Object><Key>a</Key></Object></__proto__>'],
  ])('with %s are malformed', async (_, body) => {
    const headers = { 'content-md5': md5(body, 'base64') };
    const answer = await obs.signed('POST', { bucket, special: 'delete' }, { body, headers });
    expect([answer.status, answer.headers['x-obs-error-code']]).toEqual([400, 'MalformedXML']);
  });

  test('set no CORS rules without Content-MD5', async () => {
    const rule = '<CORSRule><AllowedMethod>GET</AllowedMethod><AllowedOrigin>*</AllowedOrigin></CORSRule>';
    const body = `<CORSConfiguration>${rule}</CORSConfiguration>`;
    const send = (headers: Record<string, string>) =>
      obs.signed('PUT', { bucket, special: 'cors' }, { body, headers });
    expect(await send({})).toMatchObject({
      status: 400,
      headers: { 'x-obs-error-code': 'MissingRequiredHeader' },
    });
    expect(await send({ 'content-md5': md5(body, 'base64') })).toMatchObject({ status: 200 });
  });

  test('name keys that XML must escape completely', async () => {
    await put(' <&>"\'%2F ', 'x');
    const body = '<Delete><Object><Key> &lt;&amp;&gt;"\'%2F </Key></Object></Delete>';
    await obs.signed(
      'POST',
      { bucket, special: 'delete' },
      { body, headers: { 'content-md5': md5(body, 'base64') } },
    );
    expect(obs.store.list(bucket).objects).toEqual([]);
  });
});

describe('requests from other origins', () => {
  const preflight = (target: string, headers: Record<string, string>) =>
    obs.raw('OPTIONS', target, { headers: { host: 'videos.obs.localhost', ...headers } });
  const asked = {
    origin: 'https://www.example.com',
    'access-control-request-method': 'GET',
    'access-control-request-headers': 'Range, X-Custom',
  };

  test('are not allowed without a rule', async () => {
    expect(await preflight('/a', asked)).toMatchObject({
      status: 403,
      headers: { 'x-obs-error-code': 'AccessForbidden' },
    });
    await put('a', 'a');
    const { headers } = await obs.signed('GET', { bucket, key: 'a' }, { headers: { origin: asked.origin } });
    expect(headers).not.toHaveProperty('access-control-allow-origin');
  });

  test('are allowed as the rules of the bucket say, without a signature', async () => {
    await obs.store.setCors(bucket, [
      {
        allowedMethods: ['GET', 'HEAD'],
        allowedOrigins: ['https://*.example.com'],
        allowedHeaders: ['range', 'x-*'],
        exposeHeaders: ['ETag'],
        maxAgeSeconds: 100,
      },
    ]);
    expect(await preflight('/a?Signature=x', asked)).toMatchObject({
      status: 200,
      headers: {
        'access-control-allow-origin': 'https://www.example.com',
        'access-control-allow-methods': 'GET, HEAD',
        'access-control-allow-headers': 'range, x-custom',
        'access-control-expose-headers': 'ETag',
        'access-control-max-age': '100',
      },
    });
    expect((await preflight('/', asked)).status).toBe(200);
    expect((await preflight('/a', { ...asked, origin: 'https://example.com' })).status).toBe(403);
    expect((await preflight('/a', { ...asked, 'access-control-request-method': 'PUT' })).status).toBe(403);
    expect(
      (await preflight('/a', { ...asked, 'access-control-request-headers': 'authorization' })).status,
    ).toBe(403);

    await put('a', 'a');
    const get = (key: string) => obs.signed('GET', { bucket, key }, { headers: { origin: asked.origin } });
    for (const key of ['a', 'missing']) {
      expect((await get(key)).headers).toMatchObject({
        'access-control-allow-origin': 'https://www.example.com',
        'access-control-expose-headers': 'ETag',
        vary: 'Origin',
      });
    }
  });
});

test('answers name the region and use the name space of OBS', async () => {
  const { body, headers } = await obs.signed('GET', { bucket });
  expect(body).toContain(`<ListBucketResult xmlns="http://obs.${REGION}.myhuaweicloud.com/doc/2015-06-30/">`);
  expect(headers['x-obs-bucket-location']).toBe(REGION);
});

function* repeated(bytes: Buffer, times: number): Generator<Buffer> {
  for (let count = 0; count < times; count++) yield bytes;
}

/** Files of bodies that are still arriving. */
async function incoming(): Promise<string[]> {
  const directory = path.join(obs.directory, 'incoming');
  return (await readdir(directory)).map((name) => path.join(directory, name));
}

async function signedUrl(method: string, key: string) {
  const { SignedUrl } = obs
    .client('virtual host, OBS dialect')
    .createSignedUrlSync({ Method: method, Bucket: bucket, Key: key });
  const { host: hostHeader, pathname, search } = new URL(SignedUrl);
  return { host: '127.0.0.1', port: obs.port, path: pathname + search, hostHeader };
}

async function sendWithoutLength(method: string, key: string): Promise<string> {
  const url = await signedUrl(method, key);
  const socket = connect(obs.port, '127.0.0.1');
  socket.end(`${method} ${url.path} HTTP/1.1\r\nHost: ${url.hostHeader}\r\nConnection: close\r\n\r\n`);
  return (await bytesOf(socket)).toString();
}
