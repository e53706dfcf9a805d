import fc from 'fast-check';

const NAMES = ['__proto__', 'constructor', 'toString', 'valueOf', 'hasOwnProperty', 'then', 'length'];

/** Texts that code stumbles over. */
export const hostileText = fc.oneof(
  fc.constantFrom(
    ...NAMES,
    ...[
      '',
      ' ',
      '.',
      '..',
      '/',
      '//',
      '../../etc/passwd',
      'a/../b.mp4',
      '/a.mp4',
      'a//b.mp4',
      'a/',
      '{key}',
      '$&',
    ],
    ...[
      '%',
      '%2e%2e%2f',
      '%zz',
      '%00',
      '%ff',
      '+',
      'a%20b.mp4',
      'a+b.mp4',
      '%E4%B8%AD.mp4',
      '?x=1#y',
      '&',
      '=',
    ],
    ...[
      '\u0000',
      '\r\nX-Evil: 1',
      'a\u007f.mp4',
      '\ud800',
      'a\udfff.mp4',
      '\u202egpj.mp4',
      '\ufeff',
      '中 文😀.mp4',
    ],
    ...[
      'é'.repeat(512),
      'k'.repeat(1024),
      'k'.repeat(1025),
      '9'.repeat(400),
      '-1',
      '1e999',
      'NaN',
      'null',
      '0x1',
    ],
    ...[
      'somebody-elses',
      'videos/../somebody-elses',
      'videos?',
      'https://evil.example/',
      '127.0.0.1',
      'snapshots',
    ],
  ),
  fc.string(),
  fc.string({ unit: 'binary' }),
);

const hostileNumber = fc.oneof(
  fc.constantFrom(-1, -0, 0.5, 1e21, 1e308, Number.MAX_SAFE_INTEGER + 2, Number.MIN_VALUE, 2 ** 31, 2 ** 32),
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
);

/** JSON inside JSON, `depth` levels deep. */
export const nested = (depth: number, open = '[', close = ']') => open.repeat(depth) + close.repeat(depth);

export const json = fc.jsonValue({ maxDepth: 3 });

const taskId = fc.oneof(fc.stringMatching(/^[A-Za-z0-9]{1,16}$/), fc.constantFrom('1', '7', '9', 'own'));
const bucket = fc.oneof(
  { arbitrary: fc.constantFrom('videos', 'archive', 'snapshots', 'somebody-elses'), weight: 4 },
  hostileText,
);
const mostly = <T>(usual: fc.Arbitrary<T>, weight = 6): fc.Arbitrary<unknown> =>
  fc.oneof(
    { arbitrary: usual, weight },
    { arbitrary: hostileText, weight: 1 },
    { arbitrary: json, weight: 1 },
  );
const queryValue = (usual: fc.Arbitrary<string>) =>
  mostly(fc.oneof(usual, fc.array(fc.oneof(usual, hostileText), { maxLength: 3 })));

const query = fc.oneof(
  fc.record(
    {
      task_id: queryValue(
        fc.oneof(
          taskId,
          fc.array(taskId, { maxLength: 12 }).map((ids) => ids.join(',')),
        ),
      ),
      status: queryValue(fc.constantFrom('WAITING', 'SUCCEEDED', 'DONE', 'waiting')),
      start_time: queryValue(fc.constantFrom('20201220131400', '2020', '99999999999999')),
      end_time: queryValue(fc.constantFrom('20201220131400', 'now')),
      page: queryValue(fc.integer({ min: -1, max: 50_001 }).map(String)),
      size: queryValue(fc.integer({ min: -1, max: 101 }).map(String)),
      object: queryValue(fc.constantFrom('uploads/a.mp4', 'uploads/中 文.mp4')),
      bucket: queryValue(bucket),
      dry_run: queryValue(fc.constantFrom('true', 'false', '')),
      format: queryValue(fc.constantFrom('json', 'vtt', 'storyboard', 'html', 'poster', 'gif')),
      wait: queryValue(fc.integer({ min: -1, max: 901 }).map(String)),
    },
    { requiredKeys: [] },
  ),
  fc.dictionary(hostileText, fc.oneof(hostileText, json), { maxKeys: 4 }),
  fc.constantFrom(null, undefined, {}, [], ['a']),
);

const headers = fc.oneof(
  fc.record(
    {
      'content-type': mostly(fc.constant('application/json')),
      'Idempotency-Key': mostly(fc.stringMatching(/^[\x20-\x7e]{1,40}$/)),
      'idempotency-key': mostly(fc.constantFrom('k', 'k'.repeat(255), 'k'.repeat(256))),
    },
    { requiredKeys: [] },
  ),
  fc.dictionary(hostileText, fc.oneof(hostileText, json), { maxKeys: 4 }),
  fc.constantFrom(null, undefined, []),
);

const bodyText = fc.oneof(
  json.map((value) => JSON.stringify(value)),
  fc
    .record({ input: json, output: json, thumbnail_para: json, sync: json }, { requiredKeys: ['input'] })
    .map((body) => JSON.stringify(body)),
  fc.integer({ min: 1, max: 1000 }).map((depth) => nested(depth)),
  fc.integer({ min: 1, max: 300 }).map((depth) => `{"input":${nested(depth, '{"a":[', ']}')}}`),
  fc.constantFrom(
    '{"input":',
    '\ufeff{}',
    '{"a":1e999}',
    'undefined',
    "{'a':1}",
    '{"input":{"bucket":"videos"',
  ),
  hostileText,
);

const body = fc.oneof(
  bodyText.map((text) => ({ body: text, isBase64Encoded: false })),
  bodyText.map((text) => ({ body: Buffer.from(text).toString('base64'), isBase64Encoded: true })),
  fc
    .uint8Array({ maxLength: 64 })
    .map((bytes) => ({ body: Buffer.from(bytes).toString('base64'), isBase64Encoded: true })),
  fc.record({ body: mostly(hostileText), isBase64Encoded: json }, { requiredKeys: [] }),
);

/** Events almost as API Gateway sends them. */
export const apiEvent = fc
  .tuple(
    fc.record(
      {
        httpMethod: mostly(fc.constantFrom('GET', 'POST', 'DELETE'), 30),
        path: mostly(
          fc.oneof(
            fc.constant('/snapshots'),
            taskId.map((id) => `/snapshots/${id}`),
            hostileText.map((text) => `/snapshots/${text}`),
          ),
        ),
        pathParameters: fc.oneof(
          fc.constantFrom(null, undefined, {}, []),
          fc.record({ task_id: mostly(taskId) }),
          fc.record({ '': mostly(taskId) }),
          fc.dictionary(hostileText, json, { maxKeys: 2 }),
        ),
        queryStringParameters: query,
        headers,
        requestContext: json,
      },
      { requiredKeys: ['httpMethod'] },
    ),
    body,
  )
  .map(([event, content]) => ({ ...event, ...content }));

const key = fc.oneof(
  fc.constantFrom(
    'uploads/a.mp4',
    'uploads%2Fa+b.mp4',
    'uploads/A.MOV',
    'elsewhere/a.mp4',
    'snapshots/a.mp4',
    '.mpc-snapshots/a.mp4',
  ),
  hostileText,
  hostileText.map((text) => `uploads/${text}.mp4`),
);
const objectBody = fc.record(
  {
    bucket: mostly(fc.record({ name: mostly(bucket, 12) }, { requiredKeys: [] }), 16),
    object: mostly(
      fc.record(
        {
          key: mostly(key, 16),
          eTag: mostly(fc.constantFrom('9d377b10', '"quoted"', '')),
          size: mostly(fc.oneof(fc.nat(), hostileNumber)),
        },
        { requiredKeys: [] },
      ),
      16,
    ),
  },
  { requiredKeys: [] },
);
const eventName = mostly(
  fc.constantFrom('ObjectCreated:Put', 's3:ObjectCreated:Post', 'ObjectRemoved:Delete'),
  12,
);
const objectRecord = fc.oneof(
  { arbitrary: fc.record({ eventName, s3: objectBody }), weight: 4 },
  { arbitrary: fc.record({ eventName, obs: objectBody }), weight: 4 },
  { arbitrary: fc.record({ eventName, s3: json, obs: objectBody }, { requiredKeys: [] }), weight: 1 },
  { arbitrary: json, weight: 1 },
);

/** Events almost as OBS and EventGrid send them. */
export const objectEvent = fc.oneof(
  { arbitrary: fc.record({ Records: fc.array(objectRecord, { maxLength: 4 }) }), weight: 8 },
  {
    arbitrary: fc.record(
      { specversion: mostly(fc.constant('1.0'), 12), subject: hostileText, data: objectRecord },
      { requiredKeys: ['specversion'] },
    ),
    weight: 4,
  },
  { arbitrary: fc.record({ Records: json }), weight: 1 },
);

/** Events as timers send them, with anything in `user_event`. */
export const timerEvent = fc.record(
  {
    version: fc.constant('v2.0'),
    time: mostly(fc.constant('2023-06-01T08:30:00+08:00')),
    trigger_type: fc.constant('TIMER'),
    trigger_name: hostileText,
    user_event: fc.oneof(
      hostileText,
      json.map((value) => JSON.stringify(value)),
      fc
        .record(
          {
            dry_run: mostly(fc.boolean()),
            include_foreign_tasks: mostly(fc.boolean()),
            everybodys: mostly(fc.boolean()),
          },
          { requiredKeys: [] },
        )
        .map((value) => JSON.stringify(value)),
      fc.integer({ min: 1, max: 20_000 }).map((depth) => nested(depth)),
    ),
  },
  { requiredKeys: ['trigger_type'] },
);
