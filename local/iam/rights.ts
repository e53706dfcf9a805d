import type { AccessKey } from './credentials';

/**
 * Whether a key is allowed an action. Keys of the account may do everything that they are not denied.
 * @param action as IAM names it, such as `lts:groups:create`
 */
export function isAllowed({ denied = [] }: Pick<AccessKey, 'denied'>, action: string): boolean {
  return !denied.some((pattern) => covers(pattern, action));
}

/** `*` is the only wildcard of IAM's patterns. Names of services and actions are not case-sensitive. */
export function covers(pattern: string, text: string): boolean {
  const parts = pattern.split('*').map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`, 'i').test(text);
}
