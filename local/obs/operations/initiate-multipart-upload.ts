import { bucketOf, descriptionOf, keyOf, nameEncoder, type Operation } from '../operation';

/** POST /bucket/key?uploads */
export const initiateMultipartUpload: Operation = async (call) => {
  const encode = nameEncoder(call.request);
  const { uploadId } = await call.store.startUpload(bucketOf(call), keyOf(call), descriptionOf(call.request));
  return {
    status: 200,
    xml: [
      'InitiateMultipartUploadResult',
      {
        Bucket: bucketOf(call),
        Key: encode(keyOf(call)),
        UploadId: uploadId,
        EncodingType: call.request.query.get('encoding-type'),
      },
    ],
  };
};
