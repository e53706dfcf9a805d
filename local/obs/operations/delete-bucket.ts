import { bucketOf, type Operation } from '../operation';

/** DELETE /bucket */
export const deleteBucket: Operation = async (call) => {
  await call.store.deleteBucket(bucketOf(call));
  return { status: 204 };
};
