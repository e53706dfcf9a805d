import { conditionsOf, isWanted } from '../conditions';
import { addressOf, type Operation, objectHeaders, objectOf } from '../operation';

/** HEAD /bucket/key */
export const headObject: Operation = (call) => {
  const object = objectOf(call, addressOf(call));
  const headers = objectHeaders(object, call.request.dialect);
  if (!isWanted(object, conditionsOf(call.request.headers))) return { status: 304, headers };
  return { status: 200, headers: { ...headers, 'content-length': String(object.sizeBytes) } };
};
