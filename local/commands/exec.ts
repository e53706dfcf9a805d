import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { parseArgs } from 'node:util';
import { parseSwitches } from '../switches';
import { UsageError } from '../usage-error';
import { readArguments } from './arguments';
import { startDeployedCloud, startWatchedCloud } from './deployed-cloud';
import { FAULT_OPTIONS, readFaults } from './fault-arguments';

export const OPTIONS = {
  ...FAULT_OPTIONS,
  behaviour: { type: 'string' },
  empty: { type: 'boolean' },
  deny: { type: 'string' },
} as const;

/** Exit code of a shell for a command that it cannot find. */
const NOT_FOUND = 127;

/**
 * Runs a command with a local cloud of its own on free ports.
 * @returns the command's exit code; 128 + the number of the signal that ended it
 */
export async function exec(args: readonly string[]): Promise<number> {
  const { own, command, rest } = split(args);
  if (command === undefined)
    throw new UsageError('exec needs a command: npm run --silent local -- exec -- COMMAND…');
  const { values } = readArguments(own, { options: OPTIONS });
  const faults = readFaults(values);
  const isEmpty = values.empty === true;
  const start = isEmpty ? startWatchedCloud : startDeployedCloud;
  const cloud = await start({
    port: 0,
    isEmpty,
    denied: (values.deny ?? '').split(',').filter((action) => action !== ''),
    ...(faults !== undefined && { faults }),
    ...parseSwitches(values.behaviour ?? ''),
  });
  try {
    return await run(command, rest, { ...process.env, ...cloud.environment });
  } finally {
    await cloud.close();
  }
}

/** Our own options end at the first `--` or at the first word that is not one of them. */
function split(args: readonly string[]) {
  const { tokens } = parseArgs({ args: [...args], options: OPTIONS, strict: false, tokens: true });
  const end = tokens.find(({ kind }) => kind !== 'option');
  const ownCount = end?.index ?? args.length;
  const [command, ...rest] = args.slice(ownCount + (end?.kind === 'option-terminator' ? 1 : 0));
  return { own: args.slice(0, ownCount), command, rest };
}

function run(command: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  return new Promise((resolve) => {
    const child = spawn(command, args, { env, stdio: 'inherit' });
    // A terminal sends Ctrl+C to the command too. The command decides when to end, and the cloud ends after it.
    const pass = (signal: NodeJS.Signals) => child.kill(signal);
    const ignore = () => {};
    process.on('SIGTERM', pass);
    process.on('SIGINT', ignore);
    child.on('error', (error) => {
      process.stderr.write(`${command} cannot be started: ${error.message}\n`);
      resolve(NOT_FOUND);
    });
    child.on('exit', (code, signal) => {
      process.off('SIGTERM', pass);
      process.off('SIGINT', ignore);
      resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal]));
    });
  });
}
