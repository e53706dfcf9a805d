import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { until } from '../../wait';
import { closeFixtures, MpcFixture, request, syncRequest } from './mpc-fixture';

afterEach(closeFixtures);

describe('a restart with the same directory', () => {
  async function openWithJournal(parallelTasks: number) {
    const fixture = await MpcFixture.open({ parallelTasks: 0 });
    await fixture.mpc.close();
    const directory = path.join(fixture.directory, 'mpc');
    await fixture.start({ directory, parallelTasks });
    const restart = async () => {
      await fixture.mpc.close();
      fixture.capture.release();
      await fixture.start({ directory });
    };
    return { fixture, restart, journal: path.join(directory, 'tasks.jsonl') };
  }

  test('keeps finished tasks, runs waiting ones and restarts running ones', async () => {
    const { fixture, restart } = await openWithJournal(1);
    const finished = await fixture.accepted(request({ user_data: 'ü' }, { output_filename: 'f' }));
    const before = await fixture.ended(finished);
    fixture.capture.hold();
    const running = await fixture.accepted(request({ original_dir: 0 }));
    const waiting = await fixture.accepted(request({ tar: 0 }));
    const cancelled = await fixture.accepted(request());
    await fixture.cancel(cancelled);
    const directory = (await fixture.one(running)).output.object;
    expect((await fixture.one(running)).status).toBe('PROCESSING');

    await restart();
    expect(await fixture.one(finished)).toEqual(before);
    expect((await fixture.one(cancelled)).status).toBe('CANCELED');
    expect(await fixture.ended(running)).toMatchObject({
      status: 'SUCCEEDED',
      output: { object: directory },
    });
    expect((await fixture.one(running)).thumbnail_info).toHaveLength(3);
    expect((await fixture.ended(waiting)).output_file_name).toBe(`${waiting}.tar`);
    expect(Number(await fixture.accepted(request()))).toBeGreaterThan(Number(cancelled));
  });

  test('drops a last line that a crash cut off, and refuses other damage', async () => {
    const { fixture, restart, journal } = await openWithJournal(0);
    const id = await fixture.accepted(request());
    appendFileSync(journal, '{"id":"1000002","sta');
    await restart();
    expect((await fixture.ended(id)).status).toBe('SUCCEEDED');
    expect(fixture.mpc.tasks.list()).toHaveLength(1);

    writeFileSync(journal, `{"id":1}\n${readFileSync(journal, 'utf8')}`);
    await expect(restart()).rejects.toThrow(/tasks\.jsonl: line 1 is not a journal entry/);
  });

  test('without a data directory everything is forgotten', async () => {
    const fixture = await MpcFixture.open();
    await fixture.accepted(request());
    await fixture.mpc.close();
    await fixture.start();
    expect(fixture.mpc.tasks.list()).toEqual([]);
  });
});

test('a synchronous task that was interrupted is done by the next process', async () => {
  const fixture = await MpcFixture.open({ parallelTasks: 0 });
  await fixture.mpc.close();
  const directory = path.join(fixture.directory, 'mpc');
  await fixture.start({ directory });
  fixture.capture.hold();
  const lost = fixture.create(syncRequest()).catch(() => 'lost');
  await until(() => fixture.capture.started.length === 1);
  await fixture.mpc.close();
  expect(await lost).toBe('lost');
  fixture.capture.release();
  await fixture.start({ directory });
  const [task] = fixture.mpc.tasks.list();
  expect((await fixture.ended(task!.id)).status).toBe('SUCCEEDED');
});
