import { AV_CODEC_ID_H264, AVERROR_EAGAIN, AVERROR_EOF } from 'node-av/constants';
import { type CodecContext, Frame, type Packet } from 'node-av/lib';
import { showsWithoutReferences } from './codecs';
import { isDamaged, isIntra, openDecoder } from './decoder';
import { FieldPairs } from './field-pairs';
import type { Finder, FoundFrame } from './finder';
import { PacketReader } from './packet-reader';
import { JOINED_AT_MS, timeOf } from './times';
import type { VideoFile } from './video-file';

/** This many pictures show whether a stated time is too late. Some program streams have such times. */
const LOOKED_AHEAD = 3;

interface Decoded {
  picture: Frame;
  /** The time in the container. */
  stated: number | undefined;
}

/**
 * Finds frames in videos whose packets do not show which frame is on display at a moment: they have no presentation
 * times, or they are joined from parts whose times each start again. It decodes everything from the start, which is
 * slow but always right. If times are missing, the frames take the decoding times in order, or follow each other at the
 * frame rate. The parts of a joined recording follow each other.
 */
export class SequentialFinder implements Finder {
  readonly isMidGroup = true;
  #reader: PacketReader;
  #decoder: CodecContext;
  #isDraining = false;
  /** Decoding times of the packets without presentation times whose frames have not come out yet. */
  #decodingTimes: number[] = [];
  #fieldPairs = new FieldPairs();
  /** How long a frame is displayed on average. */
  #frameTicks: number;
  #partOffset = 0;
  #lastDts: number | undefined;
  #lastPts: number | undefined;
  #waitsForIntra: boolean;
  /** Frames that came out of the decoder after the one that was last returned. */
  #upcoming: Decoded[] = [];
  #found: FoundFrame | undefined;
  #next: FoundFrame | undefined;

  /** Throws CaptureError `unreadable` if the video's codec is not supported. */
  constructor(private readonly video: VideoFile) {
    this.#reader = new PacketReader(video);
    this.#decoder = openDecoder(video);
    this.#waitsForIntra = showsWithoutReferences(video.stream);
    this.#frameTicks = video.frameTicks;
  }

  frameAt(ticks: number): FoundFrame {
    if (this.#found !== undefined && ticks < this.#found.pts) this.#startOver();
    for (;;) {
      this.#next ??= this.#receive();
      if (this.#next === undefined) break;
      if (this.#next.pts > ticks && this.#found !== undefined) return this.#found;
      this.#found?.picture.free();
      this.#found = this.#next;
      this.#next = undefined;
      if (this.#found.pts > ticks) return this.#found;
    }
    if (this.#found === undefined) throw this.video.noPicture(this.#reader.hasRead);
    const end = this.#found.pts + this.#frameTicks;
    if (ticks !== Number.POSITIVE_INFINITY && ticks >= end) throw this.video.pastTheEnd(ticks, end);
    return ticks === Number.POSITIVE_INFINITY ? { ...this.#found, endTicks: end } : this.#found;
  }

  rest(): void {}

  close(): void {
    this.#found?.picture.free();
    this.#next?.picture.free();
    for (const { picture } of this.#upcoming) picture.free();
    this.#decoder.freeContext();
  }

  #startOver(): void {
    this.close();
    this.video.rewind();
    this.#reader = new PacketReader(this.video);
    this.#decoder = openDecoder(this.video);
    this.#waitsForIntra = showsWithoutReferences(this.video.stream);
    this.#isDraining = false;
    this.#decodingTimes = [];
    this.#fieldPairs = new FieldPairs();
    this.#partOffset = 0;
    this.#lastDts = this.#lastPts = undefined;
    this.#found = this.#next = undefined;
    this.#upcoming = [];
  }

  /** The next picture in the order of display, with its time. */
  #receive(): FoundFrame | undefined {
    while (this.#upcoming.length <= LOOKED_AHEAD) {
      const decoded = this.#decode();
      if (decoded === undefined) break;
      this.#upcoming.push(decoded);
    }
    const next = this.#upcoming.shift();
    if (next === undefined) return undefined;
    const { picture, stated } = next;
    return { picture, pts: this.#timeOf(stated), isDamaged: isDamaged(picture) };
  }

  #decode(): Decoded | undefined {
    const picture = new Frame();
    picture.alloc();
    for (;;) {
      const result = this.#decoder.receiveFrameSync(picture);
      if (result >= 0) {
        const stated = this.#statedTimeOf(picture);
        if (!this.#waitsForIntra || isIntra(picture)) {
          this.#waitsForIntra = false;
          return { picture, stated };
        }
        picture.unref();
      } else if (result === AVERROR_EAGAIN && !this.#isDraining) this.#send();
      else if (result === AVERROR_EOF || result === AVERROR_EAGAIN) break;
    }
    picture.free();
    return undefined;
  }

  #send(): void {
    const read = this.#reader.read();
    if (read === undefined) {
      this.#isDraining = true;
      this.#decoder.sendPacketSync(null);
      return;
    }
    const { packet } = read;
    const dts = timeOf(packet.dts);
    if (dts !== undefined) {
      const stepTicks = dts - (this.#lastDts ?? dts);
      if (this.#lastDts !== undefined && (this.#lastDts - dts) * this.video.tickMs > JOINED_AT_MS) {
        this.#partOffset += this.#lastDts + this.video.frameTicks - dts;
      }
      this.#lastDts = dts;
      if (read.isShown && this.#partOffset !== 0) packet.pts += BigInt(Math.round(this.#partOffset));
      const takesDecodingTime = this.video.times === 'decoding' || !read.isShown;
      const isSecondField = this.#isSecondField(packet, stepTicks);
      if (takesDecodingTime && packet.size > 0 && !isSecondField)
        this.#decodingTimes.push(dts + this.#partOffset);
    }
    this.#decoder.sendPacketSync(packet);
    packet.free();
  }

  /** Both fields of a picture have decoding times. The picture takes the first one's. */
  #isSecondField({ data }: Packet, stepTicks: number): boolean {
    if (this.video.stream.codecpar.codecId !== AV_CODEC_ID_H264 || data === null) return false;
    if (!this.#fieldPairs.isSecondField(data)) return false;
    // If fields are as far apart as pictures should be, the frame rate counts fields.
    const { frameTicks } = this.video;
    if (stepTicks > frameTicks * 0.75) this.#frameTicks = frameTicks * 2;
    return true;
  }

  /**
   * The picture's own time if it is before those of the pictures after it; otherwise the time that its place in the
   * order gives it.
   */
  #timeOf(stated: number | undefined): number {
    const { firstTicks } = this.video;
    const frameTicks = this.#frameTicks;
    const last = this.#lastPts ?? Number.NEGATIVE_INFINITY;
    const later = this.#upcoming.flatMap((next) => next.stated ?? []).filter((time) => time > last);
    const limit = Math.min(...later);
    const following = Number.isFinite(last) ? last + frameTicks : firstTicks;
    if (stated === undefined) this.#lastPts = following < limit ? following : (last + limit) / 2;
    else if (stated > last && stated < limit) this.#lastPts = stated;
    // After times that were too late, the following ones catch up.
    else this.#lastPts = stated > last && following < limit ? following : last + 1;
    return this.#lastPts;
  }

  #statedTimeOf(picture: Frame): number | undefined {
    if (this.video.times === 'none') return undefined;
    const own = this.video.times === 'presentation' ? timeOf(picture.pts) : undefined;
    return own ?? this.#decodingTimes.shift();
  }
}
