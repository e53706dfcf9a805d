import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { request } from 'node:http';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Cloud } from '../cloud';
import { temporaryUrl } from '../obs/signature';

/** Uploads a file to the upload bucket as any OBS client does: over HTTP, with a signed address. */
export async function uploadFile(
  file: string,
  key: string,
  cloud: Cloud,
  onProgress: (share: number) => void,
): Promise<void> {
  const { size } = await stat(file);
  const url = temporaryUrl({
    endpoint: cloud.addresses.obs,
    bucket: cloud.uploadBucket,
    key,
    method: 'PUT',
    accessKey: cloud.accessKey,
    expiresAtSeconds: Math.floor(Date.now() / 1000) + 3600,
  });
  let sent = 0;
  const counter = new Transform({
    transform(chunk: Buffer, _, done) {
      sent += chunk.length;
      onProgress(size === 0 ? 1 : sent / size);
      done(null, chunk);
    },
  });
  const outgoing = request(url, { method: 'PUT', headers: { 'content-length': size } });
  const answered = new Promise<void>((resolve, reject) => {
    outgoing.on('error', reject);
    outgoing.on('response', (response) => {
      response.resume();
      if (response.statusCode === 200) resolve();
      else reject(new Error(`OBS answered ${response.statusCode} to the upload of ${key}`));
    });
  });
  await Promise.all([pipeline(createReadStream(file), counter, outgoing), answered]);
}
