import { commonPrefixOf, compareUtf8 } from '../key-index';
import type { MultipartUpload } from '../object-store';
import {
  bucketOf,
  integerParameter,
  nameEncoder,
  type Operation,
  requireBucket,
  xmlTime,
} from '../operation';
import { encodedOrAbsent } from './list-objects';

/** A line of the listing: an upload, or the common prefix of several. */
interface Line {
  name: string;
  upload?: MultipartUpload;
}

/** GET /bucket?uploads */
export const listMultipartUploads: Operation = (call) => {
  requireBucket(call.store, bucketOf(call));
  const { query } = call.request;
  const encode = nameEncoder(call.request);
  const maxUploads = integerParameter(call.request, 'max-uploads', {
    minimum: 1,
    maximum: 1000,
    otherwise: 1000,
  });
  const prefix = query.get('prefix') ?? '';
  const keyMarker = query.get('key-marker') ?? '';
  const uploadIdMarker = query.get('upload-id-marker') ?? '';

  const lines = linesOf(call.store.uploads(bucketOf(call)), prefix, query.get('delimiter') ?? '').filter(
    ({ name, upload }) =>
      compareUtf8(name, keyMarker) > 0 ||
      (name === keyMarker &&
        uploadIdMarker !== '' &&
        upload !== undefined &&
        upload.uploadId > uploadIdMarker),
  );
  const page = lines.slice(0, maxUploads);
  const next = lines.length > page.length ? page.at(-1) : undefined;
  return {
    status: 200,
    xml: [
      'ListMultipartUploadsResult',
      {
        Bucket: bucketOf(call),
        KeyMarker: encode(keyMarker),
        UploadIdMarker: uploadIdMarker,
        NextKeyMarker: encodedOrAbsent(next?.name, encode),
        NextUploadIdMarker: next?.upload?.uploadId,
        Delimiter: encodedOrAbsent(query.get('delimiter'), encode),
        Prefix: encode(prefix),
        MaxUploads: maxUploads,
        EncodingType: query.get('encoding-type'),
        IsTruncated: next !== undefined,
        Upload: page.flatMap(({ upload }) =>
          upload === undefined
            ? []
            : {
                Key: encode(upload.key),
                UploadId: upload.uploadId,
                Initiator: { ID: call.ownerId },
                Owner: { ID: call.ownerId },
                StorageClass: 'STANDARD',
                Initiated: xmlTime(upload.initiatedMs),
              },
        ),
        CommonPrefixes: page.flatMap(({ name, upload }) =>
          upload === undefined ? { Prefix: encode(name) } : [],
        ),
      },
    ],
  };
};

/** By key, then by id. */
function linesOf(uploads: MultipartUpload[], prefix: string, delimiter: string): Line[] {
  const lines: Line[] = [];
  const sorted = uploads
    .filter(({ key }) => key.startsWith(prefix))
    .sort((a, b) => compareUtf8(a.key, b.key) || compareUtf8(a.uploadId, b.uploadId));
  for (const upload of sorted) {
    const name = commonPrefixOf(upload.key, prefix, delimiter);
    if (name === undefined) lines.push({ name: upload.key, upload });
    else if (lines.at(-1)?.name !== name) lines.push({ name });
  }
  return lines;
}
