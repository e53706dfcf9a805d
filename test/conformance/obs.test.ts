import { md5 } from '../md5';
import { until } from '../wait';
import { conformance } from './conformance';

conformance('OBS', (session) => {
  const bytes = Buffer.from('0123456789');
  const bucket = () => session().environment.UPLOAD_BUCKET;

  test('an object comes back as it was stored, and its ETag is the MD5 of its bytes', async () => {
    const stored = await session().put('object', bytes, { ContentType: 'text/plain' });
    expect(stored).toMatchObject({ status: 200, etag: `"${md5(bytes)}"` });
    const { status, body, result } = await session().get('object');
    expect([status, body.toString()]).toEqual([200, '0123456789']);
    expect(result).toMatchObject({ ContentType: 'text/plain', ContentLength: '10', ETag: stored.etag });
  });

  test('the newest bytes are there as soon as a PUT is answered', async () => {
    for (const version of ['first', 'second', 'third']) {
      await session().put('newest', Buffer.from(version));
      expect((await session().get('newest')).body.toString()).toBe(version);
    }
  });

  test('a range is answered 206 with its position, and one past the end 416', async () => {
    await session().put('range', bytes);
    const url = session().temporaryUrl('GET', 'range');
    const { status, body, headers } = await session().send('GET', url, { range: 'bytes=2-4' });
    expect([status, body.toString(), headers['content-range']]).toEqual([206, '234', 'bytes 2-4/10']);
    expect((await session().get('range', { Range: 'bytes=2-4' })).body.toString()).toBe('234');
    expect(await session().get('range', { Range: 'bytes=10-20' })).toMatchObject({
      status: 416,
      code: 'InvalidRange',
    });
  });

  test('an unknown key is 404 NoSuchKey, and deleting it is not an error', async () => {
    expect(await session().get('nothing')).toMatchObject({ status: 404, code: 'NoSuchKey' });
    const { CommonMsg } = await session().obs.deleteObject({
      Bucket: bucket(),
      Key: `${session().folder}nothing`,
    });
    expect(CommonMsg.Status).toBe(204);
  });

  test('keys keep spaces, symbols and letters of every script', async () => {
    const name = 'keys/a b+c%20d&e=f,文件 ü.mp4';
    expect((await session().put(name, bytes)).status).toBe(200);
    expect((await session().get(name)).body).toEqual(bytes);
    expect(await session().names(bucket(), { Prefix: `${session().folder}keys/` })).toEqual([name]);
    expect((await session().send('GET', session().temporaryUrl('GET', name))).body).toEqual(bytes);
  });

  test('a list is sorted by key, paged, and grouped at a delimiter', async () => {
    for (const name of ['list/b/2', 'list/a', 'list/b/1', 'list/c']) await session().put(name, bytes);
    const Prefix = `${session().folder}list/`;
    const first = await session().obs.listObjects({ Bucket: bucket(), Prefix, MaxKeys: 3 });
    expect(first.InterfaceResult.Contents.map(({ Key }) => Key.slice(Prefix.length))).toEqual([
      'a',
      'b/1',
      'b/2',
    ]);
    expect(first.InterfaceResult.IsTruncated).toBe('true');
    const Marker = first.InterfaceResult.NextMarker;
    expect(await session().names(bucket(), { Prefix, Marker })).toEqual(['list/c']);
    const folded = await session().obs.listObjects({ Bucket: bucket(), Prefix, Delimiter: '/' });
    expect(folded.InterfaceResult.Contents.map(({ Key }) => Key.slice(Prefix.length))).toEqual(['a', 'c']);
    expect(folded.InterfaceResult.CommonPrefixes.map((one) => one.Prefix)).toEqual([`${Prefix}b/`]);
  });

  test('a body that does not match Content-MD5 is 400 BadDigest', async () => {
    const ContentMD5 = md5(Buffer.from('other'), 'base64');
    expect(await session().put('digest', bytes, { ContentMD5 })).toMatchObject({
      status: 400,
      code: 'BadDigest',
    });
  });

  test('a wrong secret key is 403 SignatureDoesNotMatch', async () => {
    const stranger = session().obsClient('wrong');
    const Key = `${session().folder}object`;
    const { CommonMsg } = await stranger.getObject({ Bucket: bucket(), Key, SaveAsStream: true });
    stranger.close();
    expect(CommonMsg).toMatchObject({ Status: 403, Code: 'SignatureDoesNotMatch' });
  });

  test('a request without a signature is 403 AccessDenied', async () => {
    await session().put('private', bytes);
    const [url = ''] = session().temporaryUrl('GET', 'private').split('?');
    const { status, body } = await session().send('GET', url);
    expect([status, body.toString()]).toEqual([403, expect.stringContaining('<Code>AccessDenied</Code>')]);
  });

  test('a temporary URL reads one object with one method and no other', async () => {
    await session().put('shared', bytes);
    const url = session().temporaryUrl('GET', 'shared');
    expect((await session().send('GET', url)).body).toEqual(bytes);
    for (const [method, changed] of [
      ['DELETE', url],
      ['GET', url.replace('/shared?', '/object?')],
      ['GET', url.replace(/Expires=(\d+)/, (_, time) => `Expires=${Number(time) + 60}`)],
    ] as const) {
      const { status, body } = await session().send(method, changed);
      expect([status, body.toString()]).toEqual([403, expect.stringContaining('SignatureDoesNotMatch')]);
    }
  });

  test('an expired temporary URL is 403 AccessDenied', async () => {
    await session().put('over', bytes);
    const url = session().temporaryUrl('GET', 'over', 2);
    const refused = await until(
      async () => {
        const answer = await session().send('GET', url);
        return answer.status === 200 ? undefined : answer;
      },
      { what: 'the end of a temporary URL' },
    );
    expect([refused.status, refused.body.toString()]).toEqual([
      403,
      expect.stringContaining('<Code>AccessDenied</Code>'),
    ]);
  });
});
