import { readFile } from 'node:fs/promises';
import type { Server } from 'node:http';
import { Webhook } from 'standardwebhooks';
import { startDeployedCloud } from '../../local/commands/deployed-cloud';
import { closeServer, listen } from '../../local/http-server';
import { createReceiver, type ReceivedNotice, type ReceiverOptions } from '../../local/webhook-receiver';
import { makeClip } from '../clip';
import { until } from '../wait';
import { LocalService } from './local-service';

const SECRET = `whsec_${Buffer.from('a secret of exactly 32 characters').toString('base64')}`;
const FILES = ['poster.jpg', 'snapshots.json', 'storyboard.json', 'storyboard.vtt'];

interface Notice {
  type: string;
  data: { task_id: string; video: { key: string }; index: string; track: string; poster: string };
}

let clip: Buffer;
let receiver: Server;
let service: LocalService;
let notices: ReceivedNotice[];
/** Headers of each notice, for the reference implementation to look at. */
let headers: Record<string, string>[];

beforeAll(async () => {
  clip = await readFile(await makeClip({ seconds: 6 }));
});
afterEach(async () => {
  await service.stop();
  await closeServer(receiver);
});

async function start(
  cloud: Parameters<typeof startDeployedCloud>[0],
  faults?: ReceiverOptions['faults'],
): Promise<void> {
  notices = [];
  headers = [];
  receiver = createReceiver({ secrets: [SECRET], faults, onNotice: (notice) => notices.push(notice) });
  receiver.prependListener('request', (request) => headers.push(request.headers as Record<string, string>));
  const NOTIFY_URL = `http://127.0.0.1:${await listen(receiver, 0)}/`;
  service = LocalService.of(
    await startDeployedCloud(cloud, { NOTIFY_URL, NOTIFY_SECRET: SECRET, ON_REMOVAL: 'delete' }),
  );
}

const filesBeside = (directory: string): string[] =>
  service.cloud.store
    .list(service.cloud.snapshotBucket, { prefix: `${directory}/` })
    .objects.map(({ key }) => key.slice(directory.length + 1))
    .filter((name) => !/^\d+\.jpg$/.test(name))
    .sort();
const finishing = () => service.invocations.filter(({ functionName }) => functionName === 'on-finish');

test('after a notification, files and a notice that the reference implementation accepts are there at once', async () => {
  await start({ port: 0 });
  await service.upload('uploads/a.mp4', clip);
  const task = await service.finalTaskOf('uploads/a.mp4');
  await until(() => notices.length > 0);
  const [notice] = notices;
  expect(filesBeside(task.output?.object ?? '')).toEqual(FILES);
  const believed = new Webhook(SECRET).verify(notice?.body ?? '', headers[0] ?? {}) as Notice;
  expect(believed).toMatchObject({
    type: 'snapshots.succeeded',
    data: { task_id: task.task_id, video: { key: 'uploads/a.mp4' } },
  });
  // The addresses lead there.
  const [index, track, poster] = await Promise.all(
    [believed.data.index, believed.data.track, believed.data.poster].map((url) => fetch(url)),
  );
  expect(await index?.json()).toMatchObject({ task_id: task.task_id });
  expect(await track?.text()).toMatch(/^WEBVTT\n/);
  expect(poster?.headers.get('content-type')).toBe('image/jpeg');
  expect(finishing().map(({ trigger }) => trigger)).not.toContain('TIMER');
  // Told again, and looked at again by the timer, it stays one notice.
  service.cloud.functiongraph.fireTimer('on-finish', 'finish');
  await until(() => finishing().some(({ trigger, state }) => trigger === 'TIMER' && state === 'succeeded'));
  expect(notices).toHaveLength(1);
}, 60_000);

test('if every notification is lost, the timer does everything', async () => {
  await start({ port: 0, faults: { shares: { 'smn.drop': 1 }, seed: 1 } });
  await service.upload('uploads/a.mp4', clip);
  const task = await service.finalTaskOf('uploads/a.mp4');
  expect(notices).toEqual([]);
  service.cloud.functiongraph.fireTimer('on-finish', 'finish');
  await until(() => notices.length > 0);
  expect(notices).toMatchObject([{ answer: 204 }]);
  expect(filesBeside(task.output?.object ?? '')).toEqual(FILES);
  expect(finishing().map(({ trigger }) => trigger)).not.toContain('SMN');
}, 60_000);

test('a notification that comes twice makes one notice, and a forged one makes none', async () => {
  await start({ port: 0, faults: { shares: { 'smn.duplicate': 1 }, seed: 1 } });
  await service.upload('uploads/a.mp4', clip);
  await service.finalTaskOf('uploads/a.mp4');
  const told = () =>
    finishing().filter(({ trigger, state }) => trigger === 'SMN' && state === 'succeeded').length;
  await until(() => told() === 2 && notices.length > 0);
  const { topics, environment } = service.cloud;
  const thumbnail_info = { task_id: '9999999', status: 'SUCCEED' };
  topics.publish(
    environment.SMN_TOPIC_URN ?? '',
    JSON.stringify({ event_type: 'ThumbnailComplete', thumbnail_info }),
  );
  await until(() => told() === 4);
  expect(notices).toHaveLength(1);
}, 60_000);

test('a receiver that fails keeps neither files nor results back', async () => {
  await start({ port: 0 }, { shares: { 'webhook.5xx': 1 }, seed: 1 });
  await service.upload('uploads/a.mp4', clip);
  const task = await service.finalTaskOf('uploads/a.mp4');
  await until(() => notices.length > 0);
  expect(notices).toMatchObject([{ answer: 503 }]);
  expect(filesBeside(task.output?.object ?? '')).toEqual(FILES);
  // It waits to be sent again.
  const waiting = () =>
    service.cloud.store.list(service.cloud.snapshotBucket, { prefix: '.mpc-snapshots/notices/' }).objects;
  await until(() => finishing().some(({ state }) => state === 'succeeded'));
  expect(waiting()).toHaveLength(1);
}, 60_000);

test('when a video is deleted, its pictures, files and records are deleted', async () => {
  await start({ port: 0 });
  const { store, uploadBucket, snapshotBucket } = service.cloud;
  for (const key of ['uploads/a.mp4', 'uploads/b.mp4']) {
    await service.upload(key, clip);
    await service.finalTaskOf(key);
  }
  await until(() => notices.length === 2);
  const keys = () => store.list(snapshotBucket, {}).objects.map(({ key }) => key);
  const own = keys().filter((key) => key.startsWith('snapshots/uploads/b.mp4/'));
  await store.delete(uploadBucket, 'uploads/a.mp4');
  const timed = () =>
    finishing().filter(({ trigger, state }) => trigger === 'TIMER' && state === 'succeeded').length;
  const isNoted = () => keys().some((key) => key.startsWith('.mpc-snapshots/removed/'));
  await until(isNoted);
  // What is still being finished waits for the next run.
  await until(async () => {
    const before = timed();
    service.cloud.functiongraph.fireTimer('on-finish', 'finish');
    await until(() => timed() > before);
    return !isNoted();
  });
  expect(keys().filter((key) => key.startsWith('snapshots/'))).toEqual(own);
  expect(keys().filter((key) => /\/(claims|tasks|finished)\//.test(key))).toHaveLength(4);
}, 60_000);
