import { until } from '../wait';
import { LocalService } from './local-service';

const COUNT = 30;

test.each(['queued', 'discarded'] as const)(
  'a burst of uploads gets one task each when events beyond the one instance are %s',
  async (excessAsyncEvents) => {
    const service = await LocalService.start({
      // Nothing is captured: only which tasks there are matters.
      mpc: { parallelTasks: 0 },
      functiongraph: { behaviour: { excessAsyncEvents, asyncRetryDelayMs: 50 } },
    });
    try {
      const { cloud } = service;
      const keys = Array.from({ length: COUNT }, (_, number) => `burst/${number}.mp4`);
      await Promise.all(keys.map((key) => service.upload(key, Buffer.from(key))));
      const ended = () => service.invocations.filter(({ state }) => /succeeded|discarded/.test(state));
      await until(() => ended().length >= COUNT);
      const discarded = ended().filter(({ state }) => state === 'discarded').length;
      expect(discarded > 0).toBe(excessAsyncEvents === 'discarded');
      // Time passes: the sweep leaves alone what has only just come.
      for (const key of keys) cloud.store.head(cloud.uploadBucket, key)!.lastModifiedMs -= 120_000;
      const { json } = await service.invoke('on-upload', { trigger_type: 'TIMER', user_event: '' });
      expect(json).toMatchObject({
        looked_at: COUNT,
        started: discarded,
        failed: 0,
        duplicates: [],
        complete: true,
      });
      const captured = cloud.mpc.tasks.list().map(({ input }) => input.object);
      expect(captured.sort()).toEqual([...keys].sort());
    } finally {
      await service.stop();
    }
  },
);
