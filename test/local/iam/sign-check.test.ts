import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import { AKSKSigner } from '@huaweicloud/huaweicloud-sdk-core/auth/AKSKSigner';
import { ACCOUNT } from '../../../local/account';
import { startCloud } from '../../../local/cloud';
import { type Ended, localCommand } from '../../local-command';

function signCheck(args: string[], input: unknown, env: Record<string, string> = {}): Promise<Ended> {
  const { HUAWEICLOUD_SDK_SK: _, ...clean } = process.env;
  const text = typeof input === 'string' ? input : JSON.stringify(input);
  return localCommand(['sign-check', ...args], { input: text, env: { ...clean, ...env } });
}

/** A request in the form in which a person would write it down. */
function requestOf(ak: string, sk: string, url = 'http://127.0.0.1:4002/v1/p/thumbnails') {
  const headers = AKSKSigner.sign(
    {
      method: 'POST',
      endpoint: url,
      headers: { 'content-type': 'application/json' },
      queryParams: {},
      data: { a: 1 },
    } as never,
    { getAk: () => ak, getSk: () => sk } as never,
  );
  return { method: 'POST', url, headers, body: '{"a":1}' };
}

test('a correct signature of the local account ends with 0, from a file and from standard input', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'sign-check-'));
  const file = path.join(folder, 'request.json');
  const request = requestOf(ACCOUNT.accessKey, ACCOUNT.secretKey);
  await writeFile(file, JSON.stringify(request));
  const right = { code: 0, stdout: 'The signature is right.\n', stderr: '' };
  expect(await signCheck([file], '')).toEqual(right);
  expect(await signCheck(['-'], request)).toEqual(right);
  await rm(folder, { recursive: true });
});

test('a wrong signature ends with 1 and shows the line and the cause', async () => {
  const request = { ...requestOf('AK', 'SK'), body: '{"a": 1}' };
  const { code, stdout } = await signCheck([], request, { HUAWEICLOUD_SDK_SK: 'SK' });
  expect(code).toBe(1);
  expect(stdout).toBe(
    `The bytes of the body differ: hash exactly the bytes that are sent (same JSON text, same line ends, UTF-8), after any serialisation.

line 9 of the canonical request
  client   015abd7f5cc57a2dd94b7590f04ad8084273905ee33ec5cebeae62276a97f862
  gateway  f9d86028c6e0d64e225186f96acb69338b2c59764df79162107f5c4bb34d1310
`,
  );
});

test('the answer of the gateway may be pasted unchanged, beside what the client signed', async () => {
  const lines = ['GET', '/v1/p/thumbnails', '', 'host:h', 'x-sdk-date:d', '', 'host;x-sdk-date', 'hash'];
  const { code, stdout } = await signCheck([], {
    error_code: 'APIGW.0301',
    error_msg:
      'Incorrect IAM authentication information: verify aksk signature fail, canonicalRequest:GET|/v1/p/thumbnails/||host:h|x-sdk-date:d||host;x-sdk-date|hash',
    canonicalRequest: lines.join('\n'),
  });
  expect(code).toBe(1);
  expect(stdout).toMatch(
    /^The trailing slash is missing.*\n\nline 2 of the canonical request\n {2}client {3}\/v1\/p\/thumbnails\n {2}gateway {2}\/v1\/p\/thumbnails\/\n$/,
  );
});

test('receivedAt replaces the present time', async () => {
  const request = { ...requestOf('AK', 'SK'), receivedAt: new Date(Date.now() + 3600_000).toISOString() };
  const { code, stdout } = await signCheck([], request, { HUAWEICLOUD_SDK_SK: 'SK' });
  expect([code, stdout]).toEqual([1, expect.stringContaining('60 min before it arrived')]);
});

test.each<[string, string[], unknown, RegExp]>([
  ['is not JSON', [], 'GET /', /^sign-check needs JSON/],
  ['is not there', ['nowhere.json'], '', /^there is no file nowhere\.json\n$/],
  ['has a wrong field', [], { method: 5 }, /^sign-check cannot read method: /],
  ['is signed with an unknown key', [], requestOf('AKX', 'SK'), /^set HUAWEICLOUD_SDK_SK .* of AKX;/],
])('input that %s is reported in one line', async (_, args, input, message) => {
  const { code, stderr } = await signCheck(args, input);
  expect(code).toBe(2);
  expect(stderr).toMatch(message);
  expect(stderr.trimEnd()).not.toContain('\n');
});

test('--last explains what the running local cloud refused last, whichever of its services it was', async () => {
  const cloud = await startCloud({ port: 0 });
  const { mpc, functiongraph, gateway } = cloud.addresses;
  const last = () => signCheck(['--last'], '', { API_ENDPOINT: gateway });
  try {
    expect(await last()).toEqual({
      code: 0,
      stdout: `the local cloud at ${gateway} has refused no signature\n`,
      stderr: '',
    });
    const { key, secret } = { key: ACCOUNT.accessKey, secret: ACCOUNT.secretKey };
    const { method, headers } = requestOf(key, secret, `${mpc}/v1/p/thumbnails`);
    await fetch(`${mpc}/v1/p/thumbnails`, { method, headers, body: '{"a": 1}' });
    const { code, stdout } = await last();
    expect(code).toBe(1);
    expect(stdout).toMatch(
      /^MPC POST \/v1\/p\/thumbnails, refused at 2.*Z\nThe bytes of the body differ: .*\n\nline 9 of the canonical request\n/,
    );

    const functions = requestOf('AKOTHER', 'SK', `${functiongraph}/v2/p/fgs/functions`);
    await fetch(functions.url, functions);
    expect((await last()).stdout).toContain('The gateway does not know the access key AKOTHER');

    const s3 = new S3Client({
      region: cloud.region,
      endpoint: cloud.addresses.obs,
      forcePathStyle: true,
      credentials: { accessKeyId: key, secretAccessKey: 'another' },
    });
    await expect(s3.send(new ListObjectsV2Command({ Bucket: 'videos' }))).rejects.toThrow();
    expect((await last()).stdout).toMatch(
      /^OBS GET \/videos, refused at .*\n.*secret key is probably not that of/,
    );
    s3.destroy();
  } finally {
    await cloud.close();
  }
});

test('--last without a local cloud says so in one line', async () => {
  const { code, stderr } = await signCheck(['--last'], '', { API_ENDPOINT: 'http://127.0.0.1:1' });
  expect(code).toBeGreaterThan(0);
  expect(stderr).toMatch(/^no local cloud answers at http:\/\/127\.0\.0\.1:1: start one with npm start/);
});
