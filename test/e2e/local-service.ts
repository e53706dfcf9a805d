import { Readable } from 'node:stream';
import ObsClient from 'esdk-obs-nodejs';
import { isFinal, SnapshotClient, type Task } from '../../client/src';
import type { Cloud, CloudOptions } from '../../local/cloud';
import { startDeployedCloud } from '../../local/commands/deployed-cloud';
import type { Invocation, InvocationResult } from '../../local/functiongraph/functiongraph';
import { COMMON_FIELDS, documentedEvents } from '../shared/core/log-table';
import { until } from '../wait';
import { expectDescribed } from './openapi-answers';
import { secretsIn } from './secrets';

export interface ApiAnswer<T = Record<string, unknown>> {
  status: number;
  headers: Headers;
  body: T;
}

/** The five functions in a local cloud of their own, seen through the clients that users have. */
export class LocalService {
  readonly invocations: Invocation[] = [];
  /** Every answer that it gets is held to the description of the API. */
  readonly client: SnapshotClient;
  readonly #obs: ObsClient;

  private constructor(readonly cloud: Cloud) {
    cloud.functiongraph.onInvocation((invocation) => this.invocations.push(invocation));
    this.client = new SnapshotClient({
      endpoint: cloud.addresses.gateway,
      retries: 0,
      fetch: fetchDescribed,
    });
    this.#obs = new ObsClient({
      access_key_id: cloud.accessKey.accessKey,
      secret_access_key: cloud.accessKey.secretKey,
      server: cloud.addresses.obs,
      is_signature_negotiation: false,
    });
  }

  /** @param settings further variables for `serverless.yml`, such as NOTIFY_URL */
  static async start(
    options: Partial<CloudOptions> = {},
    settings: Readonly<Record<string, string>> = {},
  ): Promise<LocalService> {
    return LocalService.of(await startDeployedCloud({ port: 0, ...options }, settings));
  }

  /** A cloud that was started in another way. */
  static of(cloud: Cloud): LocalService {
    return new LocalService(cloud);
  }

  /** Ends it all, looks for secrets in everything that the functions wrote, and for lines that are not documented. */
  async stop(): Promise<void> {
    this.#obs.close();
    await this.cloud.close();
    for (const { outcome, trigger } of this.invocations) {
      const lines = outcome?.log.map(({ text }) => text) ?? [];
      for (const line of lines) expectDocumented(line);
      // A caller of the API gets addresses that are signed; what an event brings about is kept by the platform.
      const texts = trigger === 'APIG' ? lines : [...lines, outcome?.body ?? ''];
      for (const text of texts) expect({ text, secrets: secretsIn(text) }).toEqual({ text, secrets: [] });
    }
  }

  /** Uploads with the vendor's client. A Buffer as body would be corrupted by it. */
  async upload(key: string, content: Uint8Array, bucket = this.cloud.uploadBucket): Promise<void> {
    const { CommonMsg } = await this.#obs.putObject({
      Bucket: bucket,
      Key: key,
      Body: Readable.from([content]),
      ContentLength: content.length,
    });
    expect(CommonMsg.Status).toBe(200);
  }

  async call<T = Record<string, unknown>>(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<ApiAnswer<T>> {
    const response = await this.client.call(method, path, {
      headers: { 'content-type': 'application/json', ...headers },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    return {
      status: response.status,
      headers: response.headers,
      body: (text === '' ? {} : JSON.parse(text)) as T,
    };
  }

  /** Changes the user data of all functions; their instances start anew. */
  setUserData(changes: Record<string, string>): void {
    for (const { configuration, pool } of this.cloud.functiongraph.functions()) {
      configuration.user_data = JSON.stringify({
        ...JSON.parse(configuration.user_data ?? '{}'),
        ...changes,
      });
      pool.retire();
    }
  }

  /** The newest task of an upload. */
  taskOf(key: string): Promise<Task | undefined> {
    return this.client.newest(key);
  }

  /** Waits until the newest task of an upload is final. */
  finalTaskOf(key: string): Promise<Task> {
    return until(
      async () => {
        const task = await this.taskOf(key);
        return task !== undefined && isFinal(task) ? task : undefined;
      },
      { what: `a final task of ${key}` },
    );
  }

  finalTask(taskId: string): Promise<Task> {
    return this.client.waitFor(taskId);
  }

  /** Runs a function with an event and reads its JSON result. */
  async invoke(functionName: string, event: unknown): Promise<InvocationResult & { json: unknown }> {
    const result = await this.cloud.functiongraph.invoke(functionName, event);
    return { ...result, json: result.body === '' ? undefined : JSON.parse(result.body) };
  }
}

const DOCUMENTED = documentedEvents();

/** A line of the functions' own is as docs/log-events.md says. */
function expectDocumented(line: string): void {
  if (!line.startsWith('{"time"')) return;
  const { level, event, ...fields } = JSON.parse(line) as Record<string, unknown>;
  const { levels, fields: known } = DOCUMENTED.get(String(event)) ?? { levels: [], fields: [] };
  const unknown = Object.keys(fields).filter((name) => ![...COMMON_FIELDS, ...known].includes(name));
  expect({ event, isLevelDocumented: levels.includes(String(level)), unknown }).toEqual({
    event,
    isLevelDocumented: true,
    unknown: [],
  });
}

/**
 * Calls the API as `fetch` does. Holds the answer to the description of the API, and an error to what must stand in none: all
 * answers of the API that an end-to-end test gets come from here.
 */
export async function fetchDescribed(url: string | URL | Request, init?: RequestInit): Promise<Response> {
  const response = await fetch(url, init);
  const { method = 'GET' } = init ?? {};
  const { pathname, search } = new URL(String(url));
  const text = await response.clone().text();
  expectDescribed(method, pathname + search, response.status, response.headers.get('content-type'), text);
  if (response.status >= 400) expect({ text, secrets: secretsIn(text) }).toEqual({ text, secrets: [] });
  return response;
}

/** Downloads a picture by its temporary address, as a browser would. */
export async function download(url: string | undefined): Promise<Buffer> {
  const response = await fetch(url ?? '');
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toBe('image/jpeg');
  return Buffer.from(await response.arrayBuffer());
}
