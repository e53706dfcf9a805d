import { createHmac, timingSafeEqual } from 'node:crypto';
import { isIP } from 'node:net';
import type { Clock } from '../clock';
import type { AccessKey, Credentials } from '../iam/credentials';
import { ObsError } from './errors';

/**
 * OBS understands two dialects of one protocol: its own and that of S3, signed with version 2 (here) or 4
 * (signature-v4.ts). A client uses one of them throughout, and its answers are in it.
 */
export type Dialect = 'obs' | 'aws';

interface Vocabulary {
  scheme: string;
  accessKeyParameter: string;
  /** Prefix of the protocol's own headers. */
  headerPrefix: string;
}

export const VOCABULARY: Readonly<Record<Dialect, Vocabulary>> = {
  obs: { scheme: 'OBS', accessKeyParameter: 'AccessKeyId', headerPrefix: 'x-obs-' },
  aws: { scheme: 'AWS', accessKeyParameter: 'AWSAccessKeyId', headerPrefix: 'x-amz-' },
};

/** The parts of a request that a signature covers. */
export interface SignableRequest {
  method: string;
  dialect: Dialect;
  /** Names in lower case. The values of repeated names are joined by a comma. */
  headers: ReadonlyMap<string, string>;
  /** Decoded. If a name is repeated, the first value counts. */
  query: ReadonlyMap<string, string>;
  /** `/bucket/key` with the key as sent, percent-encoded; `/` without a bucket. */
  resource: string;
}

/** How far the clocks of client and service may differ (OBS API reference, RequestTimeTooSkewed). */
export const MAX_SKEW_MS = 15 * 60 * 1000;
const MAX_LIFETIME_MS = 20 * 365.25 * 24 * 3600 * 1000;

/** Query parameters that are part of the signed resource (OBS API reference, CanonicalizedResource). */
export const SUB_RESOURCES: ReadonlySet<string> = new Set(
  (
    'CDNNotifyConfiguration acl append attname cors customdomain delete deletebucket directcoldaccess encryption ' +
    'inventory length lifecycle location logging metadata mirrorBackToSource modify name notification object-lock ' +
    'obscompresspolicy partNumber policy position quota rename replication requestPayment response-cache-control ' +
    'response-content-disposition response-content-encoding response-content-language response-content-type ' +
    'response-expires restore retention storageClass storagePolicy storageinfo tagging torrent truncate uploadId ' +
    'uploads versionId versioning versions website x-amz-security-token x-image-process x-image-save-bucket ' +
    'x-image-save-object x-obs-security-token'
  ).split(' '),
);

/** The dialect of a request: that of its signature or, without one, of its headers. */
export function dialectOf(request: Pick<SignableRequest, 'headers' | 'query'>): Dialect {
  const authorization = request.headers.get('authorization');
  if (authorization !== undefined) return authorization.startsWith('AWS') ? 'aws' : 'obs';
  const names = [...request.query.keys(), ...request.headers.keys()];
  if (names.includes(VOCABULARY.obs.accessKeyParameter)) return 'obs';
  return names.some((name) => name === VOCABULARY.aws.accessKeyParameter || /^x-amz-/i.test(name))
    ? 'aws'
    : 'obs';
}

/** The protocol's own headers, sorted, one on each line. */
function canonicalizedHeaders({ dialect, headers }: SignableRequest): string {
  return [...headers]
    .filter(([name]) => name.startsWith(VOCABULARY[dialect].headerPrefix))
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name}:${value}\n`)
    .join('');
}

/** The resource with the query parameters that OBS knows: sorted, values decoded. */
function canonicalizedResource({ resource, query }: SignableRequest): string {
  const parameters = [...query]
    .filter(([name]) => SUB_RESOURCES.has(name))
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => (value === '' ? name : `${name}=${value}`));
  return parameters.length === 0 ? resource : `${resource}?${parameters.join('&')}`;
}

/**
 * The text that is signed (OBS API reference, "Authentication of signature in a header" and "... in a URL").
 *
 * @param expires the parameter Expires of a temporary URL, which replaces the date
 */
function stringToSign(request: SignableRequest, expires?: string): string {
  const { method, headers, dialect } = request;
  const hasOwnDate = headers.has(`${VOCABULARY[dialect].headerPrefix}date`);
  const date = expires ?? (hasOwnDate ? '' : (headers.get('date') ?? ''));
  const fields = [method, headers.get('content-md5') ?? '', headers.get('content-type') ?? '', date];
  return `${fields.join('\n')}\n${canonicalizedHeaders(request)}${canonicalizedResource(request)}`;
}

function sign(text: string, secretKey: string): string {
  return createHmac('sha1', secretKey).update(text).digest('base64');
}

/**
 * Checks the signature of a request, in its header or its URL, and returns the key that signed it.
 *
 * @throws ObsError AccessDenied, InvalidAccessKeyId, RequestTimeTooSkewed, SignatureDoesNotMatch or InvalidArgument
 */
export function verifySignature(request: SignableRequest, credentials: Credentials, clock: Clock): AccessKey {
  const { scheme, accessKeyParameter } = VOCABULARY[request.dialect];
  const authorization = request.headers.get('authorization');
  if (authorization !== undefined) {
    const [, accessKey, signature] = /^(?:OBS|AWS) ([^:\s]+):(\S+)$/.exec(authorization) ?? [];
    if (accessKey === undefined || signature === undefined) {
      throw new ObsError(
        'InvalidArgument',
        `Unsupported Authorization Type: expected "${scheme} AccessKeyID:signature".`,
      );
    }
    const key = findKey(accessKey, credentials);
    checkDate(request, clock);
    checkToken(request, key, credentials);
    checkMatch(stringToSign(request), signature, key);
    return key;
  }
  const accessKey = request.query.get(accessKeyParameter);
  const signature = request.query.get('Signature');
  const expires = request.query.get('Expires');
  if (accessKey === undefined || signature === undefined || expires === undefined) {
    throw new ObsError('AccessDenied', 'Access Denied');
  }
  const key = findKey(accessKey, credentials);
  checkExpires(expires, clock);
  checkToken(request, key, credentials);
  checkMatch(stringToSign(request, expires), signature, key);
  return key;
}

/** @throws ObsError InvalidAccessKeyId */
export function findKey(accessKey: string, credentials: Credentials): AccessKey {
  const key = credentials.find(accessKey);
  if (key === undefined) {
    throw new ObsError(
      'InvalidAccessKeyId',
      'The OBS Access Key Id you provided does not exist in our records.',
      {
        AccessKeyId: accessKey,
      },
    );
  }
  return key;
}

function checkDate({ headers, dialect }: SignableRequest, clock: Clock): void {
  const date = headers.get(`${VOCABULARY[dialect].headerPrefix}date`) ?? headers.get('date') ?? '';
  const sentMs = Date.parse(date);
  if (Number.isNaN(sentMs)) {
    throw new ObsError(
      'AccessDenied',
      'OBS authentication requires a valid Date or x-obs-date header (RFC 1123).',
    );
  }
  if (Math.abs(clock() - sentMs) > MAX_SKEW_MS) {
    throw new ObsError(
      'RequestTimeTooSkewed',
      'The difference between the request time and the server time is too large.',
      {
        RequestTime: date,
        ServerTime: new Date(clock()).toISOString(),
        MaxAllowedSkewMilliseconds: String(MAX_SKEW_MS),
      },
    );
  }
}

function checkExpires(expires: string, clock: Clock): void {
  const expiresMs = /^\d+$/.test(expires) ? Number(expires) * 1000 : Number.NaN;
  if (Number.isNaN(expiresMs)) {
    throw new ObsError(
      'AccessDenied',
      `Expires '${expires}' is invalid: it is a time in seconds since 1970.`,
    );
  }
  if (expiresMs <= clock()) {
    throw new ObsError('AccessDenied', 'Request has expired', {
      Expires: new Date(expiresMs).toISOString(),
      ServerTime: new Date(clock()).toISOString(),
    });
  }
  if (expiresMs > clock() + MAX_LIFETIME_MS) {
    throw new ObsError('AccessDenied', `Expires '${expires}' is invalid: it lies more than 20 years ahead.`);
  }
}

function checkToken(
  { headers, query, dialect }: SignableRequest,
  key: AccessKey,
  credentials: Credentials,
): void {
  const name = `${VOCABULARY[dialect].headerPrefix}security-token`;
  requireToken(headers.get(name) ?? query.get(name), name, key, credentials);
}

/**
 * A temporary key works only with its token. The token is signed wherever it is, so comparing it is enough.
 *
 * @param name name of the header or parameter
 * @throws ObsError InvalidAccessKeyId, or AccessDenied if the key has expired
 */
export function requireToken(
  token: string | undefined,
  name: string,
  key: AccessKey,
  credentials: Credentials,
): void {
  if (token !== key.securityToken) {
    throw new ObsError(
      'InvalidAccessKeyId',
      `${name} is not the security token that was issued with this access key.`,
      {
        AccessKeyId: key.accessKey,
      },
    );
  }
  if (credentials.isExpired(key)) {
    throw new ObsError('AccessDenied', 'The temporary access key has expired: obtain a new one.');
  }
}

function checkMatch(text: string, signature: string, key: AccessKey): void {
  const expected = Buffer.from(sign(text, key.secretKey));
  const provided = Buffer.from(signature);
  if (expected.length !== provided.length || !timingSafeEqual(expected, provided)) {
    throw new ObsError(
      'SignatureDoesNotMatch',
      'The request signature we calculated does not match the signature you provided. Check your key and signing method.',
      {
        AccessKeyId: key.accessKey,
        SignatureProvided: signature,
        StringToSign: text,
        StringToSignBytes: (Buffer.from(text).toString('hex').match(/../g) ?? []).join(' '),
      },
    );
  }
}

/** Percent-encodes a key as OBS signs it: RFC 3986, `/` stays. */
export function encodeKey(key: string): string {
  return key
    .split('/')
    .map((part) =>
      encodeURIComponent(part).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`),
    )
    .join('/');
}

/**
 * A URL that allows its bearer one kind of request until it expires (OBS API reference, "Authentication of signature in
 * a URL"). Path style if the endpoint is an IP address, virtual host (`bucket.endpoint`) otherwise.
 *
 * @param input.endpoint for example `http://127.0.0.1:4001`
 * @param input.expiresAtSeconds seconds since 1970
 * @param input.contentType if given, the bearer must send exactly this Content-Type
 */
export function temporaryUrl(input: {
  endpoint: string;
  bucket: string;
  key: string;
  method: string;
  accessKey: AccessKey;
  expiresAtSeconds: number;
  contentType?: string;
}): string {
  const { bucket, accessKey } = input;
  const { protocol, hostname, host } = new URL(input.endpoint);
  const key = encodeKey(input.key);
  const expires = String(input.expiresAtSeconds);
  const token = accessKey.securityToken;
  const query = new Map(token === undefined ? [] : [['x-obs-security-token', token]]);
  const headers = new Map(input.contentType === undefined ? [] : [['content-type', input.contentType]]);
  const resource = `/${bucket}/${key}`;
  const text = stringToSign({ method: input.method, dialect: 'obs', headers, query, resource }, expires);
  const parameters = [
    ['AccessKeyId', accessKey.accessKey],
    ['Expires', expires],
    ...query,
    ['Signature', sign(text, accessKey.secretKey)],
  ].map(([name = '', value = '']) => `${name}=${encodeURIComponent(value)}`);
  const isAddress = isIP(hostname.replace(/^\[|\]$/g, '')) !== 0;
  const location = isAddress ? `${host}${resource}` : `${bucket}.${host}/${key}`;
  return `${protocol}//${location}?${parameters.join('&')}`;
}
