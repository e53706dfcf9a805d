import type { AccessKey } from './credentials';

/**
 * Whether a key may do something. Keys of the account may do everything but what was taken from them.
 * @param action in IAM's words, such as `lts:groups:create`
 */
export function isAllowed({ denied = [] }: Pick<AccessKey, 'denied'>, action: string): boolean {
  return !denied.some((pattern) => covers(pattern, action));
}

/** IAM's patterns know `*` only; names of services and actions are not case-sensitive. */
export function covers(pattern: string, text: string): boolean {
  const parts = pattern.split('*').map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`, 'i').test(text);
}
