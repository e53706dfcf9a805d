import type { AccessKey } from '../iam/credentials';
import { ObsError } from './errors';
import type { ObsRequest } from './request';
import { operationName } from './router';

/** Whether a key may do something to `bucket:NAME` or `object:NAME/KEY`. */
export type Rights = (key: AccessKey, action: string, resource: string) => boolean;

/** What each operation needs (OBS permission configuration guide, actions of buckets and objects). */
const ACTIONS: Readonly<Record<string, string>> = {
  'GET service': 'obs:bucket:ListAllMyBuckets',
  'PUT bucket': 'obs:bucket:CreateBucket',
  'HEAD bucket': 'obs:bucket:HeadBucket',
  'DELETE bucket': 'obs:bucket:DeleteBucket',
  'GET bucket': 'obs:bucket:ListBucket',
  'GET bucket?list-type': 'obs:bucket:ListBucket',
  'GET bucket?location': 'obs:bucket:GetBucketLocation',
  'GET bucket?uploads': 'obs:bucket:ListBucketMultipartUploads',
  'POST bucket?delete': 'obs:object:DeleteObject',
  'PUT bucket?cors': 'obs:bucket:PutBucketCORS',
  'GET bucket?cors': 'obs:bucket:GetBucketCORS',
  'DELETE bucket?cors': 'obs:bucket:PutBucketCORS',
  'PUT bucket?lifecycle': 'obs:bucket:PutLifecycleConfiguration',
  'GET bucket?lifecycle': 'obs:bucket:GetLifecycleConfiguration',
  'DELETE bucket?lifecycle': 'obs:bucket:PutLifecycleConfiguration',
  'PUT bucket?notification': 'obs:bucket:PutBucketNotification',
  'GET bucket?notification': 'obs:bucket:GetBucketNotification',
  'PUT bucket?storageClass': 'obs:bucket:PutBucketStoragePolicy',
  'GET bucket?storageClass': 'obs:bucket:GetBucketStoragePolicy',
  'PUT bucket?storagePolicy': 'obs:bucket:PutBucketStoragePolicy',
  'GET bucket?storagePolicy': 'obs:bucket:GetBucketStoragePolicy',
  'PUT bucket?versioning': 'obs:bucket:PutBucketVersioning',
  'GET bucket?versioning': 'obs:bucket:GetBucketVersioning',
  'GET bucket?versions': 'obs:bucket:ListBucketVersions',
  'GET object?versionId': 'obs:object:GetObjectVersion',
  'HEAD object?versionId': 'obs:object:GetObjectVersion',
  'DELETE object?versionId': 'obs:object:DeleteObjectVersion',
  'GET object': 'obs:object:GetObject',
  'HEAD object': 'obs:object:GetObject',
  'DELETE object': 'obs:object:DeleteObject',
  'GET object?uploadId': 'obs:object:ListMultipartUploadParts',
  'DELETE object?uploadId': 'obs:object:AbortMultipartUpload',
};

/** @throws ObsError AccessDenied if the key lacks the right that the request needs */
export function requireRight(request: ObsRequest, key: AccessKey, isAllowed: Rights): void {
  const { bucket = '', key: objectKey } = request;
  // All other operations write an object.
  const action = ACTIONS[operationName(request)] ?? 'obs:object:PutObject';
  const resource = objectKey === undefined ? `bucket:${bucket}` : `object:${bucket}/${objectKey}`;
  if (!isAllowed(key, action, resource)) throw new ObsError('AccessDenied', 'Access Denied');
}
