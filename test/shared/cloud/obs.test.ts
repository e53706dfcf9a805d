import { createJson, findObject, getJson, listObjects, temporaryUrl } from '../../../shared/cloud/obs';
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
  });
  expect(services.calls[0]).toContain('encoding-type=url');
});

test('an object is found by its whole key only', async () => {
  services.answer = () => listing(['a.mp4.mp4']);
  expect(await findObject('videos', 'a.mp4', services.invocation())).toBeUndefined();
  services.answer = () => listing(['a.mp4', 'a.mp4.mp4']);
  expect(await findObject('videos', 'a.mp4', services.invocation())).toMatchObject({ key: 'a.mp4' });
});

test('a record that is missing is undefined, one that is no JSON null; a bucket that is missing is an error', async () => {
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

test('a temporary address names its end', () => {
  jest.useFakeTimers({ now: 1_000_000_000 });
  try {
    const url = new URL(temporaryUrl('snapshots', 'a b.jpg', 60, services.invocation()));
    expect(url.pathname).toContain('a%20b.jpg');
    expect(url.searchParams.get('Expires')).toBe('1000060');
  } finally {
    jest.useRealTimers();
  }
});

test('a record that must not be there yet is written with the header that says so, and a refusal is no error', async () => {
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
