import { AV_NOPTS_VALUE, AV_PKT_FLAG_DISCARD, AVERROR_EAGAIN, AVSEEK_FLAG_BACKWARD } from 'node-av/constants';
import { Packet } from 'node-av/lib';
import type { VideoFile } from './video-file';

const START_MARGIN_MS = 10_000;

/** One compressed picture; times are ticks of the stream's clock. */
export interface ReadPacket {
  packet: Packet;
  pts: number;
  dts: number;
  durationTicks: number;
  isKey: boolean;
  /** False for a picture that the container wants decoded but not displayed. */
  isShown: boolean;
}

/** Reads a video's packets in decoding order. */
export class PacketReader {
  #lastDts = Number.NEGATIVE_INFINITY;
  #lastPts = Number.NEGATIVE_INFINITY;
  #isAtEnd = false;

  constructor(private readonly video: VideoFile) {}

  /** Decoding time of the packet that was read last. */
  get lastDts(): number {
    return this.#lastDts;
  }

  /** Presentation time of the packet that was read last. */
  get lastPts(): number {
    return this.#lastPts;
  }

  /** True when there is nothing more to read, which for a cut file is the cut. */
  get isAtEnd(): boolean {
    return this.#isAtEnd;
  }

  /** Goes to a key frame at or before the moment, as well as the container can. False when it cannot seek at all. */
  seek(ticks: number): boolean {
    const { container, stream } = this.video;
    const target = BigInt(Math.floor(ticks));
    if (container.seekFrameSync(stream.index, target, AVSEEK_FLAG_BACKWARD) < 0) return false;
    this.#lastDts = Number.NEGATIVE_INFINITY;
    this.#isAtEnd = false;
    return true;
  }

  /** Goes to the first packet. False when the container cannot seek at all. */
  seekToStart(): boolean {
    const { originTicks, tickMs } = this.video;
    // Decoding times begin before the first presentation time, and some containers look for the former.
    return this.seek(originTicks - START_MARGIN_MS / tickMs) || this.seek(originTicks);
  }

  /** The next packet, to be freed by the caller; undefined at the end. */
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
    const { pts: rawPts, dts: rawDts } = packet;
    // AVI stores no presentation times: the decoding time is the nearest thing to it.
    const dts = rawDts !== AV_NOPTS_VALUE ? Number(rawDts) : Number(rawPts === AV_NOPTS_VALUE ? 0n : rawPts);
    const pts = rawPts !== AV_NOPTS_VALUE ? Number(rawPts) : dts;
    this.#lastDts = dts;
    this.#lastPts = pts;
    return {
      packet,
      pts,
      dts,
      durationTicks: Number(packet.duration),
      isKey: packet.isKeyframe,
      isShown: !packet.hasFlags(AV_PKT_FLAG_DISCARD),
    };
  }
}
