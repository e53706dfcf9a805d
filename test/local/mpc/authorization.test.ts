import { closeFixtures, MpcFixture, PROJECT, request } from './mpc-fixture';

afterEach(closeFixtures);

test.each([
  [undefined, 'CREATED', [1, 1]],
  [['uploads'], 'CANCELED', [1, 0]],
])('MPC lists which buckets it may use: %j', async (authorizedBuckets, operateType, flags) => {
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

test('MPC gets access to a bucket of the account and loses it again, and repeating either changes nothing', async () => {
  const fixture = await MpcFixture.open({ authorizedBuckets: ['uploads'] });
  const authority = (bucket: string, operation: unknown) =>
    fixture.call('PUT', { path: `/v1/${PROJECT}/authority`, body: { bucket, operation } });
  const post = async () => (await fixture.call('POST', { body: request() })).status;
  expect(await post()).toBe(403);
  for (const _ of [1, 2]) expect((await authority('snapshots', '1')).status).toBe(204);
  expect(await post()).toBe(202);
  for (const _ of [1, 2]) expect((await authority('snapshots', '0')).status).toBe(204);
  expect(await post()).toBe(403);
  expect((await authority('nowhere', '1')).body.error_code).toBe('MPC.10209');
  expect((await authority('snapshots', 'yes')).body.error_code).toBe('MPC.10202');
});
