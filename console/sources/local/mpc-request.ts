import type { RequestEntry } from '../../server/console-api';
import type { CountedCall } from '../mpc-calls';

const NAMES: Readonly<Record<string, string>> = { POST: 'create', DELETE: 'cancel', GET: 'list' };

/** What a request to MPC counts as. */
export function callOf({
  method,
  path,
  caller = 'unknown caller',
  timeMs,
  status,
}: RequestEntry): CountedCall {
  const [, resource = ''] = /^\/v1\/[^/]+\/([\w/]+)/.exec(path) ?? [];
  const operation = resource === 'thumbnails' ? (NAMES[method] ?? method) : `${method} ${resource}`.trim();
  return { timeMs, operation, caller, count: 1, refused: status === 429 ? 1 : 0 };
}
