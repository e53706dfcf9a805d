import { MAX_LISTED_KEYS } from '../key-index';
import type { ListedObject } from '../object-store';
import {
  bucketOf,
  type Call,
  integerParameter,
  nameEncoder,
  type Operation,
  quoted,
  requireBucket,
  xmlTime,
} from '../operation';
import { protocolName } from '../request';
import { storageClassName } from '../storage-class';
import type { XmlElements } from '../xml';

/** GET /bucket */
export const listObjects: Operation = (call) => {
  requireBucket(call.store, bucketOf(call));
  const { query } = call.request;
  const encode = nameEncoder(call.request);
  const maxKeys = maxKeysOf(call);
  const { objects, commonPrefixes, isTruncated, nextMarker } = call.store.list(bucketOf(call), {
    prefix: query.get('prefix'),
    marker: query.get('marker'),
    delimiter: query.get('delimiter'),
    maxKeys,
  });
  return {
    status: 200,
    headers: locationHeader(call),
    xml: [
      'ListBucketResult',
      {
        Name: bucketOf(call),
        Prefix: encode(query.get('prefix') ?? ''),
        Marker: encode(query.get('marker') ?? ''),
        NextMarker: nextMarker === undefined ? undefined : encode(nextMarker),
        MaxKeys: maxKeys,
        Delimiter: encodedOrAbsent(query.get('delimiter'), encode),
        EncodingType: query.get('encoding-type'),
        IsTruncated: isTruncated,
        Contents: objects.map((object) => contents(call, object, encode, call.ownerId)),
        CommonPrefixes: commonPrefixes.map((prefix) => ({ Prefix: encode(prefix) })),
      },
    ],
  };
};

/** A listing never has more than 1,000 names, even if the client asks for more. */
export function maxKeysOf({ request }: Call): number {
  const wanted = integerParameter(request, 'max-keys', {
    minimum: 0,
    maximum: 2 ** 31 - 1,
    otherwise: MAX_LISTED_KEYS,
  });
  return Math.min(wanted, MAX_LISTED_KEYS);
}

/** The header that names the region of the bucket, in the dialect of the request. */
export function locationHeader({ request, region }: Call): Record<string, string> {
  const name = request.dialect === 'obs' ? 'bucket-location' : 'bucket-region';
  return { [protocolName(request.dialect, name)]: region };
}

/** A name as the client asked for it, if there is one. */
export function encodedOrAbsent(
  name: string | undefined,
  encode: (name: string) => string,
): string | undefined {
  return name === undefined ? undefined : encode(name);
}

/** @param ownerId absent if the client did not ask for owners */
export function contents(
  { request: { dialect } }: Call,
  object: ListedObject,
  encode: (name: string) => string,
  ownerId?: string,
): XmlElements {
  return {
    Key: encode(object.key),
    LastModified: xmlTime(object.lastModifiedMs),
    ETag: quoted(object.etag),
    Size: object.sizeBytes,
    Owner: ownerId === undefined ? undefined : { ID: ownerId },
    StorageClass: storageClassName(object.storageClass, dialect),
  };
}
