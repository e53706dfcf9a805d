import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { PACKAGE_FOLDER } from '../package-folder';
import { withAdvice } from './deploy';
import { functionNamed } from './desired-state';
import { DeployError } from './errors';
import type { CommandOptions } from './framework';
import type { Session } from './session';

const ROOT = PACKAGE_FOLDER ?? path.resolve(__dirname, '..');
const COMMANDS =
  PACKAGE_FOLDER === undefined ? ['--require', 'tsx/cjs', 'local/cli.ts'] : ['dist/mpc-snapshots.cjs'];

/**
 * Invokes a deployed function and prints its result.
 * @throws DeployError, also when the function fails, for the exit code
 */
export async function invoke({ desired, api, options, print }: Session): Promise<void> {
  const { name } = functionNamed(desired, options.function);
  const event = await readEvent(options);
  const { isError, result, log } = await withAdvice(() => api.invoke(name, event));
  if (options.log === true && log !== '') print(log.trimEnd());
  print(result);
  if (isError)
    throw new DeployError([
      `${name} failed${options.log === true ? '' : '; --log shows the end of its log'}`,
    ]);
}

/** Invokes a function in a local cloud, as stage `local`, with the rules of FunctionGraph's runtime. */
export async function invokeLocally(options: CommandOptions): Promise<void> {
  const event = JSON.stringify(await readEvent(options));
  const exitCode = await new Promise<number | null>((resolve, reject) => {
    const child = spawn(process.execPath, [...COMMANDS, 'invoke', options.function ?? '', '-e', '-'], {
      cwd: ROOT,
      stdio: ['pipe', 'inherit', 'inherit'],
    });
    child.on('error', reject).on('close', resolve);
    child.stdin.end(event);
  });
  if (exitCode !== 0) throw new DeployError([`${options.function} failed`]);
}

async function readEvent({ data, path: file, raw }: CommandOptions): Promise<unknown> {
  const source =
    data ??
    (file === undefined
      ? '{}'
      : await readFile(file, 'utf8').catch(() => {
          throw new DeployError([`the event in ${file} cannot be read`]);
        }));
  if (raw === true) return source;
  try {
    return JSON.parse(source);
  } catch {
    throw new DeployError([
      `the event ${file === undefined ? 'in --data' : `in ${file}`} is not JSON; --raw sends it as text`,
    ]);
  }
}
