import * as z from 'zod';
import { CallFailed, type CloudAnswer, type CloudApi, type CloudRequest } from './cloud-api';
import type { AsynchronousConfiguration, WantedFunction } from './desired-state';
import type { TriggerType, WantedTrigger } from './desired-triggers';

/** A function as FunctionGraph shows it: what is read here, and no more. */
export const LiveConfiguration = z.object({
  func_urn: z.string(),
  func_name: z.string(),
  description: z.string().nullish(),
  runtime: z.string(),
  handler: z.string(),
  memory_size: z.number(),
  timeout: z.number(),
  user_data: z.string().nullish(),
  xrole: z.string().nullish(),
  app_xrole: z.string().nullish(),
  /** SHA-512 of the code. */
  digest: z.string().nullish(),
  code_size: z.number().nullish(),
  last_modified: z.string().nullish(),
  strategy_config: z.object({ concurrency: z.number().nullish() }).nullish(),
  log_group_id: z.string().nullish(),
  log_stream_id: z.string().nullish(),
});
export type LiveConfiguration = z.infer<typeof LiveConfiguration>;

const ListedFunction = z.object({
  func_urn: z.string(),
  func_name: z.string(),
  description: z.string().nullish(),
});
export type ListedFunction = z.infer<typeof ListedFunction>;

const FunctionList = z.object({ functions: z.array(ListedFunction).nullable() });

/** A trigger as FunctionGraph shows it. */
const LiveTrigger = z.object({
  trigger_id: z.string(),
  trigger_type_code: z.string(),
  trigger_status: z.string().nullish(),
  event_data: z.record(z.string(), z.unknown()),
});
export type LiveTrigger = z.infer<typeof LiveTrigger>;

const LiveAsynchronous = z.object({
  max_async_retry_attempts: z.number().nullish(),
  max_async_event_age_in_seconds: z.number().nullish(),
  destination_config: z
    .object({
      on_success: z.object({ destination: z.string().nullish(), param: z.string().nullish() }).nullish(),
      on_failure: z.object({ destination: z.string().nullish(), param: z.string().nullish() }).nullish(),
    })
    .nullish(),
});
export type LiveAsynchronous = z.infer<typeof LiveAsynchronous>;

const Invocation = z.object({ result: z.string().nullish(), log: z.string().nullish() });

/** What an invocation brought. */
export interface InvocationResult {
  isError: boolean;
  result: string;
  /** The last 2 KB of the log. */
  log: string;
}

/** The largest page; a project may have as many functions. */
const PAGE_SIZE = 400;

/** The operations of FunctionGraph's API v2 that deploying needs. Each throws CallFailed. */
export class FunctionGraphApi {
  constructor(readonly cloud: CloudApi) {}

  urnOf(functionName: string): string {
    const { region, projectId } = this.cloud.connection;
    return `urn:fss:${region}:${projectId}:function:default:${functionName}:latest`;
  }

  /** All functions of the project. */
  async listFunctions(): Promise<ListedFunction[]> {
    const found: ListedFunction[] = [];
    for (;;) {
      const { body } = await this.#call({
        method: 'GET',
        path: 'functions',
        query: [
          ['marker', String(found.length)],
          ['maxitems', String(PAGE_SIZE)],
        ],
      });
      const page = read(FunctionList, body, 'the list of functions').functions ?? [];
      found.push(...page);
      if (page.length < PAGE_SIZE) return found;
    }
  }

  /** undefined when there is no such function. */
  async showFunction(name: string): Promise<LiveConfiguration | undefined> {
    const answer = await this.#callUnlessGone({
      method: 'GET',
      path: `functions/${this.urnOf(name)}/config`,
    });
    return answer && read(LiveConfiguration, answer.body, `the configuration of ${name}`);
  }

  async createFunction(wanted: WantedFunction, zip: Buffer): Promise<void> {
    await this.#call({
      method: 'POST',
      path: 'functions',
      body: { ...configurationBody(wanted), package: 'default', ...codeBody(zip) },
    });
  }

  async updateConfiguration(wanted: WantedFunction): Promise<void> {
    await this.#call({
      method: 'PUT',
      path: `functions/${this.urnOf(wanted.name)}/config`,
      body: {
        ...configurationBody(wanted),
        // Also when there are none: secrets that were taken out of serverless.yml must not stay.
        encrypted_user_data: JSON.stringify(wanted.secrets),
        ...(wanted.maxInstances !== undefined && { strategy_config: { concurrency: wanted.maxInstances } }),
      },
    });
  }

  async updateCode(name: string, zip: Buffer): Promise<void> {
    try {
      await this.#call({ method: 'PUT', path: `functions/${this.urnOf(name)}/code`, body: codeBody(zip) });
    } catch (error) {
      // The function has this very code already.
      if (!(error instanceof CallFailed) || error.code !== 'FSS.0409') throw error;
    }
  }

  /** Also when it is gone already. */
  async deleteFunction(name: string): Promise<void> {
    const [urn] = this.urnOf(name).split(':latest');
    await this.#callUnlessGone({ method: 'DELETE', path: `functions/${urn}` });
  }

  /** undefined when the function has none. */
  async showAsynchronous(name: string): Promise<LiveAsynchronous | undefined> {
    const answer = await this.#callUnlessGone({
      method: 'GET',
      path: `functions/${this.urnOf(name)}/async-invoke-config`,
    });
    return answer && read(LiveAsynchronous, answer.body, `the asynchronous configuration of ${name}`);
  }

  async updateAsynchronous(name: string, configuration: AsynchronousConfiguration): Promise<void> {
    await this.#call({
      method: 'PUT',
      path: `functions/${this.urnOf(name)}/async-invoke-config`,
      body: configuration,
    });
  }

  async deleteAsynchronous(name: string): Promise<void> {
    await this.#callUnlessGone({
      method: 'DELETE',
      path: `functions/${this.urnOf(name)}/async-invoke-config`,
    });
  }

  async listTriggers(name: string): Promise<LiveTrigger[]> {
    const answer = await this.#callUnlessGone({ method: 'GET', path: `triggers/${this.urnOf(name)}` });
    return answer === undefined ? [] : read(z.array(LiveTrigger), answer.body, `the triggers of ${name}`);
  }

  async createTrigger(name: string, { type, status, eventData }: WantedTrigger): Promise<void> {
    await this.#call({
      method: 'POST',
      path: `triggers/${this.urnOf(name)}`,
      body: {
        trigger_type_code: type,
        ...(status !== undefined && { trigger_status: status }),
        event_data: eventData,
      },
    });
  }

  async setTriggerStatus(
    name: string,
    id: string,
    type: TriggerType,
    status: 'ACTIVE' | 'DISABLED',
  ): Promise<void> {
    await this.#call({
      method: 'PUT',
      path: `triggers/${this.urnOf(name)}/${type}/${id}`,
      body: { trigger_status: status },
    });
  }

  /** Also when it is gone already. */
  async deleteTrigger(name: string, id: string, type: string): Promise<void> {
    await this.#callUnlessGone({ method: 'DELETE', path: `triggers/${this.urnOf(name)}/${type}/${id}` });
  }

  /** Runs the function once and waits. */
  async invoke(name: string, event: unknown): Promise<InvocationResult> {
    const { body, headers } = await this.#call({
      method: 'POST',
      path: `functions/${this.urnOf(name)}/invocations`,
      body: event,
      headers: { 'x-cff-log-type': 'tail', 'x-cff-request-version': 'v1' },
    });
    const { result, log } = read(Invocation, body, `the result of ${name}`);
    return { isError: headers.get('x-is-func-err') === 'true', result: result ?? '', log: log ?? '' };
  }

  #call(request: CloudRequest): Promise<CloudAnswer> {
    const path = `/v2/${this.cloud.connection.projectId}/fgs/${request.path}`;
    return this.cloud.call('functiongraph', { ...request, path });
  }

  async #callUnlessGone(request: CloudRequest): Promise<CloudAnswer | undefined> {
    try {
      return await this.#call(request);
    } catch (error) {
      if (error instanceof CallFailed && error.status === 404) return undefined;
      throw error;
    }
  }
}

/** @throws CallFailed for an answer that is not as documented, as of something else that listens at the address */
function read<T>(schema: z.ZodType<T>, body: unknown, what: string): T {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const field = issue?.path.join('.') || 'all of it';
  throw new CallFailed(
    200,
    'UNEXPECTED_ANSWER',
    `${what}: the answer is not FunctionGraph's (${field}: ${issue?.message})`,
  );
}

function configurationBody(wanted: WantedFunction) {
  return {
    func_name: wanted.name,
    description: wanted.description,
    runtime: wanted.runtime,
    handler: HANDLER,
    memory_size: wanted.memoryMb,
    timeout: wanted.timeoutSeconds,
    user_data: JSON.stringify(wanted.userData),
    ...(Object.keys(wanted.secrets).length > 0 && { encrypted_user_data: JSON.stringify(wanted.secrets) }),
    xrole: wanted.agency,
    app_xrole: wanted.agency,
  };
}

/** Every function is one file, `index.js`, in the root of its zip. */
export const HANDLER = 'index.handler';

function codeBody(zip: Buffer) {
  return { code_type: 'zip', code_filename: 'index.zip', func_code: { file: zip.toString('base64') } };
}
