import { corsHeaders } from '../cors';
import { ObsError } from '../errors';
import { bucketOf, type Operation } from '../operation';

/** OPTIONS /bucket or /bucket/key: a browser asks before it sends a request from another origin. */
export const preflight: Operation = (call) => {
  const { headers } = call.request;
  const origin = headers.get('origin');
  const method = headers.get('access-control-request-method');
  if (origin === undefined || method === undefined) {
    throw new ObsError(
      'InvalidRequest',
      'A preflight request needs the headers Origin and Access-Control-Request-Method.',
    );
  }
  const wanted = (headers.get('access-control-request-headers') ?? '').toLowerCase().split(/\s*,\s*/);
  const allowed = corsHeaders(call.store.cors(bucketOf(call)), {
    origin,
    method,
    headers: wanted.filter((name) => name !== ''),
  });
  if (allowed === undefined) {
    throw new ObsError(
      'AccessForbidden',
      'CORSResponse: this CORS request is not allowed. No rule of the bucket matches its origin, method and headers.',
    );
  }
  return { status: 200, headers: allowed };
};
