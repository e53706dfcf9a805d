import type { FailureFields } from './log-events';
import { readableStack } from './stack';

/** One wrong field of a request, and what to change. */
export interface Detail {
  /** Dotted path of the field, for example `thumbnail_para.time`. */
  path: string;
  message: string;
}

/** A failure that the caller can fix: its message is written for the caller. `shared/api/` chooses the HTTP status. */
export class CallerError extends Error {}

/** A function's settings are wrong. The message names every wrong key. It is for the log, not for callers. */
export class SettingsError extends Error {}

/** A cloud service refused a request. */
export class ServiceRefused extends Error {
  readonly status: number;
  readonly retryAfterSeconds: number | undefined;
  /** How many times the request was sent. */
  readonly attempts: number;

  constructor(
    readonly service: 'MPC' | 'OBS',
    response: { status: number; retryAfterSeconds: number | undefined; attempts: number },
    /** The service's own code, for example `MPC.10202` or `NoSuchKey`; empty when the answer has none. */
    readonly code: string,
    message: string,
    readonly requestId: string,
  ) {
    super(message);
    this.status = response.status;
    this.retryAfterSeconds = response.retryAfterSeconds;
    this.attempts = response.attempts;
  }

  /** True when the service refused the credentials, not the request. */
  get areCredentialsRejected(): boolean {
    return (
      this.status === 401 ||
      (this.status === 403 && (this.code.startsWith('APIGW.') || REJECTED_CREDENTIALS.includes(this.code)))
    );
  }
}

/** Codes that blame the account or its keys (error codes of MPC and OBS). */
const REJECTED_CREDENTIALS: readonly string[] = [
  'MPC.10203',
  'MPC.10206',
  'MPC.10207',
  'MPC.10208',
  'AccessDenied',
  'InvalidAccessKeyId',
  'SignatureDoesNotMatch',
  'RequestTimeTooSkewed',
];

/** A cloud service did not answer in time. It may have carried out the request. */
export class ServiceTimedOut extends Error {
  constructor(readonly service: string) {
    super(`${service} did not answer in time`);
  }
}

/** A cloud service could not be reached, or its answer could not be read. */
export class ServiceUnavailable extends Error {
  constructor(
    readonly service: string,
    reason: string,
    /** False only when the request certainly never left this machine. */
    readonly mayHaveArrived: boolean,
  ) {
    super(`${service} is not available: ${reason}`);
  }
}

/** True when the same request may succeed later: the service is out of reach, fails (5xx), or its quota is used up (429). */
export function isPassingFailure(error: unknown): boolean {
  if (error instanceof ServiceRefused) return error.status === 429 || error.status >= 500;
  return error instanceof ServiceTimedOut || error instanceof ServiceUnavailable;
}

/** A cloud service's answer is too large to be read. */
export class AnswerTooLarge extends ServiceUnavailable {}

/** MPC's code for an invalid request. */
export const INVALID_REQUEST = 'MPC.10202';
/** MPC's code for a task that does not exist. */
export const NO_SUCH_TASK = 'MPC.10211';
/** MPC's code for an operation that the task's state does not allow. */
export const OPERATION_FAILED = 'MPC.10212';
/** The log fields of a failure. They hold no secret and no stack with values in it. */
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
