import {
  constants,
  copyFileSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { UsageError } from './usage-error';

/** A data directory that another local cloud uses. */
export class DataDirectoryTaken extends UsageError {
  constructor(
    readonly directory: string,
    processId: number,
    file: string,
  ) {
    super(
      `${directory} is in use by another local cloud (process ${processId}); choose another with --data DIR. If that process is no local cloud, delete ${file}`,
    );
  }
}

/**
 * Directories that this process holds. Its process id in a file proves nothing: an earlier process may have had the
 * same id.
 */
const held = new Set<string>();

const NAME = 'process-id';

/**
 * Claims a data directory for this process, so that no second local cloud rewrites its journals. A process that was
 * killed holds nothing any more.
 *
 * Each holder leaves a file `process-id.<n>` with its process id in it; <n> is one higher than the last holder's. Only
 * one process can create the file of a given <n>, and <n> never starts over. So no process can replace a holder that it
 * has not seen. Deleting the file of a dead process and writing one's own would be two steps, and another process could
 * come between them.
 *
 * @param directory is created if it is missing
 * @returns a function that releases the directory
 * @throws DataDirectoryTaken
 */
export function holdDataDirectory(directory: string): () => void {
  mkdirSync(directory, { recursive: true });
  const folder = path.resolve(directory);
  for (;;) {
    const last = lastHolder(folder);
    if (last !== undefined) {
      const isHeld = last.processId === process.pid ? held.has(folder) : isRunning(last.processId);
      if (isHeld) throw new DataDirectoryTaken(directory, last.processId, path.join(folder, last.name));
    }
    const number = (last?.number ?? 0) + 1;
    const file = path.join(folder, `${NAME}.${number}`);
    if (!writeWhole(file, String(process.pid))) continue;
    if (lastHolder(folder)?.number === number) {
      removeBefore(folder, number);
      held.add(folder);
      return () => {
        held.delete(folder);
        // The file stays, empty: its name keeps the number.
        writeFileSync(file, '');
      };
    }
    // Another process was ahead by more than one number.
    rmSync(file, { force: true });
  }
}

interface Holder {
  name: string;
  number: number;
  /** 0 if it has released the directory. */
  processId: number;
}

function lastHolder(folder: string): Holder | undefined {
  const [last] = holderFiles(folder).sort((a, b) => b.number - a.number);
  if (last === undefined) return undefined;
  try {
    return { ...last, processId: Number(readFileSync(path.join(folder, last.name), 'utf8')) };
  } catch (error) {
    // The next holder removed the file between the two reads.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return lastHolder(folder);
    throw error;
  }
}

/** A file without a number comes from an earlier version. */
function holderFiles(folder: string): { name: string; number: number }[] {
  return readdirSync(folder).flatMap((name) => {
    const [, number] = /^process-id(?:\.(\d+))?$/.exec(name) ?? [];
    return number === undefined && name !== NAME ? [] : [{ name, number: Number(number ?? 0) }];
  });
}

function removeBefore(folder: string, number: number): void {
  for (const holder of holderFiles(folder)) {
    if (holder.number < number) rmSync(path.join(folder, holder.name), { force: true });
  }
}

/** Creates a file with all of its content at once. @returns false if the file exists already */
function writeWhole(file: string, text: string): boolean {
  const draft = `${file}.draft-${process.pid}`;
  writeFileSync(draft, text);
  try {
    linkSync(draft, file);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return false;
    // Some file systems have no hard links.
    return copied(draft, file);
  } finally {
    rmSync(draft, { force: true });
  }
}

function copied(from: string, to: string): boolean {
  try {
    copyFileSync(from, to, constants.COPYFILE_EXCL);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

function isRunning(processId: number): boolean {
  // 0 would address this process's own group.
  if (!Number.isInteger(processId) || processId <= 0) return false;
  try {
    process.kill(processId, 0);
    return !isZombie(processId);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/**
 * True for a process that was killed and that its parent has not waited for. In containers without an init process that
 * may never happen. Linux only.
 */
function isZombie(processId: number): boolean {
  try {
    // The name before the state is in parentheses and may contain anything.
    return /.*\) [ZX]/s.test(readFileSync(`/proc/${processId}/stat`, 'utf8'));
  } catch {
    return false;
  }
}
