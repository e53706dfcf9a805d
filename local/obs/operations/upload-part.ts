import { integerParameter, type Operation, quoted, uploadOf } from '../operation';
import { checkLength } from '../request-body';

/** PUT /bucket/key?partNumber&uploadId. The size of a part is checked when the upload is completed. */
export const uploadPart: Operation = async (call) => {
  const { request } = call;
  const upload = uploadOf(call);
  const partNumber = integerParameter(request, 'partNumber', { minimum: 1, maximum: 10_000 });
  checkLength(request);
  const part = await call.store.putPart(upload, partNumber, request.body, request.headers.get('content-md5'));
  return { status: 200, headers: { etag: quoted(part.etag) } };
};
