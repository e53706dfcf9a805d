import { filesIn, MINUTE_MS, withTask } from '../../functions/finishing';
import { InstallationDouble, SNAPSHOTS } from '../../model/installation-double';

describe('the search through MPC’s list', () => {
  test('finds every ended task, whatever their number and order, even if some never end', async () => {
    const service = new InstallationDouble({
      userData: { MPC_REQUESTS_PER_MINUTE: '1000', MAX_UNFINISHED_TASKS: '1000' },
    });
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

  test.each([
    { from_ms: 9e15, until_ms: 9e15 + 1, page: 7 },
    { from_ms: 1e13, page: 0 },
    { from_ms: Date.UTC(2026, 10, 23), until_ms: 9e15, page: 0 },
    { from_ms: Date.UTC(2026, 10, 23), until_ms: 1e13, page: 0 },
    { from_ms: Date.UTC(2026, 10, 23), page: 50_001 },
  ])('begins anew if its mark is in the future, or behind the last page: %j', async (mark) => {
    const service = await withTask();
    service.cloud.put(SNAPSHOTS, '.mpc-snapshots/finish.json', JSON.stringify(mark));
    service.cloud.end(1);
    await service.finish();
    expect(filesIn(service, '.mpc-snapshots/finished')).toHaveLength(1);
  });

  test('makes one call to MPC in a run where nothing waits', async () => {
    const service = await withTask();
    service.cloud.end(1);
    await service.finish();
    await service.time.pass(MINUTE_MS);
    const before = service.cloud.mpcCalls;
    await service.finish();
    expect(service.cloud.mpcCalls).toBe(before + 1);
  });
});
