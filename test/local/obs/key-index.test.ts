import fc from 'fast-check';
import { compareUtf8, KeyIndex } from '../../../local/obs/key-index';

const inBytes = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b));

test('keys are compared as their bytes are', () => {
  const key = fc.string({ unit: 'grapheme', maxLength: 8 });
  fc.assert(
    fc.property(key, key, (a, b) => {
      expect(Math.sign(compareUtf8(a, b))).toBe(Math.sign(inBytes(a, b)));
    }),
  );
});

test.each([
  ['\u{1F600}', '\uFFFD'],
  ['a\u{10000}', 'a\uE000'],
  ['\uD7FF', '\u{10FFFF}'],
])('%j and %j are compared as their bytes are', (a, b) => {
  expect(Math.sign(compareUtf8(a, b))).toBe(Math.sign(inBytes(a, b)));
});

test('an index of many blocks lists what was put in and not taken out, in order, page by page', () => {
  const index = new KeyIndex();
  const keys = Array.from({ length: 6000 }, (_, number) => `${(number * 7919) % 6007}/k.mp4`);
  for (const key of [...keys, ...keys]) index.add(key);
  const kept = keys.filter((_, number) => number % 3 > 0);
  for (const key of keys.filter((_, number) => number % 3 === 0)) index.remove(key);
  index.remove('never/there');
  expect(index.size).toBe(kept.length);
  const listed: string[] = [];
  let marker: string | undefined = '';
  while (marker !== undefined) {
    const page = index.list({ marker, maxKeys: 700 });
    listed.push(...page.keys);
    marker = page.nextMarker;
  }
  expect(listed).toEqual([...kept].sort(inBytes));
});

test('an index that was emptied can be filled again', () => {
  const index = new KeyIndex();
  index.add('a');
  index.remove('a');
  expect(index.list({}).keys).toEqual([]);
  index.add('b');
  expect(index.list({}).keys).toEqual(['b']);
});
