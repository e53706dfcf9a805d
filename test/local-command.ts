import { type ChildProcess, execFile, spawn } from 'node:child_process';
import path from 'node:path';

const ROOT = path.resolve(__dirname, '..');
/** What `npm run local --` runs. */
const PROGRAM = ['--require', 'tsx/cjs', 'local/cli.ts'] as const;

/** How a command ended, and what it printed. */
export interface Ended {
  code: number;
  stdout: string;
  stderr: string;
}

/** Runs a command of the local cloud, as `npm run local -- …` does, to its end. */
export function localCommand(
  args: readonly string[],
  { input = '', env = process.env }: { input?: string; env?: NodeJS.ProcessEnv } = {},
): Promise<Ended> {
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [...PROGRAM, ...args],
      { cwd: ROOT, env },
      (error, stdout, stderr) => resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
    );
    child.stdin?.end(input);
  });
}

/** Starts a command of the local cloud in a process group of its own. */
export function spawnLocalCommand(args: readonly string[], env = process.env): ChildProcess {
  return spawn(process.execPath, [...PROGRAM, ...args], { cwd: ROOT, detached: true, env });
}
