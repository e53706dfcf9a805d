import type { ParseArgsConfig } from 'node:util';
import * as console from '../../../local/commands/console';
import * as deliver from '../../../local/commands/deliver';
import * as event from '../../../local/commands/event';
import * as exec from '../../../local/commands/exec';
import * as explain from '../../../local/commands/explain';
import * as frames from '../../../local/commands/frames';
import { HELP, helpFor } from '../../../local/commands/help';
import * as init from '../../../local/commands/init';
import * as invoke from '../../../local/commands/invoke';
import * as listen from '../../../local/commands/listen';
import * as signCheck from '../../../local/commands/sign-check';
import * as start from '../../../local/commands/start';
import * as tasks from '../../../local/commands/tasks';

const OPTIONS: Record<string, NonNullable<ParseArgsConfig['options']>> = {
  start: start.OPTIONS,
  exec: exec.OPTIONS,
  init: init.OPTIONS,
  explain: explain.OPTIONS,
  tasks: tasks.OPTIONS,
  frames: frames.OPTIONS,
  deliver: deliver.OPTIONS,
  event: event.OPTIONS,
  invoke: invoke.OPTIONS,
  listen: listen.OPTIONS,
  'sign-check': signCheck.OPTIONS,
  console: console.OPTIONS,
};
const ASKS_A_CLOUD = ['explain', 'tasks', 'frames', 'deliver'];

/** What the help says about one command: from the line that begins with its name to the next line that is not indented. */
function helpOf(command: string): string {
  const [, text] = new RegExp(`\\n\\n?(${command} [^\\n]*(?:\\n +[^\\n]*)*)`).exec(HELP) ?? [];
  if (text === undefined) throw new Error(`the help has no ${command}`);
  return text;
}

function optionsInHelp(command: string): string[] {
  const named = [...helpOf(command).matchAll(/(?<![\w-])--([a-z][a-z-]*)/g)].map(([, name = '']) => name);
  const [, takesJson = ''] = /^(.*) take --json/m.exec(HELP) ?? [];
  if (takesJson.includes(command)) named.push('json');
  if (ASKS_A_CLOUD.includes(command)) named.push('port');
  if (/ \[-e /.test(helpOf(command))) named.push('event');
  return [...new Set(named)].sort();
}

test.each(Object.keys(OPTIONS))(
  'the help of %s names every option that the command takes, and no other',
  (command) => {
    expect(optionsInHelp(command)).toEqual(Object.keys(OPTIONS[command] ?? {}).sort());
  },
);

test('the help has every command, and the sentence about the cloud that runs', () => {
  const commands = [...HELP.matchAll(/^([a-z][a-z-]*) .*/gm)].map(([, name]) => name);
  expect(new Set(commands.filter((name) => Object.hasOwn(OPTIONS, name ?? '')))).toEqual(
    new Set(Object.keys(OPTIONS)),
  );
  expect(HELP).toContain('Commands for a running local cloud (--port N');
});

test.each(Object.keys(OPTIONS))('the help of %s alone is its part of the help', (command) => {
  const text = helpFor(command) ?? '';
  expect(text).toContain(helpOf(command));
  expect(text).not.toContain('exit codes');
  expect(text.includes('--port N, API_ENDPOINT')).toBe(ASKS_A_CLOUD.includes(command));
});

test('there is no help of an unknown command', () => {
  expect(helpFor('other')).toBeUndefined();
});
