import { AV_CODEC_ID_VP8, AV_CODEC_ID_VP9 } from 'node-av/constants';
import { Bits } from './bits';
import type { Dimensions } from './picture-size';

/** First bytes of a key frame, after the frame tag (RFC 6386, 9.1). */
const VP8_START = Buffer.from('9d012a', 'hex');
const VP9_SYNC = 0x498342;
const VP9_RGB = 7;

/**
 * The size of a key frame of VP8 or VP9, as its own header states it. Players show it whatever the container states.
 * Undefined for other frames and codecs.
 */
export function vpxSize(codecId: number, frame: Buffer): Dimensions | undefined {
  if (codecId === AV_CODEC_ID_VP8) return vp8Size(frame);
  if (codecId === AV_CODEC_ID_VP9) return vp9Size(new Bits([...frame.subarray(0, 16)]));
  return undefined;
}

function vp8Size(frame: Buffer): Dimensions | undefined {
  if (frame.length < 10 || !frame.subarray(3, 6).equals(VP8_START)) return undefined;
  // The two highest bits are a scale that players ignore.
  return { width: frame.readUInt16LE(6) & 0x3fff, height: frame.readUInt16LE(8) & 0x3fff };
}

/** VP9 bitstream specification, 6.2. */
function vp9Size(bits: Bits): Dimensions | undefined {
  if (bits.take(2) !== 2) return undefined;
  const profile = bits.take(1) + 2 * bits.take(1);
  if (profile === 3) bits.take(1);
  const showsExisting = bits.take(1) === 1;
  const isKey = bits.take(1) === 0;
  // Shown, error resilient.
  bits.take(2);
  if (showsExisting || !isKey || bits.take(24) !== VP9_SYNC) return undefined;
  if (profile >= 2) bits.take(1);
  const isRgb = bits.take(3) === VP9_RGB;
  if (!isRgb) bits.take(1);
  if (profile % 2 === 1) bits.take(isRgb ? 1 : 3);
  return { width: bits.take(16) + 1, height: bits.take(16) + 1 };
}
