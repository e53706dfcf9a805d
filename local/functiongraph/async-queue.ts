import { newRequestId } from '../http-server';
import type { AsyncEnd } from './async-destinations';
import type { FunctionGraphBehaviour } from './behaviour';
import type { DeployedFunction } from './deployed-function';
import { FunctionGraphError } from './errors';
import type { Executor, Request } from './executor';
import type { Outcome } from './invocation';

/** Largest event of an asynchronous invocation. */
const MAX_EVENT_BYTES = 256 * 1024;
const DEFAULT_EVENT_AGE_SECONDS = 3600;

interface QueuedEvent extends Request {
  attempt: number;
  enqueuedAtMs: number;
}

export interface AsyncQueueOptions {
  executor: Executor;
  behaviour: FunctionGraphBehaviour;
  clock: () => number;
  /**
   * Called for every event that ended: in success, after its last attempt, or discarded because no instance was free or
   * it was too old.
   */
  onEnd: (end: AsyncEnd) => void;
}

/** The events of asynchronous invocations: in order of arrival, retried when the function fails. */
export class AsyncQueue {
  readonly #options: AsyncQueueOptions;
  readonly #waiting = new Set<QueuedEvent>();
  readonly #retries = new Set<NodeJS.Timeout>();
  #draining = false;
  #closed = false;

  constructor(options: AsyncQueueOptions) {
    this.#options = options;
  }

  /**
   * Accepts an event and returns its request id at once.
   *
   * @param event JSON text
   * @throws FunctionGraphError FSS.0413 above 256 KB
   */
  enqueue(deployed: DeployedFunction, event: string, trigger: string): string {
    const sizeBytes = Buffer.byteLength(event);
    if (sizeBytes > MAX_EVENT_BYTES) {
      throw new FunctionGraphError(
        'FSS.0413',
        `the event has ${sizeBytes} bytes; an asynchronous invocation takes ${MAX_EVENT_BYTES} bytes`,
      );
    }
    const queued: QueuedEvent = {
      requestId: newRequestId(),
      deployed,
      event,
      trigger,
      attempt: 1,
      enqueuedAtMs: this.#options.clock(),
    };
    this.#options.executor.publish(queued, 1, 'queued');
    this.#waiting.add(queued);
    this.drain();
    return queued.requestId;
  }

  /**
   * Starts every waiting event that finds an instance, and discards those of deleted functions. Call it whenever an
   * instance becomes free or a function is deleted.
   */
  drain(): void {
    // A listener may add an event meanwhile; the loop then reaches it.
    if (this.#draining) return;
    this.#draining = true;
    for (const queued of this.#waiting) if (this.#start(queued)) this.#waiting.delete(queued);
    this.#draining = false;
  }

  close(): void {
    this.#closed = true;
    this.#waiting.clear();
    for (const retry of this.#retries) clearTimeout(retry);
    this.#retries.clear();
  }

  /** False if the event must keep waiting. */
  #start(queued: QueuedEvent): boolean {
    const { executor, behaviour, clock, onEnd } = this.#options;
    if (queued.deployed.pool.closed) return this.#discard(queued, 'the function was deleted');
    const maxAgeSeconds = this.#maxAgeSeconds(queued);
    if (clock() - queued.enqueuedAtMs > maxAgeSeconds * 1000) {
      this.#discard(queued, `the event is older than max_async_event_age_in_seconds (${maxAgeSeconds})`);
      onEnd({ request: queued, attempt: queued.attempt, timeMs: clock(), outcome: 'expired' });
      return true;
    }
    const slot = queued.deployed.pool.reserve();
    if (slot === undefined) {
      if (behaviour.excessAsyncEvents === 'queued') return false;
      this.#discard(queued, 'Your request has been controlled by overload sdk, please retry later');
      onEnd({ request: queued, attempt: queued.attempt, timeMs: clock(), outcome: 'throttled' });
      return true;
    }
    const timeMs = clock();
    const endState = ({ isError }: Outcome) => {
      if (!isError) return 'succeeded';
      return queued.attempt > this.#retryAttempts(queued) ? 'failed' : 'retrying';
    };
    void executor.run(queued, slot, queued.attempt, endState).then((outcome) => {
      // That the local cloud ends is no result of the function.
      if (this.#closed) return;
      if (endState(outcome) === 'retrying') this.#retryLater(queued);
      else onEnd({ request: queued, attempt: queued.attempt, timeMs, outcome });
    });
    return true;
  }

  #discard(queued: QueuedEvent, discardReason: string): true {
    this.#options.executor.publish(queued, queued.attempt, 'discarded', { discardReason });
    return true;
  }

  #retryLater(queued: QueuedEvent): void {
    const retry = setTimeout(() => {
      this.#retries.delete(retry);
      this.#waiting.add({ ...queued, attempt: queued.attempt + 1 });
      this.drain();
    }, this.#options.behaviour.asyncRetryDelayMs);
    retry.unref();
    this.#retries.add(retry);
  }

  #retryAttempts({ deployed }: QueuedEvent): number {
    return (
      deployed.asyncInvoke?.max_async_retry_attempts ?? this.#options.behaviour.defaultAsyncRetryAttempts
    );
  }

  #maxAgeSeconds({ deployed }: QueuedEvent): number {
    return deployed.asyncInvoke?.max_async_event_age_in_seconds ?? DEFAULT_EVENT_AGE_SECONDS;
  }
}
