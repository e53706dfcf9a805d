import * as z from 'zod';
import { ObsError } from '../errors';
import type { LifecycleRule } from '../object-store';
import { bucketOf, type Operation, requireBucket } from '../operation';
import { checkContentMd5, readText } from '../request-body';
import { oneOrMany, parseXml } from '../xml';

const MAX_DOCUMENT_BYTES = 20 * 1024;

const days = z.string().regex(/^[1-9]\d*$/);
const when = z.union([z.object({ Days: days }), z.object({ Date: z.string() })]);
/** What a rule may do to objects. It must do at least one of these. */
const actions = {
  Expiration: when.optional(),
  Transition: oneOrMany(z.looseObject({ StorageClass: z.enum(['WARM', 'COLD']) })).optional(),
  NoncurrentVersionExpiration: z.object({ NoncurrentDays: days }).optional(),
  NoncurrentVersionTransition: oneOrMany(z.looseObject({ NoncurrentDays: days })).optional(),
  AbortIncompleteMultipartUpload: z.object({ DaysAfterInitiation: days }).optional(),
};
const rule = z
  .object({
    ID: z.string().max(255).optional(),
    Prefix: z.string().max(1023),
    Status: z.enum(['Enabled', 'Disabled']),
    ...actions,
  })
  .refine((one) => Object.keys(actions).some((name) => name in one));
const configuration = z.object({ Rule: oneOrMany(rule) });

/** PUT /bucket?lifecycle. It replaces all rules of the bucket. */
export const setBucketLifecycle: Operation = async (call) => {
  requireBucket(call.store, bucketOf(call));
  const body = await readText(call.request);
  checkContentMd5(call.request, body);
  const { Rule: rules } = parseXml(body, 'LifecycleConfiguration', configuration);
  if (Buffer.byteLength(body) > MAX_DOCUMENT_BYTES) {
    throw new ObsError(
      'InvalidRequest',
      `A lifecycle configuration has at most ${MAX_DOCUMENT_BYTES} bytes.`,
    );
  }
  const ids = rules.flatMap(({ ID }) => ID ?? []);
  if (new Set(ids).size < ids.length) {
    throw new ObsError('InvalidArgument', 'Rule ID must be unique. Found same ID for more than one rule.');
  }
  await call.store.setLifecycle(
    bucketOf(call),
    rules.map((one) => JSON.parse(JSON.stringify(one)) as LifecycleRule),
  );
  return { status: 200 };
};
