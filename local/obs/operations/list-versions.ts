import type { VersionListing } from '../object-store';
import { versionIdOf } from '../object-store';
import { bucketOf, type Call, nameEncoder, type Operation, requireBucket, xmlTime } from '../operation';
import type { XmlElements } from '../xml';
import { contents, encodedOrAbsent, locationHeader, maxKeysOf } from './list-objects';

/** GET /bucket?versions: all versions and delete markers. Versions come before markers, each in the order of keys. */
export const listVersions: Operation = (call) => {
  requireBucket(call.store, bucketOf(call));
  const { query } = call.request;
  const encode = nameEncoder(call.request);
  const maxKeys = maxKeysOf(call);
  const listing = call.store.listVersions(bucketOf(call), {
    prefix: query.get('prefix'),
    keyMarker: query.get('key-marker'),
    versionIdMarker: query.get('version-id-marker'),
    delimiter: query.get('delimiter'),
    maxKeys,
  });
  return {
    status: 200,
    headers: locationHeader(call),
    xml: [
      'ListVersionsResult',
      {
        Name: bucketOf(call),
        Prefix: encode(query.get('prefix') ?? ''),
        KeyMarker: encode(query.get('key-marker') ?? ''),
        VersionIdMarker: query.get('version-id-marker') ?? '',
        NextKeyMarker: encodedOrAbsent(listing.nextKeyMarker, encode),
        NextVersionIdMarker: listing.nextVersionIdMarker,
        MaxKeys: maxKeys,
        Delimiter: encodedOrAbsent(query.get('delimiter'), encode),
        EncodingType: query.get('encoding-type'),
        IsTruncated: listing.isTruncated,
        Version: listing.versions.flatMap((version) => versionElements(call, version, encode)),
        DeleteMarker: listing.versions.flatMap((version) => markerElements(call, version, encode)),
        CommonPrefixes: listing.commonPrefixes.map((prefix) => ({ Prefix: encode(prefix) })),
      },
    ],
  };
};

type ListedVersion = VersionListing['versions'][number];

function versionElements(
  call: Call,
  version: ListedVersion,
  encode: (name: string) => string,
): XmlElements[] {
  if (version.isMarker) return [];
  const { Key, ...rest } = contents(call, version, encode, call.ownerId);
  return [{ Key, VersionId: versionIdOf(version), IsLatest: version.isLatest, ...rest }];
}

function markerElements(call: Call, version: ListedVersion, encode: (name: string) => string): XmlElements[] {
  if (!version.isMarker) return [];
  return [
    {
      Key: encode(version.key),
      VersionId: versionIdOf(version),
      IsLatest: version.isLatest,
      LastModified: xmlTime(version.lastModifiedMs),
      Owner: { ID: call.ownerId },
    },
  ];
}
