import {
  AV_CODEC_FLAG_QSCALE,
  AV_CODEC_ID_MJPEG,
  AV_PIX_FMT_YUV420P,
  AVCOL_RANGE_JPEG,
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
import type { Dimensions } from './picture-size';
import type { Orientation } from './video-file';

/** The encoder's scale 2 (best) … 31; 3 is close to quality 88 of other JPEG encoders. */
const QUALITY = 3;
/** FF_QP2LAMBDA: what one step of that scale counts in libavcodec. */
const LAMBDA_PER_STEP = 118;

/** Turns decoded frames into JPEG pictures of one size: scaled, upright, in JPEG's own colours (BT.601, full range). */
export class JpegEncoder {
  readonly #encoder = new CodecContext();
  readonly #scaled = new Frame();
  readonly #packet = new Packet();
  #graph: { key: string; graph: FilterGraph; source: FilterContext; sink: FilterContext } | undefined;
  #encoded = 0n;

  /** @param size of the finished picture */
  constructor(
    readonly size: Dimensions,
    private readonly orientation: Orientation,
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
    check(this.#encoder.open2Sync(codec), 'open the JPEG encoder');
    this.#scaled.alloc();
    this.#packet.alloc();
  }

  encode(decoded: Frame): Buffer {
    const { source, sink } = this.#graphFor(decoded);
    const input = decoded.clone();
    if (input === null) throw new Error('out of memory');
    // Filter and encoder refuse a frame whose time is not later than the one before it.
    input.pts = this.#encoded++;
    try {
      check(source.buffersrcAddFrameSync(input), 'scale a picture');
      check(sink.buffersinkGetFrameSync(this.#scaled), 'scale a picture');
    } finally {
      input.free();
    }
    this.#scaled.quality = LAMBDA_PER_STEP * QUALITY;
    check(this.#encoder.sendFrameSync(this.#scaled), 'encode a picture');
    check(this.#encoder.receivePacketSync(this.#packet), 'encode a picture');
    const jpeg = Buffer.from(this.#packet.data ?? []);
    this.#packet.unref();
    this.#scaled.unref();
    return jpeg;
  }

  close(): void {
    this.#graph?.graph.free();
    this.#encoder.freeContext();
    this.#scaled.free();
    this.#packet.free();
  }

  /** The filters for frames like this one; a video may change its format on the way. */
  #graphFor(frame: Frame): { source: FilterContext; sink: FilterContext } {
    const { width, height, format, colorSpace, colorRange } = frame;
    const key = [width, height, format, colorSpace, colorRange].join();
    if (this.#graph?.key === key) return this.#graph;
    this.#graph?.graph.free();

    const turned = this.orientation.swapsSides;
    const scale = turned
      ? { width: this.size.height, height: this.size.width }
      : { width: this.size.width, height: this.size.height };
    const graph = new FilterGraph();
    graph.alloc();
    graph.nbThreads = 1;
    const steps = [
      `buffer@in=video_size=${width}x${height}:pix_fmt=${format}:time_base=1/1000:pixel_aspect=1/1:colorspace=${colorSpace}:range=${colorRange}`,
      `scale=${scale.width}:${scale.height}:flags=bicubic:out_range=full:out_color_matrix=bt601`,
      ...this.orientation.filters,
      'format=pix_fmts=yuv420p:color_ranges=pc',
      'buffersink@out',
    ];
    check(graph.parsePtr(steps.join(',')), 'set up the scaler');
    check(graph.configSync(), 'set up the scaler');
    const source = graph.getFilter('buffer@in');
    const sink = graph.getFilter('buffersink@out');
    if (source === null || sink === null) throw new Error('the scaler has no ends');
    this.#graph = { key, graph, source, sink };
    return this.#graph;
  }
}

function check(result: number, step: string): void {
  if (result < 0) throw new Error(`cannot ${step}: ${FFmpegError.strerror(result)}`);
}
