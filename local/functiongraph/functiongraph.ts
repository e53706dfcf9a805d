import { mkdtempSync, realpathSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import type { Server } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Clock } from '../clock';
import type { AccessLogEntry } from '../front';
import type { Credentials } from '../iam/credentials';
import { renderObjectEvents } from '../obs/events';
import type { ObjectEvent } from '../obs/object-store';
import { type Delivery, notifyDestination } from './async-destinations';
import { AsyncQueue } from './async-queue';
import { DEFAULT_BEHAVIOUR, type FunctionGraphBehaviour } from './behaviour';
import type { DeployedFunction } from './deployed-function';
import { type Attempt, Executor, type LogPlace } from './executor';
import type { AccountConcurrency } from './instance-pool';
import type { Invocation, InvocationResult } from './invocation';
import { LaunchLine } from './launch-line';
import {
  deleteSubscription,
  type EventGridSubscription,
  fireTimer,
  functionNamed,
  functionOfUrn,
  type Platform,
  runNow,
  triggersOf,
  versionsOf,
} from './platform';
import { createManagementServer } from './server';
import { Timers } from './timers';
import { type TopicMessage, topicEvent } from './trigger-events';
import { isGatewayTrigger, matchesObjectEvent, type TimerTrigger } from './triggers';

export type { Delivery } from './async-destinations';
export type { FunctionGraphBehaviour } from './behaviour';
export type { DeployedFunction } from './deployed-function';
export { FunctionGraphError } from './errors';
export type { Attempt } from './executor';
export type { Invocation, InvocationResult } from './invocation';
export type { EventGridSubscription } from './platform';

export interface FunctionGraphOptions {
  credentials: Credentials;
  region: string;
  projectId: string;
  clock?: Clock;
  behaviour?: Partial<FunctionGraphBehaviour>;
  /** Called for every request to the management API, after its answer has been sent. */
  onRequest?: (entry: AccessLogEntry) => void;
  /** The address of API Gateway, once it is known. Triggers show the addresses of their APIs. */
  apiAddress?: () => string | undefined;
  /** Whether a topic exists in SMN. Default: every topic exists. */
  hasTopic?: (topicUrn: string) => boolean;
  /** Writes an object to OBS, for asynchronous destinations of that type. Without it they receive nothing. */
  putObject?: (bucket: string, key: string, body: string) => Promise<void>;
  /** Called for every notification to an asynchronous destination, also for those that could not be delivered. */
  onDelivery?: (delivery: Delivery) => void;
  /** Called before every attempt. @returns a function to call when the attempt has ended */
  onAttempt?: (attempt: Attempt) => () => void;
  /** Receives the log lines of an attempt, if the function's logs go to LTS. */
  keepLog?: (place: LogPlace, lines: readonly string[]) => void;
}

/** A function that API Gateway publishes. */
export interface ApiRoute {
  functionName: string;
  apiId: string;
  /** API group, which has its own sub-domain; empty if the trigger names none. */
  groupId: string;
  /** The dedicated gateway; empty for the shared one. */
  instanceId: string;
  name: string;
  /** Id of the environment in which the API is published, such as that of RELEASE. */
  envId: string;
  stage: string;
  /** Path with parameters in braces, for example `/snapshots/{task_id}`. */
  path: string;
  /** HTTP method or ANY. */
  method: string;
  /** NORMAL: the whole path must match; SWA: its beginning. */
  matchMode: 'NORMAL' | 'SWA';
  auth: 'IAM' | 'APP' | 'NONE';
  timeoutMs: number;
}

/** A FunctionGraph that runs uploaded zips in processes of this machine. */
export interface FunctionGraph {
  /** The management API `/v2/{project_id}/fgs/…`. It takes signed requests only. Not yet listening. */
  server: Server;
  functions(): readonly DeployedFunction[];
  /**
   * Runs a function and waits for its answer.
   *
   * @param trigger label of the invocation
   * @throws FunctionGraphError if the request never reaches the user's code: FSS.1051 unknown function, FSS.1201 event
   *   above 6 MB, FSS.0429 no free instance
   */
  invoke(functionName: string, event: unknown, trigger?: string): Promise<InvocationResult>;
  /**
   * Hands an event to the asynchronous queue and returns its request id.
   *
   * @throws FunctionGraphError FSS.1051 unknown function, FSS.0413 event above 256 KB
   */
  invokeAsync(functionName: string, event: unknown, trigger: string): string;
  /** Hands an OBS event to every OBS and EVENTGRID trigger that wants it. @returns the request ids */
  deliverObjectEvent(event: ObjectEvent): string[];
  /** Hands a message to every function with a trigger of its topic. @returns the request ids */
  deliverTopicMessage(message: TopicMessage): string[];
  /** The functions with a trigger of a topic, and the ids of these triggers. */
  topicSubscriptions(topicUrn: string): { id: string; functionUrn: string }[];
  /** The timer triggers of all functions, with the next time of each; undefined if there is none. */
  timers(): readonly { functionName: string; trigger: TimerTrigger; nextMs: number | undefined }[];
  /**
   * Fires a timer trigger out of turn. @returns the request id
   *
   * @throws FunctionGraphError FSS.1051 unknown function, FSS.1131 no such timer
   */
  fireTimer(functionName: string, triggerName: string): string;
  apiRoutes(): readonly ApiRoute[];
  /** EventGrid's subscriptions for the functions, by id, including those that deleted triggers left behind. */
  subscriptions(): ReadonlyMap<string, EventGridSubscription>;
  /** Deletes a subscription and its trigger. @returns false if there is none */
  deleteSubscription(id: string): boolean;
  /** Reports every change in the life of every invocation. @returns a function that ends this */
  onInvocation(listener: (invocation: Invocation) => void): () => void;
  /** Ends all instances, timers and the server, and deletes the unpacked code. */
  close(): Promise<void>;
}

/** The environment RELEASE, which every gateway has. */
const DEFAULT_ENVIRONMENT_ID = 'DEFAULT_ENVIRONMENT_RELEASE_ID';

/** Creates a FunctionGraph without functions. */
export function createFunctionGraph(options: FunctionGraphOptions): FunctionGraph {
  const { credentials, region, projectId, clock = Date.now } = options;
  const behaviour = { ...DEFAULT_BEHAVIOUR, ...options.behaviour };
  const workDirectory = mkdtempSync(path.join(realpathSync(tmpdir()), 'functiongraph-'));
  const listeners = new Set<(invocation: Invocation) => void>();
  const account: AccountConcurrency = { running: 0, limit: behaviour.accountConcurrency };
  const executor = new Executor({
    projectId,
    credentials,
    clock,
    onAttempt: options.onAttempt,
    keepLog: options.keepLog,
    publish: (invocation) => {
      for (const listener of listeners) listener(invocation);
    },
  });
  const destinations = {
    timeZone: behaviour.timeZone,
    invoke: (urn: string, event: string) =>
      void queue.enqueue(functionOfUrn(platform, urn), event, 'DESTINATION'),
    putObject: options.putObject,
    onDelivery: options.onDelivery,
  };
  const queue = new AsyncQueue({
    executor,
    behaviour,
    clock,
    onEnd: (end) => void notifyDestination(end, destinations),
  });
  const platform: Platform = {
    region,
    projectId,
    clock,
    behaviour,
    surroundings: {
      projectId,
      workDirectory,
      behaviour,
      account,
      launchLine: new LaunchLine(),
      onRelease: () => queue.drain(),
    },
    functions: new Map(),
    executor,
    queue,
    timers: new Timers(clock),
    subscriptions: new Map(),
    hasTopic: options.hasTopic ?? (() => true),
    apiAddress: options.apiAddress ?? (() => undefined),
  };
  const server = createManagementServer(platform, credentials, options.onRequest);

  return {
    server,
    functions: () => {
      const deployed = [...platform.functions.values()];
      for (const one of deployed) triggersOf(platform, one);
      return deployed;
    },
    invoke: async (functionName, event, trigger = 'SYNC') =>
      runNow(platform, functionNamed(platform, functionName), JSON.stringify(event), trigger),
    invokeAsync: (functionName, event, trigger) =>
      queue.enqueue(functionNamed(platform, functionName), JSON.stringify(event), trigger),
    deliverObjectEvent: (event) => deliverObjectEvent(platform, event),
    deliverTopicMessage: (message) =>
      subscribersOf(platform, message.topicUrn).map(({ deployed }) => {
        const event = topicEvent(message, deployed.name, deployed.urn, clock());
        return queue.enqueue(deployed, JSON.stringify(event), 'SMN');
      }),
    topicSubscriptions: (topicUrn) =>
      subscribersOf(platform, topicUrn).map(({ id, deployed }) => ({ id, functionUrn: deployed.urn })),
    timers: () =>
      [...platform.functions.values()].flatMap(({ name, triggers }) =>
        triggers
          .filter((trigger) => trigger.type === 'TIMER')
          .filter(({ goneAtMs }) => goneAtMs === undefined)
          .map((trigger) => ({
            functionName: name,
            trigger,
            nextMs: platform.timers.nextMs(trigger),
          })),
      ),
    fireTimer: (functionName, triggerName) =>
      fireTimer(platform, functionNamed(platform, functionName), triggerName),
    apiRoutes: () => [...platform.functions.values()].flatMap(apiRoutesOf),
    subscriptions: () => platform.subscriptions,
    deleteSubscription: (id) => deleteSubscription(platform, id),
    onInvocation(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async close() {
      listeners.clear();
      platform.timers.close();
      queue.close();
      server.close();
      server.closeAllConnections();
      const versions = [...platform.functions.values()].flatMap(versionsOf);
      await Promise.all(versions.map(({ pool }) => pool.close()));
      await rm(workDirectory, { recursive: true, force: true });
    },
  };
}

function deliverObjectEvent({ functions, behaviour, region, queue }: Platform, event: ObjectEvent): string[] {
  const requestIds: string[] = [];
  for (const deployed of functions.values()) {
    for (const trigger of deployed.triggers) {
      if (trigger.type !== 'OBS' && trigger.type !== 'EVENTGRID') continue;
      if (!matchesObjectEvent(trigger, event)) continue;
      const rendered =
        trigger.type === 'OBS'
          ? renderObjectEvents(behaviour.obsTriggerShape, [event], region, {
              encodeKeys: behaviour.obsTriggerEncodesKeys,
            })
          : renderObjectEvents('eventgrid', [event], region, { encodeKeys: trigger.data.Key_encode });
      requestIds.push(queue.enqueue(deployed, JSON.stringify(rendered), trigger.type));
    }
  }
  return requestIds;
}

function subscribersOf({ functions }: Platform, topicUrn: string) {
  return [...functions.values()].flatMap((deployed) =>
    deployed.triggers
      .filter(({ type, goneAtMs }) => type === 'SMN' && goneAtMs === undefined)
      .filter(({ data }) => 'topic_urn' in data && data.topic_urn === topicUrn)
      .map(({ id }) => ({ id, deployed })),
  );
}

function apiRoutesOf({ name, triggers }: DeployedFunction): ApiRoute[] {
  const published = triggers.filter(isGatewayTrigger).filter(({ goneAtMs }) => goneAtMs === undefined);
  return published.map(({ apiId, data }) => ({
    functionName: name,
    apiId,
    groupId: data.group_id ?? '',
    instanceId: data.instance_id ?? '',
    name: data.name,
    envId: data.env_id ?? DEFAULT_ENVIRONMENT_ID,
    stage: data.env_name,
    path: data.path,
    method: data.req_method,
    matchMode: data.match_mode,
    auth: data.auth,
    timeoutMs: data.func_info.timeout,
  }));
}
