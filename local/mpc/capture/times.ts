import { AV_CODEC_ID_MPEG4, AV_NOPTS_VALUE, AVERROR_EAGAIN } from 'node-av/constants';
import { type CodecContext, type FormatContext, Frame, Packet, type Stream } from 'node-av/lib';

/** If decoding times go back by more than this, in ms, a new part of a joined recording begins. */
export const JOINED_AT_MS = 100;
/** How much of a recording is searched for such steps. */
const SCANNED_BYTES = 64 * 1024 * 1024;
/** This many packets show whether the others have times. */
const PEEKED_PACKETS = 32;

/** A time as a number; undefined if the container or the decoder has none. */
export function timeOf(time: bigint): number | undefined {
  return time === AV_NOPTS_VALUE ? undefined : Number(time);
}

/** What the packets' times can be used for. */
export interface Timing {
  /** They do not show which frame is on display at a moment: most are missing, or they start again on the way. */
  isSequential: boolean;
  /**
   * Which times the pictures take: their own, or the decoding times in the order of display, because the container has
   * no others or presents them as presentation times.
   */
  kind: 'presentation' | 'decoding';
  /** The total length of a joined recording, in ticks. */
  joinedTicks: number | undefined;
  /** The earliest such time of the packets that were read; undefined if none has one. */
  firstTicks: number | undefined;
}

interface TimingOptions {
  mayBeJoined: boolean;
  /** If a PES packet has several H.264 pictures, only the first one has times. */
  isProgramStream: boolean;
  frameTicks: number;
}

/**
 * Reads the first packets of a stream or, with `mayBeJoined`, up to 64 MB of it. The container stays where that ends.
 */
export function timingOf(
  container: FormatContext,
  stream: Stream,
  { mayBeJoined, isProgramStream, frameTicks }: TimingOptions,
): Timing {
  const mayBePacked = stream.codecpar.codecId === AV_CODEC_ID_MPEG4;
  const stepBackTicks = (JOINED_AT_MS * stream.timeBase.den) / (1000 * stream.timeBase.num);
  let [count, untimed, differing, packed, bytes, joined, length] = [0, 0, 0, 0, 0, 0, frameTicks];
  let [lastDts, firstPts, firstDts]: (number | undefined)[] = [];
  const packet = new Packet();
  packet.alloc();
  while (count < PEEKED_PACKETS || (mayBeJoined && bytes < SCANNED_BYTES)) {
    const result = container.readFrameSync(packet);
    if (result === AVERROR_EAGAIN) continue;
    if (result < 0) break;
    if (packet.streamIndex === stream.index) {
      count++;
      bytes += packet.size;
      const pts = timeOf(packet.pts);
      if (pts === undefined) untimed++;
      else firstPts = Math.min(pts, firstPts ?? pts);
      const dts = timeOf(packet.dts);
      if (dts !== pts) differing++;
      if (mayBePacked && holdsTwoPictures(packet.data)) packed++;
      if (dts !== undefined) {
        const step = dts - (lastDts ?? dts);
        if (step < -stepBackTicks) joined++;
        length += step < -stepBackTicks ? frameTicks : step;
        lastDts = dts;
        firstDts ??= dts;
      }
    }
    packet.unref();
  }
  packet.free();
  const isReordered = stream.codecpar.videoDelay > 0;
  const kind = packed > 0 || (isReordered && count > 1 && differing === 0) ? 'decoding' : 'presentation';
  return {
    isSequential:
      joined > 0 || untimed * 2 > count || (untimed > 0 && isProgramStream) || kind === 'decoding',
    kind,
    joinedTicks: joined > 0 ? length : undefined,
    firstTicks: kind === 'decoding' ? firstDts : firstPts,
  };
}

/**
 * True if each picture states its decoding time as presentation time, although pictures are not displayed in the order
 * of decoding. Usually the first packet shows that it is not so. The container stays where the reading ends.
 *
 * @param decoder a new one, of no more use afterwards
 */
export function statesDecodingTimes(
  container: FormatContext,
  stream: Stream,
  decoder: CodecContext,
): boolean {
  const packet = new Packet();
  packet.alloc();
  const picture = new Frame();
  picture.alloc();
  let last = Number.NEGATIVE_INFINITY;
  try {
    for (let count = 0; count < PEEKED_PACKETS; ) {
      const result = container.readFrameSync(packet);
      if (result === AVERROR_EAGAIN) continue;
      if (result < 0) return false;
      if (packet.streamIndex === stream.index) {
        count++;
        if (packet.pts !== packet.dts) return false;
        decoder.sendPacketSync(packet);
        while (decoder.receiveFrameSync(picture) >= 0) {
          const time = timeOf(picture.pts) ?? last;
          if (time < last) return true;
          last = time;
        }
      }
      packet.unref();
    }
    return false;
  } finally {
    packet.free();
    picture.free();
  }
}

/** MPEG-4 in AVI, as DivX and Xvid packed it: after a picture, the same packet has one that is shown before it. */
function holdsTwoPictures(data: Buffer | null): boolean {
  const first = data?.indexOf(VOP_START) ?? -1;
  return first >= 0 && data?.indexOf(VOP_START, first + VOP_START.length) !== -1;
}

/** ISO/IEC 14496-2, 6.2.1: vop_start_code. */
const VOP_START = Buffer.from('000001b6', 'hex');
