import fc from 'fast-check';
import { asMpcReads, isOwnTask } from '../../../shared/tasks/ownership';
import { settingsWith } from '../function-context';

const settings = settingsWith({ UPLOAD_PREFIX: 'uploads/' });
const location = 'ap-southeast-3';
const task = (input: string, output: string, buckets = ['videos', 'snapshots']) => ({
  input: { bucket: buckets[0], location, object: input },
  output: { bucket: buckets[1], location, object: output },
});

describe('a task is of this installation', () => {
  test.each([
    task('uploads/a.mp4', 'snapshots/uploads/a.mp4'),
    task('uploads/a.mp4', 'by-hand'),
    task('/uploads/a.mp4', '/by-hand/'),
    task('elsewhere/a.mp4', '/snapshots/elsewhere/a.mp4/'),
  ])('between its buckets, whatever it captures and wherever it writes: %j', (one) => {
    expect(isOwnTask(one, settings)).toBe(true);
  });

  test.each([
    task('uploads/a.mp4', 'snapshots/uploads/a.mp4', ['somebody-elses', 'snapshots']),
    task('uploads/a.mp4', 'snapshots/uploads/a.mp4', ['videos', 'somebody-elses']),
    task('uploads/a.mp4', '/.mpc-snapshots/claims'),
    { input: undefined, output: undefined },
  ])('and no other is: %j', (one) => {
    expect(isOwnTask(one, settings)).toBe(false);
  });
});

test('MPC reads a directory without the slashes at either end', () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[a-z.](\/?[a-z.])*$/), fc.nat(3), fc.nat(3), (bare, before, after) => {
      expect(asMpcReads('/'.repeat(before) + bare + '/'.repeat(after))).toBe(bare);
    }),
  );
});
