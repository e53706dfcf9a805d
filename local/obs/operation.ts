import { type FileHandle, open } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import type { ObsBehaviour } from './behaviour';
import { ObsError } from './errors';
import type { FunctionTarget } from './notification';
import {
  type Description,
  type MultipartUpload,
  type ObjectStore,
  type StoredObject,
  versionIdOf,
} from './object-store';
import { type ObsRequest, protocolName } from './request';
import { type Dialect, VOCABULARY } from './signature';
import { storageClassName, storageClassOf } from './storage-class';
import type { XmlDocument } from './xml';

/** An authenticated call. */
export interface Call {
  store: ObjectStore;
  request: ObsRequest;
  region: string;
  /** The account that owns every bucket. */
  ownerId: string;
  behaviour: ObsBehaviour;
  /** Receives the notifications. Absent if nothing does. */
  functions?: FunctionTarget;
}

/** The answer of an operation. The server adds what all answers have. */
export interface Answer {
  status: number;
  headers?: Record<string, string>;
  xml?: XmlDocument;
  body?: Buffer | Readable;
}

/** One operation of the API. It may throw ObsError. */
export type Operation = (call: Call) => Answer | Promise<Answer>;

const MAX_METADATA_BYTES = 8 * 1024;

/** Headers that are stored with an object and returned with it. */
const CONTENT_HEADERS = [
  'cache-control',
  'content-disposition',
  'content-encoding',
  'content-language',
  'expires',
];

/** The bucket of a request that addresses a bucket or an object. */
export function bucketOf({ request }: Call): string {
  return request.bucket ?? '';
}

/** The key of a request that addresses an object. */
export function keyOf({ request }: Call): string {
  return request.key ?? '';
}

/** An object, or one version of it. */
export interface ObjectAddress {
  bucket: string;
  key: string;
  versionId?: string | undefined;
}

/** What a request for an object addresses. */
export function addressOf(call: Call): ObjectAddress {
  return { bucket: bucketOf(call), key: keyOf(call), versionId: call.request.query.get('versionId') };
}

/** @throws ObsError NoSuchBucket, NoSuchKey, NoSuchVersion, or MethodNotAllowed for the version that is a delete marker */
export function objectOf({ store, request }: Call, { bucket, key, versionId }: ObjectAddress): StoredObject {
  requireBucket(store, bucket);
  const version = store.version(bucket, key, versionId);
  if (version !== undefined && version.isMarker === undefined) return version;
  const headers =
    version === undefined
      ? {}
      : {
          [protocolName(request.dialect, 'delete-marker')]: 'true',
          [protocolName(request.dialect, 'version-id')]: versionIdOf(version),
        };
  if (versionId === undefined)
    throw new ObsError('NoSuchKey', 'The specified key does not exist.', { Key: key }, headers);
  if (version === undefined) {
    const details = { Key: key, VersionId: versionId };
    throw new ObsError('NoSuchVersion', 'The specified version does not exist.', details);
  }
  throw new ObsError(
    'MethodNotAllowed',
    'The specified method is not allowed against this resource: the version is a delete marker.',
    { Method: request.method, ResourceType: 'DeleteMarker' },
    { ...headers, allow: 'DELETE' },
  );
}

/** Names the version that was written or read, if the bucket keeps versions. */
export function versionHeader({ versionId }: StoredObject, dialect: Dialect): Record<string, string> {
  return versionId === undefined ? {} : { [protocolName(dialect, 'version-id')]: versionId };
}

/**
 * An object with its data opened. If it was overwritten at this very moment, its successor.
 *
 * @throws as objectOf
 */
export async function openObject(
  call: Call,
  address: ObjectAddress,
): Promise<{ object: StoredObject; file: FileHandle }> {
  for (;;) {
    const object = objectOf(call, address);
    try {
      return { object, file: await open(object.filePath) };
    } catch (error) {
      if (call.store.version(address.bucket, address.key, address.versionId) === object) throw error;
    }
  }
}

/** @throws ObsError NoSuchBucket */
export function requireBucket(store: ObjectStore, bucket: string): void {
  if (!store.hasBucket(bucket)) {
    throw new ObsError('NoSuchBucket', `The specified bucket '${bucket}' does not exist.`, {
      BucketName: bucket,
    });
  }
}

/** The multipart upload that the request names. @throws ObsError NoSuchBucket or NoSuchUpload */
export function uploadOf(call: Call): MultipartUpload {
  requireBucket(call.store, bucketOf(call));
  return call.store.upload(bucketOf(call), keyOf(call), call.request.query.get('uploadId') ?? '');
}

/** Type, metadata and content headers of a request. @throws ObsError MetadataTooLarge */
export function descriptionOf(request: ObsRequest): Description {
  const { headers, dialect, decodedBytes } = request;
  const storageClass = storageClassOf(request);
  const prefix = `${VOCABULARY[dialect].headerPrefix}meta-`;
  const contentType = headers.get('content-type');
  const metadata: Record<string, string> = {};
  const contentHeaders: Record<string, string> = {};
  let metadataBytes = 0;
  for (const [name, value] of headers) {
    // The chunks are gone once the object is stored (S3 API reference, transferring payload in multiple chunks).
    const kept =
      name === 'content-encoding' && decodedBytes !== undefined
        ? value.replace(/\s*aws-chunked\s*,?|,\s*aws-chunked\s*$/g, '').trim()
        : value;
    if (CONTENT_HEADERS.includes(name) && kept !== '') contentHeaders[name] = kept;
    if (!name.startsWith(prefix)) continue;
    metadata[name.slice(prefix.length)] = value;
    metadataBytes += name.length - prefix.length + value.length;
  }
  if (metadataBytes > MAX_METADATA_BYTES) {
    throw new ObsError(
      'MetadataTooLarge',
      `User metadata takes ${metadataBytes} bytes, the limit is ${MAX_METADATA_BYTES} bytes: send less.`,
    );
  }
  return {
    metadata,
    contentHeaders,
    ...(contentType !== undefined && { contentType }),
    ...(storageClass !== undefined && { storageClass }),
  };
}

/** The headers that describe an object, in the words of the dialect. */
export function objectHeaders(object: StoredObject, dialect: Dialect): Record<string, string> {
  const prefix = `${VOCABULARY[dialect].headerPrefix}meta-`;
  return {
    ...object.contentHeaders,
    'content-type': object.contentType,
    etag: quoted(object.etag),
    'last-modified': new Date(object.lastModifiedMs).toUTCString(),
    'accept-ranges': 'bytes',
    ...versionHeader(object, dialect),
    // Omitted for STANDARD, as in S3.
    ...(object.storageClass !== undefined && {
      [`${VOCABULARY[dialect].headerPrefix}storage-class`]: storageClassName(object.storageClass, dialect),
    }),
    ...Object.fromEntries(Object.entries(object.metadata).map(([name, value]) => [prefix + name, value])),
  };
}

/** An ETag as headers carry it. */
export function quoted(etag: string): string {
  return `"${etag}"`;
}

/** An ETag without its quotes. */
export function unquoted(etag: string): string {
  return etag.replace(/^"(.*)"$/, '$1');
}

/** A time in the form of XML answers. */
export function xmlTime(timeMs: number): string {
  return new Date(timeMs).toISOString();
}

/** @throws ObsError InvalidArgument if the parameter is not a whole number within these bounds */
export function integerParameter(
  { query }: ObsRequest,
  name: string,
  { minimum, maximum, otherwise }: { minimum: number; maximum: number; otherwise?: number },
): number {
  const text = query.get(name);
  if (text === undefined && otherwise !== undefined) return otherwise;
  const value = /^\d+$/.test(text ?? '') ? Number(text) : Number.NaN;
  if (!(value >= minimum && value <= maximum)) {
    throw new ObsError('InvalidArgument', `${name} must be a whole number from ${minimum} to ${maximum}.`, {
      ArgumentName: name,
      ArgumentValue: text ?? '',
    });
  }
  return value;
}

/**
 * Encodes names if the client asks for it (`encoding-type=url`), because XML cannot hold every character.
 *
 * @throws ObsError InvalidArgument for any other encoding
 */
export function nameEncoder({ query }: ObsRequest): (name: string) => string {
  const encoding = query.get('encoding-type');
  if (encoding === undefined) return (name) => name;
  if (encoding !== 'url') {
    throw new ObsError('InvalidArgument', `encoding-type '${encoding}' is invalid: the only one is 'url'.`);
  }
  return (name) => encodeURIComponent(name).replaceAll('%2F', '/');
}
