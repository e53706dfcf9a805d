import { backfill } from '../../deploy/backfill/backfill';
import { CloudApi, connectionFrom } from '../../deploy/cloud-api';
import { type DesiredState, desiredState } from '../../deploy/desired-state';
import type { CommandOptions } from '../../deploy/framework';
import { FunctionGraphApi } from '../../deploy/functiongraph-api';
import { readService } from '../../deploy/service-file';
import type { Cloud } from '../../local/cloud';
import { startDeployedCloud } from '../../local/commands/deployed-cloud';
import { until } from '../wait';

const COUNT = 30;
const DAY_MS = 24 * 3_600_000;
const CAPTURES = JSON.stringify([
  { name: 'track', prefix: 'films/', thumbnail_para: { type: 'TIME', time: 10 } },
  { name: 'cover', thumbnail_para: { type: 'DOTS', dots: [3] } },
]);

let cloud: Cloud;
let desired: DesiredState;
let api: FunctionGraphApi;

beforeAll(async () => {
  // Nothing is captured, and no event reaches a function: what is in the bucket is a library of before.
  cloud = await startDeployedCloud(
    { port: 0, mpc: { parallelTasks: 0 }, faults: { shares: { drop: 1 }, seed: 1 } },
    { MAX_UNFINISHED_TASKS: '1000' },
  );
  for (const one of cloud.functiongraph.functions()) {
    const { CAPTURE: _, ...rest } = JSON.parse(one.configuration.user_data ?? '{}');
    one.configuration.user_data = JSON.stringify({ ...rest, CAPTURES });
    one.pool.retire();
  }
  const service = await readService('local', cloud.environment);
  const { provider } = service as { provider: { environment: Record<string, string> } };
  provider.environment.CAPTURE = '';
  provider.environment.CAPTURES = CAPTURES;
  desired = desiredState(service);
  api = new FunctionGraphApi(new CloudApi(connectionFrom(cloud.environment, cloud.region)));
  // A sweep that has seen everything does not look at what is old.
  await sweep();
  for (let number = 0; number < COUNT; number++) {
    const key = `${number % 3 === 0 ? 'films' : 'clips'}/${number}.mp4`;
    await cloud.store.put(cloud.uploadBucket, key, Buffer.from(key));
    cloud.store.head(cloud.uploadBucket, key)!.lastModifiedMs -= 2 * DAY_MS;
  }
  await cloud.store.put(cloud.uploadBucket, 'films/readme.txt', Buffer.from('text'));
});
afterAll(() => cloud.close());

const sweep = () => cloud.functiongraph.invoke('on-upload', { trigger_type: 'TIMER', user_event: '' });
const tasks = () => cloud.mpc.tasks.list().map(({ output }) => output.object);
const run = async (options: CommandOptions, nextLook?: () => Promise<unknown>): Promise<string[]> => {
  const printed: string[] = [];
  await backfill({ desired, api, options, print: (line) => printed.push(line) }, nextLook);
  return printed;
};

test('a library is counted first, and nothing is started', async () => {
  expect(await run({ 'price-per-picture': '0.001', 'video-minutes': '1' })).toEqual([
    'all videos: 30 videos, 40 tasks, of which 0 are there',
    '  capture track: 10 to start, about 7 pictures each',
    '  capture cover: 30 to start, 1 picture each',
    'time: less than a minute, at 70 tasks a minute (MPC_REQUESTS_PER_MINUTE 80; 10 are kept free for new uploads)',
    'pictures: 100, with videos of 1 minutes (--video-minutes)',
    'money: about 0.10, at 0.001 a picture',
    'nothing was started: add --yes to start',
  ]);
  const some = await run({ prefix: 'clips/', capture: 'cover' });
  expect(some[0]).toBe('clips/*, capture cover: 20 videos, 20 tasks, of which 0 are there');
  expect(await run({ status: true })).toEqual(['no backfill was requested']);
  await sweep();
  expect(tasks()).toEqual([]);
});

test.each<[CommandOptions, string]>([
  [{ capture: 'tracks' }, '--capture must be one of track, cover, got "tracks"'],
  [
    { 'price-per-picture': 'much' },
    '--price-per-picture must be a number above 0 (in any currency), got "much"',
  ],
  [{ 'video-minutes': '0' }, '--video-minutes must be a number above 0 (min), got "0"'],
])('%j is refused with a clear message', async (options, message) => {
  await expect(run(options)).rejects.toThrow(message);
});

test('the deployed functions complete a backfill that is interrupted, restarted or watched by two people', async () => {
  // One that is interrupted before anything is done.
  const first = await run({ prefix: 'clips/', yes: true }, async () => false);
  expect(first.slice(-1)).toEqual(['waits for the next sweep, which comes every minute']);
  expect(tasks()).toEqual([]);
  await expect(run({ yes: true })).rejects.toThrow(
    'a backfill of clips/* is running: --status shows its progress, --stop ends it',
  );
  // Two on two machines, while the sweep does it.
  const watching = [0, 1].map(() => run({ prefix: 'clips/', yes: true }, () => until(() => true)));
  await sweep();
  for (const printed of await Promise.all(watching)) {
    expect(printed[0]).toBe('the backfill of clips/* is running');
    expect(printed.at(-1)).toBe('done: 20 videos, 20 tasks started, 0 were there');
  }
  expect(await run({ status: true })).toEqual([
    'backfill of clips/*',
    'done: 20 videos, 20 tasks started, 0 were there',
  ]);
  expect(tasks()).toHaveLength(20);
  // Again: nothing is lacking there any more; the rest is.
  expect((await run({ prefix: 'clips/', yes: true })).slice(-1)).toEqual(['nothing is to be started']);
  const rest = await run({ yes: true }, sweep);
  expect(rest[0]).toBe('all videos: 30 videos, 40 tasks, of which 20 are there');
  expect(rest.at(-1)).toBe('done: 30 videos, 20 tasks started, 20 were there');
  expect(new Set(tasks()).size).toBe(40);
  expect(tasks()).toHaveLength(40);
});

test('a backfill can be stopped', async () => {
  await cloud.store.put(cloud.uploadBucket, 'films/last.mp4', Buffer.from('last'));
  cloud.store.head(cloud.uploadBucket, 'films/last.mp4')!.lastModifiedMs -= 2 * DAY_MS;
  await run({ yes: true }, async () => false);
  expect(await run({ stop: true })).toEqual([
    'the backfill of all videos ends with the next sweep; tasks that were started stay',
  ]);
  expect(await run({ stop: true })).toEqual(['no backfill is running']);
  await sweep();
  expect(tasks()).toHaveLength(40);
});
