import { parseSwitches, SWITCHES } from '../../local/switches';
import { localCommand } from '../local-command';

test('a list of switches becomes the behaviour of the services, each value of its own type', () => {
  expect(
    parseSwitches(
      'mpc.idsAs=number, mpc.firstPage=1,mpc.sizeWithoutRule=480,mpc.syncTaskId=false,obs.apiVersion=3.0,' +
        'functiongraph.timeZone=Europe/Berlin,apig.cors=true',
    ),
  ).toEqual({
    mpc: { behaviour: { idsAs: 'number', firstPage: 1, sizeWithoutRule: 480, syncTaskId: false } },
    obs: { behaviour: { apiVersion: '3.0' } },
    functiongraph: { behaviour: { timeZone: 'Europe/Berlin' } },
    apig: { behaviour: { cors: true } },
  });
  expect(parseSwitches('')).toEqual({});
});

test.each([
  ['mpc.idsAs=numbers', '--behaviour: mpc.idsAs must be string or number, got "numbers"'],
  ['mpc.firstPage=2', '--behaviour: mpc.firstPage must be 0 or 1, got "2"'],
  ['apig.cors=yes', '--behaviour: apig.cors must be true or false, got "yes"'],
  ['mpc.queueDelayMs=-1', '--behaviour: mpc.queueDelayMs must be a whole number from 0, got "-1"'],
  [
    'functiongraph.timeZone=Mars',
    '--behaviour: functiongraph.timeZone must be a time zone such as Europe/Berlin, got "Mars"',
  ],
])('%s is refused with the possible values', (text, message) => {
  expect(() => parseSwitches(text)).toThrow(message);
});

test('an unknown switch is answered with the list of all', () => {
  const refusal = (text: string) => {
    try {
      return String(parseSwitches(text));
    } catch (error) {
      return (error as Error).message;
    }
  };
  for (const unknown of ['luck=1', 'mpc=1', 'toString.length=1', 'mpc.toString=1']) {
    expect(refusal(unknown)).toContain(`there is no switch "${unknown.split('=')[0]}"`);
    for (const name of SWITCHES.keys()) expect(refusal(unknown)).toContain(`\n  ${name} `);
  }
});

test('a command runs with a cloud whose switches select the other reading', async () => {
  // The page guard lets nobody's page in but those at the gateway's own address.
  const program = `fetch(process.env.API_ENDPOINT + '/snapshots', { headers: { origin: process.env.API_ENDPOINT } })
    .then(({ headers }) => console.log(headers.get('access-control-allow-origin')))`;
  const { stdout, stderr } = await localCommand([
    'exec',
    '--behaviour',
    'apig.cors=true',
    '--',
    'node',
    '-e',
    program,
  ]);
  expect(stdout + stderr).toBe('*\n');
});
