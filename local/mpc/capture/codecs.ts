import {
  AV_CODEC_ID_AV1,
  AV_CODEC_ID_FLV1,
  AV_CODEC_ID_H263,
  AV_CODEC_ID_H264,
  AV_CODEC_ID_HEVC,
  AV_CODEC_ID_MPEG1VIDEO,
  AV_CODEC_ID_MPEG2VIDEO,
  AV_CODEC_ID_MPEG4,
  AV_CODEC_ID_MSMPEG4V1,
  AV_CODEC_ID_MSMPEG4V2,
  AV_CODEC_ID_MSMPEG4V3,
  AV_CODEC_ID_VC1,
  AV_CODEC_ID_VP8,
  AV_CODEC_ID_VP9,
  AV_CODEC_ID_VVC,
  AV_CODEC_ID_WMV1,
  AV_CODEC_ID_WMV2,
  AV_CODEC_ID_WMV3,
} from 'node-av/constants';
import { avGetCodecName, type Stream } from 'node-av/lib';

const SHOWS_WITHOUT_REFERENCES = new Set<number>([
  AV_CODEC_ID_MPEG1VIDEO,
  AV_CODEC_ID_MPEG2VIDEO,
  AV_CODEC_ID_MPEG4,
  AV_CODEC_ID_MSMPEG4V1,
  AV_CODEC_ID_MSMPEG4V2,
  AV_CODEC_ID_MSMPEG4V3,
  AV_CODEC_ID_WMV1,
  AV_CODEC_ID_WMV2,
  AV_CODEC_ID_WMV3,
  AV_CODEC_ID_VC1,
  AV_CODEC_ID_H263,
  AV_CODEC_ID_FLV1,
]);
const REORDERS_FREELY = new Set<number>([AV_CODEC_ID_H264, AV_CODEC_ID_HEVC, AV_CODEC_ID_VVC]);
const STATES_SIZE = new Set<number>([AV_CODEC_ID_VP8, AV_CODEC_ID_VP9]);
const IS_BT601_UNTAGGED = new Set<number>([AV_CODEC_ID_VP9, AV_CODEC_ID_AV1]);

/**
 * True if the decoder shows grey or black where a reference is missing. Other decoders hide such pictures themselves.
 */
export function showsWithoutReferences({ codecpar }: Stream): boolean {
  return SHOWS_WITHOUT_REFERENCES.has(codecpar.codecId);
}

/**
 * True if the order of storing frames may differ from the order of showing them in a way that decoding times do not
 * reveal.
 */
export function reordersFreely({ codecpar }: Stream): boolean {
  return REORDERS_FREELY.has(codecpar.codecId);
}

/** True if each key frame states its size, which FFmpeg does not look at before decoding. */
export function statesSize({ codecpar }: Stream): boolean {
  return STATES_SIZE.has(codecpar.codecId);
}

/** True if Chromium reads pictures of any size without colour tags as BT.601. */
export function isBt601Untagged({ codecpar }: Stream): boolean {
  return IS_BT601_UNTAGGED.has(codecpar.codecId);
}

/** FFmpeg's name of the codec, or the file's four-letter code if FFmpeg does not know the codec. */
export function codecNameOf({ codecpar }: Stream): string {
  const name = avGetCodecName(codecpar.codecId) ?? 'none';
  if (name !== 'none' && !name.startsWith('unknown')) return name;
  const { codecTag, codecTagString = '' } = codecpar;
  if (codecTag === 0) return 'unknown';
  // FFmpeg writes bytes that are no letters as numbers in brackets.
  return codecTagString === null || /\[\d+\]/.test(codecTagString)
    ? `0x${codecTag.toString(16)}`
    : codecTagString;
}
