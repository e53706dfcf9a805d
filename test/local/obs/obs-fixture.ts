import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import http, { type IncomingHttpHeaders, type Server } from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import ObsClient from 'esdk-obs-nodejs';
import type { Clock } from '../../../local/clock';
import type { AccessLogEntry } from '../../../local/front';
import { closeServer, listen } from '../../../local/http-server';
import { type AccessKey, Credentials } from '../../../local/iam/credentials';
import { type ObjectEvent, ObjectStore } from '../../../local/obs/object-store';
import { createObsServer, type ObsOptions } from '../../../local/obs/server';

export const REGION = 'cn-north-4';
export const PERMANENT_KEY: AccessKey = {
  accessKey: 'LOCALACCESSKEY000001',
  secretKey: 'local-secret-key-of-forty-characters-000',
  projectId: '0123456789abcdef0123456789abcdef',
};

/** Virtual host: the client signs `OBS`. Path style: the client falls back to the AWS dialect. */
export const STYLES = ['virtual host, OBS dialect', 'path style, AWS dialect'] as const;
export type Style = (typeof STYLES)[number];

export interface RawAnswer {
  status: number;
  headers: IncomingHttpHeaders;
  body: string;
}

/** A real server on a free port over a store in a new directory. */
export class Obs {
  readonly events: ObjectEvent[] = [];
  /** Finds every name below `localhost` on this machine. */
  readonly agent = new http.Agent({
    keepAlive: true,
    // No name server knows names below `localhost` everywhere.
    lookup: (_host, options, callback) =>
      options.all === true
        ? callback(null, [{ address: '127.0.0.1', family: 4 }])
        : callback(null, '127.0.0.1', 4),
  } as http.AgentOptions);

  private constructor(
    readonly directory: string,
    readonly store: ObjectStore,
    readonly credentials: Credentials,
    readonly server: Server,
    readonly port: number,
    readonly log: readonly AccessLogEntry[],
  ) {
    store.onObjectEvent((event) => this.events.push(event));
  }

  static async start({
    clock = Date.now,
    key = PERMANENT_KEY,
    ...options
  }: {
    clock?: Clock;
    key?: AccessKey;
  } & Pick<ObsOptions, 'behaviour' | 'functions' | 'isAllowed' | 'bucketsOfOthers'> = {}): Promise<Obs> {
    const directory = await mkdtemp(path.join(os.tmpdir(), 'obs-'));
    const store = await ObjectStore.open(directory, clock);
    const credentials = new Credentials(key, clock);
    const log: AccessLogEntry[] = [];
    const server = createObsServer({
      store,
      credentials,
      region: REGION,
      clock,
      onRequest: (entry) => log.push(entry),
      ...options,
    });
    return new Obs(directory, store, credentials, server, await listen(server, 0), log);
  }

  client(
    style: Style,
    key: AccessKey = this.credentials.permanent,
    options: Partial<ConstructorParameters<typeof ObsClient>[0]> = {},
  ): ObsClient {
    return new ObsClient({
      access_key_id: key.accessKey,
      secret_access_key: key.secretKey,
      security_token: key.securityToken,
      server: `http://${style === 'virtual host, OBS dialect' ? 'obs.localhost' : '127.0.0.1'}:${this.port}`,
      http_agent: this.agent,
      is_signature_negotiation: false,
      max_retry_count: 0,
      timeout: 20,
      ...options,
    });
  }

  /** Sends a request as it stands, without any client library. */
  raw(
    method: string,
    rawPath: string,
    { headers = {}, body }: { headers?: http.OutgoingHttpHeaders; body?: string | Buffer | Readable } = {},
  ): Promise<RawAnswer> {
    return new Promise((resolve, reject) => {
      const request = http.request(
        { host: '127.0.0.1', port: this.port, method, path: rawPath, headers, agent: this.agent },
        async (response) => {
          const answer = await bytesOf(response);
          resolve({ status: response.statusCode!, headers: response.headers, body: answer.toString('utf8') });
        },
      );
      request.on('error', reject);
      if (body instanceof Readable) body.pipe(request);
      else request.end(body);
    });
  }

  /** Sends a request whose URL was signed by the vendor's client in the OBS dialect. */
  signed(
    method: string,
    target: { bucket?: string; key?: string; query?: Record<string, string>; special?: string },
    { headers = {}, body }: { headers?: Record<string, string>; body?: string | Buffer | Readable } = {},
  ): Promise<RawAnswer> {
    const { SignedUrl } = this.client('virtual host, OBS dialect').createSignedUrlSync({
      Method: method,
      ...(target.bucket !== undefined && { Bucket: target.bucket }),
      ...(target.key !== undefined && { Key: target.key }),
      ...(target.special !== undefined && { SpecialParam: target.special }),
      ...(target.query !== undefined && { QueryParams: target.query }),
      Headers: headers,
    });
    const [, host = '', rawPath = ''] = /^http:\/\/([^/?]+)(.*)$/s.exec(SignedUrl) ?? [];
    return this.raw(method, rawPath.startsWith('/') ? rawPath : `/${rawPath}`, {
      headers: { ...headers, host },
      ...(body !== undefined && { body }),
    });
  }

  async close(): Promise<void> {
    this.agent.destroy();
    await closeServer(this.server);
    await this.store.close();
    await rm(this.directory, { recursive: true });
  }
}

export async function bytesOf(stream: AsyncIterable<unknown>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** The vendor's client spoils a Buffer given as Body; a stream with its length is what works. */
export function bodyOf(bytes: Buffer | string): { Body: Readable; ContentLength: number } {
  const buffer = Buffer.from(bytes as string);
  return { Body: Readable.from([buffer]), ContentLength: buffer.length };
}

export { randomBytes };
