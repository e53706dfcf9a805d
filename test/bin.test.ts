import { execFileSync } from 'node:child_process';
import path from 'node:path';

test('`npx mpc-snapshots` runs the commands of the local cloud in a clone', () => {
  const printed = execFileSync('npx', ['--no-install', 'mpc-snapshots', 'help'], {
    cwd: path.resolve(__dirname, '..'),
  });
  expect(printed.toString()).toMatch(/^usage: npm start/);
  const version = execFileSync('npx', ['--no-install', 'mpc-snapshots', '--version'], {
    cwd: path.resolve(__dirname, '..'),
  });
  expect(version.toString()).toMatch(/^\d+\.\d+\.\d+\n$/);
});

test('a command that is loaded only on demand can be loaded', () => {
  const printed = execFileSync('npx', ['--no-install', 'mpc-snapshots', 'event', 'timer'], {
    cwd: path.resolve(__dirname, '..'),
  });
  expect(JSON.parse(printed.toString())).toMatchObject({ trigger_type: 'TIMER' });
});
