/** A signed request as received. */
export interface ReceivedRequest {
  method: string;
  /** Path and query exactly as received, for example `/v1/p/thumbnails?task_id=1`. */
  rawUrl: string;
  /** Header names in lower case, as in node:http. */
  headers: Record<string, string | string[] | undefined>;
  body: Buffer;
}

/** The text that SDK-HMAC-SHA256 signs, in parts (API Request Signing Guide, "Signing algorithm"). */
export interface CanonicalRequest {
  method: string;
  /** Encoded, with a slash at the end. */
  path: string;
  /** Encoded and sorted. */
  query: string;
  /** Lines `name:value`, without line ends. */
  headers: string[];
  /** Names, separated by semicolons. */
  signedHeaders: string;
  /** SHA-256 of the body in hexadecimal digits, or UNSIGNED-PAYLOAD. */
  bodyHash: string;
}

/** The vendor's SDKs send this instead of a hash when they stream the body. */
export const UNSIGNED_PAYLOAD = 'UNSIGNED-PAYLOAD';

/** The steps of the vendor's signer that a verifier needs. Its type declarations hide them. */
interface VendorSigner {
  CanonicalURI(path: string): string;
  CanonicalQueryString(request: { queryParams: Record<string, string | string[]> }): string;
  getStringToSign(algorithm: string, date: string, hash: string): string;
  Hex(data: string | Buffer): string;
  hmacSHA256(secretKey: string, text: string): string;
}

/** Loaded at the first request, because the vendor's signer loads moment and lodash. */
function vendorSigner(): VendorSigner {
  return require('@huaweicloud/huaweicloud-sdk-core/auth/AKSKSigner').AKSKSigner as VendorSigner;
}

/** SHA-256 in hexadecimal digits. */
export function sha256Hex(data: string | Buffer): string {
  return vendorSigner().Hex(data);
}

/**
 * The canonical request of a received request.
 * @param signedHeaders the names in the `Authorization` header
 */
export function canonicalRequestOf(request: ReceivedRequest, signedHeaders: string): CanonicalRequest {
  const signer = vendorSigner();
  const url = new URL(request.rawUrl, 'http://host');
  return {
    method: request.method,
    path: signer.CanonicalURI(decodedPath(url.pathname)),
    query: signer.CanonicalQueryString({ queryParams: queryOf(url) }),
    headers: signedHeaders
      .split(';')
      .map((name) => `${name}:${(single(request.headers[name]) ?? '').trim()}`),
    signedHeaders,
    bodyHash: single(request.headers['x-sdk-content-sha256']) ?? signer.Hex(request.body),
  };
}

/** The text of a canonical request. Its lines end with a line feed. */
export function formatCanonicalRequest(request: CanonicalRequest): string {
  const { method, path, query, headers, signedHeaders, bodyHash } = request;
  return [method, path, query, ...headers, '', signedHeaders, bodyHash].join('\n');
}

/**
 * Reads the text of a canonical request, with line feeds or with the `|` that gateways print between its lines.
 * Undefined if it has too few lines.
 */
export function parseCanonicalRequest(text: string): CanonicalRequest | undefined {
  const lines = text.includes('\n') ? text.split(/\r?\n/) : text.split('|');
  const [method, path, query] = lines;
  const [signedHeaders, bodyHash] = lines.slice(-2);
  if (lines.length < 6 || method === undefined || path === undefined || query === undefined) return undefined;
  if (signedHeaders === undefined || bodyHash === undefined) return undefined;
  const headers = lines.slice(3, -2).filter((line) => line !== '');
  return { method, path, query, headers, signedHeaders, bodyHash };
}

/**
 * The signature of a canonical request in hexadecimal digits.
 * @param date value of `X-Sdk-Date`
 */
export function signatureOf(canonicalRequest: string, date: string, secretKey: string): string {
  const signer = vendorSigner();
  const stringToSign = signer.getStringToSign('SDK-HMAC-SHA256', date, signer.Hex(canonicalRequest));
  return signer.hmacSHA256(secretKey, stringToSign);
}

/** The first value of a header. */
export function single(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}

function decodedPath(pathname: string): string {
  try {
    return decodeURIComponent(pathname);
  } catch {
    return pathname;
  }
}

/** The parameters of a query in the form of the vendor's signer. */
export function queryOf(url: URL): Record<string, string | string[]> {
  const query: Record<string, string | string[]> = {};
  for (const name of new Set(url.searchParams.keys())) {
    const values = url.searchParams.getAll(name);
    query[name] = values.length === 1 ? (values[0] ?? '') : values;
  }
  return query;
}
