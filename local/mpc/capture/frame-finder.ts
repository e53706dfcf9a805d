import {
  AV_FRAME_FLAG_INTERLACED,
  AV_OPT_TYPE_INT,
  AV_PKT_FLAG_CORRUPT,
  AVDISCARD_DEFAULT,
  AVDISCARD_NONREF,
  AVERROR_EAGAIN,
  AVERROR_EOF,
} from 'node-av/constants';
import { type CodecContext, Frame, type Packet } from 'node-av/lib';
import { reordersFreely, showsWithoutReferences } from './codecs';
import { isDamaged, isIntra, needsFirstPacket, openDecoder } from './decoder';
import type { Finder, FoundFrame } from './finder';
import { MAX_AHEAD_BYTES, MAX_FROM_START_PICTURES } from './limits';
import { PacketReader, type ReadPacket } from './packet-reader';
import { timeOf } from './times';
import type { VideoFile } from './video-file';

/** Up to this distance, reading on is cheaper than a seek, which may land before what was already read. */
const SEEK_BEYOND_MS = 5000;
/**
 * How much earlier to start if there is no key frame before the moment. Each further try goes back four times as far.
 */
const FIRST_STEP_BACK_MS = 2000;
/** H.264 and HEVC reorder at most 16 frames: after that many later ones, no earlier one can be missing. */
const MAX_REORDERED_FRAMES = 16;
/**
 * Sound commonly outlasts the pictures a little. A stated duration that is off by more is wrong, or the file is cut.
 */
const MAX_OUTLASTING_SOUND_MS = 1000;

/**
 * Decoding this few packets again is hardly noticeable, so no decoder is kept for them while other videos have turns.
 */
const MAX_SENT_AGAIN = 16;

const LAST = Number.POSITIVE_INFINITY;

/** Where decoding starts: at the last key frame up to `anchorUntil`, searched from `from` on. */
interface Approach {
  anchorUntil: number;
  from: number;
  /** True if nothing that was read and decoded before is of use. */
  isAnew: boolean;
  /** True for a new decoder that skips nothing, because what it guesses depends on both. */
  isCareful?: boolean;
}

/**
 * Finds the frame that is on display at a moment, always exactly: pts <= moment < pts of the next frame.
 *
 * The packets around the moment show which frame that is, before anything is decoded. Then the finder decodes only what
 * the frame needs: from the key frame before it, without the frames that no other frame refers to. In order of time, it
 * decodes nothing twice except the few packets that `rest` forgets. The result depends only on the moment, not on
 * earlier calls. After an error the finder is of no more use.
 */
export class FrameFinder implements Finder {
  /** Undefined while the finder rests. */
  #decoder: CodecContext | undefined;
  readonly #reader: PacketReader;
  /** Read, but not yet sent to the decoder. */
  #ahead: ReadPacket[] = [];
  #aheadBytes = 0;
  /** Presentation times that were sent and have not come out of the decoder yet. */
  #inDecoder: number[] = [];
  /** From the start of the file to the packets ahead, the decoder gets everything. */
  #readsFromStart = true;
  /** The packets since a key frame at or before the moment are in memory. */
  #isAnchored = false;
  /** Decoding starts at the last key frame up to here: the moment, or an earlier one if that key frame proved false. */
  #anchorUntil = LAST;
  /** The moment up to which packets were last read. Earlier ones may be gone. */
  #readFor = Number.NEGATIVE_INFINITY;
  /** The decoder was drained for the last moment, and what it needs for another one was not read again. */
  #isSpent = false;
  /** The decoder must restart with the first packet ahead. */
  #restarts = true;
  #isDraining = false;
  /** False once a drained decoder did not give a wanted picture, as when its second field is a packet of its own. */
  #mayDrainEarly = true;
  /** The time of the key frame at which decoding started. Earlier pictures lack their references. */
  #decodedFrom = Number.NEGATIVE_INFINITY;
  /** Since decoding started, something could not be decoded, or not completely. */
  #hasDamage = false;
  #isCareful = false;
  /** Pictures may consist of two packets. */
  #hasFields = false;
  /** Pictures are skipped until one comes that needs no other. */
  #waitsForIntra = false;
  /** The video has no intact picture that needs no other, so any picture will do. */
  #takesAny = false;
  /** All packets that were sent to the decoder since it started; undefined if they are too many to send again. */
  #sent: ReadPacket[] | undefined = [];
  #skipsUnreferenced = false;
  #latest = { pts: Number.NEGATIVE_INFINITY, durationTicks: 0 };
  #found: FoundFrame | undefined;
  /** A frame from the decoder that is later than the moment. */
  #next: FoundFrame | undefined;
  /** The video's first packet, if a decoder needs it wherever it starts. */
  readonly #firstPacket: Packet | null = null;

  /** Throws CaptureError `unreadable` if the video's codec is not supported. */
  constructor(private readonly video: VideoFile) {
    this.#reader = new PacketReader(video);
    this.#decoder = openDecoder(video);
    if (needsFirstPacket(video)) {
      const first = this.#reader.read();
      this.#firstPacket = first?.packet.clone() ?? null;
      if (first !== undefined) this.#take(first);
      this.#showFirstPacket();
    }
  }

  frameAt(ticks: number, nextTicks?: number): FoundFrame {
    const from = this.#seekTarget(ticks);
    const isBehind = ticks < this.#readFor || (this.#found !== undefined && ticks < this.#found.pts);
    let approach: Approach | undefined = { anchorUntil: ticks, from, isAnew: isBehind || this.#isSpent };
    let landings = 0;
    for (let tries = 0; ; ) {
      if (approach.isAnew) this.#goBackTo(approach.from);
      else this.#skipTo(approach.from);
      this.#anchorUntil = approach.anchorUntil;
      this.#readUpTo(ticks);
      const anchorUntil: number = approach.anchorUntil;
      if (!this.#isAnchored && !this.#readsFromStart) {
        approach = {
          anchorUntil,
          from: this.#stepBack(Math.min(anchorUntil, from), landings++),
          isAnew: true,
        };
        continue;
      }
      this.#refusePastTheEnd(ticks);
      if (approach.isCareful) this.#isCareful = true;
      const readsFromStart = this.#readsFromStart;
      const wasCareful = this.#isCareful;
      const found = this.#decodeUpTo(ticks, nextTicks);
      const again: number =
        approach.isAnew || !Number.isFinite(this.#decodedFrom) ? approach.from : this.#decodedFrom;
      if (this.#hasDamage && !wasCareful) {
        approach = { anchorUntil, from: again, isAnew: true, isCareful: true };
        continue;
      }
      if (found === 'drained too early') {
        this.#mayDrainEarly = false;
        approach = { anchorUntil, from: again, isAnew: true };
        continue;
      }
      approach = readsFromStart ? undefined : this.#fromFurtherAhead(found, ticks, tries++);
      if (approach !== undefined) continue;
      if (found !== undefined) {
        // Decoding from further back than usual might change later pictures.
        if (tries > 1) this.#isSpent = true;
        return ticks === LAST ? { ...found, endTicks: this.#lastFrameEnd } : found;
      }
      if (this.#takesAny) throw this.video.noPicture(this.#reader.hasRead);
      this.#takesAny = true;
      approach = { anchorUntil: Number.NEGATIVE_INFINITY, from: Number.NEGATIVE_INFINITY, isAnew: true };
    }
  }

  /**
   * Where to start decoding again for a picture that did not come out or is damaged; undefined if it cannot get better.
   */
  #fromFurtherAhead(found: FoundFrame | undefined, ticks: number, tries: number): Approach | undefined {
    if (found !== undefined && !found.isDamaged) return undefined;
    const anchor = Number.isFinite(this.#decodedFrom) ? this.#decodedFrom : ticks;
    if (tries === 0) return { anchorUntil: anchor - 1, from: anchor - 1, isAnew: true };
    if (found === undefined) {
      const earlier = this.#stepBack(anchor, tries);
      return { anchorUntil: earlier, from: earlier, isAnew: true };
    }
    const { firstTicks, frameTicks } = this.video;
    if (ticks - firstTicks > MAX_FROM_START_PICTURES * frameTicks) return undefined;
    return { anchorUntil: Number.NEGATIVE_INFINITY, from: Number.NEGATIVE_INFINITY, isAnew: true };
  }

  #stepBack(ticks: number, tries: number): number {
    return ticks - (FIRST_STEP_BACK_MS * 4 ** tries) / this.video.tickMs;
  }

  /** True if the decoder's contents lead to the next moment. */
  get isMidGroup(): boolean {
    return !this.#restarts && !this.#isSpent;
  }

  /** Releases the decoder's memory, unless it holds more than can quickly be decoded again. */
  rest(): void {
    if (this.isMidGroup) {
      if (this.#sent === undefined) return;
      this.#ahead.unshift(...this.#sent);
      for (const { packet } of this.#sent) this.#aheadBytes += packet.size;
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
    this.#firstPacket?.free();
  }

  #seekTarget(ticks: number): number {
    return (ticks === LAST ? this.video.statedEndTicks : ticks) ?? LAST;
  }

  /** Starts reading again, at the moment or at the start of the file. */
  #goBackTo(ticks: number): void {
    this.#forget();
    this.#readsFromStart = ticks <= this.video.firstTicks || ticks === LAST;
    if (this.#readsFromStart) this.#reader.seekToStart();
    else if (!this.#reader.seek(ticks)) {
      this.#readsFromStart = true;
      this.#reader.seekToStart();
    }
  }

  /**
   * Seeks to a moment far ahead. If that lands in what was already read, reading continues after it and the decoder
   * keeps its state.
   */
  #skipTo(ticks: number): void {
    const headDts = this.#reader.lastDts;
    const distanceMs = (ticks - Math.max(headDts, this.video.firstTicks)) * this.video.tickMs;
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

  /** Reads until no frame that is displayed at or before the moment can be missing. */
  #readUpTo(ticks: number): void {
    this.#readFor = ticks;
    this.#anchor();
    let later = 0;
    for (const { pts } of this.#ahead) if (pts > ticks) later++;
    while (!this.#reader.isAtEnd && later < MAX_REORDERED_FRAMES) {
      const read = this.#reader.read();
      if (read === undefined) return;
      this.#take(read);
      if (this.#aheadBytes > MAX_AHEAD_BYTES) this.#decodeUnasked(ticks);
      if (read.pts > ticks) later++;
      if (read.dts > ticks && read.pts > ticks) return;
    }
  }

  /**
   * Decodes what was read, so that a long way to the moment takes no memory. A later key frame makes the result
   * useless.
   */
  #decodeUnasked(ticks: number): void {
    if (!this.#isAnchored && !this.#readsFromStart && this.#restarts) return;
    if (this.#restarts) this.#restartDecoder();
    while (this.#aheadBytes > MAX_AHEAD_BYTES / 2 && this.#next === undefined) {
      let isSent = false;
      this.#next = this.#receive(() => {
        if (isSent) return false;
        isSent = true;
        this.#send(Number.NEGATIVE_INFINITY);
        return true;
      });
      if (this.#next !== undefined && this.#next.pts <= ticks) this.#accept();
    }
  }

  #take(read: ReadPacket): void {
    this.#ahead.push(read);
    this.#aheadBytes += read.packet.size;
    if (read.isKey) this.#anchor();
    if (read.isShown && read.pts > this.#latest.pts) this.#latest = read;
  }

  /** Makes decoding start at the last usable key frame: nothing that was read before it is needed. */
  #anchor(): void {
    const start = this.#ahead.findLastIndex((read) => read.isKey && read.pts <= this.#anchorUntil);
    if (start < 0) return;
    if (start > 0 || !this.#restarts) this.#readsFromStart = false;
    for (const { packet } of this.#ahead.splice(0, start)) {
      this.#aheadBytes -= packet.size;
      packet.free();
    }
    this.#restarts = true;
    this.#isCareful = false;
    this.#isAnchored = true;
  }

  /** When the last of the frames that were read ends. */
  get #lastFrameEnd(): number {
    return this.#latest.pts + (this.#latest.durationTicks || this.video.frameTicks);
  }

  #refusePastTheEnd(ticks: number): void {
    if (ticks === LAST || !this.#reader.isAtEnd) return;
    const { tickMs, statedEndTicks } = this.video;
    const lastFrameEnd = this.#lastFrameEnd;
    // No picture was read, so the end is unknown.
    if (!Number.isFinite(lastFrameEnd)) return;
    const outlasting = Math.max(0, (statedEndTicks ?? 0) - lastFrameEnd);
    const end = lastFrameEnd + (outlasting * tickMs <= MAX_OUTLASTING_SOUND_MS ? outlasting : 0);
    if (ticks >= end) throw this.video.pastTheEnd(ticks, end);
  }

  /** Decodes until the frame of the moment is out. Undefined when the decoder gives none, as after a false key frame. */
  #decodeUpTo(ticks: number, nextTicks: number | undefined): FoundFrame | 'drained too early' | undefined {
    const wanted = this.#latestTwo(ticks);
    if (!this.#restarts && this.#found?.pts === wanted.pts && !this.#hasMoreOf(wanted.pts))
      return this.#found;
    if (this.#restarts) this.#restartDecoder();
    if (this.#isCareful) return this.#decodeCarefully(wanted.pts);
    let isDrainedEarly = false;
    const send = () => {
      const isWhole = this.#mayDrainEarly && !this.#reader.hasUntimed;
      if (!this.#isDraining && isWhole && this.#isSent(wanted.pts)) {
        if (this.#leavesFor(ticks, nextTicks)) {
          isDrainedEarly = true;
          this.#drain();
          return true;
        }
      }
      this.#send(wanted.previousPts);
      return true;
    };
    for (;;) {
      this.#next ??= this.#receive(send);
      if (this.#next === undefined || this.#next.pts > wanted.pts) break;
      this.#accept();
      if (this.#found?.pts === wanted.pts && !this.#hasMoreOf(wanted.pts)) return this.#found;
    }
    if (isDrainedEarly) return 'drained too early';
    // A later picture came out first, because one of them has a wrong time: in another order both may come.
    const isOvertaken =
      this.#next !== undefined && this.#found?.pts !== wanted.pts && !this.#isAhead(wanted.pts);
    if (isOvertaken && !this.#hasFields && Number.isFinite(wanted.pts) && reordersFreely(this.video.stream))
      this.#hasDamage = true;
    // More than one picture is missing: after a gap, later ones may come out first.
    const isMissingMore = Number.isFinite(wanted.previousPts) && this.#found?.pts !== wanted.previousPts;
    if (isMissingMore && (this.#found !== undefined || !this.#readsFromStart)) this.#hasDamage = true;
    // Some packets show nothing (VP8's alternate references, second fields): then the frame before them is still on
    // display. Before the first picture that can be decoded, that picture counts.
    if (this.#found === undefined && this.#readsFromStart) this.#accept();
    return this.#found;
  }

  /**
   * Decodes up to the wanted picture and no further, except for its second field: after damage, pictures may come out
   * in any order or not at all, and packets that are sent later must not make a difference.
   */
  #decodeCarefully(wantedPts: number): FoundFrame | undefined {
    let isWantedSent = false;
    const send = () => {
      const isSecondField = this.#hasFields || this.#ahead[0]?.isShown === false;
      if (isWantedSent || (this.#isSent(wantedPts) && !isSecondField)) this.#drain();
      isWantedSent ||= this.#isSent(wantedPts);
      if (!this.#isDraining) this.#send(Number.NEGATIVE_INFINITY);
      return true;
    };
    this.#isSpent = true;
    let first: FoundFrame | undefined;
    for (;;) {
      const next = this.#receive(send);
      if (next === undefined) break;
      if (next.pts <= wantedPts && next.pts >= (this.#found?.pts ?? Number.NEGATIVE_INFINITY)) {
        this.#found?.picture.free();
        this.#found = next;
      } else if (first === undefined && next.pts > wantedPts) first = next;
      else next.picture.free();
    }
    this.#next = first;
    if (this.#found === undefined && this.#readsFromStart) {
      this.#next ??= this.#firstToCome();
      this.#accept();
    }
    return this.#found;
  }

  /** The first picture that comes out of the packets ahead, after a decoder that was drained. */
  #firstToCome(): FoundFrame | undefined {
    this.#decoder?.flushBuffers();
    this.#isDraining = false;
    return this.#receive(() => {
      this.#send(Number.NEGATIVE_INFINITY);
      return true;
    });
  }

  /** All pictures of this time, of which there may be several, are in the decoder. */
  #isSent(pts: number): boolean {
    return this.#inDecoder.includes(pts) && !this.#isAhead(pts);
  }

  /** More pictures of this time will follow; the last one is on display. */
  #hasMoreOf(pts: number): boolean {
    return this.#inDecoder.includes(pts) || this.#isAhead(pts);
  }

  #isAhead(pts: number): boolean {
    return this.#ahead.some((read) => read.isShown && read.pts === pts);
  }

  /** Takes the frame from the decoder as the one on display. */
  #accept(): void {
    if (this.#next === undefined) return;
    this.#found?.picture.free();
    this.#found = this.#next;
    this.#next = undefined;
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
   * Whether the decoder's contents will be useless for the next moment. Then the decoder can be drained, and needs no
   * further packets until it gives the frame two or three frames later. The reader moves on to the next moment to find
   * out.
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

  /** The decoder's next frame; undefined if it has none left. `send` gives it more packets, or refuses to. */
  #receive(send: () => boolean): FoundFrame | undefined {
    const picture = new Frame();
    picture.alloc();
    for (;;) {
      const result = this.#decoder?.receiveFrameSync(picture) ?? AVERROR_EOF;
      if (result >= 0) {
        const pts = timeOf(picture.pts) ?? timeOf(picture.bestEffortTimestamp);
        if (pts !== undefined) {
          const place = this.#inDecoder.indexOf(pts);
          this.#inDecoder = this.#inDecoder.filter((sent, at) => sent >= pts && at !== place);
          if (isDamaged(picture)) this.#hasDamage = true;
          if (picture.hasFlags(AV_FRAME_FLAG_INTERLACED)) this.#hasFields = true;
          if (this.#isToBeShown(picture, pts)) return { picture, pts, isDamaged: isDamaged(picture) };
        }
        picture.unref();
        continue;
      }
      if (result === AVERROR_EAGAIN && !this.#isDraining) {
        if (!send()) break;
      } else if (result === AVERROR_EOF || result === AVERROR_EAGAIN) break;
      // Any other error means one damaged frame.
      else this.#hasDamage = true;
    }
    picture.free();
    return undefined;
  }

  #isToBeShown(picture: Frame, pts: number): boolean {
    if (pts < this.#decodedFrom) return false;
    if (this.#waitsForIntra && !isIntra(picture)) return false;
    this.#waitsForIntra = false;
    if (this.#takesAny || !this.#reader.isAtEnd || pts !== this.#reader.lastPts) return true;
    // The picture at which the file was cut.
    return !isDamaged(picture) && !this.#reader.isLastCut;
  }

  /** Sends the next packet. The decoder may skip frames before `neededFromPts`. */
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
    this.#aheadBytes -= next.packet.size;
    this.#setSkipping(
      !next.isKey && next.pts < neededFromPts && !this.#reader.hasUntimed && !this.#isCareful,
    );
    if (next.packet.hasFlags(AV_PKT_FLAG_CORRUPT)) this.#hasDamage = true;
    if ((this.#decoder?.sendPacketSync(next.packet) ?? 0) < 0) this.#hasDamage = true;
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

  /** Makes the decoder give out all frames. It must restart after that. */
  #drain(): void {
    this.#decoder?.sendPacketSync(null);
    this.#isDraining = true;
  }

  /** Sets whether the decoder may skip frames that no other frame refers to. */
  #setSkipping(skips: boolean): void {
    if (skips === this.#skipsUnreferenced) return;
    this.#decoder?.setOption('skip_frame', skips ? AVDISCARD_NONREF : AVDISCARD_DEFAULT, AV_OPT_TYPE_INT);
    this.#skipsUnreferenced = skips;
  }

  #restartDecoder(): void {
    // After damage, a flush does not make a decoder forget everything.
    if (this.#isCareful || this.#hasDamage) {
      this.#decoder?.freeContext();
      this.#decoder = undefined;
    }
    if (this.#decoder === undefined) {
      this.#decoder = openDecoder(this.video);
      this.#skipsUnreferenced = false;
      this.#showFirstPacket();
    }
    this.#discardDecoded();
    this.#decoder.flushBuffers();
    this.#isDraining = false;
    this.#freeSent();
    this.#inDecoder = [];
    this.#restarts = false;
    this.#hasDamage = false;
    this.#waitsForIntra = showsWithoutReferences(this.video.stream) && !this.#takesAny;
    this.#decodedFrom = this.#readsFromStart
      ? Number.NEGATIVE_INFINITY
      : (this.#ahead[0]?.pts ?? Number.NEGATIVE_INFINITY);
    this.#freePictures();
  }

  /** Sends the packet without wanting its picture. */
  #showFirstPacket(): void {
    if (this.#firstPacket !== null) this.#decoder?.sendPacketSync(this.#firstPacket);
  }

  /** HEVC's decoder keeps frames that were not fetched, and gives them out after a flush. */
  #discardDecoded(): void {
    const picture = new Frame();
    picture.alloc();
    while ((this.#decoder?.receiveFrameSync(picture) ?? AVERROR_EOF) >= 0) picture.unref();
    picture.free();
  }

  #freePictures(): void {
    this.#found?.picture.free();
    this.#next?.picture.free();
    this.#found = undefined;
    this.#next = undefined;
  }

  /** Forgets the packets that were read but not decoded. The decoder must restart after them. */
  #dropAhead(): void {
    for (const { packet } of this.#ahead) packet.free();
    this.#ahead = [];
    this.#aheadBytes = 0;
    this.#restarts = true;
    this.#isAnchored = false;
    this.#latest = { pts: Number.NEGATIVE_INFINITY, durationTicks: 0 };
  }

  /** Forgets everything that was read. */
  #forget(): void {
    this.#isCareful = false;
    this.#restartDecoder();
    this.#dropAhead();
    this.#readFor = Number.NEGATIVE_INFINITY;
    this.#isSpent = false;
  }
}
