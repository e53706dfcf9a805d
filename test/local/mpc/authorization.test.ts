import { closeFixtures, MpcFixture, PROJECT, request } from './mpc-fixture';

afterEach(closeFixtures);

test.each([
  [undefined, 'CREATED', [1, 1]],
  [['uploads'], 'CANCELED', [1, 0]],
])('MPC tells which buckets it may use: %j', async (authorizedBuckets, operateType, flags) => {
  const fixture = await MpcFixture.open({ ...(authorizedBuckets !== undefined && { authorizedBuckets }) });
  const all = await fixture.call('GET', { path: `/v1/${PROJECT}/agencies` });
  expect([all.status, all.body]).toEqual([200, { operate_type: operateType }]);
  const { body } = await fixture.call('GET', { path: `/v1/${PROJECT}/buckets` });
  const buckets = body.buckets as { bucket: string; is_authorized: number }[];
  const flagOf = (name: string) => buckets.find(({ bucket }) => bucket === name)?.is_authorized;
  expect([flagOf('uploads'), flagOf('snapshots')]).toEqual(flags);
});

test.each([['uploads'], ['snapshots']])(
  'a task needs both of its buckets: with %s alone it is refused',
  async (authorized) => {
    const fixture = await MpcFixture.open({ authorizedBuckets: [authorized] });
    const answer = await fixture.call('POST', { body: request() });
    expect([answer.status, answer.body.error_code]).toEqual([403, 'MPC.10209']);
  },
);
