import { localCommand } from '../../local-command';

const local = (...args: string[]) => localCommand(args);

test('start accepts faults, prints the seed, and an upload still succeeds', async () => {
  const faults = 'duplicate=1,obs.503=0.1,obs.reset-after=0.1';
  const { code, stdout, stderr } = await local(
    ...['start', '--once', '--port', '0', '--faults', faults, '--seed', '7'],
  );
  expect(stderr).toContain(`faults ${faults}; repeat with --seed 7\n`);
  expect(stdout).toContain('made 5 frames');
  expect(code).toBe(0);
});

test('exec accepts faults before its command, and leaves the options of the command alone', async () => {
  const { code, stdout, stderr } = await local(
    ...['exec', '--faults', 'drop=1', 'node', '-p', 'process.argv.slice(1).join()', '--', '--seed', 'x'],
  );
  expect(stdout).toBe('--seed,x\n');
  expect(stderr).toMatch(/^faults drop=1; repeat with --seed \d+$/m);
  expect(code).toBe(0);
});

test.each([
  [['start', '--faults', 'luck=1'], 'there is no fault "luck"'],
  [['exec', '--faults', 'drop=2', '--', 'true'], 'drop must be a share from 0 to 1, got "2"'],
  [['exec', '--faults', 'drop=1', '--seed', '-1', '--', 'true'], '--seed'],
  [['start', '--seed', '7'], '--seed needs --faults'],
])('%j ends with 2 and says: %s', async (args, message) => {
  const { code, stderr } = await local(...args);
  expect(stderr).toContain(message);
  expect(stderr).not.toContain('    at ');
  expect(code).toBe(2);
});
