import * as z from 'zod/mini';
import { getJson, putJson } from '../cloud/obs';
import { integer } from '../core/schema';
import { type Invocation, remainingMs } from '../installation/invocation';
import { RECORDS_FOLDER } from '../installation/object-keys';
import { CALL_WITHIN_MS } from '../tasks/claims';

/*
 * At most MPC_REQUESTS_PER_MINUTE create calls leave in any 60 s, whatever happens to instances.
 * What this instance sent it knows itself. What an instance before it may have sent, one that
 * crashed a moment ago perhaps, it learns from an object: calls are reserved there in small lots
 * before they are used, and a lot counts as sent until its time is over.
 */

/** A minute, and what calls may gain on each other on their way. */
const WINDOW_MS = 61_000;
/** A lot is a compromise: small lots mean more writes, large ones more that is lost with an instance. */
const LOT_CALLS = 10;
const LOT_LIFETIME_MS = 10_000;
/** MPC's gateway may count by the hour, but nobody knows that it will not change its mind. */
const MAX_PAUSE_SECONDS = 600;
const OBJECT_KEY = `${RECORDS_FOLDER}pace.json`;

const Lot = z.object({
  /** When the last of its calls is over at the latest. */
  until_ms: integer(0, Number.MAX_SAFE_INTEGER),
  calls: integer(0, Number.MAX_SAFE_INTEGER),
});
type Lot = z.infer<typeof Lot>;
const Reservations = z.object({ lots: z.array(Lot) });

// One instance handles one event at a time, so that its memory is a safe place for what it has sent.
let lotsOfOthers: Lot[] | undefined;
let ownLots: Lot[] = [];
/** When each call was over: until then it may not have arrived. One that is on its way has the time of its turn. */
let turns: { atMs: number }[] = [];
let callsLeftInLot = 0;
let lotEndsAtMs = 0;
let pausedUntilMs = 0;

/**
 * Learns what instances before this one have reserved. It only reads, so that it may run beside the look for a claim.
 */
export async function learnReservations(invocation: Invocation): Promise<void> {
  lotsOfOthers ??= await readLots(invocation);
}

/**
 * Waits until one more create call may leave.
 * @param reserveMs time that must be left after the wait
 * @returns what to call when that call is over; undefined when the invocation ends before its turn would come
 * @throws what OBS throws when the reservation cannot be written
 */
export async function takeTurn(reserveMs: number, invocation: Invocation): Promise<(() => void) | undefined> {
  await learnReservations(invocation);
  const { mpcRequestsPerMinute } = invocation.settings;
  for (;;) {
    const now = Date.now();
    const waitMs = Math.max(pausedUntilMs - now, msUntilFree(now, mpcRequestsPerMinute));
    if (remainingMs(invocation) - waitMs < reserveMs) return undefined;
    if (waitMs <= 0) break;
    invocation.log.debug('pace.waiting', { wait_ms: waitMs });
    await new Promise((resolve) => setTimeout(resolve, waitMs));
  }
  await reserve(invocation);
  callsLeftInLot -= 1;
  const turn = { atMs: Date.now() };
  turns.push(turn);
  return () => {
    turn.atMs = Date.now();
  };
}

/** MPC said that the quota is used up: nothing leaves before this long is over. */
export function pause(seconds: number): void {
  pausedUntilMs = Math.max(pausedUntilMs, Date.now() + Math.min(seconds, MAX_PAUSE_SECONDS) * 1000);
}

function msUntilFree(now: number, limit: number): number {
  turns = turns.filter(({ atMs }) => atMs > now - WINDOW_MS);
  lotsOfOthers = (lotsOfOthers ?? []).filter((lot) => lot.until_ms > now - WINDOW_MS);
  const ends = [
    ...turns.map(({ atMs }) => ({ endsAtMs: atMs + WINDOW_MS, calls: 1 })),
    ...lotsOfOthers.map((lot) => ({ endsAtMs: lot.until_ms + WINDOW_MS, calls: lot.calls })),
  ].sort((a, b) => a.endsAtMs - b.endsAtMs);
  let excess = ends.reduce((sum, { calls }) => sum + calls, 0) + 1 - limit;
  for (const { endsAtMs, calls } of ends) {
    if (excess <= 0) break;
    excess -= calls;
    if (excess <= 0) return endsAtMs - now;
  }
  return 0;
}

/** Makes sure that a call of a written lot is left. A lot that was too long in the writing is written anew. */
async function reserve(invocation: Invocation): Promise<void> {
  while (callsLeftInLot === 0 || Date.now() >= lotEndsAtMs) {
    const now = Date.now();
    const lot = {
      until_ms: now + LOT_LIFETIME_MS + CALL_WITHIN_MS,
      calls: Math.min(LOT_CALLS, invocation.settings.mpcRequestsPerMinute),
    };
    ownLots = [...ownLots.filter(({ until_ms }) => until_ms > now - WINDOW_MS), lot];
    const lots = [...(lotsOfOthers ?? []), ...ownLots];
    await putJson(invocation.settings.snapshotBucket, OBJECT_KEY, { lots }, invocation);
    lotEndsAtMs = now + LOT_LIFETIME_MS;
    callsLeftInLot = lot.calls;
  }
}

async function readLots(invocation: Invocation): Promise<Lot[]> {
  const stored = z.safeParse(
    Reservations,
    await getJson(invocation.settings.snapshotBucket, OBJECT_KEY, invocation),
  );
  return stored.success ? stored.data.lots : [];
}
