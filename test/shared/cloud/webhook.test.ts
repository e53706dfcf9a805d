import dns, { type LookupAddress, type LookupOptions } from 'node:dns';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Webhook } from 'standardwebhooks';
import { isPrivateAddress, lookupPublic, sendWebhook, webhookHeaders } from '../../../shared/cloud/webhook';

const SECRET = `whsec_${Buffer.from('a secret of exactly 32 characters').toString('base64')}`;
const message = { id: 'msg_1', body: '{"type":"snapshots.succeeded"}' };

const NEXT_SECRET = `whsec_${Buffer.from('another secret of 32 characters!').toString('base64')}`;

let server: Server;
let port: number;
let received = 0;
let status = 204;
let last: { line: string; headers: IncomingHttpHeaders; body: string } | undefined;

beforeEach(() => {
  status = 204;
});
beforeAll(async () => {
  server = createServer(async (request, response) => {
    received++;
    const body = (await request.toArray()).join('');
    last = { line: `${request.method} ${request.url}`, headers: request.headers, body };
    response.writeHead(status, { location: '/elsewhere' }).end();
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

test('during a rotation a receiver verifies with either secret', () => {
  const headers = webhookHeaders(message, [SECRET, NEXT_SECRET], Date.now());
  for (const secret of [SECRET, NEXT_SECRET])
    expect(new Webhook(secret).verify(message.body, headers)).toEqual({ type: 'snapshots.succeeded' });
  expect(headers['webhook-signature']?.split(' ')).toHaveLength(2);
});

test('a message says what it is, who sends it and when, in whole seconds', () => {
  expect(webhookHeaders(message, [SECRET], 1_795_000_000_999)).toEqual({
    'content-type': 'application/json',
    'user-agent': 'mpc-snapshots',
    'webhook-id': 'msg_1',
    'webhook-timestamp': '1795000000',
    'webhook-signature': expect.stringMatching(/^v1,[A-Za-z0-9+/]{43}=$/),
  });
});

test.each([204, 302, 503])(
  'a message is sent once and unchanged, and the status %i comes back',
  async (answer) => {
    status = answer;
    const before = received;
    const url = `http://localhost:${port}/a/b?c=d`;
    expect(await sendWebhook(url, message, [SECRET], true, Date.now() + 5000)).toBe(answer);
    expect(received).toBe(before + 1);
    expect(last).toMatchObject({
      line: 'POST /a/b?c=d',
      headers: { 'webhook-id': 'msg_1' },
      body: message.body,
    });
    expect(
      new Webhook(SECRET).verify(last?.body ?? '', last?.headers as Record<string, string>),
    ).toBeDefined();
  },
);

test('a public address is not refused', async () => {
  await expect(sendWebhook('http://8.8.8.8/', message, [SECRET], false, Date.now() - 1)).rejects.toThrow(
    'did not answer in time',
  );
});

test('the error names the address behind a name, which is resolved once, even if a connection to it is open', async () => {
  await sendWebhook(`http://localhost:${port}/`, message, [SECRET], true, Date.now() + 5000);
  const lookup = jest.spyOn(dns, 'lookup');
  await expect(
    sendWebhook(`http://localhost:${port}/`, message, [SECRET], false, Date.now() + 5000),
  ).rejects.toThrow(/^webhook is not available: (127\.0\.0\.1|::1) is an address of a private network$/);
  expect(lookup).toHaveBeenCalledTimes(1);
  lookup.mockRestore();
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

describe('a name', () => {
  const look = (options: LookupOptions, name = '8.8.8.8') =>
    new Promise<unknown>((resolve) => {
      lookupPublic(name, options, (error, address, family) => resolve(error?.message ?? [address, family]));
    });
  /** The resolver answers so, and is asked with these options. */
  const resolver = (...addresses: string[]) =>
    jest.spyOn(dns, 'lookup').mockImplementation(((
      _name: string,
      _options: LookupOptions,
      callback: (error: null, all: LookupAddress[]) => void,
    ) =>
      callback(
        null,
        addresses.map((address) => ({ address, family: 4 })),
      )) as never);
  afterEach(() => void jest.restoreAllMocks());

  test('is resolved to all of its addresses or to the first, as Node.js asks', async () => {
    expect(await look({ all: true })).toEqual([[{ address: '8.8.8.8', family: 4 }], undefined]);
    expect(await look({})).toEqual(['8.8.8.8', 4]);
    const lookup = resolver('8.8.8.8', '1.1.1.1');
    expect(await look({ all: false, family: 4, hints: 7 }, 'hooks')).toEqual(['8.8.8.8', 4]);
    expect(lookup).toHaveBeenCalledWith('hooks', { all: true, family: 4, hints: 7 }, expect.any(Function));
  });

  test('of which one address is private is refused, whatever the others are', async () => {
    resolver('8.8.8.8', '10.0.0.1');
    for (const all of [true, false])
      expect(await look({ all }, 'hooks')).toMatch(/: 10\.0\.0\.1 is an address of a private network$/);
  });

  test('that cannot be resolved is not private', async () => {
    expect(await look({}, 'a'.repeat(64))).toMatch(/ ENOTFOUND /);
  });

  test('without an address leads nowhere', async () => {
    resolver();
    expect(await look({})).toEqual([[], undefined]);
  });
});

// First and last of each network of the registries, and their neighbours.
test.each([
  ['0.0.0.0', '0.255.255.255'],
  ['10.0.0.0', '10.255.255.255'],
  ['100.64.0.0', '100.127.255.255'],
  ['127.0.0.0', '127.255.255.255'],
  ['169.254.0.0', '169.254.255.255'],
  ['172.16.0.0', '172.31.255.255'],
  ['192.0.0.0', '192.0.0.255'],
  ['192.0.2.0', '192.0.2.255'],
  ['192.88.99.0', '192.88.99.255'],
  ['192.168.0.0', '192.168.255.255'],
  ['198.18.0.0', '198.19.255.255'],
  ['198.51.100.0', '198.51.100.255'],
  ['203.0.113.0', '203.0.113.255'],
  ['224.0.0.0', '255.255.255.255'],
  ['::', '::1'],
  ['::ffff:0.0.0.0', '::ffff:255.255.255.255'],
  ['::ffff:0:0.0.0.0', '::ffff:0:255.255.255.255'],
  ['64:ff9b::', '64:ff9b::8.8.8.8'],
  ['64:ff9b:1::', '64:ff9b:1:ffff::'],
  ['100::', '100::ffff'],
  // With Teredo, which holds an IPv4 address.
  ['2001::', '2001:1ff:ffff::'],
  ['2001:db8::', '2001:db8:ffff::'],
  ['2002::', '2002:ffff::'],
  ['3fff::', '3fff:fff:ffff::'],
  ['5f00::', '5f00:ffff::'],
  ['4000::', 'fbff::'],
  ['fc00::', 'fdff::'],
  ['fe80::', 'febf::'],
  ['fec0::', 'feff::'],
  ['ff00::', 'ffff::'],
])('the addresses from %s to %s are private', (first, last) => {
  expect([isPrivateAddress(first), isPrivateAddress(last)]).toEqual([true, true]);
});

test.each([
  '1.0.0.0',
  '8.8.8.8',
  '9.255.255.255',
  '11.0.0.0',
  '100.63.255.255',
  '100.128.0.0',
  '126.255.255.255',
  '128.0.0.0',
  '169.253.255.255',
  '172.15.255.255',
  '172.32.0.0',
  '192.0.1.0',
  '192.0.3.0',
  '198.17.255.255',
  '198.20.0.0',
  '223.255.255.255',
  '192.88.98.255',
  '192.88.100.0',
  '2000::',
  '2001:200::',
  '2606:4700::1111',
  '2001:db7:ffff::',
  '2001:db9::',
  '2003::',
  '3ffe:ffff::',
  '3fff:1000::',
])('the address %s is public', (address) => {
  expect(isPrivateAddress(address)).toBe(false);
});

test('what is no address is not public', () => {
  expect(isPrivateAddress('localhost')).toBe(true);
});
