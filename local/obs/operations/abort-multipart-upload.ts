import { type Operation, uploadOf } from '../operation';

/** DELETE /bucket/key?uploadId */
export const abortMultipartUpload: Operation = async (call) => {
  await call.store.abortUpload(uploadOf(call));
  return { status: 204 };
};
