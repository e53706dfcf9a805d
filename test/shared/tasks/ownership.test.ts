import fc from 'fast-check';
import {
  asMpcReads,
  isBetweenOwnBuckets,
  isInOwnFolder,
  isOfThisStage,
} from '../../../shared/tasks/ownership';
import { settingsWith } from '../function-context';

const settings = settingsWith({ UPLOAD_PREFIX: 'uploads/' });
const location = 'ap-southeast-3';
const task = (input: string, output: string, buckets = ['videos', 'snapshots']) => ({
  input: { bucket: buckets[0], location, object: input },
  output: { bucket: buckets[1], location, object: output },
});

describe('a task is of these buckets', () => {
  test.each([
    task('uploads/a.mp4', 'snapshots/uploads/a.mp4'),
    task('uploads/a.mp4', 'by-hand'),
    task('/uploads/a.mp4', '/by-hand/'),
    task('elsewhere/a.mp4', '/snapshots/elsewhere/a.mp4/'),
  ])('between its buckets, whatever it captures and wherever it writes: %j', (one) => {
    expect(isBetweenOwnBuckets(one, settings)).toBe(true);
  });

  test.each([
    task('uploads/a.mp4', 'snapshots/uploads/a.mp4', ['somebody-elses', 'snapshots']),
    task('uploads/a.mp4', 'snapshots/uploads/a.mp4', ['videos', 'somebody-elses']),
    task('uploads/a.mp4', '/.mpc-snapshots/claims'),
    { input: undefined, output: undefined },
  ])('and no other is: %j', (one) => {
    expect(isBetweenOwnBuckets(one, settings)).toBe(false);
  });
});

describe('a stage that shares its buckets', () => {
  test.each([
    ['snapshots/a.mp4', true],
    ['/snapshots/a.mp4/', true],
    ['snapshots', true],
    ['snapshots-of-another-stage/a.mp4', false],
    ['by-hand', false],
  ])('knows tasks into its folder: %s: %s', (output, expected) => {
    expect(isInOwnFolder(task('uploads/a.mp4', output), settings)).toBe(expected);
    expect(isInOwnFolder(task('uploads/a.mp4', output, ['videos', 'videos']), settings)).toBe(false);
  });

  test.each([
    ['snapshots/a.mp4', 'others/', true],
    ['by-hand', 'snapshots/', true],
    ['by-hand', undefined, true],
    ['by-hand', 'others/', false],
    ['others/a.mp4', 'others/', false],
  ])('knows %s, recorded by %s, as its own: %s', (output, recorded, expected) => {
    expect(isOfThisStage(task('uploads/a.mp4', output), recorded, settings)).toBe(expected);
  });
});

test('MPC reads a directory without the slashes at either end', () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[a-z.](\/?[a-z.])*$/), fc.nat(3), fc.nat(3), (bare, before, after) => {
      expect(asMpcReads('/'.repeat(before) + bare + '/'.repeat(after))).toBe(bare);
    }),
  );
});
