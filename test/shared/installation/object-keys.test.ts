import fc from 'fast-check';
import { isInUploadArea, outputDirectoryOf, trimSlashes } from '../../../shared/installation/object-keys';
import { settingsWith } from '../function-context';

describe('the directory of an upload', () => {
  const directory = (key: string, template = 'snapshots/{key}') =>
    outputDirectoryOf({ bucket: 'videos', key, etag: 'e1' }, template);

  test('it follows from the template', () => {
    expect(directory('uploads/a.b.mp4')).toBe('snapshots/uploads/a.b.mp4');
    expect(directory('uploads/a.b.mp4', 's/{bucket}/{stem}/{etag}/')).toBe('s/videos/uploads/a.b/e1');
    expect(directory('中 文/100%.MP4')).toBe('snapshots/中 文/100%.MP4');
    expect(directory('$&.mp4')).toBe('snapshots/$&.mp4');
  });

  test('two folders with the same file name keep apart', () => {
    expect(directory('a/x.mp4')).not.toBe(directory('b/x.mp4'));
  });

  test.each(['a/../b.mp4', './a.mp4', 'a//b.mp4', '/a.mp4', `${'é'.repeat(500)}.mp4`])(
    'the key %s gives a directory that browsers and OBS accept',
    (key) => {
      expect(directory(key)).toMatch(/^snapshots\/[0-9a-f]{64}$/);
    },
  );

  test('it always leaves room for the names of pictures below 1,024 bytes', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 1024 }), (key) => {
        expect(Buffer.byteLength(directory(key))).toBeLessThanOrEqual(740);
      }),
    );
  });
});

test.each([
  ['videos', 'uploads/a.mp4', true],
  ['videos', 'elsewhere/a.mp4', false],
  ['videos', 'snapshots/a.mp4', false],
  ['other', 'uploads/a.mp4', false],
  ['videos', '.mpc-snapshots/uploads/a.mp4', false],
])('an upload is looked for in the upload bucket, under the prefix: %s/%s', (bucket, key, expected) => {
  const settings = settingsWith({ UPLOAD_PREFIX: 'uploads/', SNAPSHOT_BUCKET: 'videos' });
  expect(isInUploadArea(bucket, key, settings)).toBe(expected);
});

test('slashes at either end of a text go, and no others', () => {
  fc.assert(
    fc.property(fc.stringMatching(/^([^/](\/*[^/])*)?$/), fc.nat(9), fc.nat(9), (bare, before, after) => {
      expect(trimSlashes('/'.repeat(before) + bare + '/'.repeat(after))).toBe(bare);
    }),
  );
  const many = '/'.repeat(1_000_000);
  expect(trimSlashes(`${many}a${many}b${many}`)).toBe(`a${many}b`);
});
