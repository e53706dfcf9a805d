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
  if (family === 4) return isIn(PRIVATE_IPV4, address, 'ipv4');
  return family === 0 || !isIn(GLOBAL_IPV6, address, 'ipv6') || isIn(PRIVATE_IPV6, address, 'ipv6');
}

type Networks = readonly (readonly [network: string, bits: number])[];

function isIn(networks: Networks, address: string, family: 'ipv4' | 'ipv6'): boolean {
  const list = new BlockList();
  for (const [network, bits] of networks) list.addSubnet(network, bits, family);
  return list.check(address, family);
}

const PRIVATE_IPV4: Networks = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
];
/**
 * All that is given out for the public internet (RFC 4291, section 2.4). Outside are also most forms that hold an IPv4 address:
 * nobody needs those for a public one.
 */
const GLOBAL_IPV6: Networks = [['2000::', 3]];
/** What is not public of it: protocols, with Teredo; documentation; 6to4. */
const PRIVATE_IPV6: Networks = [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
];
