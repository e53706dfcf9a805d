/**
 * Signs in turns with our code, with the vendor's clients and with the floor, and prints all times as JSON. It is a
 * separate program, because a loader would slow us down.
 */

import { createHmac, hash } from 'node:crypto';
import { AKSKSigner } from '@huaweicloud/huaweicloud-sdk-core/auth/AKSKSigner';
import { signRequest } from '../shared/signing';
import { withPictures } from '../shared/views/pictures';
import { invocation } from './invocation';
import { seriesOf, takeTurns } from './suite';

const ObsClient = require('esdk-obs-nodejs');

const ROUNDS = 31;
const SIGNATURES = 4_000;
const PICTURES = 100;
const PATH = '/v1/77b6a44cba5143ab91d13ab9a8ff44fd/thumbnails';

const body = {
  input: {
    bucket: 'videos',
    location: 'ap-southeast-3',
    object: 'uploads/2026/11/holiday in the mountains.mp4',
  },
  output: {
    bucket: 'snapshots',
    location: 'ap-southeast-3',
    object: 'snapshots/uploads/2026/11/holiday in the mountains.mp4',
  },
  thumbnail_para: { type: 'TIME', time: 10, max_length: 480 },
  user_data: '{"mpc-snapshots":{"claim":"a94a8fe5ccb19ba61c4c0873d391e987982fbbd3"}}',
  original_dir: 1,
};

const task = {
  task_id: '1000001',
  status: 'SUCCEEDED',
  output: {
    bucket: 'snapshots',
    location: 'ap-southeast-3',
    object: 'snapshots/uploads/2026/11/holiday.mp4',
  },
  thumbnail_info: Array.from({ length: PICTURES }, (_, index) => ({ pic_name: `${index * 5}.jpg` })),
};

const { credentials, settings } = invocation;
const signer = new ObsClient({
  access_key_id: credentials.accessKey,
  secret_access_key: credentials.secretKey,
  security_token: credentials.securityToken,
  server: settings.obsEndpoint,
});

/** The time of one call in a series of many, µs. */
const each = (count: number, work: () => unknown) => async () => {
  const startedAt = performance.now();
  for (let call = 0; call < count; call++) work();
  return ((performance.now() - startedAt) / count) * 1000;
};

const signatures = {
  'vendor AKSKSigner': () =>
    AKSKSigner.sign(
      {
        method: 'POST',
        endpoint: `https://mpc.example.com${PATH}`,
        headers: {
          'content-type': 'application/json',
          'x-project-id': invocation.projectId,
          'x-security-token': credentials.securityToken,
        },
        queryParams: {},
        data: body,
      } as never,
      { getAk: () => credentials.accessKey, getSk: () => credentials.secretKey } as never,
    ),
  signRequest: () =>
    signRequest(
      {
        method: 'POST',
        host: 'mpc.example.com',
        path: PATH,
        headers: { 'content-type': 'application/json', 'x-project-id': invocation.projectId },
        body: JSON.stringify(body),
      },
      credentials,
      Date.now(),
    ),
  'floor: its two hashes and one HMAC': () => {
    hash('sha256', JSON.stringify(body));
    hash('sha256', PATH);
    return createHmac('sha256', credentials.secretKey).update(PATH).digest('hex');
  },
};

const urls = {
  'vendor esdk-obs-nodejs': () =>
    task.thumbnail_info.map(({ pic_name }) =>
      signer.createSignedUrlSync({
        Method: 'GET',
        Bucket: task.output.bucket,
        Key: `${task.output.object}/${pic_name}`,
        Expires: 3600,
      }),
    ),
  withPictures: () => withPictures(task, invocation),
};

const variants = (works: Record<string, () => unknown>, count: number) =>
  Object.entries(works).map(([name, work]) => ({ name, measure: each(count, work) }));

async function main(): Promise<void> {
  const requests = await takeTurns(variants(signatures, SIGNATURES), ROUNDS);
  const pictures = await takeTurns(variants(urls, 20), ROUNDS);
  const us = (value: number): number => value;
  console.log(JSON.stringify({ requests: seriesOf(requests, us), pictures: seriesOf(pictures, us) }));
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
