import path from 'node:path';
import { decode, encode } from 'jpeg-js';
import { CapturePool } from '../../../local/mpc/capture/capture-pool';
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

/** The size of a JPEG by its header. Decoding sheets of five million pixels takes seconds. */
function sizeInHeader(jpeg: Buffer): { width: number; height: number } {
  const at = jpeg.indexOf(Buffer.from([0xff, 0xc0]));
  return { height: jpeg.readUInt16BE(at + 5), width: jpeg.readUInt16BE(at + 7) };
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

  test('has every second picture if there are too many, without a gap in time', async () => {
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

  test('has no sheet that is too large to be made', async () => {
    const count = 7;
    const { sheets, cues } = await spriteOf(count, [[54, 96]], 640);
    const areas = [...sheets.values()].map(sizeInHeader);
    expect(Math.max(...areas.map(({ width, height }) => width * height))).toBeLessThanOrEqual(5_000_000);
    expect(cues).toHaveLength(count);
    const places = cues.map(({ text }) => /(sprite-\d+[.]jpg)#xywh=([\d,]+)$/.exec(text)?.slice(1) ?? []);
    expect(new Set(places.map(String)).size).toBe(count);
    for (const [name = '', area = ''] of places) {
      const [x = 0, y = 0, width = 0, height = 0] = area.split(',').map(Number);
      const sheet = areas[[...sheets.keys()].indexOf(name)];
      expect(x + width).toBeLessThanOrEqual(sheet?.width ?? 0);
      expect(y + height).toBeLessThanOrEqual(sheet?.height ?? 0);
    }
  });

  test('of no pictures does not exist', async () => {
    expect(await spriteOf(0)).toMatchObject({ track: undefined });
  });
});

/** Brightness of pixels, row by row. */
interface Luma {
  width: number;
  height: number;
  at(x: number, y: number): number;
}

function lumaOf(jpeg: Uint8Array): Luma {
  const { width, height, data } = decode(jpeg, { useTArray: true });
  const channel = (x: number, y: number, which: number) => data[(y * width + x) * 4 + which] ?? 0;
  // ITU-R BT.601, as in JFIF.
  const at = (x: number, y: number) =>
    0.299 * channel(x, y, 0) + 0.587 * channel(x, y, 1) + 0.114 * channel(x, y, 2);
  return { width, height, at };
}

/** A third as wide and as high: each pixel the mean of nine. */
function third({ width, height, at }: Luma): Luma {
  const NINE = [0, 1, 2].flatMap((y) => [0, 1, 2].map((x) => [x, y] as const));
  return {
    width: width / 3,
    height: height / 3,
    at: (x, y) => NINE.reduce((sum, [right, down]) => sum + at(3 * x + right, 3 * y + down), 0) / 9,
  };
}

/** Structural similarity (Wang et al. 2004): the mean over squares of 8 × 8 pixels, each 4 pixels from the next. */
function similarity(a: Luma, b: Luma): number {
  const [c1, c2] = [(0.01 * 255) ** 2, (0.03 * 255) ** 2];
  const values: number[] = [];
  for (let top = 0; top + 8 <= a.height; top += 4) {
    for (let left = 0; left + 8 <= a.width; left += 4) {
      const sums = { a: 0, b: 0, aa: 0, bb: 0, ab: 0 };
      for (let pixel = 0; pixel < 64; pixel++) {
        const [x, y] = [left + (pixel % 8), top + (pixel >> 3)];
        const [one, other] = [a.at(x, y), b.at(x, y)];
        sums.a += one / 64;
        sums.b += other / 64;
        sums.aa += (one * one) / 64;
        sums.bb += (other * other) / 64;
        sums.ab += (one * other) / 64;
      }
      const variances = sums.aa - sums.a ** 2 + sums.bb - sums.b ** 2;
      const covariance = sums.ab - sums.a * sums.b;
      values.push(
        ((2 * sums.a * sums.b + c1) * (2 * covariance + c2)) /
          ((sums.a ** 2 + sums.b ** 2 + c1) * (variances + c2)),
      );
    }
  }
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

describe('of real pictures', () => {
  const pool = new CapturePool({ workers: 1 });
  afterAll(() => pool.close());

  test('each tile looks like its picture, made as small', async () => {
    const video = await pool.open(path.join(__dirname, '../../../tools/sample-video/sample.mp4'));
    const pictures: Buffer[] = [];
    const points = [0, 7000, 14_000, 'last'] as const;
    await video.capture(
      { points, size: { width: 480, height: 270 } },
      ({ jpeg }) => void pictures.push(jpeg),
    );
    video.close();
    const sheets: Luma[] = [];
    await makeSprite(
      pictures.map((_, index) => ({ url: String(index), startTime: index })),
      160,
      async ({ url }) => pictures[Number(url)] ?? Buffer.alloc(0),
      async (_, jpeg) => void sheets.push(lumaOf(jpeg)),
    );
    const [sheet] = sheets;
    expect(sheet).toMatchObject({ width: 640, height: 90 });
    for (const [index, picture] of pictures.entries()) {
      const tile: Luma = { width: 160, height: 90, at: (x, y) => sheet?.at(160 * index + x, y) ?? 0 };
      expect(similarity(tile, third(lumaOf(picture)))).toBeGreaterThanOrEqual(0.95);
      // The measure sees what is wrong: a tile that is a pixel out of place.
      const shifted: Luma = { ...tile, at: (x, y) => tile.at(Math.min(159, x + 1), y) };
      expect(similarity(shifted, third(lumaOf(picture)))).toBeLessThan(0.95);
    }
  });
});
