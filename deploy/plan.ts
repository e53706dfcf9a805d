import type { AsynchronousConfiguration, DesiredFunction, DesiredState } from './desired-state';
import type { DesiredTrigger, TriggerType } from './desired-triggers';
import { HANDLER, type LiveAsynchronous, type LiveTrigger } from './functiongraph-api';
import type { LiveFunction, LiveState } from './live-state';

/** The changes to make. `apply` decides the order. */
export interface Plan {
  functions: readonly FunctionChange[];
  removals: readonly Removal[];
  additions: readonly Addition[];
  /** Facts that the user should know, but that need no change. */
  warnings: readonly string[];
  /** Obstacles. A plan with refusals is not carried out. */
  refusals: readonly string[];
}

/** One function that is created or changed. */
export interface FunctionChange {
  desired: DesiredFunction;
  action: 'create' | 'recreate' | 'update';
  /** Changed fields of the configuration; empty: the configuration is not sent. */
  configuration: readonly FieldChange[];
  sendsCode: boolean;
  /** The configuration is sent without secrets, to remove the old ones. */
  clearsSecrets: boolean;
  asynchronous: 'keep' | 'set' | 'clear';
}

export interface FieldChange {
  field: string;
  /** Old and new value; absent for fields that FunctionGraph does not return. */
  change?: string;
}

export type Removal =
  | { what: 'trigger'; functionName: string; trigger: LiveTrigger }
  | { what: 'function'; functionName: string };

export type Addition =
  | { what: 'trigger'; functionName: string; trigger: DesiredTrigger }
  | {
      what: 'status';
      functionName: string;
      id: string;
      /** Name of the timer, for people. */
      name: string;
      type: TriggerType;
      status: 'ACTIVE' | 'DISABLED';
    };

export interface PlanOptions {
  /**
   * Send code and configuration even if they seem unchanged; take over foreign functions; change runtimes.
   */
  force?: boolean;
  /** Delete functions of this stage that are no longer desired. */
  prune?: boolean;
  /** Only these functions, by their names in `serverless.yml`; absent: all. */
  only?: readonly string[];
}

/** Code of each function: SHA-512 of its zip, by the name in `serverless.yml`. */
export type Digests = Readonly<Record<string, string>>;

/** Compares the desired state with the live one. */
export function plan(
  desired: DesiredState,
  live: LiveState,
  digests: Digests,
  { force = false, prune = false, only }: PlanOptions = {},
): Plan {
  const functions: FunctionChange[] = [];
  const removals: Removal[] = [];
  const additions: Addition[] = [];
  const warnings: string[] = [];
  const refusals: string[] = [];
  for (const one of desired.functions) {
    if (only !== undefined && !only.includes(one.key)) continue;
    const existing = live.functions.find(({ name }) => name === one.name);
    if (existing?.isOwn === false && !force) {
      refusals.push(
        `${one.name} exists, but was not deployed by stage ${desired.stage} of ${desired.service}: rename or delete it, or take it over with --force`,
      );
      continue;
    }
    const isRecreated = existing !== undefined && existing.configuration.runtime !== one.runtime;
    if (isRecreated && !force) {
      refusals.push(
        `${one.name} runs on ${existing.configuration.runtime}, ${one.runtime} is wanted: FunctionGraph cannot change that; --force deletes the function and creates it again (waiting events are lost)`,
      );
      continue;
    }
    const kept = isRecreated ? undefined : existing;
    const change = functionChange(one, kept, digests[one.key] ?? '', force);
    if (change !== undefined) functions.push({ ...change, ...(isRecreated && { action: 'recreate' }) });
    const triggers = triggerChanges(one, kept?.triggers ?? [], force);
    removals.push(...triggers.removals);
    additions.push(...triggers.additions);
  }
  if (only === undefined) {
    const names = new Set(desired.functions.map(({ name }) => name));
    for (const { name } of live.functions.filter(({ name, isOwn }) => isOwn && !names.has(name))) {
      if (prune) removals.push({ what: 'function', functionName: name });
      else warnings.push(`${name} is no longer in serverless.yml but still runs: --prune deletes it`);
    }
  }
  return { functions, removals, additions, warnings, refusals };
}

/** True when nothing must be changed. */
export function isEmpty({ functions, removals, additions }: Plan): boolean {
  return functions.length + removals.length + additions.length === 0;
}

function functionChange(
  desired: DesiredFunction,
  live: LiveFunction | undefined,
  digest: string,
  force: boolean,
): FunctionChange | undefined {
  if (live === undefined) {
    return {
      desired,
      action: 'create',
      // FunctionGraph accepts the limit of instances only for an existing function.
      configuration: desired.maxInstances === undefined ? [] : [{ field: 'concurrency' }],
      sendsCode: true,
      clearsSecrets: false,
      asynchronous: desired.asynchronous === undefined ? 'keep' : 'set',
    };
  }
  const fields = fieldChanges(desired, live);
  const hasNoSecrets = Object.keys(desired.secrets).length === 0;
  const clearsSecrets = hasNoSecrets && (force || Boolean(live.configuration.encrypted_user_data));
  if (clearsSecrets && !force) fields.push({ field: 'secrets', change: 'removed' });
  const configuration = fields.length === 0 && force ? [{ field: 'everything (--force)' }] : fields;
  // The digest is documented as the SHA-512 of the code. If that were wrong, the same code would be sent every time and
  // change nothing.
  const sendsCode = force || live.configuration.digest !== digest;
  const asynchronous = asynchronousChange(desired.asynchronous, live.asynchronous);
  if (configuration.length === 0 && !sendsCode && asynchronous === 'keep') return undefined;
  return { desired, action: 'update', configuration, sendsCode, clearsSecrets, asynchronous };
}

function fieldChanges(desired: DesiredFunction, { configuration: live }: LiveFunction): FieldChange[] {
  const changes: FieldChange[] = [];
  const compare = (field: string, before: unknown, after: unknown) => {
    if (before !== after) changes.push({ field, change: `${before ?? 'nothing'} → ${after}` });
  };
  compare('handler', live.handler, HANDLER);
  compare('memorySize', live.memory_size, desired.memoryMb);
  compare('timeout', live.timeout, desired.timeoutSeconds);
  compare('agency', live.xrole || undefined, desired.agency);
  // An empty execution agency means that xrole applies.
  compare('execution agency', live.app_xrole || live.xrole || undefined, desired.agency);
  compare('description', live.description ?? '', desired.description);
  if (desired.maxInstances !== undefined) {
    compare('concurrency', live.strategy_config?.concurrency ?? undefined, desired.maxInstances);
  }
  if (desired.logs !== undefined) {
    compare('log group', live.log_group_id || undefined, desired.logs.group_id);
    compare('log stream', live.log_stream_id || undefined, desired.logs.stream_id);
  }
  const before = userDataOf(live.user_data);
  for (const name of new Set([...Object.keys(before), ...Object.keys(desired.userData)])) {
    // Values may be long or secret: only the name is shown.
    if (before[name] !== desired.userData[name]) changes.push({ field: `environment.${name}` });
  }
  const secrets = Object.keys(desired.secrets);
  if (secrets.length > 0) {
    changes.push({
      field: `secrets ${secrets.join(', ')}`,
      change: 'sent every time, because they cannot be read back',
    });
  }
  return changes;
}

function userDataOf(text: string | null | undefined): Record<string, unknown> {
  try {
    return Object(JSON.parse(text || '{}'));
  } catch {
    return {};
  }
}

function asynchronousChange(
  desired: AsynchronousConfiguration | undefined,
  live: LiveAsynchronous | undefined,
): FunctionChange['asynchronous'] {
  if (desired === undefined) return live === undefined ? 'keep' : 'clear';
  const isSame =
    live?.max_async_retry_attempts === desired.max_async_retry_attempts &&
    live.max_async_event_age_in_seconds === desired.max_async_event_age_in_seconds &&
    destinationText(live.destination_config?.on_failure) ===
      destinationText(desired.destination_config.on_failure) &&
    !live.destination_config?.on_success?.destination;
  return isSame ? 'keep' : 'set';
}

/** The parameters are JSON text, in which the order of names does not matter. */
function destinationText(
  target: { destination?: string | null | undefined; param?: string | null | undefined } | null | undefined,
): string {
  if (!target?.destination) return '';
  return JSON.stringify([target.destination, Object.entries(userDataOf(target.param)).sort()]);
}

/** Types that this command manages. A trigger of another type was added by others and stays. */
const MANAGED_TYPES = ['APIG', 'DEDICATEDGATEWAY', 'OBS', 'EVENTGRID', 'SMN', 'TIMER'];

/**
 * Fields that identify a trigger: they must be in the answer and equal. Other fields are compared only if the answer
 * has them.
 */
const IDENTITY: Readonly<Record<TriggerType, readonly string[]>> = {
  APIG: ['path', 'req_method'],
  DEDICATEDGATEWAY: ['path', 'req_method'],
  OBS: ['bucket'],
  // FunctionGraph returns only some fields, and which is unknown: a trigger without a contradiction counts as the same.
  EVENTGRID: [],
  SMN: ['topic_urn'],
  TIMER: ['name', 'schedule'],
};

/**
 * Fields that are not compared. `sl_domain` depends on the group. The name of an OBS trigger is only its id: replacing the
 * trigger for a new name would lose events, because OBS does not allow a second one beside it.
 */
const NOT_COMPARED: Readonly<Partial<Record<TriggerType, readonly string[]>>> = {
  APIG: ['sl_domain'],
  DEDICATEDGATEWAY: ['sl_domain'],
  OBS: ['name'],
};

function triggerChanges(
  desired: DesiredFunction,
  live: readonly LiveTrigger[],
  force: boolean,
): { removals: Removal[]; additions: Addition[] } {
  const functionName = desired.name;
  const left = live.filter(({ trigger_type_code: type }) => MANAGED_TYPES.includes(type));
  const additions: Addition[] = [];
  for (const trigger of desired.triggers) {
    // FunctionGraph does not return all of an EventGrid subscription, so a change may go unnoticed.
    const isUncertain = trigger.type === 'EVENTGRID' && force;
    const index = isUncertain ? -1 : left.findIndex((other) => isSameTrigger(trigger, other));
    const [same] = index < 0 ? [] : left.splice(index, 1);
    if (same === undefined) additions.push({ what: 'trigger', functionName, trigger });
    else if (trigger.status !== undefined && same.trigger_status !== trigger.status) {
      const { type, status, eventData } = trigger;
      const name = String(eventData.name);
      additions.push({ what: 'status', functionName, id: same.trigger_id, name, type, status });
    }
  }
  return { removals: left.map((trigger) => ({ what: 'trigger', functionName, trigger })), additions };
}

function isSameTrigger({ type, eventData }: DesiredTrigger, live: LiveTrigger): boolean {
  if (live.trigger_type_code !== type) return false;
  return Object.entries(eventData).every(([field, value]) => {
    if (NOT_COMPARED[type]?.includes(field)) return true;
    const there = live.event_data[field];
    if (there === undefined || there === null) return !IDENTITY[type].includes(field);
    return isWithin(value, there);
  });
}

/** True when the answer contains what was sent; it may contain more. The order of lists does not matter. */
function isWithin(sent: unknown, answered: unknown): boolean {
  if (Array.isArray(sent)) {
    return (
      Array.isArray(answered) &&
      sent.length === answered.length &&
      sent.every((item) => answered.some((other) => isWithin(item, other)))
    );
  }
  if (typeof sent === 'object' && sent !== null) {
    if (typeof answered !== 'object' || answered === null) return false;
    const fields = answered as Record<string, unknown>;
    return Object.entries(sent).every(
      ([name, value]) => fields[name] === undefined || isWithin(value, fields[name]),
    );
  }
  return sent === answered;
}
