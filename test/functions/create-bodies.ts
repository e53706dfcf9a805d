import fc from 'fast-check';
import { hostileText, json } from './hostile-events';

const INT32_MAX = 2_147_483_647;
/** No control characters and no halves of characters. */
const keyText = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 30 })
  .filter((text) => !/\p{C}/u.test(text) && !text.endsWith('/'));
const second = fc.integer({ min: 0, max: INT32_MAX });
const side = (maxPx: number) => fc.oneof(fc.constant(0), fc.integer({ min: 96, max: maxPx }));

const look = fc.record(
  {
    format: fc.constant(1),
    width: side(3840),
    height: side(2160),
    max_length: fc.integer({ min: 240, max: 3840 }),
    amount: fc.integer({ min: 1, max: 100 }),
    threshold: fc.integer({ min: 0, max: 255 }),
    output_filename: fc.stringMatching(/^[\w. -]{1,40}$/),
    start_time: second,
    duration: second,
  },
  { requiredKeys: [] },
);
const samplingOfSync0 = fc.oneof(
  fc.record({ type: fc.constant('TIME'), time: fc.integer({ min: 1, max: 100 }) }, { requiredKeys: [] }),
  fc.record({ type: fc.constant('DOTS'), dots: fc.array(second, { minLength: 1, maxLength: 10 }) }),
);
const samplingOfSync1 = fc.oneof(
  fc.record({ type: fc.constant('DOTS'), dots: fc.array(second, { minLength: 1, maxLength: 1 }) }),
  fc.record({ type: fc.constant('DOTS_MS'), dots_ms: fc.array(second, { minLength: 1, maxLength: 1 }) }),
);
const location = fc.constant('ap-southeast-3');
const fileName = fc.string({ maxLength: 180 });
const input = fc.record(
  { bucket: fc.constantFrom('videos', 'archive'), object: keyText, location, file_name: fileName },
  { requiredKeys: ['bucket', 'object'] },
);
/** In its only spelling. */
const directory = keyText.filter((text) => !text.split('/').some((part) => /^\.{0,2}$/.test(part)));
const output = fc.oneof(
  fc.record(
    { bucket: fc.constant('snapshots'), object: directory, location },
    { requiredKeys: ['bucket', 'object'] },
  ),
  fc.record({ bucket: fc.constant('videos'), object: directory.map((text) => `thumbs/${text}`), location }),
);
const rest = {
  input,
  output,
  user_data: fc.string({ maxLength: 200 }),
  tar: fc.constantFrom(0, 1),
  original_dir: fc.constantFrom(0, 1),
};

const withPara = (sampling: fc.Arbitrary<object>) =>
  fc.tuple(sampling, look).map(([times, others]) => ({ ...others, ...times }));

/** Bodies that MPC's documents allow, for `POST /snapshots`. */
export const validBody: fc.Arbitrary<Record<string, unknown>> = fc.oneof(
  fc.record(
    { ...rest, thumbnail_para: withPara(samplingOfSync0), sync: fc.constant(0) },
    { requiredKeys: ['input'] },
  ),
  fc.record(
    { ...rest, thumbnail_para: withPara(samplingOfSync1), sync: fc.constant(1) },
    { requiredKeys: ['input', 'sync'] },
  ),
);

const noText = fc.oneof(
  fc.constantFrom<unknown>(null, true, 0, 1.5, [], {}, ['videos']),
  json.filter((value) => typeof value !== 'string'),
);
const noWhole = (minimum: number, maximum: number) =>
  fc.oneof(
    fc.integer({ min: Number.MIN_SAFE_INTEGER, max: minimum - 1 }),
    fc.integer({ min: maximum + 1, max: Number.MAX_SAFE_INTEGER }),
    fc.constantFrom<unknown>(
      minimum - 1,
      maximum + 1,
      1e308,
      null,
      true,
      false,
      '',
      String(minimum),
      [],
      [minimum],
      {},
    ),
    fc.double({ noInteger: true, noNaN: true, noDefaultInfinity: true }),
    json.filter((value) => typeof value !== 'number'),
  );
/** Sides of 0 px are allowed. */
const noSide = (maximum: number) =>
  noWhole(96, maximum).filter((value) => value !== 0 && !Object.is(value, -0));
const noWholes = (maximum: number) =>
  fc.oneof(
    noText.filter((value) => !Array.isArray(value)),
    noWhole(0, maximum).map((value) => [1, value]),
    hostileText,
  );
const noKey = fc.oneof(
  noText,
  fc.constantFrom(
    '',
    'k'.repeat(1025),
    'é'.repeat(513),
    'a\u0000.mp4',
    '\n',
    'a\u007fb',
    '\ud800',
    'a\udc00b',
    '\t.mp4',
  ),
);
const noFlag = fc.oneof(
  noText.filter((value) => value !== 0 && value !== 1),
  fc.constantFrom<unknown>(2, -1, 0.5, '0', '1', 'true'),
);
const other = (allowed: readonly string[]) =>
  fc.oneof(
    noText,
    hostileText.filter((text) => !allowed.includes(text)),
    fc.constantFrom('Videos', 'videos ', 'videos\u0000', 'somebody-elses', 'cn-north-4'),
  );

/** Of each field, what the documents or the allow-list forbid. */
const FORBIDDEN: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
  input: noText.filter((value) => value === null || Array.isArray(value) || typeof value !== 'object'),
  'input.bucket': other(['videos', 'archive']),
  'input.location': other(['ap-southeast-3']),
  'input.object': fc.oneof(
    noKey,
    keyText.map((text) => `${text}/`),
  ),
  'input.file_name': fc.oneof(noText, fc.constant('x'.repeat(181))),
  'output.bucket': other(['videos', 'archive', 'snapshots']),
  'output.location': other(['ap-southeast-3']),
  'output.object': noKey,
  'output.file_name': fc.oneof(noText, fc.constant('x'.repeat(181))),
  'thumbnail_para.type': fc.oneof(noText, hostileText, fc.constantFrom('time', 'PERCENT', 'DOTS ')),
  'thumbnail_para.time': noWhole(1, 100),
  'thumbnail_para.start_time': noWhole(0, INT32_MAX),
  'thumbnail_para.duration': noWhole(0, INT32_MAX),
  'thumbnail_para.dots': noWholes(INT32_MAX),
  'thumbnail_para.dots_ms': noWholes(INT32_MAX),
  'thumbnail_para.output_filename': fc.oneof(
    noText,
    fc.constantFrom('', 'a/b', '../x', 'a\\b', 'x'.repeat(257)),
  ),
  'thumbnail_para.format': noWhole(1, 1),
  'thumbnail_para.width': noSide(3840),
  'thumbnail_para.height': noSide(2160),
  'thumbnail_para.max_length': noWhole(240, 3840),
  'thumbnail_para.amount': noWhole(1, 100),
  'thumbnail_para.threshold': noWhole(0, 255),
  user_data: fc.oneof(
    { arbitrary: noText, weight: 20 },
    { arbitrary: fc.constant('x'.repeat(65_536)), weight: 1 },
  ),
  tar: noFlag,
  sync: noFlag,
  original_dir: noFlag,
};

const mistake = fc.oneof(
  {
    arbitrary: fc
      .constantFrom(...Object.keys(FORBIDDEN))
      .chain((path) => FORBIDDEN[path]!.map((value) => ({ path, value }))),
    weight: 8,
  },
  // A field that is not documented, anywhere.
  {
    arbitrary: fc
      .tuple(
        fc.constantFrom('', 'input.', 'output.', 'thumbnail_para.'),
        fc.constantFrom('__proto__', 'constructor', 'toString', 'orignal_dir', 'x'),
        json,
      )
      .map(([parent, name, value]) => ({ path: parent + name, value })),
    weight: 1,
  },
  {
    arbitrary: fc
      .constantFrom('input', 'input.bucket', 'input.object')
      .map((path) => ({ path, value: undefined })),
    weight: 1,
  },
);

/** Valid bodies with one field, `path`, that is not; as JSON text. */
export const invalidBody = fc.tuple(validBody, mistake).map(([body, { path, value }]) => {
  const copy = structuredClone(body);
  const [field = '', inner] = path.split('.');
  if (inner === undefined) define(copy, field, value);
  else {
    const parent = (copy[field] ??
      (field === 'output' ? { bucket: 'snapshots', object: 'a' } : {})) as object;
    define(copy, field, parent);
    define(parent, inner, value);
  }
  return { text: JSON.stringify(copy), path };
});

/** Also for `__proto__`, as JSON.parse does. */
function define(target: object, name: string, value: unknown): void {
  Object.defineProperty(target, name, { value, enumerable: true, configurable: true, writable: true });
}
