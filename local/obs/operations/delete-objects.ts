import * as z from 'zod';
import { ObsError } from '../errors';
import { bucketOf, type Operation, requireBucket } from '../operation';
import { checkContentMd5, readText } from '../request-body';
import { parseXml, type XmlElements } from '../xml';

const MAX_OBJECTS = 1000;

const object = z.object({ Key: z.string(), VersionId: z.string().optional() });
const deletion = z.object({
  Quiet: z.enum(['true', 'false']).optional(),
  EncodingType: z.literal('url').optional(),
  Object: z.union([z.array(object).max(MAX_OBJECTS), object.transform((one) => [one])]),
});

/** POST /bucket?delete */
export const deleteObjects: Operation = async (call) => {
  requireBucket(call.store, bucketOf(call));
  const body = await readText(call.request);
  checkContentMd5(call.request, body);
  const { Quiet, EncodingType, Object: objects } = parseXml(body, 'Delete', deletion);
  const { requestId, sourceIp } = call.request;
  const deleted: XmlElements[] = [];
  for (const { Key, VersionId } of objects) {
    const key = EncodingType === 'url' ? decodeKey(Key) : Key;
    const origin = { requestId, sourceIp, versionId: VersionId };
    const deletion = await call.store.delete(bucketOf(call), key, origin);
    const isMarker = deletion?.isMarker === true;
    const marker = isMarker ? { DeleteMarker: true, DeleteMarkerVersionId: deletion?.versionId } : {};
    deleted.push({ Key, VersionId, ...marker });
  }
  return {
    status: 200,
    xml: ['DeleteResult', { EncodingType, Deleted: Quiet === 'true' ? [] : deleted }],
  };
};

function decodeKey(key: string): string {
  try {
    return decodeURIComponent(key.replaceAll('+', ' '));
  } catch {
    throw new ObsError('InvalidArgument', `Key '${key}' is not valid percent-encoded UTF-8.`);
  }
}
