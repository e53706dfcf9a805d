import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { childProgram } from '../../../../local/child-program';
import { CaptureError, type CapturePoint, CapturePool } from '../../../../local/mpc/capture/capture-pool';
import type { WorkerRequest } from '../../../../local/mpc/capture/worker-messages';
import { type ClipOptions, makeClip } from '../../../clip';
import { readFrameTimeMs } from '../../../read-frame-time';
import { captureFile, describeFile } from './capture-file';

const SMALL = { width: 320, height: 180 };
const folder = mkdtempSync(path.join(tmpdir(), 'capture-test-'));
const pool = new CapturePool({ workers: 1 });
afterAll(async () => {
  await pool.close();
  rmSync(folder, { recursive: true });
});

function file(name: string, content: string | Buffer): string {
  const filePath = path.join(folder, name);
  writeFileSync(filePath, content);
  return filePath;
}

async function cutClip(options: ClipOptions, name: string): Promise<string> {
  const whole = readFileSync(await makeClip(options));
  return file(name, whole.subarray(0, whole.length / 2));
}

/** The times that the frames show; rejects as capture does. */
async function times(filePath: string, ...points: CapturePoint[]): Promise<number[]> {
  const shown: number[] = [];
  await captureFile(pool, { filePath, points, size: 'source' }, (frame) => {
    shown[frame.index] = readFrameTimeMs(frame.jpeg);
  });
  return shown;
}

/** The message of the CaptureError with which the file is refused, by both probe and capture. */
async function refusal(filePath: string, reason: CaptureError['reason']): Promise<string> {
  const errors = await Promise.all([
    describeFile(pool, filePath).catch((error: unknown) => error),
    times(filePath, 0).catch((error: unknown) => error),
  ]);
  for (const error of errors) {
    expect(error).toBeInstanceOf(CaptureError);
    expect(error).toMatchObject({ reason });
  }
  return (errors[0] as CaptureError).message;
}

test.each<[string, string | Buffer]>([
  ['of 0 bytes', ''],
  ['of text', 'This is a story about a video.\n'.repeat(500)],
  ['of one repeated byte', Buffer.alloc(100_000, 0x47)],
])('a file %s is unreadable', async (_, content) => {
  expect(await refusal(file('bad.mp4', content), 'unreadable')).toMatch(/cannot be read as a video/);
});

test('a file that is not there is unreadable', async () => {
  expect(await refusal(path.join(folder, 'none.mp4'), 'unreadable')).toMatch(/No such file/);
});

test('an MP4 file that was cut off before its index is unreadable', async () => {
  expect(await refusal(await cutClip({ ...SMALL, seconds: 4 }, 'cut.mp4'), 'unreadable')).toMatch(/cut off/);
});

test('a file with sound only has no video stream', async () => {
  await refusal(await makeClip({ seconds: 2, audioOnly: true }), 'no_video_stream');
});

test('cover art is not a video stream', async () => {
  await refusal(await makeClip({ seconds: 2, audioOnly: true, coverArt: true }), 'no_video_stream');
});

test('beside cover art the video is found', async () => {
  expect(await times(await makeClip({ ...SMALL, seconds: 2, coverArt: true }), 1000)).toEqual([1000]);
});

const CUT: [string, ClipOptions, string][] = [
  ['MP4', { ...SMALL, seconds: 20, muxerOptions: { movflags: 'faststart' } }, 'cut-front.mp4'],
  ['Matroska', { ...SMALL, seconds: 20, container: 'mkv' }, 'cut.mkv'],
  ['MPEG-TS', { ...SMALL, seconds: 20, container: 'mpegts' }, 'cut.ts'],
];
test.each(CUT)(
  'a truncated %s file shows everything up to its end, and nothing after it',
  async (_, options, name) => {
    const filePath = await cutClip(options, name);
    const [first, later, last] = await times(filePath, 0, 6010, 'last');
    expect([first, later]).toEqual([0, 6000]);
    // Half of the bytes hold about half of the 20 s.
    expect(last).toBeGreaterThan(8000);
    expect(last).toBeLessThan(12_000);
    await expect(times(filePath, 15_000)).rejects.toMatchObject({ reason: 'past_the_end' });
    await expect(times(filePath, 1000, 15_000)).rejects.toMatchObject({ reason: 'past_the_end' });
  },
);

const ENDS: [string, ClipOptions][] = [
  ['MP4', { ...SMALL, seconds: 6 }],
  ['MPEG-TS', { ...SMALL, seconds: 6, container: 'mpegts' }],
  ['Matroska without a duration', { ...SMALL, seconds: 8, container: 'mkv', muxerOptions: { live: '1' } }],
  ['a late start', { ...SMALL, seconds: 6, startTimeSeconds: 3 }],
];
test.each(ENDS)('the last frame is on display until the end and not longer: %s', async (_, options) => {
  const filePath = await makeClip(options);
  const lastMs = options.seconds * 1000 - 40;
  const endMs = (options.seconds + (options.startTimeSeconds ?? 0)) * 1000;
  expect(await times(filePath, endMs - 1, 'last')).toEqual([lastMs, lastMs]);
  await expect(times(filePath, endMs)).rejects.toMatchObject({ reason: 'past_the_end' });
  await expect(times(filePath, endMs * 10)).rejects.toThrow(
    new RegExp(`the point ${endMs * 10} ms is past the end of the video at ${endMs} ms`),
  );
});

test('while the sound outlasts the pictures a little, the last frame stays on display', async () => {
  const filePath = await makeClip({ ...SMALL, seconds: 6, audioSeconds: 6.5 });
  expect(await times(filePath, 6000, 6400)).toEqual([5960, 5960]);
  await expect(times(filePath, 6600)).rejects.toMatchObject({ reason: 'past_the_end' });
});

test.each([
  ['too long', 60_000],
  ['too short', 2000],
])('a header that states a duration that is %s does not matter', async (_, statedMs) => {
  const bytes = Buffer.from(readFileSync(await makeClip({ ...SMALL, seconds: 6 })));
  // ISO/IEC 14496-12: in version 0 of each box, time scale and duration follow
  // two 32-bit times; tkhd has the duration only.
  for (const [box, offset] of [
    ['mvhd', 20],
    ['tkhd', 24],
  ] as const) {
    bytes.writeUInt32BE(statedMs, bytes.indexOf(box) + offset);
  }
  const mediaHeader = bytes.indexOf('mdhd');
  bytes.writeUInt32BE((bytes.readUInt32BE(mediaHeader + 16) / 1000) * statedMs, mediaHeader + 20);
  const filePath = file(`stated-${statedMs}.mp4`, bytes);
  expect(await times(filePath, 0, 4010, 5999, 'last')).toEqual([0, 4000, 5960, 5960]);
  await expect(times(filePath, 6500)).rejects.toMatchObject({ reason: 'past_the_end' });
});

test('a header that states thousands of years is not believed, in words neither', async () => {
  const stating = async (name: string, options: ClipOptions) => {
    const bytes = Buffer.from(readFileSync(await makeClip({ container: 'mkv', ...options })));
    const at = bytes.indexOf(Buffer.from('448988', 'hex')) + 3;
    bytes.writeDoubleBE(2 ** 60 / 1000, at);
    return file(name, bytes);
  };
  const video = await stating('years.mkv', { ...SMALL, seconds: 1 });
  expect((await describeFile(pool, video)).durationMs).toBeUndefined();
  expect(
    await refusal(await stating('years.mka', { seconds: 2, audioOnly: true }), 'no_video_stream'),
  ).toMatch(/unknown length/);
});

test('on a machine where node-av cannot be loaded, the error says so', async () => {
  const worker = fork(childProgram('mpc/capture/capture-worker.ts'), {
    execArgv: [],
    // With this, node-av looks only for a binary that was built by hand.
    env: { ...process.env, AV_FROM_SOURCE: '1' },
  });
  try {
    const request: WorkerRequest = { type: 'open', video: { id: 1, filePath: file('any.mp4', '') } };
    worker.send(request);
    const [answer] = await once(worker, 'message');
    expect(answer).toMatchObject({
      type: 'failed',
      reason: 'crashed',
      message: expect.stringMatching(/node-av, which decodes videos, cannot be loaded on this machine/),
    });
  } finally {
    worker.kill();
  }
});

describe('a refusal says what was found', () => {
  const ABOUT = /\(MP4, video \S+ \d+ × \d+, \d+\.\d s, (\d+ bytes|\d+\.\d MB)\)$/;

  test('an encrypted MP4 is called encrypted', async () => {
    const filePath = await makeClip({
      ...SMALL,
      seconds: 1,
      muxerOptions: {
        encryption_scheme: 'cenc-aes-ctr',
        encryption_key: '00112233445566778899aabbccddeeff',
        encryption_kid: '112233445566778899aabbccddeeff00',
      },
    });
    const message = await refusal(filePath, 'unreadable');
    expect(message).toMatch(/the video is encrypted \(CENC\): only a player that has its key can show it/);
    expect(message).toMatch(ABOUT);
  });

  test('an encrypted MP4 whose index cannot be read is called encrypted', async () => {
    const bytes = Buffer.from(readFileSync(await makeClip({ ...SMALL, seconds: 1 })));
    bytes.write('encv', bytes.indexOf('avc1', bytes.indexOf('stsd')), 'latin1');
    // An impossible number of entries.
    bytes.writeUInt32BE(0xffffffff, bytes.indexOf('stsc') + 8);
    expect(await refusal(file('encrypted-broken.mp4', bytes), 'unreadable')).toMatch(/encrypted \(CENC\)/);
  });

  test('an MP4 with FairPlay is called encrypted with FairPlay', async () => {
    const bytes = Buffer.from(readFileSync(await makeClip({ ...SMALL, seconds: 1 })));
    bytes.write('drmi', bytes.indexOf('avc1', bytes.indexOf('stsd')), 'latin1');
    expect(await refusal(file('shop.m4v', bytes), 'unreadable')).toMatch(/encrypted \(FairPlay\)/);
  });

  test('a scrambled transport stream is called encrypted', async () => {
    const bytes = Buffer.from(readFileSync(await makeClip({ ...SMALL, seconds: 2, container: 'mpegts' })));
    for (let at = 0; at < bytes.length; at += 188) bytes[at + 3]! |= 0xc0;
    expect(await refusal(file('scrambled.ts', bytes), 'unreadable')).toMatch(
      /encrypted \(scrambled MPEG-TS\)/,
    );
  });

  test('a codec that is not supported is named', async () => {
    const bytes = Buffer.from(readFileSync(await makeClip({ ...SMALL, seconds: 1 })));
    bytes.write('xvc9', bytes.indexOf('avc1', bytes.indexOf('stsd')), 'latin1');
    const message = await refusal(file('codec.mp4', bytes), 'unreadable');
    expect(message).toMatch(/the video's codec xvc9 is not supported/);
    expect(message).toMatch(ABOUT);
  });

  test('a point past the end names the file too', async () => {
    await expect(times(await makeClip({ ...SMALL, seconds: 1 }), 5000)).rejects.toThrow(ABOUT);
  });

  test('a fragment of an MP4 without its initialization segment is refused as such', async () => {
    const movflags = 'frag_keyframe+empty_moov+default_base_moof';
    const bytes = readFileSync(await makeClip({ ...SMALL, seconds: 2, muxerOptions: { movflags } }));
    const fragments = bytes.subarray(bytes.indexOf('moof') - 4);
    const segmentType = Buffer.from('00000010737479706d73646800000000', 'hex');
    for (const content of [fragments, Buffer.concat([segmentType, fragments])]) {
      expect(await refusal(file('segment.m4s', content), 'unreadable')).toMatch(
        /a fragment of an MP4 without its initialization segment \(moov\)/,
      );
    }
  });

  test('an initialization segment of an MP4 without its fragments is refused as such', async () => {
    const movflags = 'frag_keyframe+empty_moov+default_base_moof';
    const bytes = readFileSync(await makeClip({ ...SMALL, seconds: 2, muxerOptions: { movflags } }));
    const filePath = file('init.mp4', bytes.subarray(0, bytes.indexOf('moof') - 4));
    await expect(times(filePath, 'last')).rejects.toThrow(
      /no pictures: it is the initialization segment of an MP4, whose fragments belong behind it \(MP4, video h264/,
    );
  });

  test('a file that ends before its first picture is called cut off', async () => {
    const bytes = readFileSync(await makeClip({ ...SMALL, seconds: 1, codec: 'mjpeg', container: 'avi' }));
    const filePath = file('header.avi', bytes.subarray(0, bytes.indexOf('movi') + 4));
    await expect(times(filePath, 0)).rejects.toThrow(
      /no pictures: it was cut off before the first one \(AVI/,
    );
  });

  test('a file none of whose pictures can be decoded is called damaged', async () => {
    const bytes = Buffer.from(readFileSync(await makeClip({ ...SMALL, seconds: 1, codec: 'vp9' })));
    const sync = Buffer.from('498342', 'hex');
    for (let at = bytes.indexOf(sync); at >= 0; at = bytes.indexOf(sync)) bytes[at]! ^= 0xff;
    await expect(times(file('no-sync.webm', bytes), 0)).rejects.toThrow(
      /none of the pictures can be decoded: the file is damaged \(Matroska, video vp9/,
    );
  });

  test('a codec whose code is no letters is named by its number', async () => {
    const bytes = Buffer.from(readFileSync(await makeClip({ ...SMALL, seconds: 1 })));
    bytes.writeUInt32BE(0x39000000, bytes.indexOf('avc1', bytes.indexOf('stsd')));
    expect(await refusal(file('number.mp4', bytes), 'unreadable')).toMatch(/codec 0x39 is not supported/);
  });

  test('pictures that are too large are called so', async () => {
    const clip = { seconds: 1, width: 320, height: 320, codec: 'vp9' } as const;
    const bytes = Buffer.from(readFileSync(await makeClip(clip)));
    // PixelWidth and PixelHeight, and pictures that do not prove them wrong.
    bytes[bytes.indexOf(Buffer.from('498342', 'hex'))]! ^= 0xff;
    for (const id of ['b0820140', 'ba820140'])
      bytes.writeUInt16BE(12_336, bytes.indexOf(Buffer.from(id, 'hex')) + 2);
    await expect(times(file('large.webm', bytes), 0)).rejects.toMatchObject({
      reason: 'too_large',
      message: expect.stringMatching(
        /pictures of 12336 × 12336 are too large: 8192 × 4320 is possible \(Matroska/,
      ),
    });
  });

  test('a codec that only its container knows is named as there', async () => {
    const bytes = Buffer.from(readFileSync(await makeClip({ ...SMALL, seconds: 1, codec: 'vp9' })));
    bytes.write('V_XYZ', bytes.indexOf('V_VP9'), 'latin1');
    expect(await refusal(file('xyz.webm', bytes), 'unreadable')).toMatch(/codec V_XYZ is not supported/);
  });

  test.each<[string, string | Buffer, RegExp]>([
    ['empty', '', /it is empty \(0 bytes\)/],
    ['text', 'This is a story about a video.\n'.repeat(500), /it is text, not a video \(15500 bytes\)/],
    [
      'MP4 without its index',
      Buffer.from('000000186674797069736f6d00000000', 'hex'),
      /cut off before its index, moov/,
    ],
    ['cut-off Ogg', Buffer.from(`OggS\0\x02${'\0'.repeat(60)}`, 'latin1'), /it is Ogg, cut off or damaged/],
    ['cut-off AVI', Buffer.from('RIFF\0\0\0\0AVI LIST', 'latin1'), /it is AVI, cut off or damaged/],
    ['cut-off FLV', Buffer.from('FLV\x01\x05\0\0\0\x09', 'latin1'), /it is FLV, cut off or damaged/],
    [
      'a playlist',
      '#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\nother.mp4\n#EXT-X-ENDLIST\n',
      /it is a playlist \(HLS\)/,
    ],
    [
      'a web page',
      '<!DOCTYPE html>\n<title>404</title>',
      /it is a web page \(HTML\): was an error page saved/,
    ],
    [
      'a ZIP archive',
      Buffer.from(`PK\x03\x04${'\0'.repeat(60)}`, 'latin1'),
      /it is a ZIP archive: unpack it/,
    ],
    ['a PDF', '%PDF-1.7\n%âãÏÓ\n', /it is a PDF document/],
    ['a file that was never fetched', 'version https://git-lfs.github.com/spec/v1\n', /run git lfs pull/],
    [
      'random bytes',
      Buffer.from(Array.from({ length: 500 }, (_, at) => (at * 197 + 251) % 256)),
      /its bytes are those of no kind of video that is known \(500 bytes\)/,
    ],
  ])('%s', async (_, content, words) => {
    expect(await refusal(file('what.mp4', content), 'unreadable')).toMatch(words);
  });
});
