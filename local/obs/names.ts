import { ObsError } from './errors';

const MAX_KEY_BYTES = 1024;

const BUCKET_NAME = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;
const IPV4_ADDRESS = /^(\d{1,3}\.){3}\d{1,3}$/;

/**
 * The rules of OBS for a new bucket's name (OBS API reference, "Creating a bucket").
 *
 * @throws ObsError InvalidBucketName
 */
export function checkBucketName(name: string): void {
  if (!BUCKET_NAME.test(name) || IPV4_ADDRESS.test(name) || /\.\.|\.-|-\./.test(name)) {
    throw new ObsError(
      'InvalidBucketName',
      `Bucket name '${name}' is invalid: use 3 to 63 lower-case letters, digits, hyphens and periods, starting and ` +
        'ending with a letter or digit, no period next to a period or hyphen, not an IP address.',
    );
  }
}

/**
 * An object key is 1 to 1,024 bytes of UTF-8 (OBS API reference, PutObject).
 *
 * @throws ObsError KeyTooLongError or InvalidArgument
 */
export function checkKey(key: string): void {
  const sizeBytes = Buffer.byteLength(key);
  if (sizeBytes === 0) throw new ObsError('InvalidArgument', 'The object key is empty: name the object.');
  if (sizeBytes > MAX_KEY_BYTES) {
    throw new ObsError(
      'KeyTooLongError',
      `The object key has ${sizeBytes} bytes, the limit is ${MAX_KEY_BYTES} bytes: use a shorter key.`,
    );
  }
}
