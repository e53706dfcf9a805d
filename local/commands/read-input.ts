import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { UsageError } from '../usage-error';

/** The text of a file, or of standard input if the file is `-`. @throws UsageError if there is no such file */
export async function readInput(file: string): Promise<string> {
  if (file === '-') return text(process.stdin);
  return readFile(file, 'utf8').catch(() => {
    throw new UsageError(`there is no file ${file}`);
  });
}
