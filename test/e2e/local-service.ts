import { Readable } from 'node:stream';
import ObsClient from 'esdk-obs-nodejs';
import type { Cloud, CloudOptions } from '../../local/cloud';
import { startDeployedCloud } from '../../local/commands/deployed-cloud';
import type { Invocation, InvocationResult } from '../../local/functiongraph/functiongraph';
import { COMMON_FIELDS, documentedEvents } from '../shared/core/log-table';
import { until } from '../wait';
import { expectDescribed } from './openapi-answers';
import { secretsIn } from './secrets';

/** A task as `GET /snapshots` answers it. */
export interface ListedTask {
  task_id: string;
  status: string;
  description?: string;
  user_data?: string;
  output: { bucket: string; object: string };
  thumbnail_info?: { pic_name: string; time: number | null; url?: string }[];
}

export interface ApiAnswer<T = Record<string, unknown>> {
  status: number;
  headers: Headers;
  body: T;
}

/** The five functions in a local cloud of their own, seen through the clients that users have. */
export class LocalService {
  readonly invocations: Invocation[] = [];
  readonly #obs: ObsClient;

  private constructor(readonly cloud: Cloud) {
    cloud.functiongraph.onInvocation((invocation) => this.invocations.push(invocation));
    this.#obs = new ObsClient({
      access_key_id: cloud.accessKey.accessKey,
      secret_access_key: cloud.accessKey.secretKey,
      server: cloud.addresses.obs,
      is_signature_negotiation: false,
    });
  }

  static async start(options: Partial<CloudOptions> = {}): Promise<LocalService> {
    return new LocalService(await startDeployedCloud({ port: 0, ...options }));
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
    const response = await fetch(this.cloud.addresses.gateway + path, {
      method,
      headers: { 'content-type': 'application/json', ...headers },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    expectDescribed(method, path, response.status, response.headers.get('content-type'), text);
    if (response.status >= 400) expect({ text, secrets: secretsIn(text) }).toEqual({ text, secrets: [] });
    return {
      status: response.status,
      headers: response.headers,
      body: (text === '' ? {} : JSON.parse(text)) as T,
    };
  }

  /** The newest task of an upload. */
  async taskOf(key: string): Promise<ListedTask | undefined> {
    const path = `/snapshots?object=${encodeURIComponent(key)}`;
    const { body } = await this.call<{ task_array: ListedTask[] }>('GET', path);
    return body.task_array?.[0];
  }

  /** Waits until the newest task of an upload is final. */
  finalTaskOf(key: string): Promise<ListedTask> {
    return until(
      async () => {
        const task = await this.taskOf(key);
        return task !== undefined && isFinal(task) ? task : undefined;
      },
      { what: `a final task of ${key}` },
    );
  }

  async finalTask(taskId: string): Promise<ListedTask> {
    return until(
      async () => {
        const { body } = await this.call<ListedTask>('GET', `/snapshots/${taskId}`);
        return isFinal(body) ? body : undefined;
      },
      { what: `task ${taskId} is final` },
    );
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

function isFinal({ status }: ListedTask): boolean {
  return ['SUCCEEDED', 'FAILED', 'CANCELED'].includes(status);
}

/** Downloads a picture by its temporary address, as a browser would. */
export async function download(url: string | undefined): Promise<Buffer> {
  const response = await fetch(url ?? '');
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toBe('image/jpeg');
  return Buffer.from(await response.arrayBuffer());
}
