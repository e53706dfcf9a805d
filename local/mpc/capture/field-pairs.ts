import { Bits } from './bits';

/**
 * Finds the packets of an H.264 stream that are the second field of the picture before (ITU-T H.264, 7.3 and
 * 7.4.1.2.4). Works for streams with start codes (Annex B), as in AVI and program streams. In others it finds none.
 */
export class FieldPairs {
  #sequence: Sequence | undefined;
  /** The first field of a pair whose second field may follow. */
  #first: { frameNumber: number; isBottom: boolean } | undefined;

  /** Call this for all packets, in their order. */
  isSecondField(packet: Buffer): boolean {
    for (const at of unitStarts(packet)) {
      const type = packet.readUInt8(at) & 0x1f;
      if (type === SEQUENCE_PARAMETERS) this.#sequence = sequenceOf(bitsOf(packet, at + 1));
      if (type !== SLICE && type !== IDR_SLICE) continue;
      const field = this.#sequence && fieldOf(bitsOf(packet, at + 1), this.#sequence);
      const first = this.#first;
      const isSecond =
        field !== undefined &&
        first?.frameNumber === field.frameNumber &&
        first.isBottom !== field.isBottom &&
        type !== IDR_SLICE;
      this.#first = isSecond ? undefined : field;
      return isSecond;
    }
    return false;
  }
}

/** Types of units (table 7-1). */
const SLICE = 1;
const IDR_SLICE = 5;
const SEQUENCE_PARAMETERS = 7;
/** Both parameter sets and the start of a slice fit into this many bytes, except with very long scaling lists. */
const READ_BYTES = 512;
/** Profiles whose sequence parameters contain chroma. */
const HAS_CHROMA = new Set([100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135]);

interface Sequence {
  frameNumberBits: number;
  hasColourPlanes: boolean;
  hasFieldPictures: boolean;
}

function sequenceOf(bits: Bits): Sequence {
  const profile = bits.take(8);
  bits.take(16);
  bits.number();
  let [chroma, hasColourPlanes] = [1, false];
  if (HAS_CHROMA.has(profile)) {
    chroma = bits.number();
    hasColourPlanes = chroma === 3 && bits.take(1) === 1;
    bits.number();
    bits.number();
    bits.take(1);
    if (bits.take(1) === 1) {
      for (let list = 0; list < (chroma === 3 ? 12 : 8); list++) {
        if (bits.take(1) === 1) passScalingList(bits, list < 6 ? 16 : 64);
      }
    }
  }
  const frameNumberBits = bits.number() + 4;
  const orderType = bits.number();
  if (orderType === 0) bits.number();
  if (orderType === 1) {
    bits.take(1);
    bits.number();
    bits.number();
    const count = bits.number();
    for (let place = 0; place < Math.min(count, 255); place++) bits.number();
  }
  // Reference frames, gaps, width and height.
  bits.number();
  bits.take(1);
  bits.number();
  bits.number();
  return { frameNumberBits, hasColourPlanes, hasFieldPictures: bits.take(1) === 0 };
}

function passScalingList(bits: Bits, size: number): void {
  let [last, next] = [8, 8];
  for (let place = 0; place < size && next !== 0; place++) {
    next = (last + bits.signed() + 256) % 256;
    if (next !== 0) last = next;
  }
}

/** The field of a slice; undefined if the slice belongs to a whole frame. */
function fieldOf(
  bits: Bits,
  { frameNumberBits, hasColourPlanes, hasFieldPictures }: Sequence,
): { frameNumber: number; isBottom: boolean } | undefined {
  if (!hasFieldPictures) return undefined;
  for (const _ of ['first macroblock', 'type', 'picture parameters']) bits.number();
  if (hasColourPlanes) bits.take(2);
  const frameNumber = bits.take(frameNumberBits);
  return bits.take(1) === 1 ? { frameNumber, isBottom: bits.take(1) === 1 } : undefined;
}

/** The positions of units: after each 00 00 01. */
function* unitStarts(packet: Buffer): Generator<number> {
  for (let at = packet.indexOf(START_CODE); at >= 0; at = packet.indexOf(START_CODE, at)) {
    at += START_CODE.length;
    if (at < packet.length) yield at;
  }
}

const START_CODE = Buffer.from([0, 0, 1]);

function bitsOf(packet: Buffer, at: number): Bits {
  // 00 00 03 stands for 00 00 (7.4.1.1).
  const bytes: number[] = [];
  for (const byte of packet.subarray(at, at + READ_BYTES)) {
    if (byte === 3 && bytes.at(-1) === 0 && bytes.at(-2) === 0) bytes.push(-1);
    else bytes.push(byte);
  }
  return new Bits(bytes.filter((byte) => byte >= 0));
}
