import { holdDataDirectory } from '../../local/data-directory';

// Tries to hold each of these directories at the moment that is agreed for it, and prints those that it got.
const [startMs = '', stepMs = '', ...directories] = process.argv.slice(2);
const got: string[] = [];
for (const [index, directory] of directories.entries()) {
  while (Date.now() < Number(startMs) + index * Number(stepMs));
  try {
    holdDataDirectory(directory);
    got.push(directory);
  } catch {
    // Another one has it.
  }
}
console.log(JSON.stringify(got));
// What was got is held until all have tried.
process.stdin.resume();
