import { bucketOf, type Operation } from '../operation';

/** DELETE /bucket?cors */
export const deleteBucketCors: Operation = async (call) => {
  await call.store.setCors(bucketOf(call), []);
  return { status: 204 };
};
