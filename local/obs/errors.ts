/** The error codes of OBS that the local cloud uses, and their HTTP status (OBS API reference, error codes). */
const STATUS = {
  AuthorizationHeaderMalformed: 400,
  AuthorizationQueryParametersError: 400,
  BadDigest: 400,
  EntityTooLarge: 400,
  EntityTooSmall: 400,
  IncompleteBody: 400,
  InvalidArgument: 400,
  InvalidBucketName: 400,
  InvalidDigest: 400,
  InvalidLocationConstraint: 400,
  InvalidPart: 400,
  InvalidPartOrder: 400,
  InvalidRequest: 400,
  InvalidStorageClass: 400,
  InvalidURI: 400,
  KeyTooLongError: 400,
  MalformedXML: 400,
  MetadataTooLarge: 400,
  MissingRegion: 400,
  MissingRequiredHeader: 400,
  TooManyBuckets: 400,
  XAmzContentSHA256Mismatch: 400,
  AccessDenied: 403,
  AccessForbidden: 403,
  InvalidAccessKeyId: 403,
  InvalidObjectState: 403,
  RequestTimeTooSkewed: 403,
  SignatureDoesNotMatch: 403,
  VirtualHostDomainRequired: 403,
  NoSuchBucket: 404,
  NoSuchCORSConfiguration: 404,
  NoSuchKey: 404,
  NoSuchLifecycleConfiguration: 404,
  NoSuchUpload: 404,
  NoSuchVersion: 404,
  MethodNotAllowed: 405,
  BucketAlreadyExists: 409,
  BucketNotEmpty: 409,
  ObjectAlreadyExists: 409,
  MissingContentLength: 411,
  PreconditionFailed: 412,
  InvalidRange: 416,
  InternalError: 500,
  NotImplemented: 501,
} as const;

export type ObsErrorCode = keyof typeof STATUS;

/** The codes that refuse a write because it would replace an object. */
export type OverwriteRefusal = Extract<ObsErrorCode, 'PreconditionFailed' | 'ObjectAlreadyExists'>;

/** A refusal in the words of OBS. The server sends it as an `<Error>` document. */
export class ObsError extends Error {
  readonly status: number;

  /**
   * @param details further elements of the error document, for example `StringToSign`
   * @param headers further headers of the answer
   */
  constructor(
    readonly code: ObsErrorCode,
    message: string,
    readonly details: Readonly<Record<string, string>> = {},
    readonly headers: Readonly<Record<string, string>> = {},
  ) {
    super(message);
    this.name = 'ObsError';
    this.status = STATUS[code];
  }
}
