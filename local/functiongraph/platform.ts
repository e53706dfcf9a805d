import { newRequestId } from '../http-server';
import type { AsyncQueue } from './async-queue';
import type { FunctionGraphBehaviour } from './behaviour';
import type { DeployedFunction, Surroundings } from './deployed-function';
import { FunctionGraphError } from './errors';
import type { Executor } from './executor';
import type { InvocationResult } from './invocation';
import type { Timers } from './timers';
import { timerEvent } from './trigger-events';
import { type EventGridTrigger, refuseConflict, type TimerTrigger, type Trigger } from './triggers';

/** Largest event of a synchronous invocation. */
const MAX_SYNC_EVENT_BYTES = 6 * 1024 * 1024;

/** The parts that the operations of the management API work on. */
export interface Platform {
  region: string;
  projectId: string;
  clock: () => number;
  behaviour: FunctionGraphBehaviour;
  surroundings: Surroundings;
  functions: Map<string, DeployedFunction>;
  executor: Executor;
  queue: AsyncQueue;
  timers: Timers;
  /**
   * Subscriptions of EventGrid by id, which is the id of the trigger that made them. A subscription stays when its
   * trigger is deleted. When it is deleted, its trigger is deleted too.
   */
  subscriptions: Map<string, EventGridSubscription>;
  /** Whether a topic exists in SMN. */
  hasTopic: (topicUrn: string) => boolean;
  /** The address of API Gateway; undefined until it is known. */
  apiAddress: () => string | undefined;
}

/** An EventGrid subscription that FunctionGraph made for a trigger. */
export interface EventGridSubscription {
  functionUrn: string;
  trigger: EventGridTrigger;
}

/** @throws FunctionGraphError FSS.1051 if there is no function of that name */
export function functionNamed(platform: Platform, name: string): DeployedFunction {
  const deployed = platform.functions.get(name);
  if (deployed === undefined) throw new FunctionGraphError('FSS.1051', `function "${name}" does not exist`);
  return deployed;
}

/**
 * The function that a URN names. A URN without a version means the latest.
 *
 * @throws FunctionGraphError FSS.1309 for anything that is not a URN, FSS.1051 for an unknown function, FSS.1052 for an
 *   unknown version
 */
export function functionOfUrn(platform: Platform, urn: string): DeployedFunction {
  const { deployed, version } = parseUrn(platform, urn);
  if (version === undefined || version === deployed.version) return deployed;
  const published = deployed.versions.get(version);
  if (published === undefined) {
    throw new FunctionGraphError('FSS.1052', `version "${version}" of ${deployed.name} does not exist`);
  }
  return published;
}

/**
 * Like functionOfUrn, for an operation that changes the function: a published version cannot change.
 *
 * @throws FunctionGraphError FSS.0400 for a published version, and those of functionOfUrn
 */
export function latestOfUrn(platform: Platform, urn: string): DeployedFunction {
  const deployed = functionOfUrn(platform, urn);
  if (deployed.version === 'latest') return deployed;
  throw new FunctionGraphError(
    'FSS.0400',
    `version "${deployed.version}" of ${deployed.name} is published and cannot change: use the URN that ends with :latest`,
  );
}

/** `latest` and its published versions. */
export function versionsOf(latest: DeployedFunction): DeployedFunction[] {
  return [latest, ...latest.versions.values()];
}

function parseUrn(
  platform: Platform,
  urn: string,
): { deployed: DeployedFunction; version: string | undefined } {
  const [, region, projectId, name = '', version] =
    /^urn:fss:([^:]+):([^:]+):function:[^:]+:([^:]+)(?::([^:]+))?$/.exec(urn) ?? [];
  if (region !== platform.region || projectId !== platform.projectId) {
    throw new FunctionGraphError(
      'FSS.1309',
      `"${urn}" is not a function URN of this project: expected urn:fss:${platform.region}:${platform.projectId}:function:<package>:<name>:latest`,
    );
  }
  return { deployed: functionNamed(platform, name), version };
}

/**
 * Runs a function and waits for its answer. Failures of user code are results, not exceptions.
 *
 * @param event JSON text
 * @throws FunctionGraphError FSS.1201 above 6 MB, FSS.0429 if no instance is free
 */
export async function runNow(
  platform: Platform,
  deployed: DeployedFunction,
  event: string,
  trigger: string,
): Promise<InvocationResult> {
  const sizeBytes = Buffer.byteLength(event);
  if (sizeBytes > MAX_SYNC_EVENT_BYTES) {
    throw new FunctionGraphError(
      'FSS.1201',
      `the event has ${sizeBytes} bytes; a synchronous invocation takes ${MAX_SYNC_EVENT_BYTES} bytes`,
    );
  }
  const slot = deployed.pool.reserve();
  if (slot === undefined) {
    throw new FunctionGraphError(
      'FSS.0429',
      'Your request has been controlled by overload sdk, please retry later',
    );
  }
  const request = { requestId: newRequestId(), deployed, event, trigger };
  const startedAtMs = platform.clock();
  const outcome = await platform.executor.run(request, slot, 1, ({ isError }) =>
    isError ? 'failed' : 'succeeded',
  );
  return platform.executor.result(request, startedAtMs, outcome);
}

/**
 * Adds a trigger to a function. A timer starts to run. @throws FunctionGraphError if it conflicts with another trigger
 */
export function attachTrigger(platform: Platform, deployed: DeployedFunction, trigger: Trigger): void {
  if (trigger.type === 'SMN' && !platform.hasTopic(trigger.data.topic_urn)) {
    throw new FunctionGraphError(
      'FSS.0400',
      `event_data.topic_urn: SMN has no topic ${trigger.data.topic_urn}`,
    );
  }
  const all = [...platform.functions.values()].flatMap((one) => triggersOf(platform, one));
  refuseConflict(trigger, triggersOf(platform, deployed), all, platform.behaviour);
  deployed.triggers.push(trigger);
  if (trigger.type === 'EVENTGRID') {
    platform.subscriptions.set(trigger.id, { functionUrn: deployed.urn, trigger });
  }
  if (trigger.type === 'TIMER') setTimerStatus(platform, deployed, trigger, trigger.status);
}

/** Starts or stops a timer. Its schedule counts from now. */
export function setTimerStatus(
  platform: Platform,
  deployed: DeployedFunction,
  trigger: TimerTrigger,
  status: TimerTrigger['status'],
): void {
  trigger.status = status;
  if (status === 'DISABLED') platform.timers.stop(trigger);
  else if (!platform.timers.has(trigger)) {
    platform.timers.start(trigger, () => fireTimer(platform, deployed, trigger.data.name));
  }
}

/** The triggers of a function, without those whose deletion is complete. */
export function triggersOf({ clock }: Platform, deployed: DeployedFunction): Trigger[] {
  const nowMs = clock();
  deployed.triggers = deployed.triggers.filter(({ goneAtMs = Number.POSITIVE_INFINITY }) => goneAtMs > nowMs);
  return deployed.triggers;
}

/**
 * The function that owns the triggers of a URN.
 *
 * @param code the error for a deleted function, unless the switch says 404
 * @throws FunctionGraphError that code, and those of latestOfUrn
 */
export function ownerOfTriggers(
  platform: Platform,
  urn: string,
  code: 'FSS.0401' | 'FSS.0500',
): DeployedFunction {
  try {
    return latestOfUrn(platform, urn);
  } catch (error) {
    const isGone = error instanceof FunctionGraphError && error.errorCode === 'FSS.1051';
    if (!isGone || platform.behaviour.goneFunction === 'documented') throw error;
    throw new FunctionGraphError(code, error.message);
  }
}

/**
 * A trigger by its type and id. The Terraform provider saw the service answer 500 for a missing trigger and 401 for a
 * missing function.
 *
 * @throws FunctionGraphError FSS.0500 and FSS.0401
 */
export function triggerOf(
  platform: Platform,
  urn: string,
  type: string,
  id: string,
): { deployed: DeployedFunction; trigger: Trigger } {
  let deployed: DeployedFunction;
  try {
    deployed = functionOfUrn(platform, urn);
  } catch (error) {
    throw new FunctionGraphError('FSS.0401', (error as Error).message);
  }
  const trigger = triggersOf(platform, deployed).find(
    (candidate) => candidate.type === type && candidate.id === id,
  );
  if (trigger === undefined)
    throw new FunctionGraphError('FSS.0500', `trigger ${type} "${id}" was not found`);
  return { deployed, trigger };
}

/** Deletes triggers of a function: they stop working at once, and disappear after the time of the switch. */
export function detachTriggers(
  platform: Platform,
  deployed: DeployedFunction,
  unwanted: (trigger: Trigger) => boolean,
): void {
  const goneAtMs = platform.clock() + platform.behaviour.triggerDeletionMs;
  for (const trigger of deployed.triggers.filter(unwanted)) {
    if (trigger.type === 'TIMER') platform.timers.stop(trigger);
    trigger.goneAtMs ??= goneAtMs;
  }
  triggersOf(platform, deployed);
}

/** Deletes a subscription of EventGrid and the trigger that made it. @returns false if there is none */
export function deleteSubscription(platform: Platform, id: string): boolean {
  const found = platform.subscriptions.delete(id);
  for (const deployed of platform.functions.values()) {
    detachTriggers(platform, deployed, (trigger) => trigger.type === 'EVENTGRID' && trigger.id === id);
  }
  return found;
}

/**
 * Sends a timer's event to its function. @returns the request id @throws FunctionGraphError FSS.1131 if there is no
 * such timer
 */
export function fireTimer(platform: Platform, deployed: DeployedFunction, triggerName: string): string {
  const trigger = deployed.triggers.find(
    (one) => one.type === 'TIMER' && one.data.name === triggerName && one.goneAtMs === undefined,
  );
  if (trigger?.type !== 'TIMER') {
    throw new FunctionGraphError('FSS.1131', `function ${deployed.name} has no timer "${triggerName}"`);
  }
  const event = timerEvent(
    triggerName,
    trigger.data.user_event,
    platform.clock(),
    platform.behaviour.timeZone,
  );
  return platform.queue.enqueue(deployed, JSON.stringify(event), 'TIMER');
}
