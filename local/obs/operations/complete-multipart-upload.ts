import * as z from 'zod';
import { overwriteRefusal } from '../conditions';
import { ObsError } from '../errors';
import type { MultipartUpload, UploadPart } from '../object-store';
import {
  bucketOf,
  keyOf,
  nameEncoder,
  type Operation,
  quoted,
  unquoted,
  uploadOf,
  versionHeader,
} from '../operation';
import { readText } from '../request-body';
import { parseXml } from '../xml';

const MIN_PART_BYTES = 100 * 1024;

const part = z.object({
  PartNumber: z
    .string()
    .regex(/^\d{1,5}$/)
    .transform(Number),
  ETag: z.string(),
});
const completion = z.object({ Part: z.union([z.array(part), part.transform((one) => [one])]) });

/** POST /bucket/key?uploadId */
export const completeMultipartUpload: Operation = async (call) => {
  const { request, store } = call;
  const encode = nameEncoder(request);
  const wanted = parseXml(await readText(request), 'CompleteMultipartUpload', completion).Part;
  const upload = uploadOf(call);
  const object = await store.completeUpload(upload, findParts(upload, wanted), {
    refuseOverwrite: overwriteRefusal(call),
    requestId: request.requestId,
    sourceIp: request.sourceIp,
  });
  return {
    status: 200,
    headers: versionHeader(object, request.dialect),
    xml: [
      'CompleteMultipartUploadResult',
      {
        Location: `http://${request.headers.get('host') ?? ''}${request.message.url?.split('?')[0] ?? ''}`,
        Bucket: bucketOf(call),
        Key: encode(keyOf(call)),
        EncodingType: request.query.get('encoding-type'),
        ETag: quoted(object.etag),
      },
    ],
  };
};

/** The uploaded parts that the client wants to join. @throws ObsError InvalidPartOrder, InvalidPart, EntityTooSmall */
function findParts(upload: MultipartUpload, wanted: z.infer<typeof part>[]): UploadPart[] {
  const parts = wanted.map(({ PartNumber, ETag }, index) => {
    const previous = wanted[index - 1]?.PartNumber;
    if (previous !== undefined && previous >= PartNumber) {
      throw new ObsError('InvalidPartOrder', 'The list of parts was not in ascending order by part number.');
    }
    const found = upload.parts.get(PartNumber);
    if (found === undefined || found.etag !== unquoted(ETag)) {
      throw new ObsError('InvalidPart', `Part ${PartNumber} was not uploaded, or its ETag is not ${ETag}.`);
    }
    return found;
  });
  for (const { partNumber, sizeBytes } of parts.slice(0, -1)) {
    if (sizeBytes < MIN_PART_BYTES) {
      throw new ObsError(
        'EntityTooSmall',
        `Part ${partNumber} has ${sizeBytes} bytes; every part but the last needs at least ${MIN_PART_BYTES} bytes.`,
      );
    }
  }
  return parts;
}
