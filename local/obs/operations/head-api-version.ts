import { bucketOf, type Operation, requireBucket } from '../operation';

/**
 * HEAD /?apiversion, with or without a bucket: a client learns from it, without a signature, that it may speak the OBS
 * dialect.
 */
export const headApiVersion: Operation = (call) => {
  if (call.request.bucket !== undefined) requireBucket(call.store, bucketOf(call));
  const { apiVersion } = call.behaviour;
  return { status: 200, headers: apiVersion === 'unannounced' ? {} : { 'x-obs-api': apiVersion } };
};
