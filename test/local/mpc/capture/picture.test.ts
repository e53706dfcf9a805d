import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { decode } from 'jpeg-js';
import { CapturePool, type Frame, type PictureSize } from '../../../../local/mpc/capture/capture-pool';
import { type ClipOptions, makeClip } from '../../../clip';
import { readFrameTimeMs } from '../../../read-frame-time';
import { captureFile, describeFile } from './capture-file';

const pool = new CapturePool({ workers: 1 });
const folder = mkdtempSync(path.join(tmpdir(), 'picture-test-'));
afterAll(async () => {
  await pool.close();
  rmSync(folder, { recursive: true });
});

async function pictureAt(point: number, clip: ClipOptions, size: PictureSize = 'source'): Promise<Frame> {
  const frames: Frame[] = [];
  await captureFile(pool, { filePath: await makeClip(clip), points: [point], size }, (frame) => {
    frames.push(frame);
  });
  return frames[0]!;
}

function jpegSize({ jpeg }: Frame): [width: number, height: number] {
  const { width, height } = decode(jpeg, { useTArray: true });
  return [width, height];
}

test.each([90, 180, 270] as const)(
  'a video with a rotation tag of %d degrees gives upright pictures',
  async (rotationDegrees) => {
    const clip: ClipOptions = { seconds: 2, width: 320, height: 180, rotationDegrees };
    const frame = await pictureAt(1000, clip);
    expect([frame.width, frame.height]).toEqual([320, 180]);
    expect(jpegSize(frame)).toEqual([320, 180]);
    expect(readFrameTimeMs(frame.jpeg)).toBe(1000);
    expect(await describeFile(pool, await makeClip(clip))).toMatchObject({ width: 320, height: 180 });
  },
);

test('sizes apply to the turned picture', async () => {
  const clip: ClipOptions = { seconds: 2, width: 360, height: 640, rotationDegrees: 90 };
  const frame = await pictureAt(1000, clip, { maxLength: 500 });
  // 640 -> 500 makes 360 -> 281.25.
  expect(jpegSize(frame)).toEqual([281, 500]);
  expect(readFrameTimeMs(frame.jpeg)).toBe(1000);
});

test('pixels that are not square are made square', async () => {
  // 16:9 PAL: 720 pixels of 64/45 are as wide as 1024 square ones.
  const clip: ClipOptions = { seconds: 1, width: 720, height: 576, pixelAspect: [64, 45] };
  const frame = await pictureAt(500, clip);
  expect(jpegSize(frame)).toEqual([1024, 576]);
  expect(readFrameTimeMs(frame.jpeg)).toBe(480);
  expect(await describeFile(pool, await makeClip(clip))).toMatchObject({ width: 1024, height: 576 });
});

test.each(['vp8', 'vp9'] as const)(
  'a container that states another size than the pictures themselves is not believed: %s',
  async (codec) => {
    const bytes = Buffer.from(readFileSync(await makeClip({ seconds: 1, width: 240, height: 136, codec })));
    // PixelWidth.
    const at = bytes.indexOf(Buffer.from('b081f0', 'hex'));
    bytes[at + 2] = 120;
    const filePath = path.join(folder, `${codec}.webm`);
    writeFileSync(filePath, bytes);
    expect(await describeFile(pool, filePath)).toMatchObject({ width: 240, height: 136 });
    const frames: Frame[] = [];
    await captureFile(pool, { filePath, points: [500], size: 'source' }, (frame) => {
      frames.push(frame);
    });
    expect(jpegSize(frames[0]!)).toEqual([240, 136]);
    expect(readFrameTimeMs(frames[0]!.jpeg)).toBe(480);
  },
);

test.each<[string, PictureSize, [number, number]]>([
  ['the source size', 'source', [640, 360]],
  ['an exact size, stretched', { width: 400, height: 400 }, [400, 400]],
  ['an exact size, larger than the video', { width: 1000, height: 500 }, [1000, 500]],
  ['an exact odd size', { width: 321, height: 181 }, [321, 181]],
  ['a longest side', { maxLength: 320 }, [320, 180]],
  ['a longest side beyond that of the video', { maxLength: 5000 }, [640, 360]],
])('pictures come in %s', async (_, size, expected) => {
  const frame = await pictureAt(1500, { seconds: 2 }, size);
  expect([frame.width, frame.height]).toEqual(expected);
  expect(jpegSize(frame)).toEqual(expected);
  expect(readFrameTimeMs(frame.jpeg)).toBe(1480);
});

test.each<[number, number, number]>([
  [32, 192, 64],
  [200, 40, 40],
  [255, 255, 255],
  [0, 0, 0],
])('the colour %d %d %d of a BT.709 video is the same in the picture', async (...rgb) => {
  const { jpeg } = await pictureAt(0, { seconds: 1, background: rgb, width: 320, height: 180 });
  const { data } = decode(jpeg, { useTArray: true });
  const pixel = (5 * 320 + 5) * 4;
  rgb.forEach((value, channel) => {
    // Three roundings on the way (YCbCr, JPEG, RGB) cost up to 3 steps of 255.
    expect(Math.abs(data[pixel + channel]! - value)).toBeLessThanOrEqual(3);
  });
});

test('a BT.709 video gives pictures of odd sizes, in the same colours', async () => {
  const clip: ClipOptions = { seconds: 1, background: [32, 192, 64], width: 320, height: 180 };
  const frame = await pictureAt(0, clip, { maxLength: 251 });
  expect(jpegSize(frame)).toEqual([251, 141]);
  const { data } = decode(frame.jpeg, { useTArray: true });
  [32, 192, 64].forEach((value, channel) => {
    expect(Math.abs(data[(5 * 251 + 5) * 4 + channel]! - value)).toBeLessThanOrEqual(3);
  });
});

test('size, duration and codecs of a video are reported', async () => {
  const info = await describeFile(
    pool,
    await makeClip({ seconds: 5, codec: 'vp9', width: 320, height: 180 }),
  );
  expect(info).toEqual({ durationMs: 5000, width: 320, height: 180, codec: 'vp9', frameRate: 25 });
});

test('a recording that was never finished has no known duration', async () => {
  const live: ClipOptions = {
    seconds: 8,
    container: 'mkv',
    muxerOptions: { live: '1' },
    width: 320,
    height: 180,
  };
  expect((await describeFile(pool, await makeClip(live))).durationMs).toBeUndefined();
});

test.each<[string, ClipOptions, number]>([
  ['Matroska', { seconds: 6, container: 'mkv', startTimeSeconds: 3 }, 9000],
  ['MP4', { seconds: 6, startTimeSeconds: 3 }, 9000],
  ['MP4 with sound from the start', { seconds: 6, startTimeSeconds: 3, audioSeconds: 9 }, 9000],
  [
    'MPEG-TS with sound from the start',
    { seconds: 6, container: 'mpegts', startTimeSeconds: 3, audioSeconds: 9 },
    9000,
  ],
  ['MPEG-TS', { seconds: 6, container: 'mpegts', startTimeSeconds: 3 }, 6000],
])(
  'moments count from where a player does when the first frame comes late: %s',
  async (_, clip, durationMs) => {
    const late = { ...clip, width: 320, height: 180 };
    const stated = (await describeFile(pool, await makeClip(late))).durationMs!;
    expect(Math.abs(stated - durationMs)).toBeLessThan(50);
    const lateMs = durationMs - 6000;
    // Before the first frame it is the first one.
    const asked = [lateMs / 2, lateMs + 30, lateMs + 2030, lateMs + 4030];
    const shown = await Promise.all(
      asked.map(async (point) => readFrameTimeMs((await pictureAt(point, late)).jpeg)),
    );
    expect(shown).toEqual([0, 0, 2000, 4000]);
  },
);

test('what comes before the zero of a Matroska file is not on the clock of a player', async () => {
  const clip: ClipOptions = {
    seconds: 4,
    codec: 'vp9',
    container: 'mkv',
    startTimeSeconds: -0.52,
    muxerOptions: { avoid_negative_ts: 'disabled' },
    width: 320,
    height: 180,
  };
  const taken = await Promise.all([0, 500, 1300].map((point) => pictureAt(point, clip)));
  expect(taken.map(({ jpeg }) => readFrameTimeMs(jpeg))).toEqual([520, 1000, 1800]);
  expect(taken.map(({ presentationMs }) => presentationMs)).toEqual([0, 480, 1280]);
});

test.each<[string, Omit<ClipOptions, 'seconds'>, number]>([
  ['MP4', {}, 2000],
  // The last of them appears at 1720.
  ['MP4 whose frames last longer and shorter', { variableFrameRate: true, bFrames: 0 }, 1760],
  ['an MPEG program stream', { container: 'vob', codec: 'mpeg1', gopFrames: 12 }, 2000],
  ['raw H.264', { container: 'h264' }, 2000],
  ['sound that goes on longer', { audioSeconds: 5 }, 2000],
])('the last frame says when the pictures end: %s', async (_, clip, endMs) => {
  const frames: Frame[] = [];
  const filePath = await makeClip({ seconds: 2, width: 320, height: 180, ...clip });
  await captureFile(pool, { filePath, points: [0, 'last'], size: 'source' }, (frame) => {
    frames.push(frame);
  });
  expect(frames[0]!.endMs).toBeUndefined();
  expect(Math.abs(frames[1]!.endMs! - endMs)).toBeLessThanOrEqual(1);
});
