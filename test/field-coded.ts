/**
 * H.264 (Main) whose fields are coded apart, as camcorders of AVCHD and interlaced television do, made by hand from
 * ITU-T H.264: every macroblock is I_PCM, so that no encoder is needed. 25 frames of 16 × 32 a second, one IDR in five.
 */

/** The luma of all samples of a frame, 8 bits, limited range. */
export function fieldLuma(frame: number): number {
  return 40 + ((frame * 6) % 180);
}

const FRAMES_PER_IDR = 5;

class Bits {
  #bits: number[] = [];

  u(count: number, value: number): this {
    for (let place = count - 1; place >= 0; place--) this.#bits.push(Math.floor(value / 2 ** place) % 2);
    return this;
  }

  ue(value: number): this {
    const length = Math.floor(Math.log2(value + 1));
    return this.u(length, 0).u(length + 1, value + 1);
  }

  align(): this {
    while (this.#bits.length % 8 !== 0) this.#bits.push(0);
    return this;
  }

  trail(): this {
    this.#bits.push(1);
    return this.align();
  }

  bytes(): number[] {
    return Array.from({ length: this.#bits.length / 8 }, (_, byte) =>
      Number.parseInt(this.#bits.slice(byte * 8, byte * 8 + 8).join(''), 2),
    );
  }
}

function nal(header: number, payload: readonly number[]): Buffer {
  const bytes = [0, 0, 0, 1, header];
  let zeros = 0;
  for (const byte of payload) {
    if (zeros >= 2 && byte <= 3) {
      bytes.push(3);
      zeros = 0;
    }
    bytes.push(byte);
    zeros = byte === 0 ? zeros + 1 : 0;
  }
  return Buffer.from(bytes);
}

/** Sequence and picture parameter set. */
export function fieldCodedHeader(): Buffer {
  const sequence = new Bits().u(8, 77).u(8, 0).u(8, 30).ue(0).ue(0).ue(0).ue(4).ue(1).u(1, 0).ue(0).ue(0);
  // frame_mbs_only_flag 0; then the timing of 50 fields a second.
  sequence.u(1, 0).u(1, 0).u(1, 1).u(1, 0).u(1, 1).u(4, 0).u(1, 1).u(32, 1).u(32, 50).u(1, 1).u(4, 0).trail();
  const picture = new Bits().ue(0).ue(0).u(2, 0).ue(0).ue(0).ue(0).u(3, 0).ue(0).ue(0).ue(0).u(3, 0).trail();
  return Buffer.concat([nal(0x67, sequence.bytes()), nal(0x68, picture.bytes())]);
}

/** One field in Annex B form; the first one of each IDR picture begins with the parameter sets. */
export function codedField(frame: number, isBottom: boolean): { data: Buffer; isKey: boolean } {
  const inGroup = frame % FRAMES_PER_IDR;
  const isIdr = inGroup === 0 && !isBottom;
  const slice = new Bits()
    .ue(0)
    .ue(inGroup === 0 && isBottom ? 2 : 7)
    .ue(0)
    .u(4, inGroup)
    .u(1, 1);
  slice.u(1, isBottom ? 1 : 0);
  if (isIdr) slice.ue(Math.floor(frame / FRAMES_PER_IDR) % 2);
  slice.u(8, inGroup * 2 + (isBottom ? 1 : 0)).u(isIdr ? 2 : 1, 0);
  // slice_qp_delta, then one macroblock of I_PCM.
  slice.ue(0).ue(25).align();
  for (let sample = 0; sample < 256; sample++) slice.u(8, fieldLuma(frame));
  for (let sample = 0; sample < 128; sample++) slice.u(8, 128);
  const field = nal(isIdr ? 0x45 : 0x41, slice.trail().bytes());
  return { data: isIdr ? Buffer.concat([fieldCodedHeader(), field]) : field, isKey: isIdr };
}
