import type { components } from './schema';

/** A wrong field of a request. */
export type ErrorDetail = NonNullable<components['schemas']['Error']['details']>[number];

/** The base class of every error of this package. */
export class SnapshotsError extends Error {
  override name = 'SnapshotsError';
}

/** No answer: no connection, a host name that cannot be resolved, or a timeout. */
export class NoAnswerError extends SnapshotsError {
  override name = 'NoAnswerError';
}

/** The service's answer to a refused request. */
export interface Refusal {
  /** HTTP status. */
  status: number;
  /** For example `MPC.10202`, or `APIG.0301` from API Gateway; empty if the answer was not JSON. */
  code: string;
  /** For a person. */
  message: string;
  /** Find the lines in the service's log by it. */
  requestId?: string | undefined;
  details?: readonly ErrorDetail[] | undefined;
  /** When to try again, in seconds from now. */
  retryAfterSeconds?: number | undefined;
}

/** The service, or API Gateway in front of it, refused a request. The subclass depends on the HTTP status. */
export class ApiError extends SnapshotsError {
  override name = 'ApiError';
  readonly status: number;
  readonly code: string;
  readonly requestId: string | undefined;
  /** What is wrong, field by field; empty if the service does not say. */
  readonly details: readonly ErrorDetail[];
  readonly retryAfterSeconds: number | undefined;

  constructor({ status, code, message, requestId, details = [], retryAfterSeconds }: Refusal) {
    super(message);
    this.status = status;
    this.code = code;
    this.requestId = requestId;
    this.details = details;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

/** 400 and 413: the request is wrong; `details` names each field. */
export class InvalidRequestError extends ApiError {
  override name = 'InvalidRequestError';
}

/** 401: the signature, the token or the AppCode is wrong. */
export class AuthenticationError extends ApiError {
  override name = 'AuthenticationError';
}

/** 403: the caller is known, but not allowed to make this call. */
export class ForbiddenError extends ApiError {
  override name = 'ForbiddenError';
}

/** 404: there is no such task. */
export class NotFoundError extends ApiError {
  override name = 'NotFoundError';
}

/** 409: not possible now, for example because a task already runs and can no longer be cancelled. */
export class ConflictError extends ApiError {
  override name = 'ConflictError';
}

/** 422: the request is valid, but cannot be carried out. */
export class UnprocessableError extends ApiError {
  override name = 'UnprocessableError';
}

/** 429: too many calls. `retryAfterSeconds` says when to try again. */
export class TooManyRequestsError extends ApiError {
  override name = 'TooManyRequestsError';
}

/** 5xx: the service or one that it depends on failed. */
export class ServiceError extends ApiError {
  override name = 'ServiceError';
}

const CLASSES: Readonly<Record<number, typeof ApiError>> = {
  400: InvalidRequestError,
  401: AuthenticationError,
  403: ForbiddenError,
  404: NotFoundError,
  409: ConflictError,
  413: InvalidRequestError,
  422: UnprocessableError,
  429: TooManyRequestsError,
};

/** The error for an answer with an error status. */
export async function apiError(response: Response): Promise<ApiError> {
  const { status, headers } = response;
  const answer: unknown = await response.json().catch(() => undefined);
  const { error_code, error_msg, request_id, details } = (answer ?? {}) as Partial<
    components['schemas']['Error']
  >;
  const retryAfter = headers.get('retry-after');
  const Class = CLASSES[status] ?? (status >= 500 ? ServiceError : ApiError);
  return new Class({
    status,
    code: error_code ?? '',
    message: error_msg ?? `the service answers ${status}`,
    requestId: request_id ?? headers.get('x-request-id') ?? undefined,
    details,
    // Seconds only: HTTP also allows a date, but this service sends none.
    retryAfterSeconds: retryAfter !== null && /^\d+$/.test(retryAfter) ? Number(retryAfter) : undefined,
  });
}
