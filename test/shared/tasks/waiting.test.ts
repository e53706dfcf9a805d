import { inTurn, type Waiting } from '../../../shared/tasks/waiting';
import { InstallationDouble, returned, SNAPSHOTS, VIDEOS } from '../../model/installation-double';

const waiting = (folder: string, sinceMs: number, more: Partial<Waiting> = {}): Waiting => ({
  folder,
  sinceMs,
  id: `${folder}${sinceMs}`,
  ...more,
});
const ids = (line: readonly Waiting[]) => line.map(({ id }) => id);

test('folders take turns, starting after the last one, and the oldest upload of each comes first', () => {
  const line = [
    waiting('a', 3),
    waiting('a', 1),
    waiting('a', 2),
    waiting('b', 9),
    waiting('c', 5),
    waiting('c', 4),
  ];
  expect(ids(inTurn(line))).toEqual(['a1', 'b9', 'c4', 'a2', 'c5', 'a3']);
  expect(ids(inTurn(line, 'a'))).toEqual(['b9', 'c4', 'a1', 'c5', 'a2', 'a3']);
  expect(ids(inTurn(line, 'c'))).toEqual(['a1', 'b9', 'c4', 'a2', 'c5', 'a3']);
});

test('an upload with several records is in line once', () => {
  const line = [
    waiting('a', 2, { id: 'x' }),
    waiting('a', 1, { id: 'x', recordKey: 'r' }),
    waiting('', 3, { id: 'x' }),
  ];
  expect(inTurn(line)).toEqual([waiting('a', 1, { id: 'x', recordKey: 'r' })]);
});

test('however many old videos wait, a new upload is found and comes first', async () => {
  const service = new InstallationDouble({ userData: { MPC_REQUESTS_PER_MINUTE: '1' } });
  const put = (name: string, value: unknown) =>
    service.cloud.put(SNAPSHOTS, `.mpc-snapshots/${name}.json`, JSON.stringify(value));
  returned(await service.sweep());
  // It is the turn of what is behind all folders: those before them are listed last.
  const stored = service.cloud.buckets.get(SNAPSHOTS)?.get('.mpc-snapshots/sweep.json')?.body ?? '{}';
  put('sweep', { ...JSON.parse(stored), folder: 'f'.repeat(12) });
  service.upload('old.mp4');
  for (let number = 0; number < 10_500; number++)
    put(`waiting/~${'ab'[number % 2]?.repeat(12)}/${1_000_000_000_000 + number}-${number}`, {
      bucket: VIDEOS,
      key: 'old.mp4',
    });
  service.upload('new.mp4');
  put(`waiting/888888888888/${service.time.nowMs}-new`, { bucket: VIDEOS, key: 'new.mp4' });
  await service.sweep();
  expect(service.cloud.tasks.map(({ body }) => body.input.object)).toEqual(['new.mp4']);
});
