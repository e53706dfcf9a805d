import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type NewTask, TaskBook } from '../../../local/mpc/task-book';

const directory = mkdtempSync(path.join(tmpdir(), 'task-book-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const place = { bucket: 'videos', location: 'cn-north-4', object: 'a.mp4' };
const task: NewTask = {
  status: 'WAITING',
  createdAtMs: 1,
  input: place,
  output: place,
  sampling: { type: 'DOTS', seconds: [0] },
  size: { width: 0, height: 0, maxLength: 0 },
  tar: false,
};

test('a book continues after a last line that a crash cut off: what is added then is read again', () => {
  const before = new TaskBook(directory);
  const first = before.add(task);
  before.close();
  appendFileSync(path.join(directory, 'tasks.jsonl'), '{"id":"1000002","status":"WAI');

  const after = new TaskBook(directory);
  const second = after.add({ ...task, createdAtMs: 2 });
  after.cancel(first, 3);
  after.close();
  expect(second.id).not.toBe(first.id);

  const again = new TaskBook(directory);
  expect(again.list().map(({ id, status }) => [id, status])).toEqual([
    [first.id, 'CANCELED'],
    [second.id, 'WAITING'],
  ]);
  again.close();
});

test('only a waiting task starts or is cancelled, and only a running one ends', () => {
  const book = new TaskBook();
  const added = book.add(task);
  expect(() => book.succeed(added, 2, {})).toThrow(`task ${added.id} is WAITING`);
  book.start(added);
  expect(() => book.cancel(added, 2)).toThrow(`task ${added.id} is PROCESSING`);
  book.fail(added, 2, 'x'.repeat(300));
  expect(added).toMatchObject({ status: 'FAILED', endedAtMs: 2, description: 'x'.repeat(256) });
});

test('a task that ran in the previous process waits again, without pictures', () => {
  const home = path.join(directory, 'running');
  const before = new TaskBook(home);
  const added = before.add(task);
  before.start(added);
  before.addPicture(added, '0.jpg');
  before.close();
  const after = new TaskBook(home);
  expect(after.get(added.id)).toMatchObject({ status: 'WAITING', pictures: [] });
  after.close();
});
