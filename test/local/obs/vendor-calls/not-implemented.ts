import { bodyOf } from '../obs-fixture';
import { answers, type Vendor, type VendorCall } from './vendor-call';

const Tags = [{ Key: 'a', Value: 'b' }];

/** Calls of the SDK that the local cloud refuses plainly, so that nobody believes to have had an effect. */
const REFUSED: Readonly<Record<string, object | ((vendor: Vendor) => object)>> = {
  getBucketAcl: {},
  setBucketAcl: { ACL: 'private' },
  getBucketPolicy: {},
  setBucketPolicy: { Policy: '{}' },
  deleteBucketPolicy: {},
  getBucketWebsiteConfiguration: {},
  setBucketWebsiteConfiguration: { IndexDocument: { Suffix: 'index.html' } },
  deleteBucketWebsiteConfiguration: {},
  getBucketLoggingConfiguration: {},
  getBucketTagging: {},
  setBucketTagging: { Tags },
  deleteBucketTagging: {},
  getBucketQuota: {},
  setBucketQuota: { StorageQuota: 1 },
  getBucketStorageInfo: {},
  getBucketReplication: {},
  getBucketEncryption: {},
  getObjectAcl: { Key: 'a' },
  setObjectAcl: { Key: 'a', ACL: 'private' },
  getObjectTagging: { Key: 'a' },
  setObjectTagging: { Key: 'a', Tags },
  deleteObjectTagging: { Key: 'a' },
  setObjectMetadata: { Key: 'a', MetadataDirective: 'REPLACE' },
  restoreObject: { Key: 'a', Days: 1 },
  // A stream can be sent only once.
  appendObject: () => ({ Key: 'a', Position: 0, ...bodyOf('x') }),
  copyPart: { Key: 'a', UploadId: 'none', PartNumber: 1, CopySource: 'bucket/key' },
};

export const NOT_IMPLEMENTED_CALLS: readonly VendorCall[] = Object.entries(REFUSED).map(
  ([method, parameters]) =>
    answers(
      method,
      typeof parameters === 'function' ? (parameters as (vendor: Vendor) => object) : () => parameters,
      501,
      'NotImplemented',
    ),
);
