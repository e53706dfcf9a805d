import { apiText, type DesiredAccess, type DesiredApi } from './access/desired-access';
import { FUNCTION_NAMES, type FunctionName } from './bundle';
import {
  type Complain,
  type DesiredTrigger,
  desiredTrigger,
  LOCAL_STAGE,
  refuseLoops,
  withDistinctNames,
} from './desired-triggers';
import { DeployError } from './errors';
import { refuseRivals } from './event-rivals';
import { type FunctionDefinition, Service, type ServiceDefinition } from './schema';

const MAX_USER_DATA_CHARACTERS = 4096;
const MAX_TRIGGERS = 10;
const MAX_DESCRIPTION_CHARACTERS = 512;

/** The desired state of a stage. */
export interface DesiredState {
  service: string;
  stage: string;
  region: string;
  functions: readonly DesiredFunction[];
  /** The access to its APIs; absent without APIs. */
  access?: DesiredAccess;
  /** All buckets that events come from and that functions write to. */
  buckets: readonly string[];
}

/** One function in FunctionGraph's terms, without its code. */
export interface DesiredFunction {
  /** Name in `serverless.yml`. */
  key: string;
  /** Name in the cloud, with service and stage. */
  name: string;
  /** File in `functions/` that it is bundled from. */
  source: FunctionName;
  description: string;
  runtime: string;
  memoryMb: number;
  timeoutSeconds: number;
  agency: string;
  userData: Readonly<Record<string, string>>;
  /** Encrypted user data: FunctionGraph never returns it. */
  secrets: Readonly<Record<string, string>>;
  /** Limit of simultaneous instances; absent: unchanged. */
  maxInstances?: number;
  /** Body of the asynchronous configuration; absent: none. */
  asynchronous?: AsynchronousConfiguration;
  triggers: readonly DesiredTrigger[];
  /** Log group and stream in LTS; absent: no logs are kept. */
  logs?: LogDestination;
}

/** Body of FunctionGraph's `log_config`. */
export interface LogDestination {
  group_id: string;
  group_name: string;
  stream_id: string;
  stream_name: string;
}

export interface AsynchronousConfiguration {
  max_async_retry_attempts: number;
  max_async_event_age_in_seconds: number;
  destination_config: { on_failure: { destination: string; param: string } };
}

/**
 * Turns a service, resolved by the framework from `serverless.yml`, into the desired state.
 * @throws DeployError with a line for every wrong property
 */
export function desiredState(resolved: unknown): DesiredState {
  const parsed = Service.safeParse(resolved);
  if (!parsed.success) {
    throw new DeployError(
      parsed.error.issues.map(({ path, message }) => `serverless.yml: ${pathText(path)} ${message}`),
    );
  }
  const { service, provider } = parsed.data;
  const functions = Object.fromEntries(
    Object.entries(parsed.data.functions).map(([key, definition]) => [
      key,
      withFoldersOfPictures(definition, provider.environment),
    ]),
  );
  const resolvedService = { service, provider, functions };
  const issues: string[] = [];
  const desired = Object.entries(functions).map(([key, definition]) =>
    desiredFunction(key, definition, resolvedService, (message) =>
      issues.push(`serverless.yml: functions.${key}${message}`),
    ),
  );
  for (const [index, { key, name }] of desired.entries()) {
    const first = desired.findIndex((other) => other.name === name);
    if (first < index)
      issues.push(`serverless.yml: ${desired[first]?.key} and ${key} have the same name "${name}"`);
  }
  refuseRivals(functions, (message) => issues.push(`serverless.yml: ${message}`));
  const needsGroup = Object.values(functions).some(({ events }) =>
    events.some(({ apigw }) => apigw !== undefined),
  );
  if (needsGroup && provider.apigw.group_id === undefined) {
    issues.push(
      'serverless.yml: provider.apigw.group_id is empty: set APIG_GROUP_ID, the id of an API group, in the environment or in .env.<stage>',
    );
  }
  const missingLogs = Object.entries(provider.logs).filter(([, value]) => value === undefined);
  if (missingLogs.length > 0 && missingLogs.length < Object.keys(provider.logs).length) {
    const names = missingLogs.map(([name]) => name).join(', ');
    issues.push(
      `serverless.yml: provider.logs lacks ${names}: LTS_GROUP_ID, LTS_GROUP_NAME, LTS_STREAM_ID and LTS_STREAM_NAME belong together`,
    );
  }
  const access = desiredAccess(parsed.data, (message) => issues.push(`serverless.yml: ${message}`));
  if (issues.length > 0) throw new DeployError(issues);
  return {
    ...(access !== undefined && { access }),
    service,
    stage: provider.stage,
    region: provider.region,
    functions: desired,
    buckets: bucketsOf(Object.values(functions)),
  };
}

/** The warning for a stage without logs; undefined if logs are kept, and in the local cloud. */
export function logWarning({ stage, functions }: DesiredState): string | undefined {
  if (stage === LOCAL_STAGE || functions.every(({ logs }) => logs !== undefined)) return undefined;
  return `the functions will have no logs: \`npm run setup -- --stage ${stage}\` creates a log group, or set LTS_GROUP_ID, LTS_GROUP_NAME, LTS_STREAM_ID and LTS_STREAM_NAME`;
}

function desiredAccess(
  { provider, functions }: ServiceDefinition,
  complain: Complain,
): DesiredAccess | undefined {
  const { auth, instance_id, group_id, env_id, throttle, allowAccounts, openToAllUsers } = provider.apigw;
  const apis = Object.entries(functions).flatMap(([key, { events }]) =>
    events.flatMap(({ apigw }): DesiredApi[] =>
      apigw === undefined
        ? []
        : [
            {
              key,
              method: apigw.req_method,
              path: apigw.path,
              auth: apigw.auth ?? auth,
              throttle: apigw.throttle ?? throttle,
            },
          ],
    ),
  );
  if (apis.length === 0) return undefined;
  const open = apis.filter((api) => api.auth === 'IAM');
  if (open.length === 0 && allowAccounts.length > 0) {
    complain(
      'provider.apigw.allowAccounts names accounts for auth IAM, and no API has it: with APP callers have keys (npm run callers)',
    );
  }
  if (open.length > 0 && openToAllUsers && allowAccounts.length > 0) {
    complain(
      'provider.apigw has allowAccounts, and openToAllUsers: true, which allows everybody else too: keep one of them',
    );
  }
  if (open.length > 0 && !openToAllUsers) {
    if (allowAccounts.length === 0) {
      complain(
        `auth IAM lets every user of Huawei Cloud call ${open.map(apiText).join(', ')}: name the allowed accounts in provider.apigw.allowAccounts, use APP, or confirm it with provider.apigw.openToAllUsers: true`,
      );
    } else if (instance_id === undefined) {
      complain(
        'provider.apigw.allowAccounts needs a dedicated gateway (APIG_INSTANCE_ID): policies of the shared one are bound in its console; use APP, or set openToAllUsers: true',
      );
    }
  }
  return {
    instanceId: instance_id,
    groupId: group_id ?? '',
    envId: env_id,
    apis,
    allowAccounts,
    openToAllUsers,
  };
}

/** Adds the folders of OUTPUT_DIRECTORY and CAPTURES to the written places: the functions write files there. */
function withFoldersOfPictures(
  definition: FunctionDefinition,
  environment: Readonly<Record<string, string>>,
): FunctionDefinition {
  const userData = { ...environment, ...definition.environment };
  const { CAPTURES = '', OUTPUT_DIRECTORY = '', SNAPSHOT_BUCKET } = userData;
  const [folder = ''] = OUTPUT_DIRECTORY.split('{');
  const folders = [...new Set([folder, ...foldersOfCaptures(CAPTURES)])].filter((one) => one !== '');
  const more = definition.writes
    .filter(({ bucket, prefix }) => bucket === SNAPSHOT_BUCKET && !prefix.startsWith('.mpc-snapshots/'))
    .flatMap(({ bucket, prefix, suffix }) =>
      folders.filter((folder) => !folder.startsWith(prefix)).map((one) => ({ bucket, prefix: one, suffix })),
    );
  return { ...definition, writes: [...definition.writes, ...more] };
}

/** The fixed folders of the captures' directories. The settings check reports mistakes in the list. */
export function foldersOfCaptures(captures: string): string[] {
  try {
    const list: unknown = JSON.parse(captures);
    const directories = (Array.isArray(list) ? list : []).map((one) => Object(one).directory as unknown);
    const folders = directories.flatMap((one) => (typeof one === 'string' ? (one.split('{')[0] ?? '') : []));
    return [...new Set(folders)].filter((folder) => folder !== '');
  } catch {
    return [];
  }
}

function bucketsOf(functions: readonly FunctionDefinition[]): string[] {
  const named = functions.flatMap(({ events, writes, asynchronous }) => [
    ...events.flatMap(({ obs, eventgrid }) => [obs?.bucket, eventgrid?.bucket]),
    ...writes.map(({ bucket }) => bucket),
    asynchronous?.onFailure?.obs.bucket,
  ]);
  return [...new Set(named.filter((bucket) => bucket !== undefined))];
}

/** The function with this name in `serverless.yml`. @throws DeployError when there is none */
export function functionNamed({ functions }: DesiredState, key: string | undefined): DesiredFunction {
  const found = functions.find((one) => one.key === key);
  if (found !== undefined) return found;
  const keys = functions.map((one) => one.key).join(', ');
  throw new DeployError([`there is no function "${key}"; there are ${keys}`]);
}

/**
 * The mark in a function's description that names its stage. Function names are ambiguous: `shop-prod-eu-create` may belong
 * to stage `prod-eu` or to stage `prod`.
 */
export function ownerMark({ service, stage }: Pick<DesiredState, 'service' | 'stage'>): string {
  return `[serverless ${service}/${stage}]`;
}

function desiredFunction(
  key: string,
  definition: FunctionDefinition,
  { service, provider, functions }: ServiceDefinition,
  complain: Complain,
): DesiredFunction {
  const { stage } = provider;
  // The framework sets this name when serverless.yml has none.
  const givenName = definition.name === `${service}-${stage}-${key}` ? undefined : definition.name;
  const name = givenName ?? `${provider.functionPrefix}${key}`;
  if (!/^[A-Za-z](?:[\w-]{0,58}[A-Za-z0-9])?$/.test(name)) {
    complain(
      ` would be called "${name}"; FunctionGraph allows at most 60 letters, digits, _ and -, beginning with a letter: shorten service or stage, or change functionPrefix`,
    );
  }
  const source = FUNCTION_NAMES.find((file) => definition.handler === `functions/${file}.handler`);
  if (source === undefined) {
    const handlers = FUNCTION_NAMES.map((file) => `functions/${file}.handler`).join(', ');
    complain(`.handler must be one of ${handlers}, got "${definition.handler}"`);
  }
  if (bucketsOf([definition]).includes('')) {
    complain(
      ' names a bucket that is empty: set UPLOAD_BUCKET and SNAPSHOT_BUCKET in the environment or in .env.<stage>',
    );
  }
  const userData = filled({ ...provider.environment, ...definition.environment });
  const secrets = filled({ ...provider.secrets, ...definition.secrets });
  refuseUserData(userData, secrets, complain);
  const hearsRemovals = source === 'on-upload' && removesWhatIsGone(userData);
  const triggers = withDistinctNames(
    definition.events.flatMap((event, index) =>
      event.smn !== undefined && event.smn.topic_urn === undefined
        ? []
        : [
            desiredTrigger(event, key, name, provider, hearsRemovals, (message) =>
              complain(`.events[${index}]${message}`),
            ),
          ],
    ),
  );
  if (triggers.length > MAX_TRIGGERS) {
    complain(`.events has ${triggers.length} events; a function has at most ${MAX_TRIGGERS} triggers`);
  }
  refuseLoops(definition, functions, complain);
  const { asynchronous } = definition;
  const logs = logDestination(provider.logs);
  const mark = ownerMark({ service, stage });
  const description = [definition.description, mark].filter(Boolean).join(' ');
  if (description.length > MAX_DESCRIPTION_CHARACTERS) {
    const longest = MAX_DESCRIPTION_CHARACTERS - mark.length - 1;
    complain(`.description has ${definition.description?.length} characters; at most ${longest} are allowed`);
  }
  return {
    key,
    name,
    source: source ?? 'create',
    description,
    runtime: definition.runtime ?? provider.runtime,
    memoryMb: definition.memorySize ?? provider.memorySize,
    timeoutSeconds: definition.timeout ?? provider.timeout,
    agency: definition.agency ?? provider.agency,
    userData,
    secrets,
    ...(definition.concurrency !== undefined && { maxInstances: definition.concurrency }),
    ...(asynchronous !== undefined && { asynchronous: asynchronousConfiguration(asynchronous) }),
    triggers,
    ...(logs !== undefined && { logs }),
  };
}

/** True if the functions delete the pictures of videos that are gone. */
export function removesWhatIsGone(userData: Readonly<Record<string, string>>): boolean {
  return userData.ON_REMOVAL === 'delete';
}

function logDestination({
  groupId,
  groupName,
  streamId,
  streamName,
}: ServiceDefinition['provider']['logs']): LogDestination | undefined {
  if (!groupId || !groupName || !streamId || !streamName) return undefined;
  return { group_id: groupId, group_name: groupName, stream_id: streamId, stream_name: streamName };
}

function refuseUserData(
  userData: Readonly<Record<string, string>>,
  secrets: Readonly<Record<string, string>>,
  complain: Complain,
): void {
  for (const name of Object.keys(secrets).filter((name) => Object.hasOwn(userData, name))) {
    complain(`: ${name} is in environment and in secrets; keep only one of them`);
  }
  for (const [what, values] of [
    ['environment', userData],
    ['secrets', secrets],
  ] as const) {
    const { length } = JSON.stringify(values);
    if (length > MAX_USER_DATA_CHARACTERS) {
      complain(
        `.${what} has ${length} characters as JSON; FunctionGraph allows at most ${MAX_USER_DATA_CHARACTERS}`,
      );
    }
  }
}

function asynchronousConfiguration({
  retries,
  maxEventAge,
  onFailure,
}: NonNullable<FunctionDefinition['asynchronous']>): AsynchronousConfiguration {
  return {
    max_async_retry_attempts: retries,
    max_async_event_age_in_seconds: maxEventAge,
    destination_config: {
      on_failure:
        onFailure === undefined
          ? { destination: '', param: '' }
          : { destination: 'OBS', param: JSON.stringify(onFailure.obs) },
    },
  };
}

/** Leaves out empty values, so that an empty parameter removes a key. */
function filled(values: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== ''));
}

function pathText(path: readonly PropertyKey[]): string {
  return path
    .map((part, index) =>
      typeof part === 'number' ? `[${part}]` : `${index === 0 ? '' : '.'}${String(part)}`,
    )
    .join('');
}
