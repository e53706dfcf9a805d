import { ObsError } from '../errors';
import { bucketOf, nameEncoder, type Operation, requireBucket } from '../operation';
import { contents, encodedOrAbsent, locationHeader, maxKeysOf } from './list-objects';

/** GET /bucket?list-type=2 */
export const listObjectsV2: Operation = (call) => {
  requireBucket(call.store, bucketOf(call));
  const { query } = call.request;
  if (query.get('list-type') !== '2') throw new ObsError('InvalidArgument', "list-type must be '2'.");
  const encode = nameEncoder(call.request);
  const maxKeys = maxKeysOf(call);
  const token = query.get('continuation-token');
  const { objects, commonPrefixes, isTruncated, nextMarker } = call.store.list(bucketOf(call), {
    prefix: query.get('prefix'),
    marker: token === undefined ? query.get('start-after') : decodeToken(token),
    delimiter: query.get('delimiter'),
    maxKeys,
  });
  const ownerId = query.get('fetch-owner') === 'true' ? call.ownerId : undefined;
  return {
    status: 200,
    headers: locationHeader(call),
    xml: [
      'ListBucketResult',
      {
        Name: bucketOf(call),
        Prefix: encode(query.get('prefix') ?? ''),
        StartAfter: encodedOrAbsent(query.get('start-after'), encode),
        ContinuationToken: token,
        NextContinuationToken: nextMarker === undefined ? undefined : encodeToken(nextMarker),
        KeyCount: objects.length + commonPrefixes.length,
        MaxKeys: maxKeys,
        Delimiter: encodedOrAbsent(query.get('delimiter'), encode),
        EncodingType: query.get('encoding-type'),
        IsTruncated: isTruncated,
        Contents: objects.map((object) => contents(call, object, encode, ownerId)),
        CommonPrefixes: commonPrefixes.map((prefix) => ({ Prefix: encode(prefix) })),
      },
    ],
  };
};

/** Clients must not look into a token, so it does not look like a key. */
function encodeToken(marker: string): string {
  return Buffer.from(marker).toString('base64url');
}

function decodeToken(token: string): string {
  const marker = Buffer.from(token, 'base64url').toString('utf8');
  if (encodeToken(marker) !== token) {
    throw new ObsError('InvalidArgument', 'The continuation token provided is incorrect.', {
      ArgumentName: 'continuation-token',
    });
  }
  return marker;
}
