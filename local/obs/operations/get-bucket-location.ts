import { bucketOf, type Operation, requireBucket } from '../operation';

/** GET /bucket?location */
export const getBucketLocation: Operation = (call) => {
  requireBucket(call.store, bucketOf(call));
  const { dialect } = call.request;
  return {
    status: 200,
    xml:
      dialect === 'obs'
        ? ['Location', call.region]
        : ['CreateBucketConfiguration', { LocationConstraint: call.region }],
  };
};
