import { bucketOf, keyOf, type Operation } from '../operation';

/** DELETE /bucket/key. Succeeds as well when there is no such object. */
export const deleteObject: Operation = async (call) => {
  const { requestId, sourceIp } = call.request;
  await call.store.delete(bucketOf(call), keyOf(call), { requestId, sourceIp });
  return { status: 204 };
};
