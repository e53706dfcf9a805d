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

/** Creates a folder for the duration of the work. */
export async function withFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(path.join(tmpdir(), 'bench-'));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
