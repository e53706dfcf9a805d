import * as z from 'zod/mini';
import { wholeNumber } from '../core/schema';
import { type Invocation, remainingMs } from '../installation/invocation';
import { RECORDS_FOLDER } from '../installation/object-keys';
import { getRecord, putRecord } from '../installation/records';
import { CALL_ARRIVES_WITHIN_MS } from '../tasks/claim-search';

/*
 * Uploads make at most MPC_REQUESTS_PER_MINUTE create calls to MPC in any 60 s, whatever happens to calls and instances.
 *
 * Each call needs a permit. What counts is when the call may reach MPC: at the earliest when its permit was acquired, at
 * the latest when its answer came. A call without an answer (timed out, or its connection broke) may still be on
 * its way, or wait in the gateway. It counts until it can no longer arrive. A permit is in use until one window after
 * that latest moment. A new one is given only while fewer than the limit are in use. So of any two calls in one window the
 * later one saw the earlier one in use, and no window holds more than the limit.
 *
 * An instance knows its own calls. What an earlier instance may have sent, perhaps one that crashed a moment ago,
 * it reads from an object: instances reserve permits there in small numbers before they use them. Each counts
 * until its latest possible call can no longer arrive. With every new reservation the instance also writes
 * how its earlier ones ended, so that the next instance waits only for calls that were made.
 * A reservation cannot end later than one that is made at the moment of reading: a record that says so is wrong.
 *
 * The object must never lose a reservation whose permits are in use. Writes follow each other, but OBS may still carry out
 * a write that timed out, and so overwrite a later one. After such a write no call leaves until that can no longer happen.
 * After a repeated write nothing else is written until then. Assumptions: one instance at a time; clocks of instances agree
 * within the second that a window is longer than a minute; OBS has carried out the writes of an instance that died before the
 * next one writes.
 */

/**
 * A little more than a minute: an instance times its own calls by its own clock. The sweep runs every minute too: a longer
 * window would push its calls back from run to run, until they no longer fit.
 */
const OWN_WINDOW_MS = 60_100;
/** A minute, plus the difference between clocks of instances. */
const WINDOW_MS = 61_000;
/**
 * Small reservations mean more writes; large ones lose more with an instance. A reservation is a small part of the
 * limit, or a single upload would use it all up for the next instance.
 */
const MOST_RESERVED_CALLS = 10;
const RESERVED_PART_OF_LIMIT = 1 / 8;
const RESERVATION_LIFETIME_MS = 10_000;
/** OBS may still carry out a write so long after it timed out: the time of one attempt, a guess. */
const WRITE_LANDS_WITHIN_SECONDS = 10;
/** MPC's gateway may ask for a pause of an hour, but it may also lift the limit sooner. */
const MAX_PAUSE_SECONDS = 600;
const OBJECT_KEY = `${RECORDS_FOLDER}pace.json`;

const Reservation = z.object({
  /** When its last call can arrive at the latest, ms since the epoch. */
  until_ms: wholeNumber,
  calls: wholeNumber,
});
type Reservation = z.infer<typeof Reservation>;
/** Stored records call reservations `lots`. */
const Reservations = z.object({ lots: z.array(Reservation) });

/** Permits that may be used until `expiresAtMs` (ms since the epoch). */
interface OwnReservation {
  calls: number;
  expiresAtMs: number;
  /** Of each permit that was acquired: when its call can arrive at the latest (ms since the epoch). */
  latestArrivalsMs: number[];
}

// One instance handles one event at a time: its memory is a safe place for what it has sent. A sweep starts several
// uploads together; they get their permits one after the other.
let lastInLine: Promise<unknown> = Promise.resolve();
let othersReservations: Reservation[] | undefined;
let ownReservations: OwnReservation[] = [];
let pausedUntilMs = 0;
/** Until when OBS may still carry out an earlier attempt of a repeated write of the last reservation. */
let rewrittenUntilMs = 0;

/** The share of a limit for work behind others. The rest is for new uploads; a small limit leaves no rest. */
export function mostBehindOthers(limit: number): number {
  return Math.ceil((limit * 7) / 8);
}

/**
 * Waits until one more create call may leave.
 * @param reserveMs time (ms) that must be left after the wait
 * @param mayWait false: takes a permit only if one is free now
 * @param isBehind leaves a part of the pace to others
 * @returns `release`, to be called when MPC has answered or the call certainly never left, but not when its fate is unknown;
 * undefined when the invocation ends before a permit is free
 * @throws what OBS throws when the reservation cannot be written
 */
export function acquirePermit(
  reserveMs: number,
  mayWait: boolean,
  invocation: Invocation,
  isBehind: boolean,
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
  othersReservations ??= await readReservations(invocation);
  const { mpcRequestsPerMinute } = invocation.settings;
  const limit = isBehind ? mostBehindOthers(mpcRequestsPerMinute) : mpcRequestsPerMinute;
  for (;;) {
    const now = Date.now();
    const last = usableReservation(now);
    const writeMs = last ? 0 : rewrittenUntilMs - now;
    const waitMs = Math.max(pausedUntilMs - now, msUntilFree(now, limit), writeMs);
    if (remainingMs(invocation) - waitMs < reserveMs) return undefined;
    if (waitMs <= 0) {
      if (last) return permitOf(last, now);
      // A reservation that took too long to write is written again.
      await reserve(invocation);
      continue;
    }
    if (!mayWait) return undefined;
    invocation.log.debug('pace.waiting', { wait_ms: waitMs });
    await new Promise((resolve) => setTimeout(resolve, waitMs));
  }
}

function permitOf({ latestArrivalsMs }: OwnReservation, now: number): () => void {
  const index = latestArrivalsMs.push(now + CALL_ARRIVES_WITHIN_MS) - 1;
  return () => {
    latestArrivalsMs[index] = Date.now();
  };
}

/** No call leaves for so long, for example after MPC said that its quota is used up. */
export function pause(seconds: number): void {
  pausedUntilMs = Math.max(pausedUntilMs, Date.now() + Math.min(seconds, MAX_PAUSE_SECONDS) * 1000);
}

/** Zero or less if one is free now. */
function msUntilFree(now: number, limit: number): number {
  othersReservations = (othersReservations ?? []).filter(({ until_ms }) => until_ms > now - WINDOW_MS);
  const own = ownReservations.flatMap(({ latestArrivalsMs }) => latestArrivalsMs);
  const inUse = [
    ...own.map((latestArrivalMs) => ({ freeMs: latestArrivalMs + OWN_WINDOW_MS, calls: 1 })),
    ...othersReservations.map(({ until_ms, calls }) => ({ freeMs: until_ms + WINDOW_MS, calls })),
  ].sort((a, b) => a.freeMs - b.freeMs);
  let excess = inUse.reduce((sum, { calls }) => sum + calls, 0) + 1 - limit;
  let untilMs = now;
  for (const { freeMs, calls } of inUse) {
    if (excess <= 0) break;
    excess -= calls;
    untilMs = freeMs;
  }
  return untilMs - now;
}

async function reserve(invocation: Invocation): Promise<void> {
  const now = Date.now();
  const next: OwnReservation = {
    calls: Math.min(
      MOST_RESERVED_CALLS,
      Math.ceil(invocation.settings.mpcRequestsPerMinute * RESERVED_PART_OF_LIMIT),
    ),
    expiresAtMs: now + RESERVATION_LIFETIME_MS,
    latestArrivalsMs: [],
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

/** The last reservation, if it is written and has a call left. */
function usableReservation(now: number): OwnReservation | undefined {
  return ownReservations
    .slice(-1)
    .find(({ latestArrivalsMs, calls, expiresAtMs }) => latestArrivalsMs.length < calls && now < expiresAtMs);
}

/** What is written about a reservation that has ended: how many calls were made, and when the last of them can arrive. */
function asEnded({ latestArrivalsMs }: OwnReservation): Reservation {
  return { calls: latestArrivalsMs.length, until_ms: Math.max(0, ...latestArrivalsMs) };
}

async function readReservations(invocation: Invocation): Promise<Reservation[]> {
  const { mpcRequestsPerMinute: calls } = invocation.settings;
  const record = await getRecord(OBJECT_KEY, invocation);
  if (record === undefined) return [];
  const { data: stored } = z.safeParse(Reservations, record);
  const latestMs = Date.now() + RESERVATION_LIFETIME_MS + CALL_ARRIVES_WITHIN_MS;
  if (stored === undefined) {
    // The reservations cannot be read: all permits may be reserved, and the next instance must know until when.
    const lots = [{ calls, until_ms: latestMs }];
    await putRecord(OBJECT_KEY, { lots }, invocation);
    return lots;
  }
  return stored.lots.map(({ calls, until_ms }) => ({ calls, until_ms: Math.min(until_ms, latestMs) }));
}
