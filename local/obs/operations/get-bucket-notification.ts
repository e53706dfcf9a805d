import { bucketOf, type Operation } from '../operation';

/** GET /bucket?notification. An empty document if there are none. */
export const getBucketNotification: Operation = (call) => {
  const isObs = call.request.dialect === 'obs';
  return {
    status: 200,
    xml: [
      'NotificationConfiguration',
      {
        FunctionGraphConfiguration: call.store
          .notifications(bucketOf(call))
          .map(({ id, functionUrn, events, prefix, suffix }) => {
            const FilterRule = [
              { Name: 'prefix', Value: prefix },
              { Name: 'suffix', Value: suffix },
            ].filter(({ Value }) => Value !== '');
            return {
              Id: id,
              Filter: FilterRule.length === 0 ? undefined : { [isObs ? 'Object' : 'S3Key']: { FilterRule } },
              FunctionGraph: functionUrn,
              Event: events.map((event) => (isObs ? event : `s3:${event}`)),
            };
          }),
      },
    ],
  };
};
