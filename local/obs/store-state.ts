import path from 'node:path';
import { ObsError } from './errors';
import type { CorsRule, JournalEntry, LifecycleRule, Notification, ObjectEntry } from './journal-entry';
import { KeyIndex } from './key-index';

/** What is known of an object besides its name and its bytes. */
export interface ObjectDescription {
  contentType: string;
  /** User metadata; names without the prefix `x-obs-meta-`, in lower case. */
  metadata: Record<string, string>;
  /** Cache-Control, Content-Disposition and the like, names in lower case. */
  contentHeaders: Record<string, string>;
  /** Absent: STANDARD. COLD is an archive: nobody can read what is in it. */
  storageClass?: 'WARM' | 'COLD';
}

/** One committed object. It never changes: the next write of its key makes a new one. */
export interface StoredObject extends ObjectDescription {
  bucket: string;
  key: string;
  sizeBytes: number;
  /** Without quotes: MD5 in hexadecimal digits, with `-<parts>` behind it after a multipart upload. */
  etag: string;
  lastModifiedMs: number;
  /** The data, complete and readable until the object is overwritten or deleted. */
  filePath: string;
}

export interface Bucket {
  name: string;
  createdMs: number;
}

export interface UploadPart {
  partNumber: number;
  sizeBytes: number;
  etag: string;
  lastModifiedMs: number;
  filePath: string;
}

/** A multipart upload that is neither completed nor aborted. */
export interface MultipartUpload extends ObjectDescription {
  uploadId: string;
  bucket: string;
  key: string;
  initiatedMs: number;
  parts: ReadonlyMap<number, UploadPart>;
}

export interface BucketState extends Bucket {
  cors: CorsRule[];
  notifications: Notification[];
  lifecycle: LifecycleRule[];
  keys: KeyIndex;
  objects: Map<string, StoredObject>;
}

type UploadState = MultipartUpload & { parts: Map<number, UploadPart> };

/** Everything that the store knows besides the bytes of objects: what is left when its journal is read to the end. */
export class StoreState {
  readonly #buckets = new Map<string, BucketState>();
  readonly #uploads = new Map<string, UploadState>();

  /** @param pathOf where the data file of this name lies */
  constructor(private readonly pathOf: (file: string) => string) {}

  get buckets(): ReadonlyMap<string, BucketState> {
    return this.#buckets;
  }

  /** @throws ObsError NoSuchBucket */
  bucket(name: string): BucketState {
    const bucket = this.#buckets.get(name);
    if (bucket === undefined)
      throw new ObsError('NoSuchBucket', `The specified bucket '${name}' does not exist.`);
    return bucket;
  }

  /** @throws ObsError NoSuchUpload */
  upload(bucket: string, key: string, uploadId: string): MultipartUpload {
    const upload = this.#uploads.get(uploadId);
    if (upload === undefined || upload.bucket !== bucket || upload.key !== key) {
      throw new ObsError(
        'NoSuchUpload',
        'The multipart upload does not exist: it was completed, aborted or never begun.',
      );
    }
    return upload;
  }

  /** The unfinished multipart uploads of a bucket, in the order in which they began. */
  uploads(bucket: string): MultipartUpload[] {
    return [...this.#uploads.values()].filter((upload) => upload.bucket === bucket);
  }

  /** Takes one change over. */
  apply(entry: JournalEntry): void {
    switch (entry.is) {
      case 'bucket': {
        const { bucket: name, createdMs } = entry;
        const keys = new KeyIndex();
        const rules = { cors: [], notifications: [], lifecycle: [] };
        this.#buckets.set(name, { name, createdMs, ...rules, keys, objects: new Map() });
        return;
      }
      case 'bucket-deleted':
        this.#buckets.delete(entry.bucket);
        return;
      case 'cors':
        this.bucket(entry.bucket).cors = entry.rules;
        return;
      case 'notifications':
        this.bucket(entry.bucket).notifications = entry.notifications;
        return;
      case 'lifecycle':
        this.bucket(entry.bucket).lifecycle = entry.rules;
        return;
      case 'object': {
        const bucket = this.bucket(entry.bucket);
        if (!bucket.objects.has(entry.key)) bucket.keys.add(entry.key);
        bucket.objects.set(entry.key, this.storedObject(entry));
        if (entry.uploadId !== undefined) this.#uploads.delete(entry.uploadId);
        return;
      }
      case 'object-deleted': {
        const bucket = this.bucket(entry.bucket);
        bucket.keys.remove(entry.key);
        bucket.objects.delete(entry.key);
        return;
      }
      case 'upload': {
        const { is: _, ...upload } = entry;
        this.#uploads.set(entry.uploadId, { ...upload, parts: new Map() });
        return;
      }
      case 'upload-aborted':
        this.#uploads.delete(entry.uploadId);
        return;
      case 'part': {
        const { is: _, uploadId, file, ...part } = entry;
        const filePath = this.pathOf(file);
        this.#uploads.get(uploadId)?.parts.set(part.partNumber, { ...part, filePath });
      }
    }
  }

  storedObject({ is: _, file, uploadId: __, ...object }: ObjectEntry): StoredObject {
    return { ...object, filePath: this.pathOf(file) };
  }

  /** The shortest journal that leads to the present state. */
  *entries(): Generator<JournalEntry> {
    for (const {
      name: bucket,
      createdMs,
      cors,
      notifications,
      lifecycle,
      objects,
    } of this.#buckets.values()) {
      yield { is: 'bucket', bucket, createdMs };
      if (cors.length > 0) yield { is: 'cors', bucket, rules: cors };
      if (notifications.length > 0) yield { is: 'notifications', bucket, notifications };
      if (lifecycle.length > 0) yield { is: 'lifecycle', bucket, rules: lifecycle };
      for (const { filePath, ...object } of objects.values()) {
        yield { is: 'object', ...object, file: path.basename(filePath) };
      }
    }
    for (const { parts, ...upload } of this.#uploads.values()) {
      yield { is: 'upload', ...upload };
      for (const { filePath, ...part } of parts.values()) {
        yield { is: 'part', uploadId: upload.uploadId, ...part, file: path.basename(filePath) };
      }
    }
  }

  /** The data files that belong to an object or a part. */
  files(): Set<string> {
    const names = new Set<string>();
    for (const entry of this.entries()) if ('file' in entry) names.add(entry.file);
    return names;
  }
}
