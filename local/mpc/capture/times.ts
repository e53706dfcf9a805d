import { AV_NOPTS_VALUE, AVERROR_EAGAIN } from 'node-av/constants';
import { type FormatContext, Packet, type Stream } from 'node-av/lib';

/** Decoding times that step back by more than this, in ms, begin a new part of a joined recording. */
export const JOINED_AT_MS = 100;
/** So much of a recording is looked through for that. */
const SCANNED_BYTES = 64 * 1024 * 1024;
/** So many packets show whether the others have times. */
const PEEKED_PACKETS = 32;

/** A time as a number; undefined when the container or the decoder tells none. */
export function timeOf(time: bigint): number | undefined {
  return time === AV_NOPTS_VALUE ? undefined : Number(time);
}

/** What the packets' times are good for. */
export interface Timing {
  /** They do not tell which frame is on display at a moment: most are missing, or they start anew on the way. */
  isSequential: boolean;
  /** The length of all parts of a joined recording, in ticks. */
  joinedTicks: number | undefined;
  /** The earliest presentation time of the packets that were read; undefined when none has any. */
  firstPts: number | undefined;
}

/**
 * Reads the first packets of a stream, or with `mayBeJoined` all of them up to 64 MB, and leaves the container where
 * that ends.
 */
export function timingOf(
  container: FormatContext,
  stream: Stream,
  { mayBeJoined, frameTicks }: { mayBeJoined: boolean; frameTicks: number },
): Timing {
  const stepBackTicks = (JOINED_AT_MS * stream.timeBase.den) / (1000 * stream.timeBase.num);
  let [count, untimed, bytes, joined, length] = [0, 0, 0, 0, frameTicks];
  let [lastDts, firstPts]: (number | undefined)[] = [];
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
      if (dts !== undefined) {
        const step = dts - (lastDts ?? dts);
        if (step < -stepBackTicks) joined++;
        length += step < -stepBackTicks ? frameTicks : step;
        lastDts = dts;
      }
    }
    packet.unref();
  }
  packet.free();
  return {
    isSequential: joined > 0 || untimed * 2 > count,
    joinedTicks: joined > 0 ? length : undefined,
    firstPts,
  };
}
