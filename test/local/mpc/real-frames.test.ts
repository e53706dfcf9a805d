import { readFileSync } from 'node:fs';
import { decode } from 'jpeg-js';
import { CapturePool } from '../../../local/mpc/capture/capture-pool';
import { makeClip } from '../../clip';
import { readFrameTimeMs } from '../../read-frame-time';
import { closeFixtures, MpcFixture, request, syncRequest } from './mpc-fixture';

const pool = new CapturePool({ workers: 1 });
afterEach(closeFixtures);
afterAll(() => pool.close());

async function openWithClip(): Promise<MpcFixture> {
  const fixture = await MpcFixture.open({ capture: pool });
  await fixture.upload('clip.mp4', readFileSync(await makeClip({ seconds: 5, audioSeconds: 5.4 })));
  return fixture;
}
const input = { ...request().input, object: 'clip.mp4' };

test('each picture shows the moment that its name says, and the last one the last frame', async () => {
  const fixture = await openWithClip();
  const task = await fixture.ended(await fixture.accepted(request({ input }, { time: 2, max_length: 320 })));
  expect(task.status).toBe('SUCCEEDED');
  const times = fixture.keys().map((key) => [key, readFrameTimeMs(fixture.object(key))]);
  expect(times).toEqual([
    ['out/0.jpg', 0],
    ['out/2.jpg', 2_000],
    ['out/4.jpg', 4_000],
    // 5 s at 25 frames a second; the sound lasts longer.
    ['out/5.jpg', 4_960],
  ]);
  const { width, height } = decode(fixture.object('out/2.jpg'));
  expect([width, height]).toEqual([320, 180]);
});

test('a capture to the end stops at the last picture, however long the sound goes on', async () => {
  const fixture = await MpcFixture.open({ capture: pool });
  await fixture.upload('sound.mp4', readFileSync(await makeClip({ seconds: 5, audioSeconds: 9 })));
  const task = await fixture.ended(
    await fixture.accepted(
      request({ input: { ...input, object: 'sound.mp4' } }, { time: 2, max_length: 320 }),
    ),
  );
  expect(task.status).toBe('SUCCEEDED');
  expect(fixture.keys()).toEqual(['out/0.jpg', 'out/2.jpg', 'out/4.jpg', 'out/5.jpg']);
  expect(readFrameTimeMs(fixture.object('out/5.jpg'))).toBe(4_960);
});

test('a synchronous picture is exact to the millisecond', async () => {
  const fixture = await openWithClip();
  const body = { ...syncRequest({ type: 'DOTS_MS', dots_ms: [1_999] }), input };
  expect((await fixture.create(body)).body.output_file_name).toBe('1999.jpg');
  expect(readFrameTimeMs(fixture.object('out/1999.jpg'))).toBe(1_960);
});

test('a text file and a point past the end fail the task', async () => {
  const fixture = await openWithClip();
  await fixture.upload('notes.mp4', 'this is no video');
  const notes = await fixture.accepted(request({ input: { ...input, object: 'notes.mp4' } }));
  const late = await fixture.accepted(request({ input }, { type: 'DOTS', dots: [1, 7] }));
  expect(await fixture.ended(notes)).toMatchObject({
    status: 'FAILED',
    description: expect.stringMatching(/./),
  });
  expect(await fixture.ended(late)).toMatchObject({ status: 'FAILED', thumbnail_info: [] });
});
