import { ApiError, NoAnswerError, NotFinalError, SnapshotClient, type Task } from '../../client/src';
import type { ConsoleState, DeliverAnswer, Explanation } from '../../console/server/console-api';
import { DEFAULT_PORT } from '../ports';
import { UsageError } from '../usage-error';
import { readInteger } from './arguments';

/** Options of the commands that need a running cloud. */
export const CLOUD_OPTIONS = { port: { type: 'string' }, json: { type: 'boolean' } } as const;

/** A local cloud that `npm start` has started, seen through HTTP. */
export class RunningCloud {
  readonly #client: SnapshotClient;

  /** @param gateway address of API Gateway, without a slash at the end */
  constructor(readonly gateway: string) {
    this.#client = new SnapshotClient({ endpoint: gateway, retries: 0 });
  }

  /**
   * The cloud at a port, at API_ENDPOINT, or at the default port.
   * @throws UsageError
   */
  static at({ port }: { port?: string | undefined }): RunningCloud {
    const number = readInteger('--port', port, [1, 65_535]);
    const { API_ENDPOINT } = process.env;
    if (number === undefined && API_ENDPOINT) return new RunningCloud(API_ENDPOINT.replace(/\/+$/, ''));
    return new RunningCloud(`http://127.0.0.1:${number ?? DEFAULT_PORT}`);
  }

  /** All that the console shows. */
  async state(): Promise<ConsoleState> {
    return (await this.#ask('/_console/state')) as ConsoleState;
  }

  /** Why a key was captured or was not. */
  async explain(key: string): Promise<Explanation> {
    return (await this.#ask(`/_console/explain?key=${encodeURIComponent(key)}`)) as Explanation;
  }

  /** The newest task of an upload; undefined if there is none. */
  newestTask(key: string): Promise<Task | undefined> {
    return this.#answered(this.#client.newest(key));
  }

  /** A task once it is final, or its state when the time is over. */
  finalTask(taskId: string, timeoutMs: number): Promise<Task> {
    const task = this.#client.waitFor(taskId, { timeoutMs }).catch((error: unknown) => {
      if (error instanceof NotFinalError) return error.task;
      throw error;
    });
    return this.#answered(task);
  }

  /**
   * Delivers an event of an object in the upload bucket, as if the object were uploaded now.
   * @returns the request ids of the invocations; undefined if there is no such object
   */
  async deliver(key: string, times: 1 | 2): Promise<string[] | undefined> {
    if ((await this.explain(key)).steps[0]?.state !== 'ok') return undefined;
    return ((await this.#ask('/_console/deliver', { key, times })) as DeliverAnswer).requestIds;
  }

  async #ask(path: string, body?: unknown): Promise<unknown> {
    const sent =
      body === undefined
        ? {}
        : { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
    const response = await fetch(this.gateway + path, sent).catch(() => {
      throw this.#noCloud();
    });
    const answer: unknown = await response.json().catch(() => undefined);
    if (response.ok) return answer;
    const { error, error_msg } = (answer ?? {}) as { error?: string; error_msg?: string };
    throw new UsageError(
      `${this.gateway}${path} answers ${response.status}: ${error ?? error_msg ?? 'this is no local cloud of this project'}`,
    );
  }

  async #answered<T>(answer: Promise<T>): Promise<T> {
    try {
      return await answer;
    } catch (error) {
      if (error instanceof NoAnswerError) throw this.#noCloud();
      if (error instanceof ApiError)
        throw new UsageError(`${this.gateway} answers ${error.status}: ${error.message}`);
      throw error;
    }
  }

  #noCloud(): UsageError {
    return new UsageError(
      `no local cloud answers at ${this.gateway}: start one with npm start, or name the port of a running one with --port N`,
    );
  }
}
