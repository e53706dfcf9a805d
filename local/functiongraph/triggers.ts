import { randomUUID } from 'node:crypto';
import * as z from 'zod';
import type { ObjectEvent } from '../obs/object-store';
import type { FunctionGraphBehaviour } from './behaviour';
import { FunctionGraphError } from './errors';
import { parseWith } from './function-configuration';
import { triggerTypesOf } from './region';
import { parseCron, parseRate, type Schedule } from './schedule';

const timerData = z.object({
  name: z.string().min(1).max(64),
  schedule_type: z.enum(['Rate', 'Cron']),
  schedule: z.string().min(1),
  user_event: z.string().default(''),
});

const obsData = z.object({
  bucket: z.string().min(1),
  events: z
    .array(
      z
        .string()
        .regex(
          /^s3:Object(Created:(\*|Put|Post|Copy|CompleteMultipartUpload)|Removed:(\*|Delete|DeleteMarkerCreated))$/,
          'must be s3:ObjectCreated:* or :Put, :Post, :Copy, :CompleteMultipartUpload, or s3:ObjectRemoved:*, :Delete, :DeleteMarkerCreated',
        ),
    )
    .min(1),
  prefix: z.string().default(''),
  suffix: z.string().default(''),
  name: z.string().optional(),
});

const eventGridData = z.object({
  channel_id: z.string().optional(),
  channel_name: z.string().optional(),
  source_name: z.literal('HC.OBS.DWR'),
  trigger_name: z.string().optional(),
  agency: z.string().optional(),
  bucket: z.string().min(1),
  event_types: z
    .array(
      z
        .string()
        .regex(/^OBS:DWR:Object(Created|Removed):[A-Za-z]+$/, 'must be like OBS:DWR:ObjectCreated:PUT'),
    )
    .min(1),
  Key_encode: z.boolean().default(false),
  prefix: z.string().default(''),
  suffix: z.string().default(''),
});

const topicData = z.object({ topic_urn: z.string().regex(/^urn:smn:/, 'must be the URN of a topic') });

const gatewayData = z.object({
  name: z.string().min(1),
  type: z.number().int().optional(),
  path: z.string().regex(/^\//, 'must start with /'),
  protocol: z.enum(['HTTP', 'HTTPS']).default('HTTPS'),
  req_method: z.enum(['GET', 'POST', 'PUT', 'DELETE', 'HEAD', 'PATCH', 'OPTIONS', 'ANY']),
  group_id: z.string().optional(),
  match_mode: z.enum(['SWA', 'NORMAL']).default('SWA'),
  env_name: z.string().default('RELEASE'),
  env_id: z.string().optional(),
  auth: z.enum(['IAM', 'APP', 'NONE']).default('IAM'),
  func_info: z
    .object({
      timeout: z.number().int().min(1, 'must be 1 to 60000 (ms)').max(60_000, 'must be 1 to 60000 (ms)'),
      invocation_type: z.literal('sync', 'must be sync: the local cloud has no asynchronous APIs').optional(),
      version: z.string().optional(),
    })
    .default({ timeout: 5000 }),
  sl_domain: z.string().optional(),
  backend_type: z.literal('FUNCTION').optional(),
  instance_id: z.string().optional(),
});

interface TriggerOf<Type extends string, Data> {
  type: Type;
  id: string;
  status: 'ACTIVE' | 'DISABLED';
  data: Data;
  createdAtMs: number;
  /** The trigger is being deleted: it does nothing any more, but is listed and keeps its place until this time. */
  goneAtMs?: number;
}

export type TimerTrigger = TriggerOf<'TIMER', z.infer<typeof timerData>> & { schedule: Schedule };
export type ObsTrigger = TriggerOf<'OBS', z.infer<typeof obsData>>;
export type EventGridTrigger = TriggerOf<'EVENTGRID', z.infer<typeof eventGridData>>;
export type TopicTrigger = TriggerOf<'SMN', z.infer<typeof topicData>>;
export type GatewayTrigger = TriggerOf<'APIG' | 'DEDICATEDGATEWAY', z.infer<typeof gatewayData>> & {
  apiId: string;
};
export type Trigger = TimerTrigger | ObsTrigger | EventGridTrigger | TopicTrigger | GatewayTrigger;

export const createTriggerBody = z.object({
  trigger_type_code: z.string(),
  trigger_status: z.enum(['ACTIVE', 'DISABLED']).default('ACTIVE'),
  event_data: z.record(z.string(), z.unknown()),
});

/**
 * Makes a trigger from a request body.
 *
 * @throws FunctionGraphError FSS.1101 for a type that the region lacks; FSS.1106, FSS.1107 and FSS.1109 for wrong OBS,
 *   API Gateway and timer parameters; APIG.2026 for parameters in the path of an API
 */
export function newTrigger(
  body: z.infer<typeof createTriggerBody>,
  behaviour: Pick<FunctionGraphBehaviour, 'timeZone' | 'apiPathParameters' | 'missingTriggerType'>,
  nowMs: number,
): Trigger {
  const { trigger_type_code: type, trigger_status: status, event_data: eventData } = body;
  const types = triggerTypesOf(behaviour);
  if (!types.includes(type)) {
    throw new FunctionGraphError(
      'FSS.1101',
      `trigger_type_code "${type}" does not exist here: use ${types.join(', ')}`,
    );
  }
  const common = { status, createdAtMs: nowMs };
  switch (type) {
    case 'TIMER': {
      const data = parseWith(timerData, eventData, 'FSS.1109');
      return { ...common, type, id: randomUUID(), data, schedule: scheduleOf(data, behaviour.timeZone) };
    }
    case 'OBS': {
      if (status === 'DISABLED') throw refuseStatus(type);
      const data = parseWith(obsData, eventData, 'FSS.1106');
      return { ...common, type, id: data.name || randomUUID(), data };
    }
    case 'EVENTGRID':
      if (status === 'DISABLED') throw refuseStatus(type);
      return {
        ...common,
        type,
        id: randomUUID(),
        data: parseWith(eventGridData, eventData, 'FSS.0400'),
      };
    case 'SMN':
      if (status === 'DISABLED') throw refuseStatus(type);
      return { ...common, type, id: randomUUID(), data: parseWith(topicData, eventData, 'FSS.0400') };
    case 'APIG':
    case 'DEDICATEDGATEWAY': {
      if (status === 'DISABLED') throw refuseStatus(type);
      const data = parseWith(gatewayData, eventData, 'FSS.1107');
      refusePathParameters(data.path, behaviour);
      // A new API with each trigger: what was bound to an earlier one is not bound to it.
      const apiId = randomUUID().replaceAll('-', '');
      return { ...common, type, id: apiId, apiId, data };
    }
    default:
      throw new FunctionGraphError('FSS.1101', `trigger_type_code "${type}" does not exist here`);
  }
}

/**
 * Refuses a trigger that conflicts with existing ones.
 *
 * @param own triggers of the same function
 * @param all triggers of all functions
 * @throws FunctionGraphError FSS.1108 for OBS rules that overlap, FSS.1147 for a path that its group already has,
 *   FSS.0409 for a topic that the function already has, FSS.1148 for the name of an existing timer, FSS.1145 for the
 *   name of an existing OBS trigger, FSS.1306 above 10 triggers
 */
export function refuseConflict(
  trigger: Trigger,
  own: readonly Trigger[],
  all: readonly Trigger[],
  { apiMatchModes, obsTriggerNames }: Pick<FunctionGraphBehaviour, 'apiMatchModes' | 'obsTriggerNames'>,
): void {
  if (own.length >= 10) throw new FunctionGraphError('FSS.1306', 'the function has 10 triggers, the maximum');
  if (trigger.type === 'TIMER') {
    const { name } = trigger.data;
    if (own.some((other) => other.type === 'TIMER' && other.data.name === name)) {
      throw new FunctionGraphError('FSS.1148', `event_data.name: the function already has a timer "${name}"`);
    }
  }
  if (trigger.type === 'SMN') {
    const { topic_urn: topic } = trigger.data;
    if (own.some((other) => other.type === 'SMN' && other.data.topic_urn === topic)) {
      throw new FunctionGraphError(
        'FSS.0409',
        `event_data.topic_urn: the function already has a trigger of ${topic}`,
      );
    }
  }
  if (trigger.type === 'OBS') {
    const named = obsTriggerNames === 'project' ? all : own;
    if (named.some(({ type, id }) => type === 'OBS' && id === trigger.id)) {
      throw new FunctionGraphError(
        'FSS.1145',
        `event_data.name: the ${obsTriggerNames} already has an OBS trigger "${trigger.id}"`,
      );
    }
    const rival = all.find((other) => other.type === 'OBS' && rulesOverlap(trigger, other));
    if (rival?.type === 'OBS') {
      throw new FunctionGraphError(
        'FSS.1108',
        `bucket ${trigger.data.bucket}, prefix "${trigger.data.prefix}", suffix "${trigger.data.suffix}" overlap with OBS trigger "${rival.id}" (prefix "${rival.data.prefix}", suffix "${rival.data.suffix}"): make them disjoint`,
      );
    }
  }
  if (isGatewayTrigger(trigger)) {
    const { path, req_method: method, group_id: group, match_mode: mode } = trigger.data;
    const taken = all.some(
      (other) =>
        isGatewayTrigger(other) &&
        other.data.path === path &&
        other.data.req_method === method &&
        other.data.group_id === group &&
        (apiMatchModes === 'one' || other.data.match_mode === mode),
    );
    if (taken) {
      throw new FunctionGraphError(
        'FSS.1147',
        `event_data.path: ${method} ${path} already exists in API group "${group ?? ''}"`,
      );
    }
  }
}

/** True if the trigger wants this event of OBS. */
export function matchesObjectEvent(trigger: ObsTrigger | EventGridTrigger, event: ObjectEvent): boolean {
  if (trigger.status !== 'ACTIVE' || trigger.goneAtMs !== undefined) return false;
  const { bucket, prefix, suffix } = trigger.data;
  if (bucket !== event.bucket || !event.key.startsWith(prefix) || !event.key.endsWith(suffix)) return false;
  if (trigger.type === 'EVENTGRID') {
    const wanted = `OBS:DWR:${event.eventName}`.toLowerCase();
    return trigger.data.event_types.some((type) => type.toLowerCase() === wanted);
  }
  const [family] = event.eventName.split(':');
  return trigger.data.events.some((name) => name === `s3:${family}:*` || name === `s3:${event.eventName}`);
}

/** The refusal to disable or enable a trigger that cannot be switched off. */
export function refuseStatus(type: Exclude<Trigger['type'], 'TIMER'>): FunctionGraphError {
  const code = {
    OBS: 'FSS.1106',
    EVENTGRID: 'FSS.0400',
    SMN: 'FSS.0400',
    APIG: 'FSS.1107',
    DEDICATEDGATEWAY: 'FSS.1107',
  } as const;
  return new FunctionGraphError(
    code[type],
    `trigger_status: a trigger of type ${type} cannot be disabled or enabled, only created and deleted`,
  );
}

/** True for triggers of the shared and of a dedicated gateway. */
export function isGatewayTrigger(trigger: Trigger): trigger is GatewayTrigger {
  return trigger.type === 'APIG' || trigger.type === 'DEDICATEDGATEWAY';
}

/** A trigger has no field for request parameters, and API Gateway demands a declaration of those in a path. */
function refusePathParameters(
  path: string,
  { apiPathParameters }: Pick<FunctionGraphBehaviour, 'apiPathParameters'>,
): void {
  if (apiPathParameters === 'taken' || !/[{}]/.test(path)) return;
  throw new FunctionGraphError(
    'APIG.2026',
    `The request path parameters are not defined; event_data.path: ${path}`,
  );
}

function scheduleOf({ schedule_type, schedule }: z.infer<typeof timerData>, timeZone: string): Schedule {
  try {
    return schedule_type === 'Rate' ? parseRate(schedule) : parseCron(schedule, timeZone);
  } catch (error) {
    throw new FunctionGraphError('FSS.1109', `event_data.schedule: ${(error as Error).message}`);
  }
}

function rulesOverlap(one: ObsTrigger, other: ObsTrigger): boolean {
  const a = one.data;
  const b = other.data;
  return (
    a.bucket === b.bucket &&
    (a.prefix.startsWith(b.prefix) || b.prefix.startsWith(a.prefix)) &&
    (a.suffix.endsWith(b.suffix) || b.suffix.endsWith(a.suffix))
  );
}
