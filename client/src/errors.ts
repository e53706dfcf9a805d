import type { components } from './schema';

/** A field of a request that is wrong. */
export type ErrorDetail = NonNullable<components['schemas']['Error']['details']>[number];

/** Everything that this package throws. */
export class SnapshotsError extends Error {
  override name = 'SnapshotsError';
}

/** Nothing answered: no connection, a name that cannot be resolved, or no answer in time. */
export class NoAnswerError extends SnapshotsError {
  override name = 'NoAnswerError';
}

/** What the service said when it refused. */
export interface Refusal {
  /** HTTP status. */
  status: number;
  /** Such as `MPC.10202`, or `APIG.0301` from API Gateway; empty where no JSON came. */
  code: string;
  /** For a person. */
  message: string;
  /** What the service's log has everything under. */
  requestId?: string | undefined;
  details?: readonly ErrorDetail[] | undefined;
  /** When to ask again, in seconds. */
  retryAfterSeconds?: number | undefined;
}

/** The service, or API Gateway before it, refused a request. The subclass says what kind of refusal it is. */
export class ApiError extends SnapshotsError {
  override name = 'ApiError';
  readonly status: number;
  readonly code: string;
  readonly requestId: string | undefined;
  /** What is wrong, field by field; empty where the service does not say. */
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

/** 403: the caller is known and may not. */
export class ForbiddenError extends ApiError {
  override name = 'ForbiddenError';
}

/** 404: there is no such task. */
export class NotFoundError extends ApiError {
  override name = 'NotFoundError';
}

/** 409: not now, such as a task that runs already and can no longer be cancelled. */
export class ConflictError extends ApiError {
  override name = 'ConflictError';
}

/** 422: understood, but cannot be done. */
export class UnprocessableError extends ApiError {
  override name = 'UnprocessableError';
}

/** 429: too many calls; `retryAfterSeconds` says when there is room. */
export class TooManyRequestsError extends ApiError {
  override name = 'TooManyRequestsError';
}

/** 5xx: the service, or what it needs, failed. */
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

/** The error for an answer that is none of success. */
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
    // Seconds; a date, which HTTP allows too, is not sent by this service.
    retryAfterSeconds: retryAfter !== null && /^\d+$/.test(retryAfter) ? Number(retryAfter) : undefined,
  });
}
