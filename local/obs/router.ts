import { ObsError } from './errors';
import type { Operation } from './operation';
import { abortMultipartUpload } from './operations/abort-multipart-upload';
import { completeMultipartUpload } from './operations/complete-multipart-upload';
import { copyObject } from './operations/copy-object';
import { createBucket } from './operations/create-bucket';
import { deleteBucket } from './operations/delete-bucket';
import { deleteBucketCors } from './operations/delete-bucket-cors';
import { deleteBucketLifecycle } from './operations/delete-bucket-lifecycle';
import { deleteObject } from './operations/delete-object';
import { deleteObjects } from './operations/delete-objects';
import { getBucketCors } from './operations/get-bucket-cors';
import { getBucketLifecycle } from './operations/get-bucket-lifecycle';
import { getBucketLocation } from './operations/get-bucket-location';
import { getBucketNotification } from './operations/get-bucket-notification';
import { getBucketStorageClass } from './operations/get-bucket-storage-class';
import { getBucketVersioning } from './operations/get-bucket-versioning';
import { getObject } from './operations/get-object';
import { headApiVersion } from './operations/head-api-version';
import { headBucket } from './operations/head-bucket';
import { headObject } from './operations/head-object';
import { initiateMultipartUpload } from './operations/initiate-multipart-upload';
import { listBuckets } from './operations/list-buckets';
import { listMultipartUploads } from './operations/list-multipart-uploads';
import { listObjects } from './operations/list-objects';
import { listObjectsV2 } from './operations/list-objects-v2';
import { listParts } from './operations/list-parts';
import { listVersions } from './operations/list-versions';
import { preflight } from './operations/preflight';
import { putObject } from './operations/put-object';
import { setBucketCors } from './operations/set-bucket-cors';
import { setBucketLifecycle } from './operations/set-bucket-lifecycle';
import { setBucketNotification } from './operations/set-bucket-notification';
import { setBucketStorageClass } from './operations/set-bucket-storage-class';
import { setBucketVersioning } from './operations/set-bucket-versioning';
import { uploadPart } from './operations/upload-part';
import { type ObsRequest, protocolHeader, protocolName } from './request';
import { SUB_RESOURCES } from './signature';

/** Keys: the method, what the request addresses, and the parameters or the header that select an operation. */
const OPERATIONS: ReadonlyMap<string, Operation> = new Map([
  ['GET service', listBuckets],
  ['PUT bucket', createBucket],
  ['HEAD bucket', headBucket],
  ['DELETE bucket', deleteBucket],
  ['GET bucket', listObjects],
  ['GET bucket?list-type', listObjectsV2],
  ['GET bucket?location', getBucketLocation],
  ['GET bucket?uploads', listMultipartUploads],
  ['GET bucket?versions', listVersions],
  ['PUT bucket?versioning', setBucketVersioning],
  ['GET bucket?versioning', getBucketVersioning],
  ['PUT bucket?storageClass', setBucketStorageClass],
  ['GET bucket?storageClass', getBucketStorageClass],
  ['PUT bucket?storagePolicy', setBucketStorageClass],
  ['GET bucket?storagePolicy', getBucketStorageClass],
  ['POST bucket?delete', deleteObjects],
  ['PUT bucket?cors', setBucketCors],
  ['GET bucket?cors', getBucketCors],
  ['DELETE bucket?cors', deleteBucketCors],
  ['PUT bucket?lifecycle', setBucketLifecycle],
  ['GET bucket?lifecycle', getBucketLifecycle],
  ['DELETE bucket?lifecycle', deleteBucketLifecycle],
  ['PUT bucket?notification', setBucketNotification],
  ['GET bucket?notification', getBucketNotification],
  ['PUT object', putObject],
  ['PUT object from copy-source', copyObject],
  ['GET object', getObject],
  ['HEAD object', headObject],
  ['DELETE object', deleteObject],
  ['GET object?versionId', getObject],
  ['HEAD object?versionId', headObject],
  ['DELETE object?versionId', deleteObject],
  ['POST object?uploads', initiateMultipartUpload],
  ['PUT object?partNumber&uploadId', uploadPart],
  ['GET object?uploadId', listParts],
  ['POST object?uploadId', completeMultipartUpload],
  ['DELETE object?uploadId', abortMultipartUpload],
]);

/** The operations that need no signature. */
const PUBLIC_OPERATIONS: ReadonlyMap<string, Operation> = new Map([
  ['HEAD service?apiversion', headApiVersion],
  ['HEAD bucket?apiversion', headApiVersion],
  ['OPTIONS bucket', preflight],
  ['OPTIONS object', preflight],
]);

/** Parameters that select an operation without being part of the signature. */
const UNSIGNED_SELECTORS = ['apiversion', 'list-type'];

/** Signed parameters that only change how an operation answers. */
const MODIFIER = /^(response-|x-(obs|amz)-security-token$)/;

/** Headers of features that are missing here. Without a refusal a client would believe that they work. */
const UNSUPPORTED_HEADERS = [
  'server-side-encryption',
  'tagging',
  'object-lock-mode',
  'grant-read',
  'grant-full-control',
];

/** The operation of this request if it needs no signature; undefined otherwise. */
export function publicOperation(request: ObsRequest): Operation | undefined {
  // A preflight has the parameters of the announced request, also those of a signature.
  const name = request.method === 'OPTIONS' ? `OPTIONS ${addressee(request)}` : operationName(request);
  return PUBLIC_OPERATIONS.get(name);
}

/** The operation of this request. @throws ObsError NotImplemented */
export function findOperation(request: ObsRequest): Operation {
  const name = operationName(request);
  const operation = OPERATIONS.get(name);
  if (operation === undefined) {
    throw new ObsError('NotImplemented', `'${name}' is not implemented by the OBS of the local cloud.`);
  }
  for (const unsupported of UNSUPPORTED_HEADERS) {
    if (protocolHeader(request, unsupported) !== undefined) refuseHeader(request, unsupported);
  }
  const acl = protocolHeader(request, 'acl');
  if (acl !== undefined && acl !== 'private') refuseHeader(request, 'acl');
  return operation;
}

function refuseHeader(request: ObsRequest, name: string): never {
  throw new ObsError(
    'NotImplemented',
    `The header ${protocolName(request.dialect, name)} is not implemented by the OBS of the local cloud.`,
  );
}

function addressee({ bucket, key }: ObsRequest): string {
  if (key !== undefined) return 'object';
  return bucket === undefined ? 'service' : 'bucket';
}

/** Method, what the request addresses, and what selects the operation: `PUT bucket?cors`. */
export function operationName(request: ObsRequest): string {
  const selectors = [...request.query.keys()]
    .filter((name) => (SUB_RESOURCES.has(name) && !MODIFIER.test(name)) || UNSIGNED_SELECTORS.includes(name))
    .sort();
  const parameters = selectors.length === 0 ? '' : `?${selectors.join('&')}`;
  const source = protocolHeader(request, 'copy-source') === undefined ? '' : ' from copy-source';
  return `${request.method} ${addressee(request)}${parameters}${source}`;
}
