import type { FailureFields } from './log-events';
import { readableStack } from './stack';

/** One thing that is wrong with a request: where, and what to change. */
export interface Detail {
  /** Dotted path of the field, for example `thumbnail_para.time`. */
  path: string;
  message: string;
}

/** A failure that the caller can mend: its message is written for them. The API's room knows which status it has. */
export class CallerError extends Error {}

/** The settings of a function do not fit; the message names every wrong key. For the log, not for callers. */
export class SettingsError extends Error {}

/** A cloud service refused a request. */
export class ServiceRefused extends Error {
  readonly status: number;
  readonly retryAfterSeconds: number | undefined;
  /** How many times the request had been sent. */
  readonly attempts: number;

  constructor(
    readonly service: 'MPC' | 'OBS',
    response: { status: number; retryAfterSeconds: number | undefined; attempts: number },
    /** The service's own code, for example `MPC.10202` or `NoSuchKey`; empty when the answer held none. */
    readonly code: string,
    message: string,
    readonly requestId: string,
  ) {
    super(message);
    this.status = response.status;
    this.retryAfterSeconds = response.retryAfterSeconds;
    this.attempts = response.attempts;
  }

  /** True when it is our credentials that were refused, not the request. */
  get areCredentialsRejected(): boolean {
    return (
      this.status === 401 ||
      (this.status === 403 && (this.code.startsWith('APIGW.') || REJECTED_CREDENTIALS.has(this.code)))
    );
  }
}

/** Codes that say that the account or its keys are the matter (error codes of MPC and OBS). */
const REJECTED_CREDENTIALS: ReadonlySet<string> = new Set([
  'MPC.10203',
  'MPC.10206',
  'MPC.10207',
  'MPC.10208',
  'AccessDenied',
  'InvalidAccessKeyId',
  'SignatureDoesNotMatch',
  'RequestTimeTooSkewed',
]);

/** A cloud service did not answer in time. It may have done what was asked. */
export class ServiceTimedOut extends Error {
  constructor(readonly service: string) {
    super(`${service} did not answer in time`);
  }
}

/** A cloud service could not be reached, or its answer could not be understood. */
export class ServiceUnavailable extends Error {
  constructor(
    readonly service: string,
    reason: string,
    /** False only when the request provably never left this machine. */
    readonly mayHaveArrived: boolean,
  ) {
    super(`${service} is not available: ${reason}`);
  }
}

/** True when the same question may well be answered later: out of reach, out of order, or over the quota. */
export function isPassingFailure(error: unknown): boolean {
  if (error instanceof ServiceRefused) return error.status === 429 || error.status >= 500;
  return error instanceof ServiceTimedOut || error instanceof ServiceUnavailable;
}

/** A cloud service's answer is larger than a function can take. */
export class AnswerTooLarge extends ServiceUnavailable {
  constructor(service: string, limitBytes: number) {
    super(service, `answer exceeds ${limitBytes} bytes`, true);
  }
}

/** MPC's code for a request that it would refuse. */
export const INVALID_REQUEST = 'MPC.10202';
/** MPC's code for a task that does not exist. */
export const NO_SUCH_TASK = 'MPC.10211';
/** MPC's code for an operation that the task's state does not allow. */
export const OPERATION_FAILED = 'MPC.10212';
/** What the log says about a failure; never a stack of ours with values in it, never a secret. */
export function describeFailure(error: unknown): FailureFields {
  if (error instanceof ServiceRefused) {
    return {
      failure: error.areCredentialsRejected ? 'credentials_rejected' : 'refused',
      service: error.service,
      service_status: error.status,
      service_request_id: error.requestId,
      service_error_code: error.code,
      service_message: error.message,
    };
  }
  if (error instanceof ServiceTimedOut) return { failure: 'timed_out', service: error.service };
  if (error instanceof ServiceUnavailable)
    return { failure: 'unavailable', service: error.service, message: error.message };
  if (error instanceof SettingsError) return { failure: 'wrong_settings', message: error.message };
  if (error instanceof CallerError) return { message: error.message };
  return {
    failure: 'unexpected',
    message: error instanceof Error ? readableStack(error) : typeof error,
  };
}
