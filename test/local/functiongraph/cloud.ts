import { createHash } from 'node:crypto';
import { AKSKSigner } from '@huaweicloud/huaweicloud-sdk-core/auth/AKSKSigner';
import * as yazl from 'yazl';
import {
  createFunctionGraph,
  type FunctionGraph,
  type FunctionGraphOptions,
  type Invocation,
} from '../../../local/functiongraph/functiongraph';
import { listen } from '../../../local/http-server';
import { Credentials } from '../../../local/iam/credentials';

const REGION = 'cn-north-4';
export const PROJECT = '0123456789abcdef0123456789abcdef';
export const ACCESS_KEY = { accessKey: 'AKTEST', secretKey: 'SKTEST', projectId: PROJECT };

/** A base64-encoded zip of these files. */
export async function zipOf(files: Record<string, string>): Promise<string> {
  const zip = new yazl.ZipFile();
  for (const [name, text] of Object.entries(files)) zip.addBuffer(Buffer.from(text), name);
  zip.end();
  const chunks: Buffer[] = [];
  for await (const chunk of zip.outputStream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('base64');
}

export function urnOf(name: string, version = 'latest'): string {
  return `urn:fss:${REGION}:${PROJECT}:function:default:${name}:${version}`;
}

export interface ApiAnswer {
  status: number;
  // biome-ignore lint/suspicious/noExplicitAny: answers are looked into freely by tests
  body: any;
  text: string;
  headers: Headers;
}

/** A FunctionGraph with a client that signs as the vendor's SDK does. */
export interface Cloud {
  functiongraph: FunctionGraph;
  credentials: Credentials;
  invocations: Invocation[];
  port: number;
  call(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<ApiAnswer>;
  /** Creates a function of `index.js`; `settings` change the body that is sent. */
  deploy(
    name: string,
    code: string | Record<string, string>,
    settings?: Record<string, unknown>,
  ): Promise<ApiAnswer>;
  addTrigger(name: string, type: string, eventData: Record<string, unknown>): Promise<ApiAnswer>;
  close(): Promise<void>;
}

/**
 * Closed at the end even when a test failed before it could: a process left
 * behind would keep the test runner waiting.
 */
const started = new Set<FunctionGraph>();
afterAll(() => Promise.all([...started].map((functiongraph) => functiongraph.close())));

export async function startCloud(
  options: Partial<Omit<FunctionGraphOptions, 'credentials' | 'region' | 'projectId'>> = {},
): Promise<Cloud> {
  const credentials = new Credentials(ACCESS_KEY, options.clock);
  const functiongraph = createFunctionGraph({
    credentials,
    region: REGION,
    projectId: PROJECT,
    ...options,
    // Most tests look at what waits.
    behaviour: { excessAsyncEvents: 'queued', ...options.behaviour },
  });
  started.add(functiongraph);
  const port = await listen(functiongraph.server, 0);
  const invocations: Invocation[] = [];
  functiongraph.onInvocation((invocation) => invocations.push(invocation));

  const call: Cloud['call'] = async (method, path, body, extraHeaders = {}) => {
    const data = body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body);
    const target = new URL(`http://127.0.0.1:${port}/v2/${PROJECT}/${path}`);
    const headers = signedHeaders(method, target, data, {
      'content-type': 'application/json',
      ...extraHeaders,
    });
    const response = await fetch(target, { method, headers, ...(data === undefined ? {} : { body: data }) });
    const text = await response.text();
    const isJson = response.headers.get('content-type')?.includes('json');
    return {
      status: response.status,
      headers: response.headers,
      text,
      body: isJson ? JSON.parse(text) : text,
    };
  };
  return {
    functiongraph,
    credentials,
    invocations,
    port,
    call,
    async deploy(name, code, settings = {}) {
      const files = typeof code === 'string' ? { 'index.js': code } : code;
      return call('POST', 'fgs/functions', {
        func_name: name,
        package: 'default',
        runtime: 'Node.js20.15',
        handler: 'index.handler',
        memory_size: 256,
        timeout: 10,
        code_type: 'zip',
        func_code: { file: await zipOf(files) },
        ...settings,
      });
    },
    addTrigger: (name, type, eventData) =>
      call('POST', `fgs/triggers/${urnOf(name)}`, {
        trigger_type_code: type,
        trigger_status: 'ACTIVE',
        event_data: eventData,
      }),
    close: () => functiongraph.close(),
  };
}

/** Signs a request with the vendor's own signer; the hash of the body is sent along, so that any text can be signed. */
export function signedHeaders(
  method: string,
  target: URL,
  data: string | undefined,
  headers: Record<string, string>,
  key = ACCESS_KEY,
): Record<string, string> {
  const request = {
    method,
    endpoint: target.origin + decodeURIComponent(target.pathname),
    headers: {
      ...headers,
      'X-Sdk-Content-Sha256': createHash('sha256')
        .update(data ?? '')
        .digest('hex'),
    },
    queryParams: Object.fromEntries(target.searchParams),
  };
  const credential = { getAk: () => key.accessKey, getSk: () => key.secretKey };
  const { host: _host, ...signed } = AKSKSigner.sign(request as never, credential as never) as Record<
    string,
    string
  >;
  return signed;
}
