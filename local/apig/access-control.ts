import { BlockList, isIPv6 } from 'node:net';
import type { AccessPolicy } from './access-book';
import type { Caller } from './authentication';
import { Refusal } from './errors';

/**
 * Lets a caller pass if every bound policy allows it.
 * @throws Refusal 403
 */
export function checkPolicies(policies: readonly AccessPolicy[], caller: Caller): void {
  for (const policy of policies) {
    if (isMeant(policy, caller) === (policy.type === 'PERMIT')) continue;
    if (policy.entity === 'IP') throw new Refusal(403, 'APIG.0306', 'API access denied.');
    throw new Refusal(403, 'APIG.0302', 'The IAM user is not authorized to access the API.');
  }
}

function isMeant({ entity, values }: AccessPolicy, { accountId, accountName, address }: Caller): boolean {
  if (entity === 'DOMAIN_ID') return accountId !== undefined && values.includes(accountId);
  if (entity === 'DOMAIN') return accountName !== undefined && values.includes(accountName);
  return isAmong(values, address);
}

/** Takes addresses, ranges such as 10.0.0.1-10.0.0.9, and networks such as 10.0.0.0/8. */
function isAmong(values: readonly string[], address: string): boolean {
  const plain = address.replace(/^::ffff:/, '');
  const list = new BlockList();
  for (const value of values) {
    const family = isIPv6(value.split(/[/-]/)[0] ?? '') ? 'ipv6' : 'ipv4';
    const [first = '', last] = value.split('-');
    const [network = '', bits] = first.split('/');
    if (last !== undefined) list.addRange(first, last, family);
    else if (bits !== undefined) list.addSubnet(network, Number(bits), family);
    else list.addAddress(first, family);
  }
  return list.check(plain, isIPv6(plain) ? 'ipv6' : 'ipv4');
}
