import {
  AV_CODEC_ID_AV1,
  AV_CODEC_ID_MJPEG,
  AV_CODEC_ID_VP8,
  AV_CODEC_ID_VP9,
  AVCOL_PRI_BT709,
  AVCOL_PRI_BT2020,
  AVCOL_PRI_UNSPECIFIED,
  AVCOL_RANGE_JPEG,
  AVCOL_RANGE_UNSPECIFIED,
  AVCOL_SPC_BT470BG,
  AVCOL_SPC_BT709,
  AVCOL_SPC_BT2020_NCL,
  AVCOL_SPC_FCC,
  AVCOL_SPC_RGB,
  AVCOL_SPC_SMPTE170M,
  AVCOL_SPC_SMPTE240M,
  AVCOL_SPC_UNSPECIFIED,
  AVCOL_TRC_ARIB_STD_B67,
  AVCOL_TRC_SMPTE2084,
  AVCOL_TRC_UNSPECIFIED,
} from 'node-av/constants';
import { avGetPixFmtName, type Frame } from 'node-av/lib';
import { isBt601Untagged } from './codecs';
import { mapsColours, type Primaries, type Transfer } from './pixel-map';
import type { VideoFile } from './video-file';

/** From this height on, players read pictures without colour tags as BT.709. */
const BT709_FROM_HEIGHT = 720;

/** The matrices that FFmpeg's scaler can convert. Players know no others. */
const KNOWN_MATRICES = new Set<number>([
  AVCOL_SPC_BT709,
  AVCOL_SPC_FCC,
  AVCOL_SPC_BT470BG,
  AVCOL_SPC_SMPTE170M,
  AVCOL_SPC_SMPTE240M,
  AVCOL_SPC_BT2020_NCL,
]);
/** For these, Chromium believes the container; for all others, the stream. */
const CONTAINER_DECIDES = new Set<number>([AV_CODEC_ID_VP8, AV_CODEC_ID_VP9, AV_CODEC_ID_AV1]);
/** Its pictures have JFIF's colours. */
const IS_JFIF = new Set<number>([AV_CODEC_ID_MJPEG]);

/** How to read the samples of a frame. */
export interface Colours {
  /** Value for FFmpeg's `buffer` filter. */
  matrix: number;
  range: number;
  transfer: Transfer;
  primaries: Primaries;
  hasAlpha: boolean;
  /** The colours differ from those of a screen, so each pixel must be converted. */
  isMapped: boolean;
  /** Where the colours differ from what the file says, for the task's description. */
  notes: string[];
}

/** The meaning of a frame's samples: as the stream says or, if it says nothing, as Chromium reads them. */
export function coloursOf(frame: Frame, video: VideoFile): Colours {
  const { stream } = video;
  const { codecpar } = stream;
  const containerFirst = CONTAINER_DECIDES.has(codecpar.codecId);
  const said = <T extends number>(ofFrame: T, ofContainer: T, unspecified: T): T => {
    const [first, second] = containerFirst ? [ofContainer, ofFrame] : [ofFrame, ofContainer];
    return first === unspecified ? second : first;
  };
  const taggedPrimaries = said(frame.colorPrimaries, codecpar.colorPrimaries, AVCOL_PRI_UNSPECIFIED);
  const taggedTransfer = said(frame.colorTrc, codecpar.colorTrc, AVCOL_TRC_UNSPECIFIED);
  // FFmpeg's decoder tags every VP8 stream with the only matrix of the format, which browsers ignore.
  const isTaggedByFfmpeg = codecpar.codecId === AV_CODEC_ID_VP8 && taggedPrimaries === AVCOL_PRI_UNSPECIFIED;
  const taggedMatrix = isTaggedByFfmpeg
    ? AVCOL_SPC_UNSPECIFIED
    : said(frame.colorSpace, codecpar.colorSpace, AVCOL_SPC_UNSPECIFIED);
  const range = said(frame.colorRange, codecpar.colorRange, AVCOL_RANGE_UNSPECIFIED);
  const isHdr = taggedTransfer === AVCOL_TRC_SMPTE2084 || taggedTransfer === AVCOL_TRC_ARIB_STD_B67;
  const isWide = taggedPrimaries === AVCOL_PRI_BT2020 || (isHdr && taggedPrimaries === AVCOL_PRI_UNSPECIFIED);
  const format = avGetPixFmtName(frame.format as Parameters<typeof avGetPixFmtName>[0]) ?? '';
  const isRgb = /^(0?(rgb|bgr)|gbr|argb|abgr|x2rgb|x2bgr|pal8|xyz)/.test(format);
  const hasAlpha = /^(yuva|rgba|bgra|argb|abgr|gbrap|ya\d|ayuv|vuya|pal8)/.test(format);
  const notes: string[] = [];
  if (video.dolbyVisionProfile === 5) {
    notes.push('Dolby Vision profile 5 has no picture for other players: its colours are not shown rightly');
  }

  let matrix: number = taggedMatrix;
  if (isRgb) matrix = AVCOL_SPC_RGB;
  else if (taggedMatrix === AVCOL_SPC_UNSPECIFIED) {
    if (isWide) matrix = AVCOL_SPC_BT2020_NCL;
    else if (IS_JFIF.has(codecpar.codecId) || isBt601Untagged(stream)) matrix = AVCOL_SPC_SMPTE170M;
    else if (taggedPrimaries === AVCOL_PRI_BT709) matrix = AVCOL_SPC_BT709;
    else if (taggedPrimaries !== AVCOL_PRI_UNSPECIFIED) matrix = AVCOL_SPC_SMPTE170M;
    else matrix = video.squarePixelSize.height >= BT709_FROM_HEIGHT ? AVCOL_SPC_BT709 : AVCOL_SPC_SMPTE170M;
  } else if (!KNOWN_MATRICES.has(taggedMatrix)) {
    matrix = isWide ? AVCOL_SPC_BT2020_NCL : AVCOL_SPC_BT709;
    notes.push(
      `colour matrix ${taggedMatrix} is none that players know: read as ${isWide ? 'BT.2020' : 'BT.709'}`,
    );
  }

  const transfer = TRANSFERS[taggedTransfer] ?? 'screen';
  const primaries = isWide ? 'bt2020' : (PRIMARIES[taggedPrimaries] ?? 'bt709');
  return {
    matrix,
    range: isRgb ? AVCOL_RANGE_JPEG : range,
    transfer,
    primaries,
    hasAlpha,
    isMapped: hasAlpha || mapsColours(transfer, primaries),
    notes,
  };
}

/** Numbers of ITU-T H.273, table 3. Chromium treats all others like the screen's own. */
const TRANSFERS: Record<number, Transfer> = { 4: 'gamma22', 5: 'gamma28', 8: 'linear', 16: 'pq', 18: 'hlg' };
/** Numbers of ITU-T H.273, table 2. Those of BT.601 for 525 lines and all others are treated like BT.709's. */
const PRIMARIES: Record<number, Primaries> = {
  4: 'bt470m',
  5: 'bt470bg',
  8: 'film',
  9: 'bt2020',
  11: 'dciP3',
  12: 'displayP3',
};
