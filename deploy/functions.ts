import type { FunctionName } from './bundle';

/** How and when one function runs, in the words of FunctionGraph's API. */
export interface FunctionDefinition {
  name: FunctionName;
  memoryMb: number;
  timeoutSeconds: number;
  /** Most instances at the same time; one event function instance handles one event at a time. */
  maxInstances?: number;
  /** Asynchronous events only: what the platform does when the function fails. */
  asynchronous?: {
    retries: 0 | 1 | 2 | 3;
    maxEventAgeSeconds: number;
    /** Where events go that the platform gives up on, with the reason. */
    onFailure: { bucket: string; prefix: string };
  };
  triggers: readonly TriggerDefinition[];
}

export type TriggerDefinition =
  | { type: 'APIG'; method: 'GET' | 'POST' | 'DELETE'; path: string; timeoutMs: number }
  | { type: 'OBS'; bucket: string; events: readonly string[] }
  | { type: 'TIMER'; name: string; rate: string };

/** Back-end time-out of API Gateway. Its default of 5 s is too short for a capture that the caller waits for. */
const GATEWAY_TIMEOUT_MS = 30_000;

/** Below the folder of this service's own records, which never starts a capture. */
const FAILED_EVENTS_PREFIX = '.mpc-snapshots/failed-events';

/** The four functions with their triggers. */
export function functionDefinitions(
  uploadBuckets: readonly string[],
  snapshotBucket: string,
): FunctionDefinition[] {
  const api = (method: 'GET' | 'POST' | 'DELETE', path: string): TriggerDefinition => ({
    type: 'APIG',
    method,
    path,
    timeoutMs: GATEWAY_TIMEOUT_MS,
  });
  return [
    { name: 'create', memoryMb: 128, timeoutSeconds: 30, triggers: [api('POST', '/snapshots')] },
    {
      name: 'cancel',
      memoryMb: 128,
      timeoutSeconds: 60,
      triggers: [api('DELETE', '/snapshots/{task_id}'), { type: 'TIMER', name: 'clean-up', rate: '10m' }],
    },
    {
      name: 'query',
      memoryMb: 128,
      // `?wait=` may use most of it. Below the gateway's, so that even a cold start answers by itself.
      timeoutSeconds: 28,
      triggers: [api('GET', '/snapshots'), api('GET', '/snapshots/{task_id}')],
    },
    {
      name: 'on-upload',
      memoryMb: 128,
      timeoutSeconds: 60,
      // OBS has no conditional write: that two events never run at the same time is what keeps them apart.
      maxInstances: 1,
      asynchronous: {
        retries: 3,
        maxEventAgeSeconds: 3600,
        onFailure: { bucket: snapshotBucket, prefix: FAILED_EVENTS_PREFIX },
      },
      triggers: [
        ...uploadBuckets.map((bucket) => ({ type: 'OBS' as const, bucket, events: ['s3:ObjectCreated:*'] })),
        { type: 'TIMER', name: 'sweep', rate: '5m' },
      ],
    },
  ];
}
