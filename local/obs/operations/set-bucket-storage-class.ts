import * as z from 'zod';
import { bucketOf, type Operation, requireBucket } from '../operation';
import { readText } from '../request-body';
import { namedStorageClass } from '../storage-class';
import { parseXml } from '../xml';

const policy = z.object({ DefaultStorageClass: z.string() });

/** PUT /bucket?storageClass, in the AWS dialect ?storagePolicy. Existing objects keep their class. */
export const setBucketStorageClass: Operation = async (call) => {
  requireBucket(call.store, bucketOf(call));
  const { dialect } = call.request;
  const body = await readText(call.request);
  const name =
    dialect === 'obs'
      ? parseXml(body, 'StorageClass', z.string())
      : parseXml(body, 'StoragePolicy', policy).DefaultStorageClass;
  await call.store.setStorageClass(bucketOf(call), namedStorageClass(name, dialect));
  return { status: 200 };
};
