import { decode, encode as encodeJpeg } from 'jpeg-js';
import { encode } from '../signing';
import { type StoryboardImage, webVtt } from './storyboard';

/** Tiles across and down, as players' documents advise: a sheet of 160 px tiles stays below 2,000 px. */
const COLUMNS = 10;
const TILES_PER_SHEET = COLUMNS * COLUMNS;
/** More than these make a sprite that is larger than the pictures it saves; every second, third, … is then taken. */
export const MAX_TILES = 1000;
/** The scaled-down picture is compared with its tile in test/shared/views/sprite.test.ts. */
const JPEG_QUALITY = 85;
/** A picture of 3,840 × 2,160 px takes 33 MB; jpeg-js counts its working memory as well. */
const MAX_DECODE_MEMORY_MB = 160;

/** Pixels, 4 bytes each: red, green, blue, and one that JPEG has no use for. */
interface Pixels {
  width: number;
  height: number;
  data: Uint8Array;
}

/**
 * Puts pictures together into sheets of at most 10 × 10 tiles. One sheet is in memory at a time, and one picture.
 * @param images the storyboard; its addresses are not used
 * @param tileWidthPx the height follows from the first picture
 * @param read gives the JPEG of an image
 * @param write takes each sheet as soon as it is done
 * @param addressOf the address of a sheet in the track
 * @returns the track; undefined where there is no picture
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

/** Where a tile lies on its sheet, px. */
interface Area {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** Draws a picture into an area: each pixel is the mean of those that it covers, by the part that it covers of them. */
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

/** For each of `to` pixels in a row: which of `from` pixels it covers, and what part of it each makes up. */
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
