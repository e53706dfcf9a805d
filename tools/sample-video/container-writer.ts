import {
  AV_CODEC_FLAG_GLOBAL_HEADER,
  AVERROR_EAGAIN,
  AVERROR_EOF,
  AVFMT_GLOBALHEADER,
} from 'node-av/constants';
import {
  type CodecContext,
  FFmpegError,
  FormatContext,
  type Frame,
  Packet,
  type Rational,
  type Stream,
} from 'node-av/lib';

/** Writes a video file: add encoders, then encode frames in order of time, then close it. */
export class ContainerWriter {
  readonly #container = new FormatContext();
  readonly #packet = new Packet();
  readonly #encoders: CodecContext[] = [];

  /** @param format FFmpeg's name of the container format, for example `mp4` */
  constructor(filePath: string, format: string) {
    check(this.#container.allocOutputContext2(null, format, filePath), `write ${format}`);
    this.#packet.alloc();
  }

  /** Opens a configured encoder and gives it a stream. */
  add(encoder: CodecContext, encoderOptions: Record<string, string> = {}): EncodedStream {
    if (this.#container.oformat?.hasFlags(AVFMT_GLOBALHEADER)) encoder.setFlags(AV_CODEC_FLAG_GLOBAL_HEADER);
    setOptions(encoder, encoderOptions);
    check(encoder.open2Sync(), 'open the encoder');
    this.#encoders.push(encoder);
    const stream = this.#container.newStream();
    check(stream.codecpar.fromContext(encoder), 'describe the stream');
    stream.timeBase = encoder.timeBase;
    stream.avgFrameRate = encoder.framerate;
    return { stream, encode: (frame) => this.#encode(encoder, stream, frame) };
  }

  /** Adds a stream whose packets are already encoded. `describe` sets its parameters. */
  addCoded(timeBase: Rational, describe: (stream: Stream) => void): (packet: CodedPacket) => void {
    const stream = this.#container.newStream();
    describe(stream);
    stream.timeBase = timeBase;
    return ({ data, ticks, durationTicks, isKey }) => {
      this.#packet.data = data;
      this.#packet.pts = this.#packet.dts = BigInt(ticks);
      this.#packet.duration = BigInt(durationTicks);
      this.#packet.isKeyframe = isKey;
      this.#packet.streamIndex = stream.index;
      this.#packet.rescaleTs(timeBase, stream.timeBase);
      check(this.#container.interleavedWriteFrameSync(this.#packet), 'write a packet');
    };
  }

  /** Writes the header. Call it when all streams are added. */
  begin(muxerOptions: Record<string, string> = {}): void {
    setOptions(this.#container, muxerOptions);
    check(this.#container.openOutputSync(), 'create the file');
    check(this.#container.writeHeaderSync(), 'write the header');
  }

  close(): void {
    check(this.#container.writeTrailerSync(), 'finish the file');
    this.#container.closeOutputSync();
    for (const encoder of this.#encoders) encoder.freeContext();
    this.#packet.free();
    this.#container.freeContext();
  }

  #encode(encoder: CodecContext, stream: Stream, frame: Frame | null): void {
    check(encoder.sendFrameSync(frame), 'encode');
    for (;;) {
      const result = encoder.receivePacketSync(this.#packet);
      if (result === AVERROR_EAGAIN || result === AVERROR_EOF) return;
      check(result, 'encode');
      this.#packet.streamIndex = stream.index;
      this.#packet.rescaleTs(encoder.timeBase, stream.timeBase);
      check(this.#container.interleavedWriteFrameSync(this.#packet), 'write a packet');
    }
  }
}

/** An encoded picture. Times are in ticks of the stream's time base. */
export interface CodedPacket {
  data: Buffer;
  ticks: number;
  durationTicks: number;
  isKey: boolean;
}

export interface EncodedStream {
  stream: Stream;
  /** Encodes a frame, with its pts in the encoder's time base; null after the last one. */
  encode: (frame: Frame | null) => void;
}

/** Set one by one: node-av 6.1.1 frees a dictionary twice if it is passed when an encoder is opened. */
function setOptions(target: CodecContext | FormatContext, options: Record<string, string>): void {
  for (const [name, value] of Object.entries(options)) {
    check(target.setOption(name, value), `set ${name}=${value}`);
  }
}

/** Throws if an FFmpeg call failed. */
export function check(result: number, step: string): void {
  if (result < 0) throw new Error(`cannot ${step}: ${FFmpegError.strerror(result)}`);
}
