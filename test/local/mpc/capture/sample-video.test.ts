import { statSync } from 'node:fs';
import path from 'node:path';
import { CapturePool } from '../../../../local/mpc/capture/capture-pool';
import { clockText } from '../../../../tools/sample-video/paint-time';
import { readFrameTimeMs } from '../../../read-frame-time';
import { captureFile, describeFile } from './capture-file';

const SAMPLE = path.join(__dirname, '../../../../tools/sample-video/sample.mp4');
const pool = new CapturePool({ workers: 1 });
afterAll(() => pool.close());

test('the sample video is small and plays for 20 s', async () => {
  expect(statSync(SAMPLE).size).toBeLessThan(1_000_000);
  expect(await describeFile(pool, SAMPLE)).toEqual({
    durationMs: 20_000,
    width: 640,
    height: 360,
    codec: 'h264',
    frameRate: 15,
  });
});

test('a picture without a row of blocks has no readable time', async () => {
  let jpeg: Buffer | undefined;
  await captureFile(pool, { filePath: SAMPLE, points: [7000], size: 'source' }, (frame) => {
    jpeg = frame.jpeg;
  });
  expect(() => readFrameTimeMs(jpeg!)).toThrow(/no readable time/);
});

test.each([
  [0, '00:00.000'],
  [63_450, '01:03.450'],
  [59_999.6, '01:00.000'],
])('%d ms are drawn as %s', (timeMs, text) => {
  expect(clockText(timeMs)).toBe(text);
});
