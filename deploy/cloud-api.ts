import { setTimeout as pause } from 'node:timers/promises';
import type * as z from 'zod';
import { type Credentials, canonicalQuery, encodePath, type Query, signRequest } from '../shared/signing';
import { DeployError } from './errors';

/** Region, project and key to deploy with. */
export interface Connection {
  region: string;
  projectId: string;
  credentials: Credentials;
  /** Addresses, without a slash at the end, that replace those of the region. */
  endpoints: Readonly<Partial<Record<CloudService | 'obs', string>>>;
}

/** Services with SDK-HMAC-SHA256 at `https://<service>.<region>.myhuaweicloud.com`. */
export type CloudService = 'functiongraph' | 'apig' | 'iam' | 'mpc' | 'lts' | 'eg' | 'smn';

export interface CloudRequest {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Path below the address of the service, not encoded. */
  path: string;
  query?: Query;
  body?: unknown;
  headers?: Readonly<Record<string, string>>;
}

export interface CloudAnswer {
  body: unknown;
  headers: Headers;
}

/** A service refused a call, or did not answer (status 0). */
export class CallFailed extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    /** True when the call may have been carried out. */
    readonly isOutcomeUnknown = false,
    readonly service?: CloudService | 'obs',
  ) {
    super(message);
  }
}

export interface CloudApiOptions {
  /** Calls at the same time. FunctionGraph's own limit is undocumented; five functions need no more. */
  parallelCalls?: number;
  /** Waits so many ms; replaced in tests. */
  pause?: (ms: number) => Promise<unknown>;
  random?: () => number;
  /** Called repeatedly during a wait, with a few words about it. */
  onWait?: (what: string) => void;
  /** Longest wait for one answer, ms. */
  timeoutMs?: number;
}

const PARALLEL_CALLS = 6;
const TRIES = 5;
const FIRST_PAUSE_MS = 400;
const MAX_PAUSE_MS = 10_000;
const FIRST_LOOK_MS = 1000;
const LONGEST_LOOK_MS = 10_000;
const LONGEST_WAIT_MS = 180_000;
/** Long enough to upload a zip of a few MB over a slow line. */
const TIMEOUT_MS = 60_000;

/**
 * Sends all signed calls of the deployment.
 *
 * Why not the vendor's SDK (3.1.211): it installs 46 packages with 29 MB and needs a package that it does not declare. It
 * prints failed requests with their Authorization header, user data and secrets to standard output. It never repeats a call
 * after 429 or 5xx and has no timeout. Its declared types are not those of its answers. In the tests the SDK reads back
 * what this client deployed.
 */
export class CloudApi {
  readonly #options: Required<CloudApiOptions>;
  /** Waits so many ms. */
  readonly pause: (ms: number) => Promise<unknown>;
  readonly #onWait: (what: string) => void;
  readonly #waiting: (() => void)[] = [];
  #running = 0;
  /** Calls sent so far, with repeated ones. */
  calls = 0;

  constructor(
    readonly connection: Connection,
    options: CloudApiOptions = {},
  ) {
    this.#options = {
      parallelCalls: PARALLEL_CALLS,
      pause,
      random: Math.random,
      onWait: () => {},
      timeoutMs: TIMEOUT_MS,
      ...options,
    };
    this.pause = this.#options.pause;
    this.#onWait = this.#options.onWait;
  }

  /**
   * Waits until a condition is true. It checks after 1 s, 2 s, 4 s, … and then every 10 s.
   * @param what the reason of the wait, for people
   * @returns false when it is not true after 3 minutes, the time that the Terraform provider gives deletions
   */
  async until(what: string, isTrue: () => Promise<boolean>): Promise<boolean> {
    let waitedMs = 0;
    for (let stepMs = FIRST_LOOK_MS; !(await isTrue()); stepMs = Math.min(2 * stepMs, LONGEST_LOOK_MS)) {
      if (waitedMs >= LONGEST_WAIT_MS) return false;
      this.#onWait(`${what} (${waitedMs / 1000} s)`);
      await this.pause(stepMs);
      waitedMs += stepMs;
    }
    return true;
  }

  /**
   * Makes a call. Repeats it after 429, 5xx and broken connections, with growing pauses. A POST that may have been carried
   * out is not repeated: then `isOutcomeUnknown` is true, and the caller must look at the live state.
   * @throws CallFailed
   */
  async call(service: CloudService, request: CloudRequest): Promise<CloudAnswer> {
    await this.#turn();
    try {
      for (let tries = 1; ; tries += 1) {
        try {
          return await this.#send(service, request);
        } catch (error) {
          if (!(error instanceof CallFailed) || tries === TRIES || !isWorthAnotherTry(error)) throw error;
          if (error.isOutcomeUnknown && request.method === 'POST') throw error;
          await this.pause(pauseMs(tries, this.#options.random()));
        }
      }
    } finally {
      this.#running -= 1;
      this.#waiting.shift()?.();
    }
  }

  async #turn(): Promise<void> {
    while (this.#running >= this.#options.parallelCalls) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    this.#running += 1;
  }

  async #send(
    service: CloudService,
    { method, path, query = [], body, headers = {} }: CloudRequest,
  ): Promise<CloudAnswer> {
    const { region, projectId, credentials, endpoints } = this.connection;
    const endpoint = endpoints[service] ?? `https://${service}.${region}.myhuaweicloud.com`;
    const { origin, host } = new URL(endpoint);
    const text = body === undefined ? undefined : JSON.stringify(body);
    const signed = signRequest(
      {
        method,
        host,
        path,
        query,
        headers: {
          'content-type': 'application/json',
          // IAM belongs to no region, so it takes no project.
          ...(service !== 'iam' && { 'x-project-id': projectId }),
          ...headers,
        },
        ...(text !== undefined && { body: text }),
      },
      credentials,
      Date.now(),
    );
    // fetch sets the host header itself, from the same address.
    const { host: _, ...sent } = signed;
    const search = query.length === 0 ? '' : `?${canonicalQuery(query)}`;
    const what = `${method} ${path}`;
    this.calls += 1;
    let response: Response;
    let answer: string;
    try {
      response = await fetch(origin + encodePath(path) + search, {
        method,
        headers: sent,
        redirect: 'error',
        signal: AbortSignal.timeout(this.#options.timeoutMs),
        ...(text !== undefined && { body: text }),
      });
      answer = await response.text();
    } catch (error) {
      throw unanswered(what, origin, error, this.#options.timeoutMs);
    }
    if (response.ok) return { body: parse(answer), headers: response.headers };
    throw refused(what, response.status, answer, service);
  }
}

/**
 * Parses an answer.
 * @param what names the answer in errors, for example `the list of functions`
 * @throws CallFailed UNEXPECTED_ANSWER for an answer of another form: something else may listen at the address
 */
export function readAnswer<T>(schema: z.ZodType<T>, body: unknown, what: string, service: string): T {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const field = issue?.path.join('.') || 'all of it';
  const reason = `${what}: the answer is not that of ${service} (${field}: ${issue?.message})`;
  throw new CallFailed(200, 'UNEXPECTED_ANSWER', reason);
}

function isWorthAnotherTry({ status }: CallFailed): boolean {
  return status === 0 || status === 429 || status >= 500;
}

/** Doubles with every attempt. Half of it is random, so that simultaneous deployments do not collide again. */
function pauseMs(tries: number, random: number): number {
  const longest = Math.min(FIRST_PAUSE_MS * 2 ** (tries - 1), MAX_PAUSE_MS);
  return longest * (0.5 + random / 2);
}

function unanswered(what: string, origin: string, error: unknown, timeoutMs: number): CallFailed {
  const { name, cause } = error as Error & { cause?: { code?: string } };
  const code = cause?.code ?? name;
  const reason = name === 'TimeoutError' ? `no answer within ${timeoutMs / 1000} s` : `no answer (${code})`;
  const neverLeft = ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN'].includes(code);
  return new CallFailed(0, code, `${what}: ${reason} from ${origin}`, !neverLeft);
}

function refused(what: string, status: number, answer: string, service: CloudService): CallFailed {
  const { error_code, error_msg, error, ...smn } = parse(answer) as Readonly<Record<string, unknown>>;
  // SMN and IAM have their own error formats.
  const given = error_code ?? smn.code;
  const code = typeof given === 'string' ? given : '';
  const said = error_msg ?? smn.message ?? (Object(error) as { message?: unknown }).message;
  const reason = typeof said === 'string' ? withoutQuotedRequest(said) : '';
  return new CallFailed(
    status,
    code,
    `${what}: ${status} ${code} ${reason}`.trim(),
    status >= 500 && status !== 503,
    service,
  );
}

/** A refused signature comes with the request that was signed, token included: only the first sentence is kept. */
function withoutQuotedRequest(message: string): string {
  const [firstLine = ''] = message.split('\n');
  return firstLine.replace(/[,.]?\s*canonical ?request.*/is, '').slice(0, 300);
}

function parse(text: string): unknown {
  try {
    return Object(JSON.parse(text));
  } catch {
    return {};
  }
}

/**
 * Reads the connection from the environment, with the variable names of the vendor's SDKs.
 * @throws DeployError that names every missing variable, before anything is sent
 */
export function connectionFrom(
  environment: Readonly<Record<string, string | undefined>>,
  region: string,
): Connection {
  const missing: string[] = [];
  const read = (name: string, what: string): string => {
    const value = environment[name]?.trim() ?? '';
    if (value === '') missing.push(`${name} is not set: ${what}`);
    return value;
  };
  const accessKey = read('HUAWEICLOUD_SDK_AK', 'the access key to deploy with (console, "My Credentials")');
  const secretKey = read('HUAWEICLOUD_SDK_SK', 'the secret key that belongs to it');
  const projectId = read(
    'HUAWEICLOUD_SDK_PROJECT_ID',
    `the id of the project of ${region} ("My Credentials", API credentials)`,
  );
  const securityToken = environment.HUAWEICLOUD_SDK_SECURITY_TOKEN?.trim();
  if (missing.length > 0) throw new DeployError(missing);
  const endpoints: Partial<Record<CloudService | 'obs', string>> = {};
  for (const [service, name] of Object.entries(ENDPOINT_VARIABLES)) {
    const value = environment[name]?.trim();
    if (!value) continue;
    if (!/^https?:\/\/[^/?#]+\/?$/.test(value)) {
      throw new DeployError([
        `${name} must be an origin such as https://functiongraph.ap-southeast-3.myhuaweicloud.com, got "${value}"`,
      ]);
    }
    endpoints[service as CloudService] = value.replace(/\/$/, '');
  }
  return {
    region,
    projectId,
    credentials: { accessKey, secretKey, ...(securityToken && { securityToken }) },
    endpoints,
  };
}

const ENDPOINT_VARIABLES: Readonly<Record<CloudService | 'obs', string>> = {
  functiongraph: 'FUNCTIONGRAPH_ENDPOINT',
  apig: 'APIG_ENDPOINT',
  iam: 'IAM_ENDPOINT',
  mpc: 'MPC_ENDPOINT',
  lts: 'LTS_ENDPOINT',
  eg: 'EG_ENDPOINT',
  smn: 'SMN_ENDPOINT',
  obs: 'OBS_ENDPOINT',
};
