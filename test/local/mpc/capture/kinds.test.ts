import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { decode } from 'jpeg-js';
import { type CapturePoint, CapturePool, type Frame } from '../../../../local/mpc/capture/capture-pool';
import { withCleanAperture } from '../../../clean-aperture';
import { type ClipOptions, makeClip } from '../../../clip';
import { fieldLuma } from '../../../field-coded';
import { readFrameTimeMs } from '../../../read-frame-time';
import { captureFile } from './capture-file';

const SMALL = { width: 240, height: 136 };
const FRAME_MS = 40;
const folder = mkdtempSync(path.join(tmpdir(), 'kinds-test-'));
const pool = new CapturePool({ workers: 2 });
afterAll(async () => {
  await pool.close();
  rmSync(folder, { recursive: true });
});

function file(name: string, content: Buffer): string {
  const filePath = path.join(folder, name);
  writeFileSync(filePath, content);
  return filePath;
}

async function bytesOf(options: ClipOptions): Promise<Buffer> {
  return readFileSync(await makeClip({ ...SMALL, ...options }));
}

/** Whole packets of a transport stream. */
function packets(bytes: Buffer, from: number, to: number): Buffer {
  const at = (share: number) => Math.floor((bytes.length * share) / 188) * 188;
  return bytes.subarray(at(from), at(to));
}

async function frames(filePath: string, points: readonly CapturePoint[]): Promise<Frame[]> {
  const taken: Frame[] = [];
  await captureFile(pool, { filePath, points, size: 'source' }, (frame) => {
    taken[frame.index] = frame;
  });
  return taken;
}

const timesOf = (taken: readonly Frame[]) => taken.map(({ jpeg }) => readFrameTimeMs(jpeg));

/** Just after each frame's start and just before its end, in an order without order. */
function moments(from: number, to: number): number[] {
  const points: number[] = [];
  for (let at = from; at < to; at += FRAME_MS) points.push(at + 0.6, at + FRAME_MS - 0.6);
  return points.map((_, place) => points[(place * 31) % points.length]!);
}

function pixel({ jpeg }: Frame, x: number, y: number): [number, number, number] {
  const { width, data } = decode(jpeg, { useTArray: true });
  const at = (y * width + x) * 4;
  return [data[at]!, data[at + 1]!, data[at + 2]!];
}

/** Mean difference of the channels, 0 … 255. */
function difference(one: Frame, other: Frame): number {
  const [left, right] = [one, other].map(({ jpeg }) => decode(jpeg, { useTArray: true }).data);
  return left!.reduce((sum, value, at) => sum + Math.abs(value - right![at]!), 0) / left!.length;
}

/** An AVI with each B frame in the packet of the frame before it in the file, and a picture that is none in its place. */
function packedAvi(plain: Buffer): Buffer {
  const start = plain.indexOf('movi') + 4;
  const chunks: Buffer[] = [];
  for (let at = start; plain.toString('latin1', at, at + 4) === '00dc'; ) {
    const size = plain.readUInt32LE(at + 4);
    chunks.push(plain.subarray(at + 8, at + 8 + size));
    at += 8 + size + (size % 2);
  }
  const codingType = (chunk: Buffer) => chunk[chunk.indexOf(Buffer.from('000001b6', 'hex')) + 4]! >> 6;
  const none = Buffer.from('000001b6504f', 'hex');
  const packed: Buffer[] = [];
  for (const chunk of chunks) {
    if (packed.length === 0)
      packed.push(Buffer.concat([Buffer.from('\0\0\x01\xb2DivX503b1393p', 'latin1'), chunk]));
    else if (codingType(chunk) !== 2) packed.push(chunk);
    else packed.push(Buffer.concat([packed.pop()!, chunk]), none);
  }
  const list = packed.map((chunk) => {
    const header = Buffer.from('00dc\0\0\0\0', 'latin1');
    header.writeUInt32LE(chunk.length, 4);
    return Buffer.concat([header, chunk, Buffer.alloc(chunk.length % 2)]);
  });
  const head = Buffer.from(plain.subarray(0, start));
  head.writeUInt32LE(4 + list.reduce((sum, chunk) => sum + chunk.length, 0), start - 8);
  return Buffer.concat([head, ...list]);
}

describe('each moment at, after and before the start of a frame shows the frame on display', () => {
  test.each<[string, ClipOptions]>([
    [
      'pyramids of B frames in open groups',
      { seconds: 2, openGop: true, gopFrames: 25, bFrames: 4, container: 'mpegts' },
    ],
    [
      'pyramids of B frames in open groups of HEVC',
      { seconds: 2, openGop: true, gopFrames: 25, bFrames: 4, codec: 'hevc', container: 'mpegts' },
    ],
    [
      'recovery points in place of key frames',
      {
        seconds: 2,
        bFrames: 0,
        gopFrames: 25,
        encoderOptions: { 'intra-refresh': '1' },
        container: 'mpegts',
      },
    ],
    [
      'VP9 with hidden frames',
      {
        seconds: 2,
        codec: 'vp9',
        encoderOptions: { 'auto-alt-ref': '1', 'lag-in-frames': '16', deadline: 'good', 'cpu-used': '5' },
      },
    ],
    ['AV1 with hidden frames', { seconds: 2, codec: 'av1' }],
    ['an MPEG program stream, MPEG-1', { seconds: 2, codec: 'mpeg1', container: 'vob', gopFrames: 12 }],
    ['an MPEG program stream, MPEG-2', { seconds: 2, codec: 'mpeg2', container: 'vob', gopFrames: 12 }],
    ['MPEG-2 in a transport stream', { seconds: 2, codec: 'mpeg2', container: 'mpegts', gopFrames: 12 }],
    ['AVI with B frames, MPEG-4', { seconds: 2, codec: 'mpeg4', container: 'avi' }],
    ['AVI with B frames, H.264', { seconds: 2, container: 'avi' }],
    ['raw H.264', { seconds: 2, container: 'h264' }],
    ['raw MPEG-1', { seconds: 2, codec: 'mpeg1', container: 'mpeg1video', gopFrames: 12 }],
    [
      'an MPEG program stream, H.264, several pictures in a packet',
      { seconds: 2, container: 'vob', encoderOptions: { crf: '40' } },
    ],
    ['MXF, H.264, whose times are those of decoding', { seconds: 2, container: 'mxf' }],
    ['FLV', { seconds: 2, container: 'flv' }],
    ['ASF', { seconds: 2, codec: 'mpeg4', container: 'asf', bFrames: 0 }],
  ])('%s', async (_, options) => {
    const filePath = await makeClip({ ...SMALL, ...options });
    const points = moments(0, options.seconds * 1000);
    const taken = await frames(filePath, points);
    expect(timesOf(taken)).toEqual(points.map((point) => Math.floor(point / FRAME_MS) * FRAME_MS));
    for (const { presentationMs, index } of taken) {
      expect(Math.abs(presentationMs - Math.floor(points[index]! / FRAME_MS) * FRAME_MS)).toBeLessThan(1);
    }
  });

  test.each(['mpegts', 'mp4', 'mkv', 'avi', 'vob'] as const)(
    'fields that are coded apart, in %s',
    async (container) => {
      const filePath = await makeClip({ seconds: 1, fieldCoded: true, container });
      const points = moments(0, 1000);
      const taken = await frames(filePath, points);
      const alone = await Promise.all(
        [0, 30, 500, 990].map(async (point) => (await frames(filePath, [point]))[0]!),
      );
      const luma = (frame: Frame) => pixel(frame, 8, 16)[1];
      const expected = (point: number) =>
        Math.round(((fieldLuma(Math.floor(point / FRAME_MS)) - 16) * 255) / 219);
      for (const frame of taken) {
        const point = points[frame.index]!;
        expect(Math.abs(luma(frame) - expected(point))).toBeLessThan(3);
        expect(frame.presentationMs).toBeCloseTo(Math.floor(point / FRAME_MS) * FRAME_MS, 1);
      }
      for (const [place, point] of [0, 30, 500, 990].entries()) {
        expect(Math.abs(luma(alone[place]!) - expected(point))).toBeLessThan(3);
      }
    },
  );

  test.each<[string, ClipOptions]>([
    ['H.264', { seconds: 1, frameRate: 50, container: 'h264' }],
    ['MPEG-1', { seconds: 1, frameRate: 50, codec: 'mpeg1', container: 'mpeg1video' }],
  ])('raw streams have the frame rate that they state: %s', async (_, options) => {
    const filePath = await makeClip({ ...SMALL, ...options });
    const taken = await frames(filePath, [0, 330, 510, 'last']);
    expect(timesOf(taken)).toEqual([0, 320, 500, 980]);
    expect(taken.map(({ presentationMs }) => Math.round(presentationMs))).toEqual([0, 320, 500, 980]);
  });

  test('a palette that comes with the first packet', async () => {
    const filePath = await makeClip({ ...SMALL, seconds: 2, palette: true, container: 'avi' });
    expect(timesOf(await frames(filePath, [1980]))).toEqual([1960]);
    expect(timesOf(await frames(filePath, [1020, 20, 'last']))).toEqual([1000, 0, 1960]);
  });

  test('4:4:4 of old builds of x264, whose name only the first packet carries', async () => {
    const options = {
      seconds: 2,
      pixelFormat: 'yuv444p',
      gopFrames: 25,
      bFrames: 0,
      detailed: true,
    } as const;
    const ofOldBuild = async (container: 'mp4' | 'h264') => {
      const bytes = await bytesOf({ ...options, container, encoderOptions: { preset: 'veryfast' } });
      const name = 'x264 - core ';
      bytes.write('148', bytes.indexOf(name) + name.length, 'latin1');
      return file(`old-x264.${container}`, bytes);
    };
    // Such a raw stream is decoded from its start. It was not written by that build: its pictures are not clean.
    const [fromStart] = await frames(await ofOldBuild('h264'), [1500]);
    expect(difference((await frames(await ofOldBuild('mp4'), [1500]))[0]!, fromStart!)).toBeLessThan(0.5);
    expect(difference((await frames(await ofOldBuild('mp4'), [20, 1500]))[1]!, fromStart!)).toBeLessThan(0.5);
  });

  const SAMPLES: [string, ClipOptions][] = [
    ['H.264, 4:2:2', { seconds: 1, pixelFormat: 'yuv422p' }],
    ['H.264, 4:2:2, 10 bits', { seconds: 1, pixelFormat: 'yuv422p10le' }],
    ['H.264, 4:4:4', { seconds: 1, pixelFormat: 'yuv444p' }],
    ['H.264, 4:4:4, 10 bits', { seconds: 1, pixelFormat: 'yuv444p10le' }],
    ['H.264, grey', { seconds: 1, pixelFormat: 'gray' }],
    ['HEVC, 12 bits', { seconds: 1, codec: 'hevc', pixelFormat: 'yuv420p12le' }],
    ['HEVC, 4:4:4, 10 bits', { seconds: 1, codec: 'hevc', pixelFormat: 'yuv444p10le' }],
    ['HEVC, red, green and blue', { seconds: 1, codec: 'hevc', pixelFormat: 'gbrp' }],
    ['VP9, 4:4:4', { seconds: 1, codec: 'vp9', pixelFormat: 'yuv444p' }],
    ['VP9, 12 bits', { seconds: 1, codec: 'vp9', pixelFormat: 'yuv420p12le' }],
  ];
  test.each(SAMPLES)('samples of other kinds have the same colours: %s', async (_, options) => {
    // Red in BT.601, which is what untagged pictures of this size are; grey is stored as luma 76.
    const clip: ClipOptions = { ...SMALL, ...options, samples: [81, 90, 240] };
    const [first, last] = await frames(await makeClip(clip), [0, 'last']);
    const expected = options.pixelFormat === 'gray' ? [70, 70, 70] : [254, 0, 0];
    pixel(first!, 8, 8).forEach((value, channel) => {
      expect(Math.abs(value - expected[channel]!)).toBeLessThanOrEqual(4);
    });
    expect(timesOf([last!])).toEqual([960]);
  });

  test('AVI whose packets hold a picture and the one shown before it, as of DivX and Xvid', async () => {
    const plain = await bytesOf({ seconds: 2, codec: 'mpeg4', container: 'avi', bFrames: 1 });
    const points = moments(0, 1920);
    const taken = await frames(file('packed.avi', packedAvi(plain)), points);
    expect(timesOf(taken)).toEqual(points.map((point) => Math.floor(point / FRAME_MS) * FRAME_MS));
  });

  test.each(['h264', 'hevc'] as const)(
    'an MP4 that states decoding times as presentation times, %s',
    async (codec) => {
      const bytes = Buffer.from(await bytesOf({ seconds: 2, codec, gopFrames: 25 }));
      // Without these boxes nothing tells the order of display.
      for (const box of ['ctts', 'edts']) bytes.write('free', bytes.indexOf(box), 'latin1');
      const filePath = file(`no-ctts-${codec}.mp4`, bytes);
      const points = moments(0, 2000);
      expect(timesOf(await frames(filePath, points))).toEqual(
        points.map((point) => Math.floor(point / FRAME_MS) * FRAME_MS),
      );
      expect(timesOf(await frames(filePath, [1020]))).toEqual([1000]);
    },
  );

  test('of two frames with the same time the second one is shown', async () => {
    const bytes = Buffer.from(await bytesOf({ seconds: 3, variableFrameRate: true, bFrames: 0 }));
    // The frames at 40 and 120 ms last 2 and 5 times 40 ms: now the first of them none, the second one both.
    const entry = bytes.indexOf('stts') + 12 + 8;
    const lengths = [entry, entry + 8].map((at) => bytes.readUInt32BE(at + 4));
    bytes.writeUInt32BE(0, entry + 4);
    bytes.writeUInt32BE(lengths[0]! + lengths[1]!, entry + 12);
    const filePath = file('same-time.mp4', bytes);
    const points = [20, 60, 300, 330, 40];
    const expected = [0, 120, 120, 320, 120];
    expect(timesOf(await frames(filePath, points))).toEqual(expected);
    for (const [place, point] of points.entries()) {
      expect(timesOf(await frames(filePath, [point]))).toEqual([expected[place]]);
    }
  });

  test('an MP4 in which every frame is called a key frame', async () => {
    for (const codec of ['h264', 'mpeg4'] as const) {
      const bytes = Buffer.from(await bytesOf({ seconds: 3, codec, gopFrames: 250, bFrames: 0 }));
      // Without this box every sample is one (ISO/IEC 14496-12, 8.6.2).
      bytes.write('free', bytes.indexOf('stss'), 'latin1');
      const points = [20, 1020, 2020, 2980, 500];
      expect(timesOf(await frames(file(`${codec}-keys.mp4`, bytes), points))).toEqual([
        0, 1000, 2000, 2960, 480,
      ]);
    }
  });
});

describe('a picture does not depend on which moment was asked for first', () => {
  const RECORDINGS: [string, (whole: Buffer) => Buffer, ClipOptions][] = [
    [
      'a recording that begins within a group',
      (whole) => packets(whole, 0.3, 1),
      { seconds: 4, container: 'mpegts' },
    ],
    [
      'a recording of MPEG-2 that begins within a group',
      (whole) => packets(whole, 0.3, 1),
      { seconds: 4, codec: 'mpeg2', container: 'mpegts' },
    ],
    [
      'a recording of HEVC that begins within a group',
      (whole) => packets(whole, 0.3, 1),
      { seconds: 4, codec: 'hevc', container: 'mpegts' },
    ],
    [
      'a recording with a gap',
      (whole) => Buffer.concat([packets(whole, 0, 0.4), packets(whole, 0.6, 1)]),
      { seconds: 4, container: 'mpegts' },
    ],
    [
      'a recording joined from two',
      (whole) => Buffer.concat([whole, packets(whole, 0.3, 1)]),
      { seconds: 4, container: 'mpegts' },
    ],
    [
      'a recording with damaged bytes',
      (whole) => {
        const damaged = Buffer.from(whole);
        for (let at = 5000; at < damaged.length; at += 90_011) damaged[at]! ^= 0xff;
        return damaged;
      },
      { seconds: 4, container: 'mpegts' },
    ],
  ];
  test.each(RECORDINGS)('%s', async (name, change, options) => {
    const bytes = change(await bytesOf({ gopFrames: 50, ...options }));
    const filePath = file(`${name}.ts`, bytes);
    const points = [0, 300, 900, 1500, 2100, 2500];
    const alone: Frame[] = [];
    for (const point of points) alone.push((await frames(filePath, [point]))[0]!);
    for (const order of [points, points.toReversed(), [2100, 0, 1500, 300, 2500, 900]]) {
      for (const frame of await frames(filePath, order)) {
        const expected = alone[points.indexOf(order[frame.index]!)]!;
        expect(frame.presentationMs).toBe(expected.presentationMs);
        expect(difference(frame, expected)).toBeLessThan(0.5);
      }
    }
  });

  test('an intact recording in which two frames are stamped too late', async () => {
    const bytes = Buffer.from(await bytesOf({ seconds: 2, bFrames: 2, gopFrames: 50 }));
    const table = bytes.indexOf('ctts') + 8;
    // Of the B frames, which have the least offset, two in the middle: three frames later.
    const offsets = Array.from({ length: bytes.readUInt32BE(table) }, (_, entry) => table + 8 + entry * 8);
    const least = Math.min(...offsets.map((at) => bytes.readUInt32BE(at)));
    const late = offsets.filter((at) => bytes.readUInt32BE(at) === least)[5]!;
    bytes.writeUInt32BE(least + (3 * bytes.readUInt32BE(bytes.indexOf('mdhd') + 16)) / 25, late);
    const filePath = file('late-stamp.mp4', bytes);
    const points = moments(0, 2000);
    const alone = new Map<number, number>();
    for (const point of points) alone.set(point, (await frames(filePath, [point]))[0]!.presentationMs);
    const inARow = await frames(filePath, points);
    expect(inARow.map(({ presentationMs }) => presentationMs)).toEqual(
      points.map((point) => alone.get(point)),
    );
    // All frames but these two are where they were.
    const wrong = inARow.filter(
      ({ presentationMs, index }) => presentationMs < Math.floor(points[index]! / FRAME_MS) * FRAME_MS - 1,
    );
    expect(wrong.map(({ index }) => Math.floor(points[index]! / FRAME_MS) * FRAME_MS).sort()).toEqual([
      640, 640, 680, 680,
    ]);
  });

  test('before the first picture that can be decoded, that picture is shown', async () => {
    const whole = await bytesOf({ seconds: 4, container: 'mpegts', gopFrames: 50 });
    // Behind the first key frame and before the second one at 2 s.
    const [first, later, next] = timesOf(
      await frames(file('cut.ts', packets(whole, 0.3, 1)), [0, 200, 'last']),
    );
    expect([first, later, next]).toEqual([2000, 2000, 3960]);
  });

  test('before the first picture that can be decoded, that picture is shown, also if the first group is damaged', async () => {
    const bytes = Buffer.from(await bytesOf({ seconds: 4, codec: 'vp9', gopFrames: 50 }));
    // The sync code of the first key frame (VP9 bitstream, 7.2.1).
    bytes[bytes.indexOf(Buffer.from('498342', 'hex'))]! ^= 0xff;
    const filePath = file('damaged-start.webm', bytes);
    for (const point of [0, 500, 1990, 2000])
      expect(timesOf(await frames(filePath, [point]))).toEqual([2000]);
    expect(timesOf(await frames(filePath, [500, 2500, 0]))).toEqual([2000, 2480, 2000]);
  });

  test('the parts of a joined recording follow each other', async () => {
    const whole = await bytesOf({ seconds: 2, container: 'mpegts' });
    const taken = await frames(file('joined.ts', Buffer.concat([whole, whole])), [
      20,
      1980,
      2020,
      3980,
      'last',
    ]);
    expect(timesOf(taken)).toEqual([0, 1960, 0, 1960, 1960]);
    expect(taken.map(({ presentationMs }) => Math.round(presentationMs))).toEqual([
      0, 1960, 2000, 3960, 3960,
    ]);
  });
});

test('an incomplete last picture of a truncated file is not shown, unless there is no other', async () => {
  const whole = await bytesOf({ seconds: 1, codec: 'mjpeg', container: 'avi' });
  const last = whole.lastIndexOf('00dc', whole.lastIndexOf('idx1') - 1);
  const cut = whole.subarray(0, last + 8 + Math.floor(whole.readUInt32LE(last + 4) / 2));
  expect(timesOf(await frames(file('cut-mjpeg.avi', cut), ['last', 970, 0]))).toEqual([920, 920, 0]);
  const first = whole.indexOf('00dc', whole.indexOf('movi'));
  const only = whole.subarray(0, first + 8 + Math.floor(whole.readUInt32LE(first + 4) * 0.6));
  expect(await frames(file('cut-first.avi', only), [0])).toHaveLength(1);
});

test('every frame of a truncated AVI file has a time', async () => {
  const whole = await bytesOf({ seconds: 4, codec: 'mpeg4', container: 'avi' });
  const filePath = file('cut.avi', whole.subarray(0, whole.length / 2));
  const [first, last] = await frames(filePath, [20, 'last']);
  expect(readFrameTimeMs(first!.jpeg)).toBe(0);
  expect(last!.presentationMs).toBe(readFrameTimeMs(last!.jpeg));
  await expect(frames(filePath, [60_000])).rejects.toThrow(/60000 ms is past the end of the video at \d+ ms/);
});

describe('colours are those that browsers show', () => {
  test.each<[string, Omit<ClipOptions, 'seconds'>]>([
    ['H.264', {}],
    ['H.264, wide colours', { tags: { primaries: 9, transfer: 1, matrix: 9, range: 1 } }],
    ['H.264, 4:4:4', { pixelFormat: 'yuv444p' }],
    ['HEVC, 10 bits', { codec: 'hevc', pixelFormat: 'yuv420p10le' }],
  ])('greys stay grey, to 1 of 255, at the source size and made smaller: %s', async (_, options) => {
    // Luma 126 of BT.601 and BT.2020 in the range of video.
    const clip: ClipOptions = { ...SMALL, seconds: 0.2, samples: [126, 128, 128], ...options };
    const filePath = await makeClip(clip);
    for (const size of ['source', { maxLength: 120 }] as const) {
      const taken: Frame[] = [];
      await captureFile(pool, { filePath, points: [0], size }, (frame) => {
        taken.push(frame);
      });
      for (const value of pixel(taken[0]!, 4, 4)) expect(Math.abs(value - 128)).toBeLessThanOrEqual(1);
    }
  });

  /** (32, 192, 64) stored as BT.709: Chromium reads it as such, or as BT.601. */
  const STORED: [number, number, number] = [144, 88, 63];
  const AS_BT709 = [32, 192, 64];
  const AS_BT601 = [45, 217, 67];

  test.each<[string, ClipOptions, number[]]>([
    ['H.264, 1280 × 720', { seconds: 0.2, width: 1280, height: 720 }, AS_BT709],
    ['H.264, 1024 × 576', { seconds: 0.2, width: 1024, height: 576 }, AS_BT601],
    ['H.264, 1280 × 536', { seconds: 0.2, width: 1280, height: 536 }, AS_BT601],
    ['HEVC, 1280 × 720', { seconds: 0.2, width: 1280, height: 720, codec: 'hevc' }, AS_BT709],
    [
      'HEVC, 10 bits, 1280 × 720',
      { seconds: 0.2, width: 1280, height: 720, codec: 'hevc', pixelFormat: 'yuv420p10le' },
      AS_BT709,
    ],
    ['VP8, 1280 × 720', { seconds: 0.2, width: 1280, height: 720, codec: 'vp8' }, AS_BT709],
    ['VP9, 1280 × 720', { seconds: 0.2, width: 1280, height: 720, codec: 'vp9' }, AS_BT601],
    ['AV1, 1280 × 720', { seconds: 0.2, width: 1280, height: 720, codec: 'av1' }, AS_BT601],
  ])('without tags: %s', async (_, clip, expected) => {
    const [frame] = await frames(await makeClip({ ...clip, samples: STORED }), [0]);
    pixel(frame!, 8, 8).forEach((value, channel) => {
      expect(Math.abs(value - expected[channel]!)).toBeLessThanOrEqual(4);
    });
  });

  test('colours beyond the range that the file states are clipped as red, green and blue', async () => {
    // Pure red of full range, called limited.
    const clip: ClipOptions = { ...SMALL, seconds: 0.2, samples: [76, 85, 255] };
    const [frame] = await frames(await makeClip(clip), [0]);
    pixel(frame!, 8, 8).forEach((value, channel) => {
      expect(Math.abs(value - [255, 0, 0][channel]!)).toBeLessThanOrEqual(3);
    });
  });

  test.each([
    ['BT.601 for 625 lines, as many Android cameras have them', 5, [0, 192, 19]],
    ['BT.601 for 525 lines', 6, [0, 192, 0]],
  ])('green in the primaries of %s', async (_, primaries, expected) => {
    const clip: ClipOptions = {
      ...SMALL,
      seconds: 0.2,
      samples: [113, 72, 57],
      tags: { primaries, transfer: 1, matrix: 6, range: 1 },
    };
    const [frame] = await frames(await makeClip(clip), [0]);
    pixel(frame!, 8, 8).forEach((value, channel) => {
      expect(Math.abs(value - expected[channel]!)).toBeLessThanOrEqual(4);
    });
  });

  const hdr = (transfer: number, luma: number): ClipOptions => ({
    ...SMALL,
    seconds: 0.2,
    pixelFormat: 'yuv420p10le',
    encoderOptions: { crf: '4' },
    samples: [luma, 128, 128],
    tags: { primaries: 9, transfer, matrix: 9, range: 1 },
  });
  // Chromium's canvas shows these greys for the same samples.
  test.each<[string, number, number, number]>([
    ['PQ', 16, 60, 18],
    ['PQ', 16, 126, 130],
    ['PQ', 16, 147, 199],
    ['PQ', 16, 191, 255],
    ['HLG', 18, 71, 43],
    ['HLG', 18, 126, 99],
    ['HLG', 18, 191, 206],
  ])('%s, transfer %d: luma %d is the grey %d', async (_, transfer, luma, grey) => {
    const [frame] = await frames(await makeClip(hdr(transfer, luma)), [0]);
    for (const value of pixel(frame!, 8, 8)) expect(Math.abs(value - grey)).toBeLessThanOrEqual(6);
    expect(frame!.notes).toBeUndefined();
  });

  const HD = { width: 1280, height: 720 };

  test.each<[number, 'BT.601' | 'BT.709', Partial<ClipOptions>]>([
    [10, 'BT.601', {}],
    [14, 'BT.601', {}],
    [15, 'BT.601', {}],
    [10, 'BT.709', HD],
    [14, 'BT.709', HD],
    [8, 'BT.601', HD],
    [11, 'BT.601', HD],
  ])('matrix %d, which players do not know, is read as %s and reported: %j', async (matrix, name, size) => {
    const tags = { primaries: 1, transfer: 1, matrix, range: 1 };
    const [frame] = await frames(
      await makeClip({ ...SMALL, ...size, seconds: 0.2, samples: STORED, tags }),
      [0],
    );
    const expected = name === 'BT.709' ? AS_BT709 : AS_BT601;
    pixel(frame!, 8, 8).forEach((value, channel) => {
      expect(Math.abs(value - expected[channel]!)).toBeLessThanOrEqual(4);
    });
    expect(frame!.notes).toEqual([`colour matrix ${matrix} is none that players know: read as ${name}`]);
  });

  test.each<[string, number[], number[], Partial<ClipOptions>]>([
    ['only the matrix, small', [2, 2, 1], AS_BT601, {}],
    ['only the matrix, HD', [2, 2, 6], AS_BT709, HD],
    ['no matrix, small', [1, 1, 2], AS_BT601, {}],
    ['no matrix, HD, though PQ', [9, 16, 2], AS_BT709, HD],
    ['no primaries, though PQ', [2, 16, 9], AS_BT601, {}],
    ['SMPTE 240M', [1, 1, 7], AS_BT601, HD],
  ])(
    'incomplete tags are ignored as by browsers: %s',
    async (_, [primaries, transfer, matrix], expected, size) => {
      const tags = { primaries: primaries!, transfer: transfer!, matrix: matrix!, range: 1 };
      const clip = { ...SMALL, ...size, seconds: 0.2, samples: STORED, tags };
      const [frame] = await frames(await makeClip(clip), [0]);
      pixel(frame!, 8, 8).forEach((value, channel) => {
        expect(Math.abs(value - expected[channel]!)).toBeLessThanOrEqual(4);
      });
      expect(frame!.notes).toBeUndefined();
    },
  );

  test.each(['vp8', 'vp9'] as const)('transparent pixels in %s are shown on white', async (codec) => {
    const clip: ClipOptions = {
      ...SMALL,
      seconds: 0.2,
      codec,
      pixelFormat: 'yuva420p',
      samples: [81, 90, 240],
      alpha: 128,
      ...(codec === 'vp8' ? { encoderOptions: { 'auto-alt-ref': '0' } } : {}),
      container: 'webm',
    };
    const [frame] = await frames(await makeClip(clip), [0]);
    // Red, half of it.
    [255, 127, 127].forEach((value, channel) => {
      expect(Math.abs(pixel(frame!, 8, 8)[channel]! - value)).toBeLessThanOrEqual(4);
    });
  });
});

test('pixels that are higher than wide make the picture higher, as in browsers', async () => {
  const [frame] = await frames(
    await makeClip({ seconds: 0.2, width: 320, height: 180, pixelAspect: [9, 16] }),
    [0],
  );
  expect([frame!.width, frame!.height]).toEqual([320, 320]);
});

test('a clean aperture in an MP4 crops nothing, as in browsers', async () => {
  const bytes = withCleanAperture(await bytesOf({ seconds: 0.2 }), 120, 68);
  const [frame] = await frames(file('clean-aperture.mp4', bytes), [0]);
  expect([frame!.width, frame!.height]).toEqual([SMALL.width, SMALL.height]);
});

test('every second line of an interlaced picture is interpolated', async () => {
  const [frame] = await frames(
    await makeClip({ ...SMALL, seconds: 0.4, interlaced: true, container: 'mpegts' }),
    [320],
  );
  expect(readFrameTimeMs(frame!.jpeg)).toBe(320);
});
