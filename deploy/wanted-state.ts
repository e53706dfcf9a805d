import { FUNCTION_NAMES, type FunctionName } from './bundle';
import { DeployError } from './errors';
import { type EventDefinition, type FunctionDefinition, Service, type ServiceDefinition } from './schema';

/** The stage of the local cloud: the only one whose API may be open, and it may not leave this machine. */
export const LOCAL_STAGE = 'local';
const MAX_USER_DATA_CHARACTERS = 4096;
const MAX_TRIGGERS = 10;

/** What a stage of the service shall look like. */
export interface WantedState {
  service: string;
  stage: string;
  region: string;
  functions: readonly WantedFunction[];
  /** All buckets that events come from and that functions write to. */
  buckets: readonly string[];
}

/** One function in the words of FunctionGraph, without its code. */
export interface WantedFunction {
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
  /** Encrypted user data: written, never read back. */
  secrets: Readonly<Record<string, string>>;
  /** Most instances at the same time; absent: left as it is. */
  maxInstances?: number;
  /** Body of the asynchronous configuration; absent: none. */
  asynchronous?: AsynchronousConfiguration;
  triggers: readonly WantedTrigger[];
}

export interface AsynchronousConfiguration {
  max_async_retry_attempts: number;
  max_async_event_age_in_seconds: number;
  destination_config: { on_failure: { destination: string; param: string } };
}

export type TriggerType = 'APIG' | 'DEDICATEDGATEWAY' | 'OBS' | 'EVENTGRID' | 'TIMER';

/** A trigger in the words of FunctionGraph. */
export interface WantedTrigger {
  type: TriggerType;
  /** Only timers can be disabled. */
  status?: 'ACTIVE' | 'DISABLED';
  /** Complete, with the defaults of the API: what is left out could not be compared. */
  eventData: Readonly<Record<string, unknown>>;
}

/**
 * Turns a service, as the framework resolved it from `serverless.yml`, into what FunctionGraph shall have.
 * @throws DeployError with a line for every property that is wrong
 */
export function wantedState(resolved: unknown): WantedState {
  const parsed = Service.safeParse(resolved);
  if (!parsed.success) {
    throw new DeployError(
      parsed.error.issues.map(({ path, message }) => `serverless.yml: ${pathText(path)} ${message}`),
    );
  }
  const { service, provider, functions } = parsed.data;
  const faults: string[] = [];
  const wanted = Object.entries(functions).map(([key, definition]) =>
    wantedFunction(key, definition, parsed.data, (message) =>
      faults.push(`serverless.yml: functions.${key}${message}`),
    ),
  );
  for (const [index, { key, name }] of wanted.entries()) {
    const first = wanted.findIndex((other) => other.name === name);
    if (first < index)
      faults.push(`serverless.yml: ${wanted[first]?.key} and ${key} have the same name "${name}"`);
  }
  if (faults.length > 0) throw new DeployError(faults);
  return {
    service,
    stage: provider.stage,
    region: provider.region,
    functions: wanted,
    buckets: bucketsOf(functions),
  };
}

function bucketsOf(functions: ServiceDefinition['functions']): string[] {
  const named = Object.values(functions).flatMap(({ events, writes, asynchronous }) => [
    ...events.flatMap(({ obs, eventgrid }) => [obs?.bucket, eventgrid?.bucket]),
    ...writes.map(({ bucket }) => bucket),
    asynchronous?.onFailure?.obs.bucket,
  ]);
  return [...new Set(named.filter((bucket) => bucket !== undefined))];
}

/**
 * The mark in a function's description that says whose it is. Names alone cannot tell: `shop-prod-eu-create` may belong
 * to stage `prod-eu` or to stage `prod`.
 */
export function ownerMark({ service, stage }: Pick<WantedState, 'service' | 'stage'>): string {
  return `[serverless ${service}/${stage}]`;
}

type Complain = (message: string) => void;

function wantedFunction(
  key: string,
  definition: FunctionDefinition,
  { service, provider }: ServiceDefinition,
  complain: Complain,
): WantedFunction {
  const { stage } = provider;
  // The framework puts its own default there.
  const givenName = definition.name === `${service}-${stage}-${key}` ? undefined : definition.name;
  const name = givenName ?? `${provider.functionPrefix}${key}`;
  if (!/^[A-Za-z](?:[\w-]{0,58}[A-Za-z0-9])?$/.test(name)) {
    complain(
      ` would be called "${name}"; FunctionGraph takes 60 letters, digits, _ and -: shorten service or stage`,
    );
  }
  const source = FUNCTION_NAMES.find((file) => definition.handler === `functions/${file}.handler`);
  if (source === undefined) {
    const handlers = FUNCTION_NAMES.map((file) => `functions/${file}.handler`).join(', ');
    complain(`.handler must be one of ${handlers}, got "${definition.handler}"`);
  }
  const userData = filled({ ...provider.environment, ...definition.environment });
  const secrets = filled({ ...provider.secrets, ...definition.secrets });
  refuseUserData(userData, secrets, complain);
  const triggers = definition.events.map((event, index) =>
    wantedTrigger(event, key, name, provider, (message) => complain(`.events[${index}]${message}`)),
  );
  if (triggers.length > MAX_TRIGGERS) {
    complain(`.events has ${triggers.length} events; a function takes ${MAX_TRIGGERS} triggers`);
  }
  refuseLoops(definition, complain);
  const { asynchronous } = definition;
  return {
    key,
    name,
    source: source ?? 'create',
    description: [definition.description, ownerMark({ service, stage })].filter(Boolean).join(' '),
    runtime: definition.runtime ?? provider.runtime,
    memoryMb: definition.memorySize ?? provider.memorySize,
    timeoutSeconds: definition.timeout ?? provider.timeout,
    agency: definition.agency ?? provider.agency,
    userData,
    secrets,
    ...(definition.concurrency !== undefined && { maxInstances: definition.concurrency }),
    ...(asynchronous !== undefined && { asynchronous: asynchronousConfiguration(asynchronous) }),
    triggers,
  };
}

function refuseUserData(
  userData: Readonly<Record<string, string>>,
  secrets: Readonly<Record<string, string>>,
  complain: Complain,
): void {
  for (const name of Object.keys(secrets).filter((name) => Object.hasOwn(userData, name))) {
    complain(`: ${name} stands in environment and in secrets; keep it in one of them`);
  }
  for (const [what, values] of [
    ['environment', userData],
    ['secrets', secrets],
  ] as const) {
    const { length } = JSON.stringify(values);
    if (length > MAX_USER_DATA_CHARACTERS) {
      complain(`.${what} has ${length} characters as JSON; FunctionGraph takes ${MAX_USER_DATA_CHARACTERS}`);
    }
  }
}

function wantedTrigger(
  event: EventDefinition,
  key: string,
  functionName: string,
  { stage, apigw: gateway }: ServiceDefinition['provider'],
  complain: Complain,
): WantedTrigger {
  if (event.apigw !== undefined) {
    const { path, req_method, name, auth = gateway.auth, timeout, match_mode } = event.apigw;
    if (auth === 'NONE' && stage !== LOCAL_STAGE) {
      complain(
        `.apigw: auth NONE would let anybody call ${req_method} ${path}; use IAM or APP outside stage ${LOCAL_STAGE}`,
      );
    }
    if (gateway.group_id === undefined) {
      complain('.apigw needs provider.apigw.group_id, the id of an API group: set APIG_GROUP_ID');
    }
    return {
      type: gateway.instance_id === undefined ? 'APIG' : 'DEDICATEDGATEWAY',
      eventData: {
        name: name ?? apiName(functionName, req_method, path),
        type: 1,
        path,
        protocol: 'HTTPS',
        req_method,
        group_id: gateway.group_id,
        match_mode,
        env_name: gateway.env_name,
        env_id: gateway.env_id,
        auth,
        func_info: { timeout: timeout ?? gateway.timeout },
        backend_type: 'FUNCTION',
        ...(gateway.sl_domain !== undefined && { sl_domain: gateway.sl_domain }),
        ...(gateway.instance_id !== undefined && { instance_id: gateway.instance_id }),
      },
    };
  }
  if (event.obs !== undefined) {
    const { bucket, events, prefix, suffix, name = `${key}-${bucket}`.slice(0, 64) } = event.obs;
    return { type: 'OBS', eventData: { bucket, events, prefix, suffix, name } };
  }
  if (event.eventgrid !== undefined) {
    const { bucket, event_types, prefix, suffix, channel_id, channel_name, agency } = event.eventgrid;
    return {
      type: 'EVENTGRID',
      eventData: {
        channel_id,
        ...(channel_name !== undefined && { channel_name }),
        source_name: 'HC.OBS.DWR',
        trigger_name: key,
        agency,
        bucket,
        event_types,
        // Keys are decoded by the functions, whatever shape the event has.
        Key_encode: true,
        prefix,
        suffix,
      },
    };
  }
  const { name, rate, cron, input, status } = event.timer as NonNullable<EventDefinition['timer']>;
  return {
    type: 'TIMER',
    status,
    eventData: {
      name,
      schedule_type: rate === undefined ? 'Cron' : 'Rate',
      schedule: rate ?? cron,
      user_event: input === undefined ? '' : typeof input === 'string' ? input : JSON.stringify(input),
    },
  };
}

/** API names may hold letters, digits and _ only, and must be told apart within a group. */
function apiName(functionName: string, method: string, path: string): string {
  return `${functionName}_${method.toLowerCase()}_${path}`
    .replaceAll(/\W+/g, '_')
    .replace(/_+$/, '')
    .slice(0, 64);
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

/** A function whose output starts it again would run, and be paid for, for ever. */
function refuseLoops({ events, writes }: FunctionDefinition, complain: Complain): void {
  for (const [index, { obs, eventgrid }] of events.entries()) {
    const trigger = obs ?? eventgrid;
    if (trigger === undefined) continue;
    for (const place of writes) {
      const overlaps =
        trigger.bucket === place.bucket &&
        (trigger.prefix.startsWith(place.prefix) || place.prefix.startsWith(trigger.prefix)) &&
        (trigger.suffix.endsWith(place.suffix) || place.suffix.endsWith(trigger.suffix));
      if (!overlaps) continue;
      complain(
        `.events[${index}] listens to ${placeText(trigger)}, and the function writes to ${placeText(place)}: it would start itself. Use another bucket, or a prefix or suffix that keeps them apart`,
      );
    }
  }
}

function placeText({ bucket, prefix, suffix }: { bucket: string; prefix: string; suffix: string }): string {
  return `${bucket}/${prefix}*${suffix}`;
}

/** An empty value leaves the key out, so that a parameter can. */
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
