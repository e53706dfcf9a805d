import { overwriteRefusal } from '../conditions';
import { bucketOf, descriptionOf, keyOf, type Operation, quoted, versionHeader } from '../operation';
import { checkLength } from '../request-body';

/** PUT /bucket/key */
export const putObject: Operation = async (call) => {
  const { request } = call;
  checkLength(request);
  const object = await call.store.put(bucketOf(call), keyOf(call), request.body, {
    ...descriptionOf(request),
    contentMd5: request.headers.get('content-md5'),
    refuseOverwrite: overwriteRefusal(call),
    requestId: request.requestId,
    sourceIp: request.sourceIp,
  });
  return { status: 200, headers: { etag: quoted(object.etag), ...versionHeader(object, request.dialect) } };
};
