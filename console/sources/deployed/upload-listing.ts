import { LIMITS, type Upload } from '../../server/console-api';
import { Bucket } from './bucket';
import type { Caller, DeployedService } from './deployed-service';

/** OBS lists by name, not by time: of a larger bucket only so many pages of 1,000 are read. */
const MAX_PAGES = 5;

/** The upload bucket of the deployed service, read with the caller's own rights. */
export class UploadListing {
  readonly bucket: Bucket;
  readonly #prefix: string;

  constructor(service: DeployedService, caller: Caller) {
    this.bucket = new Bucket(service, caller, service.uploadBucket);
    this.#prefix = service.uploadPrefix;
  }

  /** Newest first. @throws ConsoleRefusal 502 when OBS refuses or does not answer */
  async newest(): Promise<Upload[]> {
    const uploads = await this.bucket.list(this.#prefix, { maxPages: MAX_PAGES });
    return uploads.sort((a, b) => b.lastModifiedMs - a.lastModifiedMs).slice(0, LIMITS.uploads);
  }

  /** The object with this key; undefined when there is none. @throws ConsoleRefusal 502 */
  async find(key: string): Promise<Upload | undefined> {
    const uploads = await this.bucket.list(key, { maxPages: 1, maxKeys: 1 });
    return uploads.find((upload) => upload.key === key);
  }

  /** A temporary address of an object in the upload bucket. */
  url(method: 'GET' | 'PUT', key: string): string {
    return this.bucket.url(method, key);
  }
}
