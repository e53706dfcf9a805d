import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import * as z from 'zod';
import { Journal, readJournal } from '../../local/journal';
import { TaskBook } from '../../local/mpc/task-book';
import { testOnLinux } from '../test-on-linux';

const Entry = z.object({ number: z.int() });
const directory = mkdtempSync(path.join(tmpdir(), 'journal-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

test('a last line that a crash cut off is dropped, and later lines follow', () => {
  const file = path.join(directory, 'cut.jsonl');
  writeFileSync(file, '{"number":1}\n{"number":2}\n{"num');
  const entries = [...readJournal(file, Entry)];
  expect(entries).toEqual([{ number: 1 }, { number: 2 }]);
  const journal = new Journal(file, entries);
  journal.append({ number: 3 });
  journal.close();
  expect([...readJournal(file, Entry)]).toEqual([{ number: 1 }, { number: 2 }, { number: 3 }]);
});

test.each([
  ['is missing', undefined, []],
  ['is empty', '', []],
  ['is half a line', '{"num', []],
  ['ends with half a line', '{"number":1}\n{"num', [{ number: 1 }]],
  [
    'ends with half a line longer than one read',
    `{"number":1}\n{"num${' '.repeat(9_000_000)}`,
    [{ number: 1 }],
  ],
  ['is complete', '{"number":1}\n', [{ number: 1 }]],
])('a journal that is not rewritten and %s goes on behind its last complete line', (name, text, kept) => {
  const file = path.join(directory, `${name}.jsonl`);
  if (text !== undefined) writeFileSync(file, text);
  const journal = new Journal(file);
  journal.append({ number: 9 });
  journal.close();
  expect([...readJournal(file, Entry)]).toEqual([...kept, { number: 9 }]);
});

test('a damaged line before the last one is reported, because it was acknowledged', () => {
  const file = path.join(directory, 'damaged.jsonl');
  writeFileSync(file, '{"number":1}\n{"num\n{"number":3}\n');
  expect(() => [...readJournal(file, Entry)]).toThrow(`${file}: line 2 is not a journal entry`);
});

test('a journal larger than one read is complete, wherever lines and characters are split', () => {
  const file = path.join(directory, 'large.jsonl');
  const Named = z.object({ name: z.string() });
  const names = Array.from({ length: 4_000 }, (_, index) => `${index}${'ü𝒜'.repeat(300)}`);
  new Journal(
    file,
    names.map((name) => ({ name })),
  ).close();
  expect([...readJournal(file, Named)].map(({ name }) => name)).toEqual(names);
});

testOnLinux('a task that a full disk cuts in half leaves the tasks before and after it whole', () => {
  const home = path.join(directory, 'tasks');
  const program = `trap '' XFSZ; ulimit -f 4; exec "${process.execPath}" --require tsx/cjs "${path.join(__dirname, 'journal-writer.ts')}" "${home}"`;
  const ids: string[] = JSON.parse(execFileSync('bash', ['-c', program]).toString());
  expect(ids.length).toBeGreaterThan(3);
  const file = path.join(home, 'tasks.jsonl');
  expect(readFileSync(file, 'utf8')).toMatch(/\n$/);
  appendFileSync(file, '{"id":"10000');
  expect(new TaskBook(home).list().map(({ id }) => id)).toEqual(expect.arrayContaining(ids));
});
