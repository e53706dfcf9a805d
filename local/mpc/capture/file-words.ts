import { closeSync, openSync, readSync, statSync } from 'node:fs';
import {
  AV_DISPOSITION_ATTACHED_PIC,
  AV_NOPTS_VALUE,
  AVERROR_INVALIDDATA,
  AVMEDIA_TYPE_AUDIO,
  AVMEDIA_TYPE_VIDEO,
} from 'node-av/constants';
import { FFmpegError, type FormatContext, type Stream } from 'node-av/lib';
import { codecNameOf } from './codecs';
import { MAX_DURATION_MS, MAX_STREAMS } from './limits';

/** How much of each end of an encrypted file is read to find out how it is encrypted. */
const LOOKED_AT_BYTES = 1024 * 1024;
/** How much of the start of a file is read to find out whether it is encrypted. */
const HEADER_BYTES = 64 * 1024;
const MAX_STREAMS_NAMED = 3;
const TS_PACKET_BYTES = 188;
/** A fragmented MP4 has two for each fragment. The important ones are among the first. */
const MAX_BOXES = 1000;

/** The common names of containers. For all others, FFmpeg's name is used. */
const CONTAINER_NAMES: Record<string, string> = {
  mov: 'MP4',
  matroska: 'Matroska',
  mpegts: 'MPEG-TS',
  mpeg: 'MPEG-PS',
  avi: 'AVI',
  flv: 'FLV',
  asf: 'ASF',
  mxf: 'MXF',
  ogg: 'Ogg',
};

/** The ids of encryption systems in files (`pssh`), from DASH-IF's registry. */
const PROTECTION_SYSTEMS: Record<string, string> = {
  edef8ba979d64acea3c827dcd51d21ed: 'Widevine',
  '9a04f07998404286ab92e65be0885f95': 'PlayReady',
  '94ce86fb07ff4f43adb893d2fa968ca2': 'FairPlay',
};

/** The objects of an ASF file that describe its encryption (ASF specification, 3.14 and 3.15). */
const ASF_ENCRYPTION = ['fbb3112223bdd211b4b700a0c955fc6e', '14e68a292226174cb935dae07ee9289c'];

/** Container, streams with their codecs and sizes, duration and bytes of a file, in a few words. */
export function wordsAbout(container: FormatContext, filePath: string): string {
  const format = container.iformat?.name?.split(',')[0] ?? 'unknown';
  const streams = container.streams.flatMap((stream) => streamWords(stream) ?? []);
  if (streams.length > MAX_STREAMS_NAMED) streams.splice(MAX_STREAMS_NAMED, Infinity, '…');
  const { duration } = container;
  const seconds =
    duration === AV_NOPTS_VALUE || duration <= 0n || Number(duration) / 1000 > MAX_DURATION_MS
      ? 'unknown length'
      : `${(Number(duration) / 1e6).toFixed(1)} s`;
  return [CONTAINER_NAMES[format] ?? format, ...streams, seconds, bytesInWords(filePath)].join(', ');
}

function streamWords(stream: Stream): string | undefined {
  const { codecType, width, height } = stream.codecpar;
  if (codecType === AVMEDIA_TYPE_AUDIO) return `audio ${codecNameOf(stream)}`;
  const kind = stream.hasDisposition(AV_DISPOSITION_ATTACHED_PIC) ? 'cover picture' : 'video';
  if (codecType === AVMEDIA_TYPE_VIDEO) return `${kind} ${codecNameOf(stream)} ${width} × ${height}`;
  return undefined;
}

function bytesInWords(filePath: string): string {
  const bytes = statSync(filePath, { throwIfNoEntry: false })?.size ?? 0;
  return bytes < 100_000 ? `${bytes} bytes` : `${(bytes / 1e6).toFixed(1)} MB`;
}

/** The letters that identify a container, their position, and its common name. */
const STARTS: [letters: string, at: number, name: string][] = [
  ['OggS', 0, 'Ogg'],
  ['AVI ', 8, 'AVI'],
  ['FLV\x01', 0, 'FLV'],
  ['0&\xb2u\x8ef\xcf\x11', 0, 'ASF (WMV)'],
];

/** Files that are often named like a video by mistake: how each begins, and what it is. */
const OTHER_KINDS: [start: RegExp, name: string][] = [
  [/^\s*<(!doctype html|html)/i, 'a web page (HTML): was an error page saved in place of the video?'],
  [/^#EXTM3U/, 'a playlist (HLS), which only names the files of a video'],
  [/^\s*(<\?xml[^>]*>\s*)?<MPD/, 'a playlist (DASH), which only names the files of a video'],
  [/^PK\p{Cc}{2}/u, 'a ZIP archive: unpack it first'],
  [/^(Rar!|7z¼¯)/, 'an archive: unpack it first'],
  [/^%PDF/, 'a PDF document'],
  [/^version https:\/\/git-lfs/, 'a pointer of Git LFS, not the file itself: run git lfs pull'],
];

/** Says what kind of file begins like this, for a file that is no video. */
function otherKind(start: Buffer): string {
  const found = OTHER_KINDS.find(([pattern]) => pattern.test(start.toString('latin1', 0, 1024)));
  if (found !== undefined) return `it is ${found[1]}`;
  return isText(start) ? 'it is text, not a video' : 'its bytes are those of no kind of video that is known';
}

function isText(start: Buffer): boolean {
  if (start.some((byte) => byte < 9 || (byte > 13 && byte < 32))) return false;
  try {
    // The last letter may be cut in two.
    new TextDecoder('utf-8', { fatal: true }).decode(start, { stream: true });
    return true;
  } catch {
    return false;
  }
}

/**
 * Why a file could not be opened. It distinguishes missing, empty, truncated and damaged files from those that are no
 * video.
 */
export function whyUnreadable(result: number, filePath: string): string {
  const failure = 'the file cannot be read as a video';
  const isOfOtherKind =
    result === AVERROR_INVALIDDATA || statSync(filePath, { throwIfNoEntry: false })?.isFile();
  if (!isOfOtherKind) return `${failure}: ${FFmpegError.strerror(result)}`;
  const bytes = statSync(filePath).size;
  if (bytes === 0) return `${failure}: it is empty (0 bytes)`;
  const start = startOf(filePath);
  const size = bytesInWords(filePath);
  if (start.readUInt32BE(0) === 0x1a45dfa3) {
    return `${failure}: it is Matroska or WebM, cut off or damaged before its first picture (${size})`;
  }
  const container = STARTS.find(
    ([letters, at]) => start.toString('latin1', at, at + letters.length) === letters,
  );
  if (container !== undefined) {
    return `${failure}: it is ${container[2]}, cut off or damaged before its first picture (${size})`;
  }
  const boxes = topLevelBoxes(filePath, bytes);
  if (boxes.has('moov') && sampleEntries(filePath).includes('encv'))
    return `${failure}: ${encrypted(cencIn(filePath))} (${size})`;
  if (boxes.has('moov')) return `${failure}: it is MP4 or MOV whose index (moov) is damaged (${size})`;
  if (boxes.has('moof') || boxes.has('styp')) {
    return (
      `${failure}: it is a fragment of an MP4 without its initialization segment (moov): ` +
      `put that in front of it (${size})`
    );
  }
  if (boxes.has('mdat') || boxes.has('ftyp')) {
    return `${failure}: it is MP4 or MOV that was cut off before its index, moov (${size})`;
  }
  return `${failure}: ${otherKind(start)} (${size})`;
}

/** How a file is encrypted; undefined if its video is not. */
export function encryptionOf(
  container: FormatContext,
  filePath: string,
  stream: Stream | undefined,
): string | undefined {
  const format = container.iformat?.name?.split(',')[0];
  const isFairPlay = stream?.codecpar.codecTagString === 'drmi';
  const isMarked =
    stream?.codecpar.codecTagString === 'encv' ||
    typeof stream?.metadata?.get('enc_key_id') === 'string' ||
    // FFmpeg names the codec beneath the encryption; the sample entry in the index reveals it.
    (format === 'mov' && stream !== undefined && sampleEntries(filePath).includes('encv'));
  let how: string | undefined;
  if (isFairPlay) how = 'FairPlay';
  else if (isMarked) how = format === 'matroska' ? 'WebM encryption, as of Widevine' : cencIn(filePath);
  else if (
    format === 'asf' &&
    ASF_ENCRYPTION.some((id) => startOf(filePath).includes(Buffer.from(id, 'hex')))
  )
    how = 'Windows Media DRM';
  else if (format === 'mpegts' && isScrambled(filePath)) how = 'scrambled MPEG-TS';
  return how === undefined ? undefined : encrypted(how);
}

function encrypted(how: string): string {
  return `the video is encrypted (${how}): only a player that has its key can show it`;
}

function cencIn(filePath: string): string {
  return ['CENC', ...protectionSystems(filePath)].join(', ');
}

/** Why a file that can be opened gives no picture. @param hasPackets it contains data of pictures */
export function whyNoPicture(container: FormatContext, filePath: string, hasPackets: boolean): string {
  if (hasPackets) return 'none of the pictures can be decoded: the file is damaged';
  const format = container.iformat?.name?.split(',')[0];
  if (format === 'mov' && boxesWithin(filePath, ['moov', 'mvex']).length > 0) {
    return 'the file has no pictures: it is the initialization segment of an MP4, whose fragments belong behind it';
  }
  return 'the file has no pictures: it was cut off before the first one';
}

/** Matroska's name of a codec that FFmpeg does not know; undefined for other files. */
export function matroskaCodec(container: FormatContext, filePath: string): string | undefined {
  if (container.iformat?.name?.split(',')[0] !== 'matroska') return undefined;
  return /\bV_[\w/]+/.exec(startOf(filePath).toString('latin1'))?.[0];
}

function protectionSystems(filePath: string): string[] {
  const ends = endsOf(filePath);
  return Object.entries(PROTECTION_SYSTEMS).flatMap(([id, name]) =>
    ends.some((end) => end.includes(Buffer.from(id, 'hex'))) ? name : [],
  );
}

/** ISO/IEC 13818-1, 2.4.3.2: the two highest bits of a packet's fourth byte are 0 unless its payload is scrambled. */
function isScrambled(filePath: string): boolean {
  const start = startOf(filePath);
  let [packets, scrambled] = [0, 0];
  for (let at = 0; at + TS_PACKET_BYTES <= start.length; ) {
    // Camera recordings put four bytes between the packets.
    if (start[at] !== 0x47) {
      at++;
      continue;
    }
    packets++;
    if ((start.readUInt8(at + 3) & 0xc0) !== 0) scrambled++;
    at += TS_PACKET_BYTES;
  }
  return scrambled * 4 > packets;
}

/** A box of ISO/IEC 14496-12, 4.2: its type, and the start and end of its contents. */
interface Box {
  type: string;
  from: number;
  to: number;
}

/** The boxes in a row, up to the end or to the first bytes that are no box. */
function boxesIn(file: number, { from, to }: { from: number; to: number }): Box[] {
  const boxes: Box[] = [];
  const header = Buffer.alloc(16);
  for (let at = from; at + 8 <= to && boxes.length < MAX_BOXES; ) {
    readSync(file, header, 0, 16, at);
    const type = header.toString('latin1', 4, 8);
    if (!/^[\w ]{4}$/.test(type)) break;
    const size32 = header.readUInt32BE(0);
    const size = size32 === 1 ? Number(header.readBigUInt64BE(8)) : size32;
    boxes.push({ type, from: at + (size32 === 1 ? 16 : 8), to: Math.min(to, at + size) });
    if (size < 8) break;
    at += size;
  }
  return boxes;
}

/** The types of the top-level boxes of a file. */
function topLevelBoxes(filePath: string, bytes: number): Set<string> {
  return reading(filePath, (file) => new Set(boxesIn(file, { from: 0, to: bytes }).map(({ type }) => type)));
}

/** The names of the tracks' codecs in the index of an MP4. */
function sampleEntries(filePath: string): string[] {
  const path = ['moov', 'trak', 'mdia', 'minf', 'stbl', 'stsd'];
  const tables = boxesWithin(filePath, path);
  return reading(filePath, (file) =>
    // Version, flags and a count come before the entries.
    tables.flatMap(({ from, to }) => boxesIn(file, { from: from + 8, to }).map(({ type }) => type)),
  );
}

/** The boxes at the end of a path through the nested ones. */
function boxesWithin(filePath: string, path: readonly string[]): Box[] {
  return reading(filePath, (file) => {
    let boxes: Box[] = [{ type: '', from: 0, to: statSync(filePath).size }];
    for (const type of path) {
      boxes = boxes.flatMap((box) => boxesIn(file, box)).filter((box) => box.type === type);
      boxes.splice(MAX_STREAMS);
    }
    return boxes;
  });
}

function reading<T>(filePath: string, read: (file: number) => T): T {
  const file = openSync(filePath, 'r');
  try {
    return read(file);
  } finally {
    closeSync(file);
  }
}

function startOf(filePath: string): Buffer {
  return reading(filePath, (file) => {
    const start = Buffer.alloc(HEADER_BYTES);
    return start.subarray(0, Math.max(4, readSync(file, start, 0, HEADER_BYTES, 0)));
  });
}

/** The first and the last part of a file. */
function endsOf(filePath: string): Buffer[] {
  const { size } = statSync(filePath);
  return reading(filePath, (file) =>
    [0, Math.max(0, size - LOOKED_AT_BYTES)].map((at) => {
      const part = Buffer.alloc(Math.min(LOOKED_AT_BYTES, size));
      readSync(file, part, 0, part.length, at);
      return part;
    }),
  );
}
