import {
  AV_PKT_DATA_ENCRYPTION_INFO,
  AV_PKT_FLAG_CORRUPT,
  AV_PKT_FLAG_DISCARD,
  AVERROR_EAGAIN,
  AVSEEK_FLAG_BACKWARD,
} from 'node-av/constants';
import { Packet } from 'node-av/lib';
import { CaptureError } from './capture-error';
import { timeOf } from './times';
import type { VideoFile } from './video-file';

/** One compressed picture; times are ticks of the stream's clock. */
export interface ReadPacket {
  packet: Packet;
  /** Presentation time or, if the container has none, the decoding time. */
  pts: number;
  dts: number;
  durationTicks: number;
  isKey: boolean;
  /** False for a picture that the container wants decoded but not shown, and for one without a time of its own. */
  isShown: boolean;
}

/** Reads a video's packets in decoding order. */
export class PacketReader {
  #lastDts = Number.NEGATIVE_INFINITY;
  #lastPts = Number.NEGATIVE_INFINITY;
  #isAtEnd = false;
  #isLastCut = false;
  #hasUntimed = false;
  #isChecked = false;

  constructor(private readonly video: VideoFile) {}

  /** Decoding time of the last packet. */
  get lastDts(): number {
    return this.#lastDts;
  }

  /** Presentation time of the last packet. */
  get lastPts(): number {
    return this.#lastPts;
  }

  /** True if there is nothing more to read. In a cut file that is the cut. */
  get isAtEnd(): boolean {
    return this.#isAtEnd;
  }

  /** True if the file has at least one packet. */
  get hasRead(): boolean {
    return this.#isChecked;
  }

  /** True if a part of the last packet is missing. */
  get isLastCut(): boolean {
    return this.#isLastCut;
  }

  /** True after a packet without a presentation time, such as the second fields of some recordings. */
  get hasUntimed(): boolean {
    return this.#hasUntimed;
  }

  /**
   * Goes to a key frame at or before the moment, as precisely as the container can. @returns false if it cannot seek at
   * all
   */
  seek(ticks: number): boolean {
    const { container, stream } = this.video;
    const target = BigInt(Math.floor(ticks));
    if (container.seekFrameSync(stream.index, target, AVSEEK_FLAG_BACKWARD) < 0) return false;
    this.#lastDts = Number.NEGATIVE_INFINITY;
    this.#isAtEnd = false;
    return true;
  }

  /** Goes to the first packet. */
  seekToStart(): void {
    this.video.rewind();
    this.#lastDts = Number.NEGATIVE_INFINITY;
    this.#isAtEnd = false;
  }

  /** The next packet, which the caller must free; undefined at the end. */
  read(): ReadPacket | undefined {
    const { container, stream } = this.video;
    const packet = new Packet();
    packet.alloc();
    for (;;) {
      const result = container.readFrameSync(packet);
      if (result === AVERROR_EAGAIN) continue;
      if (result < 0) break;
      if (packet.streamIndex === stream.index) return this.#describe(packet);
      packet.unref();
    }
    packet.free();
    this.#isAtEnd = true;
    return undefined;
  }

  #describe(packet: Packet): ReadPacket {
    if (!this.#isChecked && packet.getSideData(AV_PKT_DATA_ENCRYPTION_INFO) !== null) {
      throw new CaptureError(
        'unreadable',
        'the video is encrypted (CENC): only a player that has its key can show it',
      );
    }
    this.#isChecked = true;
    const rawPts = timeOf(packet.pts);
    if (rawPts === undefined) this.#hasUntimed = true;
    // If it is missing, as at the start of Matroska, only the time of the packet before is certain.
    const dts = timeOf(packet.dts) ?? (packet.isKeyframe ? rawPts : undefined) ?? this.#lastDts;
    const pts = rawPts ?? dts;
    this.#lastDts = dts;
    this.#lastPts = pts;
    this.#isLastCut = packet.hasFlags(AV_PKT_FLAG_CORRUPT);
    return {
      packet,
      pts,
      dts,
      durationTicks: Number(packet.duration),
      isKey: packet.isKeyframe && Number.isFinite(pts),
      isShown: rawPts !== undefined && !packet.hasFlags(AV_PKT_FLAG_DISCARD),
    };
  }
}
