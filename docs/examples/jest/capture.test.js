const { readFileSync } = require('node:fs');
const { startLocalCloud } = require('mpc-snapshots');

let cloud;
beforeAll(async () => {
  cloud = await startLocalCloud();
}, 60_000);
afterAll(() => cloud.close());

test('an upload gets its pictures', async () => {
  const video = process.env.VIDEO ?? 'holiday.mp4';
  await cloud.upload('uploads/holiday.mp4', readFileSync(video));
  const { thumbnail_info: pictures } = await cloud.captured('uploads/holiday.mp4');
  expect(pictures.length).toBeGreaterThan(0);
  const picture = await fetch(pictures[0].url);
  expect(picture.headers.get('content-type')).toBe('image/jpeg');
}, 90_000);

test('what is no video is told', async () => {
  await cloud.upload('uploads/note.txt', Buffer.from('hello'));
  await expect(cloud.captured('uploads/note.txt')).rejects.toThrow('not_a_video');
}, 60_000);
