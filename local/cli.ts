import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { asTyped, PACKAGE_FOLDER } from '../package-folder';
import { HELP, helpFor } from './commands/help';
import { STAGE_COMMANDS, stageCommand } from './commands/stage-command';

const MINIMUM_NODE = [20, 19] as const;

type Command = (args: string[]) => Promise<number>;

/**
 * Each command is loaded on demand, so that `help` is fast. `require` does this because an `import()` of TypeScript
 * needs a second loader, which takes half a second of every start.
 */
const COMMANDS: Readonly<Record<string, () => Command>> = {
  init: () => (require('./commands/init') as typeof import('./commands/init')).init,
  start: () => (require('./commands/start') as typeof import('./commands/start')).start,
  exec: () => (require('./commands/exec') as typeof import('./commands/exec')).exec,
  explain: () => (require('./commands/explain') as typeof import('./commands/explain')).explain,
  tasks: () => (require('./commands/tasks') as typeof import('./commands/tasks')).tasks,
  frames: () => (require('./commands/frames') as typeof import('./commands/frames')).frames,
  deliver: () => (require('./commands/deliver') as typeof import('./commands/deliver')).deliver,
  console: () => (require('./commands/console') as typeof import('./commands/console')).openConsole,
  event: () => (require('./commands/event') as typeof import('./commands/event')).event,
  invoke: () => (require('./commands/invoke') as typeof import('./commands/invoke')).invoke,
  listen: () => (require('./commands/listen') as typeof import('./commands/listen')).listen,
  'sign-check': () => (require('./commands/sign-check') as typeof import('./commands/sign-check')).signCheck,
};

let isEnding = false;

const isHelpOption = (word: string) => word === '--help' || word === '-h';

async function main([command = 'help', ...args]: string[]): Promise<number> {
  // The framework prints the options of a stage's commands, but it needs the file.
  const isStageCommand = Object.hasOwn(STAGE_COMMANDS, command);
  if (isStageCommand && !(args.some(isHelpOption) && !existsSync('serverless.yml')))
    return stageCommand(command, args);
  // With a stage, `invoke` runs a deployed function, as `npm run invoke` does. Without one it runs a function of the
  // local cloud.
  const isOfStage = args.some((word) => /^(--stage|-s)(=|$)/.test(word));
  if (command === 'invoke' && isOfStage) return stageCommand(command, args);
  const load = Object.hasOwn(COMMANDS, command) ? COMMANDS[command] : undefined;
  if (command === '--version' || command === '-v') {
    const file = path.join(PACKAGE_FOLDER ?? path.dirname(__dirname), 'package.json');
    process.stdout.write(`${(JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version}\n`);
    return 0;
  }
  // What comes behind `--` are options of another program.
  const own = args.slice(0, [...args, '--'].indexOf('--'));
  const asksForHelp =
    load === undefined && !isStageCommand
      ? command === 'help' || isHelpOption(command)
      : own.some(isHelpOption);
  if (asksForHelp) {
    process.stdout.write(asTyped(helpFor(command) ?? HELP));
    return 0;
  }
  if (load !== undefined) return load()(args);
  // `npx mpc-snapshots holiday.mov`, `npx mpc-snapshots --once`
  if (existsSync(command) || command.startsWith('-')) return main(['start', command, ...args]);
  const names = [...Object.keys(COMMANDS), ...Object.keys(STAGE_COMMANDS)].join(', ');
  process.stderr.write(
    asTyped(
      `there is no command or file "${command}"; the commands are ${names}; npm run --silent local -- help describes them\n`,
    ),
  );
  return 2;
}

/** A reader that has seen enough, such as `head`, closes the pipe: that ends the command like SIGTERM, and is no failure. */
function endWithReader(stream: NodeJS.WriteStream): void {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    if (isEnding) return;
    isEnding = true;
    const isAwaited = process.emit('SIGTERM', 'SIGTERM');
    if (!isAwaited) process.exit();
  });
}

function nodeIsTooOld(): boolean {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  return major < MINIMUM_NODE[0] || (major === MINIMUM_NODE[0] && minor < MINIMUM_NODE[1]);
}

if (nodeIsTooOld()) {
  process.stderr.write(
    `Node.js ${process.versions.node} is too old: install Node.js ${MINIMUM_NODE.join('.')} or newer (https://nodejs.org)\n`,
  );
  process.exitCode = 1;
} else {
  endWithReader(process.stdout);
  endWithReader(process.stderr);
  main(
    process.argv.length > 2 ? process.argv.slice(2) : [PACKAGE_FOLDER === undefined ? 'help' : 'start'],
  ).then(
    (code) => {
      process.exitCode = code;
    },
    (error: unknown) => {
      const isForThePerson = error instanceof Error && 'isUsageError' in error;
      process.stderr.write(
        `${isForThePerson ? asTyped(error.message) : error instanceof Error ? error.stack : error}\n`,
      );
      process.exitCode = isForThePerson ? 2 : 1;
    },
  );
}
