import * as z from 'zod/mini';
import type { FunctionContext } from '../core/context';
import { type Detail, SettingsError } from '../core/errors';
import type { LogLevel } from '../core/log';
import { integerText, oneOf, parseJson, text, textThat } from '../core/schema';
import { check } from '../validation';
import { checkCapture, type ThumbnailPara } from './capture';
import { fixedFolder, type Places } from './object-keys';

/** What an installation is told by its functions' user data. */
export interface Settings extends Places {
  region: string;
  /** Endings of a video's key, lower case with the dot. */
  uploadSuffixes: readonly string[];
  /** What is captured of an upload. */
  capture: ThumbnailPara;
  mpcRequestsPerMinute: number;
  urlTtlSeconds: number;
  queueLimitMinutes: number;
  mpcEndpoint: string;
  obsEndpoint: string;
  logLevel: LogLevel;
}

/** The regions that MPC has, as all of the vendor's SDKs list them. */
const MPC_REGIONS = 'cn-north-1, cn-north-4, cn-east-2, cn-east-3, cn-south-1, ap-southeast-3';
/** Everywhere else MPC's host begins with its own name; here it kept the one of its predecessor. */
const REGION_OF_MTS = 'cn-north-1';

const DEFAULTS: Readonly<Record<string, string>> = {
  UPLOAD_PREFIX: '',
  UPLOAD_SUFFIXES: '.mp4,.mov,.m4v,.mkv,.webm,.flv,.mpg,.mpeg,.mxf,.ts,.avi,.wmv',
  OUTPUT_DIRECTORY: 'snapshots/{key}',
  CAPTURE: '{"type":"TIME","time":10,"max_length":480}',
  MPC_REQUESTS_PER_MINUTE: '80',
  URL_TTL_SECONDS: '3600',
  QUEUE_LIMIT_MINUTES: '60',
  LOG_LEVEL: 'info',
};

const endpoint = z.optional(
  textThat(
    (value) => /^https?:\/\/[^/?#]+$/.test(value),
    'must be an origin without a path, such as https://mpc.example.com',
  ),
);

const SettingsSchema = z.object({
  REGION: text,
  UPLOAD_BUCKETS: textThat((value) => listOf(value).length > 0, 'must name at least one bucket'),
  UPLOAD_PREFIX: text,
  UPLOAD_SUFFIXES: textThat(
    (value) => listOf(value).length > 0 && listOf(value).every((suffix) => suffix.startsWith('.')),
    'must be endings with their dot, separated by commas, such as .mp4,.mov',
  ),
  SNAPSHOT_BUCKET: text,
  OUTPUT_DIRECTORY: textThat(
    (value) =>
      /^[^/{}][^{}]*(\{(bucket|key|stem|etag)\}[^{}]*)+$/.test(value) && /\{(key|stem)\}/.test(value),
    'must start with a fixed folder and hold {key} or {stem}',
  ),
  CAPTURE: text,
  MPC_REQUESTS_PER_MINUTE: integerText(1, 10_000, 'calls'),
  URL_TTL_SECONDS: integerText(1, 86_400, 's'),
  QUEUE_LIMIT_MINUTES: integerText(1, 10_080, 'min'),
  MPC_ENDPOINT: endpoint,
  OBS_ENDPOINT: endpoint,
  LOG_LEVEL: oneOf('debug', 'info', 'warn', 'error'),
});

function listOf(value: string): string[] {
  return value
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
}

/**
 * Reads and checks all settings of a function at once.
 *
 * User data is read from the context and, where the platform passes it that way, from the environment.
 * @throws SettingsError that names every wrong key
 */
export function readSettings(context: FunctionContext): Settings {
  const raw: Record<string, string> = { ...DEFAULTS };
  for (const key of Object.keys(SettingsSchema.shape)) {
    const value = context.getUserData(key) ?? process.env[key];
    if (value !== undefined && value !== '') raw[key] = value;
  }
  const { data: values, details } = check(SettingsSchema, raw);
  if (details) throw settingsError(details);
  const uploadBuckets = listOf(values.UPLOAD_BUCKETS);
  const capture = checkCapture(parseJson(values.CAPTURE));
  const { REGION } = values;
  const faults = (capture.details ?? []).map(({ message, path }) => ({ path: `CAPTURE ${path}`, message }));
  if (!MPC_REGIONS.split(', ').includes(REGION) && values.MPC_ENDPOINT === undefined) {
    faults.push({
      path: 'REGION',
      message: `must be one of ${MPC_REGIONS}, got "${REGION}"; for another one set MPC_ENDPOINT`,
    });
  }
  const ownFolder = fixedFolder(values.OUTPUT_DIRECTORY);
  if (uploadBuckets.includes(values.SNAPSHOT_BUCKET) && values.UPLOAD_PREFIX.startsWith(ownFolder)) {
    const message = `must start outside UPLOAD_PREFIX ("${values.UPLOAD_PREFIX}") when SNAPSHOT_BUCKET is an upload bucket, got "${values.OUTPUT_DIRECTORY}"`;
    faults.push({ path: 'OUTPUT_DIRECTORY', message });
  }
  if (faults.length > 0 || !capture.data) throw settingsError(faults);
  return {
    region: REGION,
    uploadBuckets,
    uploadPrefix: values.UPLOAD_PREFIX,
    uploadSuffixes: listOf(values.UPLOAD_SUFFIXES.toLowerCase()),
    snapshotBucket: values.SNAPSHOT_BUCKET,
    outputDirectory: values.OUTPUT_DIRECTORY,
    capture: capture.data,
    mpcRequestsPerMinute: Number(values.MPC_REQUESTS_PER_MINUTE),
    urlTtlSeconds: Number(values.URL_TTL_SECONDS),
    queueLimitMinutes: Number(values.QUEUE_LIMIT_MINUTES),
    mpcEndpoint:
      values.MPC_ENDPOINT ??
      `https://${REGION === REGION_OF_MTS ? 'mts' : 'mpc'}.${REGION}.myhuaweicloud.com`,
    obsEndpoint: values.OBS_ENDPOINT ?? `https://obs.${REGION}.myhuaweicloud.com`,
    logLevel: values.LOG_LEVEL,
  };
}

function settingsError(faults: readonly Detail[]): SettingsError {
  return new SettingsError(
    `wrong settings: ${faults.map(({ path, message }) => `${path} ${message}`).join('; ')}`,
  );
}
