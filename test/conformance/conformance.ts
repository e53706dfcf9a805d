import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import http, { type IncomingHttpHeaders, type OutgoingHttpHeaders } from 'node:http';
import https from 'node:https';
import { Readable } from 'node:stream';
import { AKSKSigner } from '@huaweicloud/huaweicloud-sdk-core/auth/AKSKSigner';
import ObsClient from 'esdk-obs-nodejs';
import { startCloud } from '../../local/cloud';

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
type Environment = Record<(typeof VARIABLES)[number], string>;

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

/** A cloud to try facts out on, with clients of the vendor and one folder that is gone afterwards. */
class Session {
  /** All objects that the tests make, in both buckets, are below. */
  readonly folder = `conformance-${randomBytes(8).toString('hex')}/`;
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
    const { host: _host, ...headers } = AKSKSigner.sign(
      {
        method,
        endpoint: url.href,
        headers: { 'content-type': 'application/json', 'X-Project-Id': projectId },
        queryParams: structuredClone(query),
        data: body,
      } as never,
      { getAk: () => this.environment.HUAWEICLOUD_SDK_AK, getSk: () => secretKey } as never,
    ) as Record<string, string>;
    for (const [name, values] of Object.entries(query)) {
      for (const value of [values].flat()) url.searchParams.append(name, value);
    }
    const response = await fetch(url, {
      method,
      headers,
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, body: text === '' ? undefined : JSON.parse(text) };
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
    const { UPLOAD_BUCKET, SNAPSHOT_BUCKET } = this.environment;
    for (const Bucket of new Set([UPLOAD_BUCKET, SNAPSHOT_BUCKET])) {
      for (const name of await this.names(Bucket)) {
        await this.obs.deleteObject({ Bucket, Key: this.folder + name });
      }
    }
    this.obs.close();
    this.#agent?.destroy();
    await this.stop();
  }
}

/**
 * Facts about one service, told of the cloud that TARGET names. They make objects in one folder of their own, look at
 * nothing else and remove it. With TARGET=huawei they cost a few requests and a handful of pictures; the bucket for
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
