import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

export const ROOT = path.resolve(__dirname, '..');

/**
 * Runs a Node.js program in a fresh process and reads the JSON value in its last line of output.
 * @param env variables beside the inherited ones
 * @throws Error if it fails
 */
export async function runNode(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<unknown> {
  const child = spawn(process.execPath, args, {
    cwd: ROOT,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`${args.join(' ')} ended with exit code ${code}: ${output}`);
  return JSON.parse(output.trim().split('\n').at(-1) ?? '');
}

/** A server in a process of its own. */
export interface ServerProcess {
  /** The JSON value that it printed at its start. */
  ready: unknown;
  stop(): void;
}

/**
 * Starts a Node.js program that serves until it is stopped, and waits for the line of JSON that it prints when it is
 * ready.
 */
export async function startServer(args: readonly string[]): Promise<ServerProcess> {
  const child: ChildProcess = spawn(process.execPath, args, {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  await new Promise<void>((resolve, reject) => {
    child.stdout?.on('data', (chunk: Buffer) => {
      output += chunk.toString();
      if (output.includes('\n')) resolve();
    });
    child.once('exit', (code) => reject(new Error(`${args.join(' ')} ended with exit code ${code}`)));
  });
  return { ready: JSON.parse(output), stop: () => child.kill() };
}

/** Memory of a process, MB: in total, and with its share of shared pages. Linux only. */
export function memoryMb(pid: number): { resident: number; proportional: number } {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  const field = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(text)?.[1] ?? 0) / 1024;
  return { resident: field('Rss'), proportional: field('Pss') };
}

/** Processor time of each child process so far, in ms, by process id. Linux only. */
export function cpuOfChildren(): Map<number, number> {
  const children = readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8').trim().split(/\s+/);
  return new Map(children.filter(Boolean).map((pid) => [Number(pid), statMs(pid, 11)]));
}

/** Processor time of all child processes that have ended, in ms. Linux only. */
export function cpuOfEndedChildren(): number {
  return statMs('self', 13);
}

/** A user time of /proc/PID/stat and the system time behind it; both are in hundredths of a second. */
function statMs(pid: string, field: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[field]) + Number(fields[field + 1])) * 10;
}

/** Creates a folder for the duration of the work. */
export async function withFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(path.join(tmpdir(), 'bench-'));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
