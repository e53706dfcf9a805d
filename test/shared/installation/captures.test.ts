import { capturesFor, checkCaptures, servingCapture } from '../../../shared/installation/captures';
import { settingsWith } from '../function-context';

const TRACK = { name: 'track', thumbnail_para: { type: 'TIME', time: 10 } };
const COVER = { name: 'cover', thumbnail_para: { type: 'DOTS', dots: [3] } };
const CHOICE = {
  uploadPrefix: 'uploads/',
  uploadSuffixes: ['.mp4', '.mov'],
  outputDirectory: 'snapshots/{key}',
};
const read = (list: unknown) => checkCaptures(JSON.stringify(list), CHOICE);
const detailsOf = (list: unknown) =>
  read(list).details?.map(({ path, message }) => `${path} ${message}`) ?? [];

test('a capture uses the common settings for what it does not set, and each has its own directory', () => {
  expect(
    read([TRACK, { ...COVER, prefix: 'uploads/films/', suffixes: ['.MOV'], directory: 'covers/{stem}' }]),
  ).toEqual({
    data: [
      {
        name: 'track',
        prefix: 'uploads/',
        suffixes: ['.mp4', '.mov'],
        thumbnailPara: { type: 'TIME', time: 10 },
        directory: 'snapshots/{key}/track',
      },
      {
        name: 'cover',
        prefix: 'uploads/films/',
        suffixes: ['.mov'],
        thumbnailPara: { type: 'DOTS', dots: [3] },
        directory: 'covers/{stem}',
      },
    ],
  });
});

test.each([
  ['every 10 s', 'CAPTURES must be a list of 1 to 10 captures, as JSON, got "every 10 s"'],
  ['[]', 'CAPTURES must be a list of 1 to 10 captures, as JSON, got 0'],
  [JSON.stringify(Array(11).fill(TRACK)), 'CAPTURES must be a list of 1 to 10 captures, as JSON, got 11'],
])('%s is not a list of captures', (json, message) => {
  expect(checkCaptures(json, CHOICE).details).toEqual([
    { path: 'CAPTURES', message: message.replace('CAPTURES ', '') },
  ]);
});

test.each([
  [[5], 'CAPTURES[0] must be an object, got 5'],
  [[{ ...TRACK, interval: 5 }], 'CAPTURES[0].interval is not a known field'],
  [[{ thumbnail_para: {} }], 'CAPTURES[0].name is required'],
  [[{ name: 'track' }], 'CAPTURES[0].thumbnail_para is required'],
  [
    [{ ...TRACK, name: 'a/b' }],
    'CAPTURES[0].name must be a string of 1 to 32 letters, digits, _ and -, got "a/b"',
  ],
  [[{ ...TRACK, name: '' }], 'CAPTURES[0].name must be a string of 1 to 32 letters, digits, _ and -, got ""'],
  [
    [{ ...TRACK, name: 1080 }],
    'CAPTURES[0].name must be a string of 1 to 32 letters, digits, _ and -, got 1080',
  ],
  [
    [TRACK, { ...COVER, name: 'track' }],
    'CAPTURES[1].name must differ from that of CAPTURES[0], got "track"',
  ],
  [
    [TRACK, { ...COVER, thumbnail_para: { type: 'TIME', time: 101 } }],
    'CAPTURES[1].thumbnail_para.time must be a whole number from 1 to 100 s, got 101',
  ],
  [
    [{ ...COVER, thumbnail_para: { type: 'DOTS' } }],
    'CAPTURES[0].thumbnail_para.dots must hold 1 to 10 times (s) when type is DOTS, got 0',
  ],
  [
    [{ ...TRACK, prefix: 'films/' }],
    'CAPTURES[0].prefix must begin with UPLOAD_PREFIX ("uploads/"), got "films/"',
  ],
  [[{ ...TRACK, suffixes: ['.avi'] }], 'CAPTURES[0].suffixes must be among UPLOAD_SUFFIXES, got [".avi"]'],
  [[{ ...TRACK, suffixes: [] }], 'CAPTURES[0].suffixes must hold at least one ending, got []'],
  [
    [{ ...TRACK, directory: '{key}' }],
    'CAPTURES[0].directory must start with a fixed folder and hold {key} or {stem}, got "{key}"',
  ],
  [
    [{ ...TRACK, directory: '.mpc-snapshots/{key}' }],
    'CAPTURES[0].directory must lie outside .mpc-snapshots/, got ".mpc-snapshots/{key}"',
  ],
  [
    [
      { ...TRACK, directory: 'a/{key}' },
      { ...COVER, directory: 'a/{key}' },
    ],
    'CAPTURES[1].directory must lie apart from that of CAPTURES[0] ("a/{key}") for every upload, got "a/{key}"',
  ],
  [
    [{ ...TRACK, directory: 'snapshots/{key}' }, COVER],
    'CAPTURES[1].directory must lie apart from that of CAPTURES[0] ("snapshots/{key}") for every upload, got "snapshots/{key}/cover"',
  ],
  [
    [
      { ...TRACK, directory: 'a/{key}' },
      { ...COVER, directory: 'a/covers/{key}' },
    ],
    'CAPTURES[1].directory must lie apart from that of CAPTURES[0] ("a/{key}") for every upload, got "a/covers/{key}"',
  ],
])('%j is refused: %s', (list, message) => {
  expect(detailsOf(list)).toEqual([message]);
});

test('one directory may serve captures that have no upload in common', () => {
  const directory = 'snapshots/{key}';
  expect(
    detailsOf([
      { ...TRACK, prefix: 'uploads/films/', directory },
      { ...COVER, prefix: 'uploads/clips/', directory },
    ]),
  ).toEqual([]);
  expect(
    detailsOf([
      { ...TRACK, suffixes: ['.mp4'], directory },
      { ...COVER, suffixes: ['.mov'], directory },
    ]),
  ).toEqual([]);
  expect(
    detailsOf([
      { ...TRACK, directory },
      { ...COVER, prefix: 'uploads/a/', directory },
    ]),
  ).toHaveLength(1);
});

test('CAPTURE and CAPTURES together are refused, and so is a directory where uploads are', () => {
  const CAPTURES = JSON.stringify([TRACK, COVER]);
  expect(() => settingsWith({ CAPTURES, CAPTURE: '{"type":"TIME","time":10}' })).toThrow(
    'CAPTURE must not be set together with CAPTURES',
  );
  const shared = { SNAPSHOT_BUCKET: 'videos' };
  const into = (directory: string) => JSON.stringify([{ ...TRACK, directory }]);
  expect(() => settingsWith({ ...shared, UPLOAD_PREFIX: 'films/', CAPTURES: into('films/{key}') })).toThrow(
    'CAPTURES[0].directory must start outside UPLOAD_PREFIX ("films/") when SNAPSHOT_BUCKET is an upload bucket, got "films/{key}"',
  );
  const covers = JSON.stringify([TRACK, { ...COVER, prefix: 'snapshots/a/' }]);
  expect(() => settingsWith({ ...shared, CAPTURES: covers })).toThrow(
    'CAPTURES[1].prefix must lie outside snapshots/, where pictures go',
  );
  expect(settingsWith({ CAPTURES: into('covers/{key}') }).ownFolders).toEqual(['snapshots/', 'covers/']);
});

test('an upload gets the captures of its prefix and ending', () => {
  const { captures } = settingsWith({
    CAPTURES: JSON.stringify([TRACK, { ...COVER, prefix: 'a/', suffixes: ['.MOV'] }]),
  });
  const names = (key: string) => capturesFor(key, captures).map(({ name }) => name);
  expect([names('a/b.mov'), names('a/b.MOV'), names('a/b.mp4'), names('b.mov'), names('b.txt')]).toEqual([
    ['track', 'cover'],
    ['track', 'cover'],
    ['track'],
    ['track'],
    [],
  ]);
});

test('covers come from the capture that makes one picture, tracks from one that makes more, and otherwise from the first', () => {
  const of = (...list: unknown[]) => settingsWith({ CAPTURES: JSON.stringify(list) }).captures;
  const served = (list: ReturnType<typeof of>) =>
    [true, false].map((isCover) => servingCapture(list, isCover)?.name);
  expect(served(of(TRACK, COVER))).toEqual(['cover', 'track']);
  expect(served(of(COVER, TRACK))).toEqual(['cover', 'track']);
  expect(served(of(COVER))).toEqual(['cover', 'cover']);
  expect(
    served(of({ ...TRACK, name: 'dots', thumbnail_para: { type: 'DOTS', dots: [1, 2] } }, TRACK)),
  ).toEqual(['dots', 'dots']);
  expect(servingCapture([], true)).toBeUndefined();
});
