import type { MpcBehaviour } from '../../../local/mpc/behaviour';
import { closeFixtures, MpcFixture, REGION } from './mpc-fixture';

afterEach(closeFixtures);

/** The body of the vendor's sample, "Creating a snapshot capturing task": all fields are filled, whatever the type. */
const SAMPLE = {
  input: { bucket: 'uploads', location: REGION, object: 'movie.mp4' },
  output: { bucket: 'snapshots', location: REGION, object: 'out' },
  thumbnail_para: {
    type: 'DOTS',
    output_filename: 'photo',
    time: 10,
    start_time: 100,
    duration: 1,
    dots: [50_000],
    format: 1,
    width: 96,
    height: 96,
  },
};

/** With a video that is longer than the 50,000 s of the only point. */
async function open(behaviour: Partial<MpcBehaviour> = {}): Promise<MpcFixture> {
  const fixture = await MpcFixture.open({ behaviour });
  await fixture.upload('movie.mp4', { durationMs: 60_000_000 });
  return fixture;
}

describe('the vendor’s sample', () => {
  test('its create request is accepted with every field unchanged', async () => {
    const fixture = await open();
    const { status, body } = await fixture.create(SAMPLE);
    expect([status, body]).toEqual([202, { task_id: expect.stringMatching(/^\d+$/) }]);
    const task = await fixture.ended(body.task_id);
    expect([task.status, task.thumbnail_info]).toEqual(['SUCCEEDED', [{ pic_name: 'photo.jpg' }]]);
    const key = fixture.keys().find((name) => name.endsWith('/photo.jpg')) ?? '';
    expect(JSON.parse(fixture.object(key).toString())).toEqual({
      presentationMs: 50_000_000,
      size: { width: 96, height: 96 },
    });
  });

  test.each(Object.keys(SAMPLE.thumbnail_para))(
    'its field %s may be left out unless the type needs it',
    async (field) => {
      const fixture = await open();
      const para: Record<string, unknown> = { ...SAMPLE.thumbnail_para };
      delete para[field];
      expect((await fixture.create({ ...SAMPLE, thumbnail_para: para })).status).toBe(
        field === 'dots' ? 400 : 202,
      );
    },
  );

  test('its query answers with the fields and types that it shows', async () => {
    const fixture = await open({ idsAs: 'number', timesAs: 'number' });
    const taskId = await fixture.accepted({
      ...SAMPLE,
      thumbnail_para: { type: 'DOTS', dots: [9, 5] },
      original_dir: 1,
    });
    await fixture.ended(taskId);
    const { status, body } = await fixture.list({ task_id: taskId });
    expect([status, body]).toEqual([
      200,
      {
        task_array: [
          {
            task_id: Number(taskId),
            status: 'SUCCEEDED',
            create_time: expect.any(Number),
            end_time: expect.any(Number),
            input: SAMPLE.input,
            output: SAMPLE.output,
            thumbnail_info: expect.arrayContaining([{ pic_name: '9.jpg' }, { pic_name: '5.jpg' }]),
          },
        ],
        is_truncated: 0,
        total: 1,
      },
    ]);
  });

  test('its cancellation answers 204 without a body while the task waits', async () => {
    const fixture = await open({ queueDelayMs: 60_000 });
    const taskId = await fixture.accepted(SAMPLE);
    const { status, body } = await fixture.cancel(taskId);
    expect([status, body]).toEqual([204, undefined]);
  });

  test('its failed cancellation answers 400 with MPC.10202 where the switch says so', async () => {
    const fixture = await open({ lateCancel: 'MPC.10202' });
    const taskId = await fixture.accepted(SAMPLE);
    await fixture.ended(taskId);
    const { status, body } = await fixture.cancel(taskId);
    expect([status, body.error_code]).toEqual([400, 'MPC.10202']);
    expect(body.error_msg).toMatch(/^Invalid request parameter/);
  });
});
