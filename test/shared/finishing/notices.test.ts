import { Webhook } from 'standardwebhooks';
import {
  filesIn,
  linesOf,
  MINUTE_MS,
  NEXT_SECRET,
  NOTIFIED,
  receive,
  SECRET,
  withTask,
} from '../../functions/finishing';
import { InstallationDouble, VIDEOS } from '../../model/installation-double';

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

  test('that is not accepted comes again after 1, 5, 30 min, 2, 5, 10 and 24 h under the same id, and is then given up', async () => {
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

  test('counts as accepted only with a status of 2xx: a redirect is not followed', async () => {
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

describe('a receiver', () => {
  const KEYS = Array.from({ length: 12 }, (_, number) => `${number}.mp4`);

  /** Twelve videos whose tasks have ended, and a receiver that takes so long to answer. */
  async function withReceiver(receiverMs: number | (() => number)): Promise<InstallationDouble> {
    const answerMs = typeof receiverMs === 'number' ? () => receiverMs : receiverMs;
    const service = new InstallationDouble({
      userData: NOTIFIED,
      answerMs: ({ headers }) => (headers['webhook-id'] === undefined ? 0 : answerMs()),
    });
    await service.deliver(KEYS.map((key) => service.upload(key)));
    KEYS.forEach((_, index) => {
      service.cloud.end(index + 1);
    });
    return service;
  }

  test.each([3_000, 9_000, 60_000])(
    'that answers after %i ms delays the files of other videos once, and not for each notice',
    async (receiverMs) => {
      const service = await withReceiver(receiverMs);
      const { nowMs } = service.time;
      for (const [index, key] of KEYS.entries()) {
        await service.notify(String(index + 1));
        expect(filesIn(service, `snapshots/${key}`)).toContain('snapshots.json');
      }
      expect(service.time.nowMs - nowMs).toBeLessThanOrEqual(10_000);
    },
  );

  test.each([3_000, 9_000])('that answers after %i ms gets every notice', async (receiverMs) => {
    const service = await withReceiver(receiverMs);
    const received = receive(service, 204);
    for (const index of KEYS.keys()) await service.notify(String(index + 1));
    for (let minute = 0; minute < 2; minute++) {
      await service.time.pass(MINUTE_MS);
      await service.finish();
    }
    expect(new Set(received.map(({ headers }) => headers['webhook-id'])).size).toBe(KEYS.length);
    expect(received).toHaveLength(KEYS.length);
  });

  test('that never answers holds up no run of the timer longer than one attempt', async () => {
    const service = await withReceiver(60_000);
    const { nowMs } = service.time;
    await service.finish();
    expect(service.time.nowMs - nowMs).toBeLessThanOrEqual(10_000);
  });

  test('that was slow for a while gets its notices at once again', async () => {
    let ms = 9_000;
    const service = await withReceiver(() => ms);
    const received = receive(service, 204);
    await service.notify('1');
    ms = 0;
    await service.time.pass(2 * MINUTE_MS);
    await service.notify('2');
    expect(received).toHaveLength(2);
  });
});
