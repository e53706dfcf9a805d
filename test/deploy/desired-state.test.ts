import { desiredState } from '../../deploy/desired-state';
import { leastPolicies } from '../../deploy/doctor/rights';
import { checkSettings, refuseSettings } from '../../deploy/doctor/settings';
import { DeployError } from '../../deploy/errors';
import { desiredOf, type ServiceObject, serviceOf } from './cloud-to-deploy-to';

/** The lines of the refusal of a changed service. */
async function linesOf(change: (service: ServiceObject) => void, stage = 'prod'): Promise<readonly string[]> {
  const service = await serviceOf(stage);
  change(service);
  try {
    desiredState(service);
  } catch (error) {
    if (error instanceof DeployError) return error.lines;
    throw error;
  }
  return [];
}

const TOPIC = { smn: { topic_urn: 'urn:smn:ap-southeast-3:p:t' } };

describe('a wrong value is refused with its place, the allowed values and the given value', () => {
  test.each<[string, (service: ServiceObject) => void]>([
    [
      'provider.region must be a region, such as ap-southeast-3, got "Singapore"',
      (s) => {
        s.provider.region = 'Singapore';
      },
    ],
    [
      'provider.runtime must be Node.js20.15, got "Node.js22.1"',
      (s) => {
        s.provider.runtime = 'Node.js22.1';
      },
    ],
    [
      'provider.agency must be the name of an IAM agency that trusts FunctionGraph, it is missing',
      (s) => {
        delete s.provider.agency;
      },
    ],
    [
      'provider has no property "memory"; there are name, stage, region,',
      (s) => {
        s.provider.memory = 128;
      },
    ],
    [
      'provider.apigw.auth must be IAM or APP or NONE, got "none"',
      (s) => {
        s.provider.apigw.auth = 'none';
      },
    ],
    [
      'provider.environment.RUNTIME_X is not a valid name of user data: a letter, then letters, digits and _, not beginning with RUNTIME_',
      (s) => {
        s.provider.environment.RUNTIME_X = '1';
      },
    ],
    [
      'provider.environment.LIST must be a string, a number or a boolean, got [1]',
      (s) => {
        s.provider.environment.LIST = [1];
      },
    ],
    [
      'functions.create.memorySize must be one of 128, 256, 512, 768, 1024,',
      (s) => {
        s.functions.create.memorySize = 200;
      },
    ],
    [
      'functions.create.timeout must be a whole number from 3 to 900 (s), got "soon"',
      (s) => {
        s.functions.create.timeout = 'soon';
      },
    ],
    [
      'functions.create.timeout must be a whole number from 3 to 900 (s), got 901',
      (s) => {
        s.functions.create.timeout = 901;
      },
    ],
    [
      'functions.create.handler must be one of functions/create.handler, functions/cancel.handler,',
      (s) => {
        s.functions.create.handler = 'functions/other.handler';
      },
    ],
    [
      'functions.create.handler must be functions/<file>.handler, got "index.handler"',
      (s) => {
        s.functions.create.handler = 'index.handler';
      },
    ],
    [
      'functions.create.concurrency must be a whole number from -1 to 1000',
      (s) => {
        s.functions.create.concurrency = 1001;
      },
    ],
    [
      'functions.create has no property "memory"; there are handler,',
      (s) => {
        s.functions.create.memory = 128;
      },
    ],
    [
      'functions.create.events[0].apigw.req_method must be GET or POST or PUT',
      (s) => {
        s.functions.create.events[0].apigw.req_method = 'post';
      },
    ],
    [
      'functions.create.events[0].apigw.path must be a path that starts with /',
      (s) => {
        s.functions.create.events[0].apigw.path = 'snapshots';
      },
    ],
    [
      'functions.create.events[0].apigw.path must be a path that starts with /, such as /snapshots, without {parameters}',
      (s) => {
        s.functions.create.events[0].apigw.path = '/snapshots/{task_id}';
      },
    ],
    [
      'provider.logs lacks groupName, streamId: LTS_GROUP_ID, LTS_GROUP_NAME, LTS_STREAM_ID and LTS_STREAM_NAME belong together',
      (s) => {
        s.provider.logs = { groupId: 'g', streamName: 's', streamId: '' };
      },
    ],
    [
      'functions.create.events[0].apigw has no property "method"',
      (s) => {
        s.functions.create.events[0].apigw.method = 'POST';
      },
    ],
    [
      'functions.create.events[0].apigw.timeout must be a whole number from 1 to 60000 (ms), got 60001',
      (s) => {
        s.functions.create.events[0].apigw.timeout = 60_001;
      },
    ],
    [
      'functions.create.events[0] must be exactly one of apigw, obs, eventgrid, smn, timer',
      (s) => {
        s.functions.create.events[0].timer = { name: 't', rate: '1m' };
      },
    ],
    [
      'functions.cancel.events[1].timer.rate must be a rate: 1m to 60m, 1h to 24h or 1d to 30d, got "61m"',
      (s) => {
        s.functions.cancel.events[1].timer.rate = '61m';
      },
    ],
    [
      'functions.on-finish.events[0].smn.topic_urn must be the URN of a topic, such as urn:smn:ap-southeast-3:<project id>:<name>, got "my-topic"',
      (s) => {
        s.functions['on-finish'].events[0].smn.topic_urn = 'my-topic';
      },
    ],
    [
      'functions.cancel.events[1].timer must have either rate or cron',
      (s) => {
        s.functions.cancel.events[1].timer.cron = '0 0 3 * * *';
      },
    ],
    [
      'functions.cancel.events[1].timer.cron must be six fields',
      (s) => {
        s.functions.cancel.events[1].timer = { name: 't', cron: '0 3 * *' };
      },
    ],
    [
      'functions.on-upload.events[0].obs.events[0] must be s3:ObjectCreated:* or',
      (s) => {
        s.functions['on-upload'].events[0].obs.events = ['ObjectCreated'];
      },
    ],
    [
      'functions.on-upload.events[0].obs.bucket must be 3 to 63 lower-case letters, digits, periods and hyphens, got "My_Bucket"',
      (s) => {
        s.functions['on-upload'].events[0].obs.bucket = 'My_Bucket';
      },
    ],
    [
      'functions.on-upload names a bucket that is empty: set UPLOAD_BUCKET and SNAPSHOT_BUCKET in the environment or in .env.<stage>',
      (s) => {
        s.functions['on-upload'].events[0].obs.bucket = '';
      },
    ],
    [
      'functions.on-upload.events[0].eventgrid.channel_id must be the id of the event channel of OBS (EventGrid console, official channels), it is missing',
      (s) => {
        s.functions['on-upload'].events[0] = { eventgrid: { bucket: 'videos' } };
      },
    ],
    [
      'functions.on-upload.asynchronous.retries must be a whole number from 0 to 3 (retries), got 4',
      (s) => {
        s.functions['on-upload'].asynchronous.retries = 4;
      },
    ],
    [
      'functions.on-upload.asynchronous.maxEventAge must be a whole number from 60 to 86400 (s), it is missing',
      (s) => {
        delete s.functions['on-upload'].asynchronous.maxEventAge;
      },
    ],
    [
      'provider.apigw.group_id is empty: set APIG_GROUP_ID, the id of an API group,',
      (s) => {
        s.provider.apigw.group_id = '';
      },
    ],
    [
      'functions.create would be called "a-prefix-that-is-far-too-long-for-any-function-in-this-cloud-create"',
      (s) => {
        s.provider.functionPrefix = 'a-prefix-that-is-far-too-long-for-any-function-in-this-cloud-';
      },
    ],
    [
      'create and cancel have the same name "one"',
      (s) => {
        s.functions.create.name = 'one';
        s.functions.cancel.name = 'one';
      },
    ],
    [
      'functions.create: REGION is in environment and in secrets; keep only one of them',
      (s) => {
        s.functions.create.secrets = { REGION: 'x' };
      },
    ],
    [
      'functions.create.environment has 42',
      (s) => {
        s.functions.create.environment = { LONG: 'x'.repeat(4096) };
      },
    ],
    [
      'provider.memorySize must be a number (MB), got "much"',
      (s) => {
        s.provider.memorySize = 'much';
      },
    ],
    [
      'provider.agency must be the name of an IAM agency, 1 to 64 letters, digits, _ and -, got "a b"',
      (s) => {
        s.provider.agency = 'a b';
      },
    ],
    [
      'functions.on-upload.events[0].obs.bucket must have no period next to a period or hyphen, and be no IP address, got "192.168.1.1"',
      (s) => {
        s.functions['on-upload'].events[0].obs.bucket = '192.168.1.1';
      },
    ],
    [
      'functions.on-upload.events[0].obs.bucket must have no period next to a period or hyphen, and be no IP address, got "my-.videos"',
      (s) => {
        s.functions['on-upload'].events[0].obs.bucket = 'my-.videos';
      },
    ],
    [
      'functions.create.events[0].apigw.path must be 1 to 512 characters without query and fragment, got "/snapshots?x=1"',
      (s) => {
        s.functions.create.events[0].apigw.path = '/snapshots?x=1';
      },
    ],
    [
      'functions.cancel.events[1].timer.cron must be six fields (s 0-59,',
      (s) => {
        s.functions.cancel.events[1].timer = { name: 't', cron: '99 0 3 * * *' };
      },
    ],
    [
      'functions.cancel.events[1].timer.cron must be six fields (s 0-59, min 0-59, h 0-23, day 1-31, month 1-12, weekday 0-6 or left out)',
      (s) => {
        s.functions.cancel.events[1].timer = { name: 't', cron: '0 0 3 * 13 *' };
      },
    ],
    [
      'functions.query.events[1] repeats POST /snapshots; an API group allows it only once (functions.create.events[0])',
      (s) => {
        s.functions.query.events.push({ apigw: { path: '/snapshots', req_method: 'POST' } });
      },
    ],
    [
      'functions.cancel.events[2] repeats timer clean-up; a function allows a name only once (functions.cancel.events[1])',
      (s) => {
        s.functions.cancel.events.push({ timer: { name: 'clean-up', rate: '1h' } });
      },
    ],
    [
      'functions.on-finish.events[0] listens to objects of prod-videos that another event listens to; OBS sends each notification once: give them prefixes or suffixes that do not overlap (functions.on-upload.events[0])',
      (s) => {
        s.functions['on-finish'].events = [{ obs: { bucket: 'prod-videos', prefix: 'a/' } }];
      },
    ],
    [
      'functions.on-finish.events[1] repeats topic urn:smn:ap-southeast-3:p:t; a function allows it only once (functions.on-finish.events[0])',
      (s) => {
        s.functions['on-finish'].events = [TOPIC, TOPIC];
      },
    ],
    [
      'functions.on-finish.events[0].smn.topic_urn is a topic in cn-north-4, the functions are in ap-southeast-3: both must be in one region',
      (s) => {
        s.functions['on-finish'].events[0].smn.topic_urn = 'urn:smn:cn-north-4:p:t';
      },
    ],
    [
      'functions.create.events[0].apigw.throttle must not let one caller call more often than all together: caller must be at most api (calls a minute), got {"api":5,"caller":6}',
      (s) => {
        s.functions.create.events[0].apigw.throttle = { api: 5, caller: 6 };
      },
    ],
    [
      'provider.apigw.allowAccounts names accounts for auth IAM, and no API has it',
      (s) => {
        s.provider.apigw.allowAccounts = ['0123456789abcdef0123456789abcdef'];
      },
    ],
    [
      'provider.apigw has allowAccounts, and openToAllUsers: true, which allows everybody else too: keep one of them',
      (s) => {
        Object.assign(s.provider.apigw, {
          auth: 'IAM',
          openToAllUsers: true,
          allowAccounts: ['0123456789abcdef0123456789abcdef'],
        });
      },
    ],
    [
      'functions.create.description has 600 characters; at most 480 are allowed',
      (s) => {
        s.functions.create.description = 'x'.repeat(600);
      },
    ],
    [
      'functions must be functions with their names, it is missing',
      (s) => {
        delete s.functions;
      },
    ],
    [
      'functions must name at least one function',
      (s) => {
        s.functions = {};
      },
    ],
    [
      'functions.create.events has 11 events; a function has at most 10 triggers',
      (s) => {
        s.functions.create.events = Array.from({ length: 11 }, (_, n) => ({
          timer: { name: `t${n}`, rate: '1m' },
        }));
      },
    ],
  ])('%s', async (message, change) => {
    const lines = await linesOf(change);
    expect(lines).toContainEqual(expect.stringContaining(`serverless.yml: ${message}`));
  });

  test('all wrong values are reported at once', async () => {
    const lines = await linesOf((service) => {
      service.provider.region = '';
      service.functions.query.timeout = 1;
      service.functions['on-upload'].events[1].timer.rate = '0m';
    });
    expect(lines.map((line) => line.split(' ')[1])).toEqual([
      'provider.region',
      'functions.query.timeout',
      'functions.on-upload.events[1].timer.rate',
    ]);
  });
});

describe('an API that anybody may call', () => {
  test('is refused in every stage but the local one', async () => {
    const open = (service: ServiceObject) => {
      service.provider.apigw.auth = 'NONE';
    };
    expect(await linesOf(open)).toContain(
      'serverless.yml: functions.create.events[0].apigw: auth NONE would let anybody call POST /snapshots; use IAM or APP outside stage local',
    );
    expect(await linesOf(open, 'local')).toEqual([]);
  });

  test('is refused for a single path too', async () => {
    const lines = await linesOf((service) => {
      service.functions.query.events[0].apigw.auth = 'NONE';
    });
    expect(lines).toHaveLength(1);
  });
});

describe('CAPTURES in serverless.yml', () => {
  const list = [
    { name: 'track', thumbnail_para: { type: 'TIME', time: 10 } },
    { name: 'cover', thumbnail_para: { type: 'DOTS', dots: [3] }, directory: 'films/covers/{key}' },
  ];

  test('are a list, which the functions get as JSON', async () => {
    const { functions } = await desiredOf('prod', (service) => {
      Object.assign(service.provider.environment, { CAPTURE: '', CAPTURES: list });
    });
    for (const { userData } of functions) {
      expect(userData).not.toHaveProperty('CAPTURE');
      expect(JSON.parse(userData.CAPTURES ?? '')).toEqual(list);
    }
  });

  test('may not exceed the size of user data', async () => {
    const lines = await linesOf((service) => {
      service.provider.environment.CAPTURES = Array.from({ length: 60 }, () => list[1]);
    });
    expect(lines[0]).toMatch(/environment has \d+ characters as JSON; FunctionGraph allows at most 4096$/);
  });

  test('may not write where uploads cause events', async () => {
    const lines = await linesOf((service) => {
      service.provider.environment.CAPTURES = list;
      service.functions['on-upload'].events[0] = { obs: { bucket: 'prod-snapshots', prefix: 'films/' } };
    });
    expect(lines).toContainEqual(
      expect.stringContaining(
        'listens to prod-snapshots/films/*, and on-upload writes to prod-snapshots/films/covers/*.jpg: it would start itself',
      ),
    );
  });
});

describe('a function that would start itself', () => {
  test.each([
    ['the same bucket', { bucket: 'prod-snapshots' }],
    ['a prefix above the output', { bucket: 'prod-snapshots', prefix: 'snap' }],
    ['a prefix below the output', { bucket: 'prod-snapshots', prefix: 'snapshots/uploads/' }],
    ['a suffix of the output', { bucket: 'prod-snapshots', prefix: 'snapshots/', suffix: 'g' }],
    ['tracks beside the pictures', { bucket: 'prod-snapshots', prefix: 'snapshots/', suffix: '.vtt' }],
    ['indexes beside the pictures', { bucket: 'prod-snapshots', prefix: 'snapshots/', suffix: '.json' }],
  ])('is refused: %s', async (_, obs) => {
    const lines = await linesOf((service) => {
      service.functions['on-upload'].events[0] = { obs };
    });
    expect(lines).toContainEqual(expect.stringMatching(/on-\w+ writes to .*: it would start itself/));
  });

  test.each([
    ['another bucket', { bucket: 'prod-videos' }],
    ['another prefix', { bucket: 'prod-snapshots', prefix: 'uploads/' }],
  ])('is not refused: %s', async (_, obs) => {
    expect(
      await linesOf((service) => {
        service.functions['on-upload'].events[0] = { obs };
      }),
    ).toEqual([]);
  });

  test('is refused with an EventGrid event too', async () => {
    const lines = await linesOf((service) => {
      service.functions['on-upload'].events[0] = { eventgrid: { bucket: 'prod-snapshots', channel_id: 'c' } };
    });
    expect(lines.length).toBeGreaterThan(0);
  });
});

test('a function that writes pictures where its own event listens is refused, wherever OUTPUT_DIRECTORY is set', async () => {
  const lines = await linesOf((service) => {
    service.provider.environment.OUTPUT_DIRECTORY = 'uploads/thumbs/{key}';
    service.functions['on-upload'].events[0] = { obs: { bucket: 'prod-snapshots', prefix: 'uploads/' } };
  });
  expect(lines).toContainEqual(
    expect.stringContaining(
      'listens to prod-snapshots/uploads/*, and on-upload writes to prod-snapshots/uploads/thumbs/*.jpg: it would start itself',
    ),
  );
});

test('usual combinations of events are accepted, and OBS triggers of one bucket have different names', async () => {
  const { functions } = await desiredOf('prod', (service) => {
    const [first] = service.functions['on-upload'].events;
    service.functions['on-upload'].events = [
      { obs: { ...first.obs, prefix: 'a/' } },
      { obs: { ...first.obs, prefix: 'b/' } },
      { obs: { bucket: 'more-videos' } },
    ];
    service.functions.cancel.events = [
      { timer: { name: 'one', cron: '0 30 12 ? * MON-FRI' } },
      { timer: { name: 'two', cron: 'CRON_TZ=Asia/Shanghai 0 0/15 0,12 1-15 JAN *' } },
      { timer: { name: 'three', cron: '@every 1h30m' } },
      { timer: { name: 'four', cron: '0 0 3 * *' } },
    ];
  });
  const names = functions.flatMap(({ triggers }) =>
    triggers.filter(({ type }) => type === 'OBS').map(({ eventData }) => eventData.name),
  );
  expect(new Set(names).size).toBe(3);
  expect(names[0]).toBe('mpc-snapshots-prod-on-upload-prod-videos');
});

test('lists of buckets, endings and files may be written as lists', async () => {
  const { functions } = await desiredOf('prod', (service) => {
    Object.assign(service.provider.environment, {
      UPLOAD_BUCKETS: ['prod-videos', 'more-videos'],
      UPLOAD_SUFFIXES: ['.mp4', '.mov'],
    });
  });
  expect(functions[0]?.userData).toMatchObject({
    UPLOAD_BUCKETS: 'prod-videos,more-videos',
    UPLOAD_SUFFIXES: '.mp4,.mov',
  });
});

test('a policy names at most ten resources in a statement, the limit of IAM', async () => {
  const { globalPolicy } = leastPolicies(
    await desiredOf('prod', (service) => {
      const captures = Array.from({ length: 8 }, (_, n) => ({
        name: `c${n}`,
        thumbnail_para: { type: 'TIME', time: 10 },
        directory: `pictures-${n}/{key}`,
      }));
      Object.assign(service.provider.environment, {
        CAPTURE: '',
        CAPTURES: captures,
        ON_REMOVAL: 'delete',
      });
    }),
  );
  const counts = globalPolicy.Statement.map(({ Resource }) => Resource.length);
  expect(Math.max(...counts)).toBe(10);
  expect(globalPolicy.Statement.length).toBeLessThanOrEqual(8);
  expect(JSON.stringify(globalPolicy)).toContain('pictures-7/*');
});

describe('settings that the functions would refuse are refused before anything is sent', () => {
  const refusalOf = async (change: (service: ServiceObject) => void) => {
    const desired = await desiredOf('prod', change);
    expect(() => refuseSettings(desired)).toThrow(DeployError);
    return checkSettings(desired).map(({ text }) => text);
  };

  test.each<[string, (service: ServiceObject) => void]>([
    [
      'CAPTUR is not a setting; did you mean CAPTURE?',
      (s) => {
        s.provider.environment.CAPTUR = '{}';
      },
    ],
    [
      'Output_Directory is not a setting; did you mean OUTPUT_DIRECTORY?',
      (s) => {
        s.provider.environment.Output_Directory = 'x/{key}';
      },
    ],
    [
      'CAPTURE must be a map, or JSON in a text, got "{type:TIME}"',
      (s) => {
        s.provider.environment.CAPTURE = '{type:TIME}';
      },
    ],
    [
      'OUTPUT_DIRECTORY must lie outside .mpc-snapshots/',
      (s) => {
        s.provider.environment.OUTPUT_DIRECTORY = '.mpc-snapshots/pictures/{key}';
      },
    ],
    [
      'UPLOAD_BUCKETS must name third-bucket too, for nothing of the OBS event of third-bucket/* would be captured, got "prod-videos"',
      (s) => {
        s.functions['on-upload'].events.push({ obs: { bucket: 'third-bucket' } });
      },
    ],
    [
      'UPLOAD_PREFIX must fit the event, for nothing of the OBS event of prod-videos/out/* would be captured, got "in/"',
      (s) => {
        s.provider.environment.UPLOAD_PREFIX = 'in/';
        s.functions['on-upload'].events[0].obs.prefix = 'out/';
      },
    ],
    [
      'UPLOAD_SUFFIXES must fit the event, for nothing of the OBS event of prod-videos/*.jpg would be captured, got ".mp4,',
      (s) => {
        s.functions['on-upload'].events[0].obs.suffix = '.jpg';
      },
    ],
  ])('%s', async (message, change) => {
    expect(await refusalOf(change)).toContainEqual(expect.stringContaining(message));
  });

  test('a name unlike any setting is kept and reported', async () => {
    const desired = await desiredOf('prod', (service) => {
      service.provider.environment.OUR_OWN_THING = 'x';
    });
    expect(() => refuseSettings(desired)).not.toThrow();
    expect(checkSettings(desired)).toContainEqual(
      expect.objectContaining({ state: 'note', text: 'OUR_OWN_THING: no function reads it' }),
    );
  });
});

describe('with ON_REMOVAL', () => {
  const removing = (service: ServiceObject) => {
    service.provider.environment.ON_REMOVAL = 'delete';
    service.functions['on-upload'].events.push({ eventgrid: { bucket: 'prod-videos', channel_id: 'c' } });
  };
  const eventsOf = async (change?: (service: ServiceObject) => void) => {
    const { functions } = await desiredOf('prod', change);
    return functions
      .flatMap(({ triggers }) =>
        triggers.flatMap(({ eventData: { events, event_types } }) => [events ?? event_types ?? []]),
      )
      .flat();
  };

  test('on-upload gets removal events through its own trigger, and without the setting none', async () => {
    expect(await eventsOf()).toEqual(['s3:ObjectCreated:*']);
    expect(await eventsOf(removing)).toEqual([
      's3:ObjectCreated:*',
      's3:ObjectRemoved:*',
      'OBS:DWR:ObjectCreated:PUT',
      'OBS:DWR:ObjectCreated:POST',
      'OBS:DWR:ObjectCreated:COPY',
      'OBS:DWR:ObjectCreated:CompleteMultipartUpload',
      'OBS:DWR:ObjectRemoved:Delete',
      'OBS:DWR:ObjectRemoved:DeleteMarkerCreated',
    ]);
  });

  test('the agency may delete pictures and records of videos, and without the setting neither', async () => {
    const deleted = async (change?: (service: ServiceObject) => void) =>
      leastPolicies(await desiredOf('prod', change))
        .globalPolicy.Statement.filter(({ Action }) => Action.includes('obs:object:DeleteObject'))
        .flatMap(({ Resource }) => Resource.map((one) => one.replace('OBS:*:*:object:prod-snapshots/', '')));
    const always = ['notices', 'waiting', 'later', 'found'].map((folder) => `.mpc-snapshots/${folder}/*`);
    expect(await deleted()).toEqual(always);
    const records = ['claims', 'tasks', 'finished', 'removed'].map((folder) => `.mpc-snapshots/${folder}/*`);
    expect(await deleted(removing)).toEqual([...always, ...records, 'snapshots/*']);
    const elsewhere = (service: ServiceObject) => {
      removing(service);
      service.provider.environment.OUTPUT_DIRECTORY = 'pictures/of-{stem}';
    };
    expect(await deleted(elsewhere)).toEqual([...always, ...records, 'pictures/of-*']);
  });
});

describe('the desired state', () => {
  test('numbers may be strings, as parameters and variables are', async () => {
    const desired = await desiredOf('prod', (service) => {
      service.provider.memorySize = '256';
      service.functions.create.timeout = '9';
    });
    expect(desired.functions[0]).toMatchObject({ memoryMb: 256, timeoutSeconds: 9 });
  });

  test('an empty setting is left out, and a function’s own setting wins over the common one', async () => {
    const desired = await desiredOf('prod', (service) => {
      service.functions.create.environment = { CAPTURE: '', REGION: 'ap-southeast-1', LIMIT: 5 };
    });
    expect(desired.functions[0]?.userData).toEqual({
      REGION: 'ap-southeast-1',
      UPLOAD_BUCKETS: 'prod-videos',
      SNAPSHOT_BUCKET: 'prod-snapshots',
      LIMIT: '5',
    });
  });

  test('a dedicated gateway is used if there is one, otherwise the shared one', async () => {
    const shared = await desiredOf('prod');
    expect(shared.functions[0]?.triggers[0]?.type).toBe('APIG');
    const dedicated = await desiredOf('prod', (service) => {
      service.provider.apigw.instance_id = 'instance-1';
    });
    expect(dedicated.functions[0]?.triggers[0]).toMatchObject({
      type: 'DEDICATEDGATEWAY',
      eventData: { instance_id: 'instance-1', group_id: 'group-of-prod' },
    });
  });

  test('API names differ, and contain only characters that API Gateway accepts', async () => {
    const { functions } = await desiredOf('prod');
    const names = functions.flatMap(({ triggers }) =>
      triggers.filter(({ type }) => type === 'APIG').map(({ eventData }) => eventData.name),
    );
    expect(new Set(names).size).toBe(3);
    for (const name of names) expect(name).toMatch(/^[A-Za-z][A-Za-z0-9_]{2,63}$/);
  });

  test('the user event of a timer is a string', async () => {
    const { functions } = await desiredOf('prod', (service) => {
      service.functions.cancel.events[1].timer.input = { everybodys: true };
    });
    expect(functions[1]?.triggers[1]?.eventData.user_event).toBe('{"everybodys":true}');
  });
});

test('on-finish has a trigger for the named topic, and only its timer without one', async () => {
  const triggersOf = async (changed: Record<string, string>) =>
    desiredState(await serviceOf('prod', changed)).functions.find(({ key }) => key === 'on-finish')?.triggers;
  const timer = expect.objectContaining({ type: 'TIMER' });
  const topic_urn = `urn:smn:ap-southeast-3:${'0'.repeat(32)}:mpc-snapshots`;
  expect(await triggersOf({})).toEqual([timer]);
  expect(await triggersOf({ SMN_TOPIC_URN: topic_urn })).toEqual([
    { type: 'SMN', eventData: { topic_urn } },
    timer,
  ]);
});

test('only on-finish has the secret that signs notices', async () => {
  const { functions } = desiredState(await serviceOf('prod', { NOTIFY_SECRET: 'whsec_x' }));
  expect(
    functions.filter(({ secrets }) => secrets.NOTIFY_SECRET !== undefined).map(({ key }) => key),
  ).toEqual(['on-finish']);
});
