import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import type { AwsSignableRequest } from '../iam/aws-signature';
import { ObsError } from './errors';
import { type Dialect, dialectOf, type SignableRequest, VOCABULARY } from './signature';

/** A parsed request, before anything is checked. */
export interface ObsRequest extends SignableRequest, AwsSignableRequest {
  bucket?: string;
  /** Decoded; absent for a request to a bucket or to the service. */
  key?: string;
  /** Whether the bucket is in the path and not in the host name. */
  isPathStyle: boolean;
  requestId: string;
  sourceIp: string;
  message: IncomingMessage;
  /** The content of the body. If the signature covers it, reading it to the end verifies it. */
  body: Readable;
  /** The length of the content, if the body is longer because it came in signed chunks. */
  decodedBytes?: number;
}

/**
 * Reads bucket and key from the host name (`bucket.obs.localhost`) or the path, and reads dialect, query and headers.
 *
 * @param domain the host name of the service; names below it are buckets
 * @throws ObsError InvalidURI if the path or query cannot be decoded
 */
export function parseRequest(message: IncomingMessage, domain: string, requestId: string): ObsRequest {
  const [rawPath = '/', rawQuery = ''] = splitOnce(message.url ?? '/', '?');
  const headers = joinedHeaders(message.rawHeaders);
  const query = parseQuery(rawQuery);
  const address = parseAddress(rawPath, message.headers.host ?? '', domain);
  return {
    method: message.method ?? 'GET',
    rawPath,
    rawQuery,
    dialect: dialectOf({ headers, query }),
    headers,
    query,
    ...address,
    requestId,
    sourceIp: message.socket.remoteAddress?.replace(/^::ffff:/, '') ?? '',
    message,
    body: message,
  };
}

/** A header of the protocol in the request's dialect: `copy-source` stands for `x-obs-copy-source`. */
export function protocolHeader(request: SignableRequest, name: string): string | undefined {
  return request.headers.get(protocolName(request.dialect, name));
}

/** The full name of a header of the protocol. */
export function protocolName(dialect: Dialect, name: string): string {
  return VOCABULARY[dialect].headerPrefix + name;
}

function parseAddress(
  rawPath: string,
  host: string,
  domain: string,
): Pick<ObsRequest, 'bucket' | 'key' | 'resource' | 'isPathStyle'> {
  const hostname = host.replace(/:\d+$/, '').toLowerCase();
  if (hostname.endsWith(`.${domain}`)) {
    const bucket = hostname.slice(0, -domain.length - 1);
    return {
      bucket,
      ...parseKey(rawPath.slice(1)),
      resource: `/${bucket}${rawPath}`,
      isPathStyle: false,
    };
  }
  const [rawBucket = '', rawKey = ''] = splitOnce(rawPath.slice(1), '/');
  if (rawBucket === '') return { resource: rawPath, isPathStyle: false };
  return { bucket: decode(rawBucket), ...parseKey(rawKey), resource: rawPath, isPathStyle: true };
}

function parseKey(rawKey: string): { key?: string } {
  return rawKey === '' ? {} : { key: decode(rawKey) };
}

function parseQuery(rawQuery: string): Map<string, string> {
  const query = new Map<string, string>();
  for (const parameter of rawQuery.split('&')) {
    const [name = '', value = ''] = splitOnce(parameter.replaceAll('+', ' '), '=').map(decode);
    // If a name is repeated, only the first value counts, for the signature and for the operation.
    if (name !== '' && !query.has(name)) query.set(name, value);
  }
  return query;
}

/** node:http joins most repeated headers with ", ", OBS signs them joined with ",". */
function joinedHeaders(rawHeaders: readonly string[]): Map<string, string> {
  const headers = new Map<string, string>();
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = (rawHeaders[index] ?? '').toLowerCase();
    const value = (rawHeaders[index + 1] ?? '').trim();
    const before = headers.get(name);
    headers.set(name, before === undefined ? value : `${before},${value}`);
  }
  return headers;
}

function splitOnce(text: string, separator: string): [string, string?] {
  const index = text.indexOf(separator);
  return index === -1 ? [text] : [text.slice(0, index), text.slice(index + separator.length)];
}

function decode(text: string | undefined): string {
  try {
    return decodeURIComponent(text ?? '');
  } catch {
    throw new ObsError('InvalidURI', `'${text}' is not valid percent-encoded UTF-8.`);
  }
}
