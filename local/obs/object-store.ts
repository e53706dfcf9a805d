import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import path from 'node:path';
import { Readable } from 'node:stream';
import type { Clock } from '../clock';
import { newRequestId } from '../http-server';
import { Journal, readJournal } from '../journal';
import { DataFiles } from './data-files';
import { ObsError, type OverwriteRefusal } from './errors';
import {
  type CorsRule,
  type JournalEntry,
  journalEntry,
  type LifecycleRule,
  type NamedStorageClass,
  type Notification,
  type ObjectEntry,
  type Versioning,
} from './journal-entry';
import { compareUtf8, type ListQuery, MAX_LISTED_KEYS } from './key-index';
import { checkBucketName, checkKey } from './names';
import { wantsEvent } from './notification';
import type { ObjectEvent } from './object-event';
import {
  type Bucket,
  type DeleteMarker,
  type MultipartUpload,
  NULL_VERSION,
  type ObjectDescription,
  type StoredObject,
  type StoredVersion,
  StoreState,
  type UploadPart,
  versionIdOf,
  versionsOf,
} from './store-state';

export type { CorsRule, LifecycleRule, Notification, Versioning } from './journal-entry';
export type { ObjectEvent } from './object-event';
export type {
  Bucket,
  DeleteMarker,
  MultipartUpload,
  ObjectDescription,
  StoredObject,
  StoredVersion,
  UploadPart,
} from './store-state';
export { versionIdOf } from './store-state';

/** Who asked for a change. The event reports it. */
export interface RequestOrigin {
  requestId?: string;
  sourceIp?: string;
}

export interface CommitConditions extends RequestOrigin {
  /** If the key has an object at the moment of the commit, the write is refused with this code. */
  refuseOverwrite?: OverwriteRefusal | undefined;
}

/** What is known about an object before it is stored. */
export interface Description extends Partial<Omit<ObjectDescription, 'storageClass'>> {
  /** Absent: the bucket's. */
  storageClass?: NamedStorageClass;
}

export interface PutAttributes extends CommitConditions, Description {
  /** Base64, checked against the bytes received. */
  contentMd5?: string | undefined;
  eventName?: ObjectEvent['eventName'];
}

export interface ObjectListing {
  objects: StoredObject[];
  commonPrefixes: string[];
  isTruncated: boolean;
  nextMarker?: string;
}

/** Which versions to list. Both markers or none; they are exclusive. */
export interface VersionQuery extends Omit<ListQuery, 'marker'> {
  keyMarker?: string | undefined;
  /** The listing goes on after this version of the key. */
  versionIdMarker?: string | undefined;
}

/** An object as listings show it. */
export type ListedObject = Omit<StoredObject, 'file' | 'filePath'>;

export interface VersionListing {
  versions: (((ListedObject & { isMarker?: undefined }) | DeleteMarker) & { isLatest: boolean })[];
  commonPrefixes: string[];
  isTruncated: boolean;
  nextKeyMarker?: string;
  /** Absent after a common prefix. */
  nextVersionIdMarker?: string;
}

/** The result of a deletion. */
export interface Deletion {
  /** The deleted version, or the new marker. Absent for the version `null` of a bucket without versioning. */
  versionId?: string;
  /** True if a delete marker was set or deleted. */
  isMarker: boolean;
}

/** A journal is rewritten at the start if it has more lines than so many times its state: a million lines take seconds. */
const LONGEST_JOURNAL = 2;

/** The type of an object that was uploaded without one, as in S3. */
const DEFAULT_CONTENT_TYPE = 'binary/octet-stream';

/**
 * Buckets and objects in one directory. Every committed write is in the journal before it is acknowledged, whether the
 * OBS server or this process makes it. Listeners receive every write. Of concurrent writes of a key the last commit
 * wins (OBS API reference, "Consistency of concurrent operations").
 */
export class ObjectStore {
  readonly #clock: Clock;
  readonly #files: DataFiles;
  readonly #journal: Journal<JournalEntry>;
  readonly #state: StoreState;
  readonly #listeners = new Set<(event: ObjectEvent) => void>();
  readonly #notified = new Set<(notification: Notification, event: ObjectEvent) => void>();
  #sequence = 0;

  private constructor(directory: string, clock: Clock) {
    this.#clock = clock;
    this.#files = new DataFiles(directory);
    this.#state = new StoreState((file) => this.#files.pathOf(file));
    const journalFile = path.join(directory, 'journal.jsonl');
    let lines = 0;
    for (const entry of readJournal(journalFile, journalEntry)) {
      this.#state.apply(entry);
      lines++;
    }
    const isWorthRewriting = lines > LONGEST_JOURNAL * this.#state.size;
    this.#journal = new Journal(journalFile, isWorthRewriting ? this.#state.entries() : undefined);
    // Looking for them among a million files takes seconds.
    if (!this.#files.wasClosed) this.#files.discardAllBut(this.#state.files());
  }

  /** Opens the store in this directory (created if missing) with all acknowledged writes. One process at a time. */
  static async open(directory: string, clock: Clock = Date.now): Promise<ObjectStore> {
    return new ObjectStore(directory, clock);
  }

  /** Creates a bucket. An existing one stays unchanged. @throws ObsError InvalidBucketName */
  async createBucket(name: string): Promise<void> {
    checkBucketName(name);
    if (!this.#state.buckets.has(name))
      this.#commit({ is: 'bucket', bucket: name, createdMs: this.#clock() });
  }

  /** @throws ObsError NoSuchBucket, or BucketNotEmpty while it has objects or unfinished multipart uploads */
  async deleteBucket(name: string): Promise<void> {
    const { keys, versionedKeys = keys } = this.#state.bucket(name);
    if (versionedKeys.size > 0 || this.#state.uploads(name).length > 0) {
      throw new ObsError('BucketNotEmpty', 'The bucket you tried to delete is not empty.');
    }
    this.#commit({ is: 'bucket-deleted', bucket: name });
  }

  /** All buckets, by name. */
  buckets(): Bucket[] {
    return [...this.#state.buckets.values()]
      .map(({ name, createdMs }) => ({ name, createdMs }))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  hasBucket(name: string): boolean {
    return this.#state.buckets.has(name);
  }

  /** The rules of the bucket; empty if it has none. @throws ObsError NoSuchBucket */
  cors(bucket: string): readonly CorsRule[] {
    return this.#state.bucket(bucket).cors;
  }

  /** Replaces the rules of the bucket; an empty list removes them. @throws ObsError NoSuchBucket */
  async setCors(bucket: string, rules: CorsRule[]): Promise<void> {
    this.#state.bucket(bucket);
    this.#commit({ is: 'cors', bucket, rules });
  }

  /** The rules of the bucket; empty if it has none. @throws ObsError NoSuchBucket */
  lifecycle(bucket: string): readonly LifecycleRule[] {
    return this.#state.bucket(bucket).lifecycle;
  }

  /** Replaces the rules of the bucket; an empty list removes them. @throws ObsError NoSuchBucket */
  async setLifecycle(bucket: string, rules: LifecycleRule[]): Promise<void> {
    this.#state.bucket(bucket);
    this.#commit({ is: 'lifecycle', bucket, rules });
  }

  /** Undefined for a bucket that never kept versions. @throws ObsError NoSuchBucket */
  versioning(bucket: string): Versioning | undefined {
    return this.#state.bucket(bucket).versioning;
  }

  /** The class of objects that are written without one; undefined for STANDARD. @throws ObsError NoSuchBucket */
  storageClass(bucket: string): 'WARM' | 'COLD' | undefined {
    return this.#state.bucket(bucket).storageClass;
  }

  /** Existing objects keep their class. @throws ObsError NoSuchBucket */
  async setStorageClass(bucket: string, storageClass: NamedStorageClass): Promise<void> {
    this.#state.bucket(bucket);
    this.#commit({ is: 'class', bucket, storageClass });
  }

  /** From now on every write makes a new version, or replaces the version `null`. @throws ObsError NoSuchBucket */
  async setVersioning(bucket: string, status: Versioning): Promise<void> {
    this.#state.bucket(bucket);
    this.#commit({ is: 'versioning', bucket, status });
  }

  /** Which events of the bucket go to which function. @throws ObsError NoSuchBucket */
  notifications(bucket: string): readonly Notification[] {
    return this.#state.bucket(bucket).notifications;
  }

  /** Replaces the notifications of the bucket; an empty list ends them. @throws ObsError NoSuchBucket */
  async setNotifications(bucket: string, notifications: Notification[]): Promise<void> {
    this.#state.bucket(bucket);
    this.#commit({ is: 'notifications', bucket, notifications });
  }

  /** The current object; undefined if there is none or no such bucket. */
  head(bucket: string, key: string): StoredObject | undefined {
    return this.#state.buckets.get(bucket)?.objects.get(key);
  }

  /**
   * A version of an object, or the newest one, which may be a delete marker. Undefined if there is none or no such
   * bucket.
   */
  version(bucket: string, key: string, versionId?: string): StoredVersion | undefined {
    const state = this.#state.buckets.get(bucket);
    const versions = state === undefined ? [] : versionsOf(state, key);
    return versionId === undefined
      ? versions[0]
      : versions.find((version) => versionIdOf(version) === versionId);
  }

  /**
   * Stores an object; the body goes to disk as it arrives.
   *
   * @throws ObsError NoSuchBucket, KeyTooLongError, InvalidDigest, BadDigest, EntityTooLarge
   */
  async put(
    bucket: string,
    key: string,
    body: Readable | Uint8Array,
    attributes: PutAttributes = {},
  ): Promise<StoredObject> {
    const { storageClass } = this.#state.bucket(bucket);
    checkKey(key);
    const received = await this.#files.receive(body, attributes.contentMd5);
    return this.#commitObject(
      { bucket, key, file: received.name, sizeBytes: received.sizeBytes, etag: received.md5 },
      describe(attributes, storageClass),
      attributes.eventName ?? 'ObjectCreated:Put',
      attributes,
    );
  }

  /**
   * Deletes an object. If the bucket keeps versions, this sets a delete marker; with a version id it deletes that
   * version.
   * @returns what it did; undefined if there was nothing to delete
   * @throws ObsError NoSuchBucket
   */
  async delete(
    bucket: string,
    key: string,
    { versionId, ...origin }: RequestOrigin & { versionId?: string | undefined } = {},
  ): Promise<Deletion | undefined> {
    const state = this.#state.bucket(bucket);
    if (versionId === undefined && state.versioning !== undefined) {
      const id = state.versioning === 'Enabled' ? { versionId: newVersionId() } : {};
      const replaced = id.versionId === undefined ? this.version(bucket, key, NULL_VERSION) : undefined;
      const lastModifiedMs = this.#clock();
      this.#commit({ is: 'marker', bucket, key, ...id, lastModifiedMs });
      this.#discard(replaced);
      this.#emit(
        { eventName: 'ObjectRemoved:DeleteMarkerCreated', bucket, key, ...id },
        lastModifiedMs,
        origin,
      );
      return { versionId: versionIdOf(id), isMarker: true };
    }
    const version = this.version(bucket, key, versionId);
    if (version === undefined) return undefined;
    this.#commit(
      state.versioning === undefined
        ? { is: 'object-deleted', bucket, key }
        : { is: 'version-deleted', bucket, key, versionId: versionIdOf(version) },
    );
    this.#discard(version);
    const id = version.versionId === undefined ? {} : { versionId: version.versionId };
    this.#emit({ eventName: 'ObjectRemoved:Delete', bucket, key, ...id }, this.#clock(), origin);
    return { ...(versionId !== undefined && { versionId }), isMarker: version.isMarker === true };
  }

  #discard(version: StoredVersion | undefined): void {
    if (version !== undefined && version.isMarker === undefined) this.#files.discard(version.file);
  }

  /** Objects in UTF-8 byte order. @throws ObsError NoSuchBucket */
  list(bucket: string, query: ListQuery = {}): ObjectListing {
    const { keys, objects } = this.#state.bucket(bucket);
    const { keys: listed, ...listing } = keys.list(query);
    return { ...listing, objects: listed.flatMap((key) => objects.get(key) ?? []) };
  }

  /**
   * All versions and delete markers: keys in UTF-8 byte order, for each the newest first. @throws ObsError NoSuchBucket
   */
  listVersions(bucket: string, query: VersionQuery = {}): VersionListing {
    const { keyMarker, versionIdMarker, maxKeys = MAX_LISTED_KEYS, ...filter } = query;
    const state = this.#state.bucket(bucket);
    const { versionedKeys = state.keys } = state;
    const listing: VersionListing = { versions: [], commonPrefixes: [], isTruncated: false };
    /** @returns false if the page is full */
    const add = (name: string, version?: VersionListing['versions'][number]): boolean => {
      if (listing.versions.length + listing.commonPrefixes.length >= maxKeys) {
        listing.isTruncated = maxKeys > 0;
        return false;
      }
      if (version === undefined) listing.commonPrefixes.push(name);
      else listing.versions.push(version);
      if (maxKeys > 0) {
        listing.nextKeyMarker = name;
        delete listing.nextVersionIdMarker;
        if (version !== undefined) listing.nextVersionIdMarker = versionIdOf(version);
      }
      return true;
    };
    const addKey = (key: string, after?: string): boolean => {
      const versions = versionsOf(state, key).map((one, index) => ({ ...one, isLatest: index === 0 }));
      const skipped = after === undefined ? 0 : versions.findIndex((one) => versionIdOf(one) === after) + 1;
      return versions.slice(skipped).every((version) => add(key, version));
    };
    const isDone =
      versionIdMarker !== undefined && keyMarker !== undefined && !addKey(keyMarker, versionIdMarker);
    // Every key has a version, so no page shows more keys than versions.
    const found = versionedKeys.list({ ...filter, marker: keyMarker, maxKeys: maxKeys + 1 });
    const prefixes = new Set(found.commonPrefixes);
    const names = [...found.keys, ...found.commonPrefixes].sort(compareUtf8);
    if (!isDone) names.every((name) => (prefixes.has(name) ? add(name) : addKey(name)));
    if (!listing.isTruncated) {
      delete listing.nextKeyMarker;
      delete listing.nextVersionIdMarker;
    }
    return listing;
  }

  /** Calls back after every committed write. @returns a function that ends this */
  onObjectEvent(listener: (event: ObjectEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Calls back for every notification that a committed write triggers. @returns a function that ends this */
  onNotification(listener: (notification: Notification, event: ObjectEvent) => void): () => void {
    this.#notified.add(listener);
    return () => this.#notified.delete(listener);
  }

  /** @throws ObsError NoSuchBucket, KeyTooLongError */
  async startUpload(bucket: string, key: string, description: Description): Promise<MultipartUpload> {
    const { storageClass } = this.#state.bucket(bucket);
    checkKey(key);
    const uploadId = randomUUID().replaceAll('-', '').toUpperCase();
    const initiatedMs = this.#clock();
    this.#commit({
      is: 'upload',
      uploadId,
      bucket,
      key,
      initiatedMs,
      ...describe(description, storageClass),
    });
    return this.#state.upload(bucket, key, uploadId);
  }

  /** @throws ObsError NoSuchUpload */
  upload(bucket: string, key: string, uploadId: string): MultipartUpload {
    return this.#state.upload(bucket, key, uploadId);
  }

  /** The unfinished multipart uploads of a bucket, in the order in which they began. */
  uploads(bucket: string): MultipartUpload[] {
    return this.#state.uploads(bucket);
  }

  /** Stores a part. A part with the same number is replaced. @throws ObsError NoSuchUpload and those of `put` */
  async putPart(
    upload: MultipartUpload,
    partNumber: number,
    body: Readable | Uint8Array,
    contentMd5?: string,
  ): Promise<UploadPart> {
    const { name: file, sizeBytes, md5: etag } = await this.#files.receive(body, contentMd5);
    const { uploadId } = upload;
    return this.#keepFile(file, () => {
      const replaced = this.#state.upload(upload.bucket, upload.key, uploadId).parts.get(partNumber);
      const lastModifiedMs = this.#clock();
      this.#commit({ is: 'part', uploadId, partNumber, file, sizeBytes, etag, lastModifiedMs });
      if (replaced !== undefined) this.#files.discard(path.basename(replaced.filePath));
      return { partNumber, sizeBytes, etag, lastModifiedMs, filePath: this.#files.pathOf(file) };
    });
  }

  /** Joins parts of an upload into an object and ends the upload. @throws ObsError NoSuchUpload */
  async completeUpload(
    upload: MultipartUpload,
    parts: readonly UploadPart[],
    conditions: CommitConditions = {},
  ): Promise<StoredObject> {
    const { bucket, key, uploadId } = upload;
    const received = await this.#files
      .receive(Readable.from(joined(parts), { objectMode: false }))
      .catch((error: unknown) => {
        // Meanwhile the upload may have ended, and its parts are gone.
        this.upload(bucket, key, uploadId);
        throw error;
      });
    const hash = createHash('md5');
    for (const part of parts) hash.update(part.etag, 'hex');
    const etag = `${hash.digest('hex')}-${parts.length}`;
    const uploaded = [...upload.parts.values()];
    const object = this.#commitObject(
      { bucket, key, file: received.name, sizeBytes: received.sizeBytes, etag, uploadId },
      describe(upload),
      'ObjectCreated:CompleteMultipartUpload',
      conditions,
    );
    for (const part of uploaded) this.#files.discard(path.basename(part.filePath));
    return object;
  }

  async abortUpload(upload: MultipartUpload): Promise<void> {
    const parts = [...upload.parts.values()];
    this.#commit({ is: 'upload-aborted', uploadId: upload.uploadId });
    for (const part of parts) this.#files.discard(path.basename(part.filePath));
  }

  /** Closes the store. Running writes fail. */
  async close(): Promise<void> {
    this.#listeners.clear();
    this.#notified.clear();
    this.#journal.close();
    this.#files.close();
  }

  #commitObject(
    written: Pick<ObjectEntry, 'bucket' | 'key' | 'file' | 'sizeBytes' | 'etag' | 'uploadId'>,
    description: ObjectDescription,
    eventName: ObjectEvent['eventName'],
    { refuseOverwrite, ...origin }: CommitConditions,
  ): StoredObject {
    const { bucket, key, file, sizeBytes, etag, uploadId } = written;
    return this.#keepFile(file, () => {
      // While the body arrived, both may have been deleted.
      const { objects, versioning } = this.#state.bucket(bucket);
      if (uploadId !== undefined) this.#state.upload(bucket, key, uploadId);
      if (objects.has(key) && refuseOverwrite !== undefined) {
        throw new ObsError(
          refuseOverwrite,
          `The object '${key}' exists, and this write must not replace it.`,
        );
      }
      const lastModifiedMs = this.#clock();
      const id = versioning === 'Enabled' ? { versionId: newVersionId() } : {};
      const replaced = id.versionId === undefined ? this.version(bucket, key, NULL_VERSION) : undefined;
      const entry = { is: 'object' as const, ...written, ...id, ...description, lastModifiedMs };
      this.#commit(entry);
      this.#discard(replaced);
      this.#emit({ eventName, bucket, key, sizeBytes, etag, ...id }, lastModifiedMs, origin);
      return this.#state.storedObject(entry);
    });
  }

  /** Makes a received file permanent and commits what names it. After a refusal no file is left. */
  #keepFile<T>(file: string, commit: () => T): T {
    try {
      this.#files.keep(file);
      return commit();
    } catch (error) {
      this.#files.discard(file);
      throw error;
    }
  }

  #commit(entry: JournalEntry): void {
    this.#journal.append(entry);
    this.#state.apply(entry);
  }

  #emit(
    event: Pick<ObjectEvent, 'eventName' | 'bucket' | 'key' | 'sizeBytes' | 'etag' | 'versionId'>,
    timeMs: number,
    { requestId = newRequestId(), sourceIp = '127.0.0.1' }: RequestOrigin,
  ): void {
    // Microseconds, so that the sequence keeps growing after a restart.
    this.#sequence = Math.max(this.#sequence + 1, this.#clock() * 1000);
    const sequencer = this.#sequence.toString(16).toUpperCase().padStart(32, '0');
    const complete: ObjectEvent = { ...event, sequencer, timeMs, requestId, sourceIp };
    // A listener may fail without harm: the write has happened.
    for (const listener of this.#listeners) queueMicrotask(() => listener(complete));
    const { notifications } = this.#state.bucket(event.bucket);
    for (const notification of notifications.filter((one) => wantsEvent(one, complete))) {
      for (const listener of this.#notified) queueMicrotask(() => listener(notification, complete));
    }
  }
}

/** Captured ids have this form: `G` and 31 hexadecimal digits. */
function newVersionId(): string {
  return `G${randomUUID().replaceAll('-', '').slice(1).toUpperCase()}`;
}

function describe(
  { contentType, metadata, contentHeaders, storageClass: named }: Description,
  ofBucket?: 'WARM' | 'COLD',
): ObjectDescription {
  const storageClass = named ?? ofBucket;
  return {
    contentType: contentType ?? DEFAULT_CONTENT_TYPE,
    metadata: metadata ?? {},
    contentHeaders: contentHeaders ?? {},
    ...(storageClass !== undefined && storageClass !== 'STANDARD' && { storageClass }),
  };
}

async function* joined(parts: readonly UploadPart[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) yield* createReadStream(part.filePath);
}
