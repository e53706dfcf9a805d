import fc from 'fast-check';
import type { Task } from '../../../shared/cloud/mpc';
import {
  asMpcReads,
  captureOf,
  isBetweenOwnBuckets,
  isInOwnFolder,
  isOfThisStage,
  isWithin,
  stageFolder,
} from '../../../shared/tasks/ownership';
import { settingsWith } from '../function-context';

const settings = settingsWith({ UPLOAD_PREFIX: 'uploads/', UPLOAD_BUCKETS: 'videos,archive' });
const location = 'ap-southeast-3';
const task = (input: string, output: string, buckets = ['videos', 'snapshots']) => ({
  input: { bucket: buckets[0], location, object: input },
  output: { bucket: buckets[1], location, object: output },
});

describe('a task is of these buckets', () => {
  test.each([
    task('uploads/a.mp4', 'snapshots/uploads/a.mp4'),
    task('uploads/a.mp4', 'by-hand'),
    task('uploads/a.mp4', 'by-hand', ['videos', 'videos']),
    task('uploads/a.mp4', 'by-hand', ['archive', 'videos']),
    task('/uploads/a.mp4', '/by-hand/'),
    task('elsewhere/a.mp4', '/snapshots/elsewhere/a.mp4/'),
    task('uploads/a.mp4', 'a folder that is like/.mpc-snapshots'),
    task('uploads/a.mp4', '.mpc-snapshots', ['videos', 'videos']),
  ])('between its buckets, whatever it captures and wherever it writes: %j', (one) => {
    expect(isBetweenOwnBuckets(one, settings)).toBe(true);
  });

  test.each([
    task('uploads/a.mp4', 'snapshots/uploads/a.mp4', ['somebody-elses', 'snapshots']),
    task('uploads/a.mp4', 'snapshots/uploads/a.mp4', ['videos', 'somebody-elses']),
    task('uploads/a.mp4', '/.mpc-snapshots/claims'),
    task('uploads/a.mp4', '.mpc-snapshots'),
    task('uploads/a.mp4', '/uploads/a', ['videos', 'videos']),
    { input: undefined, output: undefined },
    { input: { bucket: 'videos', location, object: 'uploads/a.mp4' }, output: undefined },
    { input: undefined, output: { bucket: 'snapshots', location, object: 'by-hand' } },
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
    expect(isInOwnFolder({ output: undefined }, settings)).toBe(false);
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

describe('with several captures', () => {
  const several = settingsWith({
    OUTPUT_DIRECTORY: 'a+b/{key}',
    CAPTURES: JSON.stringify([
      { name: 'track', thumbnail_para: { type: 'TIME', time: 10 } },
      {
        name: 'cover',
        suffixes: ['.mov', '.mp4'],
        directory: 'covers/{etag}/{stem}',
        thumbnail_para: { type: 'DOTS', dots: [3] },
      },
      {
        name: 'wide',
        prefix: 'films/',
        directory: 'wide/{bucket}/{key}',
        thumbnail_para: { type: 'DOTS', dots: [3] },
      },
    ]),
  });
  const etag = '0123456789abcdef0123456789abcdef';

  test('the folder of OUTPUT_DIRECTORY is that of the stage, and each capture has one of its own', () => {
    expect(stageFolder(several)).toBe('a+b/');
    for (const directory of ['a+b/x', 'covers/x', 'wide/x'])
      expect(isInOwnFolder(task('x.mp4', directory), several)).toBe(true);
    expect(isOfThisStage(task('x.mp4', 'by-hand'), 'covers/', several)).toBe(false);
  });

  test.each([
    ['films/x (1).mp4', 'a+b/films/x (1).mp4/track', 'track'],
    ['films/x (1).mp4', '/a+b/films/x (1).mp4/track/', 'track'],
    ['films/x.mp4', `covers/${etag}/films/x`, 'cover'],
    ['films/x.mp4', 'wide/videos/films/x.mp4', 'wide'],
    ['x.mp4', 'wide/videos/x.mp4', undefined],
    ['films/x.mp4', 'wide/archive/films/x.mp4', undefined],
    ['films/x.mp4', 'a+b/films/x.mp4/track/of-a-caller', undefined],
    ['films/x.mp4', 'before/a+b/films/x.mp4/track', undefined],
    ['films/x.mp4', 'aab/films/x.mp4/track', undefined],
    ['films/x.mp4', 'a+b/films/xymp4/track', undefined],
    ['films/x.mp4', `covers/${etag}/more/films/x`, undefined],
    ['films/x.mp4', 'covers//films/x', undefined],
    ['films/x.mp4', 'a+b/films/y.mp4/track', undefined],
  ])('a task of %s into %s is of the capture %s', (key, directory, expected) => {
    expect(captureOf(task(key, directory), several)?.name).toBe(expected);
  });

  test('a task into another bucket, or one that names no place, is of no capture', () => {
    const directory = 'a+b/x.mp4/track';
    expect(captureOf(task('x.mp4', directory, ['videos', 'videos']), several)).toBeUndefined();
    expect(captureOf({ ...task('x.mp4', directory), input: undefined }, several)).toBeUndefined();
    expect(captureOf({ ...task('x.mp4', directory), output: undefined }, several)).toBeUndefined();
    const { output } = task('films/x.mp4', 'wide/videos/films/x.mp4');
    expect(captureOf({ input: { object: 'films/x.mp4' }, output }, several)).toBeUndefined();
    expect(captureOf({ input: { bucket: 'videos' }, output }, several)).toBeUndefined();
  });
});

test('MPC reads a directory without the slashes at either end', () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[a-z.](\/?[a-z.])*$/), fc.nat(3), fc.nat(3), (bare, before, after) => {
      expect(asMpcReads('/'.repeat(before) + bare + '/'.repeat(after))).toBe(bare);
    }),
  );
  expect(asMpcReads(undefined)).toBe('');
});

describe('a place that MPC names', () => {
  test.each([
    [{ bucket: 'b', object: 'a/c' }, true],
    [{ bucket: 'b', object: '/a/c/' }, true],
    [{ bucket: 'b', object: 'a/c/d' }, true],
    [{ bucket: 'b' }, true],
    [{ object: 'a/c' }, true],
    [undefined, true],
    [{ bucket: 'b', object: 'a/cd' }, false],
    [{ bucket: 'b', object: 'a' }, false],
    [{ bucket: 'x', object: 'a/c' }, false],
  ])('%j is within the requested one: %s', (actual, expected) => {
    const place = actual as Task['input'];
    expect(isWithin(place, { bucket: 'b', object: 'a/c' })).toBe(expected);
  });

  test('is anywhere in a bucket within the whole bucket', () => {
    expect(isWithin({ bucket: 'b', object: 'x' }, { bucket: 'b', object: '' })).toBe(true);
  });
});
