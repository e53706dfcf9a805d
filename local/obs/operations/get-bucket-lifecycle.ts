import { ObsError } from '../errors';
import { bucketOf, type Operation } from '../operation';
import type { XmlElements } from '../xml';

/** GET /bucket?lifecycle */
export const getBucketLifecycle: Operation = (call) => {
  const rules = call.store.lifecycle(bucketOf(call));
  if (rules.length === 0) {
    throw new ObsError('NoSuchLifecycleConfiguration', 'The lifecycle configuration does not exist.');
  }
  return { status: 200, xml: ['LifecycleConfiguration', { Rule: rules as unknown as XmlElements[] }] };
};
