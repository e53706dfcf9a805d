import { createHash } from 'node:crypto';
import type { EventDefinition, FunctionDefinition, ServiceDefinition } from './schema';

/** The stage of the local cloud: only its API may be open to everybody, because it is reachable only from this machine. */
export const LOCAL_STAGE = 'local';

export type TriggerType = 'APIG' | 'DEDICATEDGATEWAY' | 'OBS' | 'EVENTGRID' | 'SMN' | 'TIMER';

/** A trigger in FunctionGraph's terms. */
export interface DesiredTrigger {
  type: TriggerType;
  /** Only for timers: other triggers cannot be disabled. */
  status?: 'ACTIVE' | 'DISABLED';
  /** Complete, with the API's defaults: missing fields could not be compared. */
  eventData: Readonly<Record<string, unknown>>;
}

/** Collects an issue; the message begins with the path below the current place. */
export type Complain = (message: string) => void;

/** EventGrid's event types for `ObjectRemoved:*` of an OBS trigger. */
const REMOVALS_OF_EVENTGRID = ['OBS:DWR:ObjectRemoved:Delete', 'OBS:DWR:ObjectRemoved:DeleteMarkerCreated'];

/**
 * The trigger for an event of `serverless.yml`.
 * @param hearsRemovals adds the removal of objects to the trigger: a second trigger on the same bucket is refused (FSS.1108)
 */
export function desiredTrigger(
  event: EventDefinition,
  key: string,
  functionName: string,
  { stage, region, apigw: gateway }: ServiceDefinition['provider'],
  hearsRemovals: boolean,
  complain: Complain,
): DesiredTrigger {
  if (event.apigw !== undefined) {
    const { path, req_method, name, auth = gateway.auth, timeout, match_mode } = event.apigw;
    if (auth === 'NONE' && stage !== LOCAL_STAGE) {
      complain(
        `.apigw: auth NONE would let anybody call ${req_method} ${path}; use IAM or APP outside stage ${LOCAL_STAGE}`,
      );
    }
    return {
      type: gateway.instance_id === undefined ? 'APIG' : 'DEDICATEDGATEWAY',
      eventData: {
        name: name ?? apiName(functionName, req_method, path, match_mode),
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
    const { bucket, prefix, suffix, name = obsTriggerName(functionName, bucket) } = event.obs;
    const events = withRemovals(event.obs.events, hearsRemovals ? ['s3:ObjectRemoved:*'] : []);
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
        event_types: withRemovals(event_types, hearsRemovals ? REMOVALS_OF_EVENTGRID : []),
        // The functions decode keys in every form of event.
        Key_encode: true,
        prefix,
        suffix,
      },
    };
  }
  if (event.smn !== undefined) {
    const { topic_urn } = event.smn;
    const topicRegion = topic_urn?.split(':')[2];
    if (topicRegion !== region) {
      complain(
        `.smn.topic_urn is a topic in ${topicRegion}, the functions are in ${region}: both must be in one region`,
      );
    }
    return { type: 'SMN', eventData: { topic_urn } };
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

/** If the event already names removals, the choice is respected. */
function withRemovals(events: readonly string[], removals: readonly string[]): readonly string[] {
  return events.some((name) => name.includes('ObjectRemoved:')) ? events : [...events, ...removals];
}

/**
 * API names have only letters, digits and _, and must be unique within a group. The match mode is part of the name, because
 * an API may have to replace one of the same path with the other match mode.
 */
function apiName(functionName: string, method: string, path: string, matchMode: string): string {
  return `${functionName}_${method.toLowerCase()}_${path}${matchMode === 'SWA' ? '_all' : ''}`
    .replaceAll(/\W+/g, '_')
    .replace(/_+$/, '')
    .slice(0, 64);
}

const MAX_OBS_TRIGGER_NAME = 64;

/**
 * The name of an OBS trigger is its id. It contains the function's name, and with it the stage: two stages may
 * listen to one bucket.
 */
function obsTriggerName(functionName: string, bucket: string): string {
  const name = `${functionName}-${bucket}`;
  if (name.length <= MAX_OBS_TRIGGER_NAME) return name;
  const hash = hashOf(name);
  return `${name.slice(0, MAX_OBS_TRIGGER_NAME - hash.length - 1)}-${hash}`;
}

/**
 * Several OBS triggers of one function on one bucket, with different prefixes or suffixes, would have the same name, which is
 * their id. All but the first get a name with a hash of their prefix and suffix.
 */
export function withDistinctNames(triggers: readonly DesiredTrigger[]): DesiredTrigger[] {
  const taken = new Set<unknown>();
  return triggers.map((trigger) => {
    const { type, eventData } = trigger;
    if (type !== 'OBS') return trigger;
    const isFree = !taken.has(eventData.name);
    const name = isFree
      ? eventData.name
      : obsTriggerName(String(eventData.name), hashOf(`${eventData.prefix}*${eventData.suffix}`));
    taken.add(name);
    return isFree ? trigger : { type, eventData: { ...eventData, name } };
  });
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 8);
}

/**
 * Refuses a function whose output would start it again: it would run, and cost money, for ever. The written places of
 * all functions count, because one function's output may start another.
 */
export function refuseLoops(
  { events }: FunctionDefinition,
  functions: Readonly<Record<string, FunctionDefinition>>,
  complain: Complain,
): void {
  const places = Object.entries(functions).flatMap(([key, { writes }]) =>
    writes.map((place) => ({ key, place })),
  );
  for (const [index, { obs, eventgrid }] of events.entries()) {
    const trigger = obs ?? eventgrid;
    if (!trigger?.bucket) continue;
    for (const { key, place } of places) {
      const overlaps =
        trigger.bucket === place.bucket &&
        (trigger.prefix.startsWith(place.prefix) || place.prefix.startsWith(trigger.prefix)) &&
        (trigger.suffix.endsWith(place.suffix) || place.suffix.endsWith(trigger.suffix));
      if (!overlaps) continue;
      complain(
        `.events[${index}] listens to ${placeText(trigger)}, and ${key} writes to ${placeText(place)}: it would start itself. Use another bucket, or prefixes or suffixes that do not overlap`,
      );
      // One complaint per trigger is enough.
      break;
    }
  }
}

function placeText({ bucket, prefix, suffix }: { bucket: string; prefix: string; suffix: string }): string {
  return `${bucket}/${prefix}*${suffix}`;
}
