import { decode, encode as encodeJpeg } from 'jpeg-js';
import { encode } from '../signing';
import { type StoryboardImage, webVtt } from './storyboard';

/** Tiles across and down. Players' documents advise sheets below 2,000 px: 10 tiles of 160 px have 1,600 px. */
const COLUMNS = 10;
const TILES_PER_SHEET = COLUMNS * COLUMNS;
/** With more tiles the sprite gets too large to be useful: then only every second, third, … picture is used. */
export const MAX_TILES = 1000;
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
 * Makes sheets of at most 10 × 10 tiles from pictures. Only one sheet and one picture are in memory at a time.
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
  const cues: StoryboardImage[] = [];
  let tileHeightPx: number | undefined;
  for (let first = 0; first < chosen.length; first += TILES_PER_SHEET) {
    const onSheet = chosen.slice(first, first + TILES_PER_SHEET);
    const name = `sprite-${first / TILES_PER_SHEET + 1}.jpg`;
    let sheet: Pixels | undefined;
    for (const [index, image] of onSheet.entries()) {
      const picture = decodeJpeg(await read(image));
      tileHeightPx ??= Math.max(1, Math.round((picture.height * tileWidthPx) / picture.width));
      sheet ??= blank(
        Math.min(onSheet.length, COLUMNS) * tileWidthPx,
        Math.ceil(onSheet.length / COLUMNS) * tileHeightPx,
      );
      const x = (index % COLUMNS) * tileWidthPx;
      const y = Math.floor(index / COLUMNS) * tileHeightPx;
      drawScaled(picture, sheet, { x, y, width: tileWidthPx, height: tileHeightPx });
      const next = chosen[first + index + 1];
      const url = `${addressOf(name)}#xywh=${x},${y},${tileWidthPx},${tileHeightPx}`;
      const endTime = next?.startTime ?? image.endTime;
      cues.push({ url, startTime: image.startTime, ...(endTime !== undefined && { endTime }) });
    }
    if (sheet !== undefined) await write(name, encodeJpeg(sheet, JPEG_QUALITY).data);
  }
  return cues.length === 0 ? undefined : webVtt(cues);
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
