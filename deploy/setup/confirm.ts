import { createInterface } from 'node:readline/promises';
import { DeployError } from '../errors';

/** True if there is a terminal with a person to ask. */
export function isTerminal(): boolean {
  return process.stdin.isTTY && process.stderr.isTTY;
}

/**
 * Asks the person at the terminal.
 * @throws DeployError when there is no terminal
 */
export async function confirm(question: string): Promise<boolean> {
  if (!isTerminal()) {
    throw new DeployError([
      'this is not a terminal, so nobody can be asked: add --yes to go on without a question',
    ]);
  }
  // Standard output is for results.
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(es)?$/i.test((await lines.question(`${question} [y/N] `)).trim());
  } finally {
    lines.close();
  }
}
