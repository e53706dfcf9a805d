import type { FunctionContext } from '../../shared/core/context';
import { functionContext } from '../shared/function-context';
import { SNAPSHOT_BUCKET, UPLOAD_BUCKETS, UPLOAD_PREFIX } from './recording-services';

/** The context of an installation whose MPC and OBS are at `origin`. */
export function installationAt(origin: string): FunctionContext {
  return functionContext({
    REGION: 'ap-southeast-3',
    UPLOAD_BUCKETS: UPLOAD_BUCKETS.join(','),
    UPLOAD_PREFIX,
    SNAPSHOT_BUCKET,
    MPC_REQUESTS_PER_MINUTE: '10000',
    MPC_READS_PER_MINUTE: '10000',
    MAX_UNFINISHED_TASKS: '100000',
    MPC_ENDPOINT: origin,
    OBS_ENDPOINT: origin,
  });
}

/** `POST /snapshots` as API Gateway passes it on. */
export function postEvent(body: string | Uint8Array, changes: Record<string, unknown> = {}) {
  return {
    httpMethod: 'POST',
    path: '/snapshots',
    pathParameters: {},
    queryStringParameters: {},
    headers: {},
    body: Buffer.from(body).toString('base64'),
    isBase64Encoded: true,
    ...changes,
  };
}
