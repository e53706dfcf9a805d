import {
  AV_CODEC_FLAG_QSCALE,
  AV_CODEC_ID_MJPEG,
  AV_FRAME_FLAG_INTERLACED,
  AV_PIX_FMT_RGB24,
  AV_PIX_FMT_YUV420P,
  AV_PIX_FMT_YUV420P10LE,
  AV_PIX_FMT_YUV420P12LE,
  AV_PIX_FMT_YUV422P,
  AV_PIX_FMT_YUV444P,
  AVCOL_PRI_UNSPECIFIED,
  AVCOL_RANGE_JPEG,
  AVCOL_SPC_BT470BG,
  AVCOL_SPC_BT709,
  AVCOL_SPC_BT2020_NCL,
  AVCOL_SPC_FCC,
  AVCOL_SPC_RGB,
  AVCOL_SPC_SMPTE170M,
  AVCOL_SPC_SMPTE240M,
  AVCOL_TRC_UNSPECIFIED,
  type AVColorRange,
  type AVColorSpace,
  AVERROR_EAGAIN,
} from 'node-av/constants';
import {
  Codec,
  CodecContext,
  FFmpegError,
  type FilterContext,
  FilterGraph,
  Frame,
  Packet,
  Rational,
} from 'node-av/lib';
import { type Colours, coloursOf } from './colours';
import type { Dimensions } from './picture-size';
import { PixelMap, type Primaries } from './pixel-map';
import type { VideoFile } from './video-file';

/** The encoder's scale 2 (best) … 31; 3 is close to quality 88 of other JPEG encoders. */
const QUALITY = 3;
/** FF_QP2LAMBDA: the value of one step of that scale in libavcodec. */
const LAMBDA_PER_STEP = 118;

/** JPEG's own: BT.601 with full range. Without accurate rounding greys become greenish. */
const JPEG_COLOURS = 'out_range=full:out_color_matrix=bt601:flags=bicubic+accurate_rnd+full_chroma_inp';

/** To red, green and blue. */
const PRECISE = 'flags=bicubic+accurate_rnd+full_chroma_int';

/** Works within one frame, so that no other frame must be decoded for it. */
const DEINTERLACER = 'estdif=mode=frame:deint=interlaced';

interface Graph {
  graph: FilterGraph;
  source: FilterContext;
  sink: FilterContext;
  /** True if a frame comes out only when the next one goes in. */
  holdsBack: boolean;
}

/** The steps of a frame: filters and, if its colours are not those of a screen, a map and more filters. */
interface Steps {
  key: string;
  graph: Graph;
  colours: Colours;
  map?: PixelMap;
  finish?: Graph;
}

/** Turns decoded frames into JPEG pictures of one size: scaled, upright, in JPEG's own colours (BT.601, full range). */
export class JpegEncoder {
  readonly #encoder = new CodecContext();
  readonly #picture = new Frame();
  readonly #packet = new Packet();
  #steps: Steps | undefined;
  #encoded = 0n;

  /** @param size of the finished picture */
  constructor(
    readonly size: Dimensions,
    private readonly video: VideoFile,
  ) {
    const codec = Codec.findEncoder(AV_CODEC_ID_MJPEG);
    this.#encoder.allocContext3(codec);
    this.#encoder.width = size.width;
    this.#encoder.height = size.height;
    this.#encoder.pixelFormat = AV_PIX_FMT_YUV420P;
    this.#encoder.colorRange = AVCOL_RANGE_JPEG;
    this.#encoder.timeBase = new Rational(1, 1000);
    this.#encoder.threadCount = 1;
    this.#encoder.setFlags(AV_CODEC_FLAG_QSCALE);
    this.#encoder.globalQuality = LAMBDA_PER_STEP * QUALITY;
    // The standard's own code tables: a fifth less time than tables for each picture, which make it 2 to 6 % smaller.
    check(this.#encoder.setOption('huffman', 'default'), 'set up the JPEG encoder');
    check(this.#encoder.open2Sync(codec), 'open the JPEG encoder');
    this.#picture.alloc();
    this.#packet.alloc();
  }

  /** @returns the picture, and where its colours differ from what the file says */
  encode(decoded: Frame): { jpeg: Buffer; notes: string[] } {
    const { graph, colours, map, finish } = this.#stepsFor(decoded);
    const filtered = this.#picture;
    this.#run(graph, decoded, filtered, colours);
    if (map !== undefined && finish !== undefined) {
      const screen = onScreen(filtered, map, colours.hasAlpha);
      filtered.unref();
      this.#run(finish, screen, filtered);
      screen.free();
    }
    filtered.quality = LAMBDA_PER_STEP * QUALITY;
    filtered.pts = this.#encoded++;
    check(this.#encoder.sendFrameSync(filtered), 'encode a picture');
    check(this.#encoder.receivePacketSync(this.#packet), 'encode a picture');
    const jpeg = Buffer.from(this.#packet.data ?? []);
    this.#packet.unref();
    filtered.unref();
    return { jpeg, notes: [...colours.notes] };
  }

  close(): void {
    this.#freeSteps();
    this.#encoder.freeContext();
    this.#picture.free();
    this.#packet.free();
  }

  /** Filters a frame. */
  #run({ source, sink, holdsBack }: Graph, frame: Frame, result: Frame, colours?: Colours): void {
    let isOut = false;
    for (let times = holdsBack ? 2 : 1; times > 0; times--) {
      const input = frame.clone();
      if (input === null) throw new Error('out of memory');
      if (colours !== undefined) {
        // The scaler refuses unknown tags, and would apply known ones a second time.
        input.colorSpace = colours.matrix as AVColorSpace;
        input.colorRange = colours.range as AVColorRange;
        input.colorPrimaries = AVCOL_PRI_UNSPECIFIED;
        input.colorTrc = AVCOL_TRC_UNSPECIFIED;
      }
      // Filters and encoder refuse a frame whose time is not later than the one before it.
      input.pts = this.#encoded++;
      try {
        check(source.buffersrcAddFrameSync(input), 'scale a picture');
      } finally {
        input.free();
      }
      // The frame that was held back before comes first.
      for (;;) {
        const next = new Frame();
        next.alloc();
        const status = sink.buffersinkGetFrameSync(next);
        if (status >= 0) {
          result.unref();
          check(result.ref(next), 'scale a picture');
          isOut = true;
        }
        next.free();
        if (status === AVERROR_EAGAIN) break;
        check(status, 'scale a picture');
      }
    }
    if (!isOut) throw new Error('cannot scale a picture: the filter gives none');
  }

  #freeSteps(): void {
    this.#steps?.graph.graph.free();
    this.#steps?.finish?.graph.free();
    this.#steps = undefined;
  }

  /** The filters for frames like this one. The format may change within a video. */
  #stepsFor(frame: Frame): Steps {
    const { width, height, format } = frame;
    const colours = coloursOf(frame, this.video);
    const { matrix, range, transfer, primaries, hasAlpha, isMapped } = colours;
    const isInterlaced = frame.hasFlags(AV_FRAME_FLAG_INTERLACED);
    const isVivid = range !== AVCOL_RANGE_JPEG && exceedsRange(frame);
    const key = [width, height, format, matrix, range, transfer, primaries, isInterlaced, isVivid].join();
    if (this.#steps?.key === key) return this.#steps;
    this.#freeSteps();

    const { orientation } = this.video;
    const size = orientation.swapsSides
      ? { width: this.size.height, height: this.size.width }
      : { width: this.size.width, height: this.size.height };
    const source = `buffer@in=video_size=${width}x${height}:pix_fmt=${format}:time_base=1/1000:pixel_aspect=1/1:colorspace=${matrix}:range=${range}`;
    // The two fields of such a frame are from different moments. The second one is dropped and its lines are interpolated.
    const deinterlace = isInterlaced ? [DEINTERLACER] : [];
    const scale = `scale=${size.width}:${size.height}`;
    const end = [...orientation.filters, 'format=pix_fmts=yuv420p:color_ranges=pc'];
    const isEven = size.width % 2 === 0 && size.height % 2 === 0;
    const isDirect = isEven && !isVivid && !hasAlpha && transfer === 'screen';
    const toJpeg = isDirect ? conversionOf(colours) : undefined;
    if (!isMapped || toJpeg !== undefined) {
      const isReduced = DEEP_FORMATS.has(format) && size.width === width && size.height === height;
      let steps: string[];
      if (isVivid) steps = [`${scale}:${PRECISE}`, 'format=rgb24', `scale=${JPEG_COLOURS}`];
      else if (toJpeg === undefined) steps = [`${scale}:${JPEG_COLOURS}`];
      else if (isReduced) steps = [`${toJpeg}:format=yuv420p`];
      else steps = [`${scale}:flags=bicubic`, 'format=yuv420p', toJpeg];
      const graph = makeGraph([source, ...deinterlace, ...steps, ...end]);
      this.#steps = { key, graph, colours };
      return this.#steps;
    }
    const graph = makeGraph([
      source,
      ...deinterlace,
      `${scale}:${PRECISE}`,
      `format=${hasAlpha ? 'rgba64le' : 'rgb48le'}`,
    ]);
    const screen = `buffer@in=video_size=${size.width}x${size.height}:pix_fmt=rgb24:time_base=1/1000:pixel_aspect=1/1:colorspace=gbr:range=pc`;
    const finish = makeGraph([screen, `scale=${JPEG_COLOURS}`, ...end]);
    this.#steps = { key, graph, colours, map: new PixelMap(transfer, primaries, whiteOf(matrix)), finish };
    return this.#steps;
  }
}

/** With 8 bits a sample, each plane for itself. */
const PLANAR_FORMATS = new Set<number>([AV_PIX_FMT_YUV420P, AV_PIX_FMT_YUV422P, AV_PIX_FMT_YUV444P]);
/** Of limited range, and what encoders add to it. */
const [LEAST_CHROMA, MOST_CHROMA] = [16 - 2, 240 + 2];
/** Every so many samples are looked at, and so many of them may exceed the range. */
const [CHROMA_STEP, FEW_SAMPLES] = [13, 0.002];

/**
 * True if colours exceed the range that the file states, as if full range were meant. Browsers clip them only as red,
 * green and blue; JPEG's chroma would clip them sooner.
 */
function exceedsRange({ format, data, width, height, linesize }: Frame): boolean {
  if (!PLANAR_FORMATS.has(format)) return false;
  const isHalfWide = format !== AV_PIX_FMT_YUV444P;
  const isHalfHigh = format === AV_PIX_FMT_YUV420P;
  const columns = isHalfWide ? (width + 1) >> 1 : width;
  const rows = isHalfHigh ? (height + 1) >> 1 : height;
  let [looked, exceeding] = [0, 0];
  for (const plane of [1, 2]) {
    const samples = data?.[plane];
    const stride = linesize[plane];
    if (samples === undefined || stride === undefined) return false;
    for (let row = 0; row < rows; row += 2) {
      for (
        let at = row * stride + (row % CHROMA_STEP), end = row * stride + columns;
        at < end;
        at += CHROMA_STEP
      ) {
        const sample = samples[at] ?? 128;
        looked++;
        if (sample < LEAST_CHROMA || sample > MOST_CHROMA) exceeding++;
      }
    }
  }
  return exceeding > looked * FEW_SAMPLES;
}

/** Of 16 bits: the scaler makes such white of samples that are not red, green and blue. */
function whiteOf(matrix: number): number {
  return matrix === AVCOL_SPC_RGB ? 65_535 : 65_280;
}

/**
 * To JPEG's colours in one step, which is faster than the scaler and rounds without bias. Undefined for red, green and
 * blue, which only the scaler converts, as it does pictures of odd sizes, and for colours that need the map.
 */
function conversionOf({ matrix, range, primaries }: Colours): string | undefined {
  const name = MATRIX_NAMES[matrix];
  const primariesToo = PRIMARIES_TOO[primaries];
  if (name === undefined || primariesToo === undefined) return undefined;
  const from = `ispace=${name}:irange=${range === AVCOL_RANGE_JPEG ? 'pc' : 'tv'}`;
  return `colorspace=${from}:${primariesToo}:space=smpte170m:range=pc`;
}

/** Of these, the conversion makes 8 bits a sample on the way, which takes a quarter of the scaler's time. */
const DEEP_FORMATS = new Set<number>([AV_PIX_FMT_YUV420P10LE, AV_PIX_FMT_YUV420P12LE]);

/** The filter also converts these. PAL's are recorded by many Android devices: the map takes six times as long. */
const PRIMARIES_TOO: Partial<Record<Primaries, string>> = {
  bt709: 'iprimaries=bt709:primaries=bt709:itrc=bt709:trc=bt709:fast=1',
  bt470bg: 'iprimaries=bt470bg:primaries=bt709:itrc=iec61966-2-1:trc=iec61966-2-1',
};
const MATRIX_NAMES: Record<number, string> = {
  [AVCOL_SPC_FCC]: 'fcc',
  [AVCOL_SPC_BT470BG]: 'bt470bg',
  [AVCOL_SPC_SMPTE170M]: 'smpte170m',
  [AVCOL_SPC_BT709]: 'bt709',
  [AVCOL_SPC_SMPTE240M]: 'smpte240m',
  [AVCOL_SPC_BT2020_NCL]: 'bt2020nc',
};

function makeGraph(steps: string[]): Graph {
  const graph = new FilterGraph();
  graph.alloc();
  graph.nbThreads = 1;
  check(graph.parsePtr([...steps, 'buffersink@out'].join(',')), 'set up the scaler');
  check(graph.configSync(), 'set up the scaler');
  const source = graph.getFilter('buffer@in');
  const sink = graph.getFilter('buffersink@out');
  if (source === null || sink === null) throw new Error('the scaler has no ends');
  return { graph, source, sink, holdsBack: steps.includes(DEINTERLACER) };
}

/** The same picture in the screen's colours. */
function onScreen({ width, height, data, linesize }: Frame, map: PixelMap, hasAlpha: boolean): Frame {
  const [plane] = data ?? [];
  const [bytesPerRow] = linesize;
  if (plane === undefined || bytesPerRow === undefined) throw new Error('a picture has no pixels');
  const samples = new Uint16Array(plane.buffer, plane.byteOffset, plane.byteLength >> 1);
  const rgb = map.apply(samples, { width, height, stride: bytesPerRow >> 1, hasAlpha });
  const timeBase = new Rational(1, 1000);
  return Frame.fromVideoBuffer(rgb, { width, height, format: AV_PIX_FMT_RGB24, timeBase, pts: 0n });
}

function check(result: number, step: string): void {
  if (result < 0) throw new Error(`cannot ${step}: ${FFmpegError.strerror(result)}`);
}
