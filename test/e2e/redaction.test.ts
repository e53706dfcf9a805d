import { readFile } from 'node:fs/promises';
import { Credentials } from '../../local/iam/credentials';
import { makeClip } from '../clip';
import { LocalService } from './local-service';
import { type Carried, QuotingRelay } from './quoting-relay';
import { issuedKeys, secretsIn as secretsOf } from './secrets';

let service: LocalService;
let relay: QuotingRelay;
/** Makes the functions' secret key wrong, as after a key was withdrawn. */
let isSecretKeyWrong = false;

const KEY = 'uploads/clip.mp4';
const input = { bucket: 'videos', object: KEY };

beforeAll(async () => {
  const { temporaryKeyOf } = Credentials.prototype;
  jest.spyOn(Credentials.prototype, 'temporaryKeyOf').mockImplementation(function (
    this: Credentials,
    agency,
  ) {
    const key = temporaryKeyOf.call(this, agency);
    // Characters that look different in a URL.
    if (!key.securityToken?.startsWith('a+/b')) key.securityToken = `a+/b${key.securityToken}`;
    const given = isSecretKeyWrong ? { ...key, secretKey: `wrong-${key.secretKey}` } : key;
    issuedKeys.push(given);
    return given;
  });
  service = await LocalService.start({ mpc: { callsPerMinute: 10_000 } });
  const { mpc, obs } = service.cloud.addresses;
  const started = await QuotingRelay.start({ mpc, obs });
  relay = started.relay;
  for (const { configuration, pool } of service.cloud.functiongraph.functions()) {
    configuration.user_data = JSON.stringify({
      ...JSON.parse(configuration.user_data ?? '{}'),
      MPC_ENDPOINT: started.address,
      OBS_ENDPOINT: started.address,
      LOG_LEVEL: 'debug',
    });
    pool.retire();
  }
  await service.upload(KEY, await readFile(await makeClip({ seconds: 2 })));
  await service.finalTaskOf(KEY);
}, 60_000);
afterAll(async () => {
  jest.restoreAllMocks();
  await service.stop();
  await relay.stop();
});
beforeEach(() => {
  relay.answer = undefined;
  isSecretKeyWrong = false;
});

const event = (etag: string) => ({
  Records: [
    {
      eventName: 'ObjectCreated:Put',
      s3: { bucket: { name: 'videos' }, object: { key: KEY, eTag: etag, size: 9 } },
    },
  ],
});

let callCount = 0;

/** One call of every kind, successful or not. @returns the answers of the API */
async function callEverything(): Promise<{ name: string; status: number; text: string }[]> {
  callCount++;
  const calls: [
    name: string,
    method: string,
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
  ][] = [
    ['create', 'POST', '/snapshots', { input }],
    ['create sync', 'POST', '/snapshots', { input, sync: 1 }],
    ['create idempotent', 'POST', '/snapshots', { input }, { 'idempotency-key': `key ${callCount}` }],
    ['dry run', 'POST', '/snapshots?dry_run=true', { input }],
    ['create wrong', 'POST', '/snapshots', { input: { ...input, bucket: 'somebody-elses' } }],
    ['query', 'GET', '/snapshots'],
    ['query video', 'GET', `/snapshots?object=${KEY}`],
    ['query unknown', 'GET', '/snapshots/424242'],
    ['query wrong', 'GET', '/snapshots?size=0'],
    ['cancel unknown', 'DELETE', '/snapshots/424242'],
    ['cancel wrong', 'DELETE', '/snapshots/-'],
  ];
  const answers = [];
  for (const [name, method, path, body, headers] of calls) {
    const answer = await service.call(method, path, body, headers);
    answers.push({ name, status: answer.status, text: JSON.stringify(answer.body) });
  }
  await service.invoke('on-upload', event(`etag-${callCount}`));
  await service.invoke('on-upload', { hello: 'world' });
  await service.invoke('on-upload', { trigger_type: 'TIMER', user_event: '' });
  await service.invoke('cancel', { trigger_type: 'TIMER', user_event: '{"everybodys":true}' });
  return answers;
}

const secretsIn = (text: string) =>
  secretsOf(
    text,
    relay.carried.map(({ signature }) => signature),
  );

/** Runs every kind of call and searches everything that a person other than the caller of a success may read. */
async function expectNoSecret(isHealthy = false): Promise<{ log: string }> {
  const before = service.invocations.length;
  const carriedBefore = relay.carried.length;
  const answers = await callEverything();
  const invocations = service.invocations.slice(before).filter(({ outcome }) => outcome !== undefined);
  const log = invocations.flatMap(({ outcome }) => outcome?.log.map(({ text }) => text) ?? []);
  expect(log.length).toBeGreaterThan(15);
  expect(relay.carried.length - carriedBefore).toBeGreaterThan(8);
  expect(issuedKeys.length).toBeGreaterThan(0);
  for (const line of log) expect({ line, secrets: secretsIn(line) }).toEqual({ line, secrets: [] });

  const mayHaveAddresses = ['create sync', 'query', 'query video'];
  for (const answer of answers) {
    if (answer.status < 400 && mayHaveAddresses.includes(answer.name)) continue;
    expect({ ...answer, secrets: secretsIn(answer.text) }).toEqual({ ...answer, secrets: [] });
  }
  // Events have no caller: results and errors of these end up in the platform's records.
  for (const { functionName, trigger, outcome } of invocations) {
    if (trigger === 'APIG') continue;
    const { body = '' } = outcome ?? {};
    expect({ functionName, body, secrets: secretsIn(body) }).toEqual({ functionName, body, secrets: [] });
  }
  if (isHealthy) expect(answers.filter(({ status }) => status < 400).length).toBeGreaterThan(5);
  return { log: log.join('\n') };
}

/** MPC and OBS refuse everything, with a message that quotes what the request carried. */
function refuseQuoting(quote: (carried: Carried) => string, mpcCode = 'APIGW.0301', mpcStatus = 401): void {
  relay.answer = (name, carried) =>
    name === 'MPC'
      ? { status: mpcStatus, body: JSON.stringify({ error_code: mpcCode, error_msg: quote(carried) }) }
      : {
          status: 403,
          body: `<Error><Code>SignatureDoesNotMatch</Code><Message>${quote(carried).replaceAll('&', '&amp;')}</Message><SignatureProvided>${carried.signature}</SignatureProvided><StringToSign>GET ${carried.token}</StringToSign></Error>`,
        };
}

test('the search for secrets finds them', async () => {
  await callEverything();
  const [key] = issuedKeys;
  const [{ url, authorization } = { url: '', authorization: '' }] = relay.carried.filter(
    ({ authorization }) => authorization,
  );
  const signedUrl = relay.carried.find(({ url }) => url.includes('Signature='))?.url ?? '';
  for (const secret of [key?.accessKey, key?.secretKey, key?.securityToken, authorization, signedUrl]) {
    expect(secretsIn(`before ${secret} after`)).not.toEqual([]);
  }
  expect(secretsIn(encodeURIComponent(key?.securityToken ?? ''))).not.toEqual([]);
  expect(secretsIn(`nothing in ${url}`)).toEqual([]);
});

test('nothing secret is written when all is well', async () => {
  await expectNoSecret(true);
});

test('nothing secret is written when the keys are wrong', async () => {
  isSecretKeyWrong = true;
  const { log } = await expectNoSecret();
  expect(log).toContain('credentials_rejected');
});

test.each<[string, (carried: Carried) => string]>([
  [
    'the canonical request',
    ({ token }) =>
      `verify aksk signature fail, canonicalRequest:POST|/v1|x-security-token:${token}||x-sdk-date`,
  ],
  [
    'the string to sign',
    ({ token, signature }) => `signature does not match, StringToSign: GET ${token} ${signature}`,
  ],
  ['the security token', ({ token }) => `the token ${token} is not valid`],
])('nothing secret is written when MPC and OBS quote %s', async (_, quote) => {
  refuseQuoting(quote);
  await expectNoSecret();
  refuseQuoting(quote, 'MPC.10202', 400);
  await expectNoSecret();
});

test.each<[string, (carried: Carried) => string]>([
  [
    'the Authorization header',
    ({ authorization }) => `wrong header Authorization: ${authorization || 'none'}`,
  ],
  ['the signed URL', ({ url }) => `cannot serve ${url}`],
  ['the encoded token', ({ token }) => `x-obs-security-token ${encodeURIComponent(token)} has expired`],
  ['the signature', ({ signature }) => `the signature ${signature} is wrong`],
  ['a token at the end of what is kept', ({ token }) => `${'.'.repeat(480)}${token}`],
])('nothing secret is written when MPC and OBS quote %s', async (_, quote) => {
  refuseQuoting(quote);
  await expectNoSecret();
  refuseQuoting(quote, 'MPC.10202', 400);
  await expectNoSecret();
});
