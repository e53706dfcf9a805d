import { createHash, createHmac } from 'node:crypto';
import type { CanonicalRequest } from './canonical-request';

/** The scope of an AWS version 4 signature: a day, a region and a service. */
export interface AwsScope {
  /** `20261123` */
  date: string;
  region: string;
  service: string;
}

/** What a client says about its signature, in the header Authorization or in the parameters of a URL. */
export interface AwsCredential extends AwsScope {
  accessKey: string;
}

export interface AwsAuthorization {
  credential: AwsCredential;
  /** Names in lower case, in the client's order. */
  signedHeaders: readonly string[];
  /** 64 hexadecimal digits, as received. */
  signature: string;
}

/** The parts of a request that an AWS version 4 signature covers. */
export interface AwsSignableRequest {
  method: string;
  /** As sent, percent-encoded. */
  rawPath: string;
  /** As sent, without the question mark. */
  rawQuery: string;
  /** Names in lower case. The values of repeated names are joined by a comma. */
  headers: ReadonlyMap<string, string>;
}

const AWS_ALGORITHM = 'AWS4-HMAC-SHA256';

/** Replaces the hash if the body is not signed. */
export const AWS_UNSIGNED_PAYLOAD = 'UNSIGNED-PAYLOAD';

/** The longest lifetime of a presigned URL: seven days (OBS S3 API, V4 temporarily authorized request). */
export const MAX_AWS_EXPIRES_SECONDS = 604_800;

const AUTHORIZATION =
  /^AWS4-HMAC-SHA256\s+Credential=(?<credential>[^,\s]+)\s*,\s*SignedHeaders=(?<signedHeaders>[^,\s]+)\s*,\s*Signature=(?<signature>[0-9a-f]{64})\s*$/;

/** Reads a header Authorization; undefined if it does not have this form. */
export function parseAwsAuthorization(header: string): AwsAuthorization | undefined {
  const { credential = '', signedHeaders = '', signature = '' } = AUTHORIZATION.exec(header)?.groups ?? {};
  return authorizationOf(credential, signedHeaders, signature);
}

/** Reads the parameters of a presigned URL; undefined if one is missing or has another form. */
export function parseAwsParameters(query: ReadonlyMap<string, string>): AwsAuthorization | undefined {
  const signature = query.get('X-Amz-Signature') ?? '';
  if (query.get('X-Amz-Algorithm') !== AWS_ALGORITHM || !/^[0-9a-f]{64}$/.test(signature)) return undefined;
  return authorizationOf(
    query.get('X-Amz-Credential') ?? '',
    query.get('X-Amz-SignedHeaders') ?? '',
    signature,
  );
}

function authorizationOf(
  credential: string,
  signedHeaders: string,
  signature: string,
): AwsAuthorization | undefined {
  const [, accessKey, date, region, service] =
    /^(.+)\/(\d{8})\/([^/]*)\/([^/]+)\/aws4_request$/.exec(credential) ?? [];
  if (accessKey === undefined || date === undefined || region === undefined || service === undefined) {
    return undefined;
  }
  if (signedHeaders === '') return undefined;
  return {
    credential: { accessKey, date, region, service },
    signedHeaders: signedHeaders.split(';'),
    signature,
  };
}

/** Milliseconds since 1970 of a time such as `20261123T120000Z`; undefined for anything else. */
export function parseAwsDate(text: string): number | undefined {
  const [, ...parts] = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(text) ?? [];
  const [year = 0, month = 0, ...rest] = parts.map(Number);
  return parts.length === 0 ? undefined : Date.UTC(year, month - 1, ...rest);
}

/** A time in the form of `X-Amz-Date`. */
export function formatAwsDate(timeMs: number): string {
  return new Date(timeMs).toISOString().replace(/[-:]|\.\d+/g, '');
}

/**
 * The canonical request: path and query are encoded once, however the client encoded them, and header values have no
 * needless spaces (AWS General Reference, "Create a signed AWS API request"; OBS S3 API, V4 common request).
 *
 * @param bodyHash its last line
 */
export function awsCanonicalRequest(
  request: AwsSignableRequest,
  signedHeaders: readonly string[],
  bodyHash: string,
): CanonicalRequest {
  return {
    method: request.method,
    path: canonicalPath(request.rawPath),
    query: canonicalQuery(request.rawQuery),
    headers: signedHeaders.map(
      (name) => `${name}:${(request.headers.get(name) ?? '').trim().replace(/ +/g, ' ')}`,
    ),
    signedHeaders: signedHeaders.join(';'),
    bodyHash,
  };
}

/** The string to sign. @param canonicalRequest with line feeds */
export function awsStringToSign(canonicalRequest: string, dateTime: string, scope: AwsScope): string {
  return [AWS_ALGORITHM, dateTime, scopeText(scope), sha256(canonicalRequest)].join('\n');
}

/** The credential scope, as it stands in headers and in the text that is signed. */
export function scopeText({ date, region, service }: AwsScope): string {
  return `${date}/${region}/${service}/aws4_request`;
}

/** The signing key of one day, region and service. */
export function awsSigningKey(secretKey: string, { date, region, service }: AwsScope): Buffer {
  return [date, region, service, 'aws4_request'].reduce<Buffer>(
    (key, part) => hmac(key, part),
    Buffer.from(`AWS4${secretKey}`),
  );
}

/** A signature in hexadecimal digits. */
export function awsSignature(signingKey: Buffer, stringToSign: string): string {
  return hmac(signingKey, stringToSign).toString('hex');
}

/** SHA-256 in hexadecimal digits. */
export function sha256(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex');
}

/** Encodes all but A–Z a–z 0–9 - _ . ~. */
export function uriEncode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function hmac(key: Uint8Array, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}

function canonicalPath(rawPath: string): string {
  return rawPath
    .split('/')
    .map((part) => uriEncode(decoded(part)))
    .join('/');
}

function canonicalQuery(rawQuery: string): string {
  return rawQuery
    .split('&')
    .filter((parameter) => parameter !== '')
    .map((parameter) => {
      const [name = '', value = ''] = parameter
        .split(/=(.*)/s)
        .map((text) => decoded(text.replaceAll('+', ' ')));
      return [uriEncode(name), uriEncode(value)] as const;
    })
    .filter(([name]) => name !== 'X-Amz-Signature')
    .sort(([a, x], [b, y]) => (a === b ? compare(x, y) : compare(a, b)))
    .map(([name, value]) => `${name}=${value}`)
    .join('&');
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
