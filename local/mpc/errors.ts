/**
 * A refusal as a client of MPC sees it. `error_msg` is the service's own sentence. `detail` says which field is wrong
 * and why. The service does not say that, so it goes to the log of the local cloud and into the header
 * `x-local-detail`.
 */
export class ServiceError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly detail?: string,
  ) {
    super(message);
  }
}

// Source of codes, statuses and texts: MPC SDK reference, "Error Codes"; API Gateway developer guide, "Error Codes".

export const invalidParameter = (detail: string) =>
  new ServiceError(400, 'MPC.10202', 'Invalid request parameter.', detail);

export const invalidContentType = (contentType: string | undefined) =>
  new ServiceError(
    400,
    'MPC.10205',
    'Incorrect request content type.',
    `Content-Type is ${contentType ?? 'missing'}; send application/json`,
  );

export const wrongProject = (detail: string) =>
  new ServiceError(401, 'MPC.10208', 'Tenant ID verification failed, please check.', detail);

export const noPermission = (action: string) =>
  new ServiceError(403, 'MPC.10207', 'No permission to perform the operation.', `the key lacks ${action}`);

export const invalidPath = (detail: string) =>
  new ServiceError(403, 'MPC.10209', 'Invalid input or output OBS path.', detail);

export const taskDoesNotExist = (status: 400 | 403, id: string) =>
  new ServiceError(status, 'MPC.10211', 'The task does not exist.', `no task has the id ${id}`);

export const operationFailed = (detail: string) =>
  new ServiceError(400, 'MPC.10212', 'Operation failed.', detail);

/** The table has this text with an unreadable code; it is just before MPC.10217. */
export const topicRefusesMpc = (topic: string) =>
  new ServiceError(
    400,
    'MPC.10216',
    'You do not have the permission to publish messages to the topic.',
    `topic ${topic} does not exist, or its access policy does not let the service mpc publish`,
  );

export const systemError = (detail: string) =>
  new ServiceError(500, 'MPC.10050', 'System error. Contact technical support.', detail);

export const invalidVideoFormat = (detail: string) =>
  new ServiceError(406, 'MPC.10063', 'Invalid video format.', detail);

export const noVideoCodec = (detail: string) =>
  new ServiceError(406, 'MPC.10067', 'Failed to obtain the video codec ID.', detail);

export const apiNotFound = () =>
  new ServiceError(
    404,
    'APIGW.0101',
    'The API does not exist or has not been published in the environment.',
    'the local MPC serves POST, DELETE and GET /v1/{project_id}/thumbnails, GET …/buckets, GET …/agencies, PUT …/authority, PUT and GET …/notification, GET …/notification/event',
  );

export const bodyTooLarge = (limitBytes: number) =>
  new ServiceError(413, 'APIGW.0201', 'Request entity too large.', `the body exceeds ${limitBytes} bytes`);

export const badSignature = (reason: string) =>
  new ServiceError(401, 'APIGW.0301', `Incorrect IAM authentication information: ${reason}`);

export const throttled = (callsPerMinute: number) =>
  new ServiceError(
    429,
    'APIGW.0308',
    `The throttling threshold has been reached: policy user over ratelimit,limit:${callsPerMinute},time:1 minute`,
  );
