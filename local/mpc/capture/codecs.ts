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
const IS_BT601_UNTAGGED = new Set<number>([AV_CODEC_ID_VP9, AV_CODEC_ID_AV1]);

/** True when the decoder shows grey or black where a reference is missing; others hide such pictures themselves. */
export function showsWithoutReferences({ codecpar }: Stream): boolean {
  return SHOWS_WITHOUT_REFERENCES.has(codecpar.codecId);
}

/** True when frames may be stored in another order than they are shown in, which decoding times do not tell. */
export function reordersFreely({ codecpar }: Stream): boolean {
  return REORDERS_FREELY.has(codecpar.codecId);
}

/** True when Chromium takes pictures of any size for BT.601 if nothing is said. */
export function isBt601Untagged({ codecpar }: Stream): boolean {
  return IS_BT601_UNTAGGED.has(codecpar.codecId);
}

/** FFmpeg's name of the codec, or the four letters by which the file calls one that FFmpeg does not know. */
export function codecNameOf({ codecpar }: Stream): string {
  const name = avGetCodecName(codecpar.codecId) ?? 'none';
  if (name !== 'none' && !name.startsWith('unknown')) return name;
  const tag = codecpar.codecTagString ?? '';
  return codecpar.codecTag === 0 ? 'unknown' : tag;
}
