import { setTimeout as pause } from 'node:timers/promises';
import type * as z from 'zod';
import { type Credentials, canonicalQuery, encodePath, type Query, signRequest } from '../shared/signing';
import { DeployError } from './errors';

/** Where to deploy to and as whom. */
export interface Connection {
  region: string;
  projectId: string;
  credentials: Credentials;
  /** Addresses without a slash at the end, where they are not those of the region. */
  endpoints: Readonly<Partial<Record<CloudService | 'obs', string>>>;
}

/** Services that take SDK-HMAC-SHA256 at `https://<service>.<region>.myhuaweicloud.com`. */
export type CloudService = 'functiongraph' | 'apig' | 'iam' | 'mpc' | 'lts' | 'eg' | 'smn';

export interface CloudRequest {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Below the address of the service, not encoded. */
  path: string;
  query?: Query;
  body?: unknown;
  headers?: Readonly<Record<string, string>>;
}

export interface CloudAnswer {
  body: unknown;
  headers: Headers;
}

/** A service refused a call, or gave no answer (status 0). */
export class CallFailed extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    /** The call may have had its effect. */
    readonly isOutcomeUnknown = false,
  ) {
    super(message);
  }
}

export interface CloudApiOptions {
  /** Calls at the same time. FunctionGraph's own limit is undocumented; five functions need no more. */
  parallelCalls?: number;
  /** Waits this long; replaced in tests. */
  pause?: (ms: number) => Promise<unknown>;
  random?: () => number;
  /** Told in a few words what is being waited for, again and again while it lasts. */
  onWait?: (what: string) => void;
  /** Longest wait for one answer. */
  timeoutMs?: number;
}

const PARALLEL_CALLS = 6;
const TRIES = 5;
const FIRST_PAUSE_MS = 400;
const MAX_PAUSE_MS = 10_000;
const FIRST_LOOK_MS = 1000;
const LONGEST_LOOK_MS = 10_000;
const LONGEST_WAIT_MS = 180_000;
/** Long enough for a zip of some MB over a slow line. */
const TIMEOUT_MS = 60_000;

/**
 * All signed calls of the deployment go through here.
 *
 * This is our own client rather than the vendor's SDK (3.1.211), which was tried against the same
 * interface: it installs 46 packages with 29 MB and needs a package that it does not declare, prints
 * failed requests with their Authorization header, user data and secrets to standard output, never
 * tries again after 429 or 5xx, has no time-out, and its declared types are not those of its answers.
 * The SDK reads back in the tests what was deployed through here.
 */
export class CloudApi {
  readonly #options: Required<CloudApiOptions>;
  /** Waits, as many ms as are given. */
  readonly pause: (ms: number) => Promise<unknown>;
  readonly #onWait: (what: string) => void;
  readonly #waiting: (() => void)[] = [];
  #running = 0;
  /** Calls sent so far, repeated ones included. */
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
   * Looks until something has come true, ever less often: after 1 s, 2 s, 4 s, … and then every 10 s.
   * @param what what is being waited for, for people
   * @returns false when it has not come true after 3 minutes, the time that the Terraform provider gives deletions
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
   * Makes a call, and again after 429, 5xx and broken connections, with growing pauses. A POST that may have had its
   * effect is not repeated: `isOutcomeUnknown` says so, and whoever looks at the live state knows.
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
          // IAM belongs to no region, and so to no project.
          ...(service !== 'iam' && { 'x-project-id': projectId }),
          ...headers,
        },
        ...(text !== undefined && { body: text }),
      },
      credentials,
      Date.now(),
    );
    // The HTTP client writes the host header itself, from the same address.
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
    throw refused(what, response.status, answer);
  }
}

/**
 * What is needed of an answer.
 * @param what of whom: `the list of functions`
 * @throws CallFailed UNEXPECTED_ANSWER for one that is not as documented, as of something else that listens at the address
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

/** Doubles with every try; half of it by chance, so that several deployments do not meet again. */
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

function refused(what: string, status: number, answer: string): CallFailed {
  const { error_code, error_msg, error, ...smn } = parse(answer) as Readonly<Record<string, unknown>>;
  // SMN and IAM have forms of their own.
  const given = error_code ?? smn.code;
  const code = typeof given === 'string' ? given : '';
  const said = error_msg ?? smn.message ?? (Object(error) as { message?: unknown }).message;
  const reason = typeof said === 'string' ? withoutQuotedRequest(said) : '';
  return new CallFailed(
    status,
    code,
    `${what}: ${status} ${code} ${reason}`.trim(),
    status >= 500 && status !== 503,
  );
}

/** Refused signatures come with the request that they were computed from, token included: only the verdict is shown. */
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
 * Reads where to deploy to from the environment, under the names that the vendor's SDKs use.
 * @throws DeployError that names every variable that is missing, before anything is sent
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
