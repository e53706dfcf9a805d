import path from 'node:path';
import { ObsError } from './errors';
import type {
  CorsRule,
  JournalEntry,
  LifecycleRule,
  Notification,
  ObjectEntry,
  Versioning,
} from './journal-entry';
import { KeyIndex } from './key-index';

/** What the store knows about an object besides its name and its bytes. */
export interface ObjectDescription {
  contentType: string;
  /** User metadata; names without the prefix `x-obs-meta-`, in lower case. */
  metadata: Record<string, string>;
  /** Cache-Control, Content-Disposition and the like, names in lower case. */
  contentHeaders: Record<string, string>;
  /** Absent: STANDARD. COLD is an archive: nobody can read its objects. */
  storageClass?: 'WARM' | 'COLD';
}

/** Most objects have neither metadata nor content headers: they share this, which saves two million empty objects. */
const NONE: Record<string, string> = Object.freeze({});

/**
 * One committed object. It never changes: the next write of its key makes a new object. A store may hold a million of them,
 * so an object keeps the name of its file, not the whole path.
 */
export class StoredObject implements ObjectDescription {
  bucket: string;
  key: string;
  sizeBytes: number;
  /** Without quotes: MD5 in hexadecimal digits; after a multipart upload `-<parts>` follows. */
  etag: string;
  lastModifiedMs: number;
  /** Absent for the version `null`, which was written while the bucket kept no versions. */
  versionId?: string;
  contentType: string;
  metadata: Record<string, string>;
  contentHeaders: Record<string, string>;
  storageClass?: 'WARM' | 'COLD';
  readonly #file: string;
  readonly #pathOf: (file: string) => string;

  constructor(entry: ObjectEntry, pathOf: (file: string) => string) {
    this.bucket = entry.bucket;
    this.key = entry.key;
    this.sizeBytes = entry.sizeBytes;
    this.etag = entry.etag;
    this.lastModifiedMs = entry.lastModifiedMs;
    if (entry.versionId !== undefined) this.versionId = entry.versionId;
    this.contentType = entry.contentType;
    this.metadata = isEmpty(entry.metadata) ? NONE : entry.metadata;
    this.contentHeaders = isEmpty(entry.contentHeaders) ? NONE : entry.contentHeaders;
    if (entry.storageClass !== undefined) this.storageClass = entry.storageClass;
    this.#file = entry.file;
    this.#pathOf = pathOf;
  }

  /** Name of the data file. */
  get file(): string {
    return this.#file;
  }

  /** The data, complete and readable until the object is overwritten or deleted. */
  get filePath(): string {
    return this.#pathOf(this.#file);
  }
}

function isEmpty(record: Record<string, string>): boolean {
  for (const _ in record) return false;
  return true;
}

/** The newest version of a deleted object. Its older versions still exist. */
export interface DeleteMarker {
  isMarker: true;
  bucket: string;
  key: string;
  versionId?: string;
  lastModifiedMs: number;
}

export type StoredVersion = (StoredObject & { isMarker?: undefined }) | DeleteMarker;

/** The name that requests and answers use for a version without an id. */
export const NULL_VERSION = 'null';

export const versionIdOf = ({ versionId }: { versionId?: string }): string => versionId ?? NULL_VERSION;

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
  /** The current objects: the newest version of each key, unless that is a delete marker. */
  objects: Map<string, StoredObject>;
  /** Absent in a bucket that never kept versions. */
  versioning?: Versioning;
  /** The class of objects that are written without one. Absent: STANDARD. */
  storageClass?: 'WARM' | 'COLD';
  /** All versions of each key that has more than its current object, newest first. */
  versions: Map<string, StoredVersion[]>;
  /** All keys with a version; undefined if these are the keys of `objects`. */
  versionedKeys?: KeyIndex;
}

type UploadState = MultipartUpload & { parts: Map<number, UploadPart> };

/** All that the store knows besides the bytes of objects: the result of reading its journal to the end. */
export class StoreState {
  readonly #buckets = new Map<string, BucketState>();
  readonly #uploads = new Map<string, UploadState>();

  /** @param pathOf the path of the data file of this name */
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

  /** Applies one change. */
  apply(entry: JournalEntry): void {
    switch (entry.is) {
      case 'bucket': {
        const { bucket: name, createdMs } = entry;
        const keys = new KeyIndex();
        const rules = { cors: [], notifications: [], lifecycle: [] };
        this.#buckets.set(name, { name, createdMs, ...rules, keys, objects: new Map(), versions: new Map() });
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
      case 'class': {
        const bucket = this.bucket(entry.bucket);
        if (entry.storageClass === 'STANDARD') delete bucket.storageClass;
        else bucket.storageClass = entry.storageClass;
        return;
      }
      case 'lifecycle':
        this.bucket(entry.bucket).lifecycle = entry.rules;
        return;
      case 'object': {
        const bucket = this.bucket(entry.bucket);
        const object = this.storedObject(entry);
        if (bucket.versioning !== undefined) addVersion(bucket, object);
        else {
          if (!bucket.objects.has(entry.key)) bucket.keys.add(entry.key);
          bucket.objects.set(entry.key, object);
        }
        if (entry.uploadId !== undefined) this.#uploads.delete(entry.uploadId);
        return;
      }
      case 'object-deleted': {
        const bucket = this.bucket(entry.bucket);
        bucket.keys.remove(entry.key);
        bucket.objects.delete(entry.key);
        return;
      }
      case 'versioning': {
        const bucket = this.bucket(entry.bucket);
        bucket.versioning = entry.status;
        if (bucket.versionedKeys !== undefined) return;
        bucket.versionedKeys = new KeyIndex();
        for (const key of bucket.objects.keys()) bucket.versionedKeys.add(key);
        return;
      }
      case 'marker': {
        const { is: _, ...marker } = entry;
        addVersion(this.bucket(entry.bucket), { isMarker: true, ...marker });
        return;
      }
      case 'version-deleted': {
        const bucket = this.bucket(entry.bucket);
        const left = versionsOf(bucket, entry.key).filter((one) => versionIdOf(one) !== entry.versionId);
        setVersions(bucket, entry.key, left);
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

  storedObject(entry: ObjectEntry): StoredObject {
    return new StoredObject(entry, this.pathOf);
  }

  /** The number of `entries()`. */
  get size(): number {
    let size = this.#uploads.size;
    for (const { parts } of this.#uploads.values()) size += parts.size;
    for (const bucket of this.#buckets.values()) {
      const { cors, notifications, lifecycle, versioning, storageClass, objects, versions } = bucket;
      const settings = [
        storageClass !== undefined,
        cors.length > 0,
        notifications.length > 0,
        lifecycle.length > 0,
        versioning !== undefined,
      ];
      size += 1 + settings.filter(Boolean).length + objects.size;
      for (const [key, all] of versions) size += all.length - Number(objects.has(key));
    }
    return size;
  }

  /** The shortest journal that leads to the current state. */
  *entries(): Generator<JournalEntry> {
    for (const {
      name: bucket,
      createdMs,
      cors,
      notifications,
      lifecycle,
      objects,
      versioning,
      storageClass,
      versions,
    } of this.#buckets.values()) {
      yield { is: 'bucket', bucket, createdMs };
      if (cors.length > 0) yield { is: 'cors', bucket, rules: cors };
      if (notifications.length > 0) yield { is: 'notifications', bucket, notifications };
      if (lifecycle.length > 0) yield { is: 'lifecycle', bucket, rules: lifecycle };
      if (versioning !== undefined) yield { is: 'versioning', bucket, status: versioning };
      if (storageClass !== undefined) yield { is: 'class', bucket, storageClass };
      for (const object of objects.values()) if (!versions.has(object.key)) yield objectEntry(object);
      for (const all of versions.values()) {
        for (const version of [...all].reverse()) {
          if (version.isMarker === undefined) yield objectEntry(version);
          else {
            const { isMarker: _, ...marker } = version;
            yield { is: 'marker', ...marker };
          }
        }
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
    for (const { objects, versions } of this.#buckets.values()) {
      for (const { file } of objects.values()) names.add(file);
      for (const version of [...versions.values()].flat()) {
        if (version.isMarker === undefined) names.add(version.file);
      }
    }
    for (const { parts } of this.#uploads.values())
      for (const { filePath } of parts.values()) names.add(path.basename(filePath));
    return names;
  }
}

function objectEntry(object: StoredObject): ObjectEntry {
  return { is: 'object', ...object, file: object.file };
}

/** All versions of a key, newest first; empty if there are none. */
export function versionsOf({ objects, versions }: BucketState, key: string): readonly StoredVersion[] {
  const object = objects.get(key);
  return versions.get(key) ?? (object === undefined ? [] : [object]);
}

/** Replaces a version with the same id, which can only be `null`. */
function addVersion(bucket: BucketState, version: StoredVersion): void {
  const others = versionsOf(bucket, version.key).filter((one) => versionIdOf(one) !== versionIdOf(version));
  setVersions(bucket, version.key, [version, ...others]);
}

function setVersions(bucket: BucketState, key: string, versions: StoredVersion[]): void {
  const { objects, keys, versionedKeys } = bucket;
  const [newest] = versions;
  if (newest === undefined) {
    bucket.versions.delete(key);
    versionedKeys?.remove(key);
  } else {
    bucket.versions.set(key, versions);
    versionedKeys?.add(key);
  }
  if (newest === undefined || newest.isMarker) {
    if (objects.delete(key)) keys.remove(key);
  } else {
    if (!objects.has(key)) keys.add(key);
    objects.set(key, newest);
  }
}
