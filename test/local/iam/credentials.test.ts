import { type AccessKey, Credentials } from '../../../local/iam/credentials';

const PERMANENT: AccessKey = { accessKey: 'AKTEST', secretKey: 'SKTEST', projectId: 'project' };
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

let nowMs: number;
let credentials: Credentials;
beforeEach(() => {
  nowMs = Date.UTC(2026, 10, 23, 12);
  credentials = new Credentials(PERMANENT, () => nowMs);
});

test('the permanent key is found and never expires', () => {
  expect(credentials.find('AKTEST')).toBe(PERMANENT);
  nowMs += 365 * 24 * HOUR_MS;
  expect(credentials.isExpired(PERMANENT)).toBe(false);
});

test('a key that was never issued is not found', () => {
  expect(credentials.find('NOBODY')).toBeUndefined();
});

test('an agency gets a temporary key of the same project, with a token and an end', () => {
  const key = credentials.temporaryKeyOf('agency');
  expect(key).toEqual({
    accessKey: expect.stringMatching(/^HST3[0-9A-F]{16}$/),
    secretKey: expect.stringMatching(/^[0-9a-f]{40}$/),
    securityToken: expect.stringMatching(/./),
    projectId: 'project',
    expiresAtMs: nowMs + 24 * HOUR_MS,
    agency: 'agency',
    token: expect.stringMatching(/./),
  });
  expect(credentials.findToken(key.token ?? '')).toMatchObject({
    projectId: 'project',
    expiresAtMs: key.expiresAtMs,
  });
  expect(credentials.find(key.accessKey)).toBe(key);
});

test('each agency has a key of its own', () => {
  const [one, other] = [credentials.temporaryKeyOf('one'), credentials.temporaryKeyOf('other')];
  for (const field of ['accessKey', 'secretKey', 'securityToken'] as const) {
    expect(one[field]).not.toBe(other[field]);
  }
});

test('the same temporary key is handed out for ten minutes, then a new one', () => {
  const first = credentials.temporaryKeyOf('agency');
  nowMs += 10 * MINUTE_MS - 1;
  expect(credentials.temporaryKeyOf('agency')).toBe(first);
  nowMs += 1;
  expect(credentials.temporaryKeyOf('agency').accessKey).not.toBe(first.accessKey);
});

test('a temporary key lives for 24 hours, also after a newer one was issued, and is still known afterwards', () => {
  const key = credentials.temporaryKeyOf('agency');
  nowMs += HOUR_MS;
  credentials.temporaryKeyOf('agency');
  nowMs += 23 * HOUR_MS - 1;
  expect(credentials.isExpired(key)).toBe(false);
  nowMs += 1;
  expect(credentials.isExpired(key)).toBe(true);
  expect(credentials.find(key.accessKey)).toBe(key);
});
