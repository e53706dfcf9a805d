import { timingSafeEqual } from 'node:crypto';
import type { Clock } from '../clock';
import {
  AWS_UNSIGNED_PAYLOAD,
  type AwsAuthorization,
  type AwsSignableRequest,
  awsCanonicalRequest,
  awsSignature,
  awsSigningKey,
  awsStringToSign,
  formatAwsDate,
  MAX_AWS_EXPIRES_SECONDS,
  parseAwsAuthorization,
  parseAwsDate,
  parseAwsParameters,
  scopeText,
} from '../iam/aws-signature';
import { formatCanonicalRequest } from '../iam/canonical-request';
import type { AccessKey, Credentials } from '../iam/credentials';
import type { ObsBehaviour } from './behaviour';
import { ObsError } from './errors';
import { type ChunkSigner, contentMismatch, type Payload } from './payload';
import { findKey, MAX_SKEW_MS, requireToken } from './signature';

/** The parts of a request that a signature of version 4 covers. */
export interface V4Request extends AwsSignableRequest {
  /** Decoded. If a name is repeated, the first value counts. */
  query: ReadonlyMap<string, string>;
}

export interface V4Options {
  credentials: Credentials;
  clock: Clock;
  /** The region of this OBS. */
  region: string;
  behaviour: Pick<ObsBehaviour, 'signatureRegion' | 's3Checksums'>;
}

/** Who signed a request, and what the signature says about its body. */
export interface V4Proof {
  key: AccessKey;
  payload: Payload;
}

/** How many days a signing key stays valid after the day in its scope (OBS S3 API, V4 common request). */
const SIGNING_KEY_DAYS = 7;
const DAY_MS = 24 * 3600 * 1000;

/** Values of x-amz-content-sha256 that are no hash. */
const SIGNED_CHUNKS = 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD';
const SIGNED_CHUNKS_TRAILER = 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER';
const UNSIGNED_CHUNKS_TRAILER = 'STREAMING-UNSIGNED-PAYLOAD-TRAILER';

/** Whether a request has a signature of AWS version 4, in its header or, without one there, in its URL. */
export function isSignedV4({ headers, query }: Pick<V4Request, 'headers' | 'query'>): boolean {
  const authorization = headers.get('authorization');
  return authorization === undefined ? query.has('X-Amz-Algorithm') : authorization.startsWith('AWS4-');
}

/**
 * Checks a signature of AWS version 4 (OBS S3 API, "V4 common request" and "V4 temporarily authorized request").
 *
 * @throws ObsError AuthorizationHeaderMalformed, AuthorizationQueryParametersError, MissingRegion, InvalidAccessKeyId, AccessDenied,
 * RequestTimeTooSkewed, SignatureDoesNotMatch, MissingRequiredHeader, InvalidArgument, or XAmzContentSHA256Mismatch for a trailing checksum
 */
export function verifySignatureV4(request: V4Request, options: V4Options): V4Proof {
  return request.headers.has('authorization') ? verifyHeader(request, options) : verifyUrl(request, options);
}

function verifyHeader(request: V4Request, options: V4Options): V4Proof {
  const { headers } = request;
  const authorization = parseAwsAuthorization(headers.get('authorization') ?? '');
  if (authorization === undefined) {
    throw new ObsError(
      'AuthorizationHeaderMalformed',
      'The authorization header is malformed: expected "AWS4-HMAC-SHA256 Credential=AccessKeyID/20261123/region/s3/aws4_request, ' +
        'SignedHeaders=host;…, Signature=" and 64 hexadecimal digits in lower case.',
    );
  }
  checkScope(authorization, options, 'AuthorizationHeaderMalformed');
  const key = findKey(authorization.credential.accessKey, options.credentials);
  const dateTime = headers.get('x-amz-date') ?? dateTimeOf(headers.get('date'));
  const sentMs = parseAwsDate(dateTime);
  if (sentMs === undefined) {
    throw new ObsError('AccessDenied', 'AWS authentication requires a valid Date or x-amz-date header.');
  }
  const nowMs = options.clock();
  if (Math.abs(nowMs - sentMs) > MAX_SKEW_MS) {
    throw new ObsError(
      'RequestTimeTooSkewed',
      'The difference between the request time and the server time is too large.',
      {
        RequestTime: dateTime,
        ServerTime: new Date(nowMs).toISOString(),
        MaxAllowedSkewMilliseconds: String(MAX_SKEW_MS),
      },
    );
  }
  checkSigningDay(authorization, sentMs);
  requireToken(headers.get('x-amz-security-token'), 'x-amz-security-token', key, options.credentials);
  requireSigned(request, authorization);
  const bodyHash = headers.get('x-amz-content-sha256');
  if (bodyHash === undefined) {
    throw new ObsError(
      'MissingRequiredHeader',
      'Missing required header for this request: x-amz-content-sha256.',
    );
  }
  return { key, payload: checkMatch(request, authorization, { key, dateTime, bodyHash }, options) };
}

function verifyUrl(request: V4Request, options: V4Options): V4Proof {
  const { query } = request;
  const authorization = parseAwsParameters(query);
  if (authorization === undefined) {
    throw new ObsError(
      'AuthorizationQueryParametersError',
      'Query-string authentication version 4 requires X-Amz-Algorithm=AWS4-HMAC-SHA256, X-Amz-Credential (AccessKeyID/20261123/region/s3/aws4_request), ' +
        'X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders and X-Amz-Expires.',
    );
  }
  checkScope(authorization, options, 'AuthorizationQueryParametersError');
  const key = findKey(authorization.credential.accessKey, options.credentials);
  const dateTime = query.get('X-Amz-Date') ?? '';
  const signedMs = parseAwsDate(dateTime);
  if (signedMs === undefined) {
    throw new ObsError(
      'AuthorizationQueryParametersError',
      `X-Amz-Date '${dateTime}' is invalid: expected a UTC time such as 20261123T120000Z.`,
    );
  }
  checkLifetime(query.get('X-Amz-Expires') ?? '', signedMs, options.clock());
  checkSigningDay(authorization, signedMs);
  const token = query.get('X-Amz-Security-Token') ?? request.headers.get('x-amz-security-token');
  requireToken(token, 'X-Amz-Security-Token', key, options.credentials);
  requireSigned(request, authorization);
  const bodyHash = AWS_UNSIGNED_PAYLOAD;
  return { key, payload: checkMatch(request, authorization, { key, dateTime, bodyHash }, options) };
}

/** @throws ObsError with this code, or MissingRegion */
function checkScope(
  { credential: { region, service } }: AwsAuthorization,
  { region: ours, behaviour }: V4Options,
  code: 'AuthorizationHeaderMalformed' | 'AuthorizationQueryParametersError',
): void {
  if (region === '') {
    throw new ObsError('MissingRegion', `The credential names no region: this OBS is in '${ours}'.`);
  }
  if (service !== 's3') {
    throw new ObsError(code, `The credential names the service '${service}': it must be 's3'.`);
  }
  if (region !== ours && behaviour.signatureRegion === 'checked') {
    throw new ObsError(code, `The region '${region}' is wrong; expecting '${ours}'.`, { Region: ours });
  }
}

/** @throws ObsError SignatureDoesNotMatch */
function checkSigningDay({ credential: { date } }: AwsAuthorization, sentMs: number): void {
  const dayMs = parseAwsDate(`${date}T000000Z`) ?? Number.NaN;
  const ageMs = sentMs - dayMs;
  if (ageMs >= 0 && ageMs < (SIGNING_KEY_DAYS + 1) * DAY_MS) return;
  throw new ObsError(
    'SignatureDoesNotMatch',
    `The signing key is from '${date}': a request signed on ${formatAwsDate(sentMs).slice(0, 8)} needs a key of that day, or of one of the ${SIGNING_KEY_DAYS} days before.`,
  );
}

/** @throws ObsError AuthorizationQueryParametersError or AccessDenied */
function checkLifetime(expires: string, signedMs: number, nowMs: number): void {
  const seconds = /^\d{1,9}$/.test(expires) ? Number(expires) : 0;
  if (seconds < 1 || seconds > MAX_AWS_EXPIRES_SECONDS) {
    throw new ObsError(
      'AuthorizationQueryParametersError',
      `X-Amz-Expires '${expires}' is invalid: it is a number of seconds from 1 to ${MAX_AWS_EXPIRES_SECONDS} (seven days).`,
    );
  }
  const times = {
    Expires: new Date(signedMs + seconds * 1000).toISOString(),
    ServerTime: new Date(nowMs).toISOString(),
  };
  if (signedMs > nowMs + MAX_SKEW_MS) throw new ObsError('AccessDenied', 'Request is not yet valid', times);
  if (nowMs >= signedMs + seconds * 1000) throw new ObsError('AccessDenied', 'Request has expired', times);
}

/**
 * The host and every header of the protocol must be signed; otherwise anybody could change them. @throws ObsError
 * AccessDenied
 */
function requireSigned({ headers }: V4Request, { signedHeaders }: AwsAuthorization): void {
  const unsigned = [...headers.keys()].filter(
    (name) => (name === 'host' || name.startsWith('x-amz-')) && !signedHeaders.includes(name),
  );
  if (unsigned.length > 0) {
    throw new ObsError('AccessDenied', 'There were headers present in the request which were not signed', {
      HeadersNotSigned: unsigned.join(', '),
    });
  }
}

/** @throws ObsError SignatureDoesNotMatch, and what `payloadOf` throws */
function checkMatch(
  request: V4Request,
  { credential, signedHeaders, signature }: AwsAuthorization,
  { key, dateTime, bodyHash }: { key: AccessKey; dateTime: string; bodyHash: string },
  { behaviour }: V4Options,
): Payload {
  const canonical = formatCanonicalRequest(awsCanonicalRequest(request, signedHeaders, bodyHash));
  const text = awsStringToSign(canonical, dateTime, credential);
  const signingKey = awsSigningKey(key.secretKey, credential);
  const expected = Buffer.from(awsSignature(signingKey, text));
  const provided = Buffer.from(signature);
  if (expected.length !== provided.length || !timingSafeEqual(expected, provided)) {
    throw new ObsError(
      'SignatureDoesNotMatch',
      'The request signature we calculated does not match the signature you provided. Check your key and signing method.',
      {
        AWSAccessKeyId: key.accessKey,
        SignatureProvided: signature,
        StringToSign: text,
        CanonicalRequest: canonical,
      },
    );
  }
  const signer = { signingKey, dateTime, scope: scopeText(credential), seedSignature: signature };
  return payloadOf(bodyHash, signer, behaviour);
}

/** @throws ObsError InvalidArgument, or XAmzContentSHA256Mismatch if trailing checksums are unknown */
function payloadOf(bodyHash: string, signer: ChunkSigner, { s3Checksums }: V4Options['behaviour']): Payload {
  if (bodyHash === AWS_UNSIGNED_PAYLOAD) return { kind: 'unsigned' };
  if (/^[0-9a-f]{64}$/.test(bodyHash)) return { kind: 'hashed', sha256: bodyHash };
  if (bodyHash === SIGNED_CHUNKS) return { kind: 'chunked', signer, hasTrailer: false };
  if (bodyHash !== SIGNED_CHUNKS_TRAILER && bodyHash !== UNSIGNED_CHUNKS_TRAILER) {
    throw new ObsError(
      'InvalidArgument',
      `x-amz-content-sha256 must be ${AWS_UNSIGNED_PAYLOAD}, ${SIGNED_CHUNKS}, or a valid sha256 value.`,
      { ArgumentName: 'x-amz-content-sha256', ArgumentValue: bodyHash },
    );
  }
  // Users of AWS SDKs of 2025 and later report this: OBS takes the name for a hash.
  if (s3Checksums === 'unknown') throw contentMismatch(bodyHash, '');
  return { kind: 'chunked', hasTrailer: true, ...(bodyHash === SIGNED_CHUNKS_TRAILER && { signer }) };
}

/** A time of the header Date in the form of x-amz-date; empty if it is no time. */
function dateTimeOf(date: string | undefined): string {
  if (date === undefined || parseAwsDate(date) !== undefined) return date ?? '';
  const timeMs = Date.parse(date);
  return Number.isNaN(timeMs) ? '' : formatAwsDate(timeMs);
}
