import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { PACKAGE_FOLDER } from '../../package-folder';
import { UsageError } from '../usage-error';

/** Our commands, and their names in the framework, which has commands of its own with some of our names. */
export const STAGE_COMMANDS: Readonly<Record<string, string>> = {
  setup: 'setup',
  deploy: 'deploy',
  doctor: 'diagnose',
  package: 'package',
  info: 'info',
  callers: 'show-callers',
  logs: 'show-logs',
  backfill: 'backfill',
  remove: 'remove',
};

/** The maintained continuation of Serverless Framework 3; package.json has the same version. */
const FRAMEWORK = 'osls@4.3.1';

/**
 * Runs a command of the framework on the `serverless.yml` of this folder.
 * @returns the framework's exit code
 * @throws UsageError if there is no `serverless.yml`
 */
export function stageCommand(command: string, args: readonly string[]): number {
  if (!existsSync('serverless.yml'))
    throw new UsageError(
      'there is no serverless.yml in this folder: npx mpc-snapshots init writes one, or go to the folder that has it',
    );
  const words = [
    STAGE_COMMANDS[command] ?? command,
    ...(command === 'callers' ? callerArguments(args) : args),
  ];
  const program = installedFramework();
  const [file, before] =
    program === undefined
      ? ['npm', ['exec', '--yes', `--package=${FRAMEWORK}`, '--', 'osls']]
      : [process.execPath, [program]];
  if (program === undefined)
    process.stderr.write(
      `${FRAMEWORK} is not installed: npm fetches it (npm i -D serverless@npm:${FRAMEWORK} keeps it)\n`,
    );
  const { status, error } = spawnSync(file, [...before, ...words], {
    stdio: 'inherit',
    // Node.js finds the plugin beside this package, wherever npx keeps that.
    env: { ...process.env, ...(PACKAGE_FOLDER !== undefined && { NODE_PATH: path.dirname(PACKAGE_FOLDER) }) },
  });
  if (error) throw new UsageError(`${file} cannot be started: ${error.message}`);
  return status ?? 1;
}

/**
 * Commands of the framework take options only: `add NAME` becomes `--add NAME`.
 * @throws UsageError for any other word, which the framework would ignore
 */
export function callerArguments(args: readonly string[]): string[] {
  const at = args.findIndex(
    (word, index) => /^(add|remove|rotate)$/.test(word) && args[index - 1] !== '--stage',
  );
  const isOption = (word = '') => word.startsWith('-');
  const other = args.find((word, index) => !isOption(word) && !isOption(args[index - 1]));
  if (at < 0 && other !== undefined) {
    throw new UsageError(`callers takes add NAME, remove NAME or rotate NAME, or nothing, got "${other}"`);
  }
  return args.map((word, index) => (index === at ? `--${word}` : word));
}

function installedFramework(): string | undefined {
  for (const folder of [process.cwd(), PACKAGE_FOLDER ?? __dirname]) {
    try {
      const manifest = createRequire(path.join(folder, 'package.json')).resolve('serverless/package.json');
      return path.join(path.dirname(manifest), 'bin', 'serverless.js');
    } catch {
      // Not installed there.
    }
  }
  return undefined;
}
