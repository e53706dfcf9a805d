import { AnswerTooLarge, ServiceRefused } from '../core/errors';
import { redact } from '../core/redaction';
import { encodePath, type ObsUrlRequest, obsAddress, signObsUrl } from '../signing';
import type { Connection } from './connection';
import { connect, type HttpResponse, send } from './http';

/** An object in a listing. */
export interface ListedObject {
  key: string;
  /** Without quotes, in lower case. */
  etag: string;
  sizeBytes: number;
  lastModifiedMs: number;
}

/** Which objects are listed. */
export interface ListFrom {
  prefix?: string | undefined;
  /** Only keys after this one. */
  marker?: string | undefined;
  /** Leaves out the keys in folders below. */
  delimiter?: '/' | undefined;
  'max-keys'?: string | undefined;
}

/** Objects in the order of their keys. */
export interface ListPage {
  objects: ListedObject[];
  isTruncated: boolean;
  /** Start of the next page; undefined on the last page. */
  nextMarker: string | undefined;
}

const REQUEST_LIFETIME_SECONDS = 300;

/**
 * The temporary URL of an object. Anybody who has it may read the object.
 * @param ttlSeconds how long it is valid (s); at most as long as an agency's credentials
 */
export function temporaryUrl(
  bucket: string,
  key: string,
  ttlSeconds: number,
  connection: Connection,
): string {
  const { origin, path } = signObsUrl(
    {
      method: 'GET',
      endpoint: connection.settings.obsEndpoint,
      bucket,
      key,
      expiresAtSeconds: Math.floor(Date.now() / 1000) + ttlSeconds,
    },
    connection.credentials,
  );
  return origin + path;
}

/** The headers that OBS stores with an object. */
export interface ContentHeaders {
  contentType: string;
  cacheControl?: string | undefined;
}

/** OBS PutObject. @throws ServiceRefused, ServiceTimedOut, ServiceUnavailable */
export async function putObject(
  bucket: string,
  key: string,
  body: string | Uint8Array,
  { contentType, cacheControl }: ContentHeaders,
  connection: Connection,
): Promise<void> {
  const headers = cacheControl === undefined ? {} : { 'cache-control': cacheControl };
  await call({ method: 'PUT', bucket, key, contentType }, connection, body, headers);
}

/**
 * OBS CopyObject with new content headers. OBS does the copying: no bytes pass through the function.
 * @throws ServiceRefused, ServiceTimedOut, ServiceUnavailable
 */
export async function copyObject(
  from: { bucket: string; key: string },
  to: { bucket: string; key: string },
  { contentType, cacheControl }: ContentHeaders,
  connection: Connection,
): Promise<void> {
  const obsHeaders = {
    'x-obs-copy-source': `/${from.bucket}/${encodePath(from.key)}`,
    'x-obs-metadata-directive': 'REPLACE',
  };
  const headers = cacheControl === undefined ? {} : { 'cache-control': cacheControl };
  await call({ method: 'PUT', ...to, contentType, obsHeaders }, connection, undefined, headers);
}

/** OBS DeleteObject; one that is not there is not an error. @throws ServiceRefused, ServiceTimedOut, ServiceUnavailable */
export async function deleteObject(bucket: string, key: string, connection: Connection): Promise<void> {
  await call({ method: 'DELETE', bucket, key }, connection);
}

/** OBS GetObject, unparsed. @throws ServiceRefused, ServiceTimedOut, ServiceUnavailable */
export async function getBytes(bucket: string, key: string, connection: Connection): Promise<Buffer> {
  return (await call({ method: 'GET', bucket, key }, connection)).bytes;
}

/**
 * OBS PutObject of a small JSON record that must not exist yet. With `x-obs-forbid-overwrite` a bucket refuses the
 * second of two writers. A bucket that does not know the header replaces the first record. No document of OBS
 * has the header: other software uses it, and it was never proven here.
 * @returns false when the object exists: perhaps from this very write, repeated after a lost answer
 * @throws as putJson
 */
export async function createJson(
  bucket: string,
  key: string,
  value: unknown,
  connection: Connection,
): Promise<boolean> {
  try {
    await putJson(bucket, key, value, connection, { 'x-obs-forbid-overwrite': 'true' });
    return true;
  } catch (error) {
    if (error instanceof ServiceRefused && error.status === 409 && error.code === 'ObjectAlreadyExists')
      return false;
    throw error;
  }
}

/**
 * OBS PutObject of a small JSON record.
 * @returns how many times it was sent: OBS may still carry out an earlier attempt that timed out
 * @throws ServiceRefused, ServiceTimedOut, ServiceUnavailable
 */
export async function putJson(
  bucket: string,
  key: string,
  value: unknown,
  connection: Connection,
  obsHeaders: Readonly<Record<string, string>> = {},
): Promise<number> {
  const request = { method: 'PUT', bucket, key, contentType: 'application/json', obsHeaders } as const;
  return (await call(request, connection, JSON.stringify(value))).attempts;
}

/**
 * OBS GetObject of a small JSON record.
 * @returns the parsed value; null for an object that is not JSON or too large for a record; undefined when there is no such object
 * @throws ServiceRefused, ServiceTimedOut, ServiceUnavailable
 */
export async function getJson(bucket: string, key: string, connection: Connection): Promise<unknown> {
  try {
    return JSON.parse((await call({ method: 'GET', bucket, key }, connection)).body);
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof AnswerTooLarge) return null;
    if (error instanceof ServiceRefused && error.status === 404 && error.code === 'NoSuchKey')
      return undefined;
    throw error;
  }
}

/**
 * OBS ListObjects, one page of up to 1,000 objects.
 * @param maxBytes of the answer; more is AnswerTooLarge
 * @throws ServiceRefused, ServiceTimedOut, ServiceUnavailable
 */
export async function listObjects(
  bucket: string,
  from: ListFrom,
  connection: Connection,
  maxBytes?: number,
): Promise<ListPage> {
  // URL encoding leaves the apostrophe alone: it is the only character of an encoded key that XML escapes.
  const parameters = { 'encoding-type': 'url', ...from };
  const request = { method: 'GET', bucket, key: '', parameters } as const;
  const { body } = await call(request, connection, undefined, undefined, maxBytes);
  const objects = [...body.matchAll(/<Contents>(.*?)<\/Contents>/gs)].map(([, contents = '']) => ({
    key: decodeKey(element(contents, 'Key')),
    etag: element(contents, 'ETag')
      .replaceAll(/"|&quot;/g, '')
      .toLowerCase(),
    sizeBytes: Number(element(contents, 'Size')),
    lastModifiedMs: Date.parse(element(contents, 'LastModified')) || 0,
  }));
  const isTruncated = element(body, 'IsTruncated') === 'true';
  const named = decodeKey(element(body, 'NextMarker'));
  return { objects, isTruncated, nextMarker: isTruncated ? named || objects.at(-1)?.key : undefined };
}

/** All objects of one folder, without the folders below it. @throws as listObjects */
export async function listFolder(
  bucket: string,
  prefix: string,
  connection: Connection,
): Promise<ListedObject[]> {
  const all: ListedObject[] = [];
  let marker: string | undefined;
  do {
    const page = await listObjects(bucket, { prefix, delimiter: '/', marker }, connection);
    all.push(...page.objects);
    marker = page.nextMarker;
  } while (marker !== undefined);
  return all;
}

function decodeKey(encoded: string): string {
  return decodeURIComponent(encoded.replaceAll('+', ' ').replace(/&(apos|#39|#x27);/g, "'"));
}

/** Opens a connection to a bucket in the background, for requests that come soon. */
export function connectToBucket(bucket: string, { settings }: Connection): void {
  connect(obsAddress(settings.obsEndpoint, bucket).origin);
}

/** Finds an object by a listing; undefined when there is none. @throws as listObjects */
export async function findObject(
  bucket: string,
  key: string,
  connection: Connection,
): Promise<ListedObject | undefined> {
  // Of all keys that begin with this one, the key itself comes first.
  const { objects } = await listObjects(bucket, { prefix: key, 'max-keys': '1' }, connection);
  return objects[0]?.key === key ? objects[0] : undefined;
}

async function call(
  request: Omit<ObsUrlRequest, 'endpoint' | 'expiresAtSeconds'>,
  connection: Connection,
  body?: string | Uint8Array,
  plainHeaders?: Readonly<Record<string, string>>,
  maxBytes?: number,
): Promise<HttpResponse> {
  const { settings, credentials, deadlineMs } = connection;
  const response = await send(
    () => ({
      method: request.method,
      ...signObsUrl(
        {
          ...request,
          endpoint: settings.obsEndpoint,
          expiresAtSeconds: Math.floor(Date.now() / 1000) + REQUEST_LIFETIME_SECONDS,
        },
        credentials,
      ),
      headers: {
        ...(request.contentType !== undefined && { 'content-type': request.contentType }),
        ...request.obsHeaders,
        ...plainHeaders,
      },
      body,
    }),
    // Writing the same record twice leaves the same record.
    { service: 'OBS', deadlineMs, repeat: 'always', maxBytes },
  );
  if (response.status < 200 || response.status > 299) {
    throw new ServiceRefused(
      'OBS',
      response,
      element(response.body, 'Code'),
      redact(element(response.body, 'Message'), credentials),
      String(response.headers['x-obs-request-id'] ?? ''),
    );
  }
  return response;
}

function element(xml: string, name: string): string {
  return new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml)?.[1] ?? '';
}
