import { ServiceRefused } from '../core/errors';
import { redact } from '../core/redaction';
import { encodePath, type ObsUrlRequest, obsAddress, signObsUrl } from '../signing';
import type { Connection } from './connection';
import { connect, type HttpResponse, send } from './http';

/** An object as a listing shows it. */
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
  /** Only keys behind this one. */
  marker?: string | undefined;
  /** None in folders below. */
  delimiter?: '/' | undefined;
  'max-keys'?: string | undefined;
}

/** Objects in the order of their keys. */
export interface ListPage {
  objects: ListedObject[];
  isTruncated: boolean;
  /** Where the next page goes on; undefined on the last one. */
  nextMarker: string | undefined;
}

const REQUEST_LIFETIME_SECONDS = 300;

/**
 * The temporary URL of an object for whoever holds it.
 * @param ttlSeconds how long it is valid; with an agency's credentials never longer than these
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

/** What an object is kept with. */
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
 * OBS CopyObject with content headers of its own: nothing passes through here.
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

/** OBS GetObject as it is. @throws ServiceRefused, ServiceTimedOut, ServiceUnavailable */
export async function getBytes(bucket: string, key: string, connection: Connection): Promise<Buffer> {
  return (await call({ method: 'GET', bucket, key }, connection)).bytes;
}

/**
 * OBS PutObject of a small JSON record that must not be there yet. A bucket that knows `x-obs-forbid-overwrite` refuses the
 * second of two writers, whenever they come; one that does not know it replaces what the first one wrote. The header is in
 * no document of OBS: used by others, never proven here.
 * @returns false when OBS refused because there is such an object: perhaps this very write, repeated after a lost answer
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
 * @returns how many times it was sent: an attempt that was given up and repeated may still be carried out
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
 * @returns the parsed value, null for an object that holds no JSON; undefined when there is no such object
 * @throws ServiceRefused, ServiceTimedOut, ServiceUnavailable
 */
export async function getJson(bucket: string, key: string, connection: Connection): Promise<unknown> {
  try {
    return JSON.parse((await call({ method: 'GET', bucket, key }, connection)).body);
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    if (error instanceof ServiceRefused && error.status === 404 && error.code === 'NoSuchKey')
      return undefined;
    throw error;
  }
}

/**
 * OBS ListObjects, one page of up to 1,000 objects.
 * @throws ServiceRefused, ServiceTimedOut, ServiceUnavailable
 */
export async function listObjects(bucket: string, from: ListFrom, connection: Connection): Promise<ListPage> {
  // Of what XML escapes, an encoded key may hold the apostrophe alone, which URLs need not encode.
  const parameters = { 'encoding-type': 'url', ...from };
  const { body } = await call({ method: 'GET', bucket, key: '', parameters }, connection);
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

/** All objects of one folder, those in folders below it left out. @throws as listObjects */
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

/** Opens a connection to a bucket that will be used soon. */
export function connectToBucket(bucket: string, { settings }: Connection): void {
  connect(obsAddress(settings.obsEndpoint, bucket).origin);
}

/** The object as a listing shows it; undefined when there is none. @throws as listObjects */
export async function findObject(
  bucket: string,
  key: string,
  connection: Connection,
): Promise<ListedObject | undefined> {
  // Of all keys that begin with this one, it comes first itself.
  const { objects } = await listObjects(bucket, { prefix: key, 'max-keys': '1' }, connection);
  return objects[0]?.key === key ? objects[0] : undefined;
}

async function call(
  request: Omit<ObsUrlRequest, 'endpoint' | 'expiresAtSeconds'>,
  connection: Connection,
  body?: string | Uint8Array,
  plainHeaders: Readonly<Record<string, string>> = {},
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
    { service: 'OBS', deadlineMs, repeat: 'always' },
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
