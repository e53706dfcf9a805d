import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';
import { handler as cancel } from '../../functions/cancel';
import { handler as create } from '../../functions/create';
import { handler as onUpload } from '../../functions/on-upload';
import { handler as query } from '../../functions/query';
import type { FunctionContext } from '../../shared/core/context';
import { nested } from './hostile-events';
import { installationAt, postEvent } from './installation';
import { RecordingServices } from './recording-services';

let services: RecordingServices;
let context: FunctionContext;
let port: number;

beforeAll(async () => {
  const started = await RecordingServices.start();
  services = started.services;
  context = installationAt(started.origin);
  port = Number(new URL(started.origin).port);
  jest.spyOn(process.stdout, 'write').mockReturnValue(true);
  jest.spyOn(process.stderr, 'write').mockReturnValue(true);
});
afterAll(async () => {
  jest.restoreAllMocks();
  await services.stop();
});
beforeEach(() => void services.take());

const input = { bucket: 'videos', object: 'a.mp4' };
const asked = () => services.take().map(({ service, method }) => `${method} ${service}`);
const uploaded = (object: Record<string, unknown>) => ({
  eventName: 'ObjectCreated:Put',
  s3: { bucket: { name: 'videos' }, object: { key: 'uploads/a.mp4', eTag: 'e', size: 9, ...object } },
});

describe('a malformed request', () => {
  test('JSON of 20,000 levels is 400', async () => {
    const answer = await create(postEvent(`{"input":${nested(20_000)}}`), context);
    expect(answer.statusCode).toBe(400);
  });

  test.each(['[', '{"a":'])(
    'a body of 3 MB whose parsing takes much memory is 400, and the error says how much is allowed: %s',
    async (text) => {
      const body = text.repeat(3_000_000 / text.length);
      const answer = await create(postEvent(body), context);
      expect(answer.statusCode).toBe(400);
      expect(answer.body).toContain(`the body must be at most 1000000 bytes, got ${body.length}`);
    },
  );

  test('the longest text of a caller fits, however it is written', async () => {
    const body = `{"input":{"bucket":"videos","object":"a.mp4"},"user_data":"${'\\u4e2d'.repeat(65_535)}"}`;
    expect((await create(postEvent(body), context)).statusCode).toBe(202);
    services.take();
  });

  test('a field name of 100,000 characters is not echoed', async () => {
    const answer = await create(postEvent(JSON.stringify({ input, ['x'.repeat(100_000)]: 1 })), context);
    expect(answer.statusCode).toBe(400);
    expect(answer.body.length).toBeLessThan(10_000);
  });

  test('10,000 unknown fields are not all listed', async () => {
    const fields = Object.fromEntries(Array.from({ length: 10_000 }, (_, n) => [`x${n}`, 1]));
    const answer = await create(postEvent(JSON.stringify({ input, ...fields })), context);
    expect(answer.statusCode).toBe(400);
    expect(answer.body.length).toBeLessThan(10_000);
  });

  test('bytes that are not UTF-8 are 400, not another key', async () => {
    const body = Buffer.from('{"input":{"bucket":"videos","object":"a\xff.mp4"}}', 'latin1');
    expect((await create(postEvent(body), context)).statusCode).toBe(400);
    expect(asked()).toEqual([]);
  });

  test.each(['\u0000', 'a\nb', '\ud800'])('the output_filename %j is 400', async (output_filename) => {
    const thumbnail_para = { type: 'DOTS', dots: [1], output_filename };
    expect((await create(postEvent(JSON.stringify({ input, thumbnail_para })), context)).statusCode).toBe(
      400,
    );
    expect(asked()).toEqual([]);
  });

  test('pictures do not go among this service’s own records', async () => {
    const output = { bucket: 'snapshots', object: '.mpc-snapshots/claims' };
    expect((await create(postEvent(JSON.stringify({ input, output })), context)).statusCode).toBe(400);
    expect(asked()).toEqual([]);
  });

  test('a parameter without a value is 400 or left out', async () => {
    await query({ httpMethod: 'GET', path: '/snapshots', queryStringParameters: { status: [] } }, context);
    expect(services.take().map(({ query }) => query.get('status'))).not.toContain('undefined');
  });

  test.each([
    ['a header', { headers: { x: { toString: 1 } } }],
    ['a parameter', { queryStringParameters: { x: { toString: 1 } } }],
    ['the body', { body: { toString: 1 } }],
    ['a header of 20,000 levels', { headers: { x: JSON.parse(nested(20_000)) } }],
  ])('%s that cannot become text is 400', async (_, changes) => {
    expect((await create(postEvent(JSON.stringify({ input }), changes), context)).statusCode).toBe(400);
  });

  test('a timer’s user_event of another type never reaches MPC', async () => {
    await cancel({ trigger_type: 'TIMER', user_event: { everybodys: true } }, context);
    expect(asked()).toEqual([]);
  });
});

describe('a malformed record', () => {
  test.each([{ eTag: { toString: 1 } }, { size: { toString: 1, valueOf: 1 } }])(
    '%j does not hide the other records',
    async (object) => {
      const { records } = (await onUpload({ Records: [uploaded(object), uploaded({})] }, context)) as {
        records: unknown[];
      };
      expect(records).toHaveLength(2);
    },
  );

  test.each([
    ['a control character', 'uploads/%00.mp4'],
    ['more than 1,024 bytes', `uploads/${'k'.repeat(1024)}.mp4`],
    ['half a character', 'uploads/\ud800.mp4'],
  ])('a key with %s, which POST /snapshots refuses, is not sent to MPC', async (_, key) => {
    // Some ETags are settled in the double; the first new one is what counts.
    for (const eTag of 'abcdefghijklmnopqrstuvwxyz0123456789')
      await onUpload({ Records: [uploaded({ key, eTag })] }, context);
    expect(asked()).not.toContain('POST MPC');
  });
});

test('a reused connection keeps no listeners of earlier requests', async () => {
  const sockets: Socket[] = [];
  const keep = (message: unknown): void => void sockets.push((message as { socket: Socket }).socket);
  subscribe('net.client.socket', keep);
  try {
    // Its own copy of the function, and so its own connection.
    await jest.isolateModulesAsync(async () => {
      const { handler } = (await import('../../functions/query')) as { handler: typeof query };
      for (let call = 0; call < 5; call++) {
        await handler({ httpMethod: 'GET', path: `/snapshots/${call}` }, context);
      }
    });
    // The channel tells of the whole process, where another test's client may still be trying to connect.
    const ours = sockets.filter(({ remotePort }) => remotePort === port);
    expect(ours).toHaveLength(1);
    expect(ours[0]?.listenerCount('connect')).toBeLessThan(2);
  } finally {
    unsubscribe('net.client.socket', keep);
  }
});
