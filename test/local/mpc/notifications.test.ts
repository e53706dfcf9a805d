import type { MpcBehaviour } from '../../../local/mpc/behaviour';
import { closeFixtures, MpcFixture, PROJECT, REGION, request, syncRequest } from './mpc-fixture';

const TOPIC = `urn:smn:${REGION}:${PROJECT}:uploads`;
const PATH = `/v1/${PROJECT}/notification`;
const ON = { event_name: 'ThumbnailComplete', status: 'on', topic: TOPIC, msg_type: 2 };

let published: { topic: string; message: string }[];
let mpc: MpcFixture;
async function start(behaviour: Partial<MpcBehaviour> = {}): Promise<void> {
  published = [];
  const topics = {
    mayPublish: (urn: string) => urn === TOPIC,
    publish: (topic: string, message: string) => void published.push({ topic, message }),
  };
  mpc = await MpcFixture.open({ topics, behaviour });
}
const set = (...notifications: object[]) => mpc.call('PUT', { path: PATH, body: { notifications } });
afterEach(closeFixtures);

test('the events are listed, with the setting of one of them', async () => {
  await start();
  const events = await mpc.call('GET', { path: `${PATH}/event` });
  expect(events.body.event_name).toContain('ThumbnailComplete');
  expect(events.body.total).toBe(events.body.event_name.length);
  expect((await mpc.call('GET', { path: PATH })).body).toEqual({ notifications: [], total: 0 });
  expect(await set(ON)).toMatchObject({ status: 204, body: undefined });
  const other = { ...ON, event_name: 'TranscodeComplete' };
  await set(other);
  expect((await mpc.call('GET', { path: PATH })).body).toEqual({ notifications: [ON, other], total: 2 });
});

test.each([
  ['an unknown event', { ...ON, event_name: 'thumbnailComplete' }],
  ['no topic', { ...ON, topic: '' }],
  ['an unknown type of message', { ...ON, msg_type: 4 }],
  ['another status', { ...ON, status: 'yes' }],
])('%s is refused', async (_, setting) => {
  await start();
  expect(await set(setting)).toMatchObject({ status: 400, body: { error_code: 'MPC.10202' } });
});

test('a topic that does not let MPC publish is refused, and nothing is set', async () => {
  await start();
  expect(await set({ ...ON, event_name: 'ParseComplete' }, { ...ON, topic: `${TOPIC}2` })).toMatchObject({
    status: 400,
    body: { error_msg: 'You do not have the permission to publish messages to the topic.' },
  });
  expect((await mpc.call('GET', { path: PATH })).body.total).toBe(0);
});

test('the end of a task is notified once, with its id as an object of the list’s name', async () => {
  await start();
  await set(ON);
  const id = await mpc.accepted(request());
  await mpc.ended(id);
  expect(published).toHaveLength(1);
  expect(published[0]?.topic).toBe(TOPIC);
  expect(JSON.parse(published[0]?.message ?? '')).toMatchObject({
    event_type: 'ThumbnailComplete',
    thumbnail_info: { task_id: id, status: 'SUCCEED', output: { bucket: 'snapshots' } },
  });
});

test('a task that failed is notified as well', async () => {
  await start();
  await set(ON);
  await mpc.upload('broken.mp4', 'no video');
  await mpc.ended(
    await mpc.accepted(request({ input: { bucket: 'uploads', location: REGION, object: 'broken.mp4' } })),
  );
  expect(JSON.parse(published[0]?.message ?? '').thumbnail_info.status).toBe('FAILED');
});

test.each([
  ['switched off', { status: 'off' }],
  ['for people only', { msg_type: 1 }],
])('nothing is sent when it is %s', async (_, changed) => {
  await start();
  await set({ ...ON, ...changed });
  await mpc.ended(await mpc.accepted(request()));
  expect(published).toEqual([]);
});

test.each([
  ['queued', 0],
  ['all', 2],
] as const)('of synchronous and cancelled tasks is notified: %s', async (notifiedTasks, count) => {
  await start({ notifiedTasks, notificationStatus: 'SUCCEEDED' });
  await set(ON);
  await mpc.create(syncRequest());
  // Two run at the same time; the third waits, and can be cancelled.
  mpc.capture.hold();
  const [, , waiting = ''] = [
    await mpc.accepted(request()),
    await mpc.accepted(request()),
    await mpc.accepted(request()),
  ];
  expect((await mpc.cancel(waiting)).status).toBe(204);
  const statuses = published.map(({ message }) => JSON.parse(message).thumbnail_info.status);
  expect(statuses).toEqual(['SUCCEEDED', 'CANCELED'].slice(0, count));
  mpc.capture.release();
});
