import * as z from 'zod/mini';
import { wholeNumber } from '../core/schema';
import { type Invocation, remainingMs } from '../installation/invocation';
import { RECORDS_FOLDER } from '../installation/object-keys';
import { getRecord, putRecord } from '../installation/records';
import { CALL_ARRIVES_WITHIN_MS } from '../tasks/claim-search';

/*
 * MPC gets at most MPC_REQUESTS_PER_MINUTE create calls of the automatic side in any 60 s, whatever happens to calls
 * and instances.
 *
 * Each call needs a permit. What counts is when the call may reach MPC: at the earliest when its permit was acquired, at
 * the latest when its answer was there. A call without an answer (its time is up, its connection broke) may still be on
 * its way, or wait in the gateway, so that it counts until it can arrive no more. A permit is in use until a window after
 * that latest moment; a new one is given only while fewer than the limit are in use. So of any two calls in one window the
 * later one saw the earlier one in use, and no window holds more than the limit.
 *
 * What this instance sent it knows itself. What an instance before it may have sent, one that crashed a moment ago
 * perhaps, it learns from an object: permits are reserved there in small numbers before they are used, and each counts
 * until the latest call that could have had it can arrive no more. With every new reservation the instance also writes
 * down how its earlier ones ended, so that the next instance waits for calls that were made and not for what might have been.
 * No reservation that is read ends later than one that was made at the moment of reading: what says otherwise is wrong.
 *
 * The object must never lose a reservation whose permits are in use. Writes follow each other, but one that its caller gave
 * up may still be carried out and would take back a later one: after such a write nothing leaves until that can happen no
 * more, and after one that was repeated nothing else is written until then. Taken for granted: one instance at a time, clocks
 * of instances that agree within the second that a window is longer than a minute, and that what an instance had sent to OBS
 * when it died is done before the next one writes.
 */

/**
 * A minute and a little: what this instance sent it knows by its own clock. The sweep comes every minute too, so that a longer
 * window would push its calls back from run to run, until they fit into it no more.
 */
const OWN_WINDOW_MS = 60_100;
/** A minute, and what clocks of instances may differ by. */
const WINDOW_MS = 61_000;
/**
 * Small reservations mean more writes, large ones more that is lost with an instance: no more than a small part of the
 * limit, or a single upload would use it up for the instance after the next pause.
 */
const MOST_RESERVED_CALLS = 10;
const RESERVED_PART_OF_LIMIT = 1 / 8;
const RESERVATION_LIFETIME_MS = 10_000;
/** So long after it was given up, OBS may still carry out a write: the time of one attempt, a guess. */
const WRITE_LANDS_WITHIN_SECONDS = 10;
/** MPC's gateway may count by the hour, but nobody knows that it will not change its mind. */
const MAX_PAUSE_SECONDS = 600;
const OBJECT_KEY = `${RECORDS_FOLDER}pace.json`;

const Reservation = z.object({
  /** When the last of its calls can arrive at the latest, ms since the epoch. */
  until_ms: wholeNumber,
  calls: wholeNumber,
});
type Reservation = z.infer<typeof Reservation>;
/** `lots` is what reservations are called in records that exist. */
const Reservations = z.object({ lots: z.array(Reservation) });

/** One call, and when it can arrive at the latest (ms since the epoch). */
interface Permit {
  latestArrivalMs: number;
}

/** Permits that may be used up to `expiresAtMs` (ms since the epoch). */
interface OwnReservation {
  calls: number;
  expiresAtMs: number;
  permits: Permit[];
}

// One instance handles one event at a time, so that its memory is a safe place for what it has sent. A sweep starts several
// uploads together: they get their permits one after the other.
let lastInLine: Promise<unknown> = Promise.resolve();
let othersReservations: Reservation[] | undefined;
let ownReservations: OwnReservation[] = [];
let pausedUntilMs = 0;
/** Until when an attempt to write the last reservation may still be carried out, although it has been repeated. */
let rewrittenUntilMs = 0;

/**
 * Learns what instances before this one have reserved. It only reads, so that it may run beside the look for a claim.
 */
export async function learnReservations(invocation: Invocation): Promise<void> {
  othersReservations ??= await readReservations(invocation);
}

/** What others leave free is for uploads that come meanwhile: of a small limit nothing. */
export function mostBehindOthers(limit: number): number {
  return Math.ceil((limit * 7) / 8);
}

/**
 * Waits until one more create call may leave, or sees whether it may at once.
 * @param reserveMs time that must be left after the wait
 * @param mayWait without it there is no wait
 * @param isBehind leaves a part of the pace to others
 * @returns `release`, to be called when MPC has answered, or the call provably never left, and not when its fate is unknown;
 * undefined when the invocation ends before a permit is free
 * @throws what OBS throws when the reservation cannot be written
 */
export function acquirePermit(
  reserveMs: number,
  mayWait: boolean,
  invocation: Invocation,
  isBehind = false,
): Promise<(() => void) | undefined> {
  const permit = lastInLine.then(() => nextPermit(reserveMs, mayWait, invocation, isBehind));
  lastInLine = permit.catch(() => {});
  return permit;
}

async function nextPermit(
  reserveMs: number,
  mayWait: boolean,
  invocation: Invocation,
  isBehind: boolean,
): Promise<(() => void) | undefined> {
  await learnReservations(invocation);
  const { mpcRequestsPerMinute } = invocation.settings;
  const limit = isBehind ? mostBehindOthers(mpcRequestsPerMinute) : mpcRequestsPerMinute;
  for (;;) {
    const now = Date.now();
    const last = usableReservation(now);
    const writeMs = last === undefined ? rewrittenUntilMs - now : 0;
    const waitMs = Math.max(pausedUntilMs - now, msUntilFree(now, limit), writeMs);
    if (remainingMs(invocation) - waitMs < reserveMs) return undefined;
    if (waitMs <= 0) {
      if (last !== undefined) return permitOf(last, now);
      // One that took too long in the writing is written anew.
      await reserve(invocation);
      continue;
    }
    if (!mayWait) return undefined;
    invocation.log.debug('pace.waiting', { wait_ms: waitMs });
    await new Promise((resolve) => setTimeout(resolve, waitMs));
  }
}

function permitOf({ permits }: OwnReservation, now: number): () => void {
  const permit = { latestArrivalMs: now + CALL_ARRIVES_WITHIN_MS };
  permits.push(permit);
  return () => {
    permit.latestArrivalMs = Date.now();
  };
}

/** Nothing leaves before this long is over, as when MPC said that the quota is used up. */
export function pause(seconds: number): void {
  pausedUntilMs = Math.max(pausedUntilMs, Date.now() + Math.min(seconds, MAX_PAUSE_SECONDS) * 1000);
}

function msUntilFree(now: number, limit: number): number {
  othersReservations = (othersReservations ?? []).filter(({ until_ms }) => until_ms > now - WINDOW_MS);
  const own = ownReservations.flatMap(({ permits }) => permits);
  const inUse = [
    ...own.map(({ latestArrivalMs }) => ({ freeMs: latestArrivalMs + OWN_WINDOW_MS, calls: 1 })),
    ...othersReservations.map(({ until_ms, calls }) => ({ freeMs: until_ms + WINDOW_MS, calls })),
  ]
    .filter(({ freeMs }) => freeMs > now)
    .sort((a, b) => a.freeMs - b.freeMs);
  let excess = inUse.reduce((sum, { calls }) => sum + calls, 0) + 1 - limit;
  for (const { freeMs, calls } of inUse) {
    if (excess <= 0) break;
    excess -= calls;
    if (excess <= 0) return freeMs - now;
  }
  return 0;
}

async function reserve(invocation: Invocation): Promise<void> {
  const now = Date.now();
  const next: OwnReservation = {
    calls: Math.min(
      MOST_RESERVED_CALLS,
      Math.ceil(invocation.settings.mpcRequestsPerMinute * RESERVED_PART_OF_LIMIT),
    ),
    expiresAtMs: now + RESERVATION_LIFETIME_MS,
    permits: [],
  };
  const ended = ownReservations.filter((own) => asEnded(own).until_ms > now - WINDOW_MS);
  const lots = [
    ...(othersReservations ?? []),
    ...ended.map(asEnded),
    { calls: next.calls, until_ms: next.expiresAtMs + CALL_ARRIVES_WITHIN_MS },
  ];
  try {
    const attempts = await putRecord(OBJECT_KEY, { lots }, invocation);
    if (attempts > 1) rewrittenUntilMs = Date.now() + WRITE_LANDS_WITHIN_SECONDS * 1000;
  } catch (error) {
    pause(WRITE_LANDS_WITHIN_SECONDS);
    throw error;
  }
  ownReservations = [...ended, next];
}

/** The last reservation, while it is written and has a call left. */
function usableReservation(now: number): OwnReservation | undefined {
  const last = ownReservations.at(-1);
  return last !== undefined && last.permits.length < last.calls && now < last.expiresAtMs ? last : undefined;
}

/** What became of a reservation that is given up: the calls that were made, and the latest moment of any of them. */
function asEnded({ permits }: OwnReservation): Reservation {
  return {
    calls: permits.length,
    until_ms: Math.max(0, ...permits.map(({ latestArrivalMs }) => latestArrivalMs)),
  };
}

async function readReservations(invocation: Invocation): Promise<Reservation[]> {
  const { mpcRequestsPerMinute: calls } = invocation.settings;
  const record = await getRecord(OBJECT_KEY, invocation);
  if (record === undefined) return [];
  const { data: stored } = z.safeParse(Reservations, record);
  const latestMs = Date.now() + RESERVATION_LIFETIME_MS + CALL_ARRIVES_WITHIN_MS;
  if (stored === undefined) {
    // What was reserved cannot be read: it may have been all, and the next instance must know until when.
    const lots = [{ calls, until_ms: latestMs }];
    await putRecord(OBJECT_KEY, { lots }, invocation);
    return lots;
  }
  return stored.lots.map(({ calls, until_ms }) => ({ calls, until_ms: Math.min(until_ms, latestMs) }));
}
