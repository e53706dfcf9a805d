import { createHmac } from 'node:crypto';
import type { LookupFunction } from 'node:net';
import { BlockList, isIP } from 'node:net';
import { ServiceUnavailable } from '../core/errors';
import { send } from './http';

/** One message to a receiver. */
export interface WebhookMessage {
  /** The same when the message is sent again, so that a receiver can recognize it. */
  id: string;
  body: string;
}

const SERVICE = 'webhook';

/**
 * Signs a message (Standard Webhooks 1.0.0, "Signature scheme") with each secret, so that a receiver may know
 * the old or the new one during a rotation.
 * @param secrets each is `whsec_` and the key in base64
 */
export function webhookHeaders(
  { id, body }: WebhookMessage,
  secrets: readonly string[],
  nowMs: number,
): Record<string, string> {
  const timestamp = String(Math.floor(nowMs / 1000));
  const signatures = secrets.map((secret) => {
    const key = Buffer.from(secret.slice('whsec_'.length), 'base64');
    return `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')}`;
  });
  return {
    'content-type': 'application/json',
    'user-agent': 'mpc-snapshots',
    'webhook-id': id,
    'webhook-timestamp': timestamp,
    'webhook-signature': signatures.join(' '),
  };
}

/**
 * Sends a message once. Does not follow redirects, and refuses addresses of private networks, also behind a host name:
 * a receiver must not become a way into the network of the functions.
 * @param mayBePrivate true for the local cloud, whose receivers run on the same machine
 * @returns the status of the receiver's answer
 * @throws ServiceTimedOut after 10 s, ServiceUnavailable when it cannot be reached
 */
export async function sendWebhook(
  url: string,
  message: WebhookMessage,
  secrets: readonly string[],
  mayBePrivate: boolean,
  deadlineMs: number,
): Promise<number> {
  const { origin, pathname, search, hostname } = new URL(url);
  const literal = hostname.replace(/^\[|\]$/g, '');
  if (!mayBePrivate && isIP(literal) && isPrivateAddress(literal)) throw privateAddress(literal);
  const { status } = await send(
    () => ({
      method: 'POST',
      origin,
      path: pathname + search,
      headers: webhookHeaders(message, secrets, Date.now()),
      body: message.body,
    }),
    { service: SERVICE, deadlineMs, repeat: 'unsent', ...(!mayBePrivate && { lookup: lookupPublic }) },
  );
  return status;
}

/** Resolves a name, and refuses private addresses. The check is here because a name may resolve differently next time. */
export const lookupPublic: LookupFunction = (hostname, options, callback) => {
  const { lookup }: typeof import('node:dns') = require('node:dns');
  lookup(hostname, { ...options, all: true }, (error, addresses) => {
    if (error) return callback(error, []);
    const forbidden = addresses.find(({ address }) => isPrivateAddress(address));
    if (forbidden !== undefined) return callback(privateAddress(forbidden.address), []);
    const [first] = addresses;
    if (options.all || first === undefined) callback(null, addresses);
    else callback(null, first.address, first.family);
  });
};

function privateAddress(address: string): ServiceUnavailable {
  // What may have arrived is not repeated. A moment later the name would have the same address.
  return new ServiceUnavailable(SERVICE, `${address} is an address of a private network`, true);
}

/** True for addresses outside the public internet (IANA special-purpose address registries). */
export function isPrivateAddress(address: string): boolean {
  const family = isIP(address);
  if (family === 0) return true;
  // A list for each family: with mapped IPv4 networks in it, a common list would match every IPv4 address.
  const networks = new BlockList();
  const type = family === 4 ? 'ipv4' : 'ipv6';
  for (const [network, bits] of family === 4 ? PRIVATE_IPV4 : PRIVATE_IPV6)
    networks.addSubnet(network, bits, type);
  return networks.check(address, type);
}

const PRIVATE_IPV4: readonly (readonly [network: string, bits: number])[] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
];
const PRIVATE_IPV6: readonly (readonly [network: string, bits: number])[] = [
  ['::', 96],
  // IPv4 addresses in IPv6 form. Nobody needs that form for a public address.
  ['::ffff:0:0', 96],
  ['64:ff9b::', 96],
  ['64:ff9b:1::', 48],
  ['100::', 64],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['fc00::', 7],
  ['fe80::', 10],
  ['fec0::', 10],
  ['ff00::', 8],
];
