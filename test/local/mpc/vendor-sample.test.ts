import { closeFixtures, MpcFixture } from './mpc-fixture';

afterEach(closeFixtures);

/** The request of the vendor's sample, "Creating a snapshot capturing task": all fields are filled, whatever the type. */
const SAMPLE = {
  input: { bucket: 'videos', location: 'cn-north-4', object: 'in/sample.mp4' },
  output: { bucket: 'snapshots', location: 'cn-north-4', object: 'out' },
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

const open = async (behaviour: NonNullable<Parameters<typeof MpcFixture.open>[0]>['behaviour'] = {}) => {
  const fixture = await MpcFixture.open({ behaviour });
  // Longer than the 50,000 s of the sample's only point.
  await fixture.putVideo('in/sample.mp4', { durationMs: 60_000_000 });
  return fixture;
};

describe('the vendor’s sample', () => {
  test('its create request is accepted, every field as it stands', async () => {
    const fixture = await open();
    const { status, body } = await fixture.create(SAMPLE);
    expect([status, body]).toEqual([202, { task_id: expect.stringMatching(/^\d+$/) }]);
  });

  test.each(Object.keys(SAMPLE.thumbnail_para))('is accepted without its field %s as well', async (field) => {
    const fixture = await open();
    const { [field as 'time']: _, ...rest } = SAMPLE.thumbnail_para;
    const { status } = await fixture.create({ ...SAMPLE, thumbnail_para: rest });
    // Without its points, a task of type DOTS captures nothing.
    expect(status).toBe(field === 'dots' ? 400 : 202);
  });
});
