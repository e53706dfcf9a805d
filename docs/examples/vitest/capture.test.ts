import { readFileSync } from 'node:fs';
import { type LocalCloud, startLocalCloud } from 'mpc-snapshots';
import { afterAll, beforeAll, expect, test } from 'vitest';

let cloud: LocalCloud;
beforeAll(async () => {
  cloud = await startLocalCloud();
}, 60_000);
afterAll(() => cloud.close());

test('an upload gets its pictures', async () => {
  const video = process.env.VIDEO ?? 'holiday.mp4';
  await cloud.upload('uploads/holiday.mp4', readFileSync(video));
  const { thumbnail_info: pictures = [] } = await cloud.captured('uploads/holiday.mp4');
  expect(pictures.length).toBeGreaterThan(0);
  const picture = await fetch(pictures[0]?.url ?? '');
  expect(picture.headers.get('content-type')).toBe('image/jpeg');
}, 90_000);
