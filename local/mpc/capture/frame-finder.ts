import {
  AV_NOPTS_VALUE,
  AV_OPT_TYPE_INT,
  AVDISCARD_DEFAULT,
  AVDISCARD_NONREF,
  AVERROR_EAGAIN,
  AVERROR_EOF,
} from 'node-av/constants';
import { Codec, CodecContext, Frame } from 'node-av/lib';
import { CaptureError } from './capture-error';
import { PacketReader, type ReadPacket } from './packet-reader';
import type { VideoFile } from './video-file';

/** Up to here reading on is cheaper than a seek, which may land before what was already read. */
const SEEK_BEYOND_MS = 5000;
/** How much earlier to start when no key frame was found before the moment; four times as much at each further try. */
const FIRST_STEP_BACK_MS = 2000;
/** H.264 and HEVC reorder at most 16 frames: so many later ones prove that no earlier one is missing. */
const MAX_REORDERED_FRAMES = 16;
/** Sound commonly outlasts the pictures a little; a stated duration that is off by more is wrong or the file is cut. */
const MAX_OUTLASTING_SOUND_MS = 1000;

/** So few packets are decoded again before anybody notices: for them no decoder is kept while other videos have turns. */
const MAX_SENT_AGAIN = 16;

const LAST = Number.POSITIVE_INFINITY;

/** A decoded frame. The picture belongs to the finder and is valid until its next call. */
export interface FoundFrame {
  picture: Frame;
  pts: number;
}

/**
 * Finds the frame that is on display at a moment, always exactly: pts <= moment < pts of the next frame.
 *
 * Which frame that is, the packets around the moment tell before anything is decoded. Then only what it needs is
 * decoded: from the key frame before it, leaving out the frames that no other frame refers to. Asked in order of
 * time, the finder decodes nothing twice, but for the few packets that `rest` forgets. After an error it is of no more
 * use.
 */
export class FrameFinder {
  /** Undefined while the finder rests. */
  #decoder: CodecContext | undefined;
  readonly #reader: PacketReader;
  /** Read, not yet sent to the decoder. */
  #ahead: ReadPacket[] = [];
  /** Presentation times that were sent and are still to come out of the decoder. */
  #inDecoder: number[] = [];
  /** From the start of the file up to the packets ahead, the decoder gets everything. */
  #readsFromStart = true;
  /** The packets since a key frame at or before the moment are at hand. */
  #isAnchored = false;
  /**
   * Decoding starts at the last key frame up to here: the moment, or earlier
   * when that key frame turned out to be none.
   */
  #anchorUntil = LAST;
  /** The moment up to which packets were read last; earlier ones may be gone. */
  #readFor = Number.NEGATIVE_INFINITY;
  /** The decoder was drained for the last moment, and what it needs for another one was not read again. */
  #isSpent = false;
  /** The decoder is to start anew with the first packet ahead. */
  #restarts = true;
  #isDraining = false;
  /** All that was sent to the decoder since it started; undefined when it is too much to be sent again. */
  #sent: ReadPacket[] | undefined = [];
  #skipsUnreferenced = false;
  #latest = { pts: Number.NEGATIVE_INFINITY, durationTicks: 0 };
  #found: FoundFrame | undefined;
  /** Came out of the decoder, but is later than what was asked for. */
  #next: FoundFrame | undefined;

  /** Throws CaptureError `unreadable` when the video's codec is not supported. */
  constructor(private readonly video: VideoFile) {
    this.#reader = new PacketReader(video);
    this.#decoder = openDecoder(video);
  }

  /**
   * @param ticks moment on the stream's clock; Infinity for the last frame; before the first frame counts as the first
   * @param nextTicks the moment that will be asked for after this one, if any: what comes true of it makes both faster
   * Throws CaptureError: `past_the_end`, or `unreadable` when nothing there can be decoded.
   */
  frameAt(ticks: number, nextTicks?: number): FoundFrame {
    let isFalseAnchor = false;
    for (let stepBackMs = 0; ; stepBackMs = stepBackMs * 4 || FIRST_STEP_BACK_MS) {
      const from = this.#seekTarget(ticks);
      const stepBackTicks = stepBackMs / this.video.tickMs;
      this.#anchorUntil = isFalseAnchor ? from - stepBackTicks : ticks;
      const isBehind = ticks < this.#readFor || (this.#found !== undefined && ticks < this.#found.pts);
      if (isBehind || this.#isSpent || stepBackMs > 0) this.#goBackTo(from - stepBackTicks);
      else this.#skipTo(from);
      this.#readUpTo(ticks);
      const readsFromStart = this.#readsFromStart;
      if (this.#isAnchored || readsFromStart) {
        this.#refusePastTheEnd(ticks);
        const found = this.#decodeUpTo(ticks, nextTicks);
        if (found !== undefined) return found;
        isFalseAnchor = true;
      }
      if (readsFromStart) {
        throw new CaptureError('unreadable', 'no picture of the video can be decoded there');
      }
    }
  }

  /** True when what is in the decoder leads to the next moment. */
  get isMidGroup(): boolean {
    return !this.#restarts && !this.#isSpent;
  }

  /** Gives the decoder's memory back, unless it holds more than what is quickly decoded again. */
  rest(): void {
    if (this.isMidGroup) {
      if (this.#sent === undefined) return;
      this.#ahead.unshift(...this.#sent);
      this.#sent = [];
      this.#restarts = true;
    }
    this.#freeSent();
    this.#freePictures();
    this.#decoder?.freeContext();
    this.#decoder = undefined;
  }

  close(): void {
    this.#dropAhead();
    this.rest();
  }

  #seekTarget(ticks: number): number {
    return (ticks === LAST ? this.video.statedEndTicks : ticks) ?? LAST;
  }

  /** Starts reading anew, at the moment or at the start of the file. */
  #goBackTo(ticks: number): void {
    this.#forget();
    this.#readsFromStart = ticks <= this.video.originTicks || ticks === LAST;
    const hasMoved = this.#readsFromStart ? this.#reader.seekToStart() : this.#reader.seek(ticks);
    if (!hasMoved) throw new CaptureError('unreadable', 'the file does not allow going back to a picture');
  }

  /**
   * Seeks to a moment far ahead. When that lands in what was already read, goes
   * on behind it and keeps the decoder's state.
   */
  #skipTo(ticks: number): void {
    const headDts = this.#reader.lastDts;
    const distanceMs = (ticks - Math.max(headDts, this.video.originTicks)) * this.video.tickMs;
    if (this.#reader.isAtEnd || distanceMs <= SEEK_BEYOND_MS || ticks === LAST) return;
    if (!this.#reader.seek(ticks)) return;
    let read = this.#reader.read();
    if (read === undefined || read.dts > headDts) {
      this.#dropAhead();
      this.#readsFromStart = false;
    }
    while (read !== undefined && read.dts <= headDts) {
      read.packet.free();
      read = this.#reader.read();
    }
    if (read !== undefined) this.#take(read);
  }

  /** Reads on until no frame that is displayed at or before the moment can be missing. */
  #readUpTo(ticks: number): void {
    this.#readFor = ticks;
    this.#anchor();
    let later = 0;
    for (const { pts } of this.#ahead) if (pts > ticks) later++;
    while (!this.#reader.isAtEnd && later < MAX_REORDERED_FRAMES) {
      const read = this.#reader.read();
      if (read === undefined) return;
      this.#take(read);
      if (read.pts > ticks) later++;
      if (read.dts > ticks && read.pts > ticks) return;
    }
  }

  #take(read: ReadPacket): void {
    this.#ahead.push(read);
    if (read.isKey) this.#anchor();
    if (read.isShown && read.pts > this.#latest.pts) this.#latest = read;
  }

  /** Lets decoding start at the last key frame that will do: nothing that was read before it is needed. */
  #anchor(): void {
    const start = this.#ahead.findLastIndex((read) => read.isKey && read.pts <= this.#anchorUntil);
    if (start < 0) return;
    if (start > 0 || !this.#restarts) this.#readsFromStart = false;
    for (const { packet } of this.#ahead.splice(0, start)) packet.free();
    this.#restarts = true;
    this.#isAnchored = true;
  }

  #refusePastTheEnd(ticks: number): void {
    if (ticks === LAST || !this.#reader.isAtEnd) return;
    const { tickMs, originTicks, statedEndTicks, frameTicks } = this.video;
    const lastFrameEnd = this.#latest.pts + (this.#latest.durationTicks || frameTicks);
    const outlasting = Math.max(0, (statedEndTicks ?? 0) - lastFrameEnd);
    const end = lastFrameEnd + (outlasting * tickMs <= MAX_OUTLASTING_SOUND_MS ? outlasting : 0);
    if (ticks < end) return;
    const [pointMs, endMs] = [ticks, end].map((value) => Math.round((value - originTicks) * tickMs));
    throw new CaptureError(
      'past_the_end',
      `the point ${pointMs} ms is past the end of the video at ${endMs} ms`,
    );
  }

  /** Decodes until the frame of the moment is out. Undefined when the decoder gives none, as after a false key frame. */
  #decodeUpTo(ticks: number, nextTicks: number | undefined): FoundFrame | undefined {
    const wanted = this.#latestTwo(ticks);
    if (this.#found !== undefined && this.#found.pts === wanted.pts) return this.#found;
    if (this.#restarts) this.#restartDecoder();
    const send = () => {
      if (!this.#isDraining && this.#inDecoder.includes(wanted.pts) && this.#leavesFor(ticks, nextTicks)) {
        this.#drain();
      } else {
        this.#send(wanted.previousPts);
      }
    };
    for (;;) {
      this.#next ??= this.#receive(send);
      if (this.#next === undefined || this.#next.pts > wanted.pts) break;
      this.#found?.picture.free();
      this.#found = this.#next;
      this.#next = undefined;
      if (this.#found.pts === wanted.pts) return this.#found;
    }
    // Some packets show nothing (VP8's alternate references, second fields):
    // then the frame before them is still on display.
    if (this.#found === undefined && this.#readsFromStart) {
      this.#found = this.#next;
      this.#next = undefined;
    }
    return this.#found;
  }

  /** Times of the frame on display at the moment and of the one before it. */
  #latestTwo(ticks: number): { pts: number; previousPts: number } {
    const times = this.#ahead.filter((read) => read.isShown).map((read) => read.pts);
    if (!this.#restarts) {
      times.push(...this.#inDecoder);
      for (const decoded of [this.#found, this.#next]) if (decoded !== undefined) times.push(decoded.pts);
    }
    let [pts, previousPts] = [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY];
    for (const time of times) {
      if (time > ticks || time <= previousPts || time === pts) continue;
      if (time > pts) [pts, previousPts] = [time, pts];
      else previousPts = time;
    }
    return { pts, previousPts };
  }

  /**
   * Whether what is in the decoder will be of no use for the next moment. Then the decoder
   * need not be fed on until it gives the frame out, two or three frames later: it can be
   * drained. The reader moves on to the next moment to find out.
   */
  #leavesFor(ticks: number, nextTicks: number | undefined): boolean {
    if (nextTicks === undefined) this.#isSpent = true;
    else if (nextTicks > ticks && nextTicks !== this.#readFor) {
      this.#anchorUntil = nextTicks;
      this.#skipTo(this.#seekTarget(nextTicks));
      this.#readUpTo(nextTicks);
    }
    return !this.isMidGroup;
  }

  /** The decoder's next frame; undefined when it has none left. `send` gives it more to decode. */
  #receive(send: () => void): FoundFrame | undefined {
    const picture = new Frame();
    picture.alloc();
    for (;;) {
      const result = this.#decoder?.receiveFrameSync(picture) ?? AVERROR_EOF;
      if (result >= 0) {
        const time = picture.pts !== AV_NOPTS_VALUE ? picture.pts : picture.bestEffortTimestamp;
        const pts = Number(time);
        this.#inDecoder = this.#inDecoder.filter((sent) => sent > pts);
        const isCutOff =
          this.#reader.isAtEnd && pts === this.#reader.lastPts && picture.decodeErrorFlags !== 0;
        if (!isCutOff) return { picture, pts };
        picture.unref();
        continue;
      }
      if (result === AVERROR_EAGAIN && !this.#isDraining) send();
      else if (result === AVERROR_EOF || result === AVERROR_EAGAIN) break;
      // Any other error stands for one damaged frame.
    }
    picture.free();
    return undefined;
  }

  /** Sends the next packet; the decoder may leave out frames before `neededFromPts`. */
  #send(neededFromPts: number): void {
    if (this.#ahead.length === 0) {
      const read = this.#reader.read();
      if (read !== undefined) this.#take(read);
    }
    const next = this.#ahead.shift();
    if (next === undefined) {
      this.#drain();
      return;
    }
    this.#setSkipping(!next.isKey && next.pts < neededFromPts);
    this.#decoder?.sendPacketSync(next.packet);
    this.#keepOrFree(next);
    if (next.isShown) this.#inDecoder.push(next.pts);
  }

  #keepOrFree(sent: ReadPacket): void {
    if (this.#sent !== undefined && this.#sent.length < MAX_SENT_AGAIN) {
      this.#sent.push(sent);
    } else {
      sent.packet.free();
      this.#freeSent();
      this.#sent = undefined;
    }
  }

  #freeSent(): void {
    for (const { packet } of this.#sent ?? []) packet.free();
    this.#sent = [];
  }

  /** Lets the decoder give out all that it has; it must start anew after that. */
  #drain(): void {
    this.#decoder?.sendPacketSync(null);
    this.#isDraining = true;
  }

  /** Whether the decoder may leave out frames that no other frame refers to. */
  #setSkipping(skips: boolean): void {
    if (skips === this.#skipsUnreferenced) return;
    this.#decoder?.setOption('skip_frame', skips ? AVDISCARD_NONREF : AVDISCARD_DEFAULT, AV_OPT_TYPE_INT);
    this.#skipsUnreferenced = skips;
  }

  #restartDecoder(): void {
    if (this.#decoder === undefined) {
      this.#decoder = openDecoder(this.video);
      this.#skipsUnreferenced = false;
    } else {
      this.#decoder.flushBuffers();
    }
    this.#isDraining = false;
    this.#freeSent();
    this.#inDecoder = [];
    this.#restarts = false;
    this.#freePictures();
  }

  #freePictures(): void {
    this.#found?.picture.free();
    this.#next?.picture.free();
    this.#found = undefined;
    this.#next = undefined;
  }

  /** Forgets the packets that were read and not decoded; the decoder is to start anew behind them. */
  #dropAhead(): void {
    for (const { packet } of this.#ahead) packet.free();
    this.#ahead = [];
    this.#restarts = true;
    this.#isAnchored = false;
    this.#latest = { pts: Number.NEGATIVE_INFINITY, durationTicks: 0 };
  }

  /** Forgets everything that was read. */
  #forget(): void {
    this.#restartDecoder();
    this.#dropAhead();
    this.#readFor = Number.NEGATIVE_INFINITY;
    this.#isSpent = false;
  }
}

function openDecoder({ stream, info }: VideoFile): CodecContext {
  const decoder = new CodecContext();
  const codec = Codec.findDecoder(stream.codecpar.codecId);
  decoder.allocContext3(codec);
  decoder.parametersToContext(stream.codecpar);
  decoder.pktTimebase = stream.timeBase;
  decoder.threadCount = 1;
  if (codec === null || decoder.open2Sync(codec) < 0) {
    decoder.freeContext();
    throw new CaptureError('unreadable', `the video's codec ${info.codec} is not supported`);
  }
  return decoder;
}
