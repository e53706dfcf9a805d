import * as z from 'zod';
import { ObsError } from '../errors';
import { bucketOf, type Operation } from '../operation';
import { readText } from '../request-body';
import { parseXml } from '../xml';

const configuration = z.union([
  z.object({ Location: z.string().optional(), LocationConstraint: z.string().optional() }),
  z.literal(''),
]);

/** PUT /bucket. A bucket that exists is left as it is, and that is no error. */
export const createBucket: Operation = async (call) => {
  const body = await readText(call.request);
  if (body !== '') {
    const wanted = parseXml(body, 'CreateBucketConfiguration', configuration) || {};
    const location = wanted.Location ?? wanted.LocationConstraint ?? call.region;
    if (location !== call.region) {
      throw new ObsError(
        'InvalidLocationConstraint',
        `Location '${location}' is not the region of this endpoint, '${call.region}'.`,
      );
    }
  }
  await call.store.createBucket(bucketOf(call));
  return { status: 200, headers: { location: `/${bucketOf(call)}` } };
};
