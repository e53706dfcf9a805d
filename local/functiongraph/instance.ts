/**
 * The program of one function instance. It loads the user's code from its folder, runs one request at a time and
 * answers over the IPC channel. It follows the rules of the platform's Node.js runtime.
 */
import { constants, getPriority, setPriority } from 'node:os';
import type {
  Answer,
  FromInstance,
  InstanceConfiguration,
  InvocationCredentials,
  LogLevel,
  ToInstance,
} from './instance-protocol';
import { RuntimeContext } from './runtime-context';
import { type Entry, loadEntry, type UserFunction } from './runtime-entry';
import {
  callbackFailure,
  entryFailure,
  failure,
  initializationFailure,
  invocationFailure,
} from './runtime-errors';
import { captureOutput, RuntimeLogger } from './runtime-logger';
import { serialiseResult } from './runtime-result';

// In the cloud, functions run on machines of their own. Here they give way to OBS, MPC and the other services, so that readers
// delay uploads less (bench/README.md, “Reading”).
const { PRIORITY_BELOW_NORMAL } = constants.priority;
if (getPriority() < PRIORITY_BELOW_NORMAL) setPriority(PRIORITY_BELOW_NORMAL);

const channel = process.send?.bind(process);
if (channel === undefined)
  throw new Error('only the FunctionGraph of the local cloud may start this program');
const send = (message: FromInstance) => channel(message);
// User code sees a plain process, as on the platform.
process.send = undefined as never;

const log = (level: LogLevel, text: string) => {
  send({ type: 'log', timeMs: Date.now(), level, text: text.replace(/\n$/, '') });
};
captureOutput(log);

let configuration: InstanceConfiguration;
let entry: Entry | undefined;

process.on('message', (message: ToInstance) => {
  void handle(message).then((answer) => {
    if (answer.isError) log('ERROR', answer.body);
    send({ type: 'answer', answer, rssBytes: process.memoryUsage.rss() });
  });
});
process.on('disconnect', () => process.exit(0));
send({ type: 'ready' });

function handle(message: ToInstance): Promise<Answer> {
  if (message.type === 'invoke') return invoke(message.requestId, message.event, message.credentials);
  configuration = message.configuration;
  return initialise(message.credentials);
}

async function initialise(credentials: InvocationCredentials): Promise<Answer> {
  if (configuration.initializerHandler === undefined) return { isError: false, body: '' };
  try {
    entry = loadEntry(configuration);
  } catch (error) {
    return entryFailure(error);
  }
  const settled = await settle(entry.initializer as UserFunction, [newContext('', credentials)]);
  return settled.ok ? { isError: false, body: '' } : initializationFailure(settled.error);
}

async function invoke(requestId: string, event: string, credentials: InvocationCredentials): Promise<Answer> {
  try {
    entry ??= loadEntry(configuration);
  } catch (error) {
    return entryFailure(error);
  }
  let parsed: unknown;
  try {
    parsed = JSON.parse(event);
  } catch (error) {
    return failure(4002, (error as Error).message);
  }
  const settled = await settle(entry.handler, [parsed, newContext(requestId, credentials)]);
  if (settled.ok) return serialiseResult(settled.value, configuration.maxResponseBytes);
  if (settled.by === 'callback') return callbackFailure(settled.error);
  return invocationFailure(settled.error, configuration.codeRoot);
}

type Settled = { ok: true; value: unknown } | { ok: false; error: unknown; by: 'callback' | 'throw' };

/**
 * Calls a user function and waits for its first answer: a call of the callback, or the settlement of a native promise.
 * Any other return value is ignored, as on the platform; then the wait lasts until the time-out.
 */
function settle(userFunction: UserFunction, args: unknown[]): Promise<Settled> {
  return new Promise((resolve) => {
    // The defaults are the platform's: `callback()` is a failure.
    const callback = (error: unknown = {}, value: unknown = '') => {
      resolve(error ? { ok: false, error, by: 'callback' } : { ok: true, value });
    };
    const fail = (error: unknown) => resolve({ ok: false, error, by: 'throw' });
    try {
      const returned = userFunction(...args, callback);
      if (returned instanceof Promise) returned.then((value) => resolve({ ok: true, value }), fail);
    } catch (error) {
      fail(error);
    }
  });
}

function newContext(requestId: string, credentials: InvocationCredentials): RuntimeContext {
  return new RuntimeContext(configuration, credentials, requestId, new RuntimeLogger(log));
}
