/**
 * Takes a part of one core in short bursts, as a server does, in a process of its own that touches nothing else. The first
 * message is a `LoadPlan`; the program ends when its parent disconnects.
 */

import { constants, setPriority } from 'node:os';

/** How much processor time to take. */
export interface LoadPlan {
  /** Part of one core, from 0 to 1. */
  share: number;
  /** Like the processes of functions, which give way to the cloud's. */
  givesWay: boolean;
}

/** About as long as one process works on a read. */
const BURST_MS = 2.5;

function take(share: number): void {
  const startedAtMs = performance.now();
  while (performance.now() - startedAtMs < BURST_MS);
  setTimeout(() => take(share), BURST_MS / share - BURST_MS);
}

process.once('message', ({ share, givesWay }: LoadPlan) => {
  if (givesWay) setPriority(constants.priority.PRIORITY_BELOW_NORMAL);
  take(share);
});
process.once('disconnect', () => process.exit(0));
