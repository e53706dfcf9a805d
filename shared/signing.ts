import { createHmac, hash } from 'node:crypto';
import type { Credentials } from './core/credentials';
import { isoTime } from './core/iso-time';

export type { Credentials } from './core/credentials';

/** Query parameters in any order. A name may repeat. */
export type Query = readonly (readonly [name: string, value: string])[];

/** A request before it is signed. */
export interface UnsignedRequest {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Host as the Host header carries it, with the port when there is one. */
  host: string;
  /** Path, not encoded; starts with `/`. */
  path: string;
  query?: Query;
  /** Further headers. All of them are signed. */
  headers?: Readonly<Record<string, string>>;
  /** The exact text that is sent. */
  body?: string | undefined;
}

const ALGORITHM = 'SDK-HMAC-SHA256';

/**
 * Signs a request with SDK-HMAC-SHA256, the AK/SK algorithm of Huawei Cloud's API Gateway
 * (API Gateway developer guide, "Signing algorithm").
 *
 * @param request what will be sent
 * @param credentials a security token is sent as `x-security-token` and signed
 * @param timeMs signing time, ms since the epoch; the gateway accepts about 15 minutes of skew
 * @returns all headers to send, lower-case names
 */
export function signRequest(
  request: UnsignedRequest,
  credentials: Credentials,
  timeMs: number,
): Record<string, string> {
  const date = sdkDate(timeMs);
  const headers = headersToSign(request, credentials, date);
  const signedHeaders = signedHeaderNames(headers);
  const toSign = stringToSign(date, canonicalRequest(request, headers, signedHeaders));
  const signature = hmac('sha256', credentials.secretKey, toSign, 'hex');
  headers.authorization = `${ALGORITHM} Access=${credentials.accessKey}, SignedHeaders=${signedHeaders}, Signature=${signature}`;
  return headers;
}

/** For example `20191115T033655Z`: the basic ISO form, in UTC. */
function sdkDate(timeMs: number): string {
  return isoTime(timeMs).replace(/[-:]|\.\d+/g, '');
}

/** The headers of the request in lower case and trimmed, with host, date and security token. */
export function headersToSign(
  request: UnsignedRequest,
  credentials: Credentials,
  date: string,
): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(request.headers ?? {}))
    headers[name.toLowerCase()] = value.trim();
  headers.host = request.host;
  headers['x-sdk-date'] = date;
  if (credentials.securityToken) headers['x-security-token'] = credentials.securityToken;
  return headers;
}

/** For example `host;x-sdk-date`: the names in the order of their code units. */
export function signedHeaderNames(headers: Readonly<Record<string, string>>): string {
  return Object.keys(headers).sort().join(';');
}

/** Method, URI, query, headers, their names and the hash of the body, one under the other. */
export function canonicalRequest(
  request: UnsignedRequest,
  headers: Readonly<Record<string, string>>,
  signedHeaders: string,
): string {
  let canonicalHeaders = '';
  for (const name of signedHeaders.split(';')) canonicalHeaders += `${name}:${headers[name]}\n`;
  const uri = canonicalUri(request.path);
  const query = canonicalQuery(request.query ?? []);
  const bodyHash = sha256Hex(request.body ?? '');
  return `${request.method}\n${uri}\n${query}\n${canonicalHeaders}\n${signedHeaders}\n${bodyHash}`;
}

/** Every segment encoded once, with a slash at the end. The request itself is sent without that slash. */
export function canonicalUri(path: string): string {
  const encoded = encodePath(path);
  return encoded.endsWith('/') ? encoded : `${encoded}/`;
}

/** Sorted by name, then by value. The request is sent with the same text that is signed. */
export function canonicalQuery(query: Query): string {
  return [...query]
    .sort(([nameA, valueA], [nameB, valueB]) => compare(nameA, nameB) || compare(valueA, valueB))
    .map(([name, value]) => `${encode(name)}=${encode(value)}`)
    .join('&');
}

/** Algorithm, date and the hash of the canonical request, one under the other. */
export function stringToSign(date: string, canonical: string): string {
  return `${ALGORITHM}\n${date}\n${sha256Hex(canonical)}`;
}

/** The OBS request that a temporary URL allows. */
export interface ObsUrlRequest {
  method: 'GET' | 'PUT' | 'DELETE';
  /** `https://obs.<region>.myhuaweicloud.com`, or the address of the local OBS. */
  endpoint: string;
  bucket: string;
  /** Object key, not encoded; empty for a request to the bucket. */
  key: string;
  /** End of validity, seconds since the epoch. With temporary credentials the URL ends with their token at the latest. */
  expiresAtSeconds: number;
  /** If given, the request must send exactly this Content-Type header. */
  contentType?: string;
  /** `x-obs-…` headers, names in lower case. The request must send exactly these. */
  obsHeaders?: Readonly<Record<string, string>>;
  /** Parameters of a listing; undefined ones are left out. Not part of the signature. */
  parameters?: Readonly<Record<string, string | undefined>>;
}

/** An OBS URL in the two parts that an HTTP client needs. */
export interface ObsUrl {
  /** `https://bucket.obs.region.myhuaweicloud.com` */
  origin: string;
  /** Encoded path and query. */
  path: string;
}

/** Signs a temporary OBS URL (OBS API reference, "Authentication of a signature in a URL"). */
export function signObsUrl(request: ObsUrlRequest, credentials: Credentials): ObsUrl {
  const { accessKey, secretKey, securityToken } = credentials;
  const parameters = {
    AccessKeyId: accessKey,
    Expires: String(request.expiresAtSeconds),
    Signature: hmac('sha1', secretKey, obsStringToSign(request, securityToken), 'base64'),
    ...request.parameters,
  };
  const query = Object.entries(parameters).flatMap(([name, value]) =>
    value === undefined ? [] : `${name}=${encode(value)}`,
  );
  if (securityToken) {
    credentials.encodedToken ??= encode(securityToken);
    query.push(`x-obs-security-token=${credentials.encodedToken}`);
  }
  const { origin, pathPrefix } = obsAddress(request.endpoint, request.bucket);
  return { origin, path: `${pathPrefix}/${encodePath(request.key)}?${query.join('&')}` };
}

/** Method, (no) MD5, content type, expiry, `x-obs-…` headers and resource, one under the other. */
export function obsStringToSign(
  request: Pick<
    ObsUrlRequest,
    'method' | 'bucket' | 'key' | 'expiresAtSeconds' | 'contentType' | 'obsHeaders'
  >,
  securityToken?: string,
): string {
  const headers = Object.entries(request.obsHeaders ?? {})
    .sort(([a], [b]) => compare(a, b))
    .map(([name, value]) => `${name}:${value}\n`)
    .join('');
  // The security token is not encoded: the only signed parameter in use here.
  const token = securityToken ? `?x-obs-security-token=${securityToken}` : '';
  const resource = `/${request.bucket}/${encodePath(request.key)}${token}`;
  return `${request.method}\n\n${request.contentType ?? ''}\n${request.expiresAtSeconds}\n${headers}${resource}`;
}

/** The bucket is a sub-domain of the endpoint. An IP address has no sub-domains: there the bucket is part of the path. */
export function obsAddress(endpoint: string, bucket: string): { origin: string; pathPrefix: string } {
  const { protocol, host, hostname } = new URL(endpoint);
  const isIpAddress = /^[\d.]+$|^\[/.test(hostname);
  return isIpAddress
    ? { origin: `${protocol}//${host}`, pathPrefix: `/${bucket}` }
    : { origin: `${protocol}//${bucket}.${host}`, pathPrefix: '' };
}

const UNRESERVED = /^[\w.~-]*$/;
const UNRESERVED_PATH = /^[\w.~/-]*$/;

/** Percent-encodes all but the unreserved characters of RFC 3986. A lone surrogate becomes U+FFFD. */
export function encode(text: string): string {
  // Most texts need no encoding, and the check is cheap (bench/README.md, signing).
  if (UNRESERVED.test(text)) return text;
  return encodeURIComponent(text.toWellFormed()).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/** Percent-encodes every segment of a path and keeps its slashes. */
export function encodePath(path: string): string {
  return UNRESERVED_PATH.test(path) ? path : path.split('/').map(encode).join('/');
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** SHA-256 of the text's UTF-8, hexadecimal. */
export function sha256Hex(text: string): string {
  return hash('sha256', text);
}

function hmac(
  algorithm: 'sha1' | 'sha256',
  secretKey: string,
  text: string,
  encoding: 'base64' | 'hex',
): string {
  return createHmac(algorithm, secretKey).update(text).digest(encoding);
}
