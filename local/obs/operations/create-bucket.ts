import * as z from 'zod';
import { ObsError } from '../errors';
import { bucketOf, type Operation } from '../operation';
import { readText } from '../request-body';
import { storageClassOf } from '../storage-class';
import { parseXml } from '../xml';

/** Most buckets of an account (OBS API reference, creating a bucket). */
const MAX_BUCKETS = 100;

const configuration = z.union([
  z.object({ Location: z.string().optional(), LocationConstraint: z.string().optional() }),
  z.literal(''),
]);

/** PUT /bucket. An existing bucket stays unchanged, and that is not an error. */
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
  const { store } = call;
  if (!store.hasBucket(bucketOf(call)) && store.buckets().length >= MAX_BUCKETS) {
    throw new ObsError('TooManyBuckets', 'You have attempted to create more buckets than allowed.');
  }
  const isNew = !store.hasBucket(bucketOf(call));
  const storageClass = storageClassOf(call.request);
  await store.createBucket(bucketOf(call));
  if (isNew && storageClass !== undefined) await store.setStorageClass(bucketOf(call), storageClass);
  return { status: 200, headers: { location: `/${bucketOf(call)}` } };
};
