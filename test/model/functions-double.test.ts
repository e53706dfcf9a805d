import { inspect } from 'node:util';
import { LoadedCode } from './functions-double';
import { InstallationDouble } from './installation-double';

/** What the variables of a copy hold, without schemas: zod keeps in them what it has worked out. */
function kept(code: LoadedCode): Map<string, string> {
  const own = Object.entries(code.variables()).filter(
    ([, value]) => !inspect(value, { depth: 0 }).includes('Zod'),
  );
  const shown = (value: unknown) =>
    // Which promise it is does not matter.
    inspect(value, { depth: 4, showHidden: true }).replace(/\[Symbol\(\w*_id_symbol\)\]: \d+/g, '');
  return new Map(own.map(([name, value]) => [name, shown(value)]));
}

test('a process with a copy of the functions that others have used knows nothing of them', async () => {
  const service = new InstallationDouble({ userData: { MPC_REQUESTS_PER_MINUTE: '3' } });
  const records = Array.from({ length: 5 }, (_, number) => service.upload(`${number}.mp4`));
  await service.deliver(records, ['ok', 'throttled', 'slower']);
  await service.sweep();
  await service.query({ object: '0.mp4' });
  service.cloud.end(1);
  await service.notify('1');
  const used = service.functions.loaded;
  const fresh = kept(new LoadedCode());
  const differing = () =>
    [...kept(used)].filter(([name, value]) => fresh.get(name) !== value).map(([name]) => name);
  expect(differing()).toEqual(expect.arrayContaining(['ownReservations', 'knownFinished', 'transports']));
  service.close();
  used.begin({ time: service.time, serve: async () => 'never', keepLine: () => {} });
  expect(differing()).toEqual([]);
});
