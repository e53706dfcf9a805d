import { filesIn, linesOf, objectsOf } from '../../functions/finishing';
import { InstallationDouble } from '../../model/installation-double';

const DIRECTORY = 'snapshots/a.mp4';
const isPicture = (name: string) => /^[0-9]+\.jpg$/.test(name);

/** A long video is captured and replaced by a short one: of both versions MPC names these pictures. */
async function replaced(userData: Record<string, string>, order: readonly number[] = [1, 2]) {
  const service = new InstallationDouble({ userData: { PUBLISH: 'index', ...userData } });
  const names: Record<number, string[]> = { 1: ['0.jpg', '10.jpg', '95.jpg'], 2: ['0.jpg', '8.jpg'] };
  for (const [id, content] of [
    [1, 'long'],
    [2, 'short'],
  ] as const) {
    await service.time.pass(5_000);
    await service.deliver([service.upload('a.mp4', content)]);
    service.cloud.pictures = (task) => names[task] ?? [];
    service.cloud.end(id);
  }
  for (const id of order) await service.notify(String(id));
  return service;
}

describe('pictures of an older version, which the newest one did not write over,', () => {
  test.each([[[1, 2]], [[2, 1]]])(
    'are deleted with ON_REMOVAL=delete, in whatever order the tasks are finished: %j',
    async (order) => {
      const service = await replaced({ ON_REMOVAL: 'delete' }, order);
      expect(filesIn(service, DIRECTORY).filter(isPicture)).toEqual(['0.jpg', '8.jpg']);
      expect(linesOf(service, 'pictures.cleared')).toMatchObject([{ directory: DIRECTORY, objects: 2 }]);
    },
  );

  test('stay where nothing is to be deleted', async () => {
    const service = await replaced({});
    expect(filesIn(service, DIRECTORY).filter(isPicture)).toEqual(['0.jpg', '10.jpg', '8.jpg', '95.jpg']);
  });

  test('are deleted, but not what callers captured there', async () => {
    const service = new InstallationDouble({ userData: { ON_REMOVAL: 'delete' } });
    const names: Record<number, string[]> = { 1: ['0.jpg', '95.jpg'], 2: ['95.jpg', '7.jpg'], 3: ['0.jpg'] };
    service.cloud.pictures = (task) => names[task] ?? [];
    await service.deliver([service.upload('a.mp4', 'long')]);
    await service.create({ input: { bucket: 'videos', object: 'a.mp4' } });
    for (const id of [1, 2]) service.cloud.end(id);
    await service.time.pass(5_000);
    await service.deliver([service.upload('a.mp4', 'short')]);
    service.cloud.end(3);
    for (const id of [1, 2, 3]) await service.notify(String(id));
    expect(filesIn(service, DIRECTORY).filter(isPicture)).toEqual(['0.jpg', '7.jpg', '95.jpg']);
  });

  test('stay where another video has the same directory', async () => {
    const service = new InstallationDouble({
      userData: { ON_REMOVAL: 'delete', OUTPUT_DIRECTORY: 'snapshots/{stem}' },
    });
    const names: Record<number, string[]> = { 1: ['0.jpg', '95.jpg'], 2: ['95.jpg'], 3: ['0.jpg'] };
    service.cloud.pictures = (task) => names[task] ?? [];
    await service.deliver([service.upload('a.mp4', 'long')]);
    await service.deliver([service.upload('a.mov', 'another')]);
    for (const id of [1, 2]) service.cloud.end(id);
    await service.time.pass(5_000);
    await service.deliver([service.upload('a.mp4', 'short')]);
    service.cloud.end(3);
    for (const id of [1, 2, 3]) await service.notify(String(id));
    expect(filesIn(service, 'snapshots/a').filter(isPicture)).toEqual(['0.jpg', '95.jpg']);
  });

  test('are reported where the right to delete is missing, and delay nothing', async () => {
    const service = await replaced({ ON_REMOVAL: 'delete' }, []);
    service.cloud.mayDelete = false;
    for (const id of ['1', '2']) await service.notify(id);
    expect(linesOf(service, 'pictures.not_cleared')).toMatchObject([
      { level: 'warn', service_error_code: 'AccessDenied' },
    ]);
    expect(linesOf(service, 'task.finished')).toHaveLength(2);
    expect(objectsOf(service).has(`${DIRECTORY}/95.jpg`)).toBe(true);
  });
});
