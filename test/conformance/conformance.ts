import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import http, { type IncomingHttpHeaders, type OutgoingHttpHeaders } from 'node:http';
import https from 'node:https';
import { Readable } from 'node:stream';
import { AKSKSigner } from '@huaweicloud/huaweicloud-sdk-core/auth/AKSKSigner';
import ObsClient from 'esdk-obs-nodejs';
import { zipFunction } from '../../deploy/bundle';
import { startCloud } from '../../local/cloud';
import { until } from '../wait';

/** Every fact is stated twice: about the local cloud, and with TARGET=huawei about the real one. */
export const IS_REAL = process.env.TARGET === 'huawei';

const VARIABLES = [
  'HUAWEICLOUD_SDK_AK',
  'HUAWEICLOUD_SDK_SK',
  'HUAWEICLOUD_SDK_PROJECT_ID',
  'HUAWEICLOUD_SDK_REGION',
  'OBS_ENDPOINT',
  'MPC_ENDPOINT',
  'UPLOAD_BUCKET',
  'SNAPSHOT_BUCKET',
] as const;
/** What only some facts need: they are left out, with a word, where it is not set. */
const MORE_VARIABLES = [
  'FUNCTIONGRAPH_ENDPOINT',
  'APIG_ENDPOINT',
  'EG_ENDPOINT',
  'APIG_GROUP_ID',
  'APIG_INSTANCE_ID',
  'EVENTGRID_CHANNEL_ID',
] as const;
type Environment = Record<(typeof VARIABLES)[number], string> &
  Partial<Record<(typeof MORE_VARIABLES)[number], string>>;

export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  body: Buffer;
}

export interface MpcAnswer {
  status: number;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers freely
  body: any;
}

/** What a service behind the platform's gateway answered. */
export interface ServiceAnswer extends MpcAnswer {
  headers: Headers;
}

/** A cloud to try facts out on, with clients of the vendor and one folder that is gone afterwards. */
export class Session {
  /** Begins the name of everything that the tests make. */
  readonly name = `conformance-${randomBytes(8).toString('hex')}`;
  /** All objects that the tests make, in both buckets, are below. */
  readonly folder = `${this.name}/`;
  readonly #cleanUps: (() => Promise<unknown>)[] = [];
  readonly obs: ObsClient;
  readonly #agent: http.Agent | undefined;

  private constructor(
    readonly environment: Environment,
    private readonly stop: () => Promise<void>,
  ) {
    this.#agent = IS_REAL ? undefined : localAgent();
    this.obs = this.obsClient();
  }

  static async open(): Promise<Session> {
    if (IS_REAL) return new Session(process.env as Environment, async () => {});
    const cloud = await startCloud({ port: 0 });
    const environment = {
      ...(cloud.environment as Environment),
      APIG_GROUP_ID: 'local',
      EVENTGRID_CHANNEL_ID: 'channel',
      // A name, as in the real cloud: with an address the vendor's client would speak another dialect.
      OBS_ENDPOINT: cloud.addresses.obs.replace('127.0.0.1', 'obs.localhost'),
    };
    return new Session(environment, () => cloud.close());
  }

  obsClient(secretKey = this.environment.HUAWEICLOUD_SDK_SK): ObsClient {
    return new ObsClient({
      access_key_id: this.environment.HUAWEICLOUD_SDK_AK,
      secret_access_key: secretKey,
      server: this.environment.OBS_ENDPOINT,
      is_signature_negotiation: false,
      max_retry_count: 0,
      timeout: 60,
      ...(this.#agent !== undefined && { http_agent: this.#agent }),
    });
  }

  /** Uploads to the bucket for uploads. */
  async put(name: string, bytes: Buffer, more: Record<string, unknown> = {}) {
    const { CommonMsg, InterfaceResult } = await this.obs.putObject({
      Bucket: this.environment.UPLOAD_BUCKET,
      Key: this.folder + name,
      Body: Readable.from([bytes]),
      ContentLength: bytes.length,
      ...more,
    });
    return { status: CommonMsg.Status, code: CommonMsg.Code, etag: InterfaceResult?.ETag };
  }

  /** Downloads from a bucket; the body is empty when the answer is a refusal. */
  async get(name: string, more: Record<string, unknown> = {}, bucket = this.environment.UPLOAD_BUCKET) {
    const { CommonMsg, InterfaceResult } = await this.obs.getObject({
      Bucket: bucket,
      Key: this.folder + name,
      SaveAsStream: true,
      ...more,
    });
    const isGiven = CommonMsg.Status < 300;
    return {
      status: CommonMsg.Status,
      code: CommonMsg.Code,
      result: InterfaceResult,
      body: isGiven ? await bytesOf(InterfaceResult.Content) : Buffer.alloc(0),
    };
  }

  /** Names below the folder. */
  async names(bucket: string, more: Record<string, unknown> = {}): Promise<string[]> {
    const { InterfaceResult } = await this.obs.listObjects({ Bucket: bucket, Prefix: this.folder, ...more });
    return InterfaceResult.Contents.map(({ Key }) => Key.slice(this.folder.length));
  }

  /** A temporary URL of an upload. */
  temporaryUrl(method: string, name: string, expiresSeconds = 300): string {
    return this.obs.createSignedUrlSync({
      Method: method,
      Bucket: this.environment.UPLOAD_BUCKET,
      Key: this.folder + name,
      Expires: expiresSeconds,
    }).SignedUrl;
  }

  /** Sends a request as it stands, without any signature. */
  async send(method: string, url: string, headers: OutgoingHttpHeaders = {}, body?: Buffer): Promise<Answer> {
    const client = url.startsWith('https:') ? https : http;
    const sent = client.request(url, {
      method,
      headers,
      ...(this.#agent !== undefined && { agent: this.#agent }),
    });
    sent.end(body);
    const [response] = (await once(sent, 'response')) as [http.IncomingMessage];
    return { status: response.statusCode ?? 0, headers: response.headers, body: await bytesOf(response) };
  }

  /** Calls MPC's thumbnails, signed by the vendor's signer. */
  async mpc(
    method: 'GET' | 'POST' | 'DELETE',
    { query = {}, body }: { query?: Record<string, string | string[]>; body?: unknown } = {},
    secretKey = this.environment.HUAWEICLOUD_SDK_SK,
  ): Promise<MpcAnswer> {
    const { HUAWEICLOUD_SDK_PROJECT_ID: projectId, MPC_ENDPOINT } = this.environment;
    const url = new URL(`/v1/${projectId}/thumbnails`, MPC_ENDPOINT);
    const { status, body: answered } = await this.signed(method, url, { query, body }, secretKey);
    return { status, body: answered };
  }

  /** Calls FunctionGraph below `/v2/{project_id}/fgs/`. */
  functiongraph(
    method: string,
    path: string,
    body?: unknown,
    more: { query?: Record<string, string>; headers?: Record<string, string> } = {},
  ): Promise<ServiceAnswer> {
    const endpoint = this.#endpoint('functiongraph', this.environment.FUNCTIONGRAPH_ENDPOINT);
    const url = new URL(`/v2/${this.environment.HUAWEICLOUD_SDK_PROJECT_ID}/fgs/${path}`, endpoint);
    return this.signed(method, url, { ...more, body });
  }

  /** Calls EventGrid below `/v1/{project_id}/`. */
  eventGrid(method: string, path: string): Promise<ServiceAnswer> {
    const endpoint = this.#endpoint('eg', this.environment.EG_ENDPOINT);
    return this.signed(
      method,
      new URL(`/v1/${this.environment.HUAWEICLOUD_SDK_PROJECT_ID}/${path}`, endpoint),
    );
  }

  urnOf(functionName: string): string {
    const { HUAWEICLOUD_SDK_REGION: region, HUAWEICLOUD_SDK_PROJECT_ID: projectId } = this.environment;
    return `urn:fss:${region}:${projectId}:function:default:${functionName}:latest`;
  }

  /** Creates a function of `index.js` that is gone afterwards, with its triggers and subscriptions. */
  async createFunction(name: string, code: string): Promise<ServiceAnswer> {
    const urn = this.urnOf(name);
    this.afterwards(() => this.removeFunction(urn));
    const file = (await zipFunction(Buffer.from(code))).toString('base64');
    return this.functiongraph('POST', 'functions', {
      func_name: name,
      package: 'default',
      runtime: 'Node.js20.15',
      handler: 'index.handler',
      memory_size: 128,
      timeout: 10,
      type: 'v2',
      description: 'made by a conformance test; may be deleted',
      code_type: 'zip',
      code_filename: 'index.zip',
      func_code: { file },
    });
  }

  /** Deletes a trigger and waits until it is gone; also when it is gone already. */
  async removeTrigger(urn: string, type: string, id: string): Promise<void> {
    if (type === 'EVENTGRID') await this.eventGrid('DELETE', `subscriptions/${id}`);
    await this.functiongraph('DELETE', `triggers/${urn}/${type}/${id}`);
    const isGone = async () => {
      const { status, body } = await this.functiongraph('GET', `triggers/${urn}`);
      return status !== 200 || !body.some((one: { trigger_id: string }) => one.trigger_id === id);
    };
    await until(isGone, { what: `the end of ${type} trigger ${id}`, timeoutMs: IS_REAL ? 180_000 : 10_000 });
  }

  async removeFunction(urn: string): Promise<void> {
    const { status, body } = await this.functiongraph('GET', `triggers/${urn}`);
    const triggers: { trigger_type_code: string; trigger_id: string }[] = status === 200 ? body : [];
    for (const { trigger_type_code: type, trigger_id: id } of triggers)
      await this.removeTrigger(urn, type, id);
    await this.functiongraph('DELETE', `functions/${urn.replace(/:latest$/, '')}`);
  }

  /** A call signed by the vendor's signer. */
  async signed(
    method: string,
    url: URL,
    {
      query = {},
      headers: more = {},
      body,
    }: { query?: Record<string, string | string[]>; headers?: Record<string, string>; body?: unknown } = {},
    secretKey = this.environment.HUAWEICLOUD_SDK_SK,
  ): Promise<ServiceAnswer> {
    const { HUAWEICLOUD_SDK_AK: accessKey, HUAWEICLOUD_SDK_PROJECT_ID: projectId } = this.environment;
    const { host: _host, ...headers } = AKSKSigner.sign(
      {
        method,
        endpoint: url.origin + decodeURIComponent(url.pathname),
        headers: { 'content-type': 'application/json', 'X-Project-Id': projectId, ...more },
        queryParams: structuredClone(query),
        data: body,
      } as never,
      { getAk: () => accessKey, getSk: () => secretKey } as never,
    ) as Record<string, string>;
    const target = new URL(url);
    for (const [name, values] of Object.entries(query)) {
      for (const value of [values].flat()) target.searchParams.append(name, value);
    }
    const response = await fetch(target, {
      method,
      headers,
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    const isJson = /^\s*[[{]/.test(text);
    const parsed = text === '' ? undefined : isJson ? JSON.parse(text) : text;
    return { status: response.status, headers: response.headers, body: parsed };
  }

  #endpoint(service: string, given: string | undefined): string {
    return given ?? `https://${service}.${this.environment.HUAWEICLOUD_SDK_REGION}.myhuaweicloud.com`;
  }

  /** Has something done at the end, also when a test failed: what is made last is taken away first. */
  afterwards(cleanUp: () => Promise<unknown>): void {
    this.#cleanUps.unshift(cleanUp);
  }

  /**
   * Takes away what was made. One that fails stops none of the others.
   * @throws AggregateError of those that failed
   */
  async cleanUp(): Promise<void> {
    const failures: unknown[] = [];
    for (const cleanUp of this.#cleanUps.splice(0)) {
      await cleanUp().catch((error: unknown) => failures.push(error));
    }
    if (failures.length > 0) {
      throw new AggregateError(
        failures,
        `not all could be taken away: look for what begins with ${this.name}`,
      );
    }
  }

  /** A request body for `name` in the folder; pictures go below the folder too. */
  thumbnails(name: string, para: Record<string, unknown>, more: Record<string, unknown> = {}) {
    const { UPLOAD_BUCKET, SNAPSHOT_BUCKET, HUAWEICLOUD_SDK_REGION: location } = this.environment;
    return {
      input: { bucket: UPLOAD_BUCKET, location, object: this.folder + name },
      output: { bucket: SNAPSHOT_BUCKET, location, object: `${this.folder}out` },
      thumbnail_para: para,
      original_dir: 1,
      ...more,
    };
  }

  /** Removes what the tests made, and nothing else. */
  async close(): Promise<void> {
    try {
      await this.cleanUp();
      await this.#removeObjects();
    } finally {
      this.obs.close();
      this.#agent?.destroy();
      await this.stop();
    }
  }

  async #removeObjects(): Promise<void> {
    const { UPLOAD_BUCKET, SNAPSHOT_BUCKET } = this.environment;
    for (const Bucket of new Set([UPLOAD_BUCKET, SNAPSHOT_BUCKET])) {
      for (const name of await this.names(Bucket)) {
        await this.obs.deleteObject({ Bucket, Key: this.folder + name });
      }
    }
  }
}

/**
 * Facts about one service, told of the cloud that TARGET names. They make objects in one folder and functions with one
 * name of their own, look at nothing else and remove them. With TARGET=huawei they cost a few requests and a handful of pictures; the bucket for
 * uploads should be one that starts no captures by itself, as what those make would stay.
 */
export function conformance(service: string, facts: (session: () => Session) => void): void {
  const missing = IS_REAL ? VARIABLES.filter((name) => !process.env[name]) : [];
  if (missing.length > 0) {
    const reason = `${service} is skipped: TARGET=huawei needs ${missing.join(', ')} in the environment`;
    process.stderr.write(`${reason}\n`);
    test.skip(reason, () => {});
    return;
  }
  describe(`${service} (${IS_REAL ? 'Huawei Cloud' : 'local cloud'})`, () => {
    let session: Session;
    if (IS_REAL) jest.setTimeout(180_000);

    beforeAll(async () => {
      session = await Session.open();
    });
    afterAll(() => session.close());
    facts(() => session);
  });
}

/** Tells which of several documented or likely readings the real cloud follows. */
export function observe(fact: string, value: unknown): void {
  if (IS_REAL) process.stdout.write(`observed: ${fact}: ${JSON.stringify(value)}\n`);
}

/** Finds names below `localhost` without asking a name server, which not every computer's can. */
function localAgent(): http.Agent {
  return new http.Agent({
    keepAlive: true,
    lookup: (_host, options, callback) =>
      options.all === true
        ? callback(null, [{ address: '127.0.0.1', family: 4 }])
        : callback(null, '127.0.0.1', 4),
  } as http.AgentOptions);
}

async function bytesOf(stream: AsyncIterable<unknown>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
