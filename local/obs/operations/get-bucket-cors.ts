import { ObsError } from '../errors';
import { bucketOf, type Operation } from '../operation';

/** GET /bucket?cors */
export const getBucketCors: Operation = (call) => {
  const rules = call.store.cors(bucketOf(call));
  if (rules.length === 0) {
    throw new ObsError('NoSuchCORSConfiguration', 'The CORS configuration does not exist.');
  }
  return {
    status: 200,
    xml: [
      'CORSConfiguration',
      {
        CORSRule: rules.map((rule) => ({
          ID: rule.id,
          AllowedMethod: rule.allowedMethods,
          AllowedOrigin: rule.allowedOrigins,
          AllowedHeader: rule.allowedHeaders,
          MaxAgeSeconds: rule.maxAgeSeconds,
          ExposeHeader: rule.exposeHeaders,
        })),
      },
    ],
  };
};
