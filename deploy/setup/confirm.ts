import { createInterface } from 'node:readline/promises';
import { DeployError } from '../errors';

/** Whether somebody sits there who can be asked. */
export function isTerminal(): boolean {
  return process.stdin.isTTY && process.stderr.isTTY;
}

/**
 * Asks the person at the terminal.
 * @throws DeployError when nobody is there to answer
 */
export async function confirm(question: string): Promise<boolean> {
  if (!isTerminal()) {
    throw new DeployError([
      'nobody can be asked here, for this is no terminal: add --yes to go on without asking',
    ]);
  }
  // Standard output belongs to what is printed.
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(es)?$/i.test((await lines.question(`${question} [y/N] `)).trim());
  } finally {
    lines.close();
  }
}
