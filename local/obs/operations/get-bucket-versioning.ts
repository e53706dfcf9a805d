import { bucketOf, type Operation } from '../operation';

/** GET /bucket?versioning. No status for a bucket that never kept versions. */
export const getBucketVersioning: Operation = (call) => ({
  status: 200,
  xml: ['VersioningConfiguration', { Status: call.store.versioning(bucketOf(call)) }],
});
