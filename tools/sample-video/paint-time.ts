/** A picture in the form of video encoders: 8-bit planar YCbCr 4:2:0, limited range, one plane after the other. */
export interface YuvPicture {
  width: number;
  height: number;
  data: Buffer;
}

const WHITE = 235;
const BLACK = 16;
const NEUTRAL = 128;

/** The seven segments of a digit on a grid 1 wide and 2 high: from x, y to x, y. */
const BARS = {
  top: [0, 0, 1, 0],
  upperLeft: [0, 0, 0, 1],
  upperRight: [1, 0, 1, 1],
  middle: [0, 1, 1, 1],
  lowerLeft: [0, 1, 0, 2],
  lowerRight: [1, 1, 1, 2],
  bottom: [0, 2, 1, 2],
} as const;
type Bar = keyof typeof BARS;

const ALL_BARS = Object.keys(BARS) as Bar[];
const without = (...missing: Bar[]) => ALL_BARS.filter((bar) => !missing.includes(bar));
const DIGITS: readonly (readonly Bar[])[] = [
  without('middle'),
  ['upperRight', 'lowerRight'],
  without('upperLeft', 'lowerRight'),
  without('upperLeft', 'lowerLeft'),
  ['upperLeft', 'upperRight', 'middle', 'lowerRight'],
  without('upperRight', 'lowerLeft'),
  without('upperRight'),
  ['top', 'upperRight', 'lowerRight'],
  ALL_BARS,
  without('lowerLeft'),
];

/** How white each pixel of a character becomes (`ink`), and how dark around it (`shade`), 0 … 1. */
interface Glyph {
  width: number;
  height: number;
  ink: Float32Array;
  shade: Float32Array;
}
const glyphs = new Map<string, Glyph>();

/** `63450` ms as `01:03.450`. */
export function clockText(timeMs: number): string {
  const ms = Math.round(timeMs);
  const pad = (value: number, digits: number) => String(value).padStart(digits, '0');
  return `${pad(Math.floor(ms / 60_000), 2)}:${pad(Math.floor(ms / 1000) % 60, 2)}.${pad(ms % 1000, 3)}`;
}

/** The width of a text of digits, colons and points at this height, both in pixels. */
export function textWidth(text: string, height: number): number {
  return [...text].reduce((width, character) => width + glyph(character, height).width, 0);
}

/** Draws digits, colons and points, white with a dark rim, with the top left corner at x, y (pixels). */
export function paintText(picture: YuvPicture, text: string, x: number, y: number, height: number): void {
  let left = Math.round(x);
  for (const character of text) {
    const shape = glyph(character, height);
    paintGlyph(picture, shape, left, Math.round(y));
    left += shape.width;
  }
}

function paintGlyph(picture: YuvPicture, shape: Glyph, left: number, top: number): void {
  const { width, height, data } = picture;
  const chromaWidth = (width + 1) >> 1;
  const blueAt = width * height;
  const redAt = blueAt + chromaWidth * ((height + 1) >> 1);
  for (let row = 0; row < shape.height; row++) {
    const y = top + row;
    if (y < 0 || y >= height) continue;
    for (let column = 0; column < shape.width; column++) {
      const x = left + column;
      if (x < 0 || x >= width) continue;
      const ink = shape.ink[row * shape.width + column] ?? 0;
      const cover = Math.max(ink, shape.shade[row * shape.width + column] ?? 0);
      if (cover === 0) continue;
      const at = y * width + x;
      const rimmed = (data[at] ?? 0) * (1 - cover) + BLACK * cover;
      data[at] = Math.round(rimmed * (1 - ink) + WHITE * ink);
      if ((x | y) & 1) continue;
      const chroma = (y >> 1) * chromaWidth + (x >> 1);
      for (const plane of [blueAt, redAt]) {
        data[plane + chroma] = Math.round((data[plane + chroma] ?? 0) * (1 - cover) + NEUTRAL * cover);
      }
    }
  }
}

/** The shape of a character: strokes with round ends. It is cached, because every frame needs it. */
function glyph(character: string, height: number): Glyph {
  const key = `${character}${height}`;
  const known = glyphs.get(key);
  if (known !== undefined) return known;

  const strokeRadius = height * 0.065;
  const rim = height * 0.07;
  const margin = strokeRadius + rim;
  const bar = (height - 2 * margin) / 2;
  const digit = DIGITS[Number(character)];
  const dots = character === ':' ? [0.55, 1.45] : [2];
  const strokes: readonly (readonly number[])[] =
    digit?.map((name) => BARS[name]) ?? dots.map((y) => [0, y, 0, y]);
  const glyphWidth = Math.ceil(2 * margin + (digit ? bar * 0.95 : 0));
  const shape: Glyph = {
    width: glyphWidth,
    height,
    ink: new Float32Array(glyphWidth * height),
    shade: new Float32Array(glyphWidth * height),
  };
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < glyphWidth; x++) {
      const distances = strokes.map(([x1 = 0, y1 = 0, x2 = 0, y2 = 0]) =>
        distance(
          x + 0.5,
          y + 0.5,
          margin + x1 * bar * 0.95,
          margin + y1 * bar,
          margin + x2 * bar * 0.95,
          margin + y2 * bar,
        ),
      );
      const nearest = Math.min(...distances);
      shape.ink[y * glyphWidth + x] = clamp(strokeRadius - nearest + 0.5);
      shape.shade[y * glyphWidth + x] = 0.75 * clamp((strokeRadius + rim - nearest) / rim);
    }
  }
  glyphs.set(key, shape);
  return shape;
}

/** The distance of a point from the line between two others, which may be the same point. */
function distance(x: number, y: number, x1: number, y1: number, x2: number, y2: number): number {
  const lengthSquared = (x2 - x1) ** 2 + (y2 - y1) ** 2;
  const along =
    lengthSquared === 0 ? 0 : clamp(((x - x1) * (x2 - x1) + (y - y1) * (y2 - y1)) / lengthSquared);
  return Math.hypot(x - x1 - along * (x2 - x1), y - y1 - along * (y2 - y1));
}

function clamp(value: number): number {
  return Math.min(1, Math.max(0, value));
}
