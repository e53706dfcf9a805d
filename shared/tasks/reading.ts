import { listTasks, type TaskList } from '../cloud/mpc';
import { ServiceRefused } from '../core/errors';
import type { Invocation } from '../installation/invocation';
import type { Query } from '../signing';

const WINDOW_MS = 60_000;

// An instance answers one request at a time: what it remembers is what it asked. The cap on query's instances bounds them all.
let askedAtMs: number[] = [];

/**
 * MPC's list as readers may ask for it: at most MPC_READS_PER_MINUTE times in any 60 s from this instance, so that no number
 * of readers uses up the quota that uploads and the end of tasks are looked up with.
 * @throws ServiceRefused 429 beyond that, without a call; what listTasks throws
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
      'readers have had their share',
      '',
    );
  }
  askedAtMs.push(now);
  return listTasks(query, invocation, 'unrefused');
}
