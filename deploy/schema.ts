import * as z from 'zod';

/** FunctionGraph's names of Node.js runtimes. The bundles need at least Node.js 20. */
const RUNTIMES = ['Node.js20.15'] as const;

const MEMORY_SIZES_MB = [
  128, 256, 512, 768, 1024, 1280, 1536, 1792, 2048, 2560, 3072, 3584, 4096, 8192, 10240,
];
/** With a longer timeout neither API callers nor synchronous invocations get an answer. */
const MAX_TIMEOUT_SECONDS = 900;

const got = ({ input }: { input?: unknown }) =>
  input === undefined ? 'it is missing' : `got ${show(input)}`;
const show = (value: unknown) => (typeof value === 'string' ? `"${value}"` : JSON.stringify(value));

const isWhole = (value: unknown) => typeof value === 'string' && /^-?\d+$/.test(value);

/** A string whose error says what it must be. */
const text = (must: string, pattern: RegExp = /./) =>
  z.string({ error: (issue) => `must be ${must}, ${got(issue)}` }).regex(pattern, {
    error: (issue) => `must be ${must}, ${got(issue)}`,
  });

/** A whole number within limits; also as text, because parameters of the command line and the environment are texts. */
const integer = (minimum: number, maximum: number, unit: string) => {
  const error = (issue: { input?: unknown }) =>
    `must be a whole number from ${minimum} to ${maximum} (${unit}), ${got(issue)}`;
  return z.preprocess(
    (value) => (isWhole(value) ? Number(value) : value),
    z.int({ error }).min(minimum, { error }).max(maximum, { error }),
  );
};

const choice = <const Options extends readonly [string, ...string[]]>(options: Options) =>
  z.enum(options, { error: (issue) => `must be ${options.join(' or ')}, ${got(issue)}` });

/** An object with exactly these fields: otherwise a misspelt property would be ignored silently. */
const fields = <Shape extends z.core.$ZodLooseShape>(shape: Shape) =>
  z.strictObject(shape, {
    error: (issue) =>
      issue.code === 'unrecognized_keys'
        ? `has no property ${issue.keys.map(show).join(', ')}; there are ${Object.keys(shape).join(', ')}`
        : `must be an object with ${Object.keys(shape).join(', ')}, ${got(issue)}`,
  });

const memorySize = z.preprocess(
  (value) => (isWhole(value) ? Number(value) : value),
  z
    .number({ error: (issue) => `must be a number (MB), ${got(issue)}` })
    .refine((mb) => MEMORY_SIZES_MB.includes(mb), {
      error: (issue) => `must be one of ${MEMORY_SIZES_MB.join(', ')} (MB), ${got(issue)}`,
    }),
);
const timeout = integer(3, MAX_TIMEOUT_SECONDS, 's');
const runtime = choice(RUNTIMES);
const agency = text('the name of an IAM agency that trusts FunctionGraph').regex(/^[\w-]{1,64}$/, {
  error: (issue) => `must be the name of an IAM agency, 1 to 64 letters, digits, _ and -, ${got(issue)}`,
});
/** May be empty here: missing parameters are reported together, when all of them are known. */
const bucket = z
  .string({ error: (issue) => `must be the name of a bucket, ${got(issue)}` })
  .regex(/^$|^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, {
    error: (issue) => `must be 3 to 63 lower-case letters, digits, periods and hyphens, ${got(issue)}`,
  })
  // OBS API reference, "Creating a bucket".
  .refine((name) => !/\.\.|\.-|-\.|^(\d{1,3}\.){3}\d{1,3}$/.test(name), {
    error: (issue) => `must have no period next to a period or hyphen, and be no IP address, ${got(issue)}`,
  });
const keyPart = z.string({ error: (issue) => `must be a string, ${got(issue)}` });
/** An empty parameter counts as absent. */
const optionalText = keyPart.optional().transform((value) => (value === '' ? undefined : value));

/** Lists and maps in `serverless.yml` that the functions get as JSON. */
const WITH_JSON: readonly string[] = ['CAPTURE', 'CAPTURES'];
/** Lists in `serverless.yml` that the functions get as comma-separated text. */
const WITH_COMMAS: readonly string[] = ['UPLOAD_BUCKETS', 'UPLOAD_SUFFIXES', 'PUBLISH'];

function withJson(values: unknown): unknown {
  if (typeof values !== 'object' || values === null || Array.isArray(values)) return values;
  const written = (name: string, value: unknown) => {
    if (WITH_JSON.includes(name) && typeof value === 'object' && value !== null) return JSON.stringify(value);
    const isList =
      Array.isArray(value) && value.every((one) => typeof one === 'string' && !one.includes(','));
    return isList && WITH_COMMAS.includes(name) ? value.join(',') : value;
  };
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, written(name, value)]));
}

const userData = (what: string) => z.preprocess(withJson, namesWithValues(what));

const namesWithValues = (what: string) =>
  z.record(
    z.string().regex(/^(?!RUNTIME_)[A-Za-z]\w*$/),
    z.preprocess(
      (value) => (typeof value === 'number' || typeof value === 'boolean' ? String(value) : value),
      z.string({ error: (issue) => `must be a string, a number or a boolean, ${got(issue)}` }),
    ),
    {
      error: (issue) =>
        issue.code === 'invalid_key'
          ? `is not a valid name of ${what}: a letter, then letters, digits and _, not beginning with RUNTIME_`
          : `must be names with values, ${got(issue)}`,
    },
  );

const METHODS = ['GET', 'POST', 'PUT', 'DELETE', 'HEAD', 'PATCH', 'OPTIONS', 'ANY'] as const;
const authentication = choice(['IAM', 'APP', 'NONE']);
const gatewayTimeout = integer(1, 60_000, 'ms');

const callsPerMinute = integer(1, 1_000_000, 'calls a minute');
/** Limits of an API: for all callers together, and for each. */
const throttle = fields({ api: callsPerMinute, caller: callsPerMinute }).refine(
  ({ api, caller }) => caller <= api,
  {
    error: (issue) =>
      `must not let one caller call more often than all together: caller must be at most api (calls a minute), ${got(issue)}`,
  },
);

const accounts = z.preprocess(
  (value) =>
    typeof value === 'string'
      ? value
          .split(',')
          .map((item) => item.trim())
          .filter((item) => item !== '')
      : value,
  z
    .array(
      text(
        'the id of an account, 32 digits and letters a to f ("My Credentials", account id): names are not unique',
        /^[0-9a-f]{32}$/,
      ),
      {
        error: (issue) => `must be a list of account ids, ${got(issue)}`,
      },
    )
    .transform((ids) => [...new Set(ids)]),
);

const flag = z.preprocess(
  (value) => (value === 'true' || value === 'false' ? value === 'true' : value),
  z.boolean({ error: (issue) => `must be true or false, ${got(issue)}` }),
);

const apigw = fields({
  // API Gateway requires declared path parameters (APIG.2026), and a trigger has no field for them.
  path: text(
    'a path that starts with /, such as /snapshots, without {parameters}: what lies below it is reached with match_mode SWA',
    /^\/[^\s{}]*$/,
  ).regex(/^[^?#]{1,512}$/, {
    error: (issue) => `must be 1 to 512 characters without query and fragment, ${got(issue)}`,
  }),
  req_method: choice(METHODS),
  name: text('3 to 64 letters, digits and _, starting with a letter', /^[A-Za-z]\w{2,63}$/).optional(),
  auth: authentication.optional(),
  timeout: gatewayTimeout.optional(),
  match_mode: choice(['NORMAL', 'SWA']).default('NORMAL'),
  throttle: throttle.optional(),
});

const OBJECT_EVENT =
  /^s3:Object(Created:(\*|Put|Post|Copy|CompleteMultipartUpload)|Removed:(\*|Delete|DeleteMarkerCreated))$/;

const obs = fields({
  bucket,
  events: z
    .array(
      text(
        's3:ObjectCreated:* or :Put, :Post, :Copy, :CompleteMultipartUpload, or s3:ObjectRemoved:* or :Delete, :DeleteMarkerCreated',
        OBJECT_EVENT,
      ),
      { error: (issue) => `must be a list, ${got(issue)}` },
    )
    .min(1, 'must name at least one event')
    .default(['s3:ObjectCreated:*']),
  prefix: keyPart.default(''),
  suffix: keyPart.default(''),
  name: text('1 to 64 letters, digits, _ and -', /^[\w-]{1,64}$/).optional(),
});

const eventgrid = fields({
  bucket,
  event_types: z
    .array(text('like OBS:DWR:ObjectCreated:PUT', /^OBS:DWR:Object(Created|Removed):[A-Za-z]+$/), {
      error: (issue) => `must be a list, ${got(issue)}`,
    })
    .min(1, 'must name at least one type')
    .default([
      'OBS:DWR:ObjectCreated:PUT',
      'OBS:DWR:ObjectCreated:POST',
      'OBS:DWR:ObjectCreated:COPY',
      'OBS:DWR:ObjectCreated:CompleteMultipartUpload',
    ]),
  prefix: keyPart.default(''),
  suffix: keyPart.default(''),
  channel_id: text('the id of the event channel of OBS (EventGrid console, official channels)'),
  channel_name: optionalText,
  agency: agency.default('fgs_to_eg'),
});

/** Limits of each field of a cron expression (FunctionGraph user guide, timer triggers). */
const CRON_LIMITS = [
  [0, 59],
  [0, 59],
  [0, 23],
  [1, 31],
  [1, 12],
  [0, 6],
] as const;

const cronError = (issue: { input?: unknown }) =>
  `must be six fields (s 0-59, min 0-59, h 0-23, day 1-31, month 1-12, weekday 0-6 or left out), optionally behind CRON_TZ=<zone>, or @every <duration> such as 1h30m, ${got(issue)}`;

function isCron(text: string): boolean {
  const own = text.replace(/^CRON_TZ=\S+ /, '');
  if (own.startsWith('@every '))
    return /^(\d+(\.\d+)?(ns|us|µs|ms|s|m|h))+$/.test(own.slice('@every '.length));
  const fields = own.split(' ');
  return (
    (fields.length === 5 || fields.length === 6) &&
    fields.every((field, index) => field.split(',').every((part) => isCronPart(part, index)))
  );
}

function isCronPart(part: string, index: number): boolean {
  const [, from = '', to] = /^(\*|\?|\w+)(?:-(\w+))?(?:\/[1-9]\d*)?$/.exec(part) ?? [];
  const [lowest, highest] = CRON_LIMITS[index] ?? [0, 0];
  const isInside = (value: string) =>
    /^\d+$/.test(value)
      ? Number(value) >= lowest && Number(value) <= highest
      : // Names of months and weekdays are allowed too.
        index >= 4 && /^[a-z]{3}$/i.test(value);
  if (from === '*') return to === undefined;
  if (from === '?') return to === undefined && (index === 3 || index === 5);
  return isInside(from) && (to === undefined || isInside(to));
}

/** `rate` or `cron`, never both. */
const timer = fields({
  name: text('1 to 64 letters, digits, _ and -', /^[\w-]{1,64}$/),
  rate: text(
    'a rate: 1m to 60m, 1h to 24h or 1d to 30d',
    /^(([1-9]|[1-5]\d|60)m|([1-9]|1\d|2[0-4])h|([1-9]|[12]\d|30)d)$/,
  ).optional(),
  cron: z.string({ error: cronError }).refine(isCron, { error: cronError }).optional(),
  input: z.unknown().optional(),
  status: choice(['ACTIVE', 'DISABLED']).default('ACTIVE'),
}).refine(({ rate, cron }) => (rate === undefined) !== (cron === undefined), {
  error: 'must have either rate or cron',
});

/** With an empty topic the event is left out. */
const smn = fields({
  topic_urn: z.preprocess(
    (value) => (value === '' ? undefined : value),
    text(
      'the URN of a topic, such as urn:smn:ap-southeast-3:<project id>:<name>',
      /^urn:smn:[\w-]+:\w+:[\w-]{1,255}$/,
    ).optional(),
  ),
});

const events = { apigw, obs, eventgrid, smn, timer };

const event = z
  .object(
    {
      apigw: apigw.optional(),
      obs: obs.optional(),
      eventgrid: eventgrid.optional(),
      smn: smn.optional(),
      timer: timer.optional(),
    },
    { error: (issue) => `must be an event such as \`timer: {…}\`, ${got(issue)}` },
  )
  .refine((value) => Object.values(value).filter((one) => one !== undefined).length === 1, {
    error: `must be exactly one of ${Object.keys(events).join(', ')}`,
  });

const asynchronous = fields({
  retries: integer(0, 3, 'retries'),
  // Open Telekom Cloud's reference allows 1 s; the SDK requires at least 60 s.
  maxEventAge: integer(60, 86_400, 's'),
  onFailure: fields({ obs: fields({ bucket, prefix: keyPart.default('') }) }).optional(),
});

const handler = text('functions/<file>.handler', /^functions\/[\w-]+\.handler$/);

const functionFields = {
  handler,
  name: text(
    '1 to 60 letters, digits, _ and -, starting with a letter and ending with a letter or digit',
    /^[A-Za-z](?:[\w-]{0,58}[A-Za-z0-9])?$/,
  ).optional(),
  description: keyPart.optional(),
  runtime: runtime.optional(),
  memorySize: memorySize.optional(),
  timeout: timeout.optional(),
  agency: agency.optional(),
  environment: userData('user data').optional(),
  secrets: userData('encrypted user data').optional(),
  // An empty parameter leaves the limit unchanged.
  concurrency: z.preprocess(
    (value) => (value === '' ? undefined : value),
    integer(-1, 1000, 'instances; -1: no limit of its own, 0: disabled').optional(),
  ),
  asynchronous: asynchronous.optional(),
  writes: z
    .array(fields({ bucket, prefix: keyPart.default(''), suffix: keyPart.default('') }), {
      error: (issue) => `must be a list, ${got(issue)}`,
    })
    .default([]),
  events: z.array(event, { error: (issue) => `must be a list of events, ${got(issue)}` }).default([]),
};

const providerFields = {
  name: z.literal('huawei'),
  stage: text('letters, digits and hyphens', /^[A-Za-z0-9-]+$/),
  region: text('a region, such as ap-southeast-3', /^[a-z]+(-[a-z]+)+-\d+$/),
  runtime: runtime.default('Node.js20.15'),
  memorySize: memorySize.default(128),
  timeout: timeout.default(30),
  agency,
  functionPrefix: keyPart,
  environment: userData('user data').default({}),
  secrets: userData('encrypted user data').default({}),
  apigw: fields({
    group_id: optionalText,
    instance_id: optionalText,
    auth: authentication.default('APP'),
    allowAccounts: accounts.default([]),
    openToAllUsers: flag.default(false),
    throttle: throttle.optional(),
    env_name: text('the name of an environment').default('RELEASE'),
    env_id: text('the id of an environment').default('DEFAULT_ENVIRONMENT_RELEASE_ID'),
    sl_domain: optionalText,
    timeout: gatewayTimeout.default(5000),
  }).prefault({}),
  logs: fields({
    groupId: optionalText,
    groupName: optionalText,
    streamId: optionalText,
    streamName: optionalText,
  })
    .prefault({})
    // An absent field counts as empty.
    .transform(({ groupId, groupName, streamId, streamName }) => ({
      groupId,
      groupName,
      streamId,
      streamName,
    })),
};

/**
 * A service from `serverless.yml` with resolved variables. Other properties are ignored.
 */
export const Service = z.object({
  service: text('a letter, then letters, digits and hyphens', /^[A-Za-z][A-Za-z0-9-]+$/),
  provider: fields(providerFields),
  functions: z
    .record(z.string(), fields(functionFields), {
      error: (issue) => `must be functions with their names, ${got(issue)}`,
    })
    .refine((functions) => Object.keys(functions).length > 0, 'must name at least one function'),
});

export type ServiceDefinition = z.infer<typeof Service>;
export type FunctionDefinition = ServiceDefinition['functions'][string];
export type EventDefinition = FunctionDefinition['events'][number];

/**
 * The names of properties and events for the framework, so that it reports unknown ones. `Service` checks the values: its
 * messages say what to do, and `npm start` uses it too.
 */
export const FRAMEWORK_SCHEMA = {
  provider: { properties: anything(Object.keys(providerFields).filter((name) => name !== 'name')) },
  function: {
    properties: anything(Object.keys(functionFields).filter((name) => !['name', 'events'].includes(name))),
  },
  functionEvents: anything(Object.keys(events)),
};

function anything(names: readonly string[]): Record<string, object> {
  return Object.fromEntries(names.map((name) => [name, {}]));
}
