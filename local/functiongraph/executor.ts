import type { Clock } from '../clock';
import type { Credentials } from '../iam/credentials';
import { recordInvocation } from './async-records';
import { agencyCredentials, type DeployedFunction, instanceConfiguration } from './deployed-function';
import type { Slot } from './instance-pool';
import type { Exchange, InstanceProcess, LogLine } from './instance-process';
import type { Invocation, InvocationResult, Outcome } from './invocation';
import { logLinesOf } from './invocation';

const INITIALIZER_TRIES = 3;
const DEFAULT_INITIALIZER_TIMEOUT_SECONDS = 3;
/** The result of a request whose function was deleted before it had an instance. */
const DELETED: Exchange = {
  answer: {
    isError: true,
    errorCode: 4002,
    body: 'function invocation exception, error: the function was deleted',
  },
  log: [],
  memoryUsedBytes: 0,
};

/** One event on its way to a function. */
export interface Request {
  requestId: string;
  deployed: DeployedFunction;
  /** JSON text. */
  event: string;
  trigger: string;
}

export interface ExecutorOptions {
  projectId: string;
  credentials: Credentials;
  clock: Clock;
  publish: (invocation: Invocation) => void;
  /** Called before every attempt. @returns a function to call when the attempt has ended */
  onAttempt?: ((attempt: Attempt) => () => void) | undefined;
  /** Receives the log lines of an attempt, if the function's logs go to LTS. */
  keepLog?: ((place: LogPlace, lines: readonly string[]) => void) | undefined;
}

/** A log stream of LTS. */
export interface LogPlace {
  groupId: string;
  streamId: string;
}

/** One attempt to handle an event on an instance. */
export interface Attempt {
  functionName: string;
  /** Id of the attempt's temporary key; empty without an agency. */
  accessKey: string;
  /** Ends the instance at once. */
  kill: () => void;
}

/** Runs requests on instances. */
export class Executor {
  readonly #options: ExecutorOptions;

  constructor(options: ExecutorOptions) {
    this.#options = options;
  }

  /** Reports a change in an invocation's life to the listeners, and keeps it in the function's own record. */
  publish(
    request: Request,
    attempt: number,
    state: Invocation['state'],
    more: Pick<Invocation, 'outcome' | 'discardReason'> = {},
  ): void {
    const { requestId, deployed, trigger, event } = request;
    const timeMs = this.#options.clock();
    const invocation = {
      requestId,
      functionName: deployed.name,
      trigger,
      state,
      timeMs,
      attempt,
      event,
      ...more,
    };
    recordInvocation(
      deployed.asyncRecords,
      invocation,
      deployed.asyncInvoke?.enable_async_status_log === true,
    );
    this.#options.publish(invocation);
  }

  /**
   * Runs one attempt in a reserved slot, reports how it ended, then releases the slot.
   *
   * @param endState what the outcome means for the invocation
   */
  async run(
    request: Request,
    slot: Slot,
    attempt: number,
    endState: (outcome: Outcome) => Invocation['state'],
  ): Promise<Outcome> {
    try {
      this.publish(request, attempt, 'running');
      const startedAtMs = this.#options.clock();
      const outcome = await this.#attempt(request, slot);
      this.#keepLog(request, startedAtMs, outcome);
      this.publish(request, attempt, endState(outcome), { outcome });
      return outcome;
    } finally {
      slot.release();
    }
  }

  #keepLog({ requestId, deployed }: Request, startedAtMs: number, outcome: Outcome): void {
    const { enable_lts_log: isKept, log_config: place, memory_size: memoryMb } = deployed.configuration;
    if (isKept !== true || place === undefined) return;
    const lines = logLinesOf(requestId, deployed.version, startedAtMs, memoryMb, outcome);
    this.#options.keepLog?.({ groupId: place.group_id, streamId: place.stream_id }, lines);
  }

  /** The result that a synchronous caller gets. */
  result(request: Request, startedAtMs: number, outcome: Outcome): InvocationResult {
    const { isError, errorCode, body, durationMs, cold } = outcome;
    const { version, configuration } = request.deployed;
    return {
      requestId: request.requestId,
      isError,
      ...(errorCode === undefined ? {} : { errorCode }),
      body,
      get log() {
        const lines = logLinesOf(request.requestId, version, startedAtMs, configuration.memory_size, outcome);
        return `${lines.join('\n')}\n`;
      },
      durationMs,
      cold,
    };
  }

  async #attempt({ deployed, requestId, event }: Request, slot: Slot): Promise<Outcome> {
    const { configuration } = deployed;
    const startedAt = performance.now();
    const started = await this.#start(deployed, slot);
    const log: LogLine[] = [...started.log];
    let exchange: Exchange;
    if ('failed' in started) {
      exchange = started.failed;
    } else {
      const { instance } = started;
      const credentials = agencyCredentials(configuration, this.#options.credentials);
      const ended = this.#options.onAttempt?.({
        functionName: deployed.name,
        accessKey: credentials.accessKey,
        kill: () => void instance.kill(),
      });
      exchange = await instance.invoke(requestId, event, credentials, configuration.timeout * 1000);
      ended?.();
      log.push(...exchange.log);
    }
    return {
      cold: started.cold,
      durationMs: performance.now() - startedAt,
      memoryMb: exchange.memoryUsedBytes / (1024 * 1024),
      log,
      ...exchange.answer,
    };
  }

  /** An instance that is ready for the request. A new one has three tries to initialise. */
  async #start(
    deployed: DeployedFunction,
    slot: Slot,
  ): Promise<{ cold: boolean; log: LogLine[] } & ({ instance: InstanceProcess } | { failed: Exchange })> {
    const { configuration } = deployed;
    const timeoutMs = (configuration.initializer_timeout ?? DEFAULT_INITIALIZER_TIMEOUT_SECONDS) * 1000;
    const log: LogLine[] = [];
    for (let attempt = 1; ; attempt += 1) {
      const taken = await slot.take();
      if (taken === undefined) return { cold: false, log, failed: DELETED };
      const { instance, cold } = taken;
      if (!cold) return { instance, cold, log };
      const exchange = await instance.initialise(
        instanceConfiguration(deployed, this.#options.projectId),
        agencyCredentials(configuration, this.#options.credentials),
        timeoutMs,
      );
      log.push(...exchange.log);
      if (!exchange.answer.isError) return { instance, cold, log };
      await instance.kill();
      if (attempt === INITIALIZER_TRIES || slot.isPoolClosed()) return { cold, log, failed: exchange };
    }
  }
}
