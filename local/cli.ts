import { existsSync } from 'node:fs';
import { PACKAGE_FOLDER } from '../package-folder';
import { HELP } from './commands/help';
import { STAGE_COMMANDS, stageCommand } from './commands/stage-command';

const MINIMUM_NODE = [20, 19] as const;

async function main([command = 'help', ...args]: string[]): Promise<number> {
  if (Object.hasOwn(STAGE_COMMANDS, command)) return stageCommand(command, args);
  switch (command) {
    case 'init':
      return (await import('./commands/init')).init(args);
    case 'start':
      return (await import('./commands/start')).start(args);
    case 'exec':
      return (await import('./commands/exec')).exec(args);
    case 'explain':
      return (await import('./commands/explain')).explain(args);
    case 'tasks':
      return (await import('./commands/tasks')).tasks(args);
    case 'frames':
      return (await import('./commands/frames')).frames(args);
    case 'deliver':
      return (await import('./commands/deliver')).deliver(args);
    case 'console':
      return (await import('./commands/console')).openConsole(args);
    case 'event':
      return (await import('./commands/event')).event(args);
    case 'invoke':
      return (await import('./commands/invoke')).invoke(args);
    case 'listen':
      return (await import('./commands/listen')).listen(args);
    case 'sign-check':
      return (await import('./commands/sign-check')).signCheck(args);
    case 'help':
    case '--help':
    case '-h':
      process.stdout.write(help());
      return 0;
    default:
      // `npx mpc-snapshots holiday.mov`
      if (existsSync(command)) return (await import('./commands/start')).start([command, ...args]);
      process.stderr.write(`there is no command "${command}"\n\n${help()}`);
      return 2;
  }
}

/** The commands as they are typed here. */
function help(): string {
  if (PACKAGE_FOLDER === undefined) return HELP;
  return HELP.replaceAll(/npm run (--silent local --|console --(?= --stage))/g, (_, script: string) =>
    script.startsWith('console') ? 'npx mpc-snapshots console' : 'npx mpc-snapshots',
  ).replaceAll(/npm start( --)?/g, 'npx mpc-snapshots start');
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
  main(
    process.argv.length > 2 ? process.argv.slice(2) : [PACKAGE_FOLDER === undefined ? 'help' : 'start'],
  ).then(
    (code) => {
      process.exitCode = code;
    },
    (error: unknown) => {
      const isForThePerson = error instanceof Error && 'isUsageError' in error;
      process.stderr.write(
        `${isForThePerson ? error.message : error instanceof Error ? error.stack : error}\n`,
      );
      process.exitCode = isForThePerson ? 2 : 1;
    },
  );
}
