import { AKSKSigner } from '@huaweicloud/huaweicloud-sdk-core/auth/AKSKSigner';
import { type AccessKey, Credentials } from '../../../local/iam/credentials';
import { verifySdkSignature } from '../../../local/iam/sdk-signature';

const PERMANENT: AccessKey = { accessKey: 'AK', secretKey: 'SK', projectId: 'p' };
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

let nowMs = Date.UTC(2026, 10, 23);
const clock = () => nowMs;
let credentials: Credentials;
beforeEach(() => {
  nowMs = Date.UTC(2026, 10, 23);
  credentials = new Credentials(PERMANENT, clock);
});

/** Whether a request signed now with this key would pass. */
function opens(key: AccessKey): boolean {
  const signed = AKSKSigner.sign(
    {
      method: 'GET',
      endpoint: 'http://host/v1/x',
      headers: {
        'content-type': 'application/json',
        'X-Sdk-Date': new Date(nowMs).toISOString().replace(/[-:]|\.\d{3}/g, ''),
        ...(key.securityToken !== undefined && { 'X-Security-Token': key.securityToken }),
      },
      queryParams: {},
    } as never,
    { getAk: () => key.accessKey, getSk: () => key.secretKey } as never,
  ) as Record<string, string>;
  const headers = Object.fromEntries(
    Object.entries(signed).map(([name, value]) => [name.toLowerCase(), value]),
  );
  return verifySdkSignature(
    { method: 'GET', rawUrl: '/v1/x', headers, body: Buffer.alloc(0) },
    credentials,
    clock,
  ).ok;
}

test('an agency gets a new key after ten minutes, and the old key works until it expires', () => {
  const first = credentials.temporaryKeyOf('agency');
  nowMs += 10 * MINUTE - 1;
  expect(credentials.temporaryKeyOf('agency')).toBe(first);
  nowMs += 1;
  const second = credentials.temporaryKeyOf('agency');
  expect(second.accessKey).not.toBe(first.accessKey);
  expect([opens(first), opens(second)]).toEqual([true, true]);

  nowMs += 24 * HOUR - 10 * MINUTE - 1;
  expect([opens(first), opens(second)]).toEqual([true, true]);
  nowMs += 1;
  expect([opens(first), opens(second)]).toEqual([false, true]);
  nowMs += 10 * MINUTE;
  expect([opens(first), opens(second)]).toEqual([false, false]);
});

test('the permanent key never expires, and agencies have keys of their own', () => {
  const one = credentials.temporaryKeyOf('one');
  const other = credentials.temporaryKeyOf('other');
  expect(one.accessKey).not.toBe(other.accessKey);
  expect(opens({ ...one, securityToken: other.securityToken! })).toBe(false);
  nowMs += 10_000 * HOUR;
  expect(opens(PERMANENT)).toBe(true);
});

test('tokens differ, live for 24 hours and belong to the project of the account', () => {
  const token = credentials.issueToken();
  expect(credentials.issueToken().value).not.toBe(token.value);
  expect(token).toMatchObject({ projectId: 'p', expiresAtMs: nowMs + 24 * HOUR });
  expect(credentials.findToken(token.value)).toBe(token);
  expect(credentials.findToken('nonsense')).toBeUndefined();
  nowMs += 24 * HOUR - 1;
  expect(credentials.isExpired(token)).toBe(false);
  nowMs += 1;
  expect(credentials.isExpired(token)).toBe(true);
});
