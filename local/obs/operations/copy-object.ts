import { conditionsOf, isWanted, overwriteRefusal } from '../conditions';
import { ObsError } from '../errors';
import {
  bucketOf,
  descriptionOf,
  keyOf,
  type ObjectAddress,
  type Operation,
  openObject,
  quoted,
  versionHeader,
  xmlTime,
} from '../operation';
import { protocolHeader, protocolName } from '../request';
import { requireReadable, storageClassOf } from '../storage-class';

/** PUT /bucket/key with x-obs-copy-source */
export const copyObject: Operation = async (call) => {
  const { request, store } = call;
  const source = parseSource(protocolHeader(request, 'copy-source') ?? '');
  const directive = protocolHeader(request, 'metadata-directive') ?? 'COPY';
  if (directive !== 'COPY' && directive !== 'REPLACE') {
    throw new ObsError(
      'InvalidArgument',
      `metadata-directive '${directive}' is invalid: use COPY or REPLACE.`,
    );
  }
  const { object, file } = await openObject(call, source);
  try {
    if (!isWanted(object, conditionsOf(request.headers, protocolName(request.dialect, 'copy-source-')))) {
      throw new ObsError(
        'PreconditionFailed',
        'At least one of the preconditions you specified did not hold.',
      );
    }
    requireReadable(object);
    const { contentType, metadata, contentHeaders } = object;
    const storageClass = storageClassOf(request);
    const description =
      directive === 'COPY'
        ? { contentType, metadata, contentHeaders, ...(storageClass !== undefined && { storageClass }) }
        : descriptionOf(request);
    const copy = await store.put(bucketOf(call), keyOf(call), file.createReadStream({ autoClose: false }), {
      ...description,
      eventName: 'ObjectCreated:Copy',
      refuseOverwrite: overwriteRefusal(call),
      requestId: request.requestId,
      sourceIp: request.sourceIp,
    });
    const { versionId } = object;
    return {
      status: 200,
      headers: {
        ...versionHeader(copy, request.dialect),
        ...(versionId !== undefined && {
          [protocolName(request.dialect, 'copy-source-version-id')]: versionId,
        }),
      },
      xml: ['CopyObjectResult', { LastModified: xmlTime(copy.lastModifiedMs), ETag: quoted(copy.etag) }],
    };
  } finally {
    await file.close();
  }
};

/** `/bucket/key`, percent-encoded as a whole or in parts, and perhaps `?versionId=`; the first slash is optional. */
function parseSource(header: string): ObjectAddress {
  const [name = '', query] = header.split('?');
  const versionId = new URLSearchParams(query).get('versionId') ?? undefined;
  try {
    const [, bucket, key] = /^\/?([^/]+)\/(.+)$/s.exec(decodeURIComponent(name)) ?? [];
    const isKnown = query === undefined || versionId !== undefined;
    if (bucket !== undefined && key !== undefined && isKnown) return { bucket, key, versionId };
  } catch {
    // Not percent-encoded; refused below.
  }
  throw new ObsError(
    'InvalidArgument',
    `copy-source '${header}' is invalid: expected /bucket/key, percent-encoded, and perhaps ?versionId=.`,
  );
}
