import * as z from 'zod';
import { encodeKey, temporaryUrl } from '../../../local/obs/signature';
import { oneOrMany, parseXml } from '../../../local/obs/xml';
import { LIMITS, type Upload } from '../../server/console-api';
import { ConsoleRefusal } from '../console-source';
import type { Caller, DeployedService } from './deployed-service';

/** OBS lists by name, not by time: of larger buckets only so many pages of 1,000 are looked through. */
const MAX_PAGES = 5;
const TIMEOUT_MS = 15_000;
const URL_LIFETIME_SECONDS = 3600;

const Listing = z.object({
  IsTruncated: z.string(),
  NextMarker: z.string().optional(),
  Contents: oneOrMany(
    z.object({ Key: z.string(), Size: z.coerce.number(), LastModified: z.string() }),
  ).default([]),
});

/** The buckets of the deployed service, read with the caller's own rights. */
export class UploadListing {
  constructor(
    private readonly service: DeployedService,
    private readonly caller: Caller,
  ) {}

  /** Newest first. @throws ConsoleRefusal 502 when OBS refuses or does not answer */
  async newest(): Promise<Upload[]> {
    const uploads: Upload[] = [];
    let marker = '';
    for (let page = 0; page < MAX_PAGES; page++) {
      const listing = await this.#list({ prefix: this.service.uploadPrefix, marker });
      uploads.push(...listing.uploads);
      if (listing.nextMarker === undefined) break;
      marker = listing.nextMarker;
    }
    return uploads.sort((a, b) => b.lastModifiedMs - a.lastModifiedMs).slice(0, LIMITS.uploads);
  }

  /** The object with this key; undefined when there is none. @throws ConsoleRefusal 502 */
  async find(key: string): Promise<Upload | undefined> {
    const { uploads } = await this.#list({ prefix: key, 'max-keys': '1' });
    return uploads.find((upload) => upload.key === key);
  }

  /** A temporary address of an object in the upload bucket. */
  url(method: 'GET' | 'PUT', key: string): string {
    const { obsEndpoint: endpoint, uploadBucket: bucket } = this.service;
    const expiresAtSeconds = Math.floor(Date.now() / 1000) + URL_LIFETIME_SECONDS;
    return temporaryUrl({ endpoint, bucket, key, method, accessKey: this.caller, expiresAtSeconds });
  }

  async #list(
    parameters: Readonly<Record<string, string>>,
  ): Promise<{ uploads: Upload[]; nextMarker: string | undefined }> {
    const { uploadBucket } = this.service;
    // The parameters of a listing are not part of what OBS signs.
    const query = Object.entries(parameters)
      .filter(([, value]) => value !== '')
      .map(([name, value]) => `&${name}=${encodeKey(value).replaceAll('/', '%2F')}`)
      .join('');
    const response = await fetch(this.url('GET', '') + query, {
      signal: AbortSignal.timeout(TIMEOUT_MS),
    }).catch((error: Error) => {
      throw new ConsoleRefusal(
        502,
        `OBS does not answer: ${(error.cause as Error)?.message ?? error.message}`,
      );
    });
    const text = await response.text();
    if (!response.ok) {
      const code = /<Code>(\w+)<\/Code>/.exec(text)?.[1] ?? '';
      throw new ConsoleRefusal(
        502,
        `OBS answers ${response.status} ${code} to the listing of ${uploadBucket}: the caller needs obs:bucket:ListBucket`,
      );
    }
    const { Contents, IsTruncated, NextMarker } = parseXml(text, 'ListBucketResult', Listing);
    return {
      uploads: Contents.map(({ Key, Size, LastModified }) => ({
        key: Key,
        sizeBytes: Size,
        lastModifiedMs: Date.parse(LastModified),
      })),
      nextMarker: IsTruncated === 'true' ? (NextMarker ?? Contents.at(-1)?.Key) : undefined,
    };
  }
}
