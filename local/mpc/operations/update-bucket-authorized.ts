import * as z from 'zod';
import { parseJson } from '../../parse-json';
import { invalidParameter, invalidPath } from '../errors';
import type { Operation } from '../operation';

const body = z.object({
  bucket: z.string().min(1),
  /** 1 gives MPC access, 0 takes it away. */
  operation: z.enum(['0', '1']),
});

/**
 * `PUT /v1/{project_id}/authority`: gives MPC access to a bucket of the account, or takes it away. A repetition is no
 * error.
 */
export const updateBucketAuthorized: Operation = (request, { store, authorizedBuckets }) => {
  const parsed = body.safeParse(parseJson(request.body.toString('utf8')));
  if (!parsed.success) throw invalidParameter('bucket and operation, "0" or "1", are needed');
  const { bucket, operation } = parsed.data;
  if (!store.hasBucket(bucket)) throw invalidPath(`the account has no bucket ${bucket} in this region`);
  // If MPC may use the whole account, there is nothing to change.
  if (authorizedBuckets !== 'all') {
    if (operation === '1') authorizedBuckets.add(bucket);
    else authorizedBuckets.delete(bucket);
  }
  return { status: 204 };
};
