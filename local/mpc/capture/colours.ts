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
  AVCOL_SPC_SMPTE2085,
  AVCOL_SPC_UNSPECIFIED,
  AVCOL_SPC_YCGCO,
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
/** Chromium converts these, and no others that FFmpeg cannot convert, as if they were BT.601's. */
const READ_AS_BT601 = new Set<number>([AVCOL_SPC_SMPTE240M, AVCOL_SPC_YCGCO, AVCOL_SPC_SMPTE2085]);
/** ITU-T H.273: what Chromium knows. It ignores all three tags if one of them is another, or unspecified. */
const STATED_PRIMARIES = new Set<number>([1, 4, 5, 6, 7, 8, 9, 10, 11, 12, 22]);
const STATED_TRANSFERS = new Set<number>([1, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18]);
const STATED_MATRICES = new Set<number>([0, 1, 4, 5, 6, 7, 8, 9, 11]);
const MATRIX_WORDS: Record<number, string> = {
  [AVCOL_SPC_BT709]: 'BT.709',
  [AVCOL_SPC_SMPTE170M]: 'BT.601',
  [AVCOL_SPC_BT2020_NCL]: 'BT.2020',
};

interface Tags {
  primaries: number;
  transfer: number;
  matrix: number;
}
const UNTAGGED: Tags = {
  primaries: AVCOL_PRI_UNSPECIFIED,
  transfer: AVCOL_TRC_UNSPECIFIED,
  matrix: AVCOL_SPC_UNSPECIFIED,
};

function isComplete({ primaries, transfer, matrix }: Tags): boolean {
  return STATED_PRIMARIES.has(primaries) && STATED_TRANSFERS.has(transfer) && STATED_MATRICES.has(matrix);
}

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
  const stated: Tags = {
    primaries: said(frame.colorPrimaries, codecpar.colorPrimaries, AVCOL_PRI_UNSPECIFIED),
    transfer: said(frame.colorTrc, codecpar.colorTrc, AVCOL_TRC_UNSPECIFIED),
    matrix: said(frame.colorSpace, codecpar.colorSpace, AVCOL_SPC_UNSPECIFIED),
  };
  // FFmpeg's decoder tags every VP8 stream with the only matrix of the format, which browsers ignore.
  if (codecpar.codecId === AV_CODEC_ID_VP8 && stated.primaries === AVCOL_PRI_UNSPECIFIED)
    stated.matrix = AVCOL_SPC_UNSPECIFIED;
  // Except for those codecs, Chromium takes all three or none.
  const isIgnored = !containerFirst && !isComplete(stated);
  const tags = isIgnored ? UNTAGGED : stated;
  const range = said(frame.colorRange, codecpar.colorRange, AVCOL_RANGE_UNSPECIFIED);
  const isHdr = tags.transfer === AVCOL_TRC_SMPTE2084 || tags.transfer === AVCOL_TRC_ARIB_STD_B67;
  const isWide = tags.primaries === AVCOL_PRI_BT2020 || (isHdr && tags.primaries === AVCOL_PRI_UNSPECIFIED);
  const format = avGetPixFmtName(frame.format as Parameters<typeof avGetPixFmtName>[0]) ?? '';
  const isRgb = /^(0?(rgb|bgr)|gbr|argb|abgr|x2rgb|x2bgr|pal8|xyz)/.test(format);
  const hasAlpha = /^(yuva|rgba|bgra|argb|abgr|gbrap|ya\d|ayuv|vuya|pal8)/.test(format);
  const notes: string[] = [];
  if (video.dolbyVisionProfile === 5) {
    notes.push('Dolby Vision profile 5 has no picture for other players: its colours are not shown rightly');
  }

  const guessed = video.squarePixelSize.height >= BT709_FROM_HEIGHT ? AVCOL_SPC_BT709 : AVCOL_SPC_SMPTE170M;
  let matrix: number = tags.matrix;
  if (isRgb) matrix = AVCOL_SPC_RGB;
  else if (!containerFirst && READ_AS_BT601.has(tags.matrix)) matrix = AVCOL_SPC_SMPTE170M;
  else if (tags.matrix === AVCOL_SPC_UNSPECIFIED) {
    if (isWide) matrix = AVCOL_SPC_BT2020_NCL;
    else if (IS_JFIF.has(codecpar.codecId) || isBt601Untagged(stream)) matrix = AVCOL_SPC_SMPTE170M;
    else if (tags.primaries === AVCOL_PRI_BT709) matrix = AVCOL_SPC_BT709;
    else matrix = tags.primaries === AVCOL_PRI_UNSPECIFIED ? guessed : AVCOL_SPC_SMPTE170M;
  } else if (!KNOWN_MATRICES.has(tags.matrix)) {
    matrix = isWide ? AVCOL_SPC_BT2020_NCL : AVCOL_SPC_BT709;
  }
  const isKnown = KNOWN_MATRICES.has(stated.matrix) || stated.matrix === AVCOL_SPC_UNSPECIFIED;
  if (!isRgb && !isKnown) {
    notes.push(`colour matrix ${stated.matrix} is none that players know: read as ${MATRIX_WORDS[matrix]}`);
  }

  const transfer = TRANSFERS[tags.transfer] ?? 'screen';
  const primaries = isWide ? 'bt2020' : (PRIMARIES[tags.primaries] ?? 'bt709');
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
