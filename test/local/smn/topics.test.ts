import { closeServer, listen } from '../../../local/http-server';
import { Credentials } from '../../../local/iam/credentials';
import { createSmn } from '../../../local/smn/server';
import { TopicBook, type TopicMessage } from '../../../local/smn/topic-book';
import { ACCESS_KEY, PROJECT, signedHeaders } from '../functiongraph/cloud';

const TOPICS = `/v2/${PROJECT}/notifications/topics`;
const URN = `urn:smn:ap-southeast-3:${PROJECT}:uploads`;
const FUNCTION_URN = `urn:fss:ap-southeast-3:${PROJECT}:function:default:on-finish:latest`;

// biome-ignore lint/suspicious/noExplicitAny: whatever the service answers
type Body = any;

let topics: TopicBook;
let endpoint: string;
let close: () => Promise<void>;
async function start(denied: string[] = []): Promise<void> {
  topics = new TopicBook({ region: 'ap-southeast-3', projectId: PROJECT });
  const server = createSmn({
    credentials: new Credentials({ ...ACCESS_KEY, denied }),
    topics,
    subscriptionsOf: (urn) => (urn === URN ? [{ id: 't1', functionUrn: FUNCTION_URN }] : []),
  });
  endpoint = `http://127.0.0.1:${await listen(server, 0)}`;
  close = () => closeServer(server);
}
beforeEach(() => start());
afterEach(() => close());

/** A call that the vendor's signer has signed. */
async function call(method: string, path: string, data?: object): Promise<{ status: number; body: Body }> {
  const target = new URL(path, endpoint);
  const body = data === undefined ? undefined : JSON.stringify(data);
  const headers = signedHeaders(method, target, body, { 'content-type': 'application/json' });
  const response = await fetch(target, { method, headers, ...(body !== undefined && { body }) });
  return { status: response.status, body: await response.json() };
}
const create = (name: string) => call('POST', TOPICS, { name, display_name: '' });

test('a topic is made once, listed, and deleted', async () => {
  expect(await create('uploads')).toMatchObject({
    status: 201,
    body: { topic_urn: URN, request_id: expect.any(String) },
  });
  expect(await create('uploads')).toMatchObject({ status: 200, body: { topic_urn: URN } });
  await create('other');
  expect((await call('GET', TOPICS)).body).toMatchObject({ topic_count: 2 });
  expect((await call('GET', `${TOPICS}?name=uploads`)).body).toMatchObject({
    topic_count: 1,
    topics: [{ topic_urn: URN, name: 'uploads', display_name: '', push_policy: 0 }],
  });
  expect((await call('DELETE', `${TOPICS}/${URN}`)).status).toBe(200);
  expect((await call('GET', TOPICS)).body).toMatchObject({ topic_count: 1 });
});

test.each([
  ['a name that begins with a hyphen', 'POST', TOPICS, { name: '-a', display_name: '' }, 400, 'SMN.0002'],
  ['no display name', 'POST', TOPICS, { name: 'a' }, 400, 'SMN.0003'],
  ['a page of zero entries', 'GET', `${TOPICS}?limit=0`, undefined, 400, 'SMN.0015'],
  ['a missing topic', 'DELETE', `${TOPICS}/${URN}`, undefined, 404, 'SMN.0006'],
  ['a message to a missing topic', 'POST', `${TOPICS}/${URN}/publish`, { message: 'a' }, 404, 'SMN.0006'],
])('%s is refused, with the request id in the body', async (_, method, path, data, status, code) => {
  expect(await call(method, path, data)).toEqual({
    status,
    body: { code, message: expect.any(String), request_id: expect.stringMatching(/^\w{32}$/) },
  });
});

test('a message goes to the subscribers as a string', async () => {
  await create('uploads');
  const messages: TopicMessage[] = [];
  topics.onMessage((message) => messages.push(message));
  const { body } = await call('POST', `${TOPICS}/${URN}/publish`, { subject: 's', message: '{"a":1}' });
  expect(messages).toEqual([
    {
      id: body.message_id,
      topicUrn: URN,
      subject: 's',
      message: '{"a":1}',
      publishedMs: expect.any(Number),
    },
  ]);
  expect((await call('POST', `${TOPICS}/${URN}/publish`, { message: 'x'.repeat(262_145) })).status).toBe(400);
  expect((await call('POST', `${TOPICS}/${URN}/publish`, { message: '' })).status).toBe(400);
});

test('functions with a trigger are listed as subscribers', async () => {
  await create('uploads');
  expect((await call('GET', `${TOPICS}/${URN}/subscriptions`)).body).toMatchObject({
    subscription_count: 1,
    subscriptions: [{ topic_urn: URN, protocol: 'functionstage', endpoint: FUNCTION_URN, status: 1 }],
  });
});

describe('the access policy of a topic', () => {
  const statement = (changed: object = {}) => ({
    Sid: 's',
    Effect: 'Allow',
    Principal: { Service: ['obs', 'MPC'] },
    Action: ['SMN:Publish', 'SMN:QueryTopicDetail'],
    Resource: URN,
    ...changed,
  });
  const policy = (...statements: object[]) =>
    JSON.stringify({ Version: '2016-09-07', Id: '__default_policy_ID', Statement: statements });
  const set = (value: string) => call('PUT', `${TOPICS}/${URN}/attributes/access_policy`, { value });

  test('lets no service publish until it says so', async () => {
    await create('uploads');
    expect(topics.mayPublish(URN, 'mpc')).toBe(false);
    expect((await set(policy(statement()))).status).toBe(200);
    expect(topics.mayPublish(URN, 'mpc')).toBe(true);
    expect(topics.mayPublish(URN, 'vod')).toBe(false);
    expect((await call('GET', `${TOPICS}/${URN}/attributes`)).body.attributes.access_policy).toBe(
      policy(statement()),
    );
    await set('');
    expect(topics.mayPublish(URN, 'mpc')).toBe(false);
  });

  test.each([
    ['another action', [statement({ Action: ['SMN:Subscribe'] })]],
    ['another topic', [statement({ Resource: `${URN}2` })]],
    ['a denial beside it', [statement(), statement({ Sid: 't', Effect: 'Deny' })]],
  ])('lets nobody publish by %s', async (_, statements) => {
    await create('uploads');
    await set(policy(...statements));
    expect(topics.mayPublish(URN, 'mpc')).toBe(false);
  });

  test('is refused when it is not a policy', async () => {
    await create('uploads');
    for (const value of [
      'nonsense',
      '{}',
      JSON.stringify({ Version: '2020-01-01', Id: 'a', Statement: [] }),
    ]) {
      expect(await set(value)).toMatchObject({ status: 400, body: { code: 'SMN.0048' } });
    }
  });
});

test('a key without the right is refused', async () => {
  await close();
  await start(['smn:topic:create']);
  expect((await create('uploads')).status).toBe(403);
  expect((await call('GET', TOPICS)).status).toBe(200);
});
