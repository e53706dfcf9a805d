import { listTasks, type TaskList } from '../cloud/mpc';
import { ServiceRefused } from '../core/errors';
import type { Invocation } from '../installation/invocation';
import type { Query } from '../signing';

const WINDOW_MS = 60_000;

// An instance answers one request at a time, so it knows all its list calls. The limit on instances of query bounds the sum.
let askedAtMs: number[] = [];

/**
 * MPC's list for readers: at most MPC_READS_PER_MINUTE calls in any 60 s from this instance, so that readers
 * cannot use up the quota that uploads and ended tasks need.
 * @throws ServiceRefused 429 above that limit, without a call; what listTasks throws
 */
export async function listTasksForReader(query: Query, invocation: Invocation): Promise<TaskList> {
  const now = Date.now();
  askedAtMs = askedAtMs.filter((timeMs) => timeMs > now - WINDOW_MS);
  const [oldestMs = now] = askedAtMs;
  if (askedAtMs.length >= invocation.settings.mpcReadsPerMinute) {
    const retryAfterSeconds = Math.ceil((oldestMs + WINDOW_MS - now) / 1000);
    throw new ServiceRefused(
      'MPC',
      { status: 429, retryAfterSeconds, attempts: 0 },
      '',
      'MPC_READS_PER_MINUTE is used up',
      '',
    );
  }
  askedAtMs.push(now);
  return listTasks(query, invocation, 'unrefused');
}
