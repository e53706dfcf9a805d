import {
  CallerError,
  type Detail,
  INVALID_REQUEST,
  NO_SUCH_TASK,
  OPERATION_FAILED,
  ServiceRefused,
  ServiceTimedOut,
  ServiceUnavailable,
} from '../core/errors';
import { NoSuchTask } from '../tasks/await-task';
import { ClaimDamaged, ClaimInFlight, ClaimOfAnotherRequest } from '../tasks/claims';
import { InvalidRequest } from '../validation';
import { NoPicture } from '../views/task-view';

/** An error answer of the HTTP API. `message` and `details` are written for the caller. */
export class ApiError extends CallerError {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly extra: { details?: readonly Detail[]; retryAfterSeconds?: number } = {},
  ) {
    super(message);
  }
}

/** The gateway's code for a caller who is over the quota. */
const THROTTLED = 'APIGW.0308';
/** MPC's gateway answers with this code when a back end fails or is too slow; so does this service. */
const BACK_END_FAILED = 'APIGW.0201';
const INTERNAL_ERROR = 'APIGW.0601';
const UNKNOWN_FAILURE = 'internal error; look for this request id in the log';

/** MPC's quota counts calls per minute, refused ones too: a caller should wait a whole minute. */
const QUOTA_WINDOW_SECONDS = 60;

/**
 * The answer to a failure. Callers get every detail of what they can fix. Everything else is one sentence without
 * internals.
 */
export function toApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  if (error instanceof CallerError) return callerErrorToApiError(error);
  if (error instanceof ServiceTimedOut) {
    return new ApiError(504, BACK_END_FAILED, `${error.service} did not answer in time; try again`);
  }
  if (error instanceof ServiceUnavailable) {
    return new ApiError(502, BACK_END_FAILED, `${error.service} cannot be reached; try again`);
  }
  if (error instanceof ServiceRefused) return refusalToApiError(error);
  return new ApiError(500, INTERNAL_ERROR, UNKNOWN_FAILURE);
}

function refusalToApiError(refusal: ServiceRefused): ApiError {
  const { service, status, code } = refusal;
  if (status === 429) {
    return new ApiError(429, THROTTLED, `${service}'s quota of calls is used up; try again`, {
      retryAfterSeconds: refusal.retryAfterSeconds ?? QUOTA_WINDOW_SECONDS,
    });
  }
  if (status === 503) {
    return new ApiError(503, BACK_END_FAILED, `${service} is not available; try again`, {
      retryAfterSeconds: refusal.retryAfterSeconds ?? 5,
    });
  }
  if (
    service === 'MPC' &&
    code.startsWith('MPC.') &&
    status >= 400 &&
    status < 500 &&
    !refusal.areCredentialsRejected
  ) {
    return new ApiError(status, code, refusal.message);
  }
  return new ApiError(502, BACK_END_FAILED, `${service} refused this service; its log says why`);
}

function callerErrorToApiError(error: CallerError): ApiError {
  const { message } = error;
  if (error instanceof InvalidRequest) {
    return new ApiError(400, INVALID_REQUEST, message, { details: error.details });
  }
  if (error instanceof NoSuchTask) return new ApiError(404, NO_SUCH_TASK, message);
  if (error instanceof NoPicture) {
    const { retryAfterSeconds } = error;
    return retryAfterSeconds === undefined
      ? new ApiError(422, OPERATION_FAILED, message)
      : new ApiError(409, OPERATION_FAILED, message, { retryAfterSeconds });
  }
  if (error instanceof ClaimOfAnotherRequest) {
    return new ApiError(
      422,
      'IDEMPOTENCY.0422',
      'this Idempotency-Key was used for another request; use a new one',
    );
  }
  if (error instanceof ClaimDamaged) {
    const message =
      'the record of this Idempotency-Key cannot be read: check whether the task exists, then use another key';
    return new ApiError(409, 'IDEMPOTENCY.0409', message);
  }
  if (error instanceof ClaimInFlight) {
    return new ApiError(
      409,
      'IDEMPOTENCY.0409',
      'another request with this Idempotency-Key is still running; try again',
      {
        retryAfterSeconds: error.retryAfterSeconds,
      },
    );
  }
  return new ApiError(500, INTERNAL_ERROR, UNKNOWN_FAILURE);
}
