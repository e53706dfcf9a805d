/**
 * The least work of any program that takes pictures at given moments: decode from a key frame to each of them, and
 * encode. It selects the packets before the clock starts. This is a child process: it answers each message with the
 * time in ms.
 */

import {
  AV_LOG_QUIET,
  AV_NOPTS_VALUE,
  AV_OPT_TYPE_INT,
  AVDISCARD_DEFAULT,
  AVDISCARD_NONREF,
  AVERROR_EAGAIN,
  AVSEEK_FLAG_BACKWARD,
} from 'node-av/constants';
import { Codec, CodecContext, Frame, Log, Packet } from 'node-av/lib';
import { JpegEncoder } from '../local/mpc/capture/jpeg-encoder';
import { type PictureSize, pictureDimensions } from '../local/mpc/capture/picture-size';
import { VideoFile } from '../local/mpc/capture/video-file';

/** A request for a file with at least as many frames as points. */
export interface FloorRequest {
  filePath: string;
  /** Milliseconds, in order. */
  points: readonly number[];
  size: PictureSize;
  /** Decode all frames up to the last wanted one, as a program without seeking does. */
  everything: boolean;
}

/** Pictures that depend on the same key frame. Times are ticks of the stream's clock. */
interface Group {
  keyDts: bigint;
  wanted: bigint[];
}

function plan({ filePath, points, everything }: FloorRequest): Group[] {
  const video = VideoFile.open(filePath);
  const packets: { pts: bigint; dts: bigint; isKey: boolean }[] = [];
  const packet = new Packet();
  packet.alloc();
  while (video.container.readFrameSync(packet) >= 0) {
    const { pts, dts, isKeyframe, streamIndex } = packet;
    if (streamIndex === video.stream.index && pts !== AV_NOPTS_VALUE)
      packets.push({ pts, dts, isKey: isKeyframe });
    packet.unref();
  }
  const groups: Group[] = [];
  for (const point of points) {
    const ticks = BigInt(Math.floor(point / video.tickMs + 1e-6 + video.originTicks));
    const shown = packets
      .filter(({ pts }) => pts <= ticks)
      .reduce((one, other) => (other.pts > one.pts ? other : one));
    const key = everything ? packets[0] : packets.findLast(({ pts, isKey }) => isKey && pts <= ticks);
    if (key === undefined) throw new Error(`there is no key frame before ${point} ms`);
    const group = groups.at(-1);
    if (group?.keyDts === key.dts) group.wanted.push(shown.pts);
    else groups.push({ keyDts: key.dts, wanted: [shown.pts] });
  }
  video.close();
  return groups;
}

/** @returns milliseconds */
function run({ filePath, size, everything }: FloorRequest, groups: readonly Group[]): number {
  const startedAt = performance.now();
  const video = VideoFile.open(filePath);
  const { container, stream } = video;
  const decoder = new CodecContext();
  const codec = Codec.findDecoder(stream.codecpar.codecId);
  decoder.allocContext3(codec);
  decoder.parametersToContext(stream.codecpar);
  decoder.threadCount = 1;
  decoder.open2Sync(codec);
  const encoder = new JpegEncoder(pictureDimensions(video.displayedSize, size), video);
  const [packet, picture] = [new Packet(), new Frame()];
  packet.alloc();
  picture.alloc();
  let pictures = 0;
  const receive = (wanted: readonly bigint[]) => {
    while (decoder.receiveFrameSync(picture) >= 0) {
      if (!wanted.includes(picture.pts)) continue;
      encoder.encode(picture);
      pictures++;
    }
  };
  for (const { keyDts, wanted } of groups) {
    container.seekFrameSync(stream.index, keyDts, AVSEEK_FLAG_BACKWARD);
    decoder.flushBuffers();
    const unsent = new Set(wanted);
    while (unsent.size > 0) {
      const result = container.readFrameSync(packet);
      if (result < 0 && result !== AVERROR_EAGAIN) throw new Error('the file ends before the last picture');
      if (packet.streamIndex === stream.index && packet.dts >= keyDts) {
        const skips = !unsent.delete(packet.pts) && !everything;
        decoder.setOption('skip_frame', skips ? AVDISCARD_NONREF : AVDISCARD_DEFAULT, AV_OPT_TYPE_INT);
        decoder.sendPacketSync(packet);
        receive(wanted);
      }
      packet.unref();
    }
    decoder.sendPacketSync(null);
    receive(wanted);
  }
  const durationMs = performance.now() - startedAt;
  const expected = groups.reduce((sum, { wanted }) => sum + new Set(wanted).size, 0);
  if (pictures !== expected) throw new Error(`${pictures} pictures came out instead of ${expected}`);
  encoder.close();
  decoder.freeContext();
  video.close();
  return durationMs;
}

Log.setLevel(AV_LOG_QUIET);
const plans = new Map<string, Group[]>();
process.on('message', (request: FloorRequest) => {
  const key = JSON.stringify(request);
  const groups = plans.get(key) ?? plan(request);
  plans.set(key, groups);
  process.send?.(run(request, groups));
});
process.on('disconnect', () => process.exit());
