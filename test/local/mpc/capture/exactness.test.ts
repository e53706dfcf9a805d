import { type CapturePoint, CapturePool } from '../../../../local/mpc/capture/capture-pool';
import { type ClipOptions, makeClip } from '../../../clip';
import { readFrameTimeMs } from '../../../read-frame-time';
import { frameTicks } from '../../../time-code';
import { captureFile } from './capture-file';

const SMALL = { width: 320, height: 180 };
const ODD = { width: 321, height: 181 };

const KINDS: [name: string, options: ClipOptions][] = [
  ['H.264 in MP4, index at the end', { seconds: 7 }],
  ['H.264 in MP4, index at the front', { seconds: 7, muxerOptions: { movflags: 'faststart' } }],
  ['H.264 in fragmented MP4', { seconds: 6, muxerOptions: { movflags: 'frag_keyframe+empty_moov' } }],
  ['H.264 in MOV', { seconds: 6, container: 'mov' }],
  ['H.264 in Matroska', { seconds: 7, container: 'mkv' }],
  ['H.264 in FLV', { seconds: 6, container: 'flv' }],
  ['H.264 in MPEG-TS', { seconds: 6, container: 'mpegts' }],
  ['long groups of pictures in MPEG-TS', { seconds: 20, gopFrames: 250, container: 'mpegts' }],
  ['long groups of pictures in MP4', { seconds: 20, gopFrames: 250, bFrames: 3 }],
  ['every frame a key frame', { seconds: 4, gopFrames: 1, bFrames: 0 }],
  ['open groups of pictures in MP4', { seconds: 6, openGop: true, gopFrames: 25, bFrames: 3 }],
  ['open groups of pictures in MPEG-TS', { seconds: 6, openGop: true, gopFrames: 25, container: 'mpegts' }],
  ['open groups of pictures in HEVC', { seconds: 5, openGop: true, gopFrames: 25, codec: 'hevc' }],
  [
    'gradual refresh in place of key frames',
    { seconds: 8, encoderOptions: { 'intra-refresh': '1' }, bFrames: 0 },
  ],
  ['HEVC, 10 bits a sample', { seconds: 4, codec: 'hevc', pixelFormat: 'yuv420p10le' }],
  ['VP9 in WebM, odd size', { seconds: 5, codec: 'vp9', ...ODD }],
  [
    'VP8 with frames that are not displayed',
    {
      seconds: 5,
      codec: 'vp8',
      encoderOptions: { 'auto-alt-ref': '1', 'lag-in-frames': '16', deadline: 'good', 'cpu-used': '5' },
    },
  ],
  ['AV1 in MP4', { seconds: 5, codec: 'av1' }],
  ['AV1 in Matroska', { seconds: 5, codec: 'av1', container: 'mkv' }],
  ['MPEG-4 Part 2 in AVI', { seconds: 5, codec: 'mpeg4', container: 'avi', bFrames: 0 }],
  ['4:4:4 samples, odd size', { seconds: 3, pixelFormat: 'yuv444p', ...ODD }],
  ['30000/1001 frames a second', { seconds: 5, frameRate: 30_000 / 1001 }],
  ['one frame a second', { seconds: 30, frameRate: 1 }],
  ['a variable frame rate in MP4', { seconds: 6, variableFrameRate: true }],
  ['a variable frame rate in Matroska', { seconds: 6, variableFrameRate: true, container: 'mkv' }],
  ['a late start in MP4', { seconds: 6, startTimeSeconds: 3 }],
  ['a late start in Matroska', { seconds: 6, startTimeSeconds: 3, container: 'mkv' }],
  ['a late start in MPEG-TS', { seconds: 6, startTimeSeconds: 30, container: 'mpegts' }],
  ['no duration and no index in WebM', { seconds: 8, codec: 'vp9', muxerOptions: { live: '1' } }],
  ['no duration and no index in Matroska', { seconds: 8, container: 'mkv', muxerOptions: { live: '1' } }],
  ['sound beside the pictures', { seconds: 6, audioSeconds: 6 }],
];

const pool = new CapturePool({ workers: 2 });
/** Where jobs run beside each other, its one worker goes to another one after each picture. */
const changingPool = new CapturePool({ workers: 1, inARowMs: 0 });
afterAll(() => Promise.all([pool.close(), changingPool.close()]));

test.each(KINDS)('every point shows the frame that is on display at its time: %s', async (_, options) => {
  const clip = { ...SMALL, ...options };
  const filePath = await makeClip(clip);
  const frameMs = 1000 / (clip.frameRate ?? 25);
  // A player counts from the zero of the file; in a transport stream there is none. Without an edit list, the two
  // frames that B frames make the decoder wait come before the first one.
  const isFragmented = clip.muxerOptions?.movflags?.startsWith('frag') ?? false;
  const lateMs = isFragmented
    ? 2 * frameMs
    : clip.container === 'mpegts'
      ? 0
      : 1000 * (clip.startTimeSeconds ?? 0);
  const starts = frameTicks(clip).map((tick) => lateMs + tick * frameMs);
  const lastStart = starts.at(-1) ?? 0;
  const nth = (place: number) => starts[Math.floor(place)] ?? 0;
  const middle = nth(starts.length / 2);
  // WebM, Matroska and FLV count in whole milliseconds: a point too near to the start of a frame may belong to either.
  const points: CapturePoint[] = [
    'last',
    0,
    0.4,
    middle + 1,
    middle + frameMs - 1,
    lastStart + 1,
    lastStart + frameMs / 2,
    'last',
  ];
  for (let turn = 0; turn < 16; turn++)
    points.push(nth((turn * 0.618 * starts.length) % starts.length) + frameMs / 3);

  const expected = points.map((point) =>
    point === 'last' ? lastStart : Math.max(lateMs, ...starts.filter((start) => start <= point)),
  );
  // The clock in the pictures counts from the first one.
  const painted = expected.map((time) => Math.round(time - lateMs));
  let shown: number[] = [];
  const stated: number[] = [];
  const take = (indices: number[], from = pool) =>
    captureFile(
      from,
      { filePath, points: indices.map((index) => points[index]!), size: { maxLength: 400 } },
      (frame) => {
        shown[indices[frame.index]!] = readFrameTimeMs(frame.jpeg);
        stated[indices[frame.index]!] = frame.presentationMs;
      },
    );
  await take(points.map((_, index) => index));
  expect(shown).toEqual(painted);
  stated.forEach((time, index) => {
    expect(Math.abs(time - expected[index]!)).toBeLessThan(1);
  });

  // The same without any point before: the way to a frame must not matter.
  for (const alone of [4, 6, 7, 12]) await take([alone]);
  expect(shown).toEqual(painted);

  // The same with another job between all pictures, so that decoders rest and start over.
  shown = [];
  const [even, odd] = [0, 1].map((rest) => [...points.keys()].filter((index) => index % 2 === rest));
  await Promise.all([take(even!, changingPool), take(odd!, changingPool)]);
  expect(shown).toEqual(painted);
});

test('the exact time of each frame shows that frame, and the moment before it the one before', async () => {
  const clip = { ...SMALL, seconds: 3 };
  const filePath = await makeClip(clip);
  const points: number[] = [];
  const expected: number[] = [];
  for (const tick of frameTicks(clip).slice(1)) {
    points.push(tick * 40, tick * 40 - 0.001);
    expected.push(tick * 40, tick * 40 - 40);
  }
  const shown: number[] = [];
  await captureFile(pool, { filePath, points, size: { maxLength: 320 } }, (frame) => {
    shown[frame.index] = readFrameTimeMs(frame.jpeg);
  });
  expect(shown).toEqual(expected);
});

test('a point before the first frame shows the first frame', async () => {
  const filePath = await makeClip({ ...SMALL, seconds: 3 });
  let shown: number | undefined;
  await captureFile(pool, { filePath, points: [-100], size: 'source' }, (frame) => {
    shown = readFrameTimeMs(frame.jpeg);
  });
  expect(shown).toBe(0);
});
