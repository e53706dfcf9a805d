export type { Authentication } from './authentication';
export * from './client';
export { optionsFromEnvironment } from './environment';
export {
  ApiError,
  AuthenticationError,
  ConflictError,
  type ErrorDetail,
  ForbiddenError,
  InvalidRequestError,
  NoAnswerError,
  NotFoundError,
  ServiceError,
  SnapshotsError,
  TooManyRequestsError,
  UnprocessableError,
} from './errors';
export {
  type Notice,
  verifyWebhook,
  WebhookError,
  type WebhookOptions,
  type WebhookProblem,
} from './webhook';
