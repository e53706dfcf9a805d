import { callerArguments } from '../../../local/commands/stage-command';

test.each([
  [[], []],
  [
    ['--stage', 'demo'],
    ['--stage', 'demo'],
  ],
  [
    ['--stage', 'demo', 'add', 'shop'],
    ['--stage', 'demo', '--add', 'shop'],
  ],
  [
    ['rotate', 'shop', '--stage=demo'],
    ['--rotate', 'shop', '--stage=demo'],
  ],
  [
    ['--stage', 'add', 'remove', 'add'],
    ['--stage', 'add', '--remove', 'add'],
  ],
])('an action on a caller becomes an option: %j', (words, expected) => {
  expect(callerArguments(words)).toEqual(expected);
});

test('a word that is not an action is refused and not ignored', () => {
  const message = 'callers takes add NAME, remove NAME or rotate NAME, or nothing, got "delete"';
  expect(() => callerArguments(['--stage', 'demo', 'delete', 'shop'])).toThrow(message);
  expect(() => callerArguments(['delete', 'shop', '--stage', 'demo'])).toThrow(message);
});
