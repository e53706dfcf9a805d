import { TaskBook } from '../../local/mpc/task-book';

// Adds tasks until the operating system takes no more, then one that fits, and prints the ids that were acknowledged.
const [directory = ''] = process.argv.slice(2);
const book = new TaskBook(directory);
const place = { bucket: 'b', location: 'l', object: 'o' };
const task = (userData: string) =>
  book.add({
    status: 'WAITING',
    createdAtMs: 0,
    input: place,
    output: place,
    userData,
    sampling: { type: 'DOTS', seconds: [1] },
    size: { width: 0, height: 0, maxLength: 0 },
    tar: false,
  }).id;
const ids: string[] = [];
try {
  for (;;) ids.push(task('x'.repeat(600)));
} catch {
  ids.push(task(''));
}
console.log(JSON.stringify(ids));
