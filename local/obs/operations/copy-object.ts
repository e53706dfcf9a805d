import { conditionsOf, isWanted, overwriteRefusal } from '../conditions';
import { ObsError } from '../errors';
import { bucketOf, descriptionOf, keyOf, type Operation, openObject, quoted, xmlTime } from '../operation';
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
  const { object, file } = await openObject(store, source.bucket, source.key);
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
    return {
      status: 200,
      xml: ['CopyObjectResult', { LastModified: xmlTime(copy.lastModifiedMs), ETag: quoted(copy.etag) }],
    };
  } finally {
    await file.close();
  }
};

/** `/bucket/key`, percent-encoded as a whole or in parts; the first slash is optional. */
function parseSource(header: string): { bucket: string; key: string } {
  if (header.includes('?')) {
    throw new ObsError('NotImplemented', 'A copy-source with a version is not supported here.');
  }
  try {
    const [, bucket, key] = /^\/?([^/]+)\/(.+)$/s.exec(decodeURIComponent(header)) ?? [];
    if (bucket !== undefined && key !== undefined) return { bucket, key };
  } catch {
    // Not percent-encoded: refused below.
  }
  throw new ObsError(
    'InvalidArgument',
    `copy-source '${header}' is invalid: expected /bucket/key, percent-encoded.`,
  );
}
