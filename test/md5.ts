import { createHash } from 'node:crypto';

/** As OBS wants it: `hex` in ETags, `base64` in Content-MD5. */
export function md5(bytes: Buffer | string, encoding: 'hex' | 'base64' = 'hex'): string {
  return createHash('md5').update(bytes).digest(encoding);
}
