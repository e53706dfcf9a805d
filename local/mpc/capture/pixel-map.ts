/** How brightness is coded. `screen`: as in sRGB; players read BT.709 and BT.601 as sRGB too. */
export type Transfer = 'screen' | 'gamma22' | 'gamma28' | 'linear' | 'pq' | 'hlg';

/** The meaning of red, green and blue. */
export type Primaries = 'bt709' | 'bt2020' | 'displayP3' | 'dciP3' | 'bt470m' | 'bt470bg' | 'film';

/** BT.2408: the brightness of white paper, and the peak of usual gradings; cd/m². */
const PAPER_WHITE_NITS = 203;
const PEAK_NITS = 1000;
const PEAK = PEAK_NITS / PAPER_WHITE_NITS;
/** Paper white is shown half as bright as the screen's white, to leave room for brighter light. */
const SHOWN_PAPER_WHITE = 0.5;
/** Where the curve above paper white bends: SMPTE ST 2094-50's mapping for reference white, as Skia has it. */
const BEND = 0.65;
const BEND_IN = 1 - BEND + BEND / SHOWN_PAPER_WHITE;
const BEND_OUT = (1 - BEND) * SHOWN_PAPER_WHITE + BEND;
/** System gamma of HLG at 1000 cd/m² (BT.2100). */
const HLG_GAMMA = 1.2;

const DECODED_STEPS = 4096;
const ENCODED_STEPS = 16_384;
const D65: [number, number] = [0.3127, 0.329];

/** x and y of red, green and blue (ITU-T H.273, table 2). White becomes the screen's white. */
const CHROMATICITIES: Record<Primaries, [number, number][]> = {
  bt709: [
    [0.64, 0.33],
    [0.3, 0.6],
    [0.15, 0.06],
  ],
  bt2020: [
    [0.708, 0.292],
    [0.17, 0.797],
    [0.131, 0.046],
  ],
  displayP3: [
    [0.68, 0.32],
    [0.265, 0.69],
    [0.15, 0.06],
  ],
  dciP3: [
    [0.68, 0.32],
    [0.265, 0.69],
    [0.15, 0.06],
  ],
  bt470m: [
    [0.67, 0.33],
    [0.21, 0.71],
    [0.14, 0.08],
  ],
  bt470bg: [
    [0.64, 0.33],
    [0.29, 0.6],
    [0.15, 0.06],
  ],
  film: [
    [0.681, 0.319],
    [0.243, 0.692],
    [0.145, 0.049],
  ],
};

type Matrix = [number, number, number, number, number, number, number, number, number];

/** True if pixels of these colours differ from those of a screen. */
export function mapsColours(transfer: Transfer, primaries: Primaries): boolean {
  return transfer !== 'screen' || primaries !== 'bt709';
}

/**
 * Turns pixels into those of a screen (sRGB). HDR becomes as bright as Chromium shows it on a screen without HDR,
 * colours outside the range are clipped, and transparent pixels get a white background.
 */
export class PixelMap {
  readonly #decoded: Float32Array;
  readonly #encoded: Uint8Array;
  readonly #matrix: Matrix;

  /** @param white the 16-bit sample of the brightest light */
  constructor(
    private readonly transfer: Transfer,
    primaries: Primaries,
    white: number,
  ) {
    const samplesPerStep = 65_536 / DECODED_STEPS;
    this.#decoded = Float32Array.from({ length: DECODED_STEPS }, (_, step) =>
      decoded(Math.min(1, ((step + 0.5) * samplesPerStep) / white), transfer),
    );
    this.#encoded = Uint8Array.from({ length: ENCODED_STEPS + 1 }, (_, step) =>
      Math.round(255 * encoded(step / ENCODED_STEPS)),
    );
    this.#matrix = multiply(inverse(toXyz(CHROMATICITIES.bt709)), toXyz(CHROMATICITIES[primaries]));
  }

  /**
   * @param samples rows of `stride` numbers, each pixel of 3 (red, green, blue) or with alpha 4 numbers of 16 bits
   * @returns red, green and blue of 8 bits each, without padding
   */
  apply(
    samples: Uint16Array,
    { width, height, stride, hasAlpha }: { width: number; height: number; stride: number; hasAlpha: boolean },
  ): Buffer {
    const screen = Buffer.allocUnsafe(width * height * 3);
    const step = hasAlpha ? 4 : 3;
    const isHdr = this.transfer === 'pq' || this.transfer === 'hlg';
    const isHlg = this.transfer === 'hlg';
    const [m0, m1, m2, m3, m4, m5, m6, m7, m8] = this.#matrix;
    const from = this.#decoded;
    const to = this.#encoded;
    let out = 0;
    for (let y = 0; y < height; y++) {
      for (let at = y * stride, end = at + width * step; at < end; at += step) {
        let red = from[(samples[at] ?? 0) >> 4] ?? 0;
        let green = from[(samples[at + 1] ?? 0) >> 4] ?? 0;
        let blue = from[(samples[at + 2] ?? 0) >> 4] ?? 0;
        if (isHdr) {
          let gain = 1;
          if (isHlg) gain = PEAK * (0.2627 * red + 0.678 * green + 0.0593 * blue) ** (HLG_GAMMA - 1);
          const brightest = gain * Math.max(red, green, blue);
          gain *= brightest <= 1 ? SHOWN_PAPER_WHITE : shown(brightest) / brightest;
          red *= gain;
          green *= gain;
          blue *= gain;
        }
        screen[out] = to[index(m0 * red + m1 * green + m2 * blue)] ?? 0;
        screen[out + 1] = to[index(m3 * red + m4 * green + m5 * blue)] ?? 0;
        screen[out + 2] = to[index(m6 * red + m7 * green + m8 * blue)] ?? 0;
        if (hasAlpha) {
          const alpha = (samples[at + 3] ?? 0) / 65_535;
          for (let channel = out; channel < out + 3; channel++) {
            screen[channel] = Math.round((screen[channel] ?? 0) * alpha + 255 * (1 - alpha));
          }
        }
        out += 3;
      }
    }
    return screen;
  }
}

function index(light: number): number {
  return light <= 0 ? 0 : light >= 1 ? ENCODED_STEPS : (light * ENCODED_STEPS + 0.5) | 0;
}

/** The screen's brightness for light above paper white: a quadratic Bézier curve from there to the peak. */
function shown(light: number): number {
  if (light >= PEAK) return 1;
  const a = 1 - 2 * BEND_IN + PEAK;
  const b = 2 * BEND_IN - 2;
  const t = (-b + Math.sqrt(b * b + 4 * a * (light - 1))) / (2 * a);
  return (
    SHOWN_PAPER_WHITE +
    t * 2 * (BEND_OUT - SHOWN_PAPER_WHITE) +
    t * t * (SHOWN_PAPER_WHITE - 2 * BEND_OUT + 1)
  );
}

/** The light of a coded value from 0 to 1. For PQ 1 is paper white, for HLG the brightest light of the scene. */
function decoded(value: number, transfer: Transfer): number {
  switch (transfer) {
    case 'linear':
      return value;
    case 'gamma22':
      return value ** 2.2;
    case 'gamma28':
      return value ** 2.8;
    case 'pq': {
      // SMPTE ST 2084.
      const root = value ** (32 / 2523);
      const ratio = Math.max(root - 3424 / 4096, 0) / (2413 / 128 - (2392 / 128) * root);
      return (10_000 / PAPER_WHITE_NITS) * ratio ** (16_384 / 2610);
    }
    case 'hlg': {
      // ARIB STD-B67.
      const a = 0.17883277;
      const b = 1 - 4 * a;
      const c = 0.5 - a * Math.log(4 * a);
      return value <= 0.5 ? value ** 2 / 3 : (Math.exp((value - c) / a) + b) / 12;
    }
    default:
      return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  }
}

function encoded(light: number): number {
  return light <= 0.0031308 ? light * 12.92 : 1.055 * light ** (1 / 2.4) - 0.055;
}

/** From red, green and blue to CIE XYZ, with D65 as white. */
function toXyz(points: [number, number][]): Matrix {
  const columns = points.map(([x, y]) => [x / y, 1, (1 - x - y) / y]);
  const rows = [0, 1, 2].flatMap((row) => columns.map((column) => column[row] ?? 0)) as Matrix;
  const [x, y] = D65;
  const white = [x / y, 1, (1 - x - y) / y];
  const scales = [0, 1, 2].map((row) =>
    white.reduce((sum, value, column) => sum + (inverse(rows)[row * 3 + column] ?? 0) * value, 0),
  );
  return rows.map((value, place) => value * (scales[place % 3] ?? 0)) as Matrix;
}

function multiply(left: Matrix, right: Matrix): Matrix {
  return left.map((_, place) => {
    const [row, column] = [Math.floor(place / 3) * 3, place % 3];
    return [0, 1, 2].reduce((sum, k) => sum + (left[row + k] ?? 0) * (right[k * 3 + column] ?? 0), 0);
  }) as Matrix;
}

function inverse([a, b, c, d, e, f, g, h, i]: Matrix): Matrix {
  const determinant = a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g);
  const adjugate = [
    e * i - f * h,
    c * h - b * i,
    b * f - c * e,
    f * g - d * i,
    a * i - c * g,
    c * d - a * f,
    d * h - e * g,
    b * g - a * h,
    a * e - b * d,
  ];
  return adjugate.map((value) => value / determinant) as Matrix;
}
