import * as z from 'zod/mini';
import type { ThumbnailPara } from '../cloud/mpc';
import type { FunctionContext } from '../core/context';
import { type Detail, SettingsError } from '../core/errors';
import type { LogLevel } from '../core/log';
import { integerText, oneOf, optionalText, parseJson, text, textThat } from '../core/schema';
import { check } from '../validation';
import { asyncIssues, thumbnailParaSchema } from './capture';
import { type Capture, checkCaptures, type UploadChoice } from './captures';
import { directoryTemplate, fixedFolder, type Places, RECORDS_FOLDER, trimSlashes } from './object-keys';

/** The settings of an installation, from its functions' user data. */
export interface Settings extends Places {
  region: string;
  /** Endings of a video's key, lower case with the dot. */
  uploadSuffixes: readonly string[];
  /** Template of the directory of pictures, if neither capture nor caller gives one. */
  outputDirectory: string;
  /** The captures of an upload, at least one. */
  captures: readonly [Capture, ...Capture[]];
  mpcRequestsPerMinute: number;
  /** List calls to MPC that one instance of `query` makes for callers in a minute. */
  mpcReadsPerMinute: number;
  /** While so many tasks of this installation have not ended, no more uploads are started. */
  maxUnfinishedTasks: number;
  urlTtlSeconds: number;
  queueLimitMinutes: number;
  /** What happens to a video's pictures, files and records when the video is gone. */
  onRemoval: 'keep' | 'delete';
  /** Public address of the snapshot bucket, without a slash at the end; undefined: addresses are temporary. */
  publicUrl: string | undefined;
  mpcEndpoint: string;
  obsEndpoint: string;
  logLevel: LogLevel;
}

/** The regions of MPC, as all of the vendor's SDKs list them. */
const MPC_REGIONS = 'cn-north-1, cn-north-4, cn-east-2, cn-east-3, cn-south-1, ap-southeast-3';
/** In this region MPC's host still begins with the name of its predecessor, `mts`; elsewhere with `mpc`. */
const REGION_OF_MTS = 'cn-north-1';

const DEFAULTS: Readonly<Record<string, string>> = {
  UPLOAD_PREFIX: '',
  UPLOAD_SUFFIXES: '.mp4,.mov,.m4v,.mkv,.webm,.flv,.mpg,.mpeg,.mxf,.ts,.mts,.m2ts,.3gp,.avi,.wmv',
  OUTPUT_DIRECTORY: 'snapshots/{key}',
  MPC_REQUESTS_PER_MINUTE: '80',
  MPC_READS_PER_MINUTE: '12',
  // More than two minutes of the pace, so that MPC always has work between two looks. Few enough that at 5 tasks a minute
  // the last one waits 40 minutes, less than QUEUE_LIMIT_MINUTES.
  MAX_UNFINISHED_TASKS: '200',
  URL_TTL_SECONDS: '3600',
  QUEUE_LIMIT_MINUTES: '60',
  ON_REMOVAL: 'keep',
  LOG_LEVEL: 'info',
};

const DEFAULT_CAPTURE: ThumbnailPara = { type: 'TIME', time: 10, max_length: 480 };

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
  OUTPUT_DIRECTORY: directoryTemplate,
  CAPTURE: optionalText,
  CAPTURES: optionalText,
  MPC_REQUESTS_PER_MINUTE: integerText(1, 10_000, 'calls'),
  MPC_READS_PER_MINUTE: integerText(1, 10_000, 'calls'),
  MAX_UNFINISHED_TASKS: integerText(1, 100_000, 'tasks'),
  URL_TTL_SECONDS: integerText(1, 86_400, 's'),
  QUEUE_LIMIT_MINUTES: integerText(1, 10_080, 'min'),
  ON_REMOVAL: oneOf('keep', 'delete'),
  PUBLIC_URL: z.optional(
    textThat(
      // Headers, tracks and pages contain it unchanged.
      (value) => /^https?:\/\/[\w.:[\]-]+(\/[\w!$-;=@~]*)?$/.test(value),
      'must be an ASCII address without query or user, such as https://cdn.example.com',
    ),
  ),
  MPC_ENDPOINT: endpoint,
  OBS_ENDPOINT: endpoint,
  LOG_LEVEL: oneOf('debug', 'info', 'warn', 'error'),
});

/** True for addresses of this machine: those of the local cloud. */
export function isLoopback(url: string): boolean {
  return /^(localhost|127\.[\d.]+|\[::1\])$/.test(new URL(url).hostname);
}

/** The items of a comma-separated list. */
export function listOf(value: string): string[] {
  return value
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
}

/**
 * Reads user data from the context or, on platforms that pass it there, from the environment, and checks it.
 * @returns the values, or what is wrong with them, key by key
 */
export function readUserData<T extends z.ZodMiniObject>(
  schema: T,
  defaults: Readonly<Record<string, string>>,
  context: Pick<FunctionContext, 'getUserData'>,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): ReturnType<typeof check<T>> {
  const raw: Record<string, string> = { ...defaults };
  for (const key of Object.keys(schema.shape)) {
    const value = context.getUserData(key) ?? environment[key];
    if (value) raw[key] = value;
  }
  return check(schema, raw);
}

/**
 * Reads and checks the settings that all functions share.
 * @throws SettingsError that names every wrong key
 */
export function readSettings(
  context: Pick<FunctionContext, 'getUserData'>,
  environment?: Readonly<Record<string, string | undefined>>,
): Settings {
  const { data: values, details } = readUserData(SettingsSchema, DEFAULTS, context, environment);
  if (details) throw settingsError(details);
  const uploadBuckets = listOf(values.UPLOAD_BUCKETS);
  const { REGION, UPLOAD_PREFIX: uploadPrefix, OUTPUT_DIRECTORY: outputDirectory } = values;
  const choice = {
    uploadPrefix,
    uploadSuffixes: listOf(values.UPLOAD_SUFFIXES.toLowerCase()),
    outputDirectory,
  };
  const { captures, issues } = readCaptures(values, choice);
  const issue = (path: string, message: string) => issues.push({ path, message });
  if (!MPC_REGIONS.split(', ').includes(REGION) && values.MPC_ENDPOINT === undefined)
    issue('REGION', `must be one of ${MPC_REGIONS}, got "${REGION}"; for another region set MPC_ENDPOINT`);
  const templates = [['OUTPUT_DIRECTORY', outputDirectory]] as [string, string][];
  for (const [index, { directory }] of captures.entries())
    if (values.CAPTURES !== undefined) templates.push([`CAPTURES[${index}].directory`, directory]);
  if (outputDirectory.startsWith(RECORDS_FOLDER))
    issue('OUTPUT_DIRECTORY', `must lie outside ${RECORDS_FOLDER}`);
  const ownFolders = [...new Set(templates.map(([, template]) => fixedFolder(template)))];
  if (uploadBuckets.includes(values.SNAPSHOT_BUCKET)) {
    const when = 'when SNAPSHOT_BUCKET is an upload bucket';
    for (const [path, template] of templates) {
      if (uploadPrefix.startsWith(fixedFolder(template)))
        issue(path, `must start outside UPLOAD_PREFIX ("${uploadPrefix}") ${when}, got "${template}"`);
    }
    for (const [index, { prefix }] of captures.entries()) {
      const folder = ownFolders.find((one) => prefix.startsWith(one));
      if (folder === undefined || prefix === uploadPrefix) continue;
      const path = `CAPTURES[${index}].prefix`;
      issue(path, `must lie outside ${folder}, where pictures go, ${when}, got "${prefix}"`);
    }
  }
  const obsEndpoint = values.OBS_ENDPOINT ?? `https://obs.${REGION}.myhuaweicloud.com`;
  const [firstCapture, ...otherCaptures] = captures;
  if (issues.length > 0 || firstCapture === undefined) throw settingsError(issues);
  return {
    region: REGION,
    uploadBuckets,
    ...choice,
    snapshotBucket: values.SNAPSHOT_BUCKET,
    ownFolders,
    captures: [firstCapture, ...otherCaptures],
    mpcRequestsPerMinute: Number(values.MPC_REQUESTS_PER_MINUTE),
    mpcReadsPerMinute: Number(values.MPC_READS_PER_MINUTE),
    maxUnfinishedTasks: Number(values.MAX_UNFINISHED_TASKS),
    urlTtlSeconds: Number(values.URL_TTL_SECONDS),
    queueLimitMinutes: Number(values.QUEUE_LIMIT_MINUTES),
    onRemoval: values.ON_REMOVAL,
    publicUrl: values.PUBLIC_URL && trimSlashes(values.PUBLIC_URL),
    mpcEndpoint:
      values.MPC_ENDPOINT ??
      `https://${REGION === REGION_OF_MTS ? 'mts' : 'mpc'}.${REGION}.myhuaweicloud.com`,
    obsEndpoint,
    logLevel: values.LOG_LEVEL,
  };
}

/** The captures of CAPTURES, or the one of CAPTURE, which has no name. */
function readCaptures(
  { CAPTURE, CAPTURES }: { CAPTURE?: string | undefined; CAPTURES?: string | undefined },
  choice: UploadChoice,
): { captures: readonly Capture[]; issues: Detail[] } {
  if (CAPTURES !== undefined) {
    const { data, details = [] } = checkCaptures(CAPTURES, choice);
    const both =
      'must not be set together with CAPTURES; docs/uploads-and-captures.md says how to keep its pictures';
    const issues = CAPTURE === undefined ? details : [{ path: 'CAPTURE', message: both }, ...details];
    return { captures: data ?? [], issues };
  }
  const { data = DEFAULT_CAPTURE, details = asyncIssues(data) } =
    CAPTURE === undefined ? {} : check(thumbnailParaSchema(), parseJson(CAPTURE));
  const { uploadPrefix: prefix, uploadSuffixes: suffixes, outputDirectory: directory } = choice;
  return {
    captures: [{ prefix, suffixes, directory, thumbnailPara: data }],
    issues: details.map(({ message, path }) => ({ path: `CAPTURE ${path}`, message })),
  };
}

/** The error that names every wrong key. */
export function settingsError(issues: readonly Detail[]): SettingsError {
  return new SettingsError(
    `wrong settings: ${issues.map(({ path, message }) => `${path} ${message}`).join('; ')}`,
  );
}
