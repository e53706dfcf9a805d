import type { Server } from 'node:http';
import { Webhook } from 'standardwebhooks';
import { closeServer, listen } from '../../local/http-server';
import { createReceiver, type ReceivedNotice, type ReceiverOptions } from '../../local/webhook-receiver';

const SECRET = `whsec_${Buffer.from('a secret of exactly 32 characters').toString('base64')}`;
const BODY = '{"type":"snapshots.succeeded"}';

const servers: Server[] = [];
let received: ReceivedNotice[];
beforeEach(() => {
  received = [];
});
afterEach(() => Promise.all(servers.splice(0).map(closeServer)));

async function start(options: Partial<ReceiverOptions> = {}): Promise<string> {
  const server = createReceiver({ secrets: [SECRET], onNotice: (one) => received.push(one), ...options });
  servers.push(server);
  return `http://127.0.0.1:${await listen(server, 0)}`;
}

/** Signed by the reference implementation. */
function send(url: string, { secret = SECRET, body = BODY, ageSeconds = 0, drop = '' } = {}) {
  const time = new Date(Date.now() - ageSeconds * 1000);
  const headers: Record<string, string> = {
    'webhook-id': 'msg_1',
    'webhook-timestamp': String(Math.floor(time.getTime() / 1000)),
    'webhook-signature': new Webhook(secret).sign('msg_1', time, BODY),
  };
  delete headers[drop];
  return fetch(url, { method: 'POST', headers, body, signal: AbortSignal.timeout(5000) });
}

test('a notice that the reference implementation signed is accepted', async () => {
  expect((await send(await start())).status).toBe(204);
  expect(received).toEqual([{ id: 'msg_1', body: BODY, value: JSON.parse(BODY), answer: 204 }]);
});

test('one of several secrets is enough', async () => {
  const other = `whsec_${Buffer.from('another secret of 32 characters!').toString('base64')}`;
  expect((await send(await start({ secrets: [other, SECRET] }))).status).toBe(204);
});

test.each([
  ['of another secret', { secret: `whsec_${Buffer.alloc(32).toString('base64')}` }, /no signature/],
  ['whose body was changed', { body: '{}' }, /no signature/],
  ['that is six minutes old', { ageSeconds: 360 }, /not within 300 s/],
  ['without a signature', { drop: 'webhook-signature' }, /is missing/],
])('a notice %s is refused', async (_, changed, refusal) => {
  expect((await send(await start(), changed)).status).toBe(401);
  expect(received).toMatchObject([{ answer: 401, refusal: expect.stringMatching(refusal) }]);
});

test('the receiver fails or stays silent on request', async () => {
  const failing = await start({ faults: { shares: { 'webhook.5xx': 1 }, seed: 1 } });
  expect((await send(failing)).status).toBe(503);
  const hanging = await start({ faults: { shares: { 'webhook.timeout': 1 }, seed: 1 } });
  const answer = send(hanging).catch(() => 'broken');
  while (received.length < 2) await new Promise(setImmediate);
  await Promise.all(servers.splice(0).map(closeServer));
  expect(await answer).toBe('broken');
  expect(received.map(({ answer: given }) => given)).toEqual([503, 'none']);
});
