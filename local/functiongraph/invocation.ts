import type { LogLine } from './instance-process';

/** One change in the life of an invocation. */
export interface Invocation {
  /** The same for every attempt of one asynchronous event. */
  requestId: string;
  functionName: string;
  /**
   * What caused it: `SYNC` or `ASYNC` for the management API, `APIG`, the type of the trigger, or `DESTINATION` for a
   * notification about an asynchronous event.
   */
  trigger: string;
  state: 'queued' | 'running' | 'succeeded' | 'failed' | 'retrying' | 'discarded';
  timeMs: number;
  /** Counted from 1. */
  attempt: number;
  /** The event as JSON text. */
  event: string;
  /** Set once an attempt has ended. */
  outcome?: Outcome;
  /** Set when the event was discarded. */
  discardReason?: string;
}

/** How one attempt ended. */
export interface Outcome {
  /** True if the attempt had to start a new instance. */
  cold: boolean;
  durationMs: number;
  memoryMb: number;
  log: readonly LogLine[];
  isError: boolean;
  errorCode?: number;
  /** The result, or the error, as the platform serialises it. */
  body: string;
}

/** The result that a synchronous caller gets. */
export interface InvocationResult {
  requestId: string;
  isError: boolean;
  errorCode?: number;
  body: string;
  /** The complete log of the invocation, with the platform's start and finish lines. */
  log: string;
  durationMs: number;
  cold: boolean;
}

/** The log lines of an invocation in the platform's form. */
export function logLinesOf(
  requestId: string,
  version: string,
  startedAtMs: number,
  memoryMb: number,
  outcome: Outcome,
): string[] {
  const { durationMs } = outcome;
  return [
    `${seconds(startedAtMs)} Start invoke request '${requestId}', version: ${version}`,
    ...outcome.log.map((line) => `${seconds(line.timeMs)} ${requestId} ${line.level} ${line.text}`),
    `${seconds(startedAtMs + durationMs)} Finish invoke request '${requestId}', duration: ${durationMs.toFixed(3)}ms, billing duration: ${Math.ceil(durationMs)}ms, memory used: ${outcome.memoryMb.toFixed(3)}MB, billing memory: ${memoryMb}MB`,
  ];
}

function seconds(timeMs: number): string {
  return new Date(timeMs).toISOString().replace(/\.\d{3}/, '');
}
