import * as z from 'zod';
import { encodeKey, temporaryUrl } from '../../../local/obs/signature';
import { oneOrMany, parseXml } from '../../../local/obs/xml';
import { ConsoleRefusal } from '../console-source';
import type { Caller, DeployedService } from './deployed-service';

const TIMEOUT_MS = 15_000;
const URL_LIFETIME_SECONDS = 3600;

const Listing = z.object({
  IsTruncated: z.string(),
  NextMarker: z.string().optional(),
  Contents: oneOrMany(
    z.object({ Key: z.string(), Size: z.coerce.number(), LastModified: z.string() }),
  ).default([]),
});

export interface BucketObject {
  key: string;
  sizeBytes: number;
  lastModifiedMs: number;
}

/** A bucket of the deployed service, with the caller's own rights. Everything throws ConsoleRefusal 502 when OBS refuses or does not answer. */
export class Bucket {
  constructor(
    private readonly service: DeployedService,
    private readonly caller: Caller,
    private readonly name: string,
  ) {}

  /** Address of the bucket, without a slash at the end. */
  get address(): string {
    return this.url('GET', '').replace(/\/?\?.*$/s, '');
  }

  /** A temporary address of an object. */
  url(method: 'GET' | 'PUT' | 'DELETE', key: string): string {
    const { obsEndpoint: endpoint } = this.service;
    const expiresAtSeconds = Math.floor(Date.now() / 1000) + URL_LIFETIME_SECONDS;
    return temporaryUrl({
      endpoint,
      bucket: this.name,
      key,
      method,
      accessKey: this.caller,
      expiresAtSeconds,
    });
  }

  /** The first of the objects below a prefix, by name. @param maxPages of 1,000 objects each */
  async list(
    prefix: string,
    { maxPages, maxKeys }: { maxPages: number; maxKeys?: number },
  ): Promise<BucketObject[]> {
    const objects: BucketObject[] = [];
    let marker = '';
    for (let page = 0; page < maxPages; page++) {
      const listing = await this.#page({
        prefix,
        marker,
        ...(maxKeys !== undefined && { 'max-keys': String(maxKeys) }),
      });
      objects.push(...listing.objects);
      if (listing.nextMarker === undefined) break;
      marker = listing.nextMarker;
    }
    return objects;
  }

  async read(key: string): Promise<string> {
    return (await this.#send('GET', this.url('GET', key), 'obs:object:GetObject')).text();
  }

  async write(key: string, body: string): Promise<void> {
    // The signature of the address covers no type: bytes have none.
    await this.#send('PUT', this.url('PUT', key), 'obs:object:PutObject', Buffer.from(body));
  }

  async delete(key: string): Promise<void> {
    await this.#send('DELETE', this.url('DELETE', key), 'obs:object:DeleteObject');
  }

  async #page(
    parameters: Readonly<Record<string, string>>,
  ): Promise<{ objects: BucketObject[]; nextMarker: string | undefined }> {
    // The parameters of a listing are not part of what OBS signs.
    const query = Object.entries(parameters)
      .filter(([, value]) => value !== '')
      .map(([name, value]) => `&${name}=${encodeKey(value).replaceAll('/', '%2F')}`)
      .join('');
    const response = await this.#send('GET', this.url('GET', '') + query, 'obs:bucket:ListBucket');
    const text = await response.text();
    const { Contents, IsTruncated, NextMarker } = parseXml(text, 'ListBucketResult', Listing);
    return {
      objects: Contents.map(({ Key, Size, LastModified }) => ({
        key: Key,
        sizeBytes: Size,
        lastModifiedMs: Date.parse(LastModified),
      })),
      nextMarker: IsTruncated === 'true' ? (NextMarker ?? Contents.at(-1)?.Key) : undefined,
    };
  }

  /** @param right that the caller needs for it */
  async #send(method: string, url: string, right: string, body?: Uint8Array<ArrayBuffer>): Promise<Response> {
    const response = await fetch(url, {
      method,
      ...(body !== undefined && { body }),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    }).catch((error: Error) => {
      throw new ConsoleRefusal(
        502,
        `OBS does not answer: ${(error.cause as Error)?.message ?? error.message}`,
      );
    });
    if (response.ok) return response;
    const code = /<Code>(\w+)<\/Code>/.exec(await response.text())?.[1] ?? '';
    const what = right === 'obs:bucket:ListBucket' ? 'the listing of' : `${method} in`;
    throw new ConsoleRefusal(
      502,
      `OBS answers ${response.status} ${code} to ${what} ${this.name}: the caller needs ${right}`,
    );
  }
}
