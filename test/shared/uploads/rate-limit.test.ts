import { InstallationDouble } from '../../model/installation-double';

test('no more calls than the limit reach MPC in any minute, and all of them do in the end', async () => {
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

test('a write of a reservation that arrives after its repetition does not undo the next one', async () => {
  const service = new InstallationDouble({ userData: { MPC_REQUESTS_PER_MINUTE: '3' } });
  const records = Array.from({ length: 5 }, (_, number) => service.upload(`${number}.mp4`));
  await service.deliver(records.slice(0, 1));
  // The first attempt of the reservation's write lands 10 s after it was given up, when it has been repeated.
  await service.deliver(records.slice(1, 3), ['ok', 'ok', 'ok', 'slower']);
  await service.time.pass(10_000);
  // A new instance knows what is written down.
  service.close();
  await service.deliver(records.slice(3));
  for (let run = 0; run < 20; run++) {
    await service.time.pass(20_000);
    await service.sweep();
  }
  const times = service.cloud.creates.map(({ atMs }) => atMs).sort((a, b) => a - b);
  expect(times).toHaveLength(5);
  for (const [index, atMs] of times.slice(3).entries()) {
    expect(atMs - (times[index] ?? 0)).toBeGreaterThanOrEqual(60_000);
  }
});
