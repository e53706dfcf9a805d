import fc from 'fast-check';
import { type ApiError, toApiError } from '../../../shared/api/errors';
import { parseCreateRequest } from '../../../shared/tasks/create-request';
import { InvalidRequest } from '../../../shared/validation';
import { settingsWith } from '../function-context';

const settings = settingsWith();
const input = { bucket: 'videos', location: 'ap-southeast-3', object: 'uploads/a.mp4' };
const output = { bucket: 'snapshots', location: 'ap-southeast-3', object: 'by-hand/a' };
const time = { type: 'TIME', time: 10 };

function refusal(body: unknown): ApiError {
  try {
    parseCreateRequest(body, settings);
  } catch (error) {
    if (error instanceof InvalidRequest) return toApiError(error);
    throw error;
  }
  throw new Error(`accepted: ${JSON.stringify(body)}`);
}

describe('the body of POST /snapshots', () => {
  test('MPC’s own complete body passes unchanged', () => {
    const body = {
      input,
      output,
      thumbnail_para: {
        type: 'TIME',
        time: 12,
        start_time: 3,
        duration: 60,
        format: 1,
        width: 1280,
        height: 720,
        output_filename: 'cover',
      },
      user_data: 'mine',
      tar: 1,
      sync: 0,
      original_dir: 1,
    };
    expect(parseCreateRequest(body, settings)).toEqual(body);
  });

  test('the vendor’s sample passes with all its fields unchanged', () => {
    const body = {
      input,
      output,
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
    expect(parseCreateRequest(body, settings)).toEqual(body);
  });

  test('location, output and thumbnail_para may be left out', () => {
    expect(parseCreateRequest({ input: { bucket: 'videos', object: 'uploads/a.mp4' } }, settings)).toEqual({
      input,
      output: { bucket: 'snapshots', location: 'ap-southeast-3', object: 'snapshots/uploads/a.mp4' },
      thumbnail_para: { type: 'TIME', time: 10, max_length: 480 },
    });
  });

  test('a synchronous task captures the first frame by default', () => {
    expect(parseCreateRequest({ input, sync: 1 }, settings).thumbnail_para).toEqual({
      type: 'DOTS',
      dots: [0],
    });
  });

  test('fields of another type may be there, as in MPC’s best practice', () => {
    const para = { type: 'DOTS', time: 10, start_time: 1, duration: 1, dots: [50], output_filename: 'photo' };
    expect(parseCreateRequest({ input, output, thumbnail_para: para }, settings).thumbnail_para).toEqual(
      para,
    );
  });

  test.each([
    [
      'time of 0 s',
      { thumbnail_para: { type: 'TIME', time: 0 } },
      'thumbnail_para.time must be a whole number from 1 to 100 s, got 0',
    ],
    [
      'time of 101 s',
      { thumbnail_para: { type: 'TIME', time: 101 } },
      'thumbnail_para.time must be a whole number from 1 to 100 s, got 101',
    ],
    [
      'a fraction',
      { thumbnail_para: { type: 'TIME', time: 1.5 } },
      'thumbnail_para.time must be a whole number',
    ],
    [
      'a number as text',
      { thumbnail_para: { type: 'TIME', time: '10' } },
      'thumbnail_para.time must be a whole number from 1 to 100 s, got "10"',
    ],
    [
      '11 dots',
      { thumbnail_para: { type: 'DOTS', dots: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10] } },
      'thumbnail_para.dots must hold 1 to 10 times (s) when type is DOTS, got 11',
    ],
    ['no dots', { thumbnail_para: { type: 'DOTS' } }, 'thumbnail_para.dots must hold 1 to 10 times (s)'],
    [
      '2 dots with sync',
      { sync: 1, thumbnail_para: { type: 'DOTS', dots: [1, 2] } },
      'thumbnail_para.dots must hold exactly 1 time (s) when sync is 1, got 2',
    ],
    [
      'a negative dot',
      { thumbnail_para: { type: 'DOTS', dots: [-1] } },
      'thumbnail_para.dots must be a list of whole numbers from 0 to 2147483647 s, got [-1]',
    ],
    [
      'TIME with sync',
      { sync: 1, thumbnail_para: time },
      'thumbnail_para.type must be DOTS or DOTS_MS when sync is 1',
    ],
    [
      'DOTS_MS without sync',
      { thumbnail_para: { type: 'DOTS_MS', dots_ms: [1] } },
      'thumbnail_para.type must not be DOTS_MS unless sync is 1',
    ],
    [
      '2 dots_ms',
      { sync: 1, thumbnail_para: { type: 'DOTS_MS', dots_ms: [1, 2] } },
      'thumbnail_para.dots_ms must hold exactly 1 time (ms), got 2',
    ],
    [
      'an unknown type',
      { thumbnail_para: { type: 'PERCENT' } },
      'thumbnail_para.type must be one of TIME, DOTS, DOTS_MS, got "PERCENT"',
    ],
    [
      'width of 3841 px',
      { thumbnail_para: { ...time, width: 3841 } },
      'thumbnail_para.width must be 0 (follow the aspect ratio) or a whole number from 96 to 3840 px, got 3841',
    ],
    ['height of 2161 px', { thumbnail_para: { ...time, height: 2161 } }, 'from 96 to 2160 px, got 2161'],
    ['width of 95 px', { thumbnail_para: { ...time, width: 95 } }, 'from 96 to 3840 px, got 95'],
    [
      'max_length of 239 px',
      { thumbnail_para: { ...time, max_length: 239 } },
      'thumbnail_para.max_length must be a whole number from 240 to 3840 px, got 239',
    ],
    ['max_length of 3841 px', { thumbnail_para: { ...time, max_length: 3841 } }, 'got 3841'],
    [
      'a format other than JPG',
      { thumbnail_para: { ...time, format: 2 } },
      'thumbnail_para.format must be 1, got 2',
    ],
    [
      'a file name with a folder',
      { thumbnail_para: { ...time, output_filename: 'a/b' } },
      'thumbnail_para.output_filename must be 1 to 256 characters without slashes',
    ],
    [
      'amount of 101 %',
      { thumbnail_para: { ...time, amount: 101 } },
      'thumbnail_para.amount must be a whole number from 1 to 100 %, got 101',
    ],
    [
      'threshold of 256',
      { thumbnail_para: { ...time, threshold: 256 } },
      'thumbnail_para.threshold must be a whole number from 0 to 255, got 256',
    ],
    ['tar of 2', { tar: 2 }, 'tar must be one of 0, 1, got 2'],
    ['sync as boolean', { sync: true }, 'sync must be one of 0, 1, got true'],
    [
      '65,536 characters of user_data',
      { user_data: 'x'.repeat(65_536) },
      'user_data must be a string of at most 65535 characters, got 65536 characters (65536 bytes)',
    ],
    ['a misspelt field', { orignal_dir: 1 }, 'orignal_dir is not a known field'],
    [
      'a misspelt inner field',
      { thumbnail_para: { ...time, max_lenght: 480 } },
      'thumbnail_para.max_lenght is not a known field',
    ],
    ['no input', { input: undefined }, 'input is required'],
    ['no object', { input: { bucket: 'videos' } }, 'input.object is required'],
    [
      'a directory as input',
      { input: { ...input, object: 'uploads/' } },
      'input.object must be the key of a video',
    ],
    [
      'a key of 1,025 bytes',
      { input: { ...input, object: 'é'.repeat(513) } },
      'input.object must be 1 to 1024 bytes of well-formed UTF-8 without control characters, got 513 characters (1026 bytes)',
    ],
    [
      'a control character',
      { input: { ...input, object: 'a\u0000.mp4' } },
      'input.object must be 1 to 1024 bytes of well-formed UTF-8 without control characters, got "a\\u0000.mp4"',
    ],
    [
      'a bad bucket name',
      { input: { ...input, bucket: 'My_Bucket' } },
      'input.bucket must be a bucket name: 3 to 63',
    ],
    [
      'a bucket off the list',
      { input: { ...input, bucket: 'somebody-elses' } },
      'input.bucket must be one of the allowed buckets videos, got "somebody-elses"',
    ],
    [
      'an output bucket off the list',
      { output: { ...output, bucket: 'somebody-elses' } },
      'output.bucket must be one of the allowed buckets snapshots, videos',
    ],
    [
      'another region',
      { input: { ...input, location: 'cn-north-4' } },
      'input.location must be the region of this service, ap-southeast-3, got "cn-north-4"',
    ],
    [
      'an output among the uploads',
      { output: { ...output, bucket: 'videos', object: 'thumbs' } },
      'output.object must lie outside the place where uploads are captured',
    ],
  ])('%s is refused, and the answer says what to change', (_, change, message) => {
    const error = refusal({ input, output, thumbnail_para: time, ...change });
    expect(error).toMatchObject({ status: 400, code: 'MPC.10202' });
    expect(error.message).toContain(message);
    expect(error.extra.details?.length).toBeGreaterThan(0);
  });

  test.each([
    ['null', null],
    ['a text', 'x'],
    ['a list', [input]],
    ['a number', 5],
  ])('%s is refused as a body', (_, body) => {
    expect(refusal(body).status).toBe(400);
  });

  test('limits themselves are allowed', () => {
    for (const change of [
      { thumbnail_para: { type: 'TIME', time: 1 } },
      { thumbnail_para: { type: 'TIME', time: 100 } },
      { thumbnail_para: { type: 'DOTS', dots: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9] } },
      { thumbnail_para: { ...time, width: 3840, height: 2160 } },
      { thumbnail_para: { ...time, width: 0, height: 96 } },
      { thumbnail_para: { ...time, max_length: 240 } },
      { thumbnail_para: { ...time, max_length: 3840 } },
      { user_data: 'x'.repeat(65_535) },
      { input: { ...input, object: 'é'.repeat(512) } },
    ]) {
      expect(() => parseCreateRequest({ input, output, ...change }, settings)).not.toThrow();
    }
  });

  test('every wrong field is listed with its path', () => {
    const error = refusal({
      input: { ...input, bucket: 'X' },
      thumbnail_para: { type: 'TIME', time: 0, max_length: 1 },
    });
    expect(error.extra.details?.map(({ path }) => path)).toEqual([
      'input.bucket',
      'thumbnail_para.time',
      'thumbnail_para.max_length',
    ]);
  });

  test('a value of any size is never echoed whole', () => {
    expect(refusal({ input: { ...input, bucket: 'x'.repeat(100_000) } }).message.length).toBeLessThan(500);
  });

  test('whatever comes, the answer is a task or a refusal with MPC.10202', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.jsonValue(), fc.record({ input: fc.jsonValue(), thumbnail_para: fc.jsonValue() })),
        (body) => {
          try {
            const parsed = parseCreateRequest(body, settings);
            expect(parsed.input.bucket).toBe('videos');
          } catch (error) {
            expect(error).toBeInstanceOf(InvalidRequest);
            expect(toApiError(error)).toMatchObject({ status: 400, code: 'MPC.10202' });
          }
        },
      ),
      { numRuns: 2_000 },
    );
  });
});

describe('an output directory', () => {
  const SETTINGS = settingsWith({ UPLOAD_PREFIX: 'uploads/', UPLOAD_BUCKETS: 'videos,snapshots' });
  const accepts = (bucket: string, object: string): boolean => {
    try {
      parseCreateRequest({ input, output: { ...output, bucket, object } }, SETTINGS);
      return true;
    } catch (error) {
      if (error instanceof InvalidRequest) return false;
      throw error;
    }
  };
  /** Where a reader may end up who strips and joins slashes and follows dots, in any number of steps. */
  const resolved = (object: string): string => {
    const parts: string[] = [];
    for (const part of object.split('/')) {
      if (part === '..') parts.pop();
      else if (part !== '' && part !== '.') parts.push(part);
    }
    return parts.join('/');
  };
  const segment = fc.constantFrom(
    '',
    '.',
    '..',
    '.mpc-snapshots',
    'claims',
    'snapshots',
    'victim.mp4',
    'uploads',
    'a.mp4',
    'by-hand',
    '...',
    ' ',
  );

  test('no spelling of a directory leads to a forbidden place', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('videos', 'snapshots'),
        fc.array(segment, { minLength: 1, maxLength: 6 }).map((parts) => parts.join('/')),
        (bucket, object) => {
          if (object === '' || !accepts(bucket, object)) return;
          const place = `${resolved(object)}/`;
          expect(place).toBe(`${object.replace(/\/$/, '')}/`);
          expect(place).not.toMatch(/^uploads\//);
          if (bucket !== 'snapshots') return;
          expect(place).not.toMatch(/^\.mpc-snapshots\//);
          if (place.startsWith('snapshots/')) expect(place).toBe('snapshots/uploads/a.mp4/');
        },
      ),
      { numRuns: 3000 },
    );
  });

  test.each(['by-hand', 'by-hand/', 'by-hand/a', '.hidden', '...', 'snapshots/uploads/a.mp4', 'snapshots-b'])(
    '%s is accepted',
    (object) => {
      expect(accepts('snapshots', object)).toBe(true);
    },
  );

  test.each([
    ['/by-hand', /^output\.object must be a directory without a slash at the start/],
    [
      'snapshots/victim.mp4',
      /^output\.object must be the directory of its own video, "snapshots\/uploads\/a\.mp4"/,
    ],
    ['.mpc-snapshots/claims', /^output\.object must lie outside \.mpc-snapshots\//],
  ])('%s is refused with a clear message', (object, words) => {
    const { extra } = refusal({ input, output: { ...output, object } });
    expect(`${extra.details?.[0]?.path} ${extra.details?.[0]?.message}`).toMatch(words);
  });
});
