import { addressOf, type Call, type Operation } from '../operation';
import { protocolName } from '../request';

/**
 * DELETE /bucket/key. Succeeds also if there is no such object or version. If the bucket keeps versions, it sets a
 * delete marker; with `versionId` it deletes that version for good.
 */
export const deleteObject: Operation = async (call) => {
  const { bucket, key, versionId } = addressOf(call);
  const { requestId, sourceIp } = call.request;
  const deletion = await call.store.delete(bucket, key, { requestId, sourceIp, versionId });
  const id = deletion?.versionId ?? versionId;
  return {
    status: 204,
    headers: {
      ...(deletion?.isMarker && { [named(call, 'delete-marker')]: 'true' }),
      ...(id !== undefined && { [named(call, 'version-id')]: id }),
    },
  };
};

const named = ({ request }: Call, name: string): string => protocolName(request.dialect, name);
