import {
  AV_DISPOSITION_ATTACHED_PIC,
  AV_NOPTS_VALUE,
  AV_PKT_DATA_DISPLAYMATRIX,
  AVDISCARD_ALL,
  AVERROR_INVALIDDATA,
  AVMEDIA_TYPE_VIDEO,
} from 'node-av/constants';
import { avGetCodecName, FFmpegError, FormatContext, type Rational, type Stream } from 'node-av/lib';
import { CaptureError } from './capture-error';
import type { Dimensions } from './picture-size';
import type { VideoInfo } from './worker-messages';

/** How a stored picture becomes the displayed one: FFmpeg's filters, and whether they swap width and height. */
export interface Orientation {
  filters: string[];
  swapsSides: boolean;
}

/** A container file whose best video stream is about to be read; the other streams are skipped. */
export class VideoFile {
  /** Length of one tick of the stream's clock in milliseconds. */
  readonly tickMs: number;
  /** The stream's first presentation time, in ticks: moment zero of the video. */
  readonly originTicks: number;
  readonly orientation: Orientation;

  private constructor(
    readonly container: FormatContext,
    readonly stream: Stream,
  ) {
    this.tickMs = (1000 * stream.timeBase.num) / stream.timeBase.den;
    this.originTicks = ticksOr(stream.startTime, () =>
      Math.round(ticksOr(container.startTime, () => 0) / 1000 / this.tickMs),
    );
    this.orientation = orientationOf(stream.codecpar.getCodedSideData(AV_PKT_DATA_DISPLAYMATRIX));
  }

  /**
   * Opens a file and finds its video.
   * Throws CaptureError `unreadable` for what is no media file, `no_video_stream` for sound and cover art only.
   */
  static open(filePath: string): VideoFile {
    const container = new FormatContext();
    try {
      container.allocContext();
      // The prefix keeps a name with a colon from being taken for the URL of another protocol.
      readable(container.openInputSync(`file:${filePath}`));
      readable(container.findStreamInfoSync(null));
      const stream = mainVideo(container);
      if (stream === undefined) throw new CaptureError('no_video_stream', 'the file has no video stream');
      if (stream.codecpar.width < 1 || stream.codecpar.height < 1) {
        throw new CaptureError('unreadable', 'the file does not tell how large its pictures are');
      }
      for (const other of container.streams) {
        if (other.index !== stream.index) other.discard = AVDISCARD_ALL;
      }
      return new VideoFile(container, stream);
    } catch (error) {
      container.closeInputSync();
      throw error;
    }
  }

  close(): void {
    this.container.closeInputSync();
  }

  /** The size of the stored picture when its pixels are made square, before rotation. */
  get squarePixelSize(): Dimensions {
    const { width, height, sampleAspectRatio } = this.stream.codecpar;
    const ratio = positive(this.stream.sampleAspectRatio) ?? positive(sampleAspectRatio) ?? 1;
    return { width: Math.max(1, Math.round(width * ratio)), height };
  }

  /** The size at which a player shows the video. */
  get displayedSize(): Dimensions {
    const { width, height } = this.squarePixelSize;
    return this.orientation.swapsSides ? { width: height, height: width } : { width, height };
  }

  /** The duration that the container's header states, which may be missing or wrong. */
  get statedDurationMs(): number | undefined {
    const { duration, iformat } = this.container;
    if (duration === AV_NOPTS_VALUE || duration <= 0n) return undefined;
    // Matroska's header counts from zero even when the first frame comes later.
    const countsFromZero = iformat?.name?.startsWith('matroska') ?? false;
    return Number(duration) / 1000 - (countsFromZero ? Math.max(0, this.#startMs) : 0);
  }

  /** The end of the file on the stream's clock, as its header states it. */
  get statedEndTicks(): number | undefined {
    const { statedDurationMs } = this;
    return statedDurationMs === undefined ? undefined : (this.#startMs + statedDurationMs) / this.tickMs;
  }

  get #startMs(): number {
    return ticksOr(this.container.startTime, () => 0) / 1000;
  }

  /** How long a frame is displayed on average; one tick when the container does not tell. */
  get frameTicks(): number {
    const { frameRate } = this.info;
    return frameRate === undefined ? 1 : 1000 / frameRate / this.tickMs;
  }

  get info(): VideoInfo {
    const { stream } = this;
    return {
      durationMs: this.statedDurationMs,
      ...this.displayedSize,
      codec: avGetCodecName(stream.codecpar.codecId) ?? 'unknown',
      frameRate: positive(stream.avgFrameRate) ?? positive(stream.rFrameRate),
    };
  }
}

function mainVideo(container: FormatContext): Stream | undefined {
  const isVideo = (stream: Stream | undefined) =>
    stream?.codecpar.codecType === AVMEDIA_TYPE_VIDEO && !stream.hasDisposition(AV_DISPOSITION_ATTACHED_PIC);
  const best = container.streams[container.findBestStream(AVMEDIA_TYPE_VIDEO)];
  return isVideo(best) ? best : container.streams.find(isVideo);
}

function readable(result: number): void {
  if (result >= 0) return;
  const detail =
    result === AVERROR_INVALIDDATA
      ? 'it is empty, of another kind, or cut off before its index'
      : FFmpegError.strerror(result);
  throw new CaptureError('unreadable', `the file cannot be read as a video: ${detail}`);
}

function ticksOr(value: bigint, otherwise: () => number): number {
  return value === AV_NOPTS_VALUE ? otherwise() : Number(value);
}

function positive({ num, den }: Rational): number | undefined {
  return num > 0 && den > 0 ? num / den : undefined;
}

/**
 * Reads a display matrix (ISO/IEC 14496-12, 8.3.2.3: nine 32-bit numbers a b u c d v x y w, stored as the machine
 * stores them). Only its quarter turns and mirrors are honoured; any other angle is left as it is.
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
