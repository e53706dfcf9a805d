import {
  CallerError,
  describeFailure,
  ServiceRefused,
  ServiceTimedOut,
  ServiceUnavailable,
  SettingsError,
} from '../../../shared/core/errors';

const refused = (status: number, code: string) =>
  new ServiceRefused('MPC', { status, retryAfterSeconds: undefined, attempts: 1 }, code, 'no', 'r1');

test.each([
  [401, '', true],
  [403, 'APIGW.0302', true],
  [403, 'MPC.10208', true],
  [403, 'AccessDenied', true],
  [403, 'MPC.10209', false],
  [400, 'MPC.10202', false],
])('a refusal with status %i and code “%s” concerns our credentials: %s', (status, code, expected) => {
  expect(refused(status, code).areCredentialsRejected).toBe(expected);
});

test.each([
  [
    refused(400, 'MPC.10202'),
    {
      failure: 'refused',
      service: 'MPC',
      service_status: 400,
      service_request_id: 'r1',
      service_error_code: 'MPC.10202',
      service_message: 'no',
    },
  ],
  [new ServiceTimedOut('OBS'), { failure: 'timed_out', service: 'OBS' }],
  [
    new ServiceUnavailable('OBS', 'ECONNREFUSED', false),
    { failure: 'unavailable', service: 'OBS', message: 'OBS is not available: ECONNREFUSED' },
  ],
  [new SettingsError('REGION is required'), { failure: 'wrong_settings', message: 'REGION is required' }],
  [new CallerError('mend it'), { message: 'mend it' }],
  ['a string', { failure: 'unexpected', message: 'string' }],
])('the log says what %p was', (error, expected) => {
  expect(describeFailure(error)).toMatchObject(expected);
});
