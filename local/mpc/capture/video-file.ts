import {
  AV_CODEC_ID_MPEG4,
  AV_DISPOSITION_ATTACHED_PIC,
  AV_NOPTS_VALUE,
  AV_PKT_DATA_DISPLAYMATRIX,
  AV_PKT_DATA_DOVI_CONF,
  AVDISCARD_ALL,
  AVERROR_EAGAIN,
  AVFMT_FLAG_GENPTS,
  AVMEDIA_TYPE_AUDIO,
  AVMEDIA_TYPE_VIDEO,
  AVSEEK_FLAG_BACKWARD,
} from 'node-av/constants';
import {
  avGetCodecName,
  Codec,
  type CodecContext,
  FormatContext,
  Packet,
  type Rational,
  type Stream,
} from 'node-av/lib';
import { CaptureError } from './capture-error';
import { codecNameOf, reordersFreely, statesSize } from './codecs';
import { openDecoder } from './decoder';
import { encryptionOf, matroskaCodec, whyNoPicture, whyUnreadable, wordsAbout } from './file-words';
import { MAX_DURATION_MS, MAX_STREAMS } from './limits';
import type { Dimensions } from './picture-size';
import { statesDecodingTimes, timeOf, timingOf } from './times';
import { vpxSize } from './vpx-size';
import type { VideoInfo } from './worker-messages';

/** How a stored picture becomes the displayed one: FFmpeg's filters, and whether they swap width and height. */
export interface Orientation {
  filters: string[];
  swapsSides: boolean;
}

/** FFmpeg's names of the supported containers. None of them opens any other file. */
const CONTAINERS =
  'mov,mp4,matroska,webm,mpegts,mpeg,mpegvideo,m4v,h264,hevc,vvc,obu,av1,ivf,avi,flv,live_flv,asf,mxf,mxf_opatom,ogg,wtv,' +
  'rm,dv,nut,gxf,vc1,vc1test,h263,mjpeg,mjpeg_2000,yuv4mpegpipe,gif,apng,webp_anim,png_pipe,jpeg_pipe,webp_pipe,bmp_pipe,' +
  'tiff_pipe,nsv,nuv,roq,smk,bink,film_cpk,4xm,ea,thp,rpl,c93,swf,r3d,cine,avs,viv,mp3,aac,wav,flac,aiff,ape,tta';

/**
 * In these files a player counts from zero and ignores what comes before. In others it counts from the first sound or
 * picture.
 */
const COUNTS_FROM_ZERO = new Set(['mov', 'matroska']);

/** Raw streams, whose duration FFmpeg guesses from their size. */
const HAS_NO_TIMES = new Set(['h264', 'hevc', 'vvc', 'mpegvideo', 'm4v', 'h263', 'vc1', 'obu', 'mjpeg']);

/** They do not say when a picture is shown, only in which order pictures are decoded. */
const HAS_DECODING_TIMES = new Set(['avi', ...HAS_NO_TIMES]);

/** Recordings in these may be joined from parts whose times each start again. */
const MAY_BE_JOINED = new Set(['mpegts', 'mpeg']);
const START_MARGIN_MS = 10_000;
/** 24 and 23.976 frames a second differ by 0.001, 25 and 24 by 0.04. */
const SAME_RATE = 0.002;
const NEARLY_SAME_RATE = 0.03;
/** Frames per second; slow-motion cameras store at most this many. */
const MAX_FRAME_RATE = 1000;

/** A container file with its best video stream. The other streams are skipped. */
export class VideoFile {
  #container: FormatContext;
  #stream: Stream;
  /** Length of one tick of the stream's clock in milliseconds. */
  readonly tickMs: number;
  /** Zero of a player's clock, in ticks of the stream's clock. */
  originTicks: number;
  /** The stream's first presentation time, in ticks. */
  firstTicks: number;
  readonly orientation: Orientation;
  /** True if the packets' own times do not show which frame is on display at a moment. */
  readonly isSequential: boolean;
  /** Which times the pictures take; `none` if they follow each other at the frame rate. */
  readonly times: 'presentation' | 'decoding' | 'none';
  readonly #joinedTicks: number | undefined;
  /** The size that the first picture states, if the codec does. */
  readonly #ownSize: Dimensions | undefined;

  private constructor(private readonly filePath: string) {
    [this.#container, this.#stream] = openContainer(filePath);
    const { codecpar, timeBase, startTime } = this.#stream;
    this.tickMs = (1000 * timeBase.num) / timeBase.den;
    const containerTicks = (timeOf(this.#container.startTime) ?? 0) / 1000 / this.tickMs;
    this.firstTicks = timeOf(startTime) ?? Math.round(containerTicks);
    this.originTicks = COUNTS_FROM_ZERO.has(this.#format) ? 0 : this.#startTicks;
    this.orientation = orientationOf(codecpar.getCodedSideData(AV_PKT_DATA_DISPLAYMATRIX));
    if (COUNTS_FROM_ZERO.has(this.#format) && statesSize(this.#stream))
      this.#ownSize = this.#firstPictureSize();
    const mayBeJoined = MAY_BE_JOINED.has(this.#format);
    // These containers promise a time for each picture, but MPEG-4 may have been copied into them from AVI.
    if (this.#format === 'mov' && codecpar.codecId !== AV_CODEC_ID_MPEG4) {
      this.isSequential = codecpar.videoDelay > 0 && this.#statesDecodingTimes();
      this.times = this.isSequential ? 'decoding' : 'presentation';
      return;
    }
    const isProgramStream = this.#format === 'mpeg' && reordersFreely(this.#stream);
    const { frameTicks } = this;
    const timing = timingOf(this.#container, this.#stream, { mayBeJoined, isProgramStream, frameTicks });
    const hasNone = HAS_NO_TIMES.has(this.#format);
    this.isSequential = timing.isSequential || hasNone;
    this.times = hasNone ? 'none' : timing.kind;
    this.#joinedTicks = timing.joinedTicks;
    // These times are made from decoding times, which count from zero, so they begin with the delay of the decoder.
    if (HAS_DECODING_TIMES.has(this.#format))
      this.originTicks = this.firstTicks = timing.firstTicks ?? this.firstTicks;
    this.rewind();
  }

  /**
   * Opens a file and finds its video. Throws CaptureError `unreadable` if it is not a media file, is encrypted or has no
   * picture size, and `no_video_stream` if it has only sound and cover art.
   */
  static open(filePath: string): VideoFile {
    return new VideoFile(filePath);
  }

  get container(): FormatContext {
    return this.#container;
  }

  get stream(): Stream {
    return this.#stream;
  }

  close(): void {
    this.#container.closeInputSync();
  }

  /** Goes to the first packet. Opens the file again if seeking may miss it. */
  rewind(): void {
    // Decoding times begin before the first presentation time, and some containers seek by them.
    const start = BigInt(Math.floor(this.firstTicks - START_MARGIN_MS / this.tickMs));
    const seeks = COUNTS_FROM_ZERO.has(this.#format) && !this.isSequential;
    if (seeks && this.#container.seekFrameSync(this.#stream.index, start, AVSEEK_FLAG_BACKWARD) >= 0) return;
    this.close();
    [this.#container, this.#stream] = openContainer(this.filePath);
  }

  /** The size of the stored picture with square pixels, made as browsers do: by stretching one side. */
  get squarePixelSize(): Dimensions {
    const { sampleAspectRatio } = this.stream.codecpar;
    const { width, height } = this.#ownSize ?? this.stream.codecpar;
    const ratio = positive(this.stream.sampleAspectRatio) ?? positive(sampleAspectRatio) ?? 1;
    if (ratio >= 1) return { width: Math.max(1, Math.round(width * ratio)), height };
    return { width, height: Math.max(1, Math.round(height / ratio)) };
  }

  /** The size at which a player shows the video. */
  get displayedSize(): Dimensions {
    const { width, height } = this.squarePixelSize;
    return this.orientation.swapsSides ? { width: height, height: width } : { width, height };
  }

  /** The duration on a player's clock as the container's header states it. It may be missing or wrong. */
  get statedDurationMs(): number | undefined {
    if (this.#joinedTicks !== undefined) return this.#joinedTicks * this.tickMs;
    const { duration } = this.container;
    if (duration === AV_NOPTS_VALUE || duration <= 0n || HAS_NO_TIMES.has(this.#format)) return undefined;
    // Matroska's header counts from zero. The duration that FFmpeg computes counts from the first of the streams' times.
    const startMs =
      this.#format === 'matroska'
        ? 0
        : (timeOf(this.container.startTime) ?? 0) / 1000 - this.originTicks * this.tickMs;
    const durationMs = Number(duration) / 1000 + Math.max(0, startMs);
    return durationMs > MAX_DURATION_MS ? undefined : durationMs;
  }

  /** The end of the file on the stream's clock, as its header states it. */
  get statedEndTicks(): number | undefined {
    const { statedDurationMs } = this;
    return statedDurationMs === undefined ? undefined : this.originTicks + statedDurationMs / this.tickMs;
  }

  /** How long a frame is displayed on average; one tick if the container does not say. */
  get frameTicks(): number {
    const { frameRate } = this.info;
    return frameRate === undefined ? 1 : 1000 / frameRate / this.tickMs;
  }

  /** FFmpeg's name of the codec, or the file's own if FFmpeg does not know it. */
  get codecName(): string {
    return codecNameOf(this.stream);
  }

  /** True for WebM with transparency, which is stored beside the pictures. */
  get hasAlphaBeside(): boolean {
    return this.stream.metadata?.get('alpha_mode') === '1';
  }

  /** The Dolby Vision profile, if any. */
  get dolbyVisionProfile(): number | undefined {
    const configuration = this.stream.codecpar.getCodedSideData(AV_PKT_DATA_DOVI_CONF);
    return configuration?.[2];
  }

  get info(): VideoInfo {
    const { stream } = this;
    return {
      durationMs: this.statedDurationMs,
      ...this.displayedSize,
      codec: avGetCodecName(stream.codecpar.codecId) ?? 'unknown',
      frameRate: this.#frameRate,
    };
  }

  /**
   * The average frame rate, or the codec's if FFmpeg has probably counted one field too many, or has only its default, 25,
   * as for raw streams.
   */
  get #frameRate(): number | undefined {
    const { avgFrameRate, rFrameRate, codecpar } = this.stream;
    const average = [avgFrameRate, rFrameRate].map(positive).find(isFrameRate);
    const ofCodec = positive(codecpar.frameRate);
    if (average === undefined || ofCodec === undefined) return average;
    if (HAS_NO_TIMES.has(this.#format) && isFrameRate(ofCodec)) return ofCodec;
    const difference = Math.abs(average / ofCodec - 1);
    return difference > SAME_RATE && difference < NEARLY_SAME_RATE ? ofCodec : average;
  }

  /** Milliseconds on a player's clock. */
  msOf(ticks: number): number {
    return Math.round((ticks - this.originTicks) * this.tickMs * 1000) / 1000;
  }

  pastTheEnd(ticks: number, endTicks: number): CaptureError {
    const [pointMs, endMs] = [ticks, endTicks].map((value) => Math.round(this.msOf(value)));
    return new CaptureError(
      'past_the_end',
      `the point ${pointMs} ms is past the end of the video at ${endMs} ms`,
    );
  }

  /** @param hasPackets the file contains data of pictures */
  noPicture(hasPackets: boolean): CaptureError {
    return new CaptureError('unreadable', whyNoPicture(this.container, this.filePath, hasPackets));
  }

  /** Describes the file for messages: container, codecs, size and duration. */
  get words(): string {
    return wordsAbout(this.container, this.filePath);
  }

  #firstPictureSize(): Dimensions | undefined {
    const packet = new Packet();
    packet.alloc();
    try {
      for (;;) {
        const result = this.#container.readFrameSync(packet);
        if (result === AVERROR_EAGAIN) continue;
        if (result < 0) return undefined;
        if (packet.streamIndex === this.#stream.index) break;
        packet.unref();
      }
      return vpxSize(this.#stream.codecpar.codecId, packet.data ?? Buffer.alloc(0));
    } finally {
      packet.free();
      this.rewind();
    }
  }

  /** True for an MP4 that presents decoding times as presentation times. */
  #statesDecodingTimes(): boolean {
    let decoder: CodecContext | undefined;
    try {
      decoder = openDecoder(this);
      return statesDecodingTimes(this.#container, this.#stream, decoder);
    } catch (error) {
      // Whoever decodes next finds the same, and names it.
      if (error instanceof CaptureError) return false;
      throw error;
    } finally {
      decoder?.freeContext();
      this.rewind();
    }
  }

  get #format(): string {
    return this.#container.iformat?.name?.split(',')[0] ?? '';
  }

  /** The time of the first sound or picture, in ticks of the video's clock. */
  get #startTicks(): number {
    const starts = this.#container.streams.flatMap((stream) => {
      const { codecType } = stream.codecpar;
      const counts =
        codecType === AVMEDIA_TYPE_AUDIO || (codecType === AVMEDIA_TYPE_VIDEO && !isCoverArt(stream));
      const start = counts ? timeOf(stream.startTime) : undefined;
      return start === undefined
        ? []
        : [(start * 1000 * stream.timeBase.num) / stream.timeBase.den / this.tickMs];
    });
    return starts.length === 0 ? this.firstTicks : Math.min(...starts);
  }
}

/** Opens the container and finds its video; the other streams are skipped. */
function openContainer(filePath: string): [FormatContext, Stream] {
  const container = new FormatContext();
  try {
    container.allocContext();
    container.maxStreams = MAX_STREAMS;
    container.setOption('protocol_whitelist', 'file');
    container.setOption('format_whitelist', CONTAINERS);
    // Without the prefix, a name with a colon would be read as the URL of another protocol.
    const result = container.openInputSync(`file:${filePath}`);
    if (result < 0) throw new CaptureError('unreadable', whyUnreadable(result, filePath));
    const isFound = container.findStreamInfoSync(null) >= 0;
    const stream = mainVideo(container);
    const problem = encryptionOf(container, filePath, stream);
    if (problem !== undefined) throw new CaptureError('unreadable', problem);
    if (stream === undefined) throw new CaptureError('no_video_stream', 'the file has no video stream');
    if (Codec.findDecoder(stream.codecpar.codecId) === null) {
      const name = codecNameOf(stream);
      const ownName = name === 'unknown' ? matroskaCodec(container, filePath) : undefined;
      throw new CaptureError('unreadable', `the video's codec ${ownName ?? name} is not supported`);
    }
    if (!isFound || stream.codecpar.width < 1 || stream.codecpar.height < 1) {
      throw new CaptureError(
        'unreadable',
        'the file does not tell how large its pictures are: it is damaged, or cut off before its first picture',
      );
    }
    for (const other of container.streams) {
      if (other.index !== stream.index) other.discard = AVDISCARD_ALL;
    }
    // FFmpeg computes right times from decoding times only if the stored order implies the order of display.
    if (!reordersFreely(stream)) container.setFlags(AVFMT_FLAG_GENPTS);
    return [container, stream];
  } catch (error) {
    const words = container.iformat === null ? undefined : wordsAbout(container, filePath);
    container.closeInputSync();
    throw withWords(error, words);
  }
}

/** A failure that also describes the file. */
export function withWords(error: unknown, words: string | undefined): unknown {
  if (!(error instanceof CaptureError) || words === undefined || error.message.endsWith(`(${words})`))
    return error;
  return new CaptureError(error.reason, `${error.message} (${words})`);
}

function mainVideo(container: FormatContext): Stream | undefined {
  const isVideo = (stream: Stream | undefined) =>
    stream?.codecpar.codecType === AVMEDIA_TYPE_VIDEO && !isCoverArt(stream);
  const best = container.streams[container.findBestStream(AVMEDIA_TYPE_VIDEO)];
  return isVideo(best) ? best : container.streams.find(isVideo);
}

function isCoverArt(stream: Stream): boolean {
  return stream.hasDisposition(AV_DISPOSITION_ATTACHED_PIC);
}

/** The ticks of DV's clock are not a frame rate. */
function isFrameRate(rate: number | undefined): boolean {
  return rate !== undefined && rate <= MAX_FRAME_RATE;
}

function positive({ num, den }: Rational): number | undefined {
  return num > 0 && den > 0 ? num / den : undefined;
}

/**
 * Reads a display matrix (ISO/IEC 14496-12, 8.3.2.3: nine 32-bit numbers a b u c d v x y w, stored as the machine
 * stores them). Only quarter turns and mirrors are applied; any other angle is ignored.
 */
function orientationOf(matrix: Buffer | null): Orientation {
  if (matrix === null || matrix.length < 36) return { filters: [], swapsSides: false };
  const signs = [0, 1, 3, 4].map((entry) => Math.sign(matrix.readInt32LE(entry * 4))).join(' ');
  const filters = ORIENTATIONS[signs] ?? [];
  return { filters, swapsSides: filters.some((filter) => filter.startsWith('transpose')) };
}

/** Signs of a b c d: stored column p and row q are displayed at column a·p + c·q and row b·p + d·q. */
const ORIENTATIONS: Record<string, string[]> = {
  '0 1 -1 0': ['transpose=clock'],
  '-1 0 0 -1': ['hflip', 'vflip'],
  '0 -1 1 0': ['transpose=cclock'],
  '-1 0 0 1': ['hflip'],
  '1 0 0 -1': ['vflip'],
  '0 1 1 0': ['transpose=cclock_flip'],
  '0 -1 -1 0': ['transpose=clock_flip'],
};
