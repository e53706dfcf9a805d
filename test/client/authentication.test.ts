import { execFile, spawnSync } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import * as fc from 'fast-check';
import { type Authentication, AuthenticationError, SnapshotClient } from '../../client/src';
import { signRequest } from '../../client/src/signature';
import { Credentials } from '../../local/iam/credentials';
import { verifySdkSignature } from '../../local/iam/sdk-signature';
import { GatewayWithCallers } from './gateway-with-callers';

const PROGRAM = path.resolve(__dirname, '..', '..', 'docs', 'examples', 'snapshots.py');
/** Of everything that an encoding can get wrong. */
const HARD = "a b+c~d'e(f)*!中é😀&=%2F/?#;:@$,[]";

let gateway: GatewayWithCallers;
beforeAll(async () => {
  gateway = await GatewayWithCallers.start();
});
afterAll(() => gateway.stop());

function clientOf(api: 'iam' | 'app', authentication: Authentication | undefined): SnapshotClient {
  return new SnapshotClient({ endpoint: `${gateway.address}/${api}`, authentication, retries: 0 });
}

async function objectSeen(client: SnapshotClient): Promise<unknown> {
  const { task_array } = await client.list({ object: HARD, bucket: 'videos' });
  return (task_array[0] as unknown as { queryStringParameters: { object: string } }).queryStringParameters
    .object;
}

test('the gateway accepts a request signed with an access key', async () => {
  expect(await objectSeen(clientOf('iam', gateway.user))).toBe(HARD);
});

test('the gateway accepts a request signed with a temporary key and its token', async () => {
  const { accessKey, secretKey, securityToken } = gateway.credentials.temporaryKeyOf('mpc-snapshots');
  expect(await objectSeen(clientOf('iam', { accessKey, secretKey, securityToken }))).toBe(HARD);
});

test('the gateway accepts a token of IAM', async () => {
  const { value: token } = gateway.credentials.issueToken();
  expect(await objectSeen(clientOf('iam', { token }))).toBe(HARD);
});

test('the gateway accepts a request signed with an app’s key, and an AppCode', async () => {
  expect(await objectSeen(clientOf('app', gateway.app))).toBe(HARD);
  expect(await objectSeen(clientOf('app', { appCode: gateway.appCode }))).toBe(HARD);
});

test('the signature covers the body', async () => {
  const answer = await clientOf('app', gateway.app).call('POST', '/snapshots', { body: `{"x":"${HARD}"}` });
  expect(answer.status).toBe(200);
});

test('the gateway refuses a wrong secret, and the error says so', async () => {
  const client = clientOf('app', { ...gateway.app, appSecret: 'wrong' });
  const error = await client.list().catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(AuthenticationError);
  expect(error).toMatchObject({ status: 401, code: 'APIG.0303', requestId: expect.stringMatching(/./) });
});

test('changing credentials are read before each call', async () => {
  const answers: Authentication[] = [{ ...gateway.app, appSecret: 'old' }, gateway.app];
  const client = new SnapshotClient({
    endpoint: `${gateway.address}/app`,
    authentication: async () => answers.shift()!,
    retries: 0,
  });
  await expect(client.list()).rejects.toThrow(AuthenticationError);
  expect(await objectSeen(client)).toBe(HARD);
});

test('the signature equals the vendor signer’s, whatever the query and the body are', async () => {
  const text = fc.string({ unit: 'grapheme', maxLength: 12 });
  const parameters = fc.array(fc.tuple(text, text), { maxLength: 4 });
  const keys = new Credentials(gateway.user, Date.now);
  const key = { key: gateway.user.accessKey, secret: gateway.user.secretKey };
  await fc.assert(
    fc.asyncProperty(text, parameters, text, async (segment, query, body) => {
      const url = new URL(`https://group.example.com/a/${encodeURIComponent(segment)}x`);
      for (const [name, value] of query) url.searchParams.append(`n${name}`, value);
      const bytes = new Uint8Array(Buffer.from(body));
      const headers = await signRequest({ method: 'POST', url, body: bytes }, key, Date.now());
      const received = {
        method: 'POST',
        rawUrl: url.pathname + url.search,
        headers: { host: url.host, ...headers },
        body: Buffer.from(body),
      };
      expect(verifySdkSignature(received, keys, Date.now)).toMatchObject({ ok: true });
    }),
    { numRuns: 300 },
  );
});

const hasPython = spawnSync('python3', ['--version']).status === 0;
(hasPython ? test : test.skip)('the example in Python signs as the gateway wants it', async () => {
  const run = (api: string, key: string, secret: string, args: string[]) =>
    promisify(execFile)('python3', [PROGRAM, ...args], {
      env: {
        PATH: process.env.PATH,
        HOME: process.env.HOME,
        API_ENDPOINT: `${gateway.address}/${api}`,
        API_KEY: key,
        API_SECRET: secret,
      },
    }).then(({ stdout }) => stdout);
  const { user, app } = gateway;
  const target = `/snapshots?object=${encodeURIComponent(HARD)}&bucket=videos`;
  const asUser = await run('iam', user.accessKey, user.secretKey, ['GET', target]);
  expect(asUser).toMatch(/^200 /);
  expect(JSON.parse(asUser.slice(4)).task_array[0].queryStringParameters.object).toBe(HARD);
  expect(await run('app', app.appKey, app.appSecret, ['POST', '/snapshots', '{"x":"中"}'])).toMatch(/^200 /);
  await expect(run('app', app.appKey, 'wrong', ['GET', '/snapshots'])).rejects.toMatchObject({
    stdout: expect.stringMatching(/^401 .*APIG\.0303/),
  });
});
