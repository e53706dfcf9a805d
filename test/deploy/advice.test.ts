import { adviceFor } from '../../deploy/advice';
import { CallFailed } from '../../deploy/cloud-api';

test.each([
  ['the quota of functions has been used up', 400],
  ['the number of APIs exceeds the maximum', 400],
  ['Quota exceeded', 413],
])('“%s” comes with what to do about it, whatever code it has', (said, status) => {
  const line = adviceFor(new CallFailed(status, 'X.1', `POST /v2/a: ${status} X.1 ${said}`));
  expect(line).toBe(
    `POST /v2/a: ${status} X.1 ${said}; delete what nobody needs, or ask for more in the console (My Quotas)`,
  );
});

test('a service that cannot be reached is reported with its address and the variable that sets it', () => {
  const line = adviceFor(
    new CallFailed(0, 'ECONNREFUSED', 'GET /v2/a: no answer (ECONNREFUSED) from http://a:1'),
  );
  expect(line).toMatch(
    /^GET \/v2\/a: no answer \(ECONNREFUSED\) from http:\/\/a:1; check the network, .*_ENDPOINT/,
  );
});
