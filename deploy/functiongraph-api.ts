import * as z from 'zod';
import { CallFailed, type CloudAnswer, type CloudApi, type CloudRequest, readAnswer } from './cloud-api';
import type { AsynchronousConfiguration, DesiredFunction } from './desired-state';
import type { DesiredTrigger, TriggerType } from './desired-triggers';

/** The fields of FunctionGraph's answer about a function that are used here. */
export const LiveConfiguration = z.object({
  func_urn: z.string(),
  func_name: z.string(),
  description: z.string().nullish(),
  runtime: z.string(),
  handler: z.string(),
  memory_size: z.number(),
  timeout: z.number(),
  user_data: z.string().nullish(),
  /** Never in clear text, but its presence shows that there are secrets. */
  encrypted_user_data: z.string().nullish(),
  log_group_id: z.string().nullish(),
  log_stream_id: z.string().nullish(),
  xrole: z.string().nullish(),
  app_xrole: z.string().nullish(),
  /** SHA-512 of the code. */
  digest: z.string().nullish(),
  code_size: z.number().nullish(),
  last_modified: z.string().nullish(),
  strategy_config: z.object({ concurrency: z.number().nullish() }).nullish(),
});
export type LiveConfiguration = z.infer<typeof LiveConfiguration>;

const ListedFunction = z.object({
  func_urn: z.string(),
  func_name: z.string(),
  description: z.string().nullish(),
});
export type ListedFunction = z.infer<typeof ListedFunction>;

const FunctionList = z.object({
  functions: z.array(ListedFunction).nullable(),
  next_marker: z.number().nullish(),
});

/** A trigger in FunctionGraph's answer. */
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

/** The result of an invocation. */
export interface InvocationResult {
  isError: boolean;
  result: string;
  /** The last 2 KB of the log. */
  log: string;
}

/** The largest page. A project may have so many functions. */
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
    const found = new Map<string, ListedFunction>();
    for (;;) {
      const before = found.size;
      const { body } = await this.#call({
        method: 'GET',
        path: 'functions',
        query: [
          ['marker', String(before)],
          ['maxitems', String(PAGE_SIZE)],
        ],
      });
      const { functions, next_marker } = read(FunctionList, body, 'the list of functions');
      for (const one of functions ?? []) found.set(one.func_urn, one);
      // A page may be shorter than requested. Then next_marker says where the next one begins.
      const isLast = (functions ?? []).length < PAGE_SIZE && (next_marker ?? 0) <= found.size;
      if (isLast || found.size === before) return [...found.values()];
    }
  }

  /** Reads a function; undefined when there is none. */
  async showFunction(name: string): Promise<LiveConfiguration | undefined> {
    const answer = await this.#callUnlessGone({
      method: 'GET',
      path: `functions/${this.urnOf(name)}/config`,
    });
    return answer && read(LiveConfiguration, answer.body, `the configuration of ${name}`);
  }

  async createFunction(desired: DesiredFunction, zip: Buffer): Promise<void> {
    await this.#call({
      method: 'POST',
      path: 'functions',
      // Without `type` some regions create version 1, which has no limit of instances.
      body: { ...configurationBody(desired), package: 'default', type: 'v2', ...codeBody(zip) },
    });
  }

  /** @param clearsSecrets removes the secrets: they are no longer in `serverless.yml` */
  async updateConfiguration(desired: DesiredFunction, clearsSecrets = false): Promise<void> {
    const { maxInstances } = desired;
    await this.#call({
      method: 'PUT',
      path: `functions/${this.urnOf(desired.name)}/config`,
      body: {
        ...configurationBody(desired),
        ...(clearsSecrets && { encrypted_user_data: JSON.stringify(desired.secrets) }),
        // Both fields are mandatory. An event function handles one request at a time.
        ...(maxInstances !== undefined && {
          strategy_config: { concurrency: maxInstances, concurrent_num: 1 },
        }),
      },
    });
  }

  async updateCode(name: string, zip: Buffer): Promise<void> {
    try {
      await this.#call({ method: 'PUT', path: `functions/${this.urnOf(name)}/code`, body: codeBody(zip) });
    } catch (error) {
      // The function already has this code.
      if (!(error instanceof CallFailed) || error.code !== 'FSS.0409') throw error;
    }
  }

  /** Deletes a function. A missing one is no error. */
  async deleteFunction(name: string): Promise<void> {
    const [urn] = this.urnOf(name).split(':latest');
    await this.#callUnlessGone({ method: 'DELETE', path: `functions/${urn}` });
  }

  /** Reads the asynchronous configuration; undefined when the function has none. */
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

  /** Lists the triggers; empty when the function does not exist. */
  async listTriggers(name: string): Promise<LiveTrigger[]> {
    try {
      const { body } = await this.#call({ method: 'GET', path: `triggers/${this.urnOf(name)}` });
      return read(z.array(LiveTrigger), body, `the triggers of ${name}`);
    } catch (error) {
      // The answer for a missing function may also be a failure of the service: only another look decides.
      if (isGone(error) && (await this.showFunction(name)) === undefined) return [];
      throw error;
    }
  }

  async createTrigger(name: string, { type, status, eventData }: DesiredTrigger): Promise<void> {
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

  /**
   * Deletes a trigger and waits until it is no longer listed. A missing one is no error. EventGrid's subscription, which
   * has the trigger's id, would be left over: it is deleted first, and the trigger goes with it.
   * @throws CallFailed `STILL_DELETED` when it is still listed after 3 minutes
   */
  async deleteTrigger(name: string, { trigger_id: id, trigger_type_code: type }: LiveTrigger): Promise<void> {
    const path = `triggers/${this.urnOf(name)}/${type}/${id}`;
    const isListed = async () =>
      (await this.listTriggers(name)).some((one) => one.trigger_type_code === type && one.trigger_id === id);
    if (type === 'EVENTGRID') await this.#deleteSubscription(id);
    if (type !== 'EVENTGRID' || (await isListed())) await this.#callUnlessGone({ method: 'DELETE', path });
    const what = `waiting for ${type} trigger ${id} of ${name} to go`;
    if (await this.cloud.until(what, async () => !(await isListed()))) return;
    throw new CallFailed(
      0,
      'STILL_DELETED',
      `${type} trigger ${id} of ${name} is still there after 3 minutes`,
    );
  }

  async #deleteSubscription(id: string): Promise<void> {
    const path = `/v1/${this.cloud.connection.projectId}/subscriptions/${id}`;
    try {
      await this.cloud.call('eg', { method: 'DELETE', path });
    } catch (error) {
      if (!(error instanceof CallFailed && error.status === 404)) throw error;
    }
  }

  /** Invokes the function synchronously. */
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
      if (isGone(error)) return undefined;
      throw error;
    }
  }
}

/**
 * True for FunctionGraph's answers about a missing function or trigger: 404 is documented, 401 and 500 are known from the
 * Terraform provider.
 */
function isGone(error: unknown): boolean {
  if (!(error instanceof CallFailed)) return false;
  const { status, code } = error;
  return status === 404 || (status === 401 && code === 'FSS.0401') || (status === 500 && code === 'FSS.0500');
}

/** @throws CallFailed for an answer of another form */
const read = <T>(schema: z.ZodType<T>, body: unknown, what: string): T =>
  readAnswer(schema, body, what, 'FunctionGraph');

function configurationBody(desired: DesiredFunction) {
  return {
    func_name: desired.name,
    description: desired.description,
    runtime: desired.runtime,
    handler: HANDLER,
    memory_size: desired.memoryMb,
    timeout: desired.timeoutSeconds,
    user_data: JSON.stringify(desired.userData),
    ...(Object.keys(desired.secrets).length > 0 && { encrypted_user_data: JSON.stringify(desired.secrets) }),
    xrole: desired.agency,
    app_xrole: desired.agency,
    ...(desired.logs !== undefined && { enable_lts_log: true, log_config: desired.logs }),
  };
}

/** Every function is one file in the root of its zip: `index.js`. */
export const HANDLER = 'index.handler';

function codeBody(zip: Buffer) {
  return { code_type: 'zip', code_filename: 'index.zip', func_code: { file: zip.toString('base64') } };
}
