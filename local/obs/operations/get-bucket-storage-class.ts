import { bucketOf, type Operation } from '../operation';
import { storageClassName } from '../storage-class';

/** GET /bucket?storageClass, in the AWS dialect ?storagePolicy: the class of objects that are written without one. */
export const getBucketStorageClass: Operation = (call) => {
  const { dialect } = call.request;
  const name = storageClassName(call.store.storageClass(bucketOf(call)), dialect);
  return {
    status: 200,
    xml: dialect === 'obs' ? ['StorageClass', name] : ['StoragePolicy', { DefaultStorageClass: name }],
  };
};
