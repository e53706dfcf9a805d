import { Log } from '../../../shared/core/log';

const lines: unknown[] = [];
beforeEach(() => {
  lines.length = 0;
  for (const stream of ['stdout', 'stderr'] as const)
    jest
      .spyOn(process[stream], 'write')
      .mockImplementation((line) => lines.push([stream, JSON.parse(String(line))]) > 0);
});
afterEach(() => void jest.restoreAllMocks());

test('an event is one line of JSON with its time, level, request and function', () => {
  new Log('r1', 'create').info('api.answered', { status: 202 });
  expect(lines).toEqual([
    [
      'stdout',
      {
        time: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
        level: 'info',
        event: 'api.answered',
        request_id: 'r1',
        function: 'create',
        status: 202,
      },
    ],
  ]);
});

test('errors go where the platform marks them, and lines below the level are dropped', () => {
  const log = new Log('r1', 'create', 'warn');
  log.info('api.answered', { status: 200 });
  log.write('error', 'api.refused', { status: 500, error_code: 'APIGW.0601' });
  expect(lines).toMatchObject([['stderr', { level: 'error', event: 'api.refused', status: 500 }]]);
});
