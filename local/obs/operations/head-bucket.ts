import { bucketOf, type Operation, requireBucket } from '../operation';
import { protocolName } from '../request';
import { storageClassName } from '../storage-class';

/** HEAD /bucket */
export const headBucket: Operation = (call) => {
  requireBucket(call.store, bucketOf(call));
  const { dialect } = call.request;
  return {
    status: 200,
    headers: {
      [dialect === 'obs' ? 'x-obs-bucket-location' : 'x-amz-bucket-region']: call.region,
      [protocolName(dialect, 'storage-class')]: storageClassName(
        call.store.storageClass(bucketOf(call)),
        dialect,
      ),
    },
  };
};
