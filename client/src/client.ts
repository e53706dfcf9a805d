import { type Authentication, authenticationHeaders } from './authentication';
import { utf8 } from './bytes';
import { ApiError, apiError, NoAnswerError, SnapshotsError } from './errors';
import type { components, operations } from './schema';

/** The body of `POST /snapshots`. */
export type CreateTask = components['schemas']['CreateTask'];
export type CreatedTask = components['schemas']['CreatedTask'];
export type DryRun = components['schemas']['DryRun'];
export type Task = components['schemas']['Task'];
export type TaskStatus = Task['status'];
export type TaskList = components['schemas']['TaskList'];
export type Picture = NonNullable<Task['thumbnail_info']>[number];
export type Storyboard = components['schemas']['Storyboard'];

type ListParameters = NonNullable<operations['listSnapshots']['parameters']['query']>;
/** Filters and paging of a list of tasks. */
export type ListQuery = Omit<ListParameters, 'format' | 'page' | 'size'> & {
  page?: number;
  size?: number;
};

/** A task by its id, or the tasks of a video by its key. */
export type Target = { taskId: string } | { object: string; bucket?: string };

export interface ClientOptions {
  /** Address of the API, without or with `/snapshots`. `npm run info` prints it. The local cloud: `http://127.0.0.1:4000`. */
  endpoint: string;
  /** Keys of the caller. A function is called before each request, for keys that change. The local cloud needs none. */
  authentication?: Authentication | (() => Authentication | Promise<Authentication>) | undefined;
  /** Timeout of one call, in ms (default 45,000: longer than API Gateway waits for the service). */
  timeoutMs?: number;
  /** How often a call is repeated after a lost answer or a 429 (default 3). */
  retries?: number;
  /** Replaces the global `fetch`. */
  fetch?: typeof fetch;
}

export interface CallOptions {
  signal?: AbortSignal | undefined;
}

/** Options of one raw call. */
export interface RawCall extends CallOptions {
  body?: string | Uint8Array | undefined;
  headers?: Readonly<Record<string, string>>;
}

const TIMEOUT_MS = 45_000;
const RETRIES = 3;
const FIRST_PAUSE_MS = 300;
const LONGEST_PAUSE_MS = 20_000;
/** With the default timeouts a deployed service waits at most so long in one call. */
const LONGEST_WAIT_SECONDS = 25;
/** The pause between two calls if the service answers at once. */
const SHORTEST_PAUSE_MS = 500;
const WAIT_FOR_MS = 600_000;

/** The time is over and the task is not final. */
export class NotFinalError extends SnapshotsError {
  override name = 'NotFinalError';
  constructor(
    /** The last known state. */
    readonly task: Task,
    waitedMs: number,
  ) {
    super(`task ${task.task_id} is ${task.status} after ${Math.round(waitedMs / 1000)} s`);
  }
}

/** True for a task that has ended and never changes. */
export function isFinal({ status }: { status: string }): boolean {
  return status === 'SUCCEEDED' || status === 'FAILED' || status === 'CANCELED';
}

/** The HTTP API of a snapshot service. Needs `fetch` and WebCrypto: Node.js 20, Deno, Bun, workers. */
export class SnapshotClient {
  readonly #options: ClientOptions;
  readonly #endpoint: string;

  /** @throws SnapshotsError for an endpoint that is not an address */
  constructor(options: ClientOptions) {
    if (!/^https?:\/\//.test(options.endpoint) || !URL.canParse(options.endpoint))
      throw new SnapshotsError(`endpoint must be an address such as https://…, got "${options.endpoint}"`);
    this.#options = options;
    this.#endpoint = options.endpoint.replace(/\/+$/, '').replace(/\/snapshots$/, '');
  }

  /**
   * Creates a task. The call has an `Idempotency-Key`, yours or a generated one, so it can be repeated safely: the task is
   * created once, even if an answer is lost.
   * @throws InvalidRequestError; UnprocessableError for another request with the same key; the other errors
   */
  async create(
    request: CreateTask,
    { idempotencyKey = crypto.randomUUID(), signal }: CallOptions & { idempotencyKey?: string } = {},
  ): Promise<CreatedTask> {
    const headers = { 'idempotency-key': idempotencyKey };
    return this.#json('POST', '/snapshots', { body: JSON.stringify(request), headers, signal });
  }

  /** Checks a request, and returns what would be sent to MPC and the names of the pictures. Creates nothing. */
  async dryRun(request: CreateTask, options: CallOptions = {}): Promise<DryRun> {
    const call = { body: JSON.stringify(request), ...options };
    return this.#json('POST', '/snapshots?dry_run=true', call);
  }

  /**
   * Gets one task.
   * @param waitSeconds 0 to 900: the service answers when the task is final, or when this time is over
   * @throws NotFoundError; the other errors
   */
  async get(
    taskId: string,
    { waitSeconds, signal }: CallOptions & { waitSeconds?: number } = {},
  ): Promise<Task> {
    return this.#json('GET', pathOf({ taskId }, { wait: waitSeconds }), { signal });
  }

  /** Lists tasks from MPC's list, or with `object` those of a video, newest first. */
  async list(query: ListQuery = {}, { signal }: CallOptions = {}): Promise<TaskList> {
    return this.#json('GET', `/snapshots${queryOf({ ...query })}`, { signal });
  }

  /** The newest task of a video; undefined if there is none. */
  async newest(object: string, { bucket, signal }: CallOptions & { bucket?: string } = {}) {
    const { task_array } = await this.list({ object, ...(bucket !== undefined && { bucket }) }, { signal });
    return task_array[0] as Task | undefined;
  }

  /**
   * Cancels a waiting task.
   * @throws ConflictError or UnprocessableError when it runs or has ended; NotFoundError; the other errors
   */
  async cancel(taskId: string, { signal }: CallOptions = {}): Promise<void> {
    await this.#send('DELETE', pathOf({ taskId }, {}), { signal });
  }

  /**
   * Waits until a task is final.
   * @param timeoutMs how long to wait (default 600,000 ms)
   * @throws NotFinalError, with the task, when the time is over; the errors of `get`
   */
  async waitFor(
    taskId: string,
    { timeoutMs = WAIT_FOR_MS, signal }: CallOptions & { timeoutMs?: number } = {},
  ): Promise<Task> {
    const startedMs = Date.now();
    const endMs = startedMs + timeoutMs;
    for (;;) {
      const askedMs = Date.now();
      const waitSeconds = Math.max(0, Math.min(LONGEST_WAIT_SECONDS, Math.floor((endMs - askedMs) / 1000)));
      const task = await this.get(taskId, { ...(waitSeconds > 0 && { waitSeconds }), signal });
      if (isFinal(task)) return task;
      if (Date.now() + SHORTEST_PAUSE_MS >= endMs) throw new NotFinalError(task, Date.now() - startedMs);
      await pause(askedMs + SHORTEST_PAUSE_MS - Date.now(), signal);
    }
  }

  /** The pictures as a WebVTT track, for the progress bar of a player. */
  async track(target: Target, options: CallOptions = {}): Promise<string> {
    return (await this.#send('GET', pathOf(target, { format: 'vtt' }), options)).text();
  }

  /** The same track as JSON, for players that need a list. */
  async storyboard(target: Target, options: CallOptions = {}): Promise<Storyboard> {
    return this.#json('GET', pathOf(target, { format: 'storyboard' }), options);
  }

  /** A contact sheet: one page of HTML. */
  async contactSheet(target: Target, options: CallOptions = {}): Promise<string> {
    return (await this.#send('GET', pathOf(target, { format: 'html' }), options)).text();
  }

  /** The address of the best picture for a cover, as the service redirects to it. */
  async posterUrl(target: Target, options: CallOptions = {}): Promise<string> {
    const response = await this.#send('GET', pathOf(target, { format: 'poster' }), options);
    return response.headers.get('location') ?? '';
  }

  /**
   * Sends one signed call once, and returns its answer with any status.
   * @param target path and query below the endpoint, encoded, for example `/snapshots?size=5`
   * @throws NoAnswerError
   */
  async call(method: string, target: string, { body, headers, signal }: RawCall = {}): Promise<Response> {
    const { authentication, timeoutMs = TIMEOUT_MS, fetch: send = fetch } = this.#options;
    const url = new URL(this.#endpoint + target);
    const bytes = typeof body === 'string' ? utf8(body) : new Uint8Array(body ?? []);
    const who = typeof authentication === 'function' ? await authentication() : authentication;
    const proof = await authenticationHeaders(who, { method, url, body: bytes });
    const timeout = AbortSignal.timeout(timeoutMs);
    try {
      return await send(url, {
        method,
        headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers, ...proof },
        redirect: 'manual',
        signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
        ...(body !== undefined && { body: bytes }),
      });
    } catch (error) {
      if (signal?.aborted) throw error;
      const { message, cause } = error as Error;
      throw new NoAnswerError(`${url.origin} does not answer: ${(cause as Error)?.message || message}`, {
        cause: error,
      });
    }
  }

  async #json<T>(method: string, target: string, call: RawCall): Promise<T> {
    return (await this.#send(method, target, call)).json() as Promise<T>;
  }

  /** Sends a call, and repeats it where that is safe. @throws ApiError, NoAnswerError */
  async #send(method: string, target: string, call: RawCall): Promise<Response> {
    const retries = this.#options.retries ?? RETRIES;
    const isSafe = method === 'GET' || call.headers?.['idempotency-key'] !== undefined;
    for (let attempt = 0; ; attempt++) {
      let failure: unknown;
      try {
        const response = await this.call(method, target, call);
        if (response.status < 400) return response;
        failure = await apiError(response);
      } catch (error) {
        failure = error;
      }
      if (attempt >= retries || !isWorthAnother(failure, isSafe)) throw failure;
      const doubled = FIRST_PAUSE_MS * 2 ** attempt * (0.5 + Math.random());
      const asked = failure instanceof ApiError ? (failure.retryAfterSeconds ?? 0) * 1000 : 0;
      if (asked > LONGEST_PAUSE_MS) throw failure;
      await pause(Math.max(asked, doubled), call.signal);
    }
  }
}

/** @param isSafe whether the call may arrive twice */
function isWorthAnother(failure: unknown, isSafe: boolean): boolean {
  if (failure instanceof NoAnswerError) return isSafe;
  if (!(failure instanceof ApiError)) return false;
  const { status, retryAfterSeconds } = failure;
  if (status === 429) return true;
  // A 409 without Retry-After is final: an ended task stays ended.
  return isSafe && (status >= 502 || (status === 409 && retryAfterSeconds !== undefined));
}

function pathOf(target: Target, query: Readonly<Record<string, string | number | undefined>>): string {
  if ('taskId' in target) return `/snapshots/${encodeURIComponent(target.taskId)}${queryOf(query)}`;
  return `/snapshots${queryOf({ object: target.object, bucket: target.bucket, ...query })}`;
}

function queryOf(query: Readonly<Record<string, string | number | readonly string[] | undefined>>): string {
  const parameters = Object.entries(query).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${encodeURIComponent(String(value))}`],
  );
  return parameters.length === 0 ? '' : `?${parameters.join('&')}`;
}

function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(
      () => {
        signal?.removeEventListener('abort', stop);
        resolve();
      },
      Math.max(0, ms),
    );
    if (signal?.aborted) stop();
    else signal?.addEventListener('abort', stop, { once: true });
  });
}
