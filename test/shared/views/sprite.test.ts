import { decode, encode } from 'jpeg-js';
import { makeSprite } from '../../../shared/views/sprite';
import { parseWebVtt } from '../../parse-web-vtt';

/** So many colours follow each other: no row or sheet of ten holds a whole number of rounds. */
const COLOURS = Array.from(
  { length: 11 },
  (_, index) => [(index * 37) % 256, (index * 91) % 256, 128] as const,
);
const colourOf = (index: number) => COLOURS[index % COLOURS.length] ?? COLOURS[0]!;

// Encoding takes ten milliseconds for its tables, however small the picture is.
const encoded = new Map<string, Buffer>();

function pictureOf(index: number, [width, height]: readonly [number, number]): Buffer {
  const name = `${index % COLOURS.length} ${width} ${height}`;
  const known = encoded.get(name) ?? picture(width, height, colourOf(index));
  encoded.set(name, known);
  return known;
}

/** A JPEG of one colour with a slope across it, so that a tile that is mirrored or out of place shows. */
function picture(width: number, height: number, [red, green, blue]: readonly number[]): Buffer {
  const data = Buffer.alloc(width * height * 4);
  for (let pixel = 0; pixel < width * height; pixel++) {
    const slope = (pixel % width) / width;
    data.set([(red ?? 0) * slope, (green ?? 0) * slope, (blue ?? 0) * slope, 255], pixel * 4);
  }
  return encode({ width, height, data }, 95).data;
}

async function spriteOf(
  count: number,
  sizes: readonly (readonly [number, number])[] = [[96, 54]],
  tileWidth = 32,
) {
  const images = Array.from({ length: count }, (_, index) => ({
    url: String(index),
    startTime: index * 5,
    endTime: index * 5 + 5,
  }));
  const sheets = new Map<string, Buffer>();
  const track = await makeSprite(
    images,
    tileWidth,
    async ({ url }) => pictureOf(Number(url), sizes[Number(url) % sizes.length] ?? [96, 54]),
    async (name, jpeg) => void sheets.set(name, jpeg),
  );
  return { sheets, cues: parseWebVtt(track ?? 'WEBVTT\n'), track };
}

/** The colour at three quarters of the tile's width, away from its neighbours, whose colours JPEG mixes in at the edge. */
function colourAt(sheet: Buffer, [x, y, width, height]: readonly number[]): number[] {
  const { width: across, data } = decode(sheet, { useTArray: true });
  const at = (((y ?? 0) + ((height ?? 0) >> 1)) * across + (x ?? 0) + ((width ?? 0) * 3) / 4) * 4;
  return [...data.subarray(at, at + 3)];
}

describe('a sprite', () => {
  test('has each picture in the place that its cue names, on sheets of 10 by 10', async () => {
    const { sheets, cues } = await spriteOf(102);
    expect([...sheets.keys()]).toEqual(['sprite-1.jpg', 'sprite-2.jpg']);
    expect(cues).toHaveLength(102);
    const { width, height } = decode(sheets.get('sprite-1.jpg') ?? Buffer.alloc(0));
    expect([width, height]).toEqual([320, 180]);
    for (const index of [0, 9, 10, 57, 99, 100, 101]) {
      const [name = '', area = ''] = cues[index]?.text.split('#xywh=') ?? [];
      const colour = colourAt(sheets.get(name) ?? Buffer.alloc(0), area.split(',').map(Number));
      for (const [channel, wanted] of colourOf(index).entries())
        expect(Math.abs((colour[channel] ?? 0) - wanted * 0.75)).toBeLessThan(24);
      expect(cues[index]).toMatchObject({ startTime: index * 5, endTime: index * 5 + 5 });
    }
  });

  test('takes every second picture where there are too many, without a gap in time', async () => {
    const { cues } = await spriteOf(1001, [[16, 9]], 16);
    expect(cues).toHaveLength(501);
    expect(cues.every((cue, index) => cue.endTime === (cues[index + 1]?.startTime ?? cue.endTime))).toBe(
      true,
    );
  });

  test('gives pictures of another size the size of the first', async () => {
    const { cues } = await spriteOf(2, [
      [96, 54],
      [54, 96],
    ]);
    expect(cues.map(({ text }) => text)).toEqual([
      'sprite-1.jpg#xywh=0,0,32,18',
      'sprite-1.jpg#xywh=32,0,32,18',
    ]);
  });

  test('of no picture is none', async () => {
    expect(await spriteOf(0)).toMatchObject({ track: undefined });
  });
});
