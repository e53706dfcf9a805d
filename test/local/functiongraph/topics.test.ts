import { until } from '../../wait';
import { type Cloud, PROJECT, startCloud } from './cloud';

const TOPIC = `urn:smn:cn-north-4:${PROJECT}:uploads`;
const ECHO = 'exports.handler = async (event, context) => event;';

let cloud: Cloud;
afterEach(() => cloud.close());

test('a message to a topic reaches the functions with a trigger for it, in the documented envelope', async () => {
  cloud = await startCloud();
  await cloud.deploy('told', ECHO);
  await cloud.deploy('other', ECHO);
  const made = await cloud.addTrigger('told', 'SMN', { topic_urn: TOPIC });
  expect(made).toMatchObject({
    status: 201,
    body: { trigger_type_code: 'SMN', trigger_status: 'ACTIVE', event_data: { topic_urn: TOPIC } },
  });
  expect((await cloud.addTrigger('told', 'SMN', { topic_urn: TOPIC })).status).toBe(409);
  await cloud.addTrigger('other', 'SMN', { topic_urn: `${TOPIC}2` });
  const message = { id: 'm1', topicUrn: TOPIC, subject: null, message: '{"a":1}', publishedMs: 0 };
  const [requestId, ...more] = cloud.functiongraph.deliverTopicMessage(message);
  expect(more).toEqual([]);
  const ended = await until(() =>
    cloud.invocations.find(
      (one) => one.requestId === requestId && one.functionName === 'told' && one.state === 'succeeded',
    ),
  );
  expect(ended.trigger).toBe('SMN');
  // FunctionGraph user guide, sample events: SMN.
  expect(JSON.parse(ended.outcome?.body ?? '')).toEqual({
    record: [
      {
        event_version: '1.0',
        smn: {
          topic_urn: TOPIC,
          timestamp: '1970-01-01T00:00:00Z',
          message_attributes: null,
          message: '{"a":1}',
          type: 'notification',
          message_id: 'm1',
          subject: null,
        },
        event_subscription_urn: `urn:fss:cn-north-4:${PROJECT}:function:default:told:latest`,
        event_source: 'smn',
      },
    ],
    functionname: 'told',
    requestId: expect.any(String),
    timestamp: expect.any(String),
  });
});

test('a trigger for a topic that SMN does not have is refused, and a deleted trigger gets nothing', async () => {
  cloud = await startCloud({ hasTopic: (urn) => urn === TOPIC });
  await cloud.deploy('told', ECHO);
  expect(await cloud.addTrigger('told', 'SMN', { topic_urn: `${TOPIC}2` })).toMatchObject({
    status: 400,
    body: { error_code: 'FSS.0400' },
  });
  const { body } = await cloud.addTrigger('told', 'SMN', { topic_urn: TOPIC });
  const { trigger_id: id } = body as { trigger_id: string };
  expect(cloud.functiongraph.topicSubscriptions(TOPIC)).toHaveLength(1);
  const urn = `urn:fss:cn-north-4:${PROJECT}:function:default:told:latest`;
  await cloud.call('DELETE', `fgs/triggers/${urn}/SMN/${id}`);
  expect(cloud.functiongraph.topicSubscriptions(TOPIC)).toEqual([]);
});
