import { utf8 } from './bytes';

/** Key and secret for signing: an access key of an account, or the key of an app of API Gateway. */
export interface SigningKey {
  key: string;
  secret: string;
  /** Only for temporary access keys. */
  securityToken?: string | undefined;
  /** Only for access keys of a sub-project. */
  projectId?: string | undefined;
}

/** A request before it is signed. */
export interface UnsignedRequest {
  method: string;
  /** Its query is replaced by the canonical one, because the sent query must equal the signed one. */
  url: URL;
  body: Uint8Array<ArrayBuffer>;
}

const ALGORITHM = 'SDK-HMAC-SHA256';

/**
 * Signs a request with SDK-HMAC-SHA256 (API Gateway developer guide, "Signing algorithm"), with WebCrypto.
 * @param timeMs signing time, ms since the epoch; the gateway accepts about 15 minutes of skew
 * @returns the headers to send besides `Host`
 */
export async function signRequest(
  { method, url, body }: UnsignedRequest,
  { key, secret, securityToken, projectId }: SigningKey,
  timeMs: number,
): Promise<Record<string, string>> {
  url.search = canonicalQuery(url.searchParams);
  const date = new Date(timeMs).toISOString().replace(/[-:]|\.\d+/g, '');
  const headers: Record<string, string> = {
    host: url.host,
    'x-sdk-date': date,
    ...(projectId && { 'x-project-id': projectId }),
    ...(securityToken && { 'x-security-token': securityToken }),
  };
  const names = Object.keys(headers).sort();
  const canonicalRequest = [
    method,
    canonicalPath(url.pathname),
    url.search.slice(1),
    ...names.map((name) => `${name}:${headers[name]}`),
    '',
    names.join(';'),
    await sha256Hex(body),
  ].join('\n');
  const toSign = `${ALGORITHM}\n${date}\n${await sha256Hex(utf8(canonicalRequest))}`;
  const { host: _, ...sent } = headers;
  return {
    ...sent,
    authorization: `${ALGORITHM} Access=${key}, SignedHeaders=${names.join(';')}, Signature=${await hmacHex(secret, toSign)}`,
  };
}

/** Decoded, as gateways read it, then encoded once, with a slash at the end. The request itself is sent without that slash. */
function canonicalPath(pathname: string): string {
  const path = decodeURIComponent(pathname).split('/').map(encode).join('/');
  return path.endsWith('/') ? path : `${path}/`;
}

/** Sorted by name, then by value. */
function canonicalQuery(parameters: URLSearchParams): string {
  return [...parameters]
    .sort(([nameA, valueA], [nameB, valueB]) => compare(nameA, nameB) || compare(valueA, valueB))
    .map(([name, value]) => `${encode(name)}=${encode(value)}`)
    .join('&');
}

/** Percent-encodes all but the unreserved characters of RFC 3986. */
function encode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

async function sha256Hex(data: Uint8Array<ArrayBuffer>): Promise<string> {
  return hex(await crypto.subtle.digest('SHA-256', data));
}

async function hmacHex(secret: string, text: string): Promise<string> {
  const key = await crypto.subtle.importKey('raw', utf8(secret), { name: 'HMAC', hash: 'SHA-256' }, false, [
    'sign',
  ]);
  return hex(await crypto.subtle.sign('HMAC', key, utf8(text)));
}

function hex(data: ArrayBuffer): string {
  return [...new Uint8Array(data)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
