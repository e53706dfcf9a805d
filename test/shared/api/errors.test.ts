import { toApiError } from '../../../shared/api/errors';
import {
  ServiceRefused,
  ServiceTimedOut,
  ServiceUnavailable,
  SettingsError,
} from '../../../shared/core/errors';

const refused = (status: number, code: string, message = 'm', retryAfterSeconds?: number) =>
  new ServiceRefused('MPC', { status, retryAfterSeconds, attempts: 1 }, code, message, 'r1');

describe('the answer to a caller', () => {
  test.each([
    ['a refusal of MPC, unchanged', refused(400, 'MPC.10202', 'Invalid request parameter'), 400, 'MPC.10202'],
    ['a path that MPC cannot read', refused(403, 'MPC.10209'), 403, 'MPC.10209'],
    ['a task that does not exist', refused(403, 'MPC.10211'), 403, 'MPC.10211'],
    ['rejected credentials', refused(401, 'APIGW.0301'), 502, 'APIGW.0201'],
    ['a credential that may not', refused(403, 'APIGW.0302'), 502, 'APIGW.0201'],
    ['an account out of order', refused(401, 'MPC.10207'), 502, 'APIGW.0201'],
    ['a wrong project', refused(403, 'MPC.10208'), 502, 'APIGW.0201'],
    ['the quota', refused(429, 'APIGW.0308'), 429, 'APIGW.0308'],
    ['a wrong address of ours', refused(404, 'APIGW.0101'), 502, 'APIGW.0201'],
    ['a failure inside MPC', refused(500, 'MPC.10050'), 502, 'APIGW.0201'],
    ['a pause of MPC', refused(503, ''), 503, 'APIGW.0201'],
    ['a time-out', new ServiceTimedOut('MPC'), 504, 'APIGW.0201'],
    ['a broken line', new ServiceUnavailable('MPC', 'ECONNRESET', true), 502, 'APIGW.0201'],
    [
      'a refusal of OBS',
      new ServiceRefused(
        'OBS',
        { status: 403, retryAfterSeconds: undefined, attempts: 1 },
        'AccessDenied',
        'm',
        'r',
      ),
      502,
      'APIGW.0201',
    ],
    ['wrong settings', new SettingsError('REGION is required'), 500, 'APIGW.0601'],
    ['anything else', new TypeError("Cannot read properties of undefined (reading 'x')"), 500, 'APIGW.0601'],
  ])('%s', (_, error, status, code) => {
    expect(toApiError(error)).toMatchObject({ status, code });
  });

  test('reveals nothing internal when the caller cannot fix the error', () => {
    for (const error of [
      refused(401, 'APIGW.0301', 'ak SECRETKEY not exist'),
      new SettingsError('SECRET'),
      new Error('SECRET'),
      new ServiceUnavailable('MPC', 'SECRET', true),
    ]) {
      expect(toApiError(error).message).not.toContain('SECRET');
    }
  });

  test('says when to try again', () => {
    expect(toApiError(refused(429, 'APIGW.0308')).extra.retryAfterSeconds).toBe(60);
    expect(toApiError(refused(429, 'APIGW.0308', 'm', 7)).extra.retryAfterSeconds).toBe(7);
    expect(toApiError(refused(503, '')).extra.retryAfterSeconds).toBe(5);
  });
});
