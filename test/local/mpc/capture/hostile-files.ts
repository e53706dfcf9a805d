import { deflateSync } from 'node:zlib';

/** Numbers below a limit, the same ones for the same seed. */
export type Random = (below: number) => number;

export function seededRandom(seed: number): Random {
  let state = seed & 0x7fffffff;
  return (below) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    return Math.floor((state / 0x80000000) * below);
  };
}

/** The largest numbers: a size of 2^63 - 1 bytes, 2^32 - 1 of something, 65,535 pixels. */
const HUGE = ['7fffffffffffffff', 'ffffffff', '7fffffff', 'ffff'].map((hex) => Buffer.from(hex, 'hex'));

/** A file with some bytes changed, cut out, doubled or made huge; half of it where it hurts: in the first and last 4 KB. */
export function damaged(original: Buffer, random: Random): Buffer {
  let bytes = Buffer.from(original);
  const place = () => {
    const near = random(Math.min(4096, bytes.length));
    return [near, bytes.length - 1 - near, random(bytes.length), random(bytes.length)][random(4)] ?? 0;
  };
  for (let change = random(8); change >= 0; change--) {
    const at = place();
    switch (random(6)) {
      case 0:
        HUGE[random(HUGE.length)]?.copy(bytes, at);
        break;
      case 1:
        bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + random(200))]);
        break;
      case 2:
        bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(Math.max(0, at - random(2000)))]);
        break;
      default:
        bytes[at] = random(256);
    }
    if (bytes.length < 16) return bytes;
  }
  return random(10) === 0 ? bytes.subarray(0, random(bytes.length)) : bytes;
}

/** An MP4 with one box of its index changed: made huge, cut out, doubled, moved into another one. */
export function withOddBoxes(mp4: Buffer, random: Random): Buffer {
  const types = [
    'moov',
    'trak',
    'mdia',
    'minf',
    'stbl',
    'stsd',
    'stts',
    'stsc',
    'stsz',
    'stco',
    'ctts',
    'elst',
  ];
  const type = types[random(types.length)] ?? 'moov';
  const at = mp4.indexOf(type, 0, 'latin1') - 4;
  if (at < 0) return mp4;
  const size = mp4.readUInt32BE(at);
  const box = mp4.subarray(at, at + size);
  const bytes = Buffer.from(mp4);
  switch (random(5)) {
    case 0:
      bytes.writeUInt32BE([0, 1, 7, size - 1, size + 1, 0x7fffffff, 0xffffffff][random(7)] ?? 0, at);
      return bytes;
    case 1:
      return Buffer.concat([mp4.subarray(0, at), mp4.subarray(at + size)]);
    case 2:
      return Buffer.concat([
        mp4.subarray(0, at),
        ...Array<Buffer>(1 + random(50)).fill(box),
        mp4.subarray(at + size),
      ]);
    case 3:
      bytes.writeUInt32BE(1_000_000_000, at + 12);
      return bytes;
    default:
      bytes.writeUInt32BE(0xffffffff - random(4), at + 8 + 4 * random(4));
      return bytes;
  }
}

/** Files that say too much, by name. `mp4` has its index at the end; `decoy` is a file beside them that nobody may open. */
export function craftedFiles({ mp4, decoy }: { mp4: Buffer; decoy: string }): Record<string, Buffer> {
  const text = (value: string) => Buffer.from(value, 'latin1');
  return {
    '10,000 tracks': withTracks(mp4, 10_000),
    'a billion frames in the index': patched(mp4, [
      ['stts', 8, 1],
      ['stts', 12, 1_000_000_000],
      ['stts', 16, 1],
      ['stsz', 8, 1],
      ['stsz', 12, 1_000_000_000],
    ]),
    'a billion frames of no size': patched(mp4, [
      ['stsz', 8, 0],
      ['stsz', 12, 1_000_000_000],
    ]),
    'a billion chunks': patched(mp4, [['stco', 8, 1_000_000_000]]),
    '65,535 × 65,535': patched(mp4, [['avc1', 28, 0xffffffff]]),
    'a picture of 65,535 × 65,535': png(65_535, 65_535, []),
    'a text that unpacks to 1 GB': png(64, 64, [['zTXt', Buffer.concat([text('a\0\0'), bomb()])]]),
    'a colour profile that unpacks to 1 GB': png(64, 64, [['iCCP', Buffer.concat([text('a\0\0'), bomb()])]]),
    'a packed index that unpacks to 1 GB': packedIndex(),
    'a GIF of 65,535 × 65,535': Buffer.concat([
      text('GIF89a'),
      Buffer.from('ffffffff800000000000ffffff2c00000000ffffffff000c', 'hex'),
      Buffer.alloc(4096, 0x20),
    ]),
    'a YUV4MPEG of 65,535 × 65,535': text(
      `YUV4MPEG2 W65535 H65535 F25:1 C444p16\nFRAME\n${'a'.repeat(4096)}`,
    ),
    'SVG whose entities grow': text(
      `<?xml version="1.0"?><!DOCTYPE svg [${Array.from({ length: 20 }, (_, n) => `<!ENTITY a${n + 1} "${`&a${n};`.repeat(10)}">`).join('')}]><svg>&a20;<image href="file:${decoy}"/></svg>`,
    ),
    'subtitles without end': text(`1\n00:00:00,000 --> 99:59:59,999\n${'{\\an8}'.repeat(200_000)}\n\n`),
    'a playlist': text(`#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\nfile:${decoy}\n#EXT-X-ENDLIST\n`),
    'a list of files': text(`ffconcat version 1.0\nfile '${decoy}'\nfile 'file:${decoy}'\n`),
    'a description of a session': text(
      `v=0\no=- 0 0 IN IP4 127.0.0.1\nc=IN IP4 127.0.0.1\nm=video 9 RTP/AVP 96\n`,
    ),
    DASH: text(
      `<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" mediaPresentationDuration="PT9S"><Period><AdaptationSet contentType="video"><Representation id="1" bandwidth="1"><BaseURL>file:${decoy}</BaseURL></Representation></AdaptationSet></Period></MPD>`,
    ),
    'an MP4 whose pictures are in another file': withReference(mp4, decoy),
  };
}

/** Writes 32-bit numbers at places behind the types of boxes. */
function patched(mp4: Buffer, changes: [type: string, offset: number, value: number][]): Buffer {
  const bytes = Buffer.from(mp4);
  for (const [type, offset, value] of changes)
    bytes.writeUInt32BE(value, bytes.indexOf(type, 0, 'latin1') + offset);
  return bytes;
}

/** The one track of an MP4 with its index at the end, many times. */
function withTracks(mp4: Buffer, count: number): Buffer {
  const moov = mp4.indexOf('moov', 0, 'latin1') - 4;
  const trak = mp4.indexOf('trak', 0, 'latin1') - 4;
  const track = mp4.subarray(trak, trak + mp4.readUInt32BE(trak));
  const index = Buffer.concat([mp4.subarray(moov, trak), ...Array<Buffer>(count).fill(track)]);
  index.writeUInt32BE(index.length, 0);
  return Buffer.concat([mp4.subarray(0, moov), index]);
}

/** Its data reference (ISO/IEC 14496-12, 8.7.2) names another file. */
function withReference(mp4: Buffer, decoy: string): Buffer {
  const bytes = Buffer.from(mp4);
  const at = bytes.indexOf('url ', bytes.indexOf('dref', 0, 'latin1'), 'latin1');
  bytes.write('alis', at, 'latin1');
  bytes.writeUInt32BE(0, at + 4);
  return Buffer.concat([bytes, Buffer.from(decoy, 'latin1')]);
}

function chunk(type: string, data: Buffer): Buffer {
  const header = Buffer.alloc(8);
  header.writeUInt32BE(data.length, 0);
  header.write(type, 4, 'latin1');
  return Buffer.concat([header, data, Buffer.alloc(4)]);
}

function png(width: number, height: number, chunks: [string, Buffer][]): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.write('\x08\x02', 8, 'latin1');
  return Buffer.concat([
    Buffer.from('89504e470d0a1a0a', 'hex'),
    chunk('IHDR', header),
    ...chunks.map(([type, data]) => chunk(type, data)),
    chunk('IDAT', deflateSync(Buffer.alloc(64 * 193))),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

let packedZeros: Buffer | undefined;
/** 1 GB of zeros, packed to 1 MB. */
function bomb(): Buffer {
  packedZeros ??= deflateSync(Buffer.alloc(1 << 30), { level: 9 });
  return packedZeros;
}

/** QuickTime's `cmov`: an index that is packed with zlib. */
function packedIndex(): Buffer {
  const box = (type: string, ...contents: Buffer[]) => {
    const data = Buffer.concat(contents);
    const header = Buffer.alloc(8);
    header.writeUInt32BE(data.length + 8, 0);
    header.write(type, 4, 'latin1');
    return Buffer.concat([header, data]);
  };
  const size = Buffer.alloc(4);
  size.writeUInt32BE(1 << 30, 0);
  return Buffer.concat([
    box('ftyp', Buffer.from('qt  \0\0\0\0qt  ', 'latin1')),
    box('moov', box('cmov', box('dcom', Buffer.from('zlib', 'latin1')), box('cmvd', size, bomb()))),
  ]);
}
