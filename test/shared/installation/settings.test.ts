import { readSettings } from '../../../shared/installation/settings';
import { functionContext, settingsWith, userData } from '../function-context';

describe('settings', () => {
  test('three keys are enough; everything else has a default', () => {
    expect(readSettings(functionContext())).toEqual({
      region: 'ap-southeast-3',
      uploadBuckets: ['videos'],
      uploadPrefix: '',
      uploadSuffixes: [
        '.mp4',
        '.mov',
        '.m4v',
        '.mkv',
        '.webm',
        '.flv',
        '.mpg',
        '.mpeg',
        '.mxf',
        '.ts',
        '.mts',
        '.m2ts',
        '.3gp',
        '.avi',
        '.wmv',
      ],
      snapshotBucket: 'snapshots',
      outputDirectory: 'snapshots/{key}',
      ownFolders: ['snapshots/'],
      captures: [
        {
          prefix: '',
          suffixes: expect.arrayContaining(['.mp4', '.wmv']),
          directory: 'snapshots/{key}',
          thumbnailPara: { type: 'TIME', time: 10, max_length: 480 },
        },
      ],
      mpcRequestsPerMinute: 80,
      mpcReadsPerMinute: 12,
      urlTtlSeconds: 3600,
      maxUnfinishedTasks: 200,
      queueLimitMinutes: 60,
      onRemoval: 'keep',
      publicUrl: undefined,
      mpcEndpoint: 'https://mpc.ap-southeast-3.myhuaweicloud.com',
      obsEndpoint: 'https://obs.ap-southeast-3.myhuaweicloud.com',
      logLevel: 'info',
    });
  });

  test('Beijing1 keeps the host name that MPC has there', () => {
    expect(settingsWith({ REGION: 'cn-north-1' }).mpcEndpoint).toBe(
      'https://mts.cn-north-1.myhuaweicloud.com',
    );
  });

  test.each([
    [{ PUBLIC_URL: 'cdn.example.com' }, 'PUBLIC_URL must be an ASCII address without query'],
    [{ PUBLIC_URL: 'https://cdn.example.com/?a=b' }, 'PUBLIC_URL must be an ASCII address without query'],
    [{ PUBLIC_URL: 'https://me:password@cdn.example.com' }, 'PUBLIC_URL must be an ASCII address without'],
    [{ PUBLIC_URL: 'https://cdn.example.com/映像' }, 'PUBLIC_URL must be an ASCII address'],
  ])('%o is refused', (changes, message) => {
    expect(() => settingsWith(changes)).toThrow(message);
  });

  test('one error names every wrong key', () => {
    const wrong = {
      REGION: 'ap-southeast-3',
      UPLOAD_BUCKETS: ' , ',
      UPLOAD_SUFFIXES: 'mp4',
      OUTPUT_DIRECTORY: '{key}',
      URL_TTL_SECONDS: '0',
      MAX_UNFINISHED_TASKS: '0',
      QUEUE_LIMIT_MINUTES: 'soon',
      MPC_ENDPOINT: 'https://mpc.example.com/v1',
      LOG_LEVEL: 'loud',
    };
    const error = () => readSettings(functionContext(wrong));
    for (const text of [
      'UPLOAD_BUCKETS must name at least one bucket',
      'UPLOAD_SUFFIXES must be endings with their dot',
      'SNAPSHOT_BUCKET is required',
      'OUTPUT_DIRECTORY must start with a fixed folder',
      'URL_TTL_SECONDS must be a whole number from 1 to 86400 s, got "0"',
      'MAX_UNFINISHED_TASKS must be a whole number from 1 to 100000 tasks, got "0"',
      'QUEUE_LIMIT_MINUTES must be a whole number from 1 to 10080 min, got "soon"',
      'MPC_ENDPOINT must be an origin without a path',
      'LOG_LEVEL must be one of debug, info, warn, error, got "loud"',
    ]) {
      expect(error).toThrow(text);
    }
  });

  test('what uploads capture is checked like a request', () => {
    expect(() => settingsWith({ CAPTURE: '{"type":"TIME","time":101}' })).toThrow(
      'CAPTURE time must be a whole number from 1 to 100 s, got 101',
    );
    expect(() => settingsWith({ CAPTURE: '{"type":"DOTS_MS","dots_ms":[1]}' })).toThrow(
      'must not be DOTS_MS',
    );
    expect(() => settingsWith({ CAPTURE: 'every 10 s' })).toThrow('CAPTURE');
    expect(settingsWith({ CAPTURE: '{"type":"DOTS","dots":[1,3,5]}' }).captures[0].thumbnailPara).toEqual({
      type: 'DOTS',
      dots: [1, 3, 5],
    });
  });

  test('an unknown region needs the endpoint of MPC', () => {
    expect(() => settingsWith({ REGION: 'eu-west-101' })).toThrow('for another region set MPC_ENDPOINT');
    expect(settingsWith({ REGION: 'eu-west-101', MPC_ENDPOINT: 'https://mpc.example.eu' }).mpcEndpoint).toBe(
      'https://mpc.example.eu',
    );
  });

  test('snapshots may not land where uploads are captured', () => {
    const same = { SNAPSHOT_BUCKET: 'videos', UPLOAD_PREFIX: 'snapshots/' };
    expect(() => settingsWith(same)).toThrow('OUTPUT_DIRECTORY must start outside UPLOAD_PREFIX');
    expect(settingsWith({ ...same, UPLOAD_PREFIX: 'uploads/' }).snapshotBucket).toBe('videos');
  });

  test('the environment is used where the platform passes user data that way', () => {
    process.env.SNAPSHOT_BUCKET = 'from-environment';
    try {
      const { SNAPSHOT_BUCKET: _, ...rest } = userData;
      expect(readSettings(functionContext(rest)).snapshotBucket).toBe('from-environment');
      expect(readSettings(functionContext()).snapshotBucket).toBe('snapshots');
    } finally {
      delete process.env.SNAPSHOT_BUCKET;
    }
  });
});
