import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Webhook } from 'standardwebhooks';
import { isPrivateAddress, sendWebhook, webhookHeaders } from '../../../shared/cloud/webhook';

const SECRET = `whsec_${Buffer.from('a secret of exactly 32 characters').toString('base64')}`;
const message = { id: 'msg_1', body: '{"type":"snapshots.succeeded"}' };

let server: Server;
let port: number;
let received = 0;

beforeAll(async () => {
  server = createServer((_, response) => {
    received++;
    response.writeHead(204).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  port = (server.address() as AddressInfo).port;
});
afterAll(() => {
  server.close();
  server.closeAllConnections();
});

test('the receiver’s library verifies what was signed, and nothing else', () => {
  const headers = webhookHeaders(message, [SECRET], Date.now());
  expect(new Webhook(SECRET).verify(message.body, headers)).toEqual({ type: 'snapshots.succeeded' });
  expect(() => new Webhook(SECRET).verify('{"type":"forged"}', headers)).toThrow();
});

test('a receiver of the local cloud may be on this machine', async () => {
  expect(await sendWebhook(`http://127.0.0.1:${port}/`, message, [SECRET], true, Date.now() + 5000)).toBe(
    204,
  );
});

test.each(['127.0.0.1', 'localhost', '[::1]', '[::ffff:127.0.0.1]', '2130706433'])(
  'elsewhere no notice reaches this machine as %s',
  async (host) => {
    const before = received;
    await expect(
      sendWebhook(`http://${host}:${port}/`, message, [SECRET], false, Date.now() + 5000),
    ).rejects.toThrow('is an address of a private network');
    expect(received).toBe(before);
  },
);

test.each([
  ['10.1.2.3', true],
  ['100.64.0.1', true],
  ['169.254.169.254', true],
  ['172.16.0.1', true],
  ['172.32.0.1', false],
  ['192.168.1.1', true],
  ['0.0.0.0', true],
  ['255.255.255.255', true],
  ['8.8.8.8', false],
  ['::1', true],
  ['fd00::1', true],
  ['fe80::1', true],
  ['::ffff:10.0.0.1', true],
  ['2606:4700::1111', false],
])('the address %s is private: %s', (address, isPrivate) => {
  expect(isPrivateAddress(address)).toBe(isPrivate);
});
