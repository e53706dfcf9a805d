import { Webhook } from 'standardwebhooks';
import type { CloudRequest } from '../model/cloud-double';
import type { Fate, Outcome } from '../model/functions-double';
import { InstallationDouble, returned, SNAPSHOTS, VIDEOS } from '../model/installation-double';

const MINUTE_MS = 60_000;
const SECRET = `whsec_${Buffer.from('a secret of exactly 32 characters').toString('base64')}`;
const NEXT_SECRET = `whsec_${Buffer.from('another secret of 32 characters!').toString('base64')}`;
const NOTIFIED = { NOTIFY_URL: 'http://hooks/snapshots?from=mpc', NOTIFY_SECRET: SECRET };

const objectsOf = (service: InstallationDouble) => service.cloud.buckets.get(SNAPSHOTS) ?? new Map();
const filesIn = (service: InstallationDouble, directory: string) =>
  [...objectsOf(service).keys()]
    .filter((key) => key.startsWith(`${directory}/`))
    .map((key) => key.slice(directory.length + 1))
    .sort();
const textOf = (service: InstallationDouble, key: string): string => objectsOf(service).get(key)?.body ?? '';
const jsonOf = (service: InstallationDouble, key: string) => JSON.parse(textOf(service, key));
const linesOf = (service: InstallationDouble, event: string) =>
  service.functions.logLines.map((line) => JSON.parse(line)).filter((line) => line.event === event);

/** What an API answer says. */
const answered = (outcome: Outcome) => {
  const { statusCode, headers, body } = returned(outcome) as {
    statusCode: number;
    headers: Record<string, string>;
    body: string;
  };
  return { status: statusCode, headers, body: JSON.parse(body) };
};

/** An installation with one upload, whose task is 1. */
async function withTask(userData: Record<string, string> = {}): Promise<InstallationDouble> {
  const service = new InstallationDouble({ userData });
  await service.deliver([service.upload('a.mp4')]);
  return service;
}

/** Receives notices, and answers with these statuses in turn; the last one stays. */
function receive(service: InstallationDouble, ...statuses: number[]): CloudRequest[] {
  const received: CloudRequest[] = [];
  service.cloud.receiver = (request) => {
    received.push(request);
    return { status: statuses[received.length - 1] ?? statuses.at(-1) ?? 204, body: '' };
  };
  return received;
}

describe('a task that has ended', () => {
  test.each(['SUCCEEDED', 'FAILED', 'CANCELED'] as const)(
    'as %s is answered by id and by key without MPC, also when MPC has forgotten it',
    async (status) => {
      const service = await withTask();
      service.cloud.end(1, status);
      await service.finish();
      service.cloud.tasks.splice(0);
      const calls = service.cloud.mpcCalls;
      expect(answered(await service.query({}, '1'))).toMatchObject({
        status: 200,
        body: { task_id: '1', status },
      });
      expect(answered(await service.query({ object: 'a.mp4' })).body).toMatchObject({
        task_array: [{ task_id: '1', status }],
      });
      expect(service.cloud.mpcCalls).toBe(calls);
    },
  );

  test('is kept by the read that sees its end first', async () => {
    const service = await withTask();
    service.cloud.end(1);
    await service.query({}, '1');
    const calls = service.cloud.mpcCalls;
    await service.query({}, '1');
    await service.query({ object: 'a.mp4' });
    expect(service.cloud.mpcCalls).toBe(calls);
  });

  test('takes two calls to OBS to be read, by id and by key', async () => {
    const service = await withTask();
    service.cloud.end(1);
    await service.finish();
    const handle = service.cloud.handle.bind(service.cloud);
    let calls = 0;
    service.cloud.handle = (request) => {
      calls++;
      return handle(request);
    };
    await service.query({ format: 'vtt' }, '1');
    expect(calls).toBe(2);
    await service.query({ object: 'a.mp4', bucket: VIDEOS });
    expect(calls).toBe(4);
  });

  test('that this service did not create is left alone', async () => {
    const service = await withTask();
    const [task] = service.cloud.tasks;
    if (task === undefined) throw new Error('no task');
    const foreign = {
      ...task,
      id: 2,
      body: { ...task.body, input: { bucket: VIDEOS, object: 'other.mp4' } },
    };
    service.cloud.tasks.push(foreign);
    service.cloud.end(2);
    const before = [...objectsOf(service).keys()];
    await service.notify('2');
    expect([...objectsOf(service).keys()]).toEqual(before);
  });

  test('is finished once, however often it is told', async () => {
    const service = await withTask(NOTIFIED);
    const received = receive(service, 204);
    service.cloud.end(1);
    for (let round = 0; round < 3; round++) {
      await service.notify('1');
      await service.finish();
    }
    expect(received).toHaveLength(1);
    expect(linesOf(service, 'task.finished')).toHaveLength(1);
  });

  test('of which a notification lies is looked up', async () => {
    const service = await withTask(NOTIFIED);
    const received = receive(service, 204);
    await service.notify('1');
    await service.notify('999');
    expect(received).toEqual([]);
    expect(filesIn(service, 'snapshots/a.mp4')).toEqual([]);
  });
});

describe('files beside the pictures', () => {
  test('are a track, a storyboard, a cover and an index with relative addresses', async () => {
    const service = await withTask();
    service.cloud.end(1);
    await service.finish();
    expect(filesIn(service, 'snapshots/a.mp4')).toEqual([
      '0.jpg',
      'poster.jpg',
      'snapshots.json',
      'storyboard.json',
      'storyboard.vtt',
    ]);
    expect(textOf(service, 'snapshots/a.mp4/storyboard.vtt')).toBe(
      'WEBVTT\n\n00:00:00.000 --> 00:00:01.000\n0.jpg\n',
    );
    expect(textOf(service, 'snapshots/a.mp4/poster.jpg')).toBe('1 0.jpg');
    expect(jsonOf(service, 'snapshots/a.mp4/storyboard.json')).toEqual([
      { url: '0.jpg', startTime: 0, endTime: 1 },
    ]);
    expect(jsonOf(service, 'snapshots/a.mp4/snapshots.json')).toEqual({
      video: { bucket: VIDEOS, key: 'a.mp4', etag: service.cloud.buckets.get(VIDEOS)?.get('a.mp4')?.etag },
      task_id: '1',
      create_time: '20261123080000',
      end_time: '20261123080000',
      pictures: [{ name: '0.jpg', url: '0.jpg', time: 0, end_time: 1, size_bytes: 7 }],
      track: 'storyboard.vtt',
      storyboard: 'storyboard.json',
      poster: 'poster.jpg',
    });
  });

  test('name whole addresses below PUBLIC_URL, as answers do', async () => {
    const service = await withTask({ PUBLIC_URL: 'https://cdn.example.com/' });
    service.cloud.end(1);
    await service.finish();
    const address = 'https://cdn.example.com/snapshots/a.mp4/0.jpg';
    expect(textOf(service, 'snapshots/a.mp4/storyboard.vtt')).toContain(`\n${address}\n`);
    expect(answered(await service.query({}, '1')).body.thumbnail_info).toMatchObject([{ url: address }]);
  });

  test.each([
    ['none', []],
    ['vtt', ['storyboard.vtt']],
    ['index,poster', ['poster.jpg', 'snapshots.json']],
  ])('are those that PUBLISH names: %s', async (PUBLISH, names) => {
    const service = await withTask({ PUBLISH });
    service.cloud.end(1);
    await service.finish();
    expect(filesIn(service, 'snapshots/a.mp4')).toEqual(['0.jpg', ...names]);
  });

  test('are not written for a task that failed', async () => {
    const service = await withTask();
    service.cloud.end(1, 'FAILED');
    await service.finish();
    expect(filesIn(service, 'snapshots/a.mp4')).toEqual([]);
  });

  test('stay those of the newer task when the older one ends last', async () => {
    const service = await withTask();
    await service.time.pass(1000);
    await service.deliver([service.upload('a.mp4', 'a newer version')]);
    service.cloud.end(2);
    await service.notify('2');
    service.cloud.end(1);
    await service.notify('1');
    expect(jsonOf(service, 'snapshots/a.mp4/snapshots.json')).toMatchObject({ task_id: '2' });
  });

  test('are the same whatever breaks off at which call, once a run has gone through', async () => {
    const clean = await withTask(NOTIFIED);
    receive(clean, 204);
    clean.cloud.end(1);
    await clean.finish();
    const wanted = filesIn(clean, 'snapshots/a.mp4').map((name) => textOf(clean, `snapshots/a.mp4/${name}`));
    const fates: Fate[] = ['crash-before', 'crash-after', 'error-before', 'reset-after'];
    for (const fate of fates) {
      for (let call = 0; call < 20; call++) {
        const service = await withTask(NOTIFIED);
        const received = receive(service, 204);
        service.cloud.end(1);
        await service.notify('1', [...Array<Fate>(call).fill('ok'), fate]);
        await service.time.pass(MINUTE_MS);
        await service.finish();
        await service.time.pass(MINUTE_MS);
        await service.finish();
        const files = filesIn(service, 'snapshots/a.mp4').map((name) =>
          textOf(service, `snapshots/a.mp4/${name}`),
        );
        expect({ fate, call, files }).toEqual({ fate, call, files: wanted });
        expect(new Set(received.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
        expect(filesIn(service, '.mpc-snapshots/notices')).toEqual([]);
      }
    }
  });
});

describe('the look through MPC’s list', () => {
  test('finds every task that ended, whatever their number, in which order they end, and which never do', async () => {
    const service = new InstallationDouble({ userData: { MPC_REQUESTS_PER_MINUTE: '1000' } });
    for (let video = 0; video < 250; video++) await service.deliver([service.upload(`${video}.mp4`)]);
    for (let id = 250; id > 1; id -= 2) service.cloud.end(id);
    for (let run = 0; run < 8; run++) {
      await service.time.pass(MINUTE_MS);
      const before = service.cloud.mpcCalls;
      await service.finish();
      expect(service.cloud.mpcCalls - before).toBeLessThanOrEqual(2);
    }
    expect(filesIn(service, '.mpc-snapshots/finished')).toHaveLength(125);
    await service.time.pass(24 * 60 * MINUTE_MS);
    for (let id = 249; id > 1; id -= 2) service.cloud.end(id);
    for (let run = 0; run < 12; run++) {
      await service.time.pass(MINUTE_MS);
      await service.finish();
    }
    expect(filesIn(service, '.mpc-snapshots/finished')).toHaveLength(249);
  });

  test('makes one call of MPC a run where nothing waits', async () => {
    const service = await withTask();
    service.cloud.end(1);
    await service.finish();
    await service.time.pass(MINUTE_MS);
    const before = service.cloud.mpcCalls;
    await service.finish();
    expect(service.cloud.mpcCalls).toBe(before + 1);
  });
});

/** When the notices that wait are due, ms since the epoch: the names of their records say so. */
const waiting = (service: InstallationDouble) =>
  filesIn(service, '.mpc-snapshots/notices').map((name) => Number(name.split('-')[0]));

describe('a notice', () => {
  test('is signed by the rules of Standard Webhooks, with each secret, and says what there is', async () => {
    const service = await withTask({
      ...NOTIFIED,
      NOTIFY_SECRET: `${SECRET} ${NEXT_SECRET}`,
      PUBLIC_URL: 'https://cdn.example.com',
    });
    const received = receive(service, 204);
    // The receiver's library looks at the clock of this machine.
    await service.time.pass(Date.now() - service.time.nowMs);
    await service.deliver([service.upload('b.mp4')]);
    service.cloud.end(2);
    await service.notify('2');
    const [request] = received;
    for (const secret of [SECRET, NEXT_SECRET]) {
      const verified = new Webhook(secret).verify(request?.body ?? '', request?.headers ?? {});
      expect(verified).toMatchObject({
        type: 'snapshots.succeeded',
        data: {
          task_id: '2',
          status: 'SUCCEEDED',
          video: { bucket: VIDEOS, key: 'b.mp4' },
          index: 'https://cdn.example.com/snapshots/b.mp4/snapshots.json',
          track: 'https://cdn.example.com/snapshots/b.mp4/storyboard.vtt',
          poster: 'https://cdn.example.com/snapshots/b.mp4/poster.jpg',
        },
      });
    }
    expect(request?.path).toBe('/snapshots?from=mpc');
  });

  test.each([
    ['FAILED', 'snapshots.failed'],
    ['CANCELED', 'snapshots.cancelled'],
  ] as const)('of a task that is %s is %s', async (status, type) => {
    const service = await withTask(NOTIFIED);
    const received = receive(service, 204);
    service.cloud.end(1, status);
    await service.finish();
    expect(received.map(({ body }) => JSON.parse(body).type)).toEqual([type]);
  });

  test('that is not taken comes again after 1, 5, 30 min, 2, 5, 10 and 24 h under the same id, and is then given up', async () => {
    const service = await withTask(NOTIFIED);
    const times: number[] = [];
    const received = receive(service, 500);
    const { receiver } = service.cloud;
    service.cloud.receiver = (request) => {
      times.push(service.time.nowMs);
      return receiver(request);
    };
    service.cloud.end(1);
    await service.finish();
    for (let [next] = waiting(service); next !== undefined; [next] = waiting(service)) {
      // The timer runs every minute: at the moment when a notice is due, and in the minute before it.
      await service.time.pass(next - service.time.nowMs - MINUTE_MS);
      await service.finish();
      await service.time.pass(MINUTE_MS);
      await service.finish();
    }
    const pausesMinutes = times
      .slice(1)
      .map((time, index) => Math.round((time - (times[index] ?? 0)) / MINUTE_MS));
    expect(pausesMinutes).toEqual([1, 5, 30, 120, 300, 600, 1440]);
    expect(new Set(received.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
    expect(linesOf(service, 'notice.given_up')).toMatchObject([{ status: 500, task_id: '1', attempt: 8 }]);
    expect(filesIn(service, '.mpc-snapshots/notices')).toEqual([]);
  });

  test('is taken only with a status of 2xx: a redirect is not followed', async () => {
    const service = await withTask(NOTIFIED);
    const received = receive(service, 302, 204);
    service.cloud.end(1);
    await service.finish();
    await service.time.pass(MINUTE_MS);
    await service.finish();
    expect(received).toHaveLength(2);
  });

  test('does not wait for MPC', async () => {
    const service = await withTask(NOTIFIED);
    const received = receive(service, 500, 204);
    service.cloud.end(1);
    await service.finish();
    await service.time.pass(MINUTE_MS);
    service.cloud.throttledUntilMs = service.time.nowMs + MINUTE_MS;
    await service.finish();
    expect(received).toHaveLength(2);
  });
});

describe('when MPC cannot be asked', () => {
  test('a video’s tasks are answered as they were last known, with the time and when to ask again', async () => {
    const service = await withTask();
    service.cloud.throttledUntilMs = service.time.nowMs + MINUTE_MS;
    const { status, headers, body } = answered(await service.query({ object: 'a.mp4' }));
    expect(status).toBe(200);
    expect(headers['retry-after']).toMatch(/^\d+$/);
    expect(body).toMatchObject({
      as_of: '2026-11-23T08:00:00.000Z',
      task_array: [{ task_id: '1', status: 'WAITING', input: { bucket: VIDEOS, object: 'a.mp4' } }],
    });
  });

  test('a task that has ended is answered as ever', async () => {
    const service = await withTask();
    service.cloud.end(1);
    await service.finish();
    service.cloud.throttledUntilMs = service.time.nowMs + MINUTE_MS;
    expect(answered(await service.query({}, '1')).body).not.toHaveProperty('as_of');
    expect(answered(await service.query({ object: 'a.mp4' }))).toMatchObject({ status: 200 });
  });

  test('a task of which nothing is known is refused, with when to ask again', async () => {
    const service = await withTask();
    service.cloud.throttledUntilMs = service.time.nowMs + MINUTE_MS;
    expect(answered(await service.query({}, '1'))).toMatchObject({
      status: 429,
      headers: { 'retry-after': '60' },
    });
  });
});

test('another event is refused in words', async () => {
  const service = new InstallationDouble();
  expect(await service.functions.invoke('on-finish', {})).toMatchObject({
    message: expect.stringContaining('this is no event of SMN or of a timer'),
  });
});
