import { adviceFor } from '../../deploy/advice';
import { CallFailed } from '../../deploy/cloud-api';

test.each([
  ['the quota of functions has been used up', 400],
  ['the number of APIs exceeds the maximum', 400],
  ['Quota exceeded', 413],
])('“%s” comes with what to do about it, whatever code it has', (said, status) => {
  const line = adviceFor(new CallFailed(status, 'X.1', `POST /v2/a: ${status} X.1 ${said}`));
  expect(line).toBe(
    `POST /v2/a: ${status} X.1 ${said}; delete what nobody needs, or request a higher quota in the console (My Quotas)`,
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

test.each([
  ['functiongraph', 'FunctionGraph FullAccess" in the project of the region'],
  ['apig', 'APIG FullAccess" in the project of the region'],
  ['obs', 'OBS Administrator"'],
] as const)(
  'a call to %s without permission is reported with the policy that allows it',
  (service, policy) => {
    const line = adviceFor(new CallFailed(403, 'X.1', 'GET /v2/a: 403 X.1 no', false, service));
    expect(line).toBe(`GET /v2/a: 403 X.1 no; give the user of the access key the system policy "${policy}`);
  },
);
