import { listTasks, MAX_PAGE_SIZE, type Task } from '../cloud/mpc';
import { describeFailure } from '../core/errors';
import type { Invocation } from '../installation/invocation';
import { isInOwnFolder } from '../tasks/ownership';
import { unwrapUserData } from '../tasks/task-note';
import { mostBehindOthers } from './rate-limit';

/*
 * Uploads wait in OBS, where waiting costs nothing and nothing is lost, and not in MPC's queue.
 * How fast MPC works is not documented, so this module asks now and then how many tasks of uploads have not ended.
 */

/** List calls count against MPC's quota, and in a minute the pace adds only a few tasks. */
const LOOK_EVERY_MS = 60_000;
/** So few tasks, and so small a part of the limit, start without a look: single uploads cost no list call. */
const MOST_UNSEEN = 10;
const UNSEEN_PART_OF_LIMIT = 1 / 4;

// One instance handles one event at a time: its memory is a safe place for what it has started.
let lookedAtMs = 0;
let unfinished = 0;
let look: Promise<void> | undefined;

/** Before many starts: an instance that does not know the number of unfinished tasks looks first. */
export function lookBeforeMany(): void {
  if (lookedAtMs === 0) unfinished = Number.POSITIVE_INFINITY;
}

/**
 * Takes a place in MPC's queue. If MPC cannot be asked, the last known number counts. A place that is not used
 * is free again after the next look.
 * @param isBehind leaves a part of the places to others
 * @returns false while MPC has as many unfinished tasks of uploads as MAX_UNFINISHED_TASKS says
 */
export async function isRoomAtMpc(invocation: Invocation, isBehind = false): Promise<boolean> {
  const { maxUnfinishedTasks } = invocation.settings;
  const isDue = Date.now() >= lookedAtMs + LOOK_EVERY_MS;
  if (isDue && unfinished >= Math.min(MOST_UNSEEN, maxUnfinishedTasks * UNSEEN_PART_OF_LIMIT)) {
    lookedAtMs = Date.now();
    look = lookAtMpc(invocation);
  }
  await look;
  if (unfinished >= (isBehind ? mostBehindOthers(maxUnfinishedTasks) : maxUnfinishedTasks)) return false;
  unfinished += 1;
  return true;
}

async function lookAtMpc(invocation: Invocation): Promise<void> {
  try {
    unfinished = (await countOwn('WAITING', invocation)) + (await countOwn('PROCESSING', invocation));
  } catch (error) {
    invocation.log.warn('queue.not_counted', describeFailure(error));
  }
}

/** Estimated from one page and its share of the total: MPC's list has the tasks of the whole account. */
async function countOwn(status: Task['status'], invocation: Invocation): Promise<number> {
  const query = [
    ['status', status],
    ['page', '0'],
    ['size', String(MAX_PAGE_SIZE)],
  ] as const;
  const { tasks, total } = await listTasks(query, invocation);
  const { settings } = invocation;
  const own = tasks.filter((task) => {
    const { note, userData } = unwrapUserData(task.user_data);
    // Tasks of callers have a text or no claim: otherwise callers could keep uploads waiting for ever.
    return note.claim && userData === undefined && isInOwnFolder(task, settings);
  }).length;
  // Without tasks there is nothing to divide by.
  return Math.ceil((Math.max(total, tasks.length) * own) / tasks.length) || 0;
}
