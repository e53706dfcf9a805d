import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod';
import type { ConsoleState, DeliverAnswer, Explanation } from '../../console/server/console-api';
import { DEFAULT_PORT } from '../ports';
import { UsageError } from '../usage-error';
import { readInteger } from './arguments';

/** What commands take that ask a running cloud. */
export const CLOUD_OPTIONS = { port: { type: 'string' }, json: { type: 'boolean' } } as const;

/** The service takes no more, and waits for less: as long as one invocation lasts. */
const MAX_WAIT_SECONDS = 900;
/** Where the service answers at once, it is not asked more often than this. */
const MIN_PAUSE_MS = 500;

/** A picture of a task, with the second that it shows and a temporary address. */
export const Picture = z.object({
  pic_name: z.string(),
  time: z.number().nullable(),
  url: z.string().optional(),
});
export type Picture = z.infer<typeof Picture>;

/** A task as the service's own API answers it. */
const Task = z.object({
  task_id: z.string(),
  status: z.enum(['WAITING', 'PROCESSING', 'SUCCEEDED', 'FAILED', 'CANCELED']),
  description: z.string().optional(),
  thumbnail_info: z.array(Picture).default([]),
});
export type Task = z.infer<typeof Task>;

/** A local cloud that was started with `npm start`, seen through HTTP. */
export class RunningCloud {
  /** @param gateway address of API Gateway, without a slash at the end */
  constructor(readonly gateway: string) {}

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

  /** Everything that the console shows. */
  async state(): Promise<ConsoleState> {
    return (await this.#ask('/_console/state')) as ConsoleState;
  }

  /** Why a key was captured or was not. */
  async explain(key: string): Promise<Explanation> {
    return (await this.#ask(`/_console/explain?key=${encodeURIComponent(key)}`)) as Explanation;
  }

  /** The newest task of an upload; undefined when there is none. */
  async newestTask(key: string): Promise<Task | undefined> {
    const answer = await this.#ask(`/snapshots?object=${encodeURIComponent(key)}`);
    return z.object({ task_array: z.array(Task) }).parse(answer).task_array[0];
  }

  /**
   * A task once it is final; as it is when the time is over. The service waits,
   * so that nobody has to ask again and again.
   */
  async finalTask(taskId: string, timeoutMs: number): Promise<Task> {
    const endMs = Date.now() + timeoutMs;
    for (;;) {
      const askedMs = Date.now();
      const waitSeconds = Math.min(MAX_WAIT_SECONDS, Math.floor((endMs - askedMs) / 1000));
      const query = waitSeconds > 0 ? `?wait=${waitSeconds}` : '';
      const task = Task.parse(await this.#ask(`/snapshots/${encodeURIComponent(taskId)}${query}`));
      if (isFinal(task) || Date.now() + MIN_PAUSE_MS >= endMs) return task;
      await sleep(Math.max(0, askedMs + MIN_PAUSE_MS - Date.now()));
    }
  }

  /**
   * Delivers an event of an object in the upload bucket, as if it were uploaded now.
   * @returns the request ids of the invocations; undefined when there is no such object
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
      throw new UsageError(
        `no local cloud answers at ${this.gateway}: start one with npm start, or name the port of a running one with --port N`,
      );
    });
    const answer: unknown = await response.json().catch(() => undefined);
    if (response.ok) return answer;
    const { error, error_msg } = (answer ?? {}) as { error?: string; error_msg?: string };
    throw new UsageError(
      `${this.gateway}${path} answers ${response.status}: ${error ?? error_msg ?? 'it is no local cloud of this project'}`,
    );
  }
}

export function isFinal({ status }: Pick<Task, 'status'>): boolean {
  return status === 'SUCCEEDED' || status === 'FAILED' || status === 'CANCELED';
}
