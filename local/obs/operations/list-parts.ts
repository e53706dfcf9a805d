import {
  bucketOf,
  integerParameter,
  keyOf,
  nameEncoder,
  type Operation,
  quoted,
  uploadOf,
  xmlTime,
} from '../operation';

/** GET /bucket/key?uploadId */
export const listParts: Operation = (call) => {
  const upload = uploadOf(call);
  const maxParts = integerParameter(call.request, 'max-parts', {
    minimum: 1,
    maximum: 1000,
    otherwise: 1000,
  });
  const marker = integerParameter(call.request, 'part-number-marker', {
    minimum: 0,
    maximum: 10_000,
    otherwise: 0,
  });
  const rest = [...upload.parts.values()]
    .filter(({ partNumber }) => partNumber > marker)
    .sort((a, b) => a.partNumber - b.partNumber);
  const parts = rest.slice(0, maxParts);
  return {
    status: 200,
    xml: [
      'ListPartsResult',
      {
        Bucket: bucketOf(call),
        EncodingType: call.request.query.get('encoding-type'),
        Key: nameEncoder(call.request)(keyOf(call)),
        UploadId: upload.uploadId,
        Initiator: { ID: call.ownerId },
        Owner: { ID: call.ownerId },
        StorageClass: 'STANDARD',
        PartNumberMarker: marker,
        NextPartNumberMarker: parts.at(-1)?.partNumber,
        MaxParts: maxParts,
        IsTruncated: rest.length > parts.length,
        Part: parts.map((part) => ({
          PartNumber: part.partNumber,
          LastModified: xmlTime(part.lastModifiedMs),
          ETag: quoted(part.etag),
          Size: part.sizeBytes,
        })),
      },
    ],
  };
};
