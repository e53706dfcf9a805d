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
  type Notification,
  type ObjectEntry,
} from './journal-entry';
import type { ListQuery } from './key-index';
import { checkBucketName, checkKey } from './names';
import { wantsEvent } from './notification';
import type { ObjectEvent } from './object-event';
import {
  type Bucket,
  type MultipartUpload,
  type ObjectDescription,
  type StoredObject,
  StoreState,
  type UploadPart,
} from './store-state';

export type { CorsRule, LifecycleRule, Notification } from './journal-entry';
export type { ObjectEvent } from './object-event';
export type { Bucket, MultipartUpload, ObjectDescription, StoredObject, UploadPart } from './store-state';

/** Who asked for a change, as the event will tell. */
export interface RequestOrigin {
  requestId?: string;
  sourceIp?: string;
}

export interface CommitConditions extends RequestOrigin {
  /** When there is an object of this key at the moment of the commit, the write is refused with this code. */
  refuseOverwrite?: OverwriteRefusal | undefined;
}

export interface PutAttributes extends CommitConditions, Partial<ObjectDescription> {
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

/** What OBS gives to an object that was uploaded without a type, as S3 does. */
const DEFAULT_CONTENT_TYPE = 'binary/octet-stream';

/**
 * Buckets and objects in one directory. Whoever writes, through the OBS server or in this process, every committed
 * write is in the journal before it is acknowledged and is told to the listeners. Of concurrent writes of one key the
 * last to be committed stays (OBS API reference, "Consistency of concurrent operations").
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
    for (const entry of readJournal(journalFile, journalEntry)) this.#state.apply(entry);
    this.#journal = new Journal(journalFile, this.#state.entries());
    this.#files.discardAllBut(this.#state.files());
  }

  /** Opens the store in this directory (made when missing), with all that was acknowledged before. One at a time. */
  static async open(directory: string, clock: Clock = Date.now): Promise<ObjectStore> {
    return new ObjectStore(directory, clock);
  }

  /** Creates a bucket; one that exists stays as it is. @throws ObsError InvalidBucketName */
  async createBucket(name: string): Promise<void> {
    checkBucketName(name);
    if (!this.#state.buckets.has(name))
      this.#commit({ is: 'bucket', bucket: name, createdMs: this.#clock() });
  }

  /** @throws ObsError NoSuchBucket, or BucketNotEmpty while it has objects or unfinished multipart uploads */
  async deleteBucket(name: string): Promise<void> {
    if (this.#state.bucket(name).keys.size > 0 || this.#state.uploads(name).length > 0) {
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

  /** The rules of the bucket; empty when it has none. @throws ObsError NoSuchBucket */
  cors(bucket: string): readonly CorsRule[] {
    return this.#state.bucket(bucket).cors;
  }

  /** Replaces the rules of the bucket; an empty list removes them. @throws ObsError NoSuchBucket */
  async setCors(bucket: string, rules: CorsRule[]): Promise<void> {
    this.#state.bucket(bucket);
    this.#commit({ is: 'cors', bucket, rules });
  }

  /** The rules of the bucket; empty when it has none. @throws ObsError NoSuchBucket */
  lifecycle(bucket: string): readonly LifecycleRule[] {
    return this.#state.bucket(bucket).lifecycle;
  }

  /** Replaces the rules of the bucket; an empty list removes them. @throws ObsError NoSuchBucket */
  async setLifecycle(bucket: string, rules: LifecycleRule[]): Promise<void> {
    this.#state.bucket(bucket);
    this.#commit({ is: 'lifecycle', bucket, rules });
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

  /** The object as it is now; undefined when there is none or no such bucket. */
  head(bucket: string, key: string): StoredObject | undefined {
    return this.#state.buckets.get(bucket)?.objects.get(key);
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
    this.#state.bucket(bucket);
    checkKey(key);
    const received = await this.#files.receive(body, attributes.contentMd5);
    return this.#commitObject(
      { bucket, key, file: received.name, sizeBytes: received.sizeBytes, etag: received.md5 },
      describe(attributes),
      attributes.eventName ?? 'ObjectCreated:Put',
      attributes,
    );
  }

  /** Deletes an object and resolves with whether there was one. @throws ObsError NoSuchBucket */
  async delete(bucket: string, key: string, origin: RequestOrigin = {}): Promise<boolean> {
    const object = this.#state.bucket(bucket).objects.get(key);
    if (object === undefined) return false;
    this.#commit({ is: 'object-deleted', bucket, key });
    this.#files.discard(path.basename(object.filePath));
    this.#emit({ eventName: 'ObjectRemoved:Delete', bucket, key }, this.#clock(), origin);
    return true;
  }

  /** Objects in UTF-8 byte order. @throws ObsError NoSuchBucket */
  list(bucket: string, query: ListQuery = {}): ObjectListing {
    const { keys, objects } = this.#state.bucket(bucket);
    const { keys: listed, ...listing } = keys.list(query);
    return { ...listing, objects: listed.flatMap((key) => objects.get(key) ?? []) };
  }

  /** Calls back after every committed write; the function that is returned ends it. */
  onObjectEvent(listener: (event: ObjectEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Calls back for every notification that a committed write sets off; the function that is returned ends it. */
  onNotification(listener: (notification: Notification, event: ObjectEvent) => void): () => void {
    this.#notified.add(listener);
    return () => this.#notified.delete(listener);
  }

  /** @throws ObsError NoSuchBucket, KeyTooLongError */
  async startUpload(
    bucket: string,
    key: string,
    description: Partial<ObjectDescription>,
  ): Promise<MultipartUpload> {
    this.#state.bucket(bucket);
    checkKey(key);
    const uploadId = randomUUID().replaceAll('-', '').toUpperCase();
    const initiatedMs = this.#clock();
    this.#commit({ is: 'upload', uploadId, bucket, key, initiatedMs, ...describe(description) });
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

  /** Stores a part; a part with the same number is replaced. @throws ObsError NoSuchUpload and those of `put` */
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

  /** Joins parts of an upload to an object and ends the upload. @throws ObsError NoSuchUpload */
  async completeUpload(
    upload: MultipartUpload,
    parts: readonly UploadPart[],
    conditions: CommitConditions = {},
  ): Promise<StoredObject> {
    const { bucket, key, uploadId } = upload;
    const received = await this.#files
      .receive(Readable.from(joined(parts), { objectMode: false }))
      .catch((error: unknown) => {
        // Somebody else may have ended the upload, and its parts are gone.
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

  /** Ends the store; writes that are still under way fail. */
  async close(): Promise<void> {
    this.#listeners.clear();
    this.#notified.clear();
    this.#journal.close();
  }

  #commitObject(
    written: Pick<ObjectEntry, 'bucket' | 'key' | 'file' | 'sizeBytes' | 'etag' | 'uploadId'>,
    description: ObjectDescription,
    eventName: ObjectEvent['eventName'],
    { refuseOverwrite, ...origin }: CommitConditions,
  ): StoredObject {
    const { bucket, key, file, sizeBytes, etag, uploadId } = written;
    return this.#keepFile(file, () => {
      // Both may have gone while the body arrived.
      const { objects } = this.#state.bucket(bucket);
      if (uploadId !== undefined) this.#state.upload(bucket, key, uploadId);
      const replaced = objects.get(key);
      if (replaced !== undefined && refuseOverwrite !== undefined) {
        throw new ObsError(
          refuseOverwrite,
          `The object '${key}' exists, and this write must not replace it.`,
        );
      }
      const lastModifiedMs = this.#clock();
      const entry = { is: 'object' as const, ...written, ...description, lastModifiedMs };
      this.#commit(entry);
      if (replaced !== undefined) this.#files.discard(path.basename(replaced.filePath));
      this.#emit({ eventName, bucket, key, sizeBytes, etag }, lastModifiedMs, origin);
      return this.#state.storedObject(entry);
    });
  }

  /** Makes a received file permanent and commits what names it; a refusal leaves no file behind. */
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
    event: Pick<ObjectEvent, 'eventName' | 'bucket' | 'key' | 'sizeBytes' | 'etag'>,
    timeMs: number,
    { requestId = newRequestId(), sourceIp = '127.0.0.1' }: RequestOrigin,
  ): void {
    // Microseconds, so that the sequence goes on growing when the store is opened again.
    this.#sequence = Math.max(this.#sequence + 1, this.#clock() * 1000);
    const sequencer = this.#sequence.toString(16).toUpperCase().padStart(32, '0');
    const complete: ObjectEvent = { ...event, sequencer, timeMs, requestId, sourceIp };
    // A listener that fails is its own fault; the write has happened.
    for (const listener of this.#listeners) queueMicrotask(() => listener(complete));
    const { notifications } = this.#state.bucket(event.bucket);
    for (const notification of notifications.filter((one) => wantsEvent(one, complete))) {
      for (const listener of this.#notified) queueMicrotask(() => listener(notification, complete));
    }
  }
}

function describe({
  contentType,
  metadata,
  contentHeaders,
  storageClass,
}: Partial<ObjectDescription>): ObjectDescription {
  return {
    contentType: contentType ?? DEFAULT_CONTENT_TYPE,
    metadata: metadata ?? {},
    contentHeaders: contentHeaders ?? {},
    ...(storageClass !== undefined && { storageClass }),
  };
}

async function* joined(parts: readonly UploadPart[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) yield* createReadStream(part.filePath);
}
