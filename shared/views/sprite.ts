import { decode, encode as encodeJpeg } from 'jpeg-js';
import { groupsOf } from '../core/groups';
import { encode } from '../signing';
import { type StoryboardImage, webVtt } from './storyboard';

/** Tiles across and down. Players' documents advise sheets below 2,000 px: 10 tiles of 160 px have 1,600 px. */
const MOST_ACROSS = 10;
/**
 * Making a sheet takes about 20 MB for each million pixels, and the function has 256 MB. Ten rows of ten tiles of 160 × 284 px,
 * from an upright phone, still fit; of larger tiles there are fewer on a sheet.
 */
const MAX_SHEET_PX = 5_000_000;
/** With more tiles the sprite gets too large to be useful: then only every second, third, … picture is used. */
const MAX_TILES = 1000;
/** The names of sheets: `sprite-1.jpg`, `sprite-2.jpg`, … */
export const SHEET_NAME = /^sprite-\d+[.]jpg$/;
/** test/shared/views/sprite.test.ts compares the scaled picture with its tile at this quality. */
const JPEG_QUALITY = 85;
/** A picture of 3,840 × 2,160 px takes 33 MB. jpeg-js counts its working memory too. */
const MAX_DECODE_MEMORY_MB = 160;

/** Pixels, 4 bytes each: red, green, blue, and one that JPEG does not use. */
interface Pixels {
  width: number;
  height: number;
  data: Uint8Array;
}

/**
 * Makes sheets of at most 10 × 10 tiles from pictures, of fewer where the tiles are large. Only one sheet and one picture are in memory at a time.
 * @param images the storyboard; its addresses are not used
 * @param tileWidthPx width of a tile (px); the first picture decides the height
 * @param read returns the JPEG of an image
 * @param write gets each sheet as soon as it is complete
 * @param addressOf returns the address of a sheet for the track
 * @returns the track; undefined if there is no picture
 * @throws what `read` and `write` throw; Error for a picture that is not a JPEG
 */
export async function makeSprite<Image extends StoryboardImage>(
  images: readonly Image[],
  tileWidthPx: number,
  read: (image: Image) => Promise<Uint8Array>,
  write: (name: string, jpeg: Buffer) => Promise<void>,
  addressOf: (name: string) => string = encode,
): Promise<string | undefined> {
  const step = Math.ceil(images.length / MAX_TILES);
  const chosen = images.filter((_, index) => index % step === 0);
  const [opening] = chosen;
  if (opening === undefined) return undefined;
  let decoded: Pixels | undefined = decodeJpeg(await read(opening));
  const grid = gridOf(tileWidthPx, Math.max(1, Math.round((decoded.height * tileWidthPx) / decoded.width)));
  const { width, height, columns } = grid;
  const cues: StoryboardImage[] = [];
  for (const [number, onSheet] of [...groupsOf(chosen, grid.tiles)].entries()) {
    const name = `sprite-${number + 1}.jpg`;
    const sheet = blank(
      Math.min(onSheet.length, columns) * width,
      Math.ceil(onSheet.length / columns) * height,
    );
    for (const [index, image] of onSheet.entries()) {
      const picture = decoded ?? decodeJpeg(await read(image));
      decoded = undefined;
      const x = (index % columns) * width;
      const y = Math.floor(index / columns) * height;
      drawScaled(picture, sheet, { x, y, width, height });
      const next = chosen[number * grid.tiles + index + 1];
      const url = `${addressOf(name)}#xywh=${x},${y},${width},${height}`;
      const endTime = next?.startTime ?? image.endTime;
      cues.push({ url, startTime: image.startTime, ...(endTime !== undefined && { endTime }) });
    }
    await write(name, encodeJpeg(sheet, JPEG_QUALITY).data);
  }
  return webVtt(cues);
}

/** How the tiles lie on a sheet. */
interface Grid {
  /** Of a tile, px. */
  width: number;
  height: number;
  columns: number;
  /** The most tiles on a sheet. */
  tiles: number;
}

function gridOf(width: number, height: number): Grid {
  const most = Math.max(1, Math.floor(MAX_SHEET_PX / (width * height)));
  const columns = Math.min(most, MOST_ACROSS);
  return { width, height, columns, tiles: columns * Math.min(Math.floor(most / columns), MOST_ACROSS) };
}

function decodeJpeg(jpeg: Uint8Array): Pixels {
  return decode(jpeg, { useTArray: true, maxMemoryUsageInMB: MAX_DECODE_MEMORY_MB });
}

function blank(width: number, height: number): Pixels {
  return { width, height, data: new Uint8Array(width * height * 4) };
}

/** The place of a tile on its sheet, px. */
interface Area {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** Scales a picture into an area. Each pixel is the mean of the pixels that it covers, weighted by the covered part. */
function drawScaled(picture: Pixels, sheet: Pixels, area: Area): void {
  const columns = coverage(picture.width, area.width);
  const rows = coverage(picture.height, area.height);
  for (const [row, covered] of rows.entries()) {
    for (const [column, across] of columns.entries()) {
      let red = 0;
      let green = 0;
      let blue = 0;
      for (const { index: line, share: vertical } of covered) {
        for (const { index, share } of across) {
          const from = (line * picture.width + index) * 4;
          const weight = vertical * share;
          red += (picture.data[from] ?? 0) * weight;
          green += (picture.data[from + 1] ?? 0) * weight;
          blue += (picture.data[from + 2] ?? 0) * weight;
        }
      }
      const to = ((area.y + row) * sheet.width + area.x + column) * 4;
      sheet.data[to] = Math.round(red);
      sheet.data[to + 1] = Math.round(green);
      sheet.data[to + 2] = Math.round(blue);
    }
  }
}

/** For each of `to` pixels in a row: which of `from` pixels it covers, and the weight of each. */
function coverage(from: number, to: number): { index: number; share: number }[][] {
  return Array.from({ length: to }, (_, pixel) => {
    const start = (pixel * from) / to;
    const end = ((pixel + 1) * from) / to;
    const covered = [];
    for (let index = Math.floor(start); index < end; index++) {
      const share = (Math.min(end, index + 1) - Math.max(start, index)) / (end - start);
      if (share > 0) covered.push({ index, share });
    }
    return covered;
  });
}
