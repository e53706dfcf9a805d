import { createHash } from 'node:crypto';
import { BodyTooLarge, readBody } from '../http-server';
import { MAX_BODY_BYTES } from './data-files';
import { ObsError } from './errors';
import type { ObsRequest } from './request';

const MAX_DOCUMENT_BYTES = 1024 * 1024;

/** The body of a request, for operations that take a small document. @throws ObsError EntityTooLarge */
export async function readText({ body }: ObsRequest): Promise<string> {
  try {
    return (await readBody(body, MAX_DOCUMENT_BYTES)).toString('utf8');
  } catch (error) {
    if (error instanceof BodyTooLarge) throw new ObsError('EntityTooLarge', error.message);
    throw error;
  }
}

/** For operations that demand a Content-MD5. @throws ObsError MissingRequiredHeader or BadDigest */
export function checkContentMd5({ headers }: ObsRequest, body: string): void {
  const contentMd5 = headers.get('content-md5');
  if (contentMd5 === undefined) {
    throw new ObsError('MissingRequiredHeader', 'Missing required header for this request: Content-MD5.');
  }
  if (contentMd5 !== createHash('md5').update(body).digest('base64')) {
    throw new ObsError('BadDigest', 'The Content-MD5 you specified does not match what OBS received.');
  }
}

/**
 * The body of an upload must announce its length or come in chunks.
 * @throws ObsError MissingContentLength, EntityTooLarge
 */
export function checkLength({ headers, decodedBytes }: ObsRequest): void {
  const length = decodedBytes?.toString() ?? headers.get('content-length');
  if (length === undefined && headers.get('transfer-encoding') === undefined) {
    throw new ObsError('MissingContentLength', 'You must provide the Content-Length HTTP header.');
  }
  if (Number(length) > MAX_BODY_BYTES) {
    throw new ObsError(
      'EntityTooLarge',
      `The body has ${length} bytes, the limit is ${MAX_BODY_BYTES} bytes.`,
    );
  }
}
