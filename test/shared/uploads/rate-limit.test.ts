import { InstallationDouble } from '../../model/installation-double';

test('in no minute more calls reach MPC than the limit, and all of them do in the end', async () => {
  const service = new InstallationDouble({ userData: { MPC_REQUESTS_PER_MINUTE: '3' } });
  const waiting = Array.from({ length: 8 }, (_, number) => service.upload(`${number}.mp4`));
  await service.deliver(waiting);
  for (let run = 0; run < 20; run++) {
    await service.time.pass(20_000);
    await service.sweep();
  }
  const times = service.cloud.creates.map(({ atMs }) => atMs).sort((a, b) => a - b);
  expect(times).toHaveLength(8);
  for (const [index, atMs] of times.slice(3).entries()) {
    expect(atMs - (times[index] ?? 0)).toBeGreaterThanOrEqual(60_000);
  }
});
