import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { UsageError } from './usage-error';

/** A data directory that another local cloud is writing to. */
export class DataDirectoryTaken extends UsageError {
  constructor(
    readonly directory: string,
    processId: number,
    file: string,
  ) {
    super(
      `${directory} is in use by another local cloud (process ${processId}); choose another with --data DIR. If that process is something else, delete ${file}`,
    );
  }
}

/** Directories that this process holds: its own number in a file may also be left over from an earlier process. */
const held = new Set<string>();

/**
 * Makes a data directory this process's own, so that no second local cloud rewrites its journals. A process that was
 * killed holds nothing any more.
 *
 * @param directory is made when missing
 * @returns gives it back
 * @throws DataDirectoryTaken
 */
export function holdDataDirectory(directory: string): () => void {
  mkdirSync(directory, { recursive: true });
  const file = path.resolve(directory, 'process-id');
  for (;;) {
    try {
      writeFileSync(file, String(process.pid), { flag: 'wx' });
      break;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    const holder = Number(readFileSync(file, 'utf8'));
    const isHeld = holder === process.pid ? held.has(file) : isRunning(holder);
    if (isHeld) throw new DataDirectoryTaken(directory, holder, file);
    rmSync(file, { force: true });
  }
  held.add(file);
  return () => {
    held.delete(file);
    rmSync(file, { force: true });
  };
}

function isRunning(processId: number): boolean {
  // 0 would address the own process group.
  if (!Number.isInteger(processId) || processId <= 0) return false;
  try {
    process.kill(processId, 0);
    return !isZombie(processId);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/**
 * Killed, but its parent has not asked for its end: in containers without an
 * init process that may never happen. Linux only.
 */
function isZombie(processId: number): boolean {
  try {
    // The name before the state stands in brackets and may hold anything.
    return /.*\) [ZX]/s.test(readFileSync(`/proc/${processId}/stat`, 'utf8'));
  } catch {
    return false;
  }
}
