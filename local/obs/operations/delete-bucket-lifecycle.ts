import { bucketOf, type Operation } from '../operation';

/** DELETE /bucket?lifecycle */
export const deleteBucketLifecycle: Operation = async (call) => {
  await call.store.setLifecycle(bucketOf(call), []);
  return { status: 204 };
};
