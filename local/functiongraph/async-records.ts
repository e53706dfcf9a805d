import type { Invocation } from './invocation';

export const ASYNC_STATUSES = ['WAIT', 'RUNNING', 'SUCCESS', 'FAIL', 'DISCARD'] as const;

/** The fate of one asynchronous event, as the management API lists it. */
export interface AsyncRecord {
  requestId: string;
  status: (typeof ASYNC_STATUSES)[number];
  /** When the event was accepted. */
  startMs: number;
  /** Undefined while the event waits or runs. */
  endMs: number | undefined;
  /** 0 unless the function failed. */
  errorCode: number;
  errorMessage: string;
}

export type AsyncRecords = Map<string, AsyncRecord>;

const STATUS_OF = {
  queued: 'WAIT',
  retrying: 'WAIT',
  running: 'RUNNING',
  succeeded: 'SUCCESS',
  failed: 'FAIL',
  discarded: 'DISCARD',
} as const satisfies Record<Invocation['state'], AsyncRecord['status']>;

/**
 * Records a change in the life of an invocation. Synchronous invocations are never queued and leave no record; neither
 * do events that were accepted while the status log was off.
 */
export function recordInvocation(records: AsyncRecords, invocation: Invocation, statusLog: boolean): void {
  const { requestId, state, timeMs, outcome, discardReason } = invocation;
  const known = records.get(requestId);
  if (state === 'queued' ? !statusLog : known === undefined) return;
  const status = STATUS_OF[state];
  const ended = status !== 'WAIT' && status !== 'RUNNING';
  records.set(requestId, {
    requestId,
    status,
    startMs: known?.startMs ?? timeMs,
    endMs: ended ? timeMs : undefined,
    errorCode: outcome?.errorCode ?? 0,
    errorMessage: outcome?.isError ? outcome.body : (discardReason ?? ''),
  });
}

/** `2019-10-25T15:37:27` */
export function utcSeconds(timeMs: number): string {
  return new Date(timeMs).toISOString().slice(0, 19);
}
