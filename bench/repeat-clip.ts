/** Writes a clip that repeats another one: `node repeat-clip FROM TO TIMES`. One stream; nothing is encoded again. */

import { AV_LOG_QUIET, AVSEEK_FLAG_BACKWARD } from 'node-av/constants';
import { FFmpegError, FormatContext, Log, Packet } from 'node-av/lib';

function repeat(from: string, to: string, times: number): void {
  const input = new FormatContext();
  input.allocContext();
  check(input.openInputSync(from));
  check(input.findStreamInfoSync(null));
  const [source] = input.streams;
  if (source === undefined) throw new Error(`${from} has no stream`);
  const output = new FormatContext();
  check(output.allocOutputContext2(null, 'mp4', to));
  const target = output.newStream();
  check(source.codecpar.copy(target.codecpar));
  target.timeBase = source.timeBase;
  target.avgFrameRate = source.avgFrameRate;
  check(output.openOutputSync());
  check(output.writeHeaderSync());
  const packet = new Packet();
  packet.alloc();
  for (let time = 0n; time < BigInt(times); time++) {
    if (time > 0n) check(input.seekFrameSync(0, 0n, AVSEEK_FLAG_BACKWARD));
    while (input.readFrameSync(packet) >= 0) {
      packet.pts += time * source.duration;
      packet.dts += time * source.duration;
      packet.rescaleTs(source.timeBase, target.timeBase);
      check(output.interleavedWriteFrameSync(packet));
    }
  }
  check(output.writeTrailerSync());
  output.closeOutputSync();
}

function check(result: number): void {
  if (result < 0) throw new FFmpegError(result);
}

Log.setLevel(AV_LOG_QUIET);
const [from = '', to = '', times = '1'] = process.argv.slice(2);
repeat(from, to, Number(times));
