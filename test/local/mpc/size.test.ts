import fc from 'fast-check';
import type { PictureSize } from '../../../local/mpc/capture/picture-size';
import { pictureSize, type RequestedSize } from '../../../local/mpc/size';

const SOURCE = { width: 1920, height: 1080 };

test.each<[string, Partial<RequestedSize>, PictureSize]>([
  ['width and height are used unchanged', { width: 480, height: 360 }, { width: 480, height: 360 }],
  [
    'width and height win over max_length',
    { width: 480, height: 360, maxLength: 640 },
    { width: 480, height: 360 },
  ],
  ['max_length counts when a side is missing', { width: 480, maxLength: 640 }, { maxLength: 640 }],
  ['max_length alone: the longer side is that long', { maxLength: 480 }, { maxLength: 480 }],
  ['width alone: the height adapts', { width: 960 }, { width: 960, height: 540 }],
  ['height alone: the width adapts', { height: 720 }, { width: 1280, height: 720 }],
  ['nothing given: the size of the source', {}, 'source'],
])('%s', (_, size, expected) => {
  expect(pictureSize({ width: 0, height: 0, maxLength: 0, ...size }, SOURCE, 'source')).toEqual(expected);
});

test('the older rule uses 480 px if no size is given, and changes nothing else', () => {
  expect(pictureSize({ width: 0, height: 0, maxLength: 0 }, SOURCE, 480)).toEqual({ maxLength: 480 });
  expect(pictureSize({ width: 0, height: 0, maxLength: 240 }, SOURCE, 480)).toEqual({ maxLength: 240 });
});

test('no side is below one pixel, whatever size is asked for and whatever the source is', () => {
  const side = fc.integer({ min: 1, max: 8000 });
  const requested = fc.integer({ min: 0, max: 3840 });
  fc.assert(
    fc.property(side, side, requested, requested, requested, (width, height, ...[w, h, maxLength]) => {
      const size = pictureSize({ width: w, height: h, maxLength }, { width, height }, 'source');
      if (size === 'source') return;
      for (const px of Object.values(size)) expect(px).toBeGreaterThanOrEqual(1);
    }),
  );
});
