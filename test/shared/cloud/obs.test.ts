import {
  copyObject,
  createJson,
  deleteObject,
  findObject,
  getBytes,
  getJson,
  listFolder,
  listObjects,
  putObject,
  temporaryUrl,
} from '../../../shared/cloud/obs';
import { openInvocation } from '../../../shared/installation/invocation';
import { Obs, PERMANENT_KEY } from '../../local/obs/obs-fixture';
import { functionContext, userData } from '../function-context';
import { ServicesDouble } from '../services-double';

const services = new ServicesDouble();
beforeAll(() => services.start());
afterAll(() => services.stop());
beforeEach(() => void services.calls.splice(0));

const contents = (key: string) =>
  `<Contents><Key>${key}</Key><LastModified>2026-11-23T08:00:00.000Z</LastModified><ETag>"e1"</ETag><Size>9</Size></Contents>`;
const listing = (keys: string[], isTruncated = false) => ({
  body: `<ListBucketResult><IsTruncated>${isTruncated}</IsTruncated>${keys.map(contents).join('')}</ListBucketResult>`,
});

test('a listing gives keys as they are, ETags without quotes, and times', async () => {
  services.answer = () => listing(['a+b%2Bc%20%E4%B8%AD&apos;'], true);
  expect(await listObjects('videos', { prefix: 'a' }, services.invocation())).toEqual({
    objects: [{ key: "a b+c 中'", etag: 'e1', sizeBytes: 9, lastModifiedMs: Date.UTC(2026, 10, 23, 8) }],
    isTruncated: true,
    // Without a NextMarker, the last key is where the next page begins.
    nextMarker: "a b+c 中'",
  });
  expect(services.calls[0]).toContain('encoding-type=url');
});

test('an object is found by its whole key only', async () => {
  services.answer = () => listing(['a.mp4.mp4']);
  expect(await findObject('videos', 'a.mp4', services.invocation())).toBeUndefined();
  services.answer = () => listing(['a.mp4', 'a.mp4.mp4']);
  expect(await findObject('videos', 'a.mp4', services.invocation())).toMatchObject({ key: 'a.mp4' });
});

test('a missing record is undefined, one that is not JSON is null, and a missing bucket is an error', async () => {
  const missing = (code: string) => ({ status: 404, body: `<Error><Code>${code}</Code></Error>` });
  services.answer = () => ({ body: '{"a":1}' });
  expect(await getJson('snapshots', 'r.json', services.invocation())).toEqual({ a: 1 });
  services.answer = () => ({ body: '{"a"' });
  expect(await getJson('snapshots', 'r.json', services.invocation())).toBeNull();
  services.answer = () => missing('NoSuchKey');
  expect(await getJson('snapshots', 'r.json', services.invocation())).toBeUndefined();
  services.answer = () => missing('NoSuchBucket');
  await expect(getJson('snapshots', 'r.json', services.invocation())).rejects.toMatchObject({
    service: 'OBS',
    code: 'NoSuchBucket',
  });
});

test('a temporary address names its expiry', () => {
  jest.useFakeTimers({ now: 1_000_000_000 });
  try {
    const url = new URL(temporaryUrl('snapshots', 'a b.jpg', 60, services.invocation()));
    expect(url.pathname).toContain('a%20b.jpg');
    expect(url.searchParams.get('Expires')).toBe('1000060');
  } finally {
    jest.useRealTimers();
  }
});

test('a record that must be new is written with a conditional header, and a refusal is not an error', async () => {
  const told: unknown[] = [];
  services.answer = ({ headers }) => {
    told.push(headers['x-obs-forbid-overwrite']);
    return { body: '' };
  };
  expect(await createJson('snapshots', 'r.json', { a: 1 }, services.invocation())).toBe(true);
  services.answer = () => ({ status: 409, body: '<Error><Code>ObjectAlreadyExists</Code></Error>' });
  expect(await createJson('snapshots', 'r.json', { a: 1 }, services.invocation())).toBe(false);
  services.answer = () => ({ status: 409, body: '<Error><Code>OperationAborted</Code></Error>' });
  await expect(createJson('snapshots', 'r.json', {}, services.invocation())).rejects.toMatchObject({
    code: 'OperationAborted',
  });
  expect(told).toEqual(['true']);
});

describe('at a real OBS', () => {
  let obs: Obs;
  beforeAll(async () => {
    obs = await Obs.start();
    await obs.store.createBucket('snapshots');
  });
  afterAll(() => obs.close());

  const invocation = () =>
    openInvocation({
      ...functionContext({ ...userData, OBS_ENDPOINT: `http://127.0.0.1:${obs.port}` }),
      getSecurityAccessKey: () => PERMANENT_KEY.accessKey,
      getSecuritySecretKey: () => PERMANENT_KEY.secretKey,
      getSecurityToken: () => '',
    });
  const put = (key: string, body: string | Uint8Array = key, cacheControl?: string) =>
    putObject('snapshots', key, body, { contentType: 'text/vtt', cacheControl }, invocation());
  const headersOf = async (key: string) => {
    const { headers } = await obs.signed('HEAD', { bucket: 'snapshots', key });
    return [headers['content-type'], headers['cache-control']];
  };

  test('a folder is listed completely, without the folders below it', async () => {
    const names = Array.from({ length: 1001 }, (_, number) => `many/${number} +%&'中.jpg`);
    await Promise.all(names.map((key) => obs.store.put('snapshots', key, Buffer.from('1'))));
    await put('many/below/0.jpg');
    await put('many-others/0.jpg');
    const listed = await listFolder('snapshots', 'many/', invocation());
    expect(listed.map(({ key }) => key).sort()).toEqual([...names].sort());
    expect(await listFolder('snapshots', 'nothing/', invocation())).toEqual([]);
  });

  test('an object is kept with its bytes, its type and its header for caches', async () => {
    const bytes = Uint8Array.from({ length: 256 }, (_, value) => value);
    await put('put/all bytes', bytes, 'public, max-age=60');
    expect(new Uint8Array(await getBytes('snapshots', 'put/all bytes', invocation()))).toEqual(bytes);
    expect(await headersOf('put/all bytes')).toEqual(['text/vtt', 'public, max-age=60']);
    await put('put/plain');
    expect(await headersOf('put/plain')).toEqual(['text/vtt', undefined]);
  });

  test('a copy has the content headers of its own, whatever the key of its source', async () => {
    const key = "copy/a b+c%2F中'?#.jpg";
    await put(key, 'picture', 'no-store');
    const from = { bucket: 'snapshots', key };
    const to = { bucket: 'snapshots', key: 'copy/poster.jpg' };
    await copyObject(from, to, { contentType: 'image/jpeg', cacheControl: 'max-age=5' }, invocation());
    expect(String(await getBytes('snapshots', to.key, invocation()))).toBe('picture');
    expect(await headersOf(to.key)).toEqual(['image/jpeg', 'max-age=5']);
    await copyObject(from, to, { contentType: 'image/jpeg' }, invocation());
    expect(await headersOf(to.key)).toEqual(['image/jpeg', undefined]);
    const missing = { bucket: 'snapshots', key: 'copy/missing' };
    await expect(copyObject(missing, to, { contentType: 'a/b' }, invocation())).rejects.toMatchObject({
      status: 404,
      code: 'NoSuchKey',
    });
  });

  test('an object is deleted, and deleting a missing one is not an error', async () => {
    await put('gone');
    await deleteObject('snapshots', 'gone', invocation());
    expect(await findObject('snapshots', 'gone', invocation())).toBeUndefined();
    await deleteObject('snapshots', 'gone', invocation());
    await expect(deleteObject('nowhere', 'gone', invocation())).rejects.toMatchObject({
      code: 'NoSuchBucket',
    });
  });
});
