import { parseCreateRequest } from '../../shared/tasks/create-request';
import { parseListRequest } from '../../shared/tasks/list-request';
import { InvalidRequest, isObjectKey, parseTaskId, show, TASK_ID } from '../../shared/validation';
import { settingsWith } from './function-context';

/** What an answer says about each field. */
function detailsOf(code: () => unknown): Record<string, string> {
  try {
    code();
  } catch (error) {
    if (!(error instanceof InvalidRequest)) throw error;
    return Object.fromEntries((error.details ?? []).map(({ path, message }) => [path, message]));
  }
  return {};
}
const create = (changes: object) =>
  detailsOf(() =>
    parseCreateRequest({ input: { bucket: 'videos', object: 'a.mp4' }, ...changes }, settingsWith()),
  );

describe('a bucket name', () => {
  const detailOf = (name: string) =>
    detailsOf(() => parseListRequest({ bucket: [name] }, settingsWith())).bucket;

  test.each([
    'abc',
    'a.b-c',
    '1a9',
    `a${'b'.repeat(61)}c`,
    'x10.20.30.40',
    '10.20.30.40x',
    '10.20.30',
    'a9.10.20.30',
  ])('%s is accepted', (name) => {
    expect(detailOf(name)).toContain('must be one of the allowed buckets');
  });

  test.each([
    'ab',
    `a${'b'.repeat(62)}c`,
    'abC',
    'abc-',
    '-abc',
    'a_b',
    'a..b',
    'a.-b',
    'a-.b',
    '1.2.3.4',
    '10.20.30.40',
    '192.168.100.254',
  ])('%s is refused', (name) => {
    expect(detailOf(name)).toContain('must be a bucket name');
  });
});

test('a key has 1 to 1,024 bytes', () => {
  expect(['', 'a', 'é'.repeat(512), `${'é'.repeat(512)}a`].map(isObjectKey)).toEqual([
    false,
    true,
    true,
    false,
  ]);
});

test('a task id has 1 to 16 letters and digits', () => {
  expect(['1', 'aZ9', '1234567890123456'].map((id) => TASK_ID.test(id))).toEqual([true, true, true]);
  expect(['', '12345678901234567', '1 ', ' 1', 'a-b'].map((id) => TASK_ID.test(id))).toEqual(
    Array(5).fill(false),
  );
  expect(parseTaskId('42')).toBe('42');
  expect(detailsOf(() => parseTaskId('a b'))).toEqual({
    task_id: 'must be a task id: 1 to 16 letters and digits, got "a b"',
  });
});

test('the name of a picture has 1 to 256 characters', () => {
  const named = (output_filename: string) => create({ thumbnail_para: { output_filename } });
  expect(named('x'.repeat(256))).toEqual({});
  expect(named('x'.repeat(257))).toEqual({
    'thumbnail_para.output_filename':
      'must be 1 to 256 characters without slashes and control characters, got 257 characters (257 bytes)',
  });
});

test('a time limit names its unit', () => {
  const details = create({
    thumbnail_para: { time: 0, start_time: -1, duration: -1, dots: [-1], dots_ms: [-1] },
  });
  const units = Object.entries(details).map(([path, message]) => [
    path.replace('thumbnail_para.', ''),
    /\d (m?s), got/.exec(message)?.[1],
  ]);
  expect(Object.fromEntries(units)).toEqual({
    time: 's',
    start_time: 's',
    duration: 's',
    dots: 's',
    dots_ms: 'ms',
  });
});

test('DOTS_MS without a time gets an error that says what is missing', () => {
  expect(create({ sync: 1, thumbnail_para: { type: 'DOTS_MS' } })).toEqual({
    'thumbnail_para.dots_ms': 'must hold exactly 1 time (ms), got 0',
  });
});

test('the message names every wrong field, or the body itself', () => {
  expect(() => parseCreateRequest(5, settingsWith())).toThrow(/: the body must be an object, got 5$/);
  expect(() =>
    parseCreateRequest({ input: { bucket: 'videos', object: 'a.mp4' }, tar: 2, sync: 3 }, settingsWith()),
  ).toThrow(/: tar must be [^;]+, got 2; sync must be [^;]+, got 3$/);
});

test('a value is shown in 60 characters, a longer text by its length, and one that is too deep not at all', () => {
  expect(show('é'.repeat(60))).toBe(`"${'é'.repeat(56)}…`);
  expect(show('é'.repeat(61))).toBe('61 characters (122 bytes)');
  const list = (characters: number) => ['x'.repeat(characters - 4)];
  expect(show(list(60))).toBe(JSON.stringify(list(60)));
  expect(show(list(61))).toBe(`${JSON.stringify(list(61)).slice(0, 57)}…`);
  let deep: unknown = 0;
  for (let depth = 0; depth < 100_000; depth++) deep = [deep];
  expect(show(deep)).toBe('something too deep');
});
