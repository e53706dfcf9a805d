import { AKSKSigner } from '@huaweicloud/huaweicloud-sdk-core/auth/AKSKSigner';
import * as z from 'zod';
import { queryOf, sha256Hex } from '../../../local/iam/canonical-request';
import { ConsoleRefusal } from '../console-source';
import type { Caller, DeployedService } from './deployed-service';

/** A little more than API Gateway waits for a function that waits for a task. */
const TIMEOUT_MS = 45_000;

const Location = z.object({ bucket: z.string(), object: z.string() });
const Task = z.object({
  task_id: z.coerce.string(),
  status: z.enum(['WAITING', 'PROCESSING', 'SUCCEEDED', 'FAILED', 'CANCELED']),
  create_time: z.coerce.string().optional(),
  end_time: z.coerce.string().optional(),
  input: Location,
  output: Location,
  description: z.string().optional(),
  output_file_name: z.string().optional(),
  thumbnail_info: z
    .array(z.object({ pic_name: z.string(), time: z.number().nullable(), url: z.string().optional() }))
    .default([]),
});
/** A task as the deployed service answers it. */
export type ApiTask = z.infer<typeof Task>;

const TaskList = z.object({ task_array: z.array(Task) });

/** The deployed service's own API, signed with the key of a caller (authentication APP) or else with the access key (IAM). */
export class SignedApi {
  constructor(
    private readonly service: DeployedService,
    private readonly caller: Caller,
  ) {}

  /**
   * One signed call.
   * @param target path and query below the API's address, such as `/snapshots?size=5`, encoded
   * @throws ConsoleRefusal 502 when nothing answers
   */
  async call(
    method: string,
    target: string,
    body?: Buffer,
    headers: Record<string, string> = {},
  ): Promise<Response> {
    const url = new URL(this.service.apiEndpoint + target);
    return fetch(url, {
      method,
      headers: { ...this.#sign(method, url, body), ...headers },
      redirect: 'manual',
      signal: AbortSignal.timeout(TIMEOUT_MS),
      ...(body !== undefined && { body: new Uint8Array(body) }),
    }).catch((error: Error) => {
      throw new ConsoleRefusal(
        502,
        `${url.origin} does not answer: ${(error.cause as Error)?.message ?? error.message}`,
      );
    });
  }

  /** @throws ConsoleRefusal 502 */
  async tasks(query: string): Promise<ApiTask[]> {
    return TaskList.parse(await this.#read(`/snapshots?${query}`)).task_array;
  }

  /** @throws ConsoleRefusal 404, 502 */
  async task(id: string): Promise<ApiTask> {
    return Task.parse(await this.#read(`/snapshots/${encodeURIComponent(id)}`));
  }

  async #read(target: string): Promise<unknown> {
    const response = await this.call('GET', target);
    const answer: unknown = await response.json().catch(() => undefined);
    if (response.ok) return answer;
    const { error_code = '', error_msg = '' } = (answer ?? {}) as { error_code?: string; error_msg?: string };
    throw new ConsoleRefusal(
      response.status === 404 ? 404 : 502,
      `the service answers ${response.status} ${error_code} ${error_msg}`.trim(),
    );
  }

  #sign(method: string, url: URL, body: Buffer | undefined): Record<string, string> {
    const { app, accessKey, secretKey, projectId, securityToken } = this.caller;
    const request = {
      method,
      endpoint: url.origin + url.pathname,
      headers: {
        'content-type': 'application/json',
        ...(app === undefined && { 'x-project-id': projectId }),
        'X-Sdk-Content-Sha256': sha256Hex(body ?? ''),
        ...(app === undefined && securityToken !== undefined && { 'x-security-token': securityToken }),
      },
      queryParams: queryOf(url),
    };
    // The signer's declarations ask for whole requests and credentials of the SDK; it reads no more than this.
    const credential = { getAk: () => app?.key ?? accessKey, getSk: () => app?.secret ?? secretKey };
    const { host: _, ...signed } = AKSKSigner.sign(request as never, credential as never) as Record<
      string,
      string
    >;
    // The HTTP client writes the host header itself, from the same address.
    return signed;
  }
}
